/* Typed reads and writes of carts. */
#include "store.h"

#include "cart/queries.h"
#include "json.h"
#include "service.h"
#include "text.h"

/* Between the parts of a key: what stands in no name. */
#define PAIR_FORMAT "%s\x1f%s"

const struct rows cart_rows = {&Q_carts_lock, &Q_carts_read, &cart_record};
const struct rows shown_cart_rows = {NULL, &Q_carts_read, &cart_record};

struct sku_offers {
    const char *id;
    struct cart_offer_list offers; /* in each currency */
};

static RECORD(sku_offers, FIELD(sku_offers, id), FIELD_LIST_OF(sku_offers, offers, cart_offer_record));

const struct rows sku_offers_rows = {NULL, &Q_sku_offers_read, &sku_offers_record};

struct sold_currency {
    const char *id;
};

static RECORD(sold_currency, FIELD(sold_currency, id));

const struct rows sold_currency_rows = {NULL, &Q_sold_currencies_read, &sold_currency_record};

const char *sku_key(struct arena *arena, const char *shop, const char *sku)
{
    return arena_printf(arena, PAIR_FORMAT, shop, sku);
}

const char *sold_currency_key(struct arena *arena, const char *shop, const char *currency)
{
    return arena_printf(arena, PAIR_FORMAT, shop, currency);
}

enum err currency_is_sold(struct uow *uow, const char *shop, const char *currency, bool *ret_sold)
{
    struct sold_currency sold;

    return rows_see_or_ask(uow, &sold_currency_rows, sold_currency_key(uow->ctx->arena, shop, currency), &sold,
                           ret_sold);
}

int64_t cart_ttl_s(const struct ctx *ctx)
{
    return config_int(ctx->service->config, "WAYBILL_CART_TTL_S");
}

enum err cart_read(struct uow *uow, const char *id, const char *shop, struct cart *ret, bool *ret_found)
{
    TRY(rows_take_or_ask(uow, &shown_cart_rows, id, ret, ret_found));
    *ret_found = *ret_found && text_equal(ret->shop, shop);
    if (*ret_found)
        cart_apply_offers(ret, NULL);
    return ERR_NONE;
}

/* To a cart that came along: which SKU is asked for its row could not know. */
static enum err add_offers(struct uow *uow, const char *sku, struct cart *cart)
{
    struct arena *arena = uow->ctx->arena;
    struct sku_offers offers;
    bool found;

    TRY(rows_see_or_ask(uow, &sku_offers_rows, sku_key(arena, cart->shop, sku), &offers, &found));
    if (found)
        cart_add_offers(arena, cart, &offers.offers);
    return ERR_NONE;
}

enum err cart_lock(struct uow *uow, const char *id, const char *shop, const char *sku, struct cart *ret,
                   bool *ret_found)
{
    if (!rows_take(uow, &cart_rows, id, ret))
        TRY(SQL_MAYBE(uow, cart_lock, cart_record, ret, ret_found, .id = id, .shop = shop, .sku = sku));
    else if ((*ret_found = text_equal(ret->shop, shop)) && sku != NULL)
        TRY(add_offers(uow, sku, ret));
    if (*ret_found)
        cart_apply_offers(ret, sku);
    return ERR_NONE;
}

enum err cart_take(struct uow *uow, const char *id, const char *shop, struct cart *ret)
{
    bool found;

    TRY(rows_take_or_ask(uow, &cart_rows, id, ret, &found));
    if (!found || !text_equal(ret->shop, shop))
        return FAIL(uow->ctx, NOT_FOUND, "cart \"%s\" was never created", id);
    cart_apply_offers(ret, NULL);
    return ERR_NONE;
}

static RECORD(created_cart, FIELD(created_cart, id), FIELD(created_cart, shop), FIELD(created_cart, channel),
              FIELD(created_cart, locale), FIELD(created_cart, currency), FIELD(created_cart, fingerprint),
              FIELD_AS_TIME(created_cart, created_at));

enum err cart_find_created(struct uow *uow, const char *shop, const char *key, struct created_cart *ret,
                           bool *ret_found)
{
    return SQL_MAYBE(uow, cart_by_key, created_cart_record, ret, ret_found, .shop = shop, .key = key);
}

