/* What order hears: completed checkouts become orders; shipments and payments move them along. */
#include "consumer.h"

#include "clock.h"
#include "log.h"
#include "move.h"
#include "order/queries.h"
#include "proto/checkout.h"
#include "proto/payment.h"
#include "proto/shipment.h"
#include "store.h"

#define BY_FULFILMENT "fulfilment"
#define BY_PAYMENT "payment"

/* Reads the order that an event speaks of. All of them are caused by order.placed, so it must be there. */
static enum err expect_order(struct uow *uow, const char *order_id, struct order *ret)
{
    bool found;

    TRY(order_lock(uow, order_id, ret, &found));
    if (!found)
        return FAIL(uow->ctx, NOT_FOUND, "order \"%s\" was never placed", order_id);
    return ERR_NONE;
}

/* Whatever changes an order here is told of, and so raises its version. */
static enum err snap_and_save(struct uow *uow, struct order *order, int64_t was)
{
    if (order->head.version == was)
        return ERR_NONE;
    TRY(order_snap(uow, order));
    order_save(uow, order, was);
    return ERR_NONE;
}

/* A completed checkout becomes an order, once per checkout and once per cart (the table's two unique keys). */
static enum err on_checkout_completed(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct checkout_completed *completed = event;
    const int64_t pay_within_s = order_pay_within_s(completed->method);
    struct order_start start;
    struct order order;

    TRY(order_start(uow, completed->checkout_id, &start));
    if (start.is_placed)
        return ERR_NONE;
    order_place(completed, start.number, start.process_version, &start.process, start.now,
                pay_within_s > 0 ? start.now + pay_within_s * CLOCK_SECOND : 0, uow->ctx->arena, &order);

    TRY(emit_order_placed(uow, &order.head,
                          &(struct order_placed){
                              .order_id = order.head.id,
                              .shop = order.shop,
                              .number = order.number,
                              .cart_id = order.cart_id,
                              .intent = order.intent,
                              .channel = order.channel,
                              .locale = order.locale,
                              .currency = order.currency,
                              .placed_at = order.placed_at,
                              .pay_by = order.pay_by,
                              .reference = order.reference,
                              .method = order.method,
                              .capture = order.capture,
                              .lines = order.lines,
                              .groups = order.groups,
                              .totals = order.totals,
                              .personal = completed->personal,
                          }));
    order_note(uow, order.head.id, "placed", "customer", NULL, "Order %s placed", order.number);
    TRY(order_snap(uow, &order));
    order_add(uow, &order, &completed->personal);
    return ERR_NONE;
}

static enum err on_shipment_planned(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct shipment_planned *planned = event;

    order_shipment_add(uow, planned);
    order_note(uow, planned->order_id, "shipment_planned", BY_FULFILMENT, planned->reason,
               "Shipment %s planned from %s", planned->number, planned->warehouse);
    return ERR_NONE;
}

/* What changes nothing of the order itself: its batch has locked it, its shipment must be there. */
static void note_step(struct uow *uow, const char *order_id, const char *shipment_id, const char *state, const char *by)
{
    order_shipment_set(uow, shipment_id, state);
    order_note(uow, order_id, arena_printf(uow->ctx->arena, "shipment_%s", state), by, NULL, "Shipment %s", state);
}

static enum err on_shipment_released(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct shipment_released *released = event;
    struct order order;
    bool moved;

    TRY(expect_order(uow, released->order_id, &order));
    const int64_t was = order.head.version;
    TRY(order_move(uow, &order, &(struct order_move){.on = ON_SHIPMENT_RELEASED, .word = "released"}, &moved));
    note_step(uow, order.head.id, released->shipment_id, "released", released->by);
    return snap_and_save(uow, &order, was);
}

static enum err on_shipment_picked(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct shipment_picked *picked = event;

    note_step(uow, picked->order_id, picked->shipment_id, "picked", picked->by);
    return ERR_NONE;
}

static enum err on_shipment_packed(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct shipment_packed *packed = event;

    note_step(uow, packed->order_id, packed->shipment_id, "packed", packed->by);
    return ERR_NONE;
}

