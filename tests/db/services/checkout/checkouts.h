/*
 * checkouts - what the tests of checkout share: what shoppers ask, what other services answer, and looks at the tables.
 */
#ifndef WAYBILL_TEST_CHECKOUTS_H
#define WAYBILL_TEST_CHECKOUTS_H

#include <string.h>

#include "checkout/queries.h"
#include "deliver.h"
#include "http.h"
#include "json.h"
#include "offer_cache.h"
#include "proto/cart.h"
#include "proto/hold.h"
#include "proto/order.h"
#include "proto/payment.h"
#include "store.h"
#include "suite.h"
#include "text.h"

#define CART "00000000-0000-7000-8000-000000000001"
#define LINE "00000000-0000-7000-8000-000000000002"

#define THREADS 20
#define FIRST_CLASS 390 /* to DE, of the sample rows */
#define TOTAL (2580 + FIRST_CLASS)

extern const struct route checkout_routes[];
extern const struct subscription checkout_subscriptions[];
extern const struct timer checkout_timers[];

static const struct setting settings[] = {
    {"WAYBILL_PLACEMENT_DEADLINE_S", SETTING_INT, "600", 1, 86400, "seconds"},
    {"WAYBILL_PLACEMENT_MAX_S", SETTING_INT, "1800", 1, 86400, "seconds"},
    {"WAYBILL_UNKNOWN_MAX_S", SETTING_INT, "3600", 1, 86400, "seconds"},
    {"WAYBILL_RETURN_HOSTS", SETTING_TEXT, "localhost", 0, 0, "hosts"},
    {"WAYBILL_CAPTURE_DEFERRED", SETTING_INT, "0", 0, 1, "flag"},
    {0},
};

static struct service *service;
static struct arena *arena;
static char checkout_id[64];

#define HEAR(type, ...) deliver_well(service, checkout_subscriptions, &type##_type, &(const struct type){__VA_ARGS__})

UNUSED static void open_all(void)
{
    arena = arena_new(4 << 20);
    service = deliver_open(checkout_queries, checkout_migrations, THREADS);
    service->config = config_read(arena, NULL, settings);
    ck_assert_ptr_nonnull(service->config);
    service->constraints = checkout_constraints;
    service->own = offer_cache_new();
}

UNUSED static void close_all(void)
{
    /* Law 4: versions 1, 2, 3 ... without holes, and the row has the last one. */
    ck_assert_int_eq(database_int("SELECT count(*) FROM (SELECT sequence, row_number() OVER (ORDER BY id) AS expected"
                                  " FROM outbox) s WHERE sequence <> expected"),
                     0);
    ck_assert_int_eq(database_int("SELECT coalesce(max(version), 0) - (SELECT count(*) FROM outbox) FROM checkout"), 0);
    offer_cache_free(service->own);
    deliver_close(service);
    arena_free(arena);
}

/* -- what the shopper asks, through the route's handler -- */

#define CHECKOUTS "/checkouts"
#define SHOW "/checkouts/:checkout_id"
#define ADDRESSES "/checkouts/:checkout_id/addresses"
#define DELIVERY "/checkouts/:checkout_id/delivery"
#define DELIVERIES "/checkouts/:checkout_id/delivery-options"
#define PAYMENT "/checkouts/:checkout_id/payment"
#define PLACE "/checkouts/:checkout_id/place"
#define PLACEMENT "/checkouts/:checkout_id/placement"
#define CANCEL "/checkouts/:checkout_id/cancel"

struct reply {
    enum err err;
    int status; /* 0: the route's */
    const char *why;
    const char *body;
};

/* Any thread; the answer is copied to `to`. */
UNUSED static struct reply call_for(struct arena *to, const char *cart_id, const char *method, const char *path,
                                    const char *key, const void *in)
{
    const struct route *route = checkout_routes;
    struct ctx *ctx = ctx_new(service);
    struct reply reply;

    while (route->method != NULL && !(text_equal(route->method, method) && text_equal(route->path, path)))
        route++;
    ck_assert(route->method != NULL);
    const char *body = in != NULL ? json_encode(ctx->arena, route->in, in) : "";
    struct request request = {.route = route,
                              .method = method,
                              .path = path,
                              .query = "",
                              .params = {checkout_id},
                              .body = body,
                              .body_size = strlen(body),
                              .key = key};
    void *out = arena_alloc(ctx->arena, route->out->size);
    ctx->request = &request;
    ctx->caller = (struct caller){.role = ROLE_SHOPPER, .shop = "main", .cart_id = cart_id};

    do {
        ctx_clear_problem(ctx);
        reply.err = route->handle(ctx, in, out);
    } while (reply.err == ERR_AGAIN);
    reply.status = request.status;
    reply.why = arena_strdup(to, ctx->problem.detail);
    reply.body = reply.err == ERR_NONE ? arena_strdup(to, json_encode(ctx->arena, route->out, out)) : "";
    ctx_release(ctx);
    return reply;
}

