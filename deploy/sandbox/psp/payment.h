/*
 * payment - sessions, intents, charges and refunds, and what may be done to them. No I/O.
 */
#ifndef PSP_SANDBOX_PAYMENT_H
#define PSP_SANDBOX_PAYMENT_H

#include "arena.h"
#include "fsm.h"
#include "record.h"

#define AMOUNT_MAX INT64_C(99999999) /* eight digits */
#define AMOUNT_MIN 1
#define SESSION_SHORTEST_S (30 * 60)
#define SESSION_LONGEST_S (24 * 3600)
#define HOLD_DAYS 7 /* an authorization lapses after */

/* A Checkout Session: the page where the shopper pays. */
struct session {
    int64_t serial; /* only in lists */
    const char *id;
    const char *payment_id; /* metadata[payment_id]: the shop's name for the payment, "" if it gave none */
    const char *status;     /* open, complete, expired */
    int64_t amount;
    const char *currency; /* lower case, as Stripe has it */
    const char *title;    /* what the page says is bought */
    const char *client_reference_id;
    const char *customer_email;
    const char *locale;
    const char *description;
    const char *success_url;
    const char *cancel_url;
    const char *capture_method;
    bool multicapture;           /* asked for */
    const char *metadata;        /* JSON */
    const char *intent_metadata; /* JSON */
    const char *intent_id;       /* NULL before a card was tried */
    const char *intent_status;   /* of the same */
    int64_t created;             /* seconds since 1970, as Stripe tells all times */
    int64_t expires_at;
    bool is_over; /* expires_at has passed */
};
extern const struct record session_record;

enum intent_status {
    INTENT_REQUIRES_PAYMENT_METHOD,
    INTENT_REQUIRES_ACTION,
    INTENT_REQUIRES_CAPTURE,
    INTENT_SUCCEEDED,
    INTENT_CANCELED,
    INTENT_STATUSES
};
extern const char *const intent_status_names[];

enum intent_event {
    ON_CHALLENGED,
    ON_DECLINED,
    ON_AUTHORIZED,
    ON_SOLD, /* authorized and captured in one */
    ON_PART_CAPTURED,
    ON_LAST_CAPTURED,
    ON_CANCELED,
    INTENT_EVENTS
};
extern const struct fsm intent_fsm;

/* One try of a card. */
struct charge {
    const char *id; /* NULL: no card was tried */
    const char *intent_id;
    const char *currency;
    const char *status; /* succeeded, failed */
    int64_t amount;
    int64_t captured;
    int64_t refunded;
    const char *brand;
    const char *last4;
    const char *card; /* name of the test card */
    const char *failure_code;
    const char *decline_code;
    const char *failure_message;
    bool multicapture; /* available */
    int64_t created;
    int64_t capture_before;
};
extern const struct record charge_record;

struct intent {
    int64_t serial;
    const char *id;
    const char *session_id;
    const char *session_status;
    const char *payment_id;
    enum intent_status status;
    int64_t amount;
    int64_t capturable;
    int64_t received;
    const char *currency;
    const char *capture_method;
    const char *description;
    const char *metadata;  /* JSON */
    const char *challenge; /* the card whose holder is asked; NULL: none */
    const char *cancellation_reason;
    int64_t canceled_at; /* seconds; 0: it isn't */
    int64_t created;
    struct charge charge; /* the latest */
};
extern const struct record intent_record;

struct refund {
    int64_t serial;
    const char *id;
    const char *payment_id;
    const char *intent_id;
    const char *charge_id;
    int64_t amount;
    const char *currency;
    const char *reason;
    const char *status; /* succeeded, failed */
    const char *failure_reason;
    const char *metadata; /* JSON */
    int64_t created;
};
extern const struct record refund_record;

/* Why something can't be done, in Stripe's words; no message: it can. */
struct refusal {
    const char *code;
    const char *param;
    const char *message;
};

struct refusal capture_refusal(struct arena *arena, const struct intent *intent, int64_t amount, bool final);
struct refusal cancel_refusal(struct arena *arena, const struct intent *intent);
struct refusal refund_refusal(struct arena *arena, const struct intent *intent, int64_t amount);

/* Moves along the table. False if the table has no such move; then nothing changed. */
bool intent_move(struct intent *intent, enum intent_event event) MUST_USE;

/* What a card did; the intent's charge is the try. */
void intent_decline(struct intent *intent);
void intent_authorize(struct intent *intent);

/* After capture_refusal() found none: takes the amount; the last capture lets the rest go. */
void intent_capture(struct intent *intent, int64_t amount, bool final);

/* After cancel_refusal() found none. */
void intent_cancel(struct intent *intent, const char *reason, int64_t now);

#endif
