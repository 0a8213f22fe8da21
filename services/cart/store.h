/*
 * store - typed reads and writes of carts; the only user of queries.sql, with api.c's list.
 */
#ifndef WAYBILL_CART_STORE_H
#define WAYBILL_CART_STORE_H

#include "cart.h"
#include "proto/product.h"
#include "rows.h"
#include "uow.h"

/* How long an open cart lives without being touched (WAYBILL_CART_TTL_S). */
int64_t cart_ttl_s(const struct ctx *ctx);

/* Reads a cart, priced. *ret_found is false when the shop has no such cart. */
enum err cart_read(struct uow *uow, const char *id, const char *shop, struct cart *ret, bool *ret_found) MUST_USE;

/* The same under the cart's lock, brought along or by one statement; with `sku` also that SKU's offer. */
enum err cart_lock(struct uow *uow, const char *id, const char *shop, const char *sku, struct cart *ret,
                   bool *ret_found) MUST_USE;

/* Carts as a batch brings them along, locked; carts that are only looked at; and what is offered of a SKU, by
 * sku_key(). */
extern const struct rows cart_rows;
extern const struct rows shown_cart_rows;
extern const struct rows sku_offers_rows;
const char *sku_key(struct arena *arena, const char *shop, const char *sku);

/* Whether anything is sold in a currency; brought along by sold_currency_key(), or asked. */
extern const struct rows sold_currency_rows;
const char *sold_currency_key(struct arena *arena, const char *shop, const char *currency);
enum err currency_is_sold(struct uow *uow, const char *shop, const char *currency, bool *ret_sold) MUST_USE;

/* A cart that is locked already, priced; brought by the batch, or read. It must exist. */
enum err cart_take(struct uow *uow, const char *id, const char *shop, struct cart *ret) MUST_USE;

/* Adds a new cart; `key` and `fingerprint` are of the request that made it, or NULL. */
void cart_add(struct uow *uow, const struct cart *cart, const char *key, const char *fingerprint);

/* What a cart was created as. */
struct created_cart {
    const char *id, *shop, *channel, *locale, *currency, *fingerprint;
    int64_t created_at;
};
enum err cart_find_created(struct uow *uow, const char *shop, const char *key, struct created_cart *ret,
                           bool *ret_found) MUST_USE;

/* Writes a changed cart that is locked; `was` is the version that it was read with. Its lines stay as they are, or are
 * written too. */
void cart_save(struct uow *uow, const struct cart *cart, int64_t was);
void cart_save_with_lines(struct uow *uow, const struct cart *cart, int64_t was);

/* Writes what the shopper was shown of a cart that was read without its lock: nothing, if it has changed meanwhile. */
void cart_save_shown(struct uow *uow, const struct cart *cart);

/* Replaces what the catalogue offers of products; of one that is there more than once, the last counts. */
enum err offers_replace(struct uow *uow, const void *const *products, size_t count) MUST_USE;

#endif
