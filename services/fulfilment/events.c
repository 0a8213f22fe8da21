/* What fulfilment hears: claims on stock, orders to ship or to stop, and the money that lets shipments go. */
#include "consumer.h"

#include "fulfilment/queries.h"
#include "id.h"
#include "json.h"
#include "log.h"
#include "proto/hold.h"
#include "proto/payment.h"
#include "proto/shipment.h"
#include "store.h"
#include "work_item.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

/* --- claims --- */

static void needs_claimed_stock(struct needs *needs, const struct message *message UNUSED, const void *event)
{
    const struct checkout_claims_asked *asked = event;
    for (size_t i = 0; i < asked->lines.count; i++)
        needs_row(needs, &Q_stock_lock, stock_key_of_sku(needs_arena(needs), asked->lines.items[i].sku));
    needs_row(needs, &Q_stock_lock, stock_key_of_hold(needs_arena(needs), asked->checkout_id));
}

static void contradiction(struct uow *uow, const struct hold *hold, const struct fsm_move *move)
{
    work_item_open(uow, "hold_contradiction", hold->head.id, move->why, "note", DAY_MS);
}

/* Frees what the hold has taken. */
static enum err drop_allocations(struct uow *uow, const char *hold_id)
{
    struct allocation_list taken;

    TRY(hold_allocations(uow, hold_id, &taken));
    if (taken.count == 0)
        return ERR_NONE;
    stock_shift(uow, &taken, -1, 0);
    SQL(uow, hold_lines_drop, .hold_id = hold_id);
    return ERR_NONE;
}

/* Takes stock for a placement, or says what is short. */
static enum err take(struct uow *uow, struct hold *hold, const struct checkout_claims_asked *asked)
{
    const char *country = asked->groups.count > 0 ? asked->groups.items[0].country : NULL;
    struct sourcing sourcing;
    struct offer_list offers;

    TRY(stock_offers(uow, asked->shop, &asked->lines, &offers));
    source(uow->ctx->arena, &asked->lines, &offers, country, &sourcing);
    hold->placement = asked->placement;
    if (sourcing.shortages.count > 0) {
        hold->state = HOLD_FREE;
        return emit_hold_refused(uow, &hold->head, &(struct hold_refused){
            .checkout_id = hold->head.id,
            .shop = hold->shop,
            .placement = asked->placement,
            .shortages = sourcing.shortages,
        });
    }
    hold->state = HOLD_HELD;
    hold->reason = sourcing.reason;
    stock_shift(uow, &sourcing.allocations, 1, 0);
    hold_set_allocations(uow, hold->head.id, &sourcing.allocations);
    return emit_hold_held(uow, &hold->head, &(struct hold_held){
        .checkout_id = hold->head.id,
        .shop = hold->shop,
        .placement = asked->placement,
        .allocations = sourcing.allocations,
        .reason = sourcing.reason,
    });
}

static enum err on_claims_asked(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct checkout_claims_asked *asked = event;
    struct hold hold;
    bool found;

    TRY(hold_lock(uow, asked->checkout_id, &hold, &found));
    if (!found)
        hold = (struct hold){ .head = { .id = asked->checkout_id }, .shop = asked->shop, .reason = "" };

    const struct fsm_move move = fsm_next(&hold_fsm, (int)hold.state, (int)hold_claim_kind(&hold, asked->placement), &hold, asked);
    if (move.outcome == FSM_WORK_ITEM)
        contradiction(uow, &hold, &move);
    if (move.outcome != FSM_ACT)
        return ERR_NONE;
    if (hold.state == HOLD_HELD)
        TRY(drop_allocations(uow, hold.head.id));
    TRY(take(uow, &hold, asked));
    hold_save(uow, &hold, !found);
    return ERR_NONE;
}

static void needs_held_stock(struct needs *needs, const struct message *message UNUSED, const void *event)
{
    const struct checkout_failed *failed = event;
    needs_row(needs, &Q_stock_lock, stock_key_of_hold(needs_arena(needs), failed->checkout_id));
}

