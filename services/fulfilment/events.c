/* What fulfilment hears: claims on stock, orders to ship or to stop, and the money that lets shipments go. */
#include "consumer.h"

#include "fulfilment/queries.h"
#include "id.h"
#include "log.h"
#include "proto/hold.h"
#include "proto/payment.h"
#include "proto/shipment.h"
#include "store.h"
#include "text.h"
#include "work_item.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

/* --- claims --- */

/* A checkout's first placement can have taken nothing before; a later one may give back what its forerunner took. */
static void needs_claimed_stock(struct needs *needs, const struct message *message UNUSED, const void *event)
{
    const struct checkout_claims_asked *asked = event;

    needs_row(needs, &hold_rows, asked->checkout_id);
    for (size_t i = 0; i < asked->lines.count; i++) {
        needs_lock(needs, &Q_stock_lock, stock_key_of_sku(needs_arena(needs), asked->lines.items[i].sku));
        needs_row(needs, &stocked_rows, asked->lines.items[i].sku);
    }
    if (asked->placement > 1)
        needs_lock(needs, &Q_stock_lock, stock_key_of_hold(needs_arena(needs), asked->checkout_id));
}

static void contradiction(struct uow *uow, const struct hold *hold, const struct fsm_move *move)
{
    work_item_open(uow, "hold_contradiction", hold->head.id, move->why, "note", DAY_MS);
}

/* Frees what the hold has taken; the offers that were read along have it again. */
static void drop_allocations(struct uow *uow, struct hold *hold)
{
    const struct allocation_list *taken = &hold->allocations;

    if (taken->count > 0)
        stock_shift(uow, taken, -1, 0);
    for (size_t i = 0; i < taken->count; i++) {
        for (size_t o = 0; o < hold->offers.count; o++) {
            struct offer *offer = &hold->offers.items[o];
            if (text_equal(offer->sku, taken->items[i].sku) && text_equal(offer->warehouse, taken->items[i].warehouse))
                offer->available += taken->items[i].quantity;
        }
    }
    hold->allocations.count = 0;
}

/* Takes stock for a placement, or says what is short. */
static enum err take(struct uow *uow, struct hold *hold, const struct checkout_claims_asked *asked)
{
    const char *country = asked->groups.count > 0 ? asked->groups.items[0].country : NULL;
    struct sourcing sourcing;

    source(uow->ctx->arena, &asked->lines, &hold->offers, country, &sourcing);
    hold->claim.placement = asked->placement;
    if (sourcing.shortages.count > 0) {
        hold->state = HOLD_FREE;
        return emit_hold_refused(uow, &hold->head,
                                 &(struct hold_refused){
                                     .checkout_id = hold->head.id,
                                     .shop = hold->shop,
                                     .placement = asked->placement,
                                     .shortages = sourcing.shortages,
                                 });
    }
    hold->state = HOLD_HELD;
    hold->reason = sourcing.reason;
    hold->allocations = sourcing.allocations;
    stock_shift(uow, &hold->allocations, 1, 0);
    return emit_hold_held(uow, &hold->head,
                          &(struct hold_held){
                              .checkout_id = hold->head.id,
                              .shop = hold->shop,
                              .placement = asked->placement,
                              .allocations = sourcing.allocations,
                              .reason = sourcing.reason,
                          });
}

/* Nothing was taken yet for this checkout. */
static void begin_hold(const char *checkout_id, const char *shop, struct hold *ret)
{
    ret->head.id = checkout_id;
    ret->shop = shop;
    ret->reason = "";
}

static enum err on_claims_asked(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct checkout_claims_asked *asked = event;
    struct hold hold;
    bool found;

    TRY(hold_read_with_offers(uow, asked->checkout_id, asked->shop, &asked->lines, &hold, &found));
    if (!found)
        begin_hold(asked->checkout_id, asked->shop, &hold);

    const struct fsm_move move =
        fsm_next(&hold_fsm, (int)hold.state, (int)claim_asked(hold.claim, asked->placement), &hold, asked);
    if (move.outcome == FSM_WORK_ITEM)
        contradiction(uow, &hold, &move);
    if (move.outcome != FSM_ACT)
        return ERR_NONE;
    if (hold.state == HOLD_HELD)
        drop_allocations(uow, &hold);
    TRY(take(uow, &hold, asked));
    hold_save(uow, &hold, !found);
    return ERR_NONE;
}

