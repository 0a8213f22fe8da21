/* What the warehouse and the carrier do to a shipment. */
#include "steps.h"

#include "clock.h"
#include "fulfilment/queries.h"
#include "log.h"
#include "proto/shipment.h"
#include "text.h"
#include "work_item.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

/* Why the table refuses, in words that help the clerk. */
static enum err refuse(struct uow *uow, const struct shipment *shipment, enum shipment_event on)
{
    const char *hold = shipment->hold_reason != NULL ? shipment->hold_reason : shipment->order_hold_reason;

    if (hold != NULL && on != ON_HOLD_ASKED)
        return FAIL(uow->ctx, CONFLICT, "shipment %s is on hold: %s", shipment->number, hold);
    if ((shipment->state == SHIPMENT_PLANNED && on == ON_RELEASE_ASKED && !shipment_may_be_released(shipment)) ||
        (shipment->state == SHIPMENT_PACKED && on == ON_SHIP_DONE && !shipment_may_leave(shipment)))
        return FAIL(uow->ctx, CONFLICT, "shipment %s is not covered by payment yet", shipment->number);
    return FAIL(uow->ctx, CONFLICT, "shipment %s is %s: %s is not possible", shipment->number,
                shipment_state_names[shipment->state], shipment_event_names[on]);
}

static enum err move(struct uow *uow, struct shipment *shipment, enum shipment_event on)
{
    const struct fsm_move next = fsm_next(&shipment_fsm, (int)shipment->state, (int)on, shipment, NULL);

    if (next.outcome != FSM_ACT)
        return refuse(uow, shipment, on);
    shipment->state = (enum shipment_state)next.to;
    return ERR_NONE;
}

enum err shipment_release(struct uow *uow, struct shipment *shipment, const char *by)
{
    const int64_t was = shipment->head.version;

    TRY(move(uow, shipment, ON_RELEASE_ASKED));
    TRY(emit_shipment_released(
        uow, &shipment->head,
        &(struct shipment_released){
            .shipment_id = shipment->head.id, .shop = shipment->shop, .order_id = shipment->order_id, .by = by}));
    shipment_save(uow, shipment, was);
    return ERR_NONE;
}

enum err shipment_pick(struct uow *uow, struct shipment *shipment, const char *by)
{
    const int64_t was = shipment->head.version;

    TRY(move(uow, shipment, ON_PICK_DONE));
    TRY(emit_shipment_picked(
        uow, &shipment->head,
        &(struct shipment_picked){
            .shipment_id = shipment->head.id, .shop = shipment->shop, .order_id = shipment->order_id, .by = by}));
    shipment_save(uow, shipment, was);
    return ERR_NONE;
}

enum err shipment_pack(struct uow *uow, struct shipment *shipment, const char *by)
{
    const int64_t was = shipment->head.version;

    TRY(move(uow, shipment, ON_PACK_DONE));
    TRY(emit_shipment_packed(
        uow, &shipment->head,
        &(struct shipment_packed){
            .shipment_id = shipment->head.id, .shop = shipment->shop, .order_id = shipment->order_id, .by = by}));
    shipment_save(uow, shipment, was);
    return ERR_NONE;
}

enum err shipment_hold(struct uow *uow, struct shipment *shipment, const char *reason, const char *by)
{
    const int64_t was = shipment->head.version;

    TRY(move(uow, shipment, ON_HOLD_ASKED));
    shipment->hold_reason = reason;
    TRY(emit_shipment_held(uow, &shipment->head,
                           &(struct shipment_held){.shipment_id = shipment->head.id,
                                                   .shop = shipment->shop,
                                                   .order_id = shipment->order_id,
                                                   .reason = reason,
                                                   .by = by}));
    shipment_save(uow, shipment, was);
    return ERR_NONE;
}

enum err shipment_lift_hold(struct uow *uow, struct shipment *shipment, const char *by)
{
    const int64_t was = shipment->head.version;

    TRY(move(uow, shipment, ON_LIFT_ASKED));
    shipment->hold_reason = NULL;
    TRY(emit_shipment_hold_lifted(
        uow, &shipment->head,
        &(struct shipment_hold_lifted){
            .shipment_id = shipment->head.id, .shop = shipment->shop, .order_id = shipment->order_id, .by = by}));
    shipment_save(uow, shipment, was);
    return ERR_NONE;
}

