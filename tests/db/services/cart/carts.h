/*
 * carts - what the tests of cart share: one cart of a shopper, cups and pots on offer, and what is asked through
 * routes.
 */
#ifndef WAYBILL_TEST_CARTS_H
#define WAYBILL_TEST_CARTS_H

#include <string.h>
#include <ulfius.h>

#include "cart/queries.h"
#include "clock.h"
#include "deliver.h"
#include "http.h"
#include "proto/cart.h"
#include "proto/product.h"
#include "store.h"
#include "suite.h"
#include "text.h"

#define CART "00000000-0000-7000-8000-000000000001"
#define OTHER "00000000-0000-7000-8000-000000000003"
#define PRODUCT "00000000-0000-7000-8000-000000000004"

#define THREADS 20

extern const struct route cart_routes[];
extern const struct subscription cart_subscriptions[];

static const struct setting settings[] = {
    {"WAYBILL_CART_TTL_S", SETTING_INT, "3600", 1, 86400, "seconds"},
    {0},
};

static struct service *service;
static struct arena *arena;

#define HEAR(type, ...) deliver_well(service, cart_subscriptions, &type##_type, &(const struct type){__VA_ARGS__})

/* What catalog tells of a cup for `price`. */
static void tell_price(int64_t price, bool is_active)
{
    struct price prices[] = {{price, "EUR"}, {price + 200, "USD"}};
    struct variant variants[] = {{"CUP", "Cup, blue", {prices, 2}, 300, is_active},
                                 {"POT", "Pot", {prices, 1}, 900, true}};

    HEAR(product_changed, .product_id = PRODUCT, .shop = "main", .code = "cup", .title = "Cup", .tax_class = "standard",
         .active = true, .variants = {variants, 2});
}

static enum err make_cart(struct ctx *ctx)
{
    struct cart cart = {.head = {.id = CART},
                        .shop = "main",
                        .channel = "web",
                        .locale = "en",
                        .currency = "EUR",
                        .created_at = clock_now()};

    UNIT_OF_WORK(ctx, uow);
    cart_add(uow, &cart, NULL, NULL);
    return uow_commit(uow);
}

/* An empty cart of a shopper, and cups on offer for 12.90. */
UNUSED static void open_all(void)
{
    arena = arena_new(1 << 20);
    service = deliver_open(cart_queries, cart_migrations, THREADS);
    service->config = config_read(arena, NULL, settings);
    ck_assert_ptr_nonnull(service->config);
    tell_price(1290, true);
    struct ctx *ctx = ctx_new(service);
    ck_assert_int_eq(make_cart(ctx), ERR_NONE);
    ctx_release(ctx);
}

UNUSED static void close_all(void)
{
    /* Law 4: versions 1, 2, 3 ... without holes, and the row has the last one. */
    ck_assert_int_eq(database_int("SELECT count(*) FROM (SELECT sequence, row_number() OVER (ORDER BY id) AS expected"
                                  " FROM outbox) s WHERE sequence <> expected"),
                     0);
    ck_assert_int_eq(database_int("SELECT version - (SELECT max(sequence) FROM outbox) FROM cart"), 0);
    deliver_close(service);
    arena_free(arena);
}

/* -- what the shopper asks, through the route's handler -- */

static char line_id[64];

/* The answer lives as long as the context. Shoppers send the version that they saw of the cart, as If-Match. */
static enum err call_seeing(struct ctx *ctx, const char *seen, const char *method, const char *path, const void *in,
                            void *ret)
{
    const struct route *route = cart_routes;
    struct _u_map headers;
    struct _u_request ulfius = {.map_header = &headers};
    struct request request = {.params = {CART, line_id}, .query = "", .ulfius = &ulfius};

    while (route->method != NULL && !(text_equal(route->method, method) && text_equal(route->path, path)))
        route++;
    ck_assert(route->method != NULL);
    ck_assert_int_eq(u_map_init(&headers), U_OK);
    ck_assert_int_eq(u_map_put(&headers, "If-Match", seen), U_OK);
    request.route = route;
    ctx->request = &request;
    ctx->caller = (struct caller){
        .role = (route->who & ROLE_SHOPPER) != 0 ? ROLE_SHOPPER : ROLE_STAFF, .shop = "main", .cart_id = CART};
    enum err err = route->handle(ctx, in, ret);
    ck_assert_int_eq(u_map_clean(&headers), U_OK);
    return err;
}

UNUSED static enum err call(struct ctx *ctx, const char *method, const char *path, const void *in, void *ret)
{
    return call_seeing(ctx, "\"1\"", method, path, in, ret);
}

UNUSED static enum err add(const char *sku, int64_t quantity, const char **ret_why)
{
    struct ctx *ctx = ctx_new(service);
    struct cart_view view;

    enum err err =
        call(ctx, "POST", "/carts/:cart_id/items", &(struct add_item){.sku = sku, .quantity = quantity}, &view);
    if (ret_why != NULL)
        *ret_why = arena_strdup(arena, ctx->problem.detail);
    ctx_release(ctx);
    return err;
}

/* The cart's lines: "CUP 2 1290, POT 1 1290". */
UNUSED static const char *lines(void)
{
    return database_text("SELECT string_agg(concat_ws(' ', sku, quantity, shown_minor), ', ')"
                         "  FROM cart, json_to_recordset(lines) AS l (sku text, quantity bigint, shown_minor bigint)");
}

UNUSED static void find_cup(void)
{
    (void)snprintf(line_id, sizeof(line_id), "%s",
                   database_text("SELECT l ->> 'line_id' FROM cart, json_array_elements(lines) l"
                                 " WHERE l ->> 'sku' = 'CUP'"));
}

#endif
