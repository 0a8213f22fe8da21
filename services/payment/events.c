/* What payment hears: money asked for and given up, orders that stand on it, and parcels that it waits for. */
#include "consumer.h"

#include <inttypes.h>
#include <string.h>

#include "calls.h"
#include "clock.h"
#include "move.h"
#include "payment/queries.h"
#include "proto/checkout.h"
#include "proto/order.h"
#include "proto/shipment.h"
#include "reference.h"
#include "store.h"
#include "text.h"
#include "work_item.h"

#define HOUR_MS (3600 * INT64_C(1000))

static enum err finish(struct uow *uow, struct payment *payment)
{
    TRY(payment_tell_closed(uow, payment));
    payment_save(uow, payment);
    return ERR_NONE;
}

/* --- the placement --- */

static struct intent new_intent(struct arena *arena, const struct checkout_payment_asked *asked,
                                const struct payment *payment)
{
    struct intent intent = {
        .number = asked->intent,
        .placement = asked->placement,
        .method = asked->method,
        .amount_minor = asked->amount.amount,
        .currency = arena_strdup(arena, asked->amount.currency),
        .capture = asked->capture,
        .locale = asked->locale,
        .return_url = asked->return_url,
        .created_at = payment->now,
        .touched = true,
    };

    if (text_equal(asked->method, PAYMENT_METHOD_BANK_TRANSFER)) {
        intent.reference = reference_number(arena, payment->reference);
    } else if (text_equal(asked->method, PAYMENT_METHOD_CASH_ON_DELIVERY)) {
        /* What the parcel's label says; the last part of an id is random. */
        intent.reference = arena_printf(arena, "COD-%s-%" PRId64, strrchr(payment->head.id, '-') + 1, asked->intent);
    } else {
        const int64_t from = asked->deadline > payment->now ? asked->deadline : payment->now;
        const int64_t most = payment->now + PAGE_TTL_MAX_S * CLOCK_SECOND;
        intent.expires_at = from + PAGE_TTL_S * CLOCK_SECOND;
        if (intent.expires_at > most)
            intent.expires_at = most;
    }
    return intent;
}

/* Checkout holds everything: now the money shall be promised. What costs no call is answered in this transaction. */
static enum err on_payment_asked(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct checkout_payment_asked *asked = event;
    const bool by_transfer = text_equal(asked->method, PAYMENT_METHOD_BANK_TRANSFER);
    struct payment payment = {0};
    struct intent *intent;
    bool found;

    TRY(payment_read(uow, asked->checkout_id, &payment, &found));
    intent = payment_find(&payment, asked->intent);
    if (intent != NULL)
        return intent_move(uow, &payment, intent, &(struct move){.on = ON_ASKED});
    if (!found)
        payment.shop = asked->shop;
    if (!found || payment.currency[0] == '\0') {
        payment.currency = arena_strdup(uow->ctx->arena, asked->amount.currency);
        payment.touched = true;
    }

    /* Its balances are of one currency, as its cart is. */
    if (!text_equal(payment.currency, asked->amount.currency))
        return FAIL(uow->ctx, INVALID, "payment \"%s\" is in %s and cannot be asked for %s", payment.head.id,
                    payment.currency, asked->amount.currency);

    if (by_transfer)
        TRY(payment_number(uow, &payment));
    const struct intent fresh = new_intent(uow->ctx->arena, asked, &payment);
    intent = payment_add_intent(uow, &payment, &fresh);
    TRY(intent_move(uow, &payment, intent, &(struct move){.on = ON_ASKED}));
    if (intent->state == INTENT_NONE)
        return ERR_NONE; /* given up before it was heard of */
    facts_learn(uow, &payment, intent, &(struct fact_list){.count = 0}, "answer");
    TRY(intent_settle(uow, &payment, intent)); /* facts may be here before it, after a restore */
    return finish(uow, &payment);
}

/* Checkout gives up: what was never asked for gets its tombstone, the rest is closed at the provider. */
static enum err on_payment_closing(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct checkout_payment_closing *closing = event;
    struct payment payment = {0};
    bool found;

    TRY(payment_read(uow, closing->checkout_id, &payment, &found));
    if (!found) {
        payment.shop = closing->shop;
        payment.currency = ""; /* until something is asked for */
    }
    TRY(payment_close(uow, &payment, closing->placement, closing->intent));
    return finish(uow, &payment);
}

