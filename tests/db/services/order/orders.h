/*
 * orders - what the tests of order share: the events that it hears, the commands that it takes, and looks at its
 * tables.
 */
#ifndef WAYBILL_TEST_ORDERS_H
#define WAYBILL_TEST_ORDERS_H

#include "deliver.h"
#include "move.h"
#include "order/queries.h"
#include "proto/payment.h"
#include "store.h"
#include "suite.h"

#define ORDER "00000000-0000-7000-8000-000000000001"
#define CART "00000000-0000-7000-8000-000000000002"
#define LINE "00000000-0000-7000-8000-000000000003"
#define GROUP "00000000-0000-7000-8000-000000000004"
#define SHIPMENT "00000000-0000-7000-8000-000000000005"
#define OTHER "00000000-0000-7000-8000-000000000006"
#define NOBODY "00000000-0000-7000-8000-000000000009"

extern const struct subscription order_subscriptions[];
extern const struct timer order_timers[];

static struct service *service;

UNUSED static void open_all(void)
{
    service = deliver_open(order_queries, order_migrations, 4);
}

UNUSED static void close_all(void)
{
    deliver_close(service);
}

#define HEAR(type, ...) deliver_well(service, order_subscriptions, &type##_type, &(const struct type){__VA_ARGS__})

/* -- events -- */

static struct line line = {.line_id = LINE,
                           .sku = "CUP",
                           .title = "Cup",
                           .quantity = 2,
                           .unit_price = {1290, "EUR"},
                           .tax_class = "standard",
                           .total = {2580, "EUR"}};
static const char *line_ids[] = {LINE};
static struct group group = {.group_id = GROUP,
                             .method = "express",
                             .label = "Express",
                             .price = {590, "EUR"},
                             .country = "DE",
                             .line_ids = {line_ids, 1}};
static struct delivery delivery = {GROUP,
                                   {.name = "Ada Example", .line1 = "Torstrasse 1", .city = "Berlin", .country = "DE"}};

static struct checkout_completed completed(const char *method)
{
    return (struct checkout_completed){
        .checkout_id = ORDER,
        .shop = "main",
        .cart_id = CART,
        .placement = 1,
        .intent = 1,
        .channel = "web",
        .locale = "en",
        .currency = "EUR",
        .method = method,
        .capture = "instant",
        .lines = {&line, 1},
        .groups = {&group, 1},
        .totals = {{2580, "EUR"}, {590, "EUR"}, {506, "EUR"}, true, {3170, "EUR"}},
        .personal = {.email = "Ada@Example.com",
                     .billing = {.name = "Ada Example", .line1 = "Torstrasse 1", .city = "Berlin", .country = "DE"},
                     .deliveries = {&delivery, 1}},
    };
}

UNUSED static void place(const char *method)
{
    const struct checkout_completed event = completed(method);
    deliver_well(service, order_subscriptions, &checkout_completed_type, &event);
}

UNUSED static void plan(const char *shipment_id, const char *number)
{
    struct shipment_line lines[] = {{LINE, "CUP", "Cup", 2}};
    HEAR(shipment_planned, .shipment_id = shipment_id, .shop = "main", .order_id = ORDER, .number = number,
         .warehouse = "berlin", .group_id = GROUP, .method = "express", .lines = {lines, 1},
         .reason = "berlin has everything");
}

UNUSED static void release(const char *shipment_id)
{
    HEAR(shipment_released, .shipment_id = shipment_id, .shop = "main", .order_id = ORDER, .by = "clerk-anna");
}

UNUSED static void ship(const char *shipment_id)
{
    HEAR(shipment_shipped, .shipment_id = shipment_id, .shop = "main", .order_id = ORDER, .warehouse = "berlin",
         .carrier = "sandbox", .tracking_number = "T1", .by = "clerk-anna");
}

UNUSED static void deliver_parcel(const char *shipment_id, int64_t still_open)
{
    HEAR(shipment_delivered, .shipment_id = shipment_id, .shop = "main", .order_id = ORDER, .at = 1,
         .open_shipments = still_open);
}

UNUSED static void stop(const char *shipment_id, int64_t still_open)
{
    HEAR(shipment_stopped, .shipment_id = shipment_id, .shop = "main", .order_id = ORDER, .reason = "changed my mind",
         .open_shipments = still_open);
}

UNUSED static void capture(int64_t intent, int64_t amount)
{
    HEAR(payment_captured, .checkout_id = ORDER, .shop = "main", .intent = intent, .amount = {amount, "EUR"},
         .captured = {amount, "EUR"});
}

/* -- commands -- */

enum command { CANCEL, HOLD, LIFT };

UNUSED static enum err run_command(struct ctx *ctx, enum command command)
{
    struct order order;
    bool found;

    UNIT_OF_WORK(ctx, uow);
    TRY(order_lock(uow, ORDER, &order, &found));
    ck_assert(found);
    switch (command) {
    case CANCEL:
        TRY(order_ask_cancel(uow, &order, ON_CANCEL_ASKED, "changed my mind", "customer"));
        break;
    case HOLD:
        TRY(order_hold(uow, &order, "looks odd", "clerk-anna"));
        break;
    case LIFT:
        TRY(order_lift_hold(uow, &order, "clerk-anna"));
        break;
    }
    return uow_commit(uow);
}

UNUSED static enum err ask(enum command command)
{
    struct ctx *ctx = ctx_new(service);
    enum err err = run_command(ctx, command);
    ctx_release(ctx);
    return err;
}

/* -- what can be seen -- */

UNUSED static const char *kernel(void)
{
    return database_text("SELECT kernel FROM orders");
}

UNUSED static const char *status(void)
{
    return database_text("SELECT concat_ws(' / ', status, sub_status) FROM orders");
}

/* The types of the order's events without what they have in common, in their order. */
UNUSED static const char *told(void)
{
    return database_text("SELECT string_agg(substr(type, 9), ' ' ORDER BY id) FROM outbox"
                         " WHERE topic = 'waybill.order'");
}

UNUSED static const char *timeline(void)
{
    return database_text("SELECT string_agg(place || ' ' || what, ', ' ORDER BY place)"
                         " FROM (SELECT row_number() OVER (ORDER BY id) AS place, what FROM timeline) t");
}

/* Law 4: versions 1, 2, 3 ... without holes, and the row has the last one. */
UNUSED static void check_versions(void)
{
    ck_assert_int_eq(database_int("SELECT count(*) FROM (SELECT sequence, row_number() OVER (ORDER BY id) AS expected"
                                  " FROM outbox WHERE topic = 'waybill.order') s WHERE sequence <> expected"),
                     0);
    ck_assert_int_eq(database_int("SELECT max(sequence) - (SELECT version FROM orders) FROM outbox"
                                  " WHERE topic = 'waybill.order'"),
                     0);
    /* Each snapshot has the version that the last event before it had, and the last one tells how the order stands. */
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox s WHERE topic = 'waybill.order.snapshot' AND sequence <>"
                                  " (SELECT max(sequence) FROM outbox e WHERE e.topic = 'waybill.order'"
                                  " AND e.id < s.id)"),
                     0);
    ck_assert_int_eq(database_int("SELECT count(*) FROM orders, (SELECT body::jsonb AS body FROM outbox"
                                  " WHERE topic = 'waybill.order.snapshot' ORDER BY id DESC LIMIT 1) s"
                                  " WHERE concat_ws('|', kernel, status, sub_status)"
                                  " <> concat_ws('|', body ->> 'kernel', body ->> 'status', body ->> 'sub_status')"),
                     0);
}

#endif