void cart_add(struct uow *uow, const struct cart *cart, const char *key, const char *fingerprint)
{
    SQL(uow, cart_add, .id = cart->head.id, .shop = cart->shop, .channel = cart->channel, .locale = cart->locale,
        .currency = cart->currency, .ttl_s = cart_ttl_s(uow->ctx), .version = cart->head.version, .key = key,
        .fingerprint = key != NULL ? fingerprint : NULL, .created_at = cart->created_at);
}

static const char *lines_json(struct uow *uow, const struct cart *cart)
{
    return json_encode_list(uow->ctx->arena, &priced_line_record, cart->lines.items, cart->lines.count);
}

static void save(struct uow *uow, const struct cart *cart, int64_t was, const char *lines)
{
    SQL(uow, cart_save, .id = cart->head.id, .state = cart_state_names[cart->state], .checkout_id = cart->checkout_id,
        .placement = cart->claim.placement, .dead = cart->claim.dead, .ttl_s = cart_ttl_s(uow->ctx),
        .version = cart->head.version, .was = was, .lines = lines);
}

void cart_save(struct uow *uow, const struct cart *cart, int64_t was)
{
    save(uow, cart, was, NULL);
}

void cart_save_with_lines(struct uow *uow, const struct cart *cart, int64_t was)
{
    save(uow, cart, was, lines_json(uow, cart));
}

void cart_save_shown(struct uow *uow, const struct cart *cart)
{
    SQL(uow, cart_save_shown, .lines = lines_json(uow, cart), .id = cart->head.id, .version = cart->head.version);
}

/* What products cost: an entry of each array for each price. */
struct prices {
    size_t count;
    const char **shops;
    const char **skus;
    const char **currencies;
    const char **products;
    const char **titles;
    const char **tax_classes;
    int64_t *amounts;
    int64_t *actives;
};

static size_t count_prices(const struct product_changed *product)
{
    size_t count = 0;
    for (size_t i = 0; i < product->variants.count; i++)
        count += product->variants.items[i].prices.count;
    return count;
}

static struct prices prices_new(struct arena *arena, size_t most)
{
    return (struct prices){
        .shops = arena_array(arena, most, sizeof(char *)),
        .skus = arena_array(arena, most, sizeof(char *)),
        .currencies = arena_array(arena, most, sizeof(char *)),
        .products = arena_array(arena, most, sizeof(char *)),
        .titles = arena_array(arena, most, sizeof(char *)),
        .tax_classes = arena_array(arena, most, sizeof(char *)),
        .amounts = arena_array(arena, most, sizeof(int64_t)),
        .actives = arena_array(arena, most, sizeof(int64_t)),
    };
}

static void add_prices(struct prices *prices, const struct product_changed *product)
{
    for (size_t v = 0; v < product->variants.count; v++) {
        const struct variant *variant = &product->variants.items[v];
        for (size_t p = 0; p < variant->prices.count; p++) {
            const size_t n = prices->count++;
            prices->shops[n] = product->shop;
            prices->skus[n] = variant->sku;
            prices->currencies[n] = variant->prices.items[p].currency;
            prices->products[n] = product->product_id;
            prices->titles[n] = variant->title;
            prices->tax_classes[n] = product->tax_class;
            prices->amounts[n] = variant->prices.items[p].amount;
            prices->actives[n] = product->active && variant->active;
        }
    }
}

/* Whether a later one of the same product follows. */
static bool is_outdated(const void *const *products, size_t count)
{
    const struct product_changed *first = products[0];

    for (size_t i = 1; i < count; i++)
        if (text_equal(((const struct product_changed *)products[i])->product_id, first->product_id))
            return true;
    return false;
}

enum err offers_replace(struct uow *uow, const void *const *products, size_t count)
{
    struct arena *arena = uow->ctx->arena;
    const char **ids = arena_array(arena, count, sizeof(char *));
    size_t most = 0;

    for (size_t i = 0; i < count; i++) {
        ids[i] = ((const struct product_changed *)products[i])->product_id;
        most += count_prices(products[i]);
    }
    struct prices prices = prices_new(arena, most);
    for (size_t i = 0; i < count; i++)
        if (!is_outdated(products + i, count - i))
            add_prices(&prices, products[i]);
    const size_t n = prices.count;
    SQL(uow, offers_replace, .shops = {prices.shops, n}, .skus = {prices.skus, n}, .currencies = {prices.currencies, n},
        .products = {prices.products, n}, .titles = {prices.titles, n}, .tax_classes = {prices.tax_classes, n},
        .prices = {prices.amounts, n}, .actives = {prices.actives, n}, .product_ids = {ids, count});
    return ERR_NONE;
}
