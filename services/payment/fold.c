/* One truth out of all that a provider tells. */
#include "fold.h"

#include <string.h>

#include "text.h"

const char *const fact_kind_names[] = {"page",      "completed", "card_refused",   "ended",    "authorized",
                                       "cancelled", "captured",  "refund_pending", "refunded", "refund_failed",
                                       NULL};

const char *const fact_rank_names[] = {"none", "page", "ended", "authorized", "cancelled", "captured", NULL};

RECORD_SHARED(fact, FIELD(fact, id), FIELD_AS_ENUM(fact, kind, fact_kind_names), FIELD(fact, payment_id),
              FIELD(fact, intent), FIELD(fact, payment_ref), FIELD(fact, refund_ref), FIELD(fact, amount_minor),
              FIELD(fact, currency), FIELD(fact, code), FIELD_AS_TIME(fact, occurred_at));

static enum fact_rank rank_of(enum fact_kind kind)
{
    switch (kind) {
    case FACT_PAGE:
        return RANK_PAGE;
    case FACT_ENDED:
        return RANK_ENDED;
    case FACT_AUTHORIZED:
        return RANK_AUTHORIZED;
    case FACT_CANCELLED:
        return RANK_CANCELLED;
    case FACT_CAPTURED:
        return RANK_CAPTURED;
    case FACT_COMPLETED:
    case FACT_CARD_REFUSED:
    case FACT_REFUND_PENDING:
    case FACT_REFUNDED:
    case FACT_REFUND_FAILED:
    case FACT_KINDS:
        break;
    }
    return RANK_NONE;
}

static bool is_refund(enum fact_kind kind)
{
    return kind == FACT_REFUND_PENDING || kind == FACT_REFUNDED || kind == FACT_REFUND_FAILED;
}

/* A refund is told of several times. What comes last in its life is what counts, and of equals the first one. */
static bool is_outdone(const struct fact_list *facts, size_t index)
{
    const struct fact *fact = &facts->items[index];

    for (size_t i = 0; i < facts->count; i++) {
        const struct fact *other = &facts->items[i];
        if (i == index || !is_refund(other->kind) || other->intent != fact->intent ||
            !text_equal(other->refund_ref, fact->refund_ref))
            continue;
        if (other->kind > fact->kind || (other->kind == fact->kind && i < index))
            return true;
    }
    return false;
}

static void fold_refund(const struct fact_list *facts, size_t index, struct verdict *verdict)
{
    const struct fact *fact = &facts->items[index];

    if (is_outdone(facts, index))
        return;
    if (fact->kind == FACT_REFUNDED)
        verdict->refunded_minor += fact->amount_minor;
    else if (fact->kind == FACT_REFUND_PENDING)
        verdict->refunding_minor += fact->amount_minor;
    else
        verdict->refund_failed = true;
}

/* The reason of the highest rank; of equals the one that sorts first, so that the order of facts has no say. */
static void fold_code(const struct fact *fact, enum fact_rank rank, struct verdict *verdict)
{
    if (rank > verdict->rank)
        verdict->code = NULL;
    if (fact->code != NULL && rank >= verdict->rank && (verdict->code == NULL || strcmp(fact->code, verdict->code) < 0))
        verdict->code = fact->code;
}

bool fact_fits(const struct fact *fact, int64_t amount_minor, const char *currency)
{
    if (fact->currency == NULL)
        return true;
    return text_equal(fact->currency, currency) && (is_refund(fact->kind) || fact->amount_minor == amount_minor);
}

void facts_fold(const struct fact_list *facts, int64_t intent, int64_t amount_minor, const char *currency,
                struct verdict *ret)
{
    const char *payment_ref = NULL;
    enum fact_rank claimed = RANK_NONE; /* by what speaks of other money */

    *ret = (struct verdict){.rank = RANK_NONE};
    for (size_t i = 0; i < facts->count; i++) {
        const struct fact *fact = &facts->items[i];
        if (fact->intent != intent)
            continue;
        if (fact->payment_ref != NULL && payment_ref == NULL)
            payment_ref = fact->payment_ref;
        ret->several = ret->several || (fact->payment_ref != NULL && !text_equal(fact->payment_ref, payment_ref));
        ret->completed = ret->completed || fact->kind == FACT_COMPLETED;

        /* What speaks of other money than was asked for moves nothing. */
        const enum fact_rank rank = rank_of(fact->kind);
        if (!fact_fits(fact, amount_minor, currency)) {
            ret->mismatched = true;
            claimed = rank > claimed ? rank : claimed;
            continue;
        }
        if (is_refund(fact->kind)) {
            fold_refund(facts, i, ret);
            continue;
        }
        fold_code(fact, rank, ret);
        if (rank > ret->rank)
            ret->rank = rank;
    }
    ret->contested = claimed > ret->rank;
    if (ret->refunded_minor > amount_minor)
        ret->mismatched = true;
}

bool facts_have(const struct fact_list *facts, const char *id)
{
    for (size_t i = 0; i < facts->count; i++) {
        if (text_equal(facts->items[i].id, id))
            return true;
    }
    return false;
}
