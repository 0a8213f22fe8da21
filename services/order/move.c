/* The only way an order's kernel changes. */
#include "move.h"

#include "log.h"
#include "store.h"
#include "work_item.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

static enum err say_status_changed(struct uow *uow, struct order *order, const struct order_change *change,
                                   const struct order_move *move, const char *why)
{
    if (!change->status_changed && change->mail == NULL)
        return ERR_NONE;

    return emit_order_status_changed(uow, &order->head,
                                     &(struct order_status_changed){
                                         .order_id = order->head.id,
                                         .shop = order->shop,
                                         .number = order->number,
                                         .kernel = order_kernel_names[order->kernel],
                                         .status = order->status,
                                         .sub_status = order->sub_status,
                                         .previous_kernel = order_kernel_names[change->previous_kernel],
                                         .previous_status = change->previous_status,
                                         .previous_sub_status = change->previous_sub_status,
                                         .why = why,
                                         .mail = change->mail,
                                         .tracking_number = move->tracking_number,
                                         .tracking_url = move->tracking_url,
                                     });
}

enum err order_move(struct uow *uow, struct order *order, const struct order_move *move, bool *ret_moved)
{
    const struct fsm_move next = fsm_next(&order_fsm, order->kernel, move->on, order, NULL);
    struct order_change change;

    *ret_moved = false;
    switch (next.outcome) {
    case FSM_REFUSE:
        return FAIL(uow->ctx, CONFLICT, "order %s is %s: %s is not possible", order->number,
                    order_kernel_names[order->kernel], order_event_names[move->on]);
    case FSM_IGNORE:
        log_debug(uow->ctx, "move ignored", LOG_TEXT("order_id", order->head.id),
                  LOG_TEXT("on", order_event_names[move->on]), LOG_TEXT("why", next.why));
        return ERR_NONE;
    case FSM_WORK_ITEM:
        work_item_open(uow, "order_contradiction", order->head.id, next.why, "note", DAY_MS);
        return ERR_NONE;
    case FSM_ACT:
        break;
    }
    /* While a clerk holds it everybody shall see so; what the process says of a release is said when it is let go. */
    const bool is_silent = move->on == ON_SHIPMENT_RELEASED && order->hold_reason != NULL;
    if (is_silent)
        order->unsaid = move->word;
    order_apply(order, next.to, is_silent ? NULL : move->word, &change);
    if (move->is_repeated)
        change.mail = NULL;
    *ret_moved = true;
    return say_status_changed(uow, order, &change, move, next.why);
}

enum err order_say_paid(struct uow *uow, struct order *order)
{
    struct order_change change;

    if (order->kernel != ORDER_PLACED && order->kernel != ORDER_RELEASED)
        return ERR_NONE;
    if (order->hold_reason != NULL) {
        if (process_find(&order->process, "paid") != NULL)
            order->unsaid = "paid";
        return ERR_NONE;
    }
    order_apply(order, order->kernel, "paid", &change);
    return say_status_changed(uow, order, &change, &(struct order_move){0}, "all the money has come");
}

enum err order_ask_cancel(struct uow *uow, struct order *order, enum order_event on, const char *reason, const char *by)
{
    const int64_t was = order->head.version;
    bool moved;

    TRY(order_move(uow, order, &(struct order_move){.on = on}, &moved));
    order->pay_by = 0;
    if (moved) {
        order->cancel_reason = reason;
        order->cancel_by = by;
        TRY(emit_order_cancel_asked(uow, &order->head,
                                    &(struct order_cancel_asked){
                                        .order_id = order->head.id,
                                        .shop = order->shop,
                                        .number = order->number,
                                        .reason = reason,
                                        .by = by,
                                    }));
        order_note(uow, order->head.id, "cancel_asked", by, reason, "Cancellation asked");
        TRY(order_snap(uow, order));
    }
    order_save(uow, order, was);
    return ERR_NONE;
}

enum err order_hold(struct uow *uow, struct order *order, const char *reason, const char *by)
{
    const int64_t was = order->head.version;
    bool moved;

    TRY(order_move(uow, order, &(struct order_move){.on = ON_HOLD_ASKED, .word = "held"}, &moved));
    order->hold_reason = reason;
    order->unsaid = NULL;
    TRY(emit_order_held(uow, &order->head,
                        &(struct order_held){
                            .order_id = order->head.id,
                            .shop = order->shop,
                            .number = order->number,
                            .reason = reason,
                            .by = by,
                        }));
    order_note(uow, order->head.id, "held", by, reason, "Put on hold");
    TRY(order_snap(uow, order));
    order_save(uow, order, was);
    return ERR_NONE;
}

enum err order_lift_hold(struct uow *uow, struct order *order, const char *by)
{
    const int64_t was = order->head.version;
    const bool has_news = order->unsaid != NULL && process_find(&order->process, order->unsaid) != NULL;
    const struct order_move move = {
        .on = ON_LIFT_ASKED,
        .word = has_news ? order->unsaid : order_word(order),
        .is_repeated = !has_news,
    };
    bool moved;

    TRY(order_move(uow, order, &move, &moved));
    order->hold_reason = order->unsaid = NULL;
    TRY(emit_order_hold_lifted(uow, &order->head,
                               &(struct order_hold_lifted){
                                   .order_id = order->head.id,
                                   .shop = order->shop,
                                   .number = order->number,
                                   .by = by,
                               }));
    order_note(uow, order->head.id, "hold_lifted", by, NULL, "Hold lifted");
    TRY(order_snap(uow, order));
    order_save(uow, order, was);
    return ERR_NONE;
}
