/*
 * payment - the money of one checkout: its intents, one for each decision of the shopper to pay one amount by one
 * method. Pure: no database, no broker, no clock.
 *
 * The payment's row is the lock for everything below it. It keeps the tombstone `closed_to`: every intent up to there
 * was given up by checkout, whether it was ever asked for or not. The table of an intent's moves is intent_fsm.c.
 */
#ifndef WAYBILL_PAYMENT_H
#define WAYBILL_PAYMENT_H

#include "event.h"
#include "fold.h"
#include "fsm.h"
#include "proto/types.h"
#include "psp.h"

enum intent_state {
    INTENT_NONE,       /* not asked for yet */
    INTENT_REQUESTED,  /* the provider is being asked for its page */
    INTENT_UNKNOWN,    /* it did not answer, or not what it was asked */
    INTENT_PENDING,    /* the shopper is on the provider's page */
    INTENT_DUE,        /* promised: by transfer, or to the carrier */
    INTENT_AUTHORIZED, /* may be taken */
    INTENT_CAPTURING,  /* is being taken */
    INTENT_CAPTURED,   /* taken, or arrived */
    INTENT_DECLINED,   /* the provider can't authorize it any more */
    INTENT_CLOSING,    /* given up by checkout, the provider is being told */
    INTENT_CLOSED,     /* given up: no money can come */
    INTENT_VOIDING,    /* an authorization is being given up */
    INTENT_VOIDED,     /* given up, nothing was taken */
    INTENT_REFUNDING,  /* what was taken is being given back */
    INTENT_REFUNDED,   /* all given back */
    INTENT_STATES
};

enum intent_event {
    ON_ASKED,         /* checkout: get the money promised */
    ON_CLOSE,         /* checkout: make sure that no money can come */
    ON_NO_ANSWER,     /* a call went out, no usable answer came back */
    ON_PAGE,          /* the provider has made its page */
    ON_AUTHORIZED,    /* ... promised the money */
    ON_CAPTURED,      /* ... has taken it */
    ON_ENDED,         /* ... can't take any of it any more */
    ON_PART_REFUNDED, /* ... has given some of it back */
    ON_REFUNDED,      /* ... has given all of it back */
    ON_REFUND_FAILED, /* ... had given it back, and the bank did not take it */
    ON_MISMATCH,      /* ... speaks of another amount or currency than it was asked for */
    ON_REFUSED,       /* ... will not capture */
    ON_RECEIPT,       /* it is on the bank account */
    ON_SENT_BACK,     /* a person has given it back */
    ON_PLACED,        /* the order that it pays for exists */
    ON_PACKED,        /* the first parcel is closed */
    ON_DELIVERED,     /* the last parcel arrived */
    ON_CANCELLED,     /* the order was cancelled */
    INTENT_EVENTS
};

extern const char *const intent_state_names[];
extern const char *const intent_event_names[];
extern const struct fsm intent_fsm;

struct intent {
    int64_t number; /* "a": 1, 2, 3 ... in the checkout, never reused */
    int64_t placement;
    const char *method;
    enum intent_state state;
    int64_t amount_minor;
    const char *currency;
    const char *capture;
    int64_t authorized_minor;
    int64_t captured_minor;
    int64_t refunded_minor;
    enum fact_rank rank; /* the highest of the provider's facts that was acted upon */
    bool mismatched;     /* a differing amount was told */

    /* The call to the provider that is under way. */
    enum psp_operation operation;
    bool stalled;     /* it has ended and moved nothing: a query must prove that before it is decided anew */
    int64_t calls;    /* decided so far: the number in the newest call's key */
    int64_t failures; /* of calls for what is wanted now */

    /* While nobody knows. */
    enum psp_operation doubt;
    int64_t queries;  /* answered so far, whatever for: the number in the next one's key */
    int64_t asks;     /* queries answered since */
    int64_t ask_at;   /* when to ask again; 0: no need */
    int64_t alarm_at; /* when a person is told; 0: told, or no need */

    const char *locale;      /* of the shopper, for the page */
    const char *return_url;  /* of the shop, where the shopper goes after the page, or NULL */
    const char *reference;   /* what the customer writes on a transfer, or NULL */
    const char *page_ref;    /* the provider's id of its page */
    const char *payment_ref; /* ... and of the payment made there */
    const char *redirect_url;
    int64_t expires_at; /* of the page, then of the promise */
    const char *decline_code;
    const char *refund_reason;
    int64_t created_at;

    bool touched; /* not stored: it has changed since it was read */
};

struct intent_list {
    struct intent *items;
    size_t count;
};

struct payment {
    struct aggregate head; /* the checkout's id, which is also the order's */
    const char *shop;
    const char *currency;
    int64_t closed_to;        /* every intent up to here was given up */
    int64_t closed_told;      /* for these "closed" was told */
    int64_t closed_placement; /* the placement that asked */
    const char *order_number; /* or NULL while there is no order */
    int64_t order_intent;     /* which pays for it; 0: no order */
    int64_t order_minor;
    int64_t order_pay_by; /* when it is cancelled if its money has not come; 0: not by a day */
    bool cancelled;       /* the order */

    /* The ledger's balances that have a bound: none is ever below 0. */
    int64_t receivable_minor; /* the customer owes us */
    int64_t held_minor;       /* promised, neither taken nor let go */
    int64_t owed_minor;       /* we owe the customer */

    struct intent_list intents;
    struct fact_list facts; /* what the provider told of all of them */

    /* Not stored. */
    bool is_new;
    bool touched;      /* its own row has changed since it was read; a new version shows by itself */
    int64_t was;       /* the version that was read */
    int64_t now;       /* database time */
    int64_t reference; /* fresh, if it is new or payment_number() was called */
};

extern const struct record payment_record;

/* The intent with this number, or NULL. */
struct intent *payment_find(struct payment *payment, int64_t number);

/* Whether the order stands on this intent. */
bool intent_pays_order(const struct payment *payment, const struct intent *intent);

/* Whether no more money can come of it: closing it asks for nothing more than that. */
bool intent_is_over(const struct intent *intent);

/* Whether what was taken has to be given back by a person: it did not come through the provider. */
bool intent_returns_by_hand(const struct intent *intent);

/* Whether "closed" is owed to checkout: something was given up, and nothing of it is left open. */
bool payment_owes_closed(const struct payment *payment);

/* What the provider is wanted to do for the intent as it stands; PSP_NOTHING if it is nobody's turn, or ours. */
enum psp_operation intent_wants(const struct intent *intent);

/* The pause before the next question, in ms: 2 s, 10 s, 1 min, 5 min, 30 min, 2 h, and then a day. */
int64_t ask_pause_ms(int64_t asks);

/* Whether a fact only repeats what the intent stands for already, so that it need not even be kept: it could move
 * nothing now, and states and ranks never go back to where it could. */
bool intent_knows(const struct intent *intent, const struct fact *fact);

/* What the folded facts say that the intent doesn't know yet; false if nothing. Ask again after each. */
bool intent_news(const struct intent *intent, const struct verdict *verdict, enum intent_event *ret);

#endif
