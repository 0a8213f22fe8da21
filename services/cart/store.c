/* Typed reads and writes of carts. */
#include "store.h"

#include "cart/queries.h"
#include "service.h"

int64_t cart_ttl_s(const struct ctx *ctx)
{
    return config_int(ctx->service->config, "WAYBILL_CART_TTL_S");
}

enum err cart_read(struct uow *uow, const char *id, const char *shop, const char *sku, struct cart *ret,
                   bool *ret_found)
{
    return SQL_MAYBE(uow, cart_read, cart_record, ret, ret_found, .id = id, .shop = shop, .sku = sku);
}

enum err cart_lock(struct uow *uow, const char *id, const char *shop, const char *sku, struct cart *ret,
                   bool *ret_found)
{
    SQL(uow, cart_lock, .id = id);
    return cart_read(uow, id, shop, sku, ret, ret_found);
}

enum err cart_read_head(struct uow *uow, const char *id, const char *shop, struct cart *ret, bool *ret_found)
{
    return SQL_MAYBE(uow, cart_read_head, cart_record, ret, ret_found, .id = id, .shop = shop);
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

void cart_save(struct uow *uow, const struct cart *cart, int64_t was)
{
    SQL(uow, cart_save, .id = cart->head.id, .state = cart_state_names[cart->state], .checkout_id = cart->checkout_id,
        .placement = cart->claim.placement, .dead = cart->claim.dead, .ttl_s = cart_ttl_s(uow->ctx),
        .version = cart->head.version, .was = was);
}

void cart_line_put(struct uow *uow, const struct cart *cart, const struct priced_line *line)
{
    SQL(uow, line_put, .cart_id = cart->head.id, .line_id = line->line_id, .sku = line->sku, .title = line->title,
        .quantity = line->quantity, .shown_minor = line->shown_minor);
}

void cart_line_drop(struct uow *uow, const struct cart *cart, const struct priced_line *line)
{
    SQL(uow, line_drop, .cart_id = cart->head.id, .sku = line->sku);
}

static size_t count_prices(const struct product_changed *product)
{
    size_t count = 0;
    for (size_t i = 0; i < product->variants.count; i++)
        count += product->variants.items[i].prices.count;
    return count;
}

void offers_replace(struct uow *uow, const struct product_changed *product)
{
    struct arena *arena = uow->ctx->arena;
    const size_t count = count_prices(product);
    const char **skus = arena_array(arena, count, sizeof(char *));
    const char **currencies = arena_array(arena, count, sizeof(char *));
    const char **titles = arena_array(arena, count, sizeof(char *));
    int64_t *prices = arena_array(arena, count, sizeof(int64_t));
    int64_t *actives = arena_array(arena, count, sizeof(int64_t));
    size_t n = 0;

    for (size_t v = 0; v < product->variants.count; v++) {
        const struct variant *variant = &product->variants.items[v];
        for (size_t p = 0; p < variant->prices.count; p++, n++) {
            skus[n] = variant->sku;
            currencies[n] = variant->prices.items[p].currency;
            titles[n] = variant->title;
            prices[n] = variant->prices.items[p].amount;
            actives[n] = product->active && variant->active;
        }
    }
    SQL(uow, offers_drop, .product_id = product->product_id);
    SQL(uow, offer_put, .shop = product->shop, .product_id = product->product_id, .tax_class = product->tax_class,
        .skus = {skus, count}, .currencies = {currencies, count}, .titles = {titles, count}, .prices = {prices, count},
        .actives = {actives, count});
}
