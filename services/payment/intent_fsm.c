/* The life of a payment intent as a table: for each state and event what happens, and why. */
#include "payment.h"

#include "text.h"

const char *const intent_state_names[] = {"none",      "requested", "unknown",  "pending", "due",    "authorized",
                                          "capturing", "captured",  "declined", "closing", "closed", "voiding",
                                          "voided",    "refunding", "refunded", NULL};

const char *const intent_event_names[] = {"asked",
                                          "close asked",
                                          "no answer",
                                          "page made",
                                          "authorized told",
                                          "captured told",
                                          "end told",
                                          "part refunded told",
                                          "refunded told",
                                          "refund failed told",
                                          "mismatch told",
                                          "capture refused",
                                          "receipt booked",
                                          "refund booked",
                                          "order placed",
                                          "parcel packed",
                                          "all delivered",
                                          "order cancelled",
                                          NULL};

/* Guards: of an intent, and of its payment. */

static bool is_given_up(const void *aggregate, const void *of)
{
    const struct intent *intent = aggregate;
    const struct payment *payment = of;
    return intent->number <= payment->closed_to;
}

static bool is_free(const void *aggregate, const void *of UNUSED)
{
    const struct intent *intent = aggregate;
    return intent->amount_minor == 0;
}

static bool is_card(const void *aggregate, const void *of UNUSED)
{
    const struct intent *intent = aggregate;
    return text_equal(intent->method, PAYMENT_METHOD_CARD);
}

static bool is_collected(const void *aggregate, const void *of UNUSED)
{
    const struct intent *intent = aggregate;
    return text_equal(intent->method, PAYMENT_METHOD_CASH_ON_DELIVERY);
}

static bool returns_by_hand(const void *aggregate, const void *of UNUSED)
{
    return intent_returns_by_hand(aggregate);
}

static bool is_ordered(const void *aggregate, const void *of)
{
    return intent_pays_order(of, aggregate);
}

static bool order_is_cancelled(const void *aggregate, const void *of)
{
    const struct payment *payment = of;
    return payment->cancelled && intent_pays_order(payment, aggregate);
}

static bool can_take(const void *aggregate, const void *of)
{
    return intent_pays_order(of, aggregate) && !order_is_cancelled(aggregate, of) && !is_free(aggregate, of);
}

static bool takes_now(const void *aggregate, const void *of)
{
    const struct intent *intent = aggregate;
    return can_take(aggregate, of) && text_equal(intent->capture, CAPTURE_INSTANT);
}