/* The placement failed: its claim ends, and every older one with it. */
static enum err on_checkout_failed(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct checkout_failed *failed = event;
    struct hold hold;
    bool found;

    TRY(hold_lock(uow, failed->checkout_id, &hold, &found));
    if (!found)
        hold = (struct hold){ .head = { .id = failed->checkout_id }, .shop = failed->shop, .reason = "" };

    const struct fsm_move move = fsm_next(&hold_fsm, (int)hold.state, (int)hold_release_kind(&hold, failed->placement), &hold, failed);
    if (move.outcome == FSM_WORK_ITEM)
        contradiction(uow, &hold, &move);
    if (move.outcome != FSM_ACT)
        return ERR_NONE;
    if (hold.state == HOLD_HELD) {
        TRY(drop_allocations(uow, hold.head.id));
        TRY(emit_hold_released(uow, &hold.head, &(struct hold_released){
            .checkout_id = hold.head.id,
            .shop = hold.shop,
            .placement = failed->placement,
        }));
    }
    hold.state = HOLD_FREE;
    hold.dead = failed->placement;
    hold_save(uow, &hold, !found);
    return ERR_NONE;
}

/* --- orders --- */

static void needs_ordered_stock(struct needs *needs, const struct message *message UNUSED, const void *event)
{
    const struct order_placed *placed = event;
    needs_row(needs, &Q_stock_lock, stock_key_of_hold(needs_arena(needs), placed->order_id));
}

static enum err plan_one(struct uow *uow, const struct order_placed *placed, const struct planned_shipment *plan,
                         const char *reason)
{
    struct shipment shipment = {
        .head = { .id = id_new(uow->ctx->arena) },
        .shop = placed->shop,
        .order_id = placed->order_id,
        .group_id = plan->group_id,
        .warehouse = plan->warehouse,
        .method = plan->method,
        .lines = plan->lines,
        .quantity = plan->quantity,
        .latest = plan->latest,
    };

    TRY(shipment_number(uow, &shipment.number));
    TRY(emit_shipment_planned(uow, &shipment.head, &(struct shipment_planned){
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
    struct allocation_list taken;
    struct planned_shipment_list plans;
    struct hold hold;
    bool found;

    TRY(hold_lock(uow, placed->order_id, &hold, &found));
    if (!found)
        return FAIL(uow->ctx, NOT_FOUND, "order \"%s\" was placed without a hold", placed->order_id);
    const struct fsm_move move = fsm_next(&hold_fsm, (int)hold.state, ON_CONFIRM, &hold, placed);
    if (move.outcome == FSM_WORK_ITEM)
        contradiction(uow, &hold, &move);
    if (move.outcome != FSM_ACT)
        return ERR_NONE;

    TRY(hold_allocations(uow, hold.head.id, &taken));
    stock_shift(uow, &taken, -1, 1);
    hold.state = HOLD_CONFIRMED;
    hold_save(uow, &hold, false);
    SQL(uow, order_add,
        .id = placed->order_id,
        .shop = placed->shop,
        .number = placed->number,
        .intent = placed->intent,
        .method = placed->method,
        .capture = placed->capture,
        .total_minor = placed->totals.total.amount,
        .personal = json_encode(uow->ctx->arena, &personal_record, &placed->personal));

    plan_shipments(uow->ctx->arena, placed, &taken, &plans);
    for (size_t i = 0; i < plans.count; i++)
        TRY(plan_one(uow, placed, &plans.items[i], hold.reason));
    return ERR_NONE;
}

static void needs_stopped_stock(struct needs *needs, const struct message *message UNUSED, const void *event)
{
    const struct order_cancel_asked *asked = event;
    needs_row(needs, &Q_stock_lock, stock_key_of_hold(needs_arena(needs), asked->order_id));
}

/* One parcel that has left refuses the stop for the whole order. */
static enum err refuse_stop(struct uow *uow, struct shipment *gone)
{
    const int64_t was = gone->head.version;

    TRY(emit_shipment_stop_refused(uow, &gone->head, &(struct shipment_stop_refused){
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
    TRY(emit_shipment_stopped(uow, &shipment->head, &(struct shipment_stopped){
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
    SQL(uow, coverage_put,
        .order_id = captured->checkout_id,
        .intent = captured->intent,
        .captured_minor = captured->captured.amount);
    return ERR_NONE;
}

static enum err on_payment_refunded(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_refunded *refunded = event;
    SQL(uow, coverage_put,
        .order_id = refunded->checkout_id,
        .intent = refunded->intent,
        .refunded_minor = refunded->refunded.amount);
    return ERR_NONE;
}

/* clang-format off */
const struct subscription fulfilment_subscriptions[] = {
    /* event                        handler               stock rows locked first, for the whole batch at once */
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
