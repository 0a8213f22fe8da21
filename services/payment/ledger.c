/* What each change of money means in double entry. */
#include "ledger.h"

#include <assert.h>
#include <inttypes.h>

#include "text.h"

const char *const money_source_names[] = {"psp", "receipt", "carrier", NULL};

/* A leg of 0 is none. */
static void add(struct entry *entry, const char *account, const char *subject, int64_t amount)
{
    if (amount == 0)
        return;
    assert(entry->leg_count < ENTRY_LEGS_MAX);
    entry->legs[entry->leg_count++] = (struct leg){.account = account, .subject = subject, .amount = amount};
}

static void begin(struct arena *arena, const struct payment *payment, const struct intent *intent, const char *what,
                  struct entry *ret)
{
    *ret = (struct entry){
        .what = what,
        .cause = arena_printf(arena, "%s:%" PRId64 ":%s", payment->head.id, intent->number, what),
        .currency = intent->currency,
    };
}

static void release(const struct payment *payment, int64_t amount, struct entry *entry)
{
    add(entry, "auth_contra", "", amount);
    add(entry, "auth_held", payment->head.id, -amount);
}

void ledger_authorized(struct arena *arena, const struct payment *payment, const struct intent *intent,
                       struct entry *ret)
{
    begin(arena, payment, intent, "authorized", ret);
    release(payment, -intent->authorized_minor, ret);
}

void ledger_released(struct arena *arena, const struct payment *payment, const struct intent *intent, struct entry *ret)
{
    begin(arena, payment, intent, "voided", ret);
    release(payment, intent->authorized_minor - intent->captured_minor, ret);
}

/* Whose money it is that comes: it settles what a standing order owes, else we owe it to the customer. */
static bool settles_order(const struct payment *payment, const struct intent *intent)
{
    return intent_pays_order(payment, intent) && !payment->cancelled;
}

void ledger_captured(struct arena *arena, const struct payment *payment, const struct intent *intent,
                     enum money_source source, int64_t held_minor, struct entry *ret)
{
    const int64_t amount = intent->captured_minor;

    begin(arena, payment, intent, "captured", ret);
    switch (source) {
    case SOURCE_PSP:
        add(ret, "psp_clearing", "stripe", amount);
        break;
    case SOURCE_RECEIPT:
        add(ret, "bank", "main", amount);
        break;
    case SOURCE_CARRIER:
        add(ret, "carrier_cod", "", amount);
        break;
    }
    add(ret, settles_order(payment, intent) ? "receivable" : "customer_money", payment->head.id, -amount);
    release(payment, held_minor, ret);
}

void ledger_placed(struct arena *arena, const struct payment *payment, const struct intent *intent, struct entry *ret)
{
    begin(arena, payment, intent, "placed", ret);
    add(ret, "receivable", payment->head.id, payment->order_minor - intent->captured_minor);
    add(ret, "customer_money", payment->head.id, intent->captured_minor - intent->refunded_minor);
    add(ret, "refunds", "", intent->refunded_minor);
    add(ret, "deferred_revenue", "", -payment->order_minor);
}

/* The claim is undone. What was paid on it is the customer's again, but for what went back to them before. */
void ledger_cancelled(struct arena *arena, const struct payment *payment, const struct intent *intent,
                      struct entry *ret)
{
    begin(arena, payment, intent, "cancelled", ret);
    add(ret, "deferred_revenue", "", payment->order_minor);
    add(ret, "receivable", payment->head.id, intent->captured_minor - payment->order_minor);
    add(ret, "refunds", "", -intent->refunded_minor);
    add(ret, "customer_money", payment->head.id, intent->refunded_minor - intent->captured_minor);
}

void ledger_refunded(struct arena *arena, const struct payment *payment, const struct intent *intent, int64_t amount,
                     struct entry *ret)
{
    begin(arena, payment, intent, amount > 0 ? "refunded" : "refund_failed", ret);
    /* Each refund moves the sum, and the version tells a sum that is reached twice apart: what went back is told. */
    ret->cause =
        arena_printf(arena, "%s:%" PRId64 ":%" PRId64, ret->cause, intent->refunded_minor, payment->head.version);
    if (settles_order(payment, intent))
        add(ret, "refunds", "", amount);
    else
        add(ret, "customer_money", payment->head.id, amount);
    if (text_equal(intent->method, PAYMENT_METHOD_CARD))
        add(ret, "psp_clearing", "stripe", -amount);
    else
        add(ret, "bank", "main", -amount);
}

void ledger_unmatched(struct arena *arena, const char *receipt_id, struct money amount, struct entry *ret)
{
    *ret = (struct entry){
        .what = "receipt_unmatched",
        .cause = arena_printf(arena, "receipt:%s", receipt_id),
        .currency = arena_strdup(arena, amount.currency),
    };
    add(ret, "bank", "main", amount.amount);
    add(ret, "bank_unmatched", receipt_id, -amount.amount);
}

void ledger_matched(struct arena *arena, const char *receipt_id, struct money amount, struct entry *ret)
{
    *ret = (struct entry){
        .what = "receipt_matched",
        .cause = arena_printf(arena, "receipt:%s:matched", receipt_id),
        .currency = arena_strdup(arena, amount.currency),
    };
    add(ret, "bank_unmatched", receipt_id, amount.amount);
    add(ret, "bank", "main", -amount.amount);
}

void ledger_balance(struct payment *payment, const struct entry *entry)
{
    for (size_t i = 0; i < entry->leg_count; i++) {
        const struct leg *leg = &entry->legs[i];
        if (text_equal(leg->account, "receivable"))
            payment->receivable_minor += leg->amount;
        else if (text_equal(leg->account, "auth_held"))
            payment->held_minor += leg->amount;
        else if (text_equal(leg->account, "customer_money"))
            payment->owed_minor -= leg->amount;
    }
}

bool entry_is_balanced(const struct entry *entry)
{
    int64_t sum = 0;

    for (size_t i = 0; i < entry->leg_count; i++) {
        if (entry->legs[i].amount == 0)
            return false;
        sum += entry->legs[i].amount;
    }
    return entry->leg_count >= 2 && sum == 0;
}
