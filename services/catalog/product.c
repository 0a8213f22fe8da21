/* What is sold, and how a row of an import changes it. */
#include "product.h"

#include "id.h"
#include "text.h"

RECORD_SHARED(product, FIELD_NAMED(product, head.id, "id"), FIELD(product, shop), FIELD(product, code),
              FIELD(product, title), FIELD(product, description), FIELD(product, tax_class), FIELD(product, active),
              FIELD_LIST_OF(product, variants, variant_record), FIELD_NAMED(product, head.version, "version"));

struct product product_new(struct arena *arena, const char *shop, const char *code)
{
    return (struct product){.head = {.id = id_new(arena)}, .shop = shop, .code = code, .title = "", .tax_class = ""};
}

static void set_text(const char **member, const char *value, bool *ret_changed)
{
    if (value == NULL || text_equal(*member, value))
        return;
    *member = value;
    *ret_changed = true;
}

static struct variant *find_variant(struct product *product, const char *sku)
{
    for (size_t i = 0; i < product->variants.count; i++) {
        if (text_equal(product->variants.items[i].sku, sku))
            return &product->variants.items[i];
    }
    return NULL;
}

static struct variant *add_variant(struct arena *arena, struct product *product, const char *sku)
{
    struct variant *items = arena_array(arena, product->variants.count + 1, sizeof(*items));
    for (size_t i = 0; i < product->variants.count; i++)
        items[i] = product->variants.items[i];
    product->variants.items = items;
    struct variant *variant = &items[product->variants.count++];
    *variant = (struct variant){.sku = sku, .title = ""};
    return variant;
}

static struct price *find_price(struct variant *variant, const char *currency)
{
    for (size_t i = 0; i < variant->prices.count; i++) {
        if (text_equal(variant->prices.items[i].currency, currency))
            return &variant->prices.items[i];
    }
    return NULL;
}

static void set_price(struct arena *arena, struct variant *variant, const char *currency, int64_t amount,
                      bool *ret_changed)
{
    struct price *price = find_price(variant, currency);

    if (price == NULL) {
        struct price *items = arena_array(arena, variant->prices.count + 1, sizeof(*items));
        for (size_t i = 0; i < variant->prices.count; i++)
            items[i] = variant->prices.items[i];
        variant->prices.items = items;
        price = &items[variant->prices.count++];
        price->currency = currency;
        *ret_changed = true;
    }
    if (price->amount != amount) {
        price->amount = amount;
        *ret_changed = true;
    }
}

const char *product_apply(struct arena *arena, struct product *product, const struct import_product_row *row,
                          bool *ret_changed)
{
    struct variant *variant = find_variant(product, row->sku);

    *ret_changed = false;
    if (variant == NULL && product->variants.count >= VARIANTS_MAX)
        return "the product has too many variants";
    if (variant != NULL && variant->prices.count >= PRICES_MAX && find_price(variant, row->currency) == NULL)
        return "the variant has too many prices";

    if (variant == NULL) {
        variant = add_variant(arena, product, row->sku);
        *ret_changed = true;
    }
    set_text(&product->title, row->title, ret_changed);
    set_text(&product->description, row->description, ret_changed);
    set_text(&product->tax_class, row->tax_class, ret_changed);
    if (row->variant_title != NULL)
        set_text(&variant->title, row->variant_title, ret_changed);
    else if (*variant->title == '\0')
        set_text(&variant->title, row->title, ret_changed);
    set_price(arena, variant, row->currency, row->price, ret_changed);
    if (row->weight_grams != 0 && variant->weight_grams != row->weight_grams) {
        variant->weight_grams = row->weight_grams;
        *ret_changed = true;
    }
    if (variant->active != row->active) {
        variant->active = row->active;
        *ret_changed = true;
    }

    product->active = false;
    for (size_t i = 0; i < product->variants.count; i++)
        product->active = product->active || product->variants.items[i].active;
    return NULL;
}

const struct product_view *product_offer(struct arena *arena, const struct product_view *product, const char *currency)
{
    struct product_view *offer = ARENA_NEW(arena, struct product_view);

    *offer = *product;
    offer->variants.items = arena_array(arena, product->variants.count, sizeof(struct variant));
    offer->variants.count = 0;
    for (size_t i = 0; i < product->variants.count; i++) {
        struct variant variant = product->variants.items[i];
        if (currency != NULL) {
            variant.prices.items = find_price(&variant, currency);
            variant.prices.count = variant.prices.items != NULL;
        }
        if (variant.active && variant.prices.count > 0)
            offer->variants.items[offer->variants.count++] = variant;
    }
    return offer->variants.count > 0 ? offer : NULL;
}
