/*
 * payments - what the tests of payment share: what it hears, what its provider tells, and looks at its tables.
 */
#ifndef WAYBILL_TEST_PAYMENTS_H
#define WAYBILL_TEST_PAYMENTS_H

#include <stdio.h>

#include "clock.h"
#include "deliver.h"
#include "facts.h"
#include "payment/queries.h"
#include "proto/checkout.h"
#include "proto/order.h"
#include "settings.h"
#include "store.h"
#include "suite.h"

#define PAYMENT "00000000-0000-7000-8000-000000000001"
#define CART "00000000-0000-7000-8000-000000000002"
#define NOW (1700000000 * CLOCK_SECOND)

extern const struct subscription payment_subscriptions[];

static struct payment_settings own = {.public_url = "http://shop.example", .unknown_max_ms = 3600 * 1000};
static struct service *service;

UNUSED static void open_all(void)
{
    service = deliver_open(payment_queries, payment_migrations, 2);
    service->own = &own;
}

UNUSED static void close_all(void)
{
    /* Law 4: versions 1, 2, 3 ... without holes, and the row has the last one. */
    ck_assert_int_eq(database_int("SELECT count(*) FROM (SELECT sequence, row_number() OVER (ORDER BY id) AS expected"
                                  " FROM outbox) s WHERE sequence <> expected"),
                     0);
    ck_assert_int_eq(database_int("SELECT coalesce(sum(version), 0) - (SELECT coalesce(max(sequence), 0) FROM outbox)"
                                  " FROM payment"),
                     0);
    /* The books: all postings add up to nothing, and the balances that are kept to what was posted. */
    ck_assert_int_eq(database_int("SELECT coalesce(sum(amount), 0) FROM ledger_posting"), 0);
    ck_assert_int_eq(
        database_int("SELECT count(*) FROM ledger_balance b WHERE balance <> (SELECT coalesce(sum(amount), 0)"
                     " FROM ledger_posting p WHERE p.account = b.account AND p.subject = b.subject)"),
        0);
    deliver_close(service);
}

#define HEAR(type, ...) deliver_well(service, payment_subscriptions, &type##_type, &(const struct type){__VA_ARGS__})

UNUSED static void ask(const char *method)
{
    HEAR(checkout_payment_asked, .checkout_id = PAYMENT, .shop = "main", .placement = 1, .intent = 1, .method = method,
         .amount = {3170, "EUR"}, .capture = "deferred", .locale = "en", .deadline = NOW);
}

UNUSED static void place(const char *method, int64_t pay_by)
{
    HEAR(order_placed, .order_id = PAYMENT, .shop = "main", .number = "WB-100001", .cart_id = CART, .intent = 1,
         .channel = "web", .locale = "en", .currency = "EUR", .placed_at = NOW, .pay_by = pay_by, .method = method,
         .capture = "deferred", .totals = {.total = {3170, "EUR"}});
}

UNUSED static void cancel(void)
{
    HEAR(order_cancelled, .order_id = PAYMENT, .shop = "main", .number = "WB-100001", .reason = "asked",
         .by = "shopper", .total = {3170, "EUR"});
}

/* -- what it comes to -- */

UNUSED static const char *state(void)
{
    return database_text("SELECT state || ' ' || captured_minor FROM intent");
}

UNUSED static int64_t posted(const char *account)
{
    char text[200];

    (void)snprintf(text, sizeof(text), "SELECT coalesce(sum(amount), 0) FROM ledger_posting WHERE account = '%s'",
                   account);
    return database_int(text);
}

UNUSED static int64_t open_items(const char *kind)
{
    char text[200];

    (void)snprintf(text, sizeof(text), "SELECT count(*) FROM work_item WHERE kind = '%s' AND closed_at IS NULL", kind);
    return database_int(text);
}

/* -- the provider -- */

/* Takes a fact as a webhook brings it. */
static enum err take(struct ctx *ctx, struct fact *fact)
{
    struct fact_list facts = {fact, 1};

    UNIT_OF_WORK(ctx, uow);
    TRY(facts_sift(uow, &facts));
    TRY(facts_take(uow, &facts, "webhook"));
    return uow_commit(uow);
}

/* What the provider tells of the payment that it calls `ref`. */
static enum err tell(struct ctx *ctx, const char *ref, enum fact_kind kind, int64_t amount, int64_t expires_at)
{
    struct fact fact = {.id = arena_printf(ctx->arena, "%s:%d", ref, (int)kind),
                        .kind = kind,
                        .payment_id = PAYMENT,
                        .intent = 1,
                        .payment_ref = ref,
                        .amount_minor = amount,
                        .currency = "EUR",
                        .occurred_at = NOW,
                        .expires_at = expires_at};

    return take(ctx, &fact);
}

UNUSED static void told(const char *ref, enum fact_kind kind, int64_t amount, int64_t expires_at)
{
    struct ctx *ctx = ctx_new(service);

    ck_assert_int_eq(tell(ctx, ref, kind, amount, expires_at), ERR_NONE);
    ctx_release(ctx);
}

#endif
