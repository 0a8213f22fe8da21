/* What may be done to payments, and what it does. */
#include "payment.h"

#include <assert.h>
#include <string.h>

#include "text.h"

const char *const intent_status_names[] = {
    "requires_payment_method", "requires_action", "requires_capture", "succeeded", "canceled", NULL};
static const char *const event_names[] = {"challenged",    "declined",      "authorized", "sold",
                                          "part_captured", "last_captured", "canceled",   NULL};

/* Everything is a command of the shop or the shopper, so what isn't listed is refused. */
/* clang-format off */
static const struct fsm_edge edges[] = {
    { INTENT_REQUIRES_PAYMENT_METHOD, ON_CHALLENGED,    FSM_ACT, INTENT_REQUIRES_ACTION,         NULL, "the card's holder must say yes" },
    { INTENT_REQUIRES_PAYMENT_METHOD, ON_DECLINED,      FSM_ACT, INTENT_REQUIRES_PAYMENT_METHOD, NULL, "another card may be tried" },
    { INTENT_REQUIRES_PAYMENT_METHOD, ON_AUTHORIZED,    FSM_ACT, INTENT_REQUIRES_CAPTURE,        NULL, "the money is held" },
    { INTENT_REQUIRES_PAYMENT_METHOD, ON_SOLD,          FSM_ACT, INTENT_SUCCEEDED,               NULL, "the money is taken at once" },
    { INTENT_REQUIRES_PAYMENT_METHOD, ON_CANCELED,      FSM_ACT, INTENT_CANCELED,                NULL, "nothing is held yet" },
    { INTENT_REQUIRES_ACTION,         ON_CHALLENGED,    FSM_ACT, INTENT_REQUIRES_ACTION,         NULL, "another card was tried instead" },
    { INTENT_REQUIRES_ACTION,         ON_DECLINED,      FSM_ACT, INTENT_REQUIRES_PAYMENT_METHOD, NULL, "the holder or the bank said no" },
    { INTENT_REQUIRES_ACTION,         ON_AUTHORIZED,    FSM_ACT, INTENT_REQUIRES_CAPTURE,        NULL, "the holder said yes" },
    { INTENT_REQUIRES_ACTION,         ON_SOLD,          FSM_ACT, INTENT_SUCCEEDED,               NULL, "the holder said yes" },
    { INTENT_REQUIRES_ACTION,         ON_CANCELED,      FSM_ACT, INTENT_CANCELED,                NULL, "nobody waits for the holder any more" },
    { INTENT_REQUIRES_CAPTURE,        ON_PART_CAPTURED, FSM_ACT, INTENT_REQUIRES_CAPTURE,        NULL, "the rest stays held" },
    { INTENT_REQUIRES_CAPTURE,        ON_LAST_CAPTURED, FSM_ACT, INTENT_SUCCEEDED,               NULL, "the rest is let go" },
    { INTENT_REQUIRES_CAPTURE,        ON_CANCELED,      FSM_ACT, INTENT_CANCELED,                NULL, "what is held is let go" },
};
/* clang-format on */

const struct fsm intent_fsm = {
    .name = "intent",
    .states = intent_status_names,
    .events = event_names,
    .edges = edges,
    .edge_count = COUNT(edges),
    .initial = INTENT_REQUIRES_PAYMENT_METHOD,
    .commands = (1U << INTENT_EVENTS) - 1,
};

bool intent_move(struct intent *intent, enum intent_event event)
{
    const struct fsm_move move = fsm_next(&intent_fsm, intent->status, event, intent, NULL);

    if (move.outcome != FSM_ACT)
        return false;
    intent->status = (enum intent_status)move.to;
    return true;
}

/* --- what may be done --- */

static struct refusal refusal(const char *code, const char *param, const char *message)
{
    return (struct refusal){.code = code, .param = param, .message = message};
}