static enum err on_shipment_shipped(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct shipment_shipped *shipped = event;
    struct order order;
    bool moved;

    TRY(expect_order(uow, shipped->order_id, &order));
    const int64_t was = order.head.version;
    TRY(order_move(uow, &order,
                   &(struct order_move){
                       .on = ON_SHIPMENT_SHIPPED,
                       .word = "shipped",
                       .tracking_number = shipped->tracking_number,
                       .tracking_url = shipped->tracking_url,
                   },
                   &moved));
    order_shipment_track(uow, shipped);
    order_note(uow, order.head.id, "shipment_shipped", shipped->by, NULL, "Shipped with %s, tracking number %s",
               shipped->carrier, shipped->tracking_number);
    return snap_and_save(uow, &order, was);
}

static enum err on_shipment_in_transit(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct shipment_in_transit *transit = event;

    order_shipment_set(uow, transit->shipment_id, "in_transit");
    order_note(uow, transit->order_id, "shipment_in_transit", "carrier", transit->note, "The carrier has the parcel");
    return ERR_NONE;
}

/* The parcel arrived; the order is completed with its last one. */
static enum err on_shipment_delivered(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct shipment_delivered *delivered = event;
    struct order order;
    bool moved;

    TRY(expect_order(uow, delivered->order_id, &order));
    const int64_t was = order.head.version;
    if (delivered->open_shipments == 0)
        TRY(order_move(uow, &order, &(struct order_move){.on = ON_SHIPMENT_DELIVERED, .word = "delivered"}, &moved));
    order_shipment_set(uow, delivered->shipment_id, "delivered");
    order_note(uow, order.head.id, "shipment_delivered", "carrier", NULL, "Delivered");
    return snap_and_save(uow, &order, was);
}

/* Fulfilment stopped a shipment; when it was the last, the order is cancelled and payment gives the money back. */
static enum err on_shipment_stopped(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct shipment_stopped *stopped = event;
    struct order order;
    bool moved = false;

    TRY(expect_order(uow, stopped->order_id, &order));
    const int64_t was = order.head.version;
    order_shipment_set(uow, stopped->shipment_id, "stopped");
    order_note(uow, order.head.id, "shipment_stopped", BY_FULFILMENT, stopped->reason, "Shipment stopped");
    if (stopped->open_shipments == 0)
        TRY(order_move(uow, &order, &(struct order_move){.on = ON_ALL_STOPPED, .word = "cancelled"}, &moved));
    if (moved) {
        if (order.cancel_reason == NULL)
            order.cancel_reason = stopped->reason;
        if (order.cancel_by == NULL)
            order.cancel_by = BY_FULFILMENT;
        TRY(emit_order_cancelled(uow, &order.head,
                                 &(struct order_cancelled){
                                     .order_id = order.head.id,
                                     .shop = order.shop,
                                     .number = order.number,
                                     .reason = order.cancel_reason,
                                     .by = order.cancel_by,
                                     .total = order.totals.total,
                                 }));
        order.pay_by = 0;
        order_note(uow, order.head.id, "cancelled", order.cancel_by, order.cancel_reason, "Order cancelled");
    }
    return snap_and_save(uow, &order, was);
}

static enum err on_shipment_stop_refused(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct shipment_stop_refused *refused = event;
    struct order order;
    bool moved;

    TRY(expect_order(uow, refused->order_id, &order));
    const int64_t was = order.head.version;
    TRY(order_move(uow, &order, &(struct order_move){.on = ON_STOP_REFUSED, .word = "shipped"}, &moved));
    if (moved) {
        const char *reason = "a parcel has left already";
        TRY(emit_order_cancel_refused(uow, &order.head,
                                      &(struct order_cancel_refused){
                                          .order_id = order.head.id,
                                          .shop = order.shop,
                                          .number = order.number,
                                          .reason = reason,
                                      }));
        order_note(uow, order.head.id, "cancel_refused", BY_FULFILMENT, reason, "Too late to cancel");
    }
    return snap_and_save(uow, &order, was);
}

/*
 * Money arrived. A checkout that never became an order has no row here: payment gives such money back by itself, and
 * nothing is to be shown.
 */
