// Makes the tables and a shop of PEER_PRODUCTS things; filled.json says what a shopper has to know of it.
const fs = require("node:fs");
const { JobQueueService, ProductVariant, TransactionalConnection, bootstrap } = require("@vendure/core");
const { populate } = require("@vendure/core/cli");
const { config } = require("./config");

const HEADING =
  "name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory," +
  "variantAssets,variantFacets";
const SHOP = {
  defaultLanguage: "en",
  defaultZone: "Europe",
  countries: [{ name: "Germany", code: "DE", zone: "Europe" }],
  taxRates: [{ name: "Standard Tax", percentage: 19 }],
  shippingMethods: [{ name: "First class", price: 490 }],
  paymentMethods: [
    { name: "Later", handler: { code: "dummy-payment-handler", arguments: [{ name: "automaticSettle", value: "false" }] } },
  ],
  collections: [],
};

async function fill() {
  const rows = [HEADING];
  for (let number = 1; number <= Number(process.env.PEER_PRODUCTS); number++) {
    rows.push(`Thing ${number},thing-${number},To be sold,,,,,T-${number},${10 + (number % 50)}.00,standard,1000000000,true,,`);
  }
  fs.writeFileSync("products.csv", rows.join("\n") + "\n");
  const shop = await populate(() => bootstrap(config), SHOP, "products.csv");
  const variants = await shop.get(TransactionalConnection).rawConnection.getRepository(ProductVariant).find();
  await shop.get(JobQueueService).start();
  fs.writeFileSync("filled.json", JSON.stringify({ variants: variants.map(({ id }) => String(id)) }));
  await shop.close();
}

fill().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