/* --- the order --- */

static void needs_placed(struct needs *needs, const struct message *message UNUSED, const void *event)
{
    const struct order_placed *placed = event;

    needs_row(needs, &payment_rows, placed->order_id);
    needs_release(needs, "order", placed->order_id);
}

static enum err on_order_placed(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct order_placed *placed = event;
    struct payment payment = {0};
    struct entry entry;
    bool found;

    TRY(payment_read(uow, placed->order_id, &payment, &found));
    struct intent *intent = payment_find(&payment, placed->intent);
    if (!found || intent == NULL)
        return FAIL(uow->ctx, NOT_FOUND, "order \"%s\" stands on a payment that was never asked for", placed->order_id);
    if (payment.order_intent != 0)
        return ERR_NONE;

    payment.order_number = placed->number;
    payment.order_intent = placed->intent;
    payment.order_minor = placed->totals.total.amount;
    payment.order_pay_by = placed->pay_by;
    payment.touched = true;
    if (!money_equal(placed->totals.total, money_of(intent->amount_minor, intent->currency)))
        work_item_open(uow, "amount_differs", payment.head.id, "the order's total is not what was asked of the shopper",
                       "note", HOUR_MS);
    ledger_placed(uow->ctx->arena, &payment, intent, &entry);
    payment_book(uow, &payment, &entry);
    TRY(intent_move(uow, &payment, intent, &(struct move){.on = ON_PLACED}));
    TRY(finish(uow, &payment));
    return waiting_release(uow, "order", placed->order_id);
}

/* Moves the intent that the order stands on. Parcels and orders are told on other topics, so they may be heard
 * first. */
static enum err move_paying(struct uow *uow, const char *order_id, const struct move *move)
{
    struct payment payment = {0};
    bool found;

    TRY(payment_read(uow, order_id, &payment, &found));
    if (!found || payment.order_intent == 0)
        return message_waits_for(uow, "order", order_id);
    TRY(intent_move(uow, &payment, payment_find(&payment, payment.order_intent), move));
    return finish(uow, &payment);
}

static enum err on_shipment_packed(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct shipment_packed *packed = event;
    return move_paying(uow, packed->order_id, &(struct move){.on = ON_PACKED});
}

/* The last parcel: what the carrier was to collect is collected. */
static enum err on_shipment_delivered(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct shipment_delivered *delivered = event;

    if (delivered->open_shipments > 0)
        return ERR_NONE;
    return move_paying(uow, delivered->order_id, &(struct move){.on = ON_DELIVERED, .source = SOURCE_CARRIER});
}

/* Nothing ships: what was promised is given up, what was taken goes back. */
static enum err on_order_cancelled(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct order_cancelled *cancelled = event;
    struct payment payment = {0};
    struct entry entry;
    bool found;

    TRY(payment_read(uow, cancelled->order_id, &payment, &found));
    if (!found || payment.order_intent == 0)
        return message_waits_for(uow, "order", cancelled->order_id);
    if (payment.cancelled)
        return ERR_NONE;

    struct intent *intent = payment_find(&payment, payment.order_intent);
    payment.cancelled = true;
    payment.touched = true;
    ledger_cancelled(uow->ctx->arena, &payment, intent, &entry);
    payment_book(uow, &payment, &entry);
    TRY(intent_move(uow, &payment, intent, &(struct move){.on = ON_CANCELLED}));
    return finish(uow, &payment);
}

/* clang-format off */
const struct subscription payment_subscriptions[] = {
    /* event                        handler                payments locked first, for the whole batch at once */
    { &checkout_payment_asked_type,   on_payment_asked,      TAKES(payment_rows, checkout_payment_asked, checkout_id) },
    { &checkout_payment_closing_type, on_payment_closing,    TAKES(payment_rows, checkout_payment_closing, checkout_id) },
    { &order_placed_type,             on_order_placed,       LOCKS_BY(needs_placed) },
    { &order_cancelled_type,          on_order_cancelled,    TAKES(payment_rows, order_cancelled, order_id) },
    { &shipment_packed_type,          on_shipment_packed,    TAKES(payment_rows, shipment_packed, order_id) },
    { &shipment_delivered_type,       on_shipment_delivered, TAKES(payment_rows, shipment_delivered, order_id) },
    { NULL },
};
/* clang-format on */