enum err shipment_ship(struct uow *uow, struct shipment *shipment, const struct ship_shipment *with, const char *by)
{
    const int64_t was = shipment->head.version;

    TRY(move(uow, shipment, ON_SHIP_DONE));
    shipment->carrier = with->carrier;
    shipment->tracking_number = with->tracking_number;
    shipment->tracking_url = tracking_url(uow->ctx->arena, with->carrier, with->tracking_number);
    shipment->shipped_at = clock_now();
    stock_leave(uow, shipment, by);
    TRY(emit_shipment_shipped(uow, &shipment->head,
                              &(struct shipment_shipped){
                                  .shipment_id = shipment->head.id,
                                  .shop = shipment->shop,
                                  .order_id = shipment->order_id,
                                  .warehouse = shipment->warehouse,
                                  .carrier = shipment->carrier,
                                  .tracking_number = shipment->tracking_number,
                                  .tracking_url = shipment->tracking_url,
                                  .latest = shipment->latest,
                                  .by = by,
                                  .lines = shipment->lines,
                              }));
    shipment_save(uow, shipment, was);
    return shipment_apply_reports(uow, shipment);
}

/* How many other shipments of the order are neither delivered nor stopped. All are locked (shipment_lock_family()). */
static enum err count_open(struct uow *uow, const struct shipment *shipment, int64_t *ret)
{
    struct shipment_list_of_order list;

    *ret = 0;
    TRY(shipments_of_order(uow, shipment->order_id, &list));
    for (size_t i = 0; i < list.count; i++) {
        if (!shipment_is_over(&list.items[i]) && !text_equal(list.items[i].head.id, shipment->head.id))
            (*ret)++;
    }
    return ERR_NONE;
}

struct report {
    const char *event_id;
    const char *kind;
    int64_t at;
    const char *note;
};
static RECORD(report, FIELD(report, event_id), FIELD(report, kind), FIELD_AS_TIME(report, at), FIELD(report, note));

static enum err hear_delivery(struct uow *uow, struct shipment *shipment, const struct report *report)
{
    int64_t open;

    TRY(count_open(uow, shipment, &open));
    shipment->delivered_at = report->at;
    return emit_shipment_delivered(uow, &shipment->head,
                                   &(struct shipment_delivered){
                                       .shipment_id = shipment->head.id,
                                       .shop = shipment->shop,
                                       .order_id = shipment->order_id,
                                       .at = report->at,
                                       .open_shipments = open,
                                   });
}

static enum err apply_report(struct uow *uow, struct shipment *shipment, const struct report *report)
{
    const bool is_delivery = text_equal(report->kind, CARRIER_REPORT_KIND_DELIVERED);
    const enum shipment_event on = is_delivery ? ON_DELIVERY_REPORTED : ON_TRANSIT_REPORTED;
    const struct fsm_move next = fsm_next(&shipment_fsm, (int)shipment->state, (int)on, shipment, report);
    const int64_t was = shipment->head.version;

    if (next.outcome == FSM_WORK_ITEM)
        work_item_open(uow, "parcel_contradiction", shipment->head.id, next.why, "note", DAY_MS);
    if (next.outcome != FSM_ACT)
        return ERR_NONE;
    shipment->state = (enum shipment_state)next.to;
    if (is_delivery)
        TRY(hear_delivery(uow, shipment, report));
    else
        TRY(emit_shipment_in_transit(uow, &shipment->head,
                                     &(struct shipment_in_transit){.shipment_id = shipment->head.id,
                                                                   .shop = shipment->shop,
                                                                   .order_id = shipment->order_id,
                                                                   .at = report->at,
                                                                   .note = report->note}));
    shipment_save(uow, shipment, was);
    return ERR_NONE;
}

enum err shipment_apply_reports(struct uow *uow, struct shipment *shipment)
{
    struct {
        struct report *items;
        size_t count;
    } reports;

    TRY(SQL_MANY(uow, report_take, report_record, &reports, .tracking_number = shipment->tracking_number));
    for (size_t i = 0; i < reports.count; i++)
        TRY(apply_report(uow, shipment, &reports.items[i]));
    return ERR_NONE;
}
