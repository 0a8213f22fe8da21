/* Typed reads and writes of orders. */
#include "store.h"

#include <stdarg.h>

#include "json.h"
#include "order/queries.h"

static RECORD(order_start, FIELD(order_start, id), FIELD(order_start, number), FIELD(order_start, process_version),
              FIELD_LIST_OF(order_start, process, process_status_record), FIELD(order_start, is_placed),
              FIELD_AS_TIME(order_start, now));

const struct rows order_rows = {&Q_orders_lock, &Q_orders_lock, &order_record};
const struct rows order_start_rows = {NULL, &Q_order_starts, &order_start_record};

enum err order_start(struct uow *uow, const char *id, struct order_start *ret)
{
    bool found; /* there is always a process */

    return rows_take_or_ask(uow, &order_start_rows, id, ret, &found);
}

enum err order_lock(struct uow *uow, const char *id, struct order *ret, bool *ret_found)
{
    return rows_take_or_ask(uow, &order_rows, id, ret, ret_found);
}

void order_add(struct uow *uow, const struct order *order, const struct personal *personal)
{
    struct arena *arena = uow->ctx->arena;

    SQL(uow, order_insert, .id = order->head.id, .shop = order->shop, .number = order->number,
        .cart_id = order->cart_id, .intent = order->intent, .channel = order->channel, .locale = order->locale,
        .currency = order->currency, .kernel = order_kernel_names[order->kernel], .status = order->status,
        .sub_status = order->sub_status, .process_version = order->process_version, .method = order->method,
        .capture = order->capture, .quantity = order->quantity, .total_minor = order->total_minor,
        .lines = json_encode_list(arena, &line_record, order->lines.items, order->lines.count),
        .groups = json_encode_list(arena, &group_record, order->groups.items, order->groups.count),
        .totals = json_encode(arena, &totals_record, &order->totals),
        .payments = json_encode_list(arena, &payment_view_record, order->payments.items, order->payments.count),
        .personal = json_encode(arena, &personal_record, personal), .email = personal->email,
        .reference = order->reference, .pay_by = order->pay_by, .placed_at = order->placed_at,
        .version = order->head.version);
}

void order_save(struct uow *uow, const struct order *order, int64_t was)
{
    SQL(uow, order_save, .id = order->head.id, .kernel = order_kernel_names[order->kernel], .status = order->status,
        .sub_status = order->sub_status,
        .payments =
            json_encode_list(uow->ctx->arena, &payment_view_record, order->payments.items, order->payments.count),
        .hold_reason = order->hold_reason, .unsaid = order->unsaid, .cancel_reason = order->cancel_reason,
        .cancel_by = order->cancel_by, .pay_by = order->pay_by, .version = order->head.version, .was = was);
}

void order_shipment_add(struct uow *uow, const struct shipment_planned *planned)
{
    SQL(uow, shipment_put, .id = planned->shipment_id, .order_id = planned->order_id, .number = planned->number,
        .warehouse = planned->warehouse, .method = planned->method,
        .lines = json_encode_list(uow->ctx->arena, &shipment_line_record, planned->lines.items, planned->lines.count));
}

void order_shipment_set(struct uow *uow, const char *shipment_id, const char *state)
{
    SQL(uow, shipment_set_state, .id = shipment_id, .state = state);
}

void order_shipment_track(struct uow *uow, const struct shipment_shipped *shipped)
{
    SQL(uow, shipment_set_tracking, .id = shipped->shipment_id, .carrier = shipped->carrier,
        .tracking_number = shipped->tracking_number, .tracking_url = shipped->tracking_url, .latest = shipped->latest);
}

void order_note(struct uow *uow, const char *order_id, const char *what, const char *by, const char *detail,
                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *text = arena_vprintf(uow->ctx->arena, format, arguments);
    va_end(arguments);

    SQL(uow, timeline_add, .order_id = order_id, .what = what, .text = text, .by = by, .detail = detail);
}

enum err order_snap(struct uow *uow, struct order *order)
{
    return emit_order_snapshot(uow, &order->head,
                               &(struct order_snapshot){
                                   .order_id = order->head.id,
                                   .shop = order->shop,
                                   .number = order->number,
                                   .kernel = order_kernel_names[order->kernel],
                                   .status = order->status,
                                   .sub_status = order->sub_status,
                                   .cart_id = order->cart_id,
                                   .channel = order->channel,
                                   .locale = order->locale,
                                   .currency = order->currency,
                                   .placed_at = order->placed_at,
                                   .lines = order->lines,
                                   .groups = order->groups,
                                   .totals = order->totals,
                                   .payments = order->payments,
                                   .cancelled_reason = order->kernel == ORDER_CANCELLED ? order->cancel_reason : NULL,
                               });
}
