/*
 * checkout - what a checkout is, and what may become of it. Pure: no database, no broker, no clock.
 *
 * There is one checkout for a cart, for ever. Placing it counts `placement` up and claims cart and stock under that
 * number; each try to pay counts `intent` up, which is never reused. An answer that names another placement or intent
 * than the current one is not about us any more, and ignored (saga rule R2). The paying states are the sub-states of
 * paying in the model: asked, action required, declined, unknown, switching.
 */
#ifndef WAYBILL_CHECKOUT_H
#define WAYBILL_CHECKOUT_H

#include "event.h"
#include "fsm.h"
#include "offers.h"
#include "proto/checkout.h"
#include "proto/http_checkout.h"
#include "totals.h"

#define TRIES_MAX 10 /* intents of one placement: nobody tries out stolen cards here */

enum checkout_state {
    CHECKOUT_OPEN,            /* never placed */
    CHECKOUT_CLAIMING,        /* cart and stock were asked for */
    CHECKOUT_PAYING,          /* both are held; payment was asked */
    CHECKOUT_ACTION_REQUIRED, /* the shopper has to go to the provider's page */
    CHECKOUT_DECLINED,        /* this intent can't be paid any more; another try may */
    CHECKOUT_UNKNOWN,         /* the provider has not answered */
    CHECKOUT_SWITCHING,       /* another method was chosen: the open intent is being closed first */
    CHECKOUT_CLOSING,         /* given up; claims stay until no money can come */
    CHECKOUT_FAILED,          /* over, nothing is held */
    CHECKOUT_COMPLETED,       /* the money is promised: the point of no return */
    CHECKOUT_STATES
};

enum checkout_event {
    ON_CART_LOCKED,  /* with lines that cost what was placed */
    ON_CART_REFUSED, /* or locked with lines that cost something else */
    ON_STOCK_HELD,
    ON_STOCK_REFUSED,
    ON_ACTION_REQUIRED,
    ON_AUTHORIZED, /* or due: the money is promised either way */
    ON_DECLINED,
    ON_UNKNOWN,
    ON_CLOSED, /* no money can come for the intent and all before it */
    ON_DEADLINE,
    ON_ORDER_PLACED,
    ON_PLACE, /* from here on: what shoppers ask */
    ON_PAY,   /* another try, or another method */
    ON_CANCEL,
    ON_EDIT, /* lines, addresses, delivery, payment method */
    CHECKOUT_EVENTS
};

extern const char *const checkout_state_names[];
extern const char *const checkout_event_names[];
extern const struct fsm checkout_fsm;

/* A placement that failed and was followed by another one. */
struct earlier_placement {
    int64_t placement;
    const char *fingerprint;
    const char *reason;
    const char *decline_code;
    struct difference_list differences;
    struct shortage_list shortages;
};

extern const struct record earlier_placement_record;

struct checkout {
    struct aggregate head;
    const char *shop;
    const char *cart_id;
    int64_t cart_version; /* of the snapshot in `lines` */
    const char *channel;
    const char *locale;
    const char *currency;
    const char *group_id; /* of its one delivery group */
    enum checkout_state state;
    int64_t placement; /* 0: never placed */
    int64_t intent;    /* 0: nothing was ever asked of payment */
    int64_t tries;     /* intents of this placement */
    int64_t winning_intent;
    bool cart_locked;
    bool stock_held;
    int64_t deadline; /* of the placement, or, while closing, until when the claims wait for payment; 0: none */
    int64_t deadline_max;
    const char *key; /* Idempotency-Key that the placement was asked under, and what was asked */
    const char *fingerprint;
    const char *reason; /* why it was given up */
    const char *decline_code;
    const char *redirect_url;
    struct difference_list differences;
    struct shortage_list shortages;
    const char *delivery_method; /* chosen; NULL: not yet */
    const char *method;          /* of payment */
    const char *capture;
    const char *return_url;
    struct set_addresses *personal; /* NULL: not yet */
    struct line_list lines;
    struct group_list groups; /* empty until addresses and delivery are known */
    struct totals totals;
    struct tax_rules rules; /* that the totals were computed by */
    const char *number;     /* of the order, once it is there */
    bool freezes;           /* the next move also saves what was priced, and for which placement */

    /* Read along: not the checkout's own. */
    int64_t now; /* database time */
    struct offers offers;
};

extern const struct record checkout_record;

/* How long things may take, from the settings. */
struct patience {
    int64_t deadline_s;
    int64_t deadline_max_s;
    int64_t unknown_max_s;
};

/* What happened, and what it says. */
struct checkout_move {
    enum checkout_event on;
    int64_t placement; /* that an event is about */
    int64_t intent;
    const char *reason; /* ON_CART_REFUSED */
    struct difference_list differences;
    struct shortage_list shortages;
    const char *decline_code;
    const char *redirect_url;
    const char *method; /* ON_PAY */
    const char *capture;
    const char *return_url;
    const char *reference; /* ON_AUTHORIZED, of a bank transfer */
    const char *number;    /* ON_ORDER_PLACED */
    const char *key;       /* ON_PLACE */
    const char *fingerprint;
};

/* Whether what happened is about the current placement and intent. Deadlines, orders and commands always are. */
bool checkout_concerns(const struct checkout *checkout, const struct checkout_move *move);

/* Moves to a state that the table allowed, and takes over what the move says. */
void checkout_apply(struct checkout *checkout, enum checkout_state to, const struct checkout_move *move,
                    const struct patience *patience);

/* Whether a placement is going on. */
bool checkout_is_live(enum checkout_state state);

/* Lines of a cart as ours. ERR_INVALID: another currency, or a total that is not quantity times price. */
enum err checkout_take_lines(struct ctx *ctx, const struct cart_line_list *from, const char *currency,
                             struct line_list *ret) MUST_USE;

/* The country that it goes to; NULL: not known yet. */
const char *checkout_destination(const struct checkout *checkout);

/* Computes groups, taxes and totals anew from what the shop offers now. While nothing is being placed only. */
enum err checkout_price(struct ctx *ctx, struct checkout *checkout) MUST_USE;

/*
 * The placed checkout with the lines that cart locked, priced as it was placed: mostly the lines that it has. *ret_same
 * is false, and nothing else changes, when they cost something else than the shopper agreed to.
 */
enum err checkout_take_locked(struct ctx *ctx, struct checkout *checkout, const char *currency,
                              const struct cart_line_list *from, bool *ret_same) MUST_USE;

/* What has to be set before it can be placed: up to three words in the arena. */
struct texts checkout_missing(const struct checkout *checkout, struct arena *arena);

/* How it looks to the shopper. */
void checkout_show(const struct checkout *checkout, struct arena *arena, struct checkout_view *ret);
void placement_show(const struct checkout *checkout, struct arena *arena, struct placement_view *ret);
void placement_show_earlier(const char *checkout_id, const struct earlier_placement *earlier,
                            struct placement_view *ret);

/* The HTTP status that goes with a placement as the answer to placing or paying. */
int placement_status(const struct placement_view *view);

/* What events carry. */
struct personal checkout_personal(const struct checkout *checkout, struct arena *arena);
struct claim_line_list checkout_claim_lines(const struct checkout *checkout, struct arena *arena);
struct claim_group_list checkout_claim_groups(const struct checkout *checkout, struct arena *arena);

#endif
