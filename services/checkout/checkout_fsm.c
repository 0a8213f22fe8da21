/*
 * The placement saga as a table: for each state and event what happens, and why. The rules R1-R10 were model-checked.
 * What is about another placement or intent never gets here (checkout_concerns); what a state asks of others when it is
 * entered stands in move.c.
 */
#include "checkout.h"

#include "text.h"

const char *const checkout_state_names[] = {"open",      "claiming", "paying", "action_required", "declined", "unknown",
                                            "switching", "closing",  "failed", "completed",       NULL};

const char *const checkout_event_names[] = {"cart locked",     "cart refused", "stock held",   "stock refused",
                                            "action required", "authorized",   "declined",     "unknown",
                                            "closed",          "deadline",     "order placed", "placing",
                                            "paying again",    "cancelling",   "changing it",  NULL};

static bool stock_is_held(const void *aggregate, const void *event UNUSED)
{
    const struct checkout *checkout = aggregate;
    return checkout->stock_held;
}

static bool cart_is_locked(const void *aggregate, const void *event UNUSED)
{
    const struct checkout *checkout = aggregate;
    return checkout->cart_locked;
}

static bool may_try(const void *aggregate, const void *event UNUSED)
{
    const struct checkout *checkout = aggregate;
    return checkout->tries < TRIES_MAX && checkout->now < checkout->deadline;
}

static bool is_same_method(const void *aggregate, const void *event)
{
    const struct checkout *checkout = aggregate;
    const struct checkout_move *move = event;
    return text_equal(checkout->method, move->method);
}

static bool may_switch(const void *aggregate, const void *event)
{
    return !is_same_method(aggregate, event) && may_try(aggregate, event);
}

#define OPEN CHECKOUT_OPEN
#define CLAIMING CHECKOUT_CLAIMING
#define PAYING CHECKOUT_PAYING
#define ACTION CHECKOUT_ACTION_REQUIRED
#define DECLINED CHECKOUT_DECLINED
#define UNSURE CHECKOUT_UNKNOWN
#define SWITCHING CHECKOUT_SWITCHING
#define CLOSING CHECKOUT_CLOSING
#define FAILED CHECKOUT_FAILED
#define COMPLETED CHECKOUT_COMPLETED

