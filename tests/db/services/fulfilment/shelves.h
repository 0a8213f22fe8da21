/*
 * shelves - what the tests of fulfilment share: stock on shelves, placements that want it, and a look at the books.
 */
#ifndef WAYBILL_TEST_SHELVES_H
#define WAYBILL_TEST_SHELVES_H

#include <stdio.h>
#include <string.h>

#include "deliver.h"
#include "fulfilment/queries.h"
#include "http.h"
#include "id.h"
#include "proto/hold.h"
#include "proto/http_operations.h"
#include "proto/payment.h"
#include "proto/shipment.h"
#include "steps.h"
#include "stock.h"
#include "store.h"
#include "suite.h"

#define LINE "00000000-0000-7000-8000-00000000000a"
#define MORE "00000000-0000-7000-8000-00000000000b"
#define CART "00000000-0000-7000-8000-00000000000c"
#define GROUP "00000000-0000-7000-8000-00000000000d"

extern const struct subscription fulfilment_subscriptions[];
extern const struct timer fulfilment_timers[];

#define HEAR(service, type, ...)                                                                                       \
    deliver_well(service, fulfilment_subscriptions, &type##_type, &(const struct type){__VA_ARGS__})

/* A ctx of a clerk. */
UNUSED static struct ctx *clerk(struct service *service)
{
    struct ctx *ctx = ctx_new(service);

    ctx->caller = (struct caller){.role = ROLE_STAFF, .shop = "main", .name = "clerk-anna", .rights = "stock shipping"};
    return ctx;
}

/* Somebody counts the shelves. */
UNUSED static void count_shelf(struct service *service, const char *sku, const char *warehouse, int64_t counted)
{
    struct ctx *ctx = clerk(service);
    struct request request = {0};
    struct stock_view view;

    ctx->request = &request;
    enum err err = count_stock(ctx, &(struct count_stock){sku, warehouse, counted, "inventory"}, &view);
    ck_assert_msg(err == ERR_NONE, "%s", ctx->problem.detail);
    ck_assert_int_eq(view.on_hand, counted);
    ctx_release(ctx);
}

/* A placement asks for so many of up to two SKUs (0: none of it). */
UNUSED static enum err claim(struct service *service, const char *checkout_id, int64_t placement, int64_t cups,
                             int64_t pots)
{
    static const char *ids[] = {LINE, MORE};
    static struct claim_group group = {GROUP, "DE", {ids, 2}};
    struct claim_line lines[2];
    size_t count = 0;

    if (cups > 0)
        lines[count++] = (struct claim_line){LINE, "CUP", cups, {1290, "EUR"}};
    if (pots > 0)
        lines[count++] = (struct claim_line){MORE, "POT", pots, {3000, "EUR"}};
    return deliver(service, fulfilment_subscriptions, &checkout_claims_asked_type,
                   &(struct checkout_claims_asked){.checkout_id = checkout_id,
                                                   .shop = "main",
                                                   .cart_id = CART,
                                                   .placement = placement,
                                                   .currency = "EUR",
                                                   .lines = {lines, count},
                                                   .groups = {&group, 1}});
}

UNUSED static enum err fail_placement(struct service *service, const char *checkout_id, int64_t placement)
{
    return deliver(
        service, fulfilment_subscriptions, &checkout_failed_type,
        &(struct checkout_failed){
            .checkout_id = checkout_id, .shop = "main", .cart_id = CART, .placement = placement, .reason = "declined"});
}

/* The placement became an order, to be paid by its intent number 2. */
UNUSED static enum err place_order(struct service *service, const char *order_id, const char *method,
                                   const char *capture)
{
    static struct line lines[] = {{.line_id = LINE, .sku = "CUP", .title = "Cup"},
                                  {.line_id = MORE, .sku = "POT", .title = "Pot"}};
    static const char *ids[] = {LINE, MORE};
    static struct group group = {.group_id = GROUP, .method = "express", .country = "DE", .line_ids = {ids, 2}};
    static struct delivery delivery = {
        GROUP, {.name = "Ada Example", .line1 = "Torstrasse 1", .city = "Berlin", .country = "DE"}};

    return deliver(service, fulfilment_subscriptions, &order_placed_type,
                   &(struct order_placed){.order_id = order_id,
                                          .shop = "main",
                                          .number = "WB-100001",
                                          .cart_id = CART,
                                          .intent = 2,
                                          .method = method,
                                          .capture = capture,
                                          .lines = {lines, 2},
                                          .groups = {&group, 1},
                                          .totals = {.total = {3170, "EUR"}},
                                          .personal = {.email = "ada@example.com", .deliveries = {&delivery, 1}}});
}

UNUSED static enum err cancel_order(struct service *service, const char *order_id)
{
    return deliver(service, fulfilment_subscriptions, &order_cancel_asked_type,
                   &(struct order_cancel_asked){.order_id = order_id,
                                                .shop = "main",
                                                .number = "WB-100001",
                                                .reason = "changed my mind",
                                                .by = "customer"});
}

/* -- the desk -- */

enum step { RELEASE, PICK, PACK, SHIP, KEEP_BACK, LET_GO };

UNUSED static enum err take_step(struct ctx *ctx, const char *shipment_id, enum step step)
{
    const char *tracking = arena_printf(ctx->arena, "T-%s", shipment_id);
    struct shipment shipment;
    bool found;

    UNIT_OF_WORK(ctx, uow);
    if (step == SHIP) {
        stock_lock_of_shipment(uow, shipment_id);
        TRY(shipment_lock_family(uow, shipment_id));
    }
    TRY(shipment_lock(uow, shipment_id, "main", &shipment, &found));
    ck_assert(found);
    switch (step) {
    case RELEASE:
        TRY(shipment_release(uow, &shipment, "clerk-anna"));
        break;
    case PICK:
        TRY(shipment_pick(uow, &shipment, "clerk-anna"));
        break;
    case PACK:
        TRY(shipment_pack(uow, &shipment, "clerk-anna"));
        break;
    case SHIP:
        TRY(shipment_ship(uow, &shipment, &(struct ship_shipment){"sandbox", tracking}, "clerk-anna"));
        break;
    case KEEP_BACK:
        TRY(shipment_hold(uow, &shipment, "broken", "clerk-anna"));
        break;
    case LET_GO:
        TRY(shipment_lift_hold(uow, &shipment, "clerk-anna"));
        break;
    }
    return uow_commit(uow);
}

UNUSED static enum err desk(struct service *service, const char *shipment_id, enum step step)
{
    struct ctx *ctx = clerk(service);
    enum err err = take_step(ctx, shipment_id, step);

    ctx_release(ctx);
    return err;
}

/* -- the books -- */

/* "berlin CUP 5/2/0 ..." : on hand, held, allocated. */
UNUSED static const char *shelves(void)
{
    return database_text("SELECT string_agg(concat(warehouse, ' ', sku, ' ', on_hand, '/', held, '/', allocated), ', '"
                         " ORDER BY warehouse, sku) FROM stock");
}

/* The types of all events without what they have in common, in their order. */
UNUSED static const char *told(void)
{
    return database_text("SELECT string_agg(substr(type, 9), ' ' ORDER BY id) FROM outbox");
}

/* Law 9: what stock says is what its moves, holds and shipments add up to; and events have dense versions. */
UNUSED static void check_books(void)
{
    ck_assert_int_eq(database_int("SELECT count(*) FROM stock s WHERE on_hand <> (SELECT coalesce(sum(quantity), 0)"
                                  " FROM stock_move m WHERE m.sku = s.sku AND m.warehouse = s.warehouse)"),
                     0);
    ck_assert_int_eq(database_int("SELECT count(*) FROM stock s WHERE held <> (SELECT coalesce(sum(l.quantity), 0)"
                                  " FROM hold_line l JOIN hold h ON h.id = l.hold_id AND h.state = 'held'"
                                  " WHERE l.sku = s.sku AND l.warehouse = s.warehouse)"),
                     0);
    ck_assert_int_eq(database_int("SELECT count(*) FROM stock s WHERE allocated <> (SELECT coalesce(sum((l ->>"
                                  " 'quantity')::bigint), 0) FROM shipment p, json_array_elements(p.lines) l"
                                  " WHERE p.warehouse = s.warehouse AND l ->> 'sku' = s.sku AND p.state IN"
                                  " ('planned', 'released', 'picked', 'packed'))"),
                     0);
    ck_assert_int_eq(database_int("SELECT count(*) FROM stock WHERE on_hand < 0 OR held < 0 OR allocated < 0"), 0);
    ck_assert_int_eq(database_int("SELECT count(*) FROM (SELECT sequence, row_number() OVER (PARTITION BY topic, key"
                                  " ORDER BY id) AS expected FROM outbox) s WHERE sequence <> expected"),
                     0);
}

#endif