/* clang-format off */
static const struct fsm_edge edges[] = {
    /* from               on                 outcome        to                 guard                why */
    { INTENT_NONE,       ON_ASKED,          FSM_IGNORE,    INTENT_NONE,       is_given_up,         "checkout gave it up before it was heard of" },
    { INTENT_NONE,       ON_ASKED,          FSM_ACT,       INTENT_AUTHORIZED, is_free,             "there is nothing to pay" },
    { INTENT_NONE,       ON_ASKED,          FSM_ACT,       INTENT_REQUESTED,  is_card,             "the provider is asked for its page" },
    { INTENT_NONE,       ON_ASKED,          FSM_ACT,       INTENT_DUE,        NULL,                "promised: by transfer, or to the carrier" },
    { INTENT_NONE,       ON_CLOSE,          FSM_ACT,       INTENT_CLOSED,     NULL,                "never asked for, and never will be: the tombstone" },
    { INTENT_NONE,       ON_NO_ANSWER,      FSM_IGNORE,    INTENT_NONE,       NULL,                "kept until it is asked for" },
    { INTENT_NONE,       ON_PAGE,           FSM_IGNORE,    INTENT_NONE,       NULL,                "kept until it is asked for" },
    { INTENT_NONE,       ON_AUTHORIZED,     FSM_IGNORE,    INTENT_NONE,       NULL,                "kept until it is asked for" },
    { INTENT_NONE,       ON_CAPTURED,       FSM_IGNORE,    INTENT_NONE,       NULL,                "kept until it is asked for" },
    { INTENT_NONE,       ON_ENDED,          FSM_IGNORE,    INTENT_NONE,       NULL,                "kept until it is asked for" },
    { INTENT_NONE,       ON_PART_REFUNDED,  FSM_IGNORE,    INTENT_NONE,       NULL,                "kept until it is asked for" },
    { INTENT_NONE,       ON_REFUNDED,       FSM_IGNORE,    INTENT_NONE,       NULL,                "kept until it is asked for" },
    { INTENT_NONE,       ON_REFUND_FAILED,  FSM_IGNORE,    INTENT_NONE,       NULL,                "kept until it is asked for" },
    { INTENT_NONE,       ON_MISMATCH,       FSM_IGNORE,    INTENT_NONE,       NULL,                "kept until it is asked for" },
    { INTENT_NONE,       ON_REFUSED,        FSM_IGNORE,    INTENT_NONE,       NULL,                "kept until it is asked for" },
    { INTENT_NONE,       ON_PLACED,         FSM_WORK_ITEM, INTENT_NONE,       NULL,                "an order stands on an intent that was never asked for" },
    { INTENT_NONE,       ON_PACKED,         FSM_IGNORE,    INTENT_NONE,       NULL,                "there is no such intent" },
    { INTENT_NONE,       ON_DELIVERED,      FSM_IGNORE,    INTENT_NONE,       NULL,                "there is no such intent" },
    { INTENT_NONE,       ON_CANCELLED,      FSM_IGNORE,    INTENT_NONE,       NULL,                "there is no such intent" },

    { INTENT_REQUESTED,  ON_ASKED,          FSM_IGNORE,    INTENT_REQUESTED,  NULL,                "asked for already" },
    { INTENT_REQUESTED,  ON_CLOSE,          FSM_ACT,       INTENT_CLOSING,    NULL,                "given up: the call under way has to land first" },
    { INTENT_REQUESTED,  ON_NO_ANSWER,      FSM_ACT,       INTENT_UNKNOWN,    NULL,                "a time-out is neither yes nor no" },
    { INTENT_REQUESTED,  ON_PAGE,           FSM_ACT,       INTENT_PENDING,    NULL,                "the shopper goes to the page" },
    { INTENT_REQUESTED,  ON_AUTHORIZED,     FSM_ACT,       INTENT_AUTHORIZED, NULL,                "the provider promises the money" },
    { INTENT_REQUESTED,  ON_CAPTURED,       FSM_ACT,       INTENT_CAPTURED,   NULL,                "taken at once: as good as promised" },
    { INTENT_REQUESTED,  ON_ENDED,          FSM_ACT,       INTENT_DECLINED,   NULL,                "the provider can't authorize it any more" },
    { INTENT_REQUESTED,  ON_PART_REFUNDED,  FSM_IGNORE,    INTENT_REQUESTED,  NULL,                "as far as is known nothing was taken" },
    { INTENT_REQUESTED,  ON_REFUNDED,       FSM_IGNORE,    INTENT_REQUESTED,  NULL,                "as far as is known nothing was taken" },
    { INTENT_REQUESTED,  ON_REFUND_FAILED,  FSM_IGNORE,    INTENT_REQUESTED,  NULL,                "as far as is known nothing was taken" },
    { INTENT_REQUESTED,  ON_MISMATCH,       FSM_ACT,       INTENT_UNKNOWN,    NULL,                "other money than was asked for: nobody knows yet" },
    { INTENT_REQUESTED,  ON_REFUSED,        FSM_IGNORE,    INTENT_REQUESTED,  NULL,                "nothing is being taken" },
    { INTENT_REQUESTED,  ON_PLACED,         FSM_WORK_ITEM, INTENT_REQUESTED,  NULL,                "an order stands on money that nobody promised" },
    { INTENT_REQUESTED,  ON_PACKED,         FSM_IGNORE,    INTENT_REQUESTED,  NULL,                "told when the order was placed" },
    { INTENT_REQUESTED,  ON_DELIVERED,      FSM_IGNORE,    INTENT_REQUESTED,  NULL,                "told when the order was placed" },
    { INTENT_REQUESTED,  ON_CANCELLED,      FSM_ACT,       INTENT_CLOSING,    NULL,                "its order is gone: nothing may come of it" },

    { INTENT_UNKNOWN,    ON_ASKED,          FSM_IGNORE,    INTENT_UNKNOWN,    NULL,                "asked for already" },
    { INTENT_UNKNOWN,    ON_CLOSE,          FSM_ACT,       INTENT_CLOSING,    NULL,                "given up: what nobody knows has to become known first" },
    { INTENT_UNKNOWN,    ON_NO_ANSWER,      FSM_ACT,       INTENT_UNKNOWN,    NULL,                "asked again, with the same key" },
    { INTENT_UNKNOWN,    ON_PAGE,           FSM_ACT,       INTENT_PENDING,    NULL,                "it had landed: the shopper goes to the page" },
    { INTENT_UNKNOWN,    ON_AUTHORIZED,     FSM_ACT,       INTENT_AUTHORIZED, NULL,                "the provider promises the money" },
    { INTENT_UNKNOWN,    ON_CAPTURED,       FSM_ACT,       INTENT_CAPTURED,   NULL,                "taken at once: as good as promised" },
    { INTENT_UNKNOWN,    ON_ENDED,          FSM_ACT,       INTENT_DECLINED,   NULL,                "the provider can't authorize it any more" },
    { INTENT_UNKNOWN,    ON_PART_REFUNDED,  FSM_IGNORE,    INTENT_UNKNOWN,    NULL,                "as far as is known nothing was taken" },
    { INTENT_UNKNOWN,    ON_REFUNDED,       FSM_IGNORE,    INTENT_UNKNOWN,    NULL,                "as far as is known nothing was taken" },
    { INTENT_UNKNOWN,    ON_REFUND_FAILED,  FSM_IGNORE,    INTENT_UNKNOWN,    NULL,                "as far as is known nothing was taken" },
    { INTENT_UNKNOWN,    ON_MISMATCH,       FSM_ACT,       INTENT_UNKNOWN,    NULL,                "other money than was asked for: nobody knows yet" },
    { INTENT_UNKNOWN,    ON_REFUSED,        FSM_IGNORE,    INTENT_UNKNOWN,    NULL,                "nothing is being taken" },
    { INTENT_UNKNOWN,    ON_PLACED,         FSM_WORK_ITEM, INTENT_UNKNOWN,    NULL,                "an order stands on money that nobody promised" },
    { INTENT_UNKNOWN,    ON_PACKED,         FSM_IGNORE,    INTENT_UNKNOWN,    NULL,                "told when the order was placed" },
    { INTENT_UNKNOWN,    ON_DELIVERED,      FSM_IGNORE,    INTENT_UNKNOWN,    NULL,                "told when the order was placed" },
    { INTENT_UNKNOWN,    ON_CANCELLED,      FSM_ACT,       INTENT_CLOSING,    NULL,                "its order is gone: nothing may come of it" },

    { INTENT_PENDING,    ON_ASKED,          FSM_IGNORE,    INTENT_PENDING,    NULL,                "asked for already" },
    { INTENT_PENDING,    ON_CLOSE,          FSM_ACT,       INTENT_CLOSING,    NULL,                "given up: the page is closed at the provider" },
    { INTENT_PENDING,    ON_NO_ANSWER,      FSM_IGNORE,    INTENT_PENDING,    NULL,                "the page is open, whatever that call was" },
    { INTENT_PENDING,    ON_PAGE,           FSM_IGNORE,    INTENT_PENDING,    NULL,                "known" },
    { INTENT_PENDING,    ON_AUTHORIZED,     FSM_ACT,       INTENT_AUTHORIZED, NULL,                "the provider promises the money" },
    { INTENT_PENDING,    ON_CAPTURED,       FSM_ACT,       INTENT_CAPTURED,   NULL,                "taken at once: as good as promised" },
    { INTENT_PENDING,    ON_ENDED,          FSM_ACT,       INTENT_DECLINED,   NULL,                "the provider can't authorize it any more" },
    { INTENT_PENDING,    ON_PART_REFUNDED,  FSM_IGNORE,    INTENT_PENDING,    NULL,                "as far as is known nothing was taken" },
    { INTENT_PENDING,    ON_REFUNDED,       FSM_IGNORE,    INTENT_PENDING,    NULL,                "as far as is known nothing was taken" },
    { INTENT_PENDING,    ON_REFUND_FAILED,  FSM_IGNORE,    INTENT_PENDING,    NULL,                "as far as is known nothing was taken" },
    { INTENT_PENDING,    ON_MISMATCH,       FSM_ACT,       INTENT_UNKNOWN,    NULL,                "other money than was asked for: nobody knows yet" },
    { INTENT_PENDING,    ON_REFUSED,        FSM_IGNORE,    INTENT_PENDING,    NULL,                "nothing is being taken" },
    { INTENT_PENDING,    ON_PLACED,         FSM_WORK_ITEM, INTENT_PENDING,    NULL,                "an order stands on money that nobody promised" },
    { INTENT_PENDING,    ON_PACKED,         FSM_IGNORE,    INTENT_PENDING,    NULL,                "told when the order was placed" },
    { INTENT_PENDING,    ON_DELIVERED,      FSM_IGNORE,    INTENT_PENDING,    NULL,                "told when the order was placed" },
    { INTENT_PENDING,    ON_CANCELLED,      FSM_ACT,       INTENT_CLOSING,    NULL,                "its order is gone: nothing may come of it" },

    { INTENT_DUE,        ON_ASKED,          FSM_IGNORE,    INTENT_DUE,        NULL,                "asked for already" },
    { INTENT_DUE,        ON_CLOSE,          FSM_ACT,       INTENT_CLOSED,     NULL,                "given up; a transfer that comes now is matched by hand" },
    { INTENT_DUE,        ON_NO_ANSWER,      FSM_WORK_ITEM, INTENT_DUE,        NULL,                "the provider speaks of money that doesn't come through it" },
    { INTENT_DUE,        ON_PAGE,           FSM_WORK_ITEM, INTENT_DUE,        NULL,                "the provider speaks of money that doesn't come through it" },
    { INTENT_DUE,        ON_AUTHORIZED,     FSM_WORK_ITEM, INTENT_DUE,        NULL,                "the provider speaks of money that doesn't come through it" },
    { INTENT_DUE,        ON_CAPTURED,       FSM_WORK_ITEM, INTENT_DUE,        NULL,                "the provider speaks of money that doesn't come through it" },
    { INTENT_DUE,        ON_ENDED,          FSM_WORK_ITEM, INTENT_DUE,        NULL,                "the provider speaks of money that doesn't come through it" },
    { INTENT_DUE,        ON_PART_REFUNDED,  FSM_WORK_ITEM, INTENT_DUE,        NULL,                "the provider speaks of money that doesn't come through it" },
    { INTENT_DUE,        ON_REFUNDED,       FSM_WORK_ITEM, INTENT_DUE,        NULL,                "the provider speaks of money that doesn't come through it" },
    { INTENT_DUE,        ON_REFUND_FAILED,  FSM_WORK_ITEM, INTENT_DUE,        NULL,                "the provider speaks of money that doesn't come through it" },
    { INTENT_DUE,        ON_MISMATCH,       FSM_WORK_ITEM, INTENT_DUE,        NULL,                "the provider speaks of money that doesn't come through it" },
    { INTENT_DUE,        ON_REFUSED,        FSM_WORK_ITEM, INTENT_DUE,        NULL,                "the provider speaks of money that doesn't come through it" },
    { INTENT_DUE,        ON_RECEIPT,        FSM_ACT,       INTENT_CAPTURED,   NULL,                "the money is on the account" },
    { INTENT_DUE,        ON_PLACED,         FSM_IGNORE,    INTENT_DUE,        NULL,                "the money is still due" },
    { INTENT_DUE,        ON_PACKED,         FSM_IGNORE,    INTENT_DUE,        NULL,                "the money is still due" },
    { INTENT_DUE,        ON_DELIVERED,      FSM_ACT,       INTENT_CAPTURED,   is_collected,        "the carrier collected it" },
    { INTENT_DUE,        ON_DELIVERED,      FSM_WORK_ITEM, INTENT_DUE,        NULL,                "everything was delivered before the money came" },
    { INTENT_DUE,        ON_CANCELLED,      FSM_ACT,       INTENT_CLOSED,     NULL,                "its order is gone: nothing is due any more" },

    { INTENT_AUTHORIZED, ON_ASKED,          FSM_IGNORE,    INTENT_AUTHORIZED, NULL,                "asked for already" },
    { INTENT_AUTHORIZED, ON_CLOSE,          FSM_WORK_ITEM, INTENT_AUTHORIZED, is_ordered,          "an order stands on it: only cancelling that gives it up" },
    { INTENT_AUTHORIZED, ON_CLOSE,          FSM_ACT,       INTENT_CLOSED,     is_free,             "there was nothing to pay" },
    { INTENT_AUTHORIZED, ON_CLOSE,          FSM_ACT,       INTENT_VOIDING,    NULL,                "given up: the provider lets it go" },
    { INTENT_AUTHORIZED, ON_NO_ANSWER,      FSM_IGNORE,    INTENT_AUTHORIZED, NULL,                "promised, whatever that call was" },
    { INTENT_AUTHORIZED, ON_PAGE,           FSM_IGNORE,    INTENT_AUTHORIZED, NULL,                "late news" },
    { INTENT_AUTHORIZED, ON_AUTHORIZED,     FSM_IGNORE,    INTENT_AUTHORIZED, NULL,                "known" },
    { INTENT_AUTHORIZED, ON_CAPTURED,       FSM_ACT,       INTENT_CAPTURED,   NULL,                "taken at the provider's desk" },
    { INTENT_AUTHORIZED, ON_ENDED,          FSM_ACT,       INTENT_VOIDED,     NULL,                "the promise lapsed" },
    { INTENT_AUTHORIZED, ON_PART_REFUNDED,  FSM_IGNORE,    INTENT_AUTHORIZED, NULL,                "as far as is known nothing was taken" },
    { INTENT_AUTHORIZED, ON_REFUNDED,       FSM_IGNORE,    INTENT_AUTHORIZED, NULL,                "as far as is known nothing was taken" },
    { INTENT_AUTHORIZED, ON_REFUND_FAILED,  FSM_IGNORE,    INTENT_AUTHORIZED, NULL,                "as far as is known nothing was taken" },
    { INTENT_AUTHORIZED, ON_MISMATCH,       FSM_WORK_ITEM, INTENT_AUTHORIZED, NULL,                "the provider speaks of other money than it promised" },
    { INTENT_AUTHORIZED, ON_REFUSED,        FSM_IGNORE,    INTENT_AUTHORIZED, NULL,                "nothing is being taken" },
    { INTENT_AUTHORIZED, ON_PLACED,         FSM_ACT,       INTENT_CAPTURING,  takes_now,           "taken right after placing" },
    { INTENT_AUTHORIZED, ON_PLACED,         FSM_IGNORE,    INTENT_AUTHORIZED, NULL,                "taken when its first parcel is packed" },
    { INTENT_AUTHORIZED, ON_PACKED,         FSM_ACT,       INTENT_CAPTURING,  can_take,            "its first parcel is packed" },
    { INTENT_AUTHORIZED, ON_PACKED,         FSM_IGNORE,    INTENT_AUTHORIZED, NULL,                "nothing to take" },
    { INTENT_AUTHORIZED, ON_DELIVERED,      FSM_ACT,       INTENT_CAPTURING,  can_take,            "delivered and not taken yet: tried again" },
    { INTENT_AUTHORIZED, ON_DELIVERED,      FSM_IGNORE,    INTENT_AUTHORIZED, NULL,                "nothing to take" },
    { INTENT_AUTHORIZED, ON_CANCELLED,      FSM_ACT,       INTENT_VOIDED,     is_free,             "there was nothing to pay" },
    { INTENT_AUTHORIZED, ON_CANCELLED,      FSM_ACT,       INTENT_VOIDING,    NULL,                "its order is gone: the provider lets it go" },

    { INTENT_CAPTURING,  ON_ASKED,          FSM_IGNORE,    INTENT_CAPTURING,  NULL,                "asked for already" },
    { INTENT_CAPTURING,  ON_CLOSE,          FSM_WORK_ITEM, INTENT_CAPTURING,  NULL,                "an order stands on it: only cancelling that gives it up" },
    { INTENT_CAPTURING,  ON_NO_ANSWER,      FSM_ACT,       INTENT_CAPTURING,  NULL,                "asked again, with the same key" },
    { INTENT_CAPTURING,  ON_PAGE,           FSM_IGNORE,    INTENT_CAPTURING,  NULL,                "late news" },
    { INTENT_CAPTURING,  ON_AUTHORIZED,     FSM_IGNORE,    INTENT_CAPTURING,  NULL,                "late news" },
    { INTENT_CAPTURING,  ON_CAPTURED,       FSM_ACT,       INTENT_REFUNDING,  order_is_cancelled,  "taken while its order was cancelled: goes back" },
    { INTENT_CAPTURING,  ON_CAPTURED,       FSM_ACT,       INTENT_CAPTURED,   NULL,                "taken" },
    { INTENT_CAPTURING,  ON_ENDED,          FSM_ACT,       INTENT_VOIDED,     NULL,                "the promise lapsed before it was taken" },
    { INTENT_CAPTURING,  ON_PART_REFUNDED,  FSM_IGNORE,    INTENT_CAPTURING,  NULL,                "as far as is known nothing was taken" },
    { INTENT_CAPTURING,  ON_REFUNDED,       FSM_IGNORE,    INTENT_CAPTURING,  NULL,                "as far as is known nothing was taken" },
    { INTENT_CAPTURING,  ON_REFUND_FAILED,  FSM_IGNORE,    INTENT_CAPTURING,  NULL,                "as far as is known nothing was taken" },
    { INTENT_CAPTURING,  ON_MISMATCH,       FSM_WORK_ITEM, INTENT_CAPTURING,  NULL,                "the provider took other money than it was asked to" },
    { INTENT_CAPTURING,  ON_REFUSED,        FSM_ACT,       INTENT_VOIDING,    order_is_cancelled,  "not taken, and its order was cancelled: let go" },
    { INTENT_CAPTURING,  ON_REFUSED,        FSM_ACT,       INTENT_AUTHORIZED, NULL,                "not taken; the promise still stands" },
    { INTENT_CAPTURING,  ON_PLACED,         FSM_IGNORE,    INTENT_CAPTURING,  NULL,                "being taken" },
    { INTENT_CAPTURING,  ON_PACKED,         FSM_IGNORE,    INTENT_CAPTURING,  NULL,                "being taken" },
    { INTENT_CAPTURING,  ON_DELIVERED,      FSM_IGNORE,    INTENT_CAPTURING,  NULL,                "being taken" },
    { INTENT_CAPTURING,  ON_CANCELLED,      FSM_ACT,       INTENT_CAPTURING,  NULL,                "on its way: goes back once it is known" },

    { INTENT_CAPTURED,   ON_ASKED,          FSM_IGNORE,    INTENT_CAPTURED,   NULL,                "asked for already" },
    { INTENT_CAPTURED,   ON_CLOSE,          FSM_IGNORE,    INTENT_CAPTURED,   is_ordered,          "the order stands on it" },
    { INTENT_CAPTURED,   ON_CLOSE,          FSM_ACT,       INTENT_REFUNDING,  NULL,                "taken without an order: goes back" },
    { INTENT_CAPTURED,   ON_NO_ANSWER,      FSM_IGNORE,    INTENT_CAPTURED,   NULL,                "taken, whatever that call was" },
    { INTENT_CAPTURED,   ON_PAGE,           FSM_IGNORE,    INTENT_CAPTURED,   NULL,                "late news" },
    { INTENT_CAPTURED,   ON_AUTHORIZED,     FSM_IGNORE,    INTENT_CAPTURED,   NULL,                "late news" },
    { INTENT_CAPTURED,   ON_CAPTURED,       FSM_IGNORE,    INTENT_CAPTURED,   NULL,                "known" },
    { INTENT_CAPTURED,   ON_ENDED,          FSM_IGNORE,    INTENT_CAPTURED,   NULL,                "late news" },
    { INTENT_CAPTURED,   ON_PART_REFUNDED,  FSM_ACT,       INTENT_CAPTURED,   NULL,                "some of it was given back at the provider's desk" },
    { INTENT_CAPTURED,   ON_REFUNDED,       FSM_ACT,       INTENT_REFUNDED,   NULL,                "given back at the provider's desk" },
    { INTENT_CAPTURED,   ON_REFUND_FAILED,  FSM_ACT,       INTENT_CAPTURED,   NULL,                "what was given back came back" },
    { INTENT_CAPTURED,   ON_MISMATCH,       FSM_WORK_ITEM, INTENT_CAPTURED,   NULL,                "the provider speaks of other money than it took" },
    { INTENT_CAPTURED,   ON_REFUSED,        FSM_IGNORE,    INTENT_CAPTURED,   NULL,                "late news" },
    { INTENT_CAPTURED,   ON_PLACED,         FSM_IGNORE,    INTENT_CAPTURED,   NULL,                "taken already" },
    { INTENT_CAPTURED,   ON_PACKED,         FSM_IGNORE,    INTENT_CAPTURED,   NULL,                "taken already" },
    { INTENT_CAPTURED,   ON_DELIVERED,      FSM_IGNORE,    INTENT_CAPTURED,   NULL,                "taken already" },
    { INTENT_CAPTURED,   ON_CANCELLED,      FSM_ACT,       INTENT_REFUNDING,  NULL,                "its order is gone: goes back" },

    { INTENT_DECLINED,   ON_ASKED,          FSM_IGNORE,    INTENT_DECLINED,   NULL,                "asked for already" },
    { INTENT_DECLINED,   ON_CLOSE,          FSM_IGNORE,    INTENT_DECLINED,   NULL,                "over already; checkout is told again" },
    { INTENT_DECLINED,   ON_NO_ANSWER,      FSM_IGNORE,    INTENT_DECLINED,   NULL,                "nothing depends on that answer any more" },
    { INTENT_DECLINED,   ON_PAGE,           FSM_IGNORE,    INTENT_DECLINED,   NULL,                "late news" },
    { INTENT_DECLINED,   ON_AUTHORIZED,     FSM_ACT,       INTENT_VOIDING,    NULL,                "promised after its end: given up at once" },
    { INTENT_DECLINED,   ON_CAPTURED,       FSM_ACT,       INTENT_REFUNDING,  NULL,                "taken after its end: given back at once" },
    { INTENT_DECLINED,   ON_ENDED,          FSM_IGNORE,    INTENT_DECLINED,   NULL,                "known" },
    { INTENT_DECLINED,   ON_PART_REFUNDED,  FSM_IGNORE,    INTENT_DECLINED,   NULL,                "as far as is known nothing was taken" },
    { INTENT_DECLINED,   ON_REFUNDED,       FSM_IGNORE,    INTENT_DECLINED,   NULL,                "as far as is known nothing was taken" },
    { INTENT_DECLINED,   ON_REFUND_FAILED,  FSM_IGNORE,    INTENT_DECLINED,   NULL,                "as far as is known nothing was taken" },
    { INTENT_DECLINED,   ON_MISMATCH,       FSM_WORK_ITEM, INTENT_DECLINED,   NULL,                "the provider speaks of other money for an intent that is over" },
    { INTENT_DECLINED,   ON_REFUSED,        FSM_IGNORE,    INTENT_DECLINED,   NULL,                "nothing is being taken" },
    { INTENT_DECLINED,   ON_PLACED,         FSM_WORK_ITEM, INTENT_DECLINED,   NULL,                "an order stands on an intent that is over" },
    { INTENT_DECLINED,   ON_PACKED,         FSM_IGNORE,    INTENT_DECLINED,   NULL,                "told when the order was placed" },
    { INTENT_DECLINED,   ON_DELIVERED,      FSM_IGNORE,    INTENT_DECLINED,   NULL,                "told when the order was placed" },
    { INTENT_DECLINED,   ON_CANCELLED,      FSM_IGNORE,    INTENT_DECLINED,   NULL,                "nothing to give up" },

    { INTENT_CLOSING,    ON_ASKED,          FSM_IGNORE,    INTENT_CLOSING,    NULL,                "asked for already" },
    { INTENT_CLOSING,    ON_CLOSE,          FSM_IGNORE,    INTENT_CLOSING,    NULL,                "under way" },
    { INTENT_CLOSING,    ON_NO_ANSWER,      FSM_ACT,       INTENT_CLOSING,    NULL,                "repeated until the provider answers" },
    { INTENT_CLOSING,    ON_PAGE,           FSM_ACT,       INTENT_CLOSING,    NULL,                "it has landed: now there is a page to close" },
    { INTENT_CLOSING,    ON_AUTHORIZED,     FSM_ACT,       INTENT_VOIDING,    NULL,                "promised in the same moment: the provider lets it go" },
    { INTENT_CLOSING,    ON_CAPTURED,       FSM_ACT,       INTENT_REFUNDING,  NULL,                "taken in the same moment: goes back" },
    { INTENT_CLOSING,    ON_ENDED,          FSM_ACT,       INTENT_CLOSED,     NULL,                "the provider can't authorize it any more" },
    { INTENT_CLOSING,    ON_PART_REFUNDED,  FSM_IGNORE,    INTENT_CLOSING,    NULL,                "as far as is known nothing was taken" },
    { INTENT_CLOSING,    ON_REFUNDED,       FSM_IGNORE,    INTENT_CLOSING,    NULL,                "as far as is known nothing was taken" },
    { INTENT_CLOSING,    ON_REFUND_FAILED,  FSM_IGNORE,    INTENT_CLOSING,    NULL,                "as far as is known nothing was taken" },
    { INTENT_CLOSING,    ON_MISMATCH,       FSM_WORK_ITEM, INTENT_CLOSING,    NULL,                "the provider speaks of other money for an intent that is given up" },
    { INTENT_CLOSING,    ON_REFUSED,        FSM_IGNORE,    INTENT_CLOSING,    NULL,                "nothing is being taken" },
    { INTENT_CLOSING,    ON_PLACED,         FSM_WORK_ITEM, INTENT_CLOSING,    NULL,                "an order stands on an intent that is given up" },
    { INTENT_CLOSING,    ON_PACKED,         FSM_IGNORE,    INTENT_CLOSING,    NULL,                "told when the order was placed" },
    { INTENT_CLOSING,    ON_DELIVERED,      FSM_IGNORE,    INTENT_CLOSING,    NULL,                "told when the order was placed" },
    { INTENT_CLOSING,    ON_CANCELLED,      FSM_IGNORE,    INTENT_CLOSING,    NULL,                "under way" },

    { INTENT_CLOSED,     ON_ASKED,          FSM_IGNORE,    INTENT_CLOSED,     NULL,                "asked for already" },
    { INTENT_CLOSED,     ON_CLOSE,          FSM_IGNORE,    INTENT_CLOSED,     NULL,                "over already; checkout is told again" },
    { INTENT_CLOSED,     ON_NO_ANSWER,      FSM_IGNORE,    INTENT_CLOSED,     NULL,                "nothing depends on that answer any more" },
    { INTENT_CLOSED,     ON_PAGE,           FSM_IGNORE,    INTENT_CLOSED,     NULL,                "late news" },
    { INTENT_CLOSED,     ON_AUTHORIZED,     FSM_ACT,       INTENT_VOIDING,    NULL,                "promised after its end: given up at once" },
    { INTENT_CLOSED,     ON_CAPTURED,       FSM_ACT,       INTENT_REFUNDING,  NULL,                "taken after its end: given back at once" },
    { INTENT_CLOSED,     ON_ENDED,          FSM_IGNORE,    INTENT_CLOSED,     NULL,                "known" },
    { INTENT_CLOSED,     ON_PART_REFUNDED,  FSM_IGNORE,    INTENT_CLOSED,     NULL,                "as far as is known nothing was taken" },
    { INTENT_CLOSED,     ON_REFUNDED,       FSM_IGNORE,    INTENT_CLOSED,     NULL,                "as far as is known nothing was taken" },
    { INTENT_CLOSED,     ON_REFUND_FAILED,  FSM_IGNORE,    INTENT_CLOSED,     NULL,                "as far as is known nothing was taken" },
    { INTENT_CLOSED,     ON_MISMATCH,       FSM_WORK_ITEM, INTENT_CLOSED,     NULL,                "the provider speaks of other money for an intent that is over" },
    { INTENT_CLOSED,     ON_REFUSED,        FSM_IGNORE,    INTENT_CLOSED,     NULL,                "nothing is being taken" },
    { INTENT_CLOSED,     ON_PLACED,         FSM_WORK_ITEM, INTENT_CLOSED,     NULL,                "an order stands on an intent that is over" },
    { INTENT_CLOSED,     ON_PACKED,         FSM_IGNORE,    INTENT_CLOSED,     NULL,                "told when the order was placed" },
    { INTENT_CLOSED,     ON_DELIVERED,      FSM_IGNORE,    INTENT_CLOSED,     NULL,                "told when the order was placed" },
    { INTENT_CLOSED,     ON_CANCELLED,      FSM_IGNORE,    INTENT_CLOSED,     NULL,                "nothing to give up" },

    { INTENT_VOIDING,    ON_ASKED,          FSM_IGNORE,    INTENT_VOIDING,    NULL,                "asked for already" },
    { INTENT_VOIDING,    ON_CLOSE,          FSM_IGNORE,    INTENT_VOIDING,    NULL,                "under way" },
    { INTENT_VOIDING,    ON_NO_ANSWER,      FSM_ACT,       INTENT_VOIDING,    NULL,                "repeated until the provider answers" },
    { INTENT_VOIDING,    ON_PAGE,           FSM_IGNORE,    INTENT_VOIDING,    NULL,                "late news" },
    { INTENT_VOIDING,    ON_AUTHORIZED,     FSM_IGNORE,    INTENT_VOIDING,    NULL,                "known" },
    { INTENT_VOIDING,    ON_CAPTURED,       FSM_ACT,       INTENT_REFUNDING,  NULL,                "taken in the same moment: goes back" },
    { INTENT_VOIDING,    ON_ENDED,          FSM_ACT,       INTENT_VOIDED,     NULL,                "the provider let it go" },
    { INTENT_VOIDING,    ON_PART_REFUNDED,  FSM_IGNORE,    INTENT_VOIDING,    NULL,                "as far as is known nothing was taken" },
    { INTENT_VOIDING,    ON_REFUNDED,       FSM_IGNORE,    INTENT_VOIDING,    NULL,                "as far as is known nothing was taken" },
    { INTENT_VOIDING,    ON_REFUND_FAILED,  FSM_IGNORE,    INTENT_VOIDING,    NULL,                "as far as is known nothing was taken" },
    { INTENT_VOIDING,    ON_MISMATCH,       FSM_WORK_ITEM, INTENT_VOIDING,    NULL,                "the provider speaks of other money for an intent that is given up" },
    { INTENT_VOIDING,    ON_REFUSED,        FSM_IGNORE,    INTENT_VOIDING,    NULL,                "nothing is being taken" },
    { INTENT_VOIDING,    ON_PLACED,         FSM_WORK_ITEM, INTENT_VOIDING,    NULL,                "an order stands on an intent that is given up" },
    { INTENT_VOIDING,    ON_PACKED,         FSM_IGNORE,    INTENT_VOIDING,    NULL,                "told when the order was placed" },
    { INTENT_VOIDING,    ON_DELIVERED,      FSM_IGNORE,    INTENT_VOIDING,    NULL,                "told when the order was placed" },
    { INTENT_VOIDING,    ON_CANCELLED,      FSM_IGNORE,    INTENT_VOIDING,    NULL,                "under way" },

    { INTENT_VOIDED,     ON_ASKED,          FSM_IGNORE,    INTENT_VOIDED,     NULL,                "asked for already" },
    { INTENT_VOIDED,     ON_CLOSE,          FSM_IGNORE,    INTENT_VOIDED,     NULL,                "over already; checkout is told again" },
    { INTENT_VOIDED,     ON_NO_ANSWER,      FSM_IGNORE,    INTENT_VOIDED,     NULL,                "nothing depends on that answer any more" },
    { INTENT_VOIDED,     ON_PAGE,           FSM_IGNORE,    INTENT_VOIDED,     NULL,                "late news" },
    { INTENT_VOIDED,     ON_AUTHORIZED,     FSM_ACT,       INTENT_VOIDING,    NULL,                "promised after its end: given up at once" },
    { INTENT_VOIDED,     ON_CAPTURED,       FSM_ACT,       INTENT_REFUNDING,  NULL,                "taken after its end: given back at once" },
    { INTENT_VOIDED,     ON_ENDED,          FSM_IGNORE,    INTENT_VOIDED,     NULL,                "known" },
    { INTENT_VOIDED,     ON_PART_REFUNDED,  FSM_IGNORE,    INTENT_VOIDED,     NULL,                "as far as is known nothing was taken" },
    { INTENT_VOIDED,     ON_REFUNDED,       FSM_IGNORE,    INTENT_VOIDED,     NULL,                "as far as is known nothing was taken" },
    { INTENT_VOIDED,     ON_REFUND_FAILED,  FSM_IGNORE,    INTENT_VOIDED,     NULL,                "as far as is known nothing was taken" },
    { INTENT_VOIDED,     ON_MISMATCH,       FSM_WORK_ITEM, INTENT_VOIDED,     NULL,                "the provider speaks of other money for an intent that is over" },
    { INTENT_VOIDED,     ON_REFUSED,        FSM_IGNORE,    INTENT_VOIDED,     NULL,                "nothing is being taken" },
    { INTENT_VOIDED,     ON_PLACED,         FSM_WORK_ITEM, INTENT_VOIDED,     NULL,                "an order stands on an intent that is over" },
    { INTENT_VOIDED,     ON_PACKED,         FSM_IGNORE,    INTENT_VOIDED,     NULL,                "told when the order was placed" },
    { INTENT_VOIDED,     ON_DELIVERED,      FSM_IGNORE,    INTENT_VOIDED,     NULL,                "told when the order was placed" },
    { INTENT_VOIDED,     ON_CANCELLED,      FSM_IGNORE,    INTENT_VOIDED,     NULL,                "nothing to give up" },

    { INTENT_REFUNDING,  ON_ASKED,          FSM_IGNORE,    INTENT_REFUNDING,  NULL,                "asked for already" },
    { INTENT_REFUNDING,  ON_CLOSE,          FSM_IGNORE,    INTENT_REFUNDING,  NULL,                "goes back already" },
    { INTENT_REFUNDING,  ON_NO_ANSWER,      FSM_ACT,       INTENT_REFUNDING,  NULL,                "repeated until the provider answers" },
    { INTENT_REFUNDING,  ON_PAGE,           FSM_IGNORE,    INTENT_REFUNDING,  NULL,                "late news" },
    { INTENT_REFUNDING,  ON_AUTHORIZED,     FSM_IGNORE,    INTENT_REFUNDING,  NULL,                "late news" },
    { INTENT_REFUNDING,  ON_CAPTURED,       FSM_IGNORE,    INTENT_REFUNDING,  NULL,                "known" },
    { INTENT_REFUNDING,  ON_ENDED,          FSM_IGNORE,    INTENT_REFUNDING,  NULL,                "late news" },
    { INTENT_REFUNDING,  ON_PART_REFUNDED,  FSM_ACT,       INTENT_REFUNDING,  NULL,                "some of it is back, the rest follows" },
    { INTENT_REFUNDING,  ON_REFUNDED,       FSM_ACT,       INTENT_REFUNDED,   NULL,                "all of it is back" },
    { INTENT_REFUNDING,  ON_REFUND_FAILED,  FSM_ACT,       INTENT_REFUNDING,  NULL,                "what was given back came back: somebody must help" },
    { INTENT_REFUNDING,  ON_MISMATCH,       FSM_WORK_ITEM, INTENT_REFUNDING,  NULL,                "the provider speaks of other money than it took" },
    { INTENT_REFUNDING,  ON_REFUSED,        FSM_IGNORE,    INTENT_REFUNDING,  NULL,                "nothing is being taken" },
    { INTENT_REFUNDING,  ON_SENT_BACK,      FSM_ACT,       INTENT_REFUNDED,   returns_by_hand,     "given back by a person" },
    { INTENT_REFUNDING,  ON_PLACED,         FSM_WORK_ITEM, INTENT_REFUNDING,  NULL,                "an order stands on money that goes back" },
    { INTENT_REFUNDING,  ON_PACKED,         FSM_IGNORE,    INTENT_REFUNDING,  NULL,                "told when the order was placed" },
    { INTENT_REFUNDING,  ON_DELIVERED,      FSM_IGNORE,    INTENT_REFUNDING,  NULL,                "told when the order was placed" },
    { INTENT_REFUNDING,  ON_CANCELLED,      FSM_IGNORE,    INTENT_REFUNDING,  NULL,                "goes back already" },

    { INTENT_REFUNDED,   ON_ASKED,          FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "asked for already" },
    { INTENT_REFUNDED,   ON_CLOSE,          FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "over already; checkout is told again" },
    { INTENT_REFUNDED,   ON_NO_ANSWER,      FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "nothing depends on that answer any more" },
    { INTENT_REFUNDED,   ON_PAGE,           FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "late news" },
    { INTENT_REFUNDED,   ON_AUTHORIZED,     FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "late news" },
    { INTENT_REFUNDED,   ON_CAPTURED,       FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "known" },
    { INTENT_REFUNDED,   ON_ENDED,          FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "late news" },
    { INTENT_REFUNDED,   ON_PART_REFUNDED,  FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "late news" },
    { INTENT_REFUNDED,   ON_REFUNDED,       FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "known" },
    { INTENT_REFUNDED,   ON_REFUND_FAILED,  FSM_ACT,       INTENT_REFUNDING,  NULL,                "what was given back came back: somebody must help" },
    { INTENT_REFUNDED,   ON_MISMATCH,       FSM_WORK_ITEM, INTENT_REFUNDED,   NULL,                "the provider speaks of other money than it took" },
    { INTENT_REFUNDED,   ON_REFUSED,        FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "nothing is being taken" },
    { INTENT_REFUNDED,   ON_PLACED,         FSM_WORK_ITEM, INTENT_REFUNDED,   NULL,                "an order stands on money that was given back" },
    { INTENT_REFUNDED,   ON_PACKED,         FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "told when the order was placed" },
    { INTENT_REFUNDED,   ON_DELIVERED,      FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "told when the order was placed" },
    { INTENT_REFUNDED,   ON_CANCELLED,      FSM_IGNORE,    INTENT_REFUNDED,   NULL,                "given back already" },
};
/* clang-format on */

const struct fsm intent_fsm = {
    .name = "payment intent",
    .states = intent_state_names,
    .events = intent_event_names,
    .edges = edges,
    .edge_count = COUNT(edges),
    .initial = INTENT_NONE,
    .commands = 1u << ON_RECEIPT      /* a clerk's: what doesn't fit is kept unmatched */
                | 1u << ON_SENT_BACK, /* ... and: what is not owed is refused */
};