struct refusal capture_refusal(struct arena *arena, const struct intent *intent, int64_t amount, bool final)
{
    if (intent->status != INTENT_REQUIRES_CAPTURE)
        return refusal("payment_intent_unexpected_state", NULL,
                       arena_printf(arena,
                                    "This PaymentIntent could not be captured because it has a status of %s. Only a "
                                    "PaymentIntent with one of the following statuses may be captured: "
                                    "requires_capture.",
                                    intent_status_names[intent->status]));
    /* Nothing more is wanted: the last capture of a payment that had some may be of 0. */
    if (amount < 1 && !(amount == 0 && final && intent->charge.captured > 0))
        return refusal("parameter_invalid_integer", "amount_to_capture",
                       "This value must be greater than or equal to 1.");
    if (amount > intent->capturable)
        return refusal("amount_too_large", "amount_to_capture",
                       arena_printf(arena, "The amount to capture (%lld) is greater than what can be captured (%lld).",
                                    (long long)amount, (long long)intent->capturable));
    if (!final && !intent->charge.multicapture)
        return refusal(NULL, "final_capture",
                       "You cannot set final_capture to false: multicapture is not available for this payment.");
    return refusal(NULL, NULL, NULL);
}

struct refusal cancel_refusal(struct arena *arena, const struct intent *intent)
{
    if (text_equal(intent->session_status, "open"))
        return refusal(
            "payment_intent_unexpected_state", NULL,
            "You cannot cancel this PaymentIntent because it belongs to an open Checkout Session. Expire the "
            "Checkout Session instead.");
    struct intent next = *intent;
    if (!intent_move(&next, ON_CANCELED))
        return refusal("payment_intent_unexpected_state", NULL,
                       arena_printf(arena,
                                    "You cannot cancel this PaymentIntent because it has a status of %s. Only a "
                                    "PaymentIntent with one of the following statuses may be canceled: "
                                    "requires_payment_method, requires_capture, requires_action.",
                                    intent_status_names[intent->status]));
    return refusal(NULL, NULL, NULL);
}

struct refusal refund_refusal(struct arena *arena, const struct intent *intent, int64_t amount)
{
    const int64_t left = intent->charge.captured - intent->charge.refunded;

    if (intent->charge.captured == 0)
        return refusal(
            NULL, "payment_intent",
            arena_printf(arena, "This PaymentIntent (%s) does not have a successful charge to refund.", intent->id));
    if (left == 0)
        return refusal("charge_already_refunded", NULL,
                       arena_printf(arena, "Charge %s has already been refunded.", intent->charge.id));
    if (amount > left)
        return refusal(NULL, "amount",
                       arena_printf(arena, "Refund amount (%lld) is greater than unrefunded amount on charge (%lld)",
                                    (long long)amount, (long long)left));
    return refusal(NULL, NULL, NULL);
}

/* --- what it does --- */

/* A move that the caller has asked about. */
static void move(struct intent *intent, enum intent_event event)
{
    bool moved = intent_move(intent, event);

    assert(moved);
    (void)moved; /* without assertions nobody looks */
}

void intent_decline(struct intent *intent)
{
    move(intent, ON_DECLINED);
    intent->challenge = NULL;
    intent->charge.status = "failed";
}

void intent_authorize(struct intent *intent)
{
    const bool at_once = !text_equal(intent->capture_method, "manual");

    move(intent, at_once ? ON_SOLD : ON_AUTHORIZED);
    intent->challenge = NULL;
    intent->charge.status = "succeeded";
    intent->charge.amount = intent->amount;
    intent->capturable = at_once ? 0 : intent->amount;
    intent->received = intent->charge.captured = at_once ? intent->amount : 0;
}

void intent_capture(struct intent *intent, int64_t amount, bool final)
{
    assert(amount >= 0 && amount <= intent->capturable);
    /* Nothing left to capture is the last capture, whatever it was called. */
    final |= amount == intent->capturable;
    move(intent, final ? ON_LAST_CAPTURED : ON_PART_CAPTURED);
    intent->received += amount;
    intent->charge.captured += amount;
    intent->capturable = final ? 0 : intent->capturable - amount;
}

void intent_cancel(struct intent *intent, const char *reason, int64_t now)
{
    move(intent, ON_CANCELED);
    intent->capturable = 0;
    intent->challenge = NULL;
    intent->cancellation_reason = reason;
    intent->canceled_at = now;
}
