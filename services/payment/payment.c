/* What is known of a payment, and what follows from it: pure decisions over struct payment. */
#include "payment.h"

#include "text.h"

static RECORD(intent, FIELD_NAMED(intent, number, "intent"), FIELD(intent, placement), FIELD(intent, method),
              FIELD_AS_ENUM(intent, state, intent_state_names), FIELD(intent, amount_minor), FIELD(intent, currency),
              FIELD(intent, capture), FIELD(intent, authorized_minor), FIELD(intent, captured_minor),
              FIELD(intent, refunded_minor), FIELD_AS_ENUM(intent, rank, fact_rank_names), FIELD(intent, mismatched),
              FIELD_AS_ENUM(intent, operation, psp_operation_names), FIELD(intent, stalled), FIELD(intent, calls),
              FIELD(intent, failures), FIELD_AS_ENUM(intent, doubt, psp_operation_names), FIELD(intent, queries),
              FIELD(intent, asks), FIELD_AS_TIME(intent, ask_at), FIELD_AS_TIME(intent, alarm_at),
              FIELD(intent, locale), FIELD(intent, return_url, .max = 2000), FIELD(intent, reference),
              FIELD(intent, page_ref), FIELD(intent, payment_ref), FIELD(intent, redirect_url, .max = 2000),
              FIELD_AS_TIME(intent, expires_at), FIELD(intent, decline_code), FIELD(intent, refund_reason),
              FIELD_AS_TIME(intent, created_at));

RECORD_SHARED(payment, FIELD_NAMED(payment, head.id, "id"), FIELD(payment, is_new), FIELD(payment, shop),
              FIELD(payment, currency), FIELD(payment, closed_to), FIELD(payment, closed_told),
              FIELD(payment, closed_placement), FIELD(payment, order_number), FIELD(payment, order_intent),
              FIELD(payment, order_minor), FIELD_AS_TIME(payment, order_pay_by), FIELD(payment, cancelled),
              FIELD(payment, receivable_minor), FIELD(payment, held_minor), FIELD(payment, owed_minor),
              FIELD_LIST_OF(payment, intents, intent_record), FIELD_LIST_OF(payment, facts, fact_record),
              FIELD_AS_TIME(payment, now), FIELD(payment, reference), FIELD_NAMED(payment, head.version, "version"));

struct intent *payment_find(struct payment *payment, int64_t number)
{
    for (size_t i = 0; i < payment->intents.count; i++) {
        if (payment->intents.items[i].number == number)
            return &payment->intents.items[i];
    }
    return NULL;
}

bool intent_pays_order(const struct payment *payment, const struct intent *intent)
{
    return payment->order_intent != 0 && payment->order_intent == intent->number;
}

bool intent_is_over(const struct intent *intent)
{
    /* Refunding counts: the money came, no more can, and it is on its way back. */
    return intent->state == INTENT_DECLINED || intent->state == INTENT_CLOSED || intent->state == INTENT_VOIDED ||
           intent->state == INTENT_REFUNDING || intent->state == INTENT_REFUNDED;
}

bool intent_returns_by_hand(const struct intent *intent)
{
    return intent->state == INTENT_REFUNDING && !text_equal(intent->method, PAYMENT_METHOD_CARD);
}

bool payment_owes_closed(const struct payment *payment)
{
    if (payment->closed_told >= payment->closed_to)
        return false;
    for (size_t i = 0; i < payment->intents.count; i++) {
        const struct intent *intent = &payment->intents.items[i];
        if (intent->number <= payment->closed_to && !intent_is_over(intent))
            return false;
    }
    return true;
}

enum psp_operation intent_wants(const struct intent *intent)
{
    if (!text_equal(intent->method, PAYMENT_METHOD_CARD))
        return PSP_NOTHING;

    switch (intent->state) {
    case INTENT_REQUESTED:
        return PSP_AUTHORIZE;
    case INTENT_CLOSING: /* a call that has not landed yet is repeated until it has; then there is a page to close */
        return intent->page_ref != NULL ? PSP_EXPIRE : PSP_NOTHING;
    case INTENT_CAPTURING:
        return PSP_CAPTURE;
    case INTENT_VOIDING:
        return PSP_VOID;
    case INTENT_REFUNDING:
        return PSP_REFUND;
    case INTENT_NONE:
    case INTENT_UNKNOWN:
    case INTENT_PENDING:
    case INTENT_DUE:
    case INTENT_AUTHORIZED:
    case INTENT_CAPTURED:
    case INTENT_DECLINED:
    case INTENT_CLOSED:
    case INTENT_VOIDED:
    case INTENT_REFUNDED:
    case INTENT_STATES:
        break;
    }
    return PSP_NOTHING;
}

int64_t ask_pause_ms(int64_t asks)
{
    static const int64_t pauses_s[] = {2, 10, 60, 300, 1800, 7200, 86400};
    const int64_t last = (int64_t)COUNT(pauses_s) - 1;

    return pauses_s[asks < last ? asks : last] * 1000;
}

static bool waits_for_shopper(const struct intent *intent)
{
    return intent->state == INTENT_NONE || intent->state == INTENT_REQUESTED || intent->state == INTENT_UNKNOWN ||
           intent->state == INTENT_PENDING || intent->state == INTENT_CLOSING;
}

bool intent_knows(const struct intent *intent, const struct fact *fact)
{
    if (fact->payment_ref == NULL || !text_equal(fact->payment_ref, intent->payment_ref) ||
        (fact->page_ref != NULL && !text_equal(fact->page_ref, intent->page_ref)) ||
        !fact_fits(fact, intent->amount_minor, intent->currency))
        return false;

    switch (fact->kind) {
    case FACT_COMPLETED:
        return !waits_for_shopper(intent);
    case FACT_AUTHORIZED: /* one that says until when teaches that */
        return intent->rank >= RANK_AUTHORIZED && fact->expires_at == 0;
    case FACT_CAPTURED:
        return intent->rank == RANK_CAPTURED;
    case FACT_PAGE:
    case FACT_CARD_REFUSED:
    case FACT_ENDED:
    case FACT_CANCELLED:
    case FACT_REFUND_PENDING:
    case FACT_REFUNDED:
    case FACT_REFUND_FAILED:
    case FACT_KINDS:
        break;
    }
    return false;
}

bool intent_news(const struct intent *intent, const struct verdict *verdict, enum intent_event *ret)
{
    if (verdict->rank > intent->rank) {
        switch (verdict->rank) {
        case RANK_CAPTURED:
            *ret = ON_CAPTURED;
            return true;
        case RANK_AUTHORIZED:
            *ret = ON_AUTHORIZED;
            return true;
        case RANK_CANCELLED:
        case RANK_ENDED:
            *ret = ON_ENDED;
            return true;
        case RANK_PAGE: /* a page on which other money may have been paid is not shown to the shopper */
            *ret = ON_PAGE;
            if (!verdict->contested)
                return true;
            break;
        case RANK_NONE:
            break;
        }
    }
    if (verdict->contested && !intent->mismatched) {
        *ret = ON_MISMATCH;
        return true;
    }
    if (verdict->refunded_minor == intent->refunded_minor || verdict->refunded_minor > intent->captured_minor)
        return false;
    if (verdict->refunded_minor < intent->refunded_minor)
        *ret = ON_REFUND_FAILED;
    else
        *ret = verdict->refunded_minor == intent->captured_minor ? ON_REFUNDED : ON_PART_REFUNDED;
    return true;
}