UNUSED static struct reply call(const char *method, const char *path, const void *in)
{
    return call_for(arena, CART, method, path, NULL, in);
}

/* The member of an answer; "" if it has none. */
UNUSED static const char *member(struct reply reply, const char *path)
{
    const char *found = json_find(arena, reply.body, strlen(reply.body), path);
    return found != NULL ? found : "";
}

UNUSED static int64_t total(struct reply reply)
{
    return strtoll(member(reply, "totals.total.amount"), NULL, 10);
}

static struct cart_line cup = {.line_id = LINE,
                               .sku = "CUP",
                               .title = "Cup, blue",
                               .quantity = 2,
                               .unit_price = {1290, "EUR"},
                               .tax_class = "standard",
                               .total = {2580, "EUR"}};

static struct open_checkout snapshot = {
    .cart_id = CART, .cart_version = 3, .channel = "web", .locale = "en", .currency = "EUR", .lines = {&cup, 1}};

UNUSED static const struct set_addresses berlin = {
    .email = "ada@example.com",
    .billing = {.name = "Ada Example", .line1 = "Torstrasse 1", .city = "Berlin", .country = "DE"},
    .shipping = {.name = "Ada Example", .line1 = "Torstrasse 1", .city = "Berlin", .country = "DE"},
};

UNUSED static struct reply open_checkout(void)
{
    struct reply reply = call("POST", CHECKOUTS, &snapshot);

    (void)snprintf(checkout_id, sizeof(checkout_id), "%s", member(reply, "id"));
    return reply;
}

/* A checkout that may be placed for TOTAL. */
UNUSED static void fill_in(void)
{
    ck_assert_int_eq(open_checkout().err, ERR_NONE);
    ck_assert_int_eq(call("PUT", ADDRESSES, &berlin).err, ERR_NONE);
    ck_assert_int_eq(call("PUT", DELIVERY, &(struct set_delivery){.method = "first_class"}).err, ERR_NONE);
    ck_assert_int_eq(call("PUT", PAYMENT, &(struct set_payment){.method = "bank_transfer"}).err, ERR_NONE);
}

UNUSED static struct reply place(const char *key, int64_t amount)
{
    return call_for(arena, CART, "POST", PLACE, key, &(struct place_order){.total = {amount, "EUR"}});
}

/* -- what others answer -- */

UNUSED static void lock_cart(int64_t placement)
{
    struct cart_line_list lines = {&cup, 1};

    HEAR(cart_locked, .cart_id = CART, .checkout_id = checkout_id, .placement = placement, .currency = "EUR",
         .lines = lines);
}

UNUSED static void refuse_cart(int64_t placement)
{
    HEAR(cart_lock_refused, .cart_id = CART, .checkout_id = checkout_id, .placement = placement, .reason = "expired");
}

UNUSED static void hold_stock(int64_t placement)
{
    HEAR(hold_held, .checkout_id = checkout_id, .placement = placement);
}

UNUSED static void promise_money(int64_t placement, int64_t intent)
{
    HEAR(payment_due, .checkout_id = checkout_id, .placement = placement, .intent = intent, .amount = {TOTAL, "EUR"},
         .method = "bank_transfer", .reference = "RF18");
}

UNUSED static const char *state(void)
{
    return database_text("SELECT concat_ws(' ', state, placement, intent, cart_locked, stock_held, winning_intent,"
                         " CASE WHEN deadline > now() THEN 'waits' END, reason, number) FROM checkout");
}

UNUSED static const char *last_told(const char *what)
{
    return database_text(arena_printf(arena,
                                      "SELECT concat_ws(' ', substr(type, 18), body::json %s) FROM outbox"
                                      " ORDER BY id DESC LIMIT 1",
                                      what));
}

#endif