static enum err on_payment_captured(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_captured *captured = event;
    char text[MONEY_TEXT];
    struct order order;
    bool found;

    TRY(order_lock(uow, captured->checkout_id, &order, &found));
    if (!found)
        return ERR_NONE;
    const int64_t was = order.head.version;
    const bool was_paid = order_is_paid(&order);
    if (!order_book_captured(&order, captured->intent, captured->captured))
        return ERR_NONE;
    if (!was_paid && order_is_paid(&order))
        TRY(order_say_paid(uow, &order));
    order_note(uow, order.head.id, "payment_captured", BY_PAYMENT, NULL, "Paid %s",
               money_format(captured->amount, text));
    TRY(order_snap(uow, &order));
    order_save(uow, &order, was);
    return ERR_NONE;
}

static enum err on_payment_refunded(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_refunded *refunded = event;
    char text[MONEY_TEXT];
    struct order order;
    bool found;

    TRY(order_lock(uow, refunded->checkout_id, &order, &found));
    if (!found || !order_book_refunded(&order, refunded->intent, refunded->refunded))
        return ERR_NONE;
    order_note(uow, order.head.id, "payment_refunded", BY_PAYMENT, refunded->reason, "Given back %s",
               money_format(refunded->amount, text));
    TRY(order_snap(uow, &order));
    order_save(uow, &order, order.head.version);
    return ERR_NONE;
}

static enum err on_payment_voided(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_voided *voided = event;
    char text[MONEY_TEXT];
    struct order order;
    bool found;

    TRY(order_lock(uow, voided->checkout_id, &order, &found));
    if (!found || !order_book_voided(&order, voided->intent))
        return ERR_NONE;
    order_note(uow, order.head.id, "payment_voided", BY_PAYMENT, NULL, "Authorization of %s let go",
               money_format(voided->amount, text));
    TRY(order_snap(uow, &order));
    order_save(uow, &order, order.head.version);
    return ERR_NONE;
}

static enum err on_payment_capture_failed(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_capture_failed *failed = event;
    struct order order;
    bool found;

    TRY(order_lock(uow, failed->checkout_id, &order, &found));
    if (!found)
        return ERR_NONE;
    order_note(uow, order.head.id, "capture_failed", BY_PAYMENT, failed->code, "The money could not be taken");
    return ERR_NONE;
}

/* clang-format off */
const struct subscription order_subscriptions[] = {
    /* event                        handler                     orders locked first, for the whole batch at once */
    { &checkout_completed_type,     on_checkout_completed,      TAKES(order_start_rows, checkout_completed, checkout_id) },
    { &shipment_planned_type,       on_shipment_planned,        LOCKS(orders_lock, shipment_planned, order_id) },
    { &shipment_released_type,      on_shipment_released,       TAKES(order_rows, shipment_released, order_id) },
    { &shipment_picked_type,        on_shipment_picked,         LOCKS(orders_lock, shipment_picked, order_id) },
    { &shipment_packed_type,        on_shipment_packed,         LOCKS(orders_lock, shipment_packed, order_id) },
    { &shipment_shipped_type,       on_shipment_shipped,        TAKES(order_rows, shipment_shipped, order_id) },
    { &shipment_in_transit_type,    on_shipment_in_transit,     LOCKS(orders_lock, shipment_in_transit, order_id) },
    { &shipment_delivered_type,     on_shipment_delivered,      TAKES(order_rows, shipment_delivered, order_id) },
    { &shipment_stopped_type,       on_shipment_stopped,        TAKES(order_rows, shipment_stopped, order_id) },
    { &shipment_stop_refused_type,  on_shipment_stop_refused,   TAKES(order_rows, shipment_stop_refused, order_id) },
    { &payment_captured_type,       on_payment_captured,        TAKES(order_rows, payment_captured, checkout_id) },
    { &payment_capture_failed_type, on_payment_capture_failed,  TAKES(order_rows, payment_capture_failed, checkout_id) },
    { &payment_voided_type,         on_payment_voided,          TAKES(order_rows, payment_voided, checkout_id) },
    { &payment_refunded_type,       on_payment_refunded,        TAKES(order_rows, payment_refunded, checkout_id) },
    { NULL },
};
/* clang-format on */