/* clang-format off */
static const struct fsm_edge edges[] = {
    /* from     on                  outcome        to         guard           why */
    { OPEN,      ON_CART_LOCKED,     FSM_IGNORE,    OPEN,      NULL,           "nothing was asked of the cart yet" },
    { OPEN,      ON_CART_REFUSED,    FSM_IGNORE,    OPEN,      NULL,           "nothing was asked of the cart yet" },
    { OPEN,      ON_STOCK_HELD,      FSM_IGNORE,    OPEN,      NULL,           "no stock was asked for yet" },
    { OPEN,      ON_STOCK_REFUSED,   FSM_IGNORE,    OPEN,      NULL,           "no stock was asked for yet" },
    { OPEN,      ON_ACTION_REQUIRED, FSM_IGNORE,    OPEN,      NULL,           "no payment was asked for yet" },
    { OPEN,      ON_AUTHORIZED,      FSM_WORK_ITEM, OPEN,      NULL,           "money for a checkout that was never placed" },
    { OPEN,      ON_DECLINED,        FSM_IGNORE,    OPEN,      NULL,           "no payment was asked for yet" },
    { OPEN,      ON_UNKNOWN,         FSM_IGNORE,    OPEN,      NULL,           "no payment was asked for yet" },
    { OPEN,      ON_CLOSED,          FSM_IGNORE,    OPEN,      NULL,           "no payment was asked for yet" },
    { OPEN,      ON_DEADLINE,        FSM_IGNORE,    OPEN,      NULL,           "nothing is waited for" },
    { OPEN,      ON_ORDER_PLACED,    FSM_WORK_ITEM, OPEN,      NULL,           "an order of a checkout that was never placed" },
    { OPEN,      ON_PLACE,           FSM_ACT,       CLAIMING,  NULL,           "the shopper said yes to this total" },
    { OPEN,      ON_EDIT,            FSM_ACT,       OPEN,      NULL,           "nothing is claimed, so anything may change" },

    { CLAIMING,  ON_CART_LOCKED,     FSM_ACT,       PAYING,    stock_is_held,  "both claims are granted" },
    { CLAIMING,  ON_CART_LOCKED,     FSM_ACT,       CLAIMING,  NULL,           "stock has not answered yet" },
    { CLAIMING,  ON_CART_REFUSED,    FSM_ACT,       FAILED,    NULL,           "the cart is not what the shopper saw" },
    { CLAIMING,  ON_STOCK_HELD,      FSM_ACT,       PAYING,    cart_is_locked, "both claims are granted" },
    { CLAIMING,  ON_STOCK_HELD,      FSM_ACT,       CLAIMING,  NULL,           "the cart has not answered yet" },
    { CLAIMING,  ON_STOCK_REFUSED,   FSM_ACT,       FAILED,    NULL,           "there is not enough stock" },
    { CLAIMING,  ON_ACTION_REQUIRED, FSM_IGNORE,    CLAIMING,  NULL,           "no payment was asked for by this placement yet" },
    { CLAIMING,  ON_AUTHORIZED,      FSM_WORK_ITEM, CLAIMING,  NULL,           "money that this placement did not ask for" },
    { CLAIMING,  ON_DECLINED,        FSM_IGNORE,    CLAIMING,  NULL,           "no payment was asked for by this placement yet" },
    { CLAIMING,  ON_UNKNOWN,         FSM_IGNORE,    CLAIMING,  NULL,           "no payment was asked for by this placement yet" },
    { CLAIMING,  ON_CLOSED,          FSM_IGNORE,    CLAIMING,  NULL,           "no payment was asked for by this placement yet" },
    { CLAIMING,  ON_DEADLINE,        FSM_ACT,       FAILED,    NULL,           "the claims were not answered in time" },
    { CLAIMING,  ON_ORDER_PLACED,    FSM_WORK_ITEM, CLAIMING,  NULL,           "an order of a checkout that is not paid" },
    { CLAIMING,  ON_CANCEL,          FSM_ACT,       FAILED,    NULL,           "the shopper changed their mind; no money was asked" },

    { PAYING,    ON_CART_LOCKED,     FSM_IGNORE,    PAYING,    NULL,           "told again" },
    { PAYING,    ON_CART_REFUSED,    FSM_WORK_ITEM, PAYING,    NULL,           "the cart was locked for this placement, and now refused" },
    { PAYING,    ON_STOCK_HELD,      FSM_IGNORE,    PAYING,    NULL,           "told again" },
    { PAYING,    ON_STOCK_REFUSED,   FSM_WORK_ITEM, PAYING,    NULL,           "stock was held for this placement, and now refused" },
    { PAYING,    ON_ACTION_REQUIRED, FSM_ACT,       ACTION,    NULL,           "the provider's page is ready" },
    { PAYING,    ON_AUTHORIZED,      FSM_ACT,       COMPLETED, NULL,           "the money is promised: the point of no return" },
    { PAYING,    ON_DECLINED,        FSM_ACT,       DECLINED,  NULL,           "refused for good; the claims stay for another try" },
    { PAYING,    ON_UNKNOWN,         FSM_ACT,       UNSURE,    NULL,           "no answer is neither yes nor no" },
    { PAYING,    ON_CLOSED,          FSM_WORK_ITEM, PAYING,    NULL,           "the open intent was closed, and nobody asked for it" },
    { PAYING,    ON_DEADLINE,        FSM_ACT,       CLOSING,   NULL,           "not paid in time; first make sure that no money can come" },
    { PAYING,    ON_ORDER_PLACED,    FSM_WORK_ITEM, PAYING,    NULL,           "an order of a checkout that is not paid" },
    { PAYING,    ON_PAY,             FSM_IGNORE,    PAYING,    is_same_method, "this try is going on already" },
    { PAYING,    ON_PAY,             FSM_ACT,       SWITCHING, may_switch,     "another method: the open intent is closed first" },
    { PAYING,    ON_CANCEL,          FSM_ACT,       CLOSING,   NULL,           "cancelled; first make sure that no money can come" },

    { ACTION,    ON_CART_LOCKED,     FSM_IGNORE,    ACTION,    NULL,           "told again" },
    { ACTION,    ON_CART_REFUSED,    FSM_WORK_ITEM, ACTION,    NULL,           "the cart was locked for this placement, and now refused" },
    { ACTION,    ON_STOCK_HELD,      FSM_IGNORE,    ACTION,    NULL,           "told again" },
    { ACTION,    ON_STOCK_REFUSED,   FSM_WORK_ITEM, ACTION,    NULL,           "stock was held for this placement, and now refused" },
    { ACTION,    ON_ACTION_REQUIRED, FSM_ACT,       ACTION,    NULL,           "the provider made another page" },
    { ACTION,    ON_AUTHORIZED,      FSM_ACT,       COMPLETED, NULL,           "the money is promised: the point of no return" },
    { ACTION,    ON_DECLINED,        FSM_ACT,       DECLINED,  NULL,           "the page can't be paid any more; the claims stay" },
    { ACTION,    ON_UNKNOWN,         FSM_ACT,       UNSURE,    NULL,           "what became of the page is not known" },
    { ACTION,    ON_CLOSED,          FSM_WORK_ITEM, ACTION,    NULL,           "the open intent was closed, and nobody asked for it" },
    { ACTION,    ON_DEADLINE,        FSM_ACT,       CLOSING,   NULL,           "not paid in time; the page may still be open" },
    { ACTION,    ON_ORDER_PLACED,    FSM_WORK_ITEM, ACTION,    NULL,           "an order of a checkout that is not paid" },
    { ACTION,    ON_PAY,             FSM_ACT,       ACTION,    is_same_method, "the page is open; it is shown again, with the full time" },
    { ACTION,    ON_PAY,             FSM_ACT,       SWITCHING, may_switch,     "another method: the page is closed first" },
    { ACTION,    ON_CANCEL,          FSM_ACT,       CLOSING,   NULL,           "cancelled; the page may still be open" },

    { DECLINED,  ON_CART_LOCKED,     FSM_IGNORE,    DECLINED,  NULL,           "told again" },
    { DECLINED,  ON_CART_REFUSED,    FSM_WORK_ITEM, DECLINED,  NULL,           "the cart was locked for this placement, and now refused" },
    { DECLINED,  ON_STOCK_HELD,      FSM_IGNORE,    DECLINED,  NULL,           "told again" },
    { DECLINED,  ON_STOCK_REFUSED,   FSM_WORK_ITEM, DECLINED,  NULL,           "stock was held for this placement, and now refused" },
    { DECLINED,  ON_ACTION_REQUIRED, FSM_IGNORE,    DECLINED,  NULL,           "declined is final for its intent" },
    { DECLINED,  ON_AUTHORIZED,      FSM_WORK_ITEM, DECLINED,  NULL,           "declined for good, and then authorized" },
    { DECLINED,  ON_DECLINED,        FSM_IGNORE,    DECLINED,  NULL,           "told again" },
    { DECLINED,  ON_UNKNOWN,         FSM_IGNORE,    DECLINED,  NULL,           "declined is final for its intent" },
    { DECLINED,  ON_CLOSED,          FSM_IGNORE,    DECLINED,  NULL,           "a declined intent takes no money anyway" },
    { DECLINED,  ON_DEADLINE,        FSM_ACT,       CLOSING,   NULL,           "no other try came in time" },
    { DECLINED,  ON_ORDER_PLACED,    FSM_WORK_ITEM, DECLINED,  NULL,           "an order of a checkout that is not paid" },
    { DECLINED,  ON_PAY,             FSM_ACT,       PAYING,    may_try,        "another try under the same claims" },
    { DECLINED,  ON_CANCEL,          FSM_ACT,       CLOSING,   NULL,           "cancelled; closing an intent is cheap and certain" },

    { UNSURE,    ON_CART_LOCKED,     FSM_IGNORE,    UNSURE,    NULL,           "told again" },
    { UNSURE,    ON_CART_REFUSED,    FSM_WORK_ITEM, UNSURE,    NULL,           "the cart was locked for this placement, and now refused" },
    { UNSURE,    ON_STOCK_HELD,      FSM_IGNORE,    UNSURE,    NULL,           "told again" },
    { UNSURE,    ON_STOCK_REFUSED,   FSM_WORK_ITEM, UNSURE,    NULL,           "stock was held for this placement, and now refused" },
    { UNSURE,    ON_ACTION_REQUIRED, FSM_ACT,       ACTION,    NULL,           "the call had landed; the page is ready" },
    { UNSURE,    ON_AUTHORIZED,      FSM_ACT,       COMPLETED, NULL,           "the call had landed, and the money is promised" },
    { UNSURE,    ON_DECLINED,        FSM_ACT,       DECLINED,  NULL,           "the call had landed, and was refused for good" },
    { UNSURE,    ON_UNKNOWN,         FSM_IGNORE,    UNSURE,    NULL,           "still not known" },
    { UNSURE,    ON_CLOSED,          FSM_WORK_ITEM, UNSURE,    NULL,           "the open intent was closed, and nobody asked for it" },
    { UNSURE,    ON_DEADLINE,        FSM_ACT,       CLOSING,   NULL,           "not known in time; first make sure that no money can come" },
    { UNSURE,    ON_ORDER_PLACED,    FSM_WORK_ITEM, UNSURE,    NULL,           "an order of a checkout that is not paid" },
    { UNSURE,    ON_PAY,             FSM_IGNORE,    UNSURE,    is_same_method, "this try is still being looked into" },
    { UNSURE,    ON_PAY,             FSM_ACT,       SWITCHING, may_switch,     "another method: the unknown intent is closed first" },
    { UNSURE,    ON_CANCEL,          FSM_ACT,       CLOSING,   NULL,           "cancelled; first make sure that no money can come" },

    { SWITCHING, ON_CART_LOCKED,     FSM_IGNORE,    SWITCHING, NULL,           "told again" },
    { SWITCHING, ON_CART_REFUSED,    FSM_WORK_ITEM, SWITCHING, NULL,           "the cart was locked for this placement, and now refused" },
    { SWITCHING, ON_STOCK_HELD,      FSM_IGNORE,    SWITCHING, NULL,           "told again" },
    { SWITCHING, ON_STOCK_REFUSED,   FSM_WORK_ITEM, SWITCHING, NULL,           "stock was held for this placement, and now refused" },
    { SWITCHING, ON_ACTION_REQUIRED, FSM_IGNORE,    SWITCHING, NULL,           "of the method that was given up" },
    { SWITCHING, ON_AUTHORIZED,      FSM_IGNORE,    SWITCHING, NULL,           "crossed with its closing, which gives it back" },
    { SWITCHING, ON_DECLINED,        FSM_IGNORE,    SWITCHING, NULL,           "of the method that was given up; closed follows" },
    { SWITCHING, ON_UNKNOWN,         FSM_IGNORE,    SWITCHING, NULL,           "payment repeats the closing until it is sure" },
    { SWITCHING, ON_CLOSED,          FSM_ACT,       PAYING,    NULL,           "the old intent can't be paid; the new method is asked" },
    { SWITCHING, ON_DEADLINE,        FSM_ACT,       CLOSING,   NULL,           "not paid in time" },
    { SWITCHING, ON_ORDER_PLACED,    FSM_WORK_ITEM, SWITCHING, NULL,           "an order of a checkout that is not paid" },
    { SWITCHING, ON_PAY,             FSM_ACT,       SWITCHING, NULL,           "yet another method, before anything was asked of the last" },
    { SWITCHING, ON_CANCEL,          FSM_ACT,       CLOSING,   NULL,           "cancelled; the old intent is being closed already" },

    { CLOSING,   ON_CART_LOCKED,     FSM_IGNORE,    CLOSING,   NULL,           "given up; the release follows" },
    { CLOSING,   ON_CART_REFUSED,    FSM_IGNORE,    CLOSING,   NULL,           "given up anyway" },
    { CLOSING,   ON_STOCK_HELD,      FSM_IGNORE,    CLOSING,   NULL,           "given up; the release follows" },
    { CLOSING,   ON_STOCK_REFUSED,   FSM_IGNORE,    CLOSING,   NULL,           "given up anyway" },
    { CLOSING,   ON_ACTION_REQUIRED, FSM_IGNORE,    CLOSING,   NULL,           "crossed with the closing, which covers the page" },
    { CLOSING,   ON_AUTHORIZED,      FSM_IGNORE,    CLOSING,   NULL,           "crossed with the closing, which gives it back" },
    { CLOSING,   ON_DECLINED,        FSM_IGNORE,    CLOSING,   NULL,           "closed follows" },
    { CLOSING,   ON_UNKNOWN,         FSM_IGNORE,    CLOSING,   NULL,           "payment repeats the closing until it is sure" },
    { CLOSING,   ON_CLOSED,          FSM_ACT,       FAILED,    NULL,           "no money can come: the claims are released" },
    { CLOSING,   ON_DEADLINE,        FSM_ACT,       FAILED,    NULL,           "not confirmed for so long that the claims go; money that is found later is given back" },
    { CLOSING,   ON_ORDER_PLACED,    FSM_WORK_ITEM, CLOSING,   NULL,           "an order of a checkout that is not paid" },
    { CLOSING,   ON_CANCEL,          FSM_IGNORE,    CLOSING,   NULL,           "it is being given up already" },

    { FAILED,    ON_CART_LOCKED,     FSM_IGNORE,    FAILED,    NULL,           "crossed with the failure, which released it" },
    { FAILED,    ON_CART_REFUSED,    FSM_IGNORE,    FAILED,    NULL,           "it failed for another reason first" },
    { FAILED,    ON_STOCK_HELD,      FSM_IGNORE,    FAILED,    NULL,           "crossed with the failure, which released it" },
    { FAILED,    ON_STOCK_REFUSED,   FSM_IGNORE,    FAILED,    NULL,           "it failed for another reason first" },
    { FAILED,    ON_ACTION_REQUIRED, FSM_IGNORE,    FAILED,    NULL,           "late news of a closed intent" },
    { FAILED,    ON_AUTHORIZED,      FSM_IGNORE,    FAILED,    NULL,           "late money: payment gives it back by itself" },
    { FAILED,    ON_DECLINED,        FSM_IGNORE,    FAILED,    NULL,           "late news of a closed intent" },
    { FAILED,    ON_UNKNOWN,         FSM_IGNORE,    FAILED,    NULL,           "late news of a closed intent" },
    { FAILED,    ON_CLOSED,          FSM_IGNORE,    FAILED,    NULL,           "told again, or after the wait for it was over" },
    { FAILED,    ON_DEADLINE,        FSM_IGNORE,    FAILED,    NULL,           "nothing is waited for" },
    { FAILED,    ON_ORDER_PLACED,    FSM_WORK_ITEM, FAILED,    NULL,           "an order of a placement that failed" },
    { FAILED,    ON_PLACE,           FSM_ACT,       CLAIMING,  NULL,           "the shopper tries again, as the next placement" },
    { FAILED,    ON_CANCEL,          FSM_IGNORE,    FAILED,    NULL,           "nothing is going on any more" },
    { FAILED,    ON_EDIT,            FSM_ACT,       FAILED,    NULL,           "nothing is claimed, so anything may change" },

    { COMPLETED, ON_CART_LOCKED,     FSM_IGNORE,    COMPLETED, NULL,           "told again" },
    { COMPLETED, ON_CART_REFUSED,    FSM_WORK_ITEM, COMPLETED, NULL,           "paid for a cart that is refused now" },
    { COMPLETED, ON_STOCK_HELD,      FSM_IGNORE,    COMPLETED, NULL,           "told again" },
    { COMPLETED, ON_STOCK_REFUSED,   FSM_WORK_ITEM, COMPLETED, NULL,           "paid for stock that is refused now" },
    { COMPLETED, ON_ACTION_REQUIRED, FSM_IGNORE,    COMPLETED, NULL,           "late news; the money is promised" },
    { COMPLETED, ON_AUTHORIZED,      FSM_IGNORE,    COMPLETED, NULL,           "told again" },
    { COMPLETED, ON_DECLINED,        FSM_WORK_ITEM, COMPLETED, NULL,           "promised, and then declined" },
    { COMPLETED, ON_UNKNOWN,         FSM_IGNORE,    COMPLETED, NULL,           "about taking the money, which is the order's business" },
    { COMPLETED, ON_CLOSED,          FSM_IGNORE,    COMPLETED, NULL,           "about giving the money back, which is the order's business" },
    { COMPLETED, ON_DEADLINE,        FSM_IGNORE,    COMPLETED, NULL,           "nothing is waited for" },
    { COMPLETED, ON_ORDER_PLACED,    FSM_ACT,       COMPLETED, NULL,           "the order is there" },
};
/* clang-format on */

const struct fsm checkout_fsm = {
    .name = "checkout",
    .states = checkout_state_names,
    .events = checkout_event_names,
    .edges = edges,
    .edge_count = COUNT(edges),
    .initial = CHECKOUT_OPEN,
    .commands = 1u << ON_PLACE | 1u << ON_PAY | 1u << ON_CANCEL | 1u << ON_EDIT,
};
