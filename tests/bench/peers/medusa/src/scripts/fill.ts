// Makes a shop of PEER_PRODUCTS things; PEER_FILLED names the file that says what a shopper has to know of it.
import { Modules, ProductStatus } from "@medusajs/framework/utils"
import * as flows from "@medusajs/medusa/core-flows"
import { writeFileSync } from "node:fs"

const COUNTRY = "de"
const CURRENCY = "eur"
const MANY = 1_000_000_000
const AT_ONCE = 50

export default async function fill({ container }: any) {
  const run = async (flow: any, input: any) => (await flow(container).run({ input })).result
  const query = container.resolve("query")
  const link = container.resolve("link")
  const ids = async (entity: string) =>
    (await query.graph({ entity, fields: ["id"], pagination: { take: 100_000 } })).data.map(({ id }: any) => id)

  const [channel] = await run(flows.createSalesChannelsWorkflow, { salesChannelsData: [{ name: "Storefront" }] })
  const [store] = await container.resolve(Modules.STORE).listStores()
  await run(flows.updateStoresWorkflow, {
    selector: { id: store.id },
    update: {
      supported_currencies: [{ currency_code: CURRENCY, is_default: true }],
      default_sales_channel_id: channel.id,
    },
  })
  const [region] = await run(flows.createRegionsWorkflow, {
    regions: [
      { name: "Germany", currency_code: CURRENCY, countries: [COUNTRY], payment_providers: ["pp_system_default"] },
    ],
  })
  await run(flows.createTaxRegionsWorkflow, [
    { country_code: COUNTRY, provider_id: "tp_system", default_tax_rate: { name: "VAT", code: "vat", rate: 19 } },
  ])

  // One warehouse, and one way from there.
  const [warehouse] = await run(flows.createStockLocationsWorkflow, {
    locations: [{ name: "Berlin", address: { city: "Berlin", country_code: "DE", address_1: "Am Hafen 1" } }],
  })
  const fulfillment = container.resolve(Modules.FULFILLMENT)
  const at = (more: object) => link.create({ [Modules.STOCK_LOCATION]: { stock_location_id: warehouse.id }, ...more })
  await at({ [Modules.FULFILLMENT]: { fulfillment_provider_id: "manual_manual" } })
  const delivery = await fulfillment.createFulfillmentSets({
    name: "Delivery",
    type: "shipping",
    service_zones: [{ name: "Germany", geo_zones: [{ country_code: COUNTRY, type: "country" }] }],
  })
  await at({ [Modules.FULFILLMENT]: { fulfillment_set_id: delivery.id } })
  const [profile] = await run(flows.createShippingProfilesWorkflow, { data: [{ name: "Parcels", type: "default" }] })
  const [option] = await run(flows.createShippingOptionsWorkflow, [
    {
      name: "First class",
      price_type: "flat",
      provider_id: "manual_manual",
      service_zone_id: delivery.service_zones[0].id,
      shipping_profile_id: profile.id,
      type: { label: "First class", description: "Two days", code: "first" },
      prices: [{ currency_code: CURRENCY, amount: 4.9 }],
      rules: [
        { attribute: "enabled_in_store", value: "true", operator: "eq" },
        { attribute: "is_return", value: "false", operator: "eq" },
      ],
    },
  ])
  await run(flows.linkSalesChannelsToStockLocationWorkflow, { id: warehouse.id, add: [channel.id] })
  const [key] = await run(flows.createApiKeysWorkflow, {
    api_keys: [{ title: "Storefront", type: "publishable", created_by: "" }],
  })
  await run(flows.linkSalesChannelsToApiKeyWorkflow, { id: key.id, add: [channel.id] })

  const thing = (number: number) => ({
    title: `Thing ${number}`,
    handle: `thing-${number}`,
    status: ProductStatus.PUBLISHED,
    shipping_profile_id: profile.id,
    sales_channels: [{ id: channel.id }],
    options: [{ title: "Kind", values: ["Usual"] }],
    variants: [
      {
        title: "Usual",
        sku: `T-${number}`,
        options: { Kind: "Usual" },
        manage_inventory: true,
        prices: [{ currency_code: CURRENCY, amount: 10 + (number % 50) }],
      },
    ],
  })
  const numbers = Array.from({ length: Number(process.env.PEER_PRODUCTS) }, (_, index) => index + 1)
  for (let from = 0; from < numbers.length; from += AT_ONCE) {
    await run(flows.createProductsWorkflow, { products: numbers.slice(from, from + AT_ONCE).map(thing) })
  }
  await run(flows.createInventoryLevelsWorkflow, {
    inventory_levels: (await ids("inventory_item")).map((inventory_item_id: string) => ({
      inventory_item_id,
      location_id: warehouse.id,
      stocked_quantity: MANY,
    })),
  })
  const filled = { key: key.token, region: region.id, option: option.id, variants: await ids("product_variant") }
  writeFileSync(process.env.PEER_FILLED as string, JSON.stringify(filled))
}
