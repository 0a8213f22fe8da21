/* What checkout hears: what cart, fulfilment and payment answer to a placement, and the order that it became. */
#include "consumer.h"

#include "checkout/queries.h"
#include "move.h"
#include "proto/cart.h"
#include "proto/hold.h"
#include "proto/order.h"
#include "proto/payment.h"
#include "store.h"
#include "text.h"
#include "work_item.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

static enum err hear(struct uow *uow, const char *checkout_id, const struct checkout_move *move)
{
    struct checkout checkout;

    TRY(checkout_expect(uow, checkout_id, &checkout));
    return checkout_move(uow, &checkout, move);
}

/*
 * The locked lines are what is sold. Cart compared them with what we claimed; we compare what they cost, by the prices
 * and rates of the placement, with the total that the shopper named.
 */
static enum err on_cart_locked(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct cart_locked *locked = event;
    struct checkout_move move = {.on = ON_CART_LOCKED, .placement = locked->placement, .reason = "cart_changed"};
    struct checkout checkout;

    TRY(checkout_expect(uow, locked->checkout_id, &checkout));
    if (checkout.state == CHECKOUT_CLAIMING && checkout_concerns(&checkout, &move)) {
        bool same;

        TRY(checkout_take_locked(uow->ctx, &checkout, locked->currency, &locked->lines, &same));
        if (!same)
            move.on = ON_CART_REFUSED;
    }
    return checkout_move(uow, &checkout, &move);
}

static enum err on_cart_lock_refused(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct cart_lock_refused *refused = event;
    return hear(uow, refused->checkout_id,
                &(struct checkout_move){
                    .on = ON_CART_REFUSED,
                    .placement = refused->placement,
                    .reason = arena_printf(uow->ctx->arena, "cart_%s", refused->reason),
                    .differences = refused->differences,
                });
}

static enum err on_hold_held(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct hold_held *held = event;
    return hear(uow, held->checkout_id, &(struct checkout_move){.on = ON_STOCK_HELD, .placement = held->placement});
}

static enum err on_hold_refused(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct hold_refused *refused = event;
    return hear(uow, refused->checkout_id,
                &(struct checkout_move){
                    .on = ON_STOCK_REFUSED,
                    .placement = refused->placement,
                    .shortages = refused->shortages,
                });
}

static enum err on_payment_action_required(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_action_required *action = event;
    return hear(uow, action->checkout_id,
                &(struct checkout_move){
                    .on = ON_ACTION_REQUIRED,
                    .placement = action->placement,
                    .intent = action->intent,
                    .redirect_url = action->redirect_url,
                });
}

/* Payment compares amounts before it tells; a promise of another one would be a contradiction, and sells nothing. */
static enum err hear_promise(struct uow *uow, const char *checkout_id, const struct checkout_move *move,
                             struct money amount)
{
    struct checkout checkout;

    TRY(checkout_expect(uow, checkout_id, &checkout));
    if (checkout_concerns(&checkout, move) && !money_equal(amount, checkout.totals.total)) {
        work_item_open(uow, "payment_contradiction", checkout_id, "another amount was promised than was asked", "note",
                       DAY_MS);
        return ERR_NONE;
    }
    return checkout_move(uow, &checkout, move);
}

static enum err on_payment_authorized(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_authorized *authorized = event;
    const struct checkout_move move = {
        .on = ON_AUTHORIZED,
        .placement = authorized->placement,
        .intent = authorized->intent,
    };
    return hear_promise(uow, authorized->checkout_id, &move, authorized->amount);
}

/* The money comes later, by transfer or at the door; the order starts now. */
static enum err on_payment_due(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_due *due = event;
    const struct checkout_move move = {
        .on = ON_AUTHORIZED,
        .placement = due->placement,
        .intent = due->intent,
        .reference = text_equal(due->method, PAYMENT_METHOD_BANK_TRANSFER) ? due->reference : NULL,
    };
    return hear_promise(uow, due->checkout_id, &move, due->amount);
}

static enum err on_payment_declined(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_declined *declined = event;
    return hear(uow, declined->checkout_id,
                &(struct checkout_move){
                    .on = ON_DECLINED,
                    .placement = declined->placement,
                    .intent = declined->intent,
                    .decline_code = declined->code,
                });
}

static enum err on_payment_unknown(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_unknown *unknown = event;
    return hear(uow, unknown->checkout_id,
                &(struct checkout_move){
                    .on = ON_UNKNOWN,
                    .placement = unknown->placement,
                    .intent = unknown->intent,
                });
}

static enum err on_payment_closed(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct payment_closed *closed = event;
    return hear(uow, closed->checkout_id,
                &(struct checkout_move){
                    .on = ON_CLOSED,
                    .placement = closed->placement,
                    .intent = closed->intent,
                });
}

static enum err on_order_placed(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct order_placed *placed = event;
    return hear(uow, placed->order_id, &(struct checkout_move){.on = ON_ORDER_PLACED, .number = placed->number});
}

/* clang-format off */
const struct subscription checkout_subscriptions[] = {
    /* event                         handler                     checkouts locked first, for the whole batch at once */
    { &cart_locked_type,             on_cart_locked,             TAKES(checkout_rows, cart_locked, checkout_id) },
    { &cart_lock_refused_type,       on_cart_lock_refused,       TAKES(checkout_rows, cart_lock_refused, checkout_id) },
    { &hold_held_type,               on_hold_held,               TAKES(checkout_rows, hold_held, checkout_id) },
    { &hold_refused_type,            on_hold_refused,            TAKES(checkout_rows, hold_refused, checkout_id) },
    { &payment_action_required_type, on_payment_action_required, TAKES(checkout_rows, payment_action_required, checkout_id) },
    { &payment_due_type,             on_payment_due,             TAKES(checkout_rows, payment_due, checkout_id) },
    { &payment_authorized_type,      on_payment_authorized,      TAKES(checkout_rows, payment_authorized, checkout_id) },
    { &payment_declined_type,        on_payment_declined,        TAKES(checkout_rows, payment_declined, checkout_id) },
    { &payment_unknown_type,         on_payment_unknown,         TAKES(checkout_rows, payment_unknown, checkout_id) },
    { &payment_closed_type,          on_payment_closed,          TAKES(checkout_rows, payment_closed, checkout_id) },
    { &order_placed_type,            on_order_placed,            TAKES(checkout_rows, order_placed, order_id) },
    { NULL },
};
/* clang-format on */
