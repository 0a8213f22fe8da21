/*
 * fold - one truth out of all that a provider tells: by answer, on return, by webhook, by query, by poll. Pure.
 *
 * Facts come twice, late and in any order, so they are ranked, never taken by arrival: the highest one says how the
 * intent stands. "Captured before it was authorized" is captured. A page that ended and yet a promise: the promise
 * counts, since money may come of it. A cancelled promise can't come back, so it ranks above the promise.
 */
#ifndef WAYBILL_PAYMENT_FOLD_H
#define WAYBILL_PAYMENT_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

enum fact_kind {
    FACT_PAGE,           /* the page is open */
    FACT_COMPLETED,      /* the shopper is done with the page; says nothing of money */
    FACT_CARD_REFUSED,   /* a card was refused, the page stays open */
    FACT_ENDED,          /* no page, or one that can't be used any more */
    FACT_AUTHORIZED,     /* the money is promised */
    FACT_CANCELLED,      /* the payment can't be completed any more, for good */
    FACT_CAPTURED,       /* the money was taken */
    FACT_REFUND_PENDING, /* a refund was taken on */
    FACT_REFUNDED,       /* a refund went through */
    FACT_REFUND_FAILED,  /* a refund came back */
    FACT_KINDS
};

extern const char *const fact_kind_names[];

enum fact_rank { RANK_NONE, RANK_PAGE, RANK_ENDED, RANK_AUTHORIZED, RANK_CANCELLED, RANK_CAPTURED };

extern const char *const fact_rank_names[];

struct fact {
    const char *id; /* unique at the provider: its event's, or made from what was seen */
    enum fact_kind kind;
    const char *payment_id; /* ours, as the provider carries it; NULL: it doesn't */
    int64_t intent;
    const char *payment_ref; /* the provider's payment; NULL: none yet */
    const char *refund_ref;
    int64_t amount_minor;
    const char *currency; /* NULL: the fact has no amount */
    const char *code;
    int64_t occurred_at;

    /* For the intent's row only; not kept with the fact. */
    const char *page_ref;
    const char *redirect_url;
    int64_t expires_at; /* the page, or the promise; 0: the provider did not say */
};

struct fact_list {
    struct fact *items;
    size_t count;
};

extern const struct record fact_record;

struct verdict {
    enum fact_rank rank;
    int64_t refunded_minor;  /* went through and did not come back */
    int64_t refunding_minor; /* taken on, not through yet */
    bool refund_failed;
    bool completed;   /* the shopper is done, so there is something to ask for */
    bool mismatched;  /* some amount or currency is not what was asked */
    bool contested;   /* ... and nothing that fits says as much as it does */
    bool several;     /* more than one payment was made for it */
    const char *code; /* why it ended, if that was told */
};

/* Folds the facts of one intent that was asked for `amount_minor`. Facts of other intents are skipped. */
void facts_fold(const struct fact_list *facts, int64_t intent, int64_t amount_minor, const char *currency,
                struct verdict *ret);

/* Whether a fact speaks of the money that was asked for, or of none. A refund may be of a part. */
bool fact_fits(const struct fact *fact, int64_t amount_minor, const char *currency);

/* Whether the list has a fact with this id. */
bool facts_have(const struct fact_list *facts, const char *id);

#endif