static void needs_held_stock(struct needs *needs, const struct message *message UNUSED, const void *event)
{
    const struct checkout_failed *failed = event;

    needs_row(needs, &hold_rows, failed->checkout_id);
    needs_lock(needs, &Q_stock_lock, stock_key_of_hold(needs_arena(needs), failed->checkout_id));
}

/* The placement failed: its claim ends, and every older one with it. */
static enum err on_checkout_failed(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct checkout_failed *failed = event;
    struct hold hold = {0};
    bool found;

    TRY(hold_read(uow, failed->checkout_id, &hold, &found));
    if (!found)
        begin_hold(failed->checkout_id, failed->shop, &hold);

    const struct fsm_move move =
        fsm_next(&hold_fsm, (int)hold.state, (int)claim_released(hold.claim, failed->placement), &hold, failed);
    if (move.outcome == FSM_WORK_ITEM)
        contradiction(uow, &hold, &move);
    if (move.outcome != FSM_ACT)
        return ERR_NONE;
    if (hold.state == HOLD_HELD) {
        drop_allocations(uow, &hold);
        TRY(emit_hold_released(uow, &hold.head,
                               &(struct hold_released){
                                   .checkout_id = hold.head.id,
                                   .shop = hold.shop,
                                   .placement = failed->placement,
                               }));
    }
    hold.state = HOLD_FREE;
    hold.claim.dead = failed->placement;
    hold_save(uow, &hold, !found);
    return ERR_NONE;
}

/* --- orders --- */

/* What an order has is what its placement held, and so of the same SKUs. */
static void needs_ordered_stock(struct needs *needs, const struct message *message UNUSED, const void *event)
{
    const struct order_placed *placed = event;

    needs_row(needs, &hold_rows, placed->order_id);
    needs_row(needs, &shipment_number_rows, placed->order_id);
    for (size_t i = 0; i < placed->lines.count; i++)
        needs_lock(needs, &Q_stock_lock, stock_key_of_sku(needs_arena(needs), placed->lines.items[i].sku));
}

static enum err plan_one(struct uow *uow, const struct order_placed *placed, const struct planned_shipment *plan,
                         const char *number, const char *reason)
{
    struct shipment shipment = {
        .head = {.id = id_new(uow->ctx->arena)},
        .shop = placed->shop,
        .number = number,
        .order_id = placed->order_id,
        .group_id = plan->group_id,
        .warehouse = plan->warehouse,
        .method = plan->method,
        .lines = plan->lines,
        .quantity = plan->quantity,
        .latest = plan->latest,
    };

    TRY(emit_shipment_planned(uow, &shipment.head,
                              &(struct shipment_planned){
                                  .shipment_id = shipment.head.id,
                                  .shop = shipment.shop,
                                  .order_id = shipment.order_id,
                                  .number = shipment.number,
                                  .warehouse = shipment.warehouse,
                                  .group_id = shipment.group_id,
                                  .method = shipment.method,
                                  .lines = shipment.lines,
                                  .reason = reason,
                              }));
    shipment_add(uow, &shipment, reason, plan->address);
    return ERR_NONE;
}

/* The order owns what its placement held: the hold is confirmed and becomes shipments. */
static enum err on_order_placed(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct order_placed *placed = event;
    struct planned_shipment_list plans;
    const char *number;
    struct hold hold;
    bool found;

    TRY(hold_read(uow, placed->order_id, &hold, &found));
    if (!found)
        return FAIL(uow->ctx, NOT_FOUND, "order \"%s\" was placed without a hold", placed->order_id);
    const struct fsm_move move = fsm_next(&hold_fsm, (int)hold.state, ON_CONFIRM, &hold, placed);
    if (move.outcome == FSM_WORK_ITEM)
        contradiction(uow, &hold, &move);
    if (move.outcome != FSM_ACT)
        return ERR_NONE;

    stock_shift(uow, &hold.allocations, -1, 1);
    hold.state = HOLD_CONFIRMED;
    hold_save(uow, &hold, false);
    SQL(uow, order_add, .id = placed->order_id, .shop = placed->shop, .number = placed->number,
        .intent = placed->intent, .method = placed->method, .capture = placed->capture,
        .total_minor = placed->totals.total.amount);

    plan_shipments(uow->ctx->arena, placed, &hold.allocations, &plans);
    for (size_t i = 0; i < plans.count; i++) {
        TRY(shipment_number(uow, placed->order_id, &number));
        TRY(plan_one(uow, placed, &plans.items[i], number, hold.reason));
    }
    return ERR_NONE;
}

static void needs_stopped_stock(struct needs *needs, const struct message *message UNUSED, const void *event)
{
    const struct order_cancel_asked *asked = event;
    needs_lock(needs, &Q_stock_lock, stock_key_of_hold(needs_arena(needs), asked->order_id));
}

/* One parcel that has left refuses the stop for the whole order. */
static enum err refuse_stop(struct uow *uow, struct shipment *gone)
{
    const int64_t was = gone->head.version;

    TRY(emit_shipment_stop_refused(uow, &gone->head,
                                   &(struct shipment_stop_refused){
                                       .shipment_id = gone->head.id,
                                       .shop = gone->shop,
                                       .order_id = gone->order_id,
                                       .state = shipment_state_names[gone->state],
                                   }));
    shipment_save(uow, gone, was);
    return ERR_NONE;
}

static enum err stop_one(struct uow *uow, struct shipment *shipment, const char *reason, int64_t still_open)
{
    const int64_t was = shipment->head.version;

    shipment->state = SHIPMENT_STOPPED;
    stock_free(uow, shipment);
    TRY(emit_shipment_stopped(uow, &shipment->head,
                              &(struct shipment_stopped){
                                  .shipment_id = shipment->head.id,
                                  .shop = shipment->shop,
                                  .order_id = shipment->order_id,
                                  .reason = reason,
                                  .open_shipments = still_open,
                              }));
    shipment_save(uow, shipment, was);
    return ERR_NONE;
}

/* The order is to be cancelled. All of its shipments are locked, so this and a clerk's "ship" can't both win. */
static enum err on_cancel_asked(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct order_cancel_asked *asked = event;
    struct shipment_list_of_order list;
    int64_t to_stop = 0;

    TRY(shipments_of_order(uow, asked->order_id, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct shipment *shipment = &list.items[i];
        const struct fsm_move move = fsm_next(&shipment_fsm, (int)shipment->state, ON_STOP_ASKED, shipment, asked);
        if (move.outcome == FSM_ACT)
            to_stop++;
        else if (shipment->state != SHIPMENT_STOPPED)
            return refuse_stop(uow, shipment);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].state != SHIPMENT_STOPPED)
            TRY(stop_one(uow, &list.items[i], asked->reason, --to_stop));
    }
    return ERR_NONE;
}

static enum err on_order_held(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct order_held *held = event;
    SQL(uow, order_set_hold, .id = held->order_id, .reason = held->reason);
    return ERR_NONE;
}

static enum err on_order_hold_lifted(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct order_hold_lifted *lifted = event;
    SQL(uow, order_set_hold, .id = lifted->order_id, .reason = NULL);
    return ERR_NONE;
}

/* --- money --- */

static enum err on_payment_captured(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_captured *captured = event;
    SQL(uow, coverage_put, .order_id = captured->checkout_id, .intent = captured->intent,
        .captured_minor = captured->captured.amount);
    return ERR_NONE;
}

static enum err on_payment_refunded(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_refunded *refunded = event;
    SQL(uow, coverage_put, .order_id = refunded->checkout_id, .intent = refunded->intent,
        .refunded_minor = refunded->refunded.amount);
    return ERR_NONE;
}

/* clang-format off */
const struct subscription fulfilment_subscriptions[] = {
    /* event                        handler               holds and stock rows locked first, for the whole batch at once */
    { &checkout_claims_asked_type,  on_claims_asked,      LOCKS_BY(needs_claimed_stock) },
    { &checkout_failed_type,        on_checkout_failed,   LOCKS_BY(needs_held_stock) },
    { &order_placed_type,           on_order_placed,      LOCKS_BY(needs_ordered_stock) },
    { &order_cancel_asked_type,     on_cancel_asked,      LOCKS_BY(needs_stopped_stock) },
    { &order_held_type,             on_order_held,        LOCKS_NOTHING },
    { &order_hold_lifted_type,      on_order_hold_lifted, LOCKS_NOTHING },
    { &payment_captured_type,       on_payment_captured,  LOCKS_NOTHING },
    { &payment_refunded_type,       on_payment_refunded,  LOCKS_NOTHING },
    { NULL },
};
/* clang-format on */
