/* Typed reads and writes of payments. */
#include "store.h"

#include <assert.h>

#include "payment/queries.h"
#include "stripe.h"
#include "text.h"

RECORD_SHARED(intent_key, FIELD(intent_key, id), FIELD(intent_key, intent));

const struct rows payment_rows = {&Q_payments_lock, &Q_payments_read, &payment_record};

static void note_found(struct payment *payment, bool *ret_found)
{
    *ret_found = !payment->is_new;
    payment->was = payment->head.version;
}

/* A payment that isn't there comes along as such a row too. Nobody can make it meanwhile: that is done for checkout's
 * events alone, of which one copy at a time has those of a key. */
enum err payment_read(struct uow *uow, const char *id, struct payment *ret, bool *ret_found)
{
    bool any; /* always */

    TRY(rows_take_or_ask(uow, &payment_rows, id, ret, &any));
    note_found(ret, ret_found);
    return ERR_NONE;
}

enum err payment_number(struct uow *uow, struct payment *payment)
{
    struct payment fresh;

    if (payment->reference != 0)
        return ERR_NONE;
    TRY(SQL_ONE(uow, reference_next, payment_record, &fresh));
    payment->reference = fresh.reference;
    return ERR_NONE;
}

enum err payment_lock(struct uow *uow, const char *id, struct payment *ret, bool *ret_found)
{
    if (rows_take(uow, &payment_rows, id, ret)) {
        note_found(ret, ret_found);
        return ERR_NONE;
    }
    SQL(uow, payment_lock, .id = id);
    return payment_read(uow, id, ret, ret_found);
}

struct intent *payment_add_intent(struct uow *uow, struct payment *payment, const struct intent *intent)
{
    struct intent_list *list = &payment->intents;
    struct intent *longer = arena_array(uow->ctx->arena, list->count + 1, sizeof(*longer));

    for (size_t i = 0; i < list->count; i++)
        longer[i] = list->items[i];
    longer[list->count] = *intent;
    *list = (struct intent_list){.items = longer, .count = list->count + 1};
    return &longer[list->count - 1];
}

static void put_intent(struct uow *uow, const struct payment *payment, const struct intent *intent)
{
    SQL(uow, intent_put, .payment_id = payment->head.id, .intent = intent->number, .placement = intent->placement,
        .method = intent->method, .state = intent_state_names[intent->state], .amount_minor = intent->amount_minor,
        .currency = intent->currency, .capture = intent->capture, .authorized_minor = intent->authorized_minor,
        .captured_minor = intent->captured_minor, .refunded_minor = intent->refunded_minor,
        .rank = fact_rank_names[intent->rank], .mismatched = intent->mismatched,
        .operation = psp_operation_names[intent->operation], .stalled = intent->stalled, .calls = intent->calls,
        .failures = intent->failures, .doubt = psp_operation_names[intent->doubt], .queries = intent->queries,
        .asks = intent->asks, .ask_at = intent->ask_at, .alarm_at = intent->alarm_at, .locale = intent->locale,
        .return_url = intent->return_url, .reference = intent->reference, .page_ref = intent->page_ref,
        .payment_ref = intent->payment_ref, .redirect_url = intent->redirect_url, .expires_at = intent->expires_at,
        .decline_code = intent->decline_code, .refund_reason = intent->refund_reason);
}

void payment_save(struct uow *uow, struct payment *payment)
{
    if (payment->is_new)
        SQL(uow, payment_add, .id = payment->head.id, .shop = payment->shop, .currency = payment->currency,
            .closed_to = payment->closed_to, .closed_told = payment->closed_told,
            .closed_placement = payment->closed_placement, .receivable_minor = payment->receivable_minor,
            .held_minor = payment->held_minor, .owed_minor = payment->owed_minor, .version = payment->head.version);
    else if (payment->touched || payment->head.version != payment->was)
        SQL(uow, payment_save, .id = payment->head.id, .currency = payment->currency, .closed_to = payment->closed_to,
            .closed_told = payment->closed_told, .closed_placement = payment->closed_placement,
            .order_number = payment->order_number, .order_intent = payment->order_intent,
            .order_minor = payment->order_minor, .order_pay_by = payment->order_pay_by, .cancelled = payment->cancelled,
            .receivable_minor = payment->receivable_minor, .held_minor = payment->held_minor,
            .owed_minor = payment->owed_minor, .version = payment->head.version, .was = payment->was);
    for (size_t i = 0; i < payment->intents.count; i++) {
        if (payment->intents.items[i].touched)
            put_intent(uow, payment, &payment->intents.items[i]);
        payment->intents.items[i].touched = false;
    }
    payment->is_new = payment->touched = false;
    payment->reference = 0; /* it may have been used */
    rows_give_back(uow, &payment_rows, payment);
}

void payments_lock(struct uow *uow, const char **ids, size_t count)
{
    query_lock(uow, &Q_payments_lock, &(struct texts){.items = ids, .count = count});
}

void fact_keep(struct uow *uow, const struct fact *fact, const char *source)
{
    SQL(uow, fact_add, .psp = STRIPE_NAME, .id = fact->id, .kind = fact_kind_names[fact->kind],
        .payment_id = fact->payment_id, .intent = fact->intent, .payment_ref = fact->payment_ref,
        .refund_ref = fact->refund_ref, .amount_minor = fact->amount_minor, .currency = fact->currency,
        .code = fact->code, .source = source, .occurred_at = fact->occurred_at);
}

/* A fact that was not told before, whose it is, and how that intent stands. */
struct told {
    const char *id;
    const char *payment_id;
    int64_t intent;
    enum intent_state state; /* INTENT_NONE: it is not here */
    enum fact_rank rank;
    int64_t amount_minor;
    const char *currency;
    const char *page_ref;
    const char *payment_ref;
};

static RECORD(told, FIELD(told, id), FIELD(told, payment_id), FIELD(told, intent),
              FIELD_AS_ENUM(told, state, intent_state_names), FIELD_AS_ENUM(told, rank, fact_rank_names),
              FIELD(told, amount_minor), FIELD(told, currency), FIELD(told, page_ref), FIELD(told, payment_ref));

static bool is_known(const struct told *told, const struct fact *fact)
{
    const struct intent intent = {
        .state = told->state,
        .rank = told->rank,
        .amount_minor = told->amount_minor,
        .currency = told->currency,
        .page_ref = told->page_ref,
        .payment_ref = told->payment_ref,
    };

    return intent_knows(&intent, fact);
}

static const struct fact *find_fact(const struct fact_list *facts, const char *id)
{
    for (size_t i = 0; i < facts->count; i++) {
        if (text_equal(facts->items[i].id, id))
            return &facts->items[i];
    }
    return NULL;
}

enum err facts_sift(struct uow *uow, struct fact_list *facts)
{
    struct arena *arena = uow->ctx->arena;
    const size_t count = facts->count;
    const char **ids = arena_array(arena, count, sizeof(char *));
    const char **payment_ids = arena_array(arena, count, sizeof(char *));
    const char **payment_refs = arena_array(arena, count, sizeof(char *));
    int64_t *intents = arena_array(arena, count, sizeof(int64_t));
    struct {
        struct told *items;
        size_t count;
    } told;

    for (size_t i = 0; i < count; i++) {
        ids[i] = facts->items[i].id;
        payment_ids[i] = facts->items[i].payment_id;
        payment_refs[i] = facts->items[i].payment_ref;
        intents[i] = facts->items[i].intent;
    }
    TRY(SQL_MANY(uow, facts_new, told_record, &told, .psp = STRIPE_NAME, .ids = {ids, count},
                 .payment_ids = {payment_ids, count}, .intents = {intents, count},
                 .payment_refs = {payment_refs, count}));

    struct fact_list fresh = {.items = arena_array(arena, told.count, sizeof(struct fact))};
    for (size_t i = 0; i < told.count; i++) {
        const struct fact *fact = find_fact(facts, told.items[i].id);
        assert(fact != NULL);
        if (is_known(&told.items[i], fact))
            continue;
        fresh.items[fresh.count] = *fact;
        fresh.items[fresh.count].payment_id = told.items[i].payment_id;
        fresh.items[fresh.count++].intent = told.items[i].intent;
    }
    *facts = fresh;
    return ERR_NONE;
}

enum err call_withdraw(struct uow *uow, const char *key, bool *ret_withdrawn)
{
    struct told ignored;
    return SQL_MAYBE(uow, call_withdraw, told_record, &ignored, ret_withdrawn, .key = key);
}

void ledger_book(struct uow *uow, const char *payment_id, const struct entry *entry)
{
    const char *accounts[ENTRY_LEGS_MAX];
    const char *subjects[ENTRY_LEGS_MAX];
    int64_t amounts[ENTRY_LEGS_MAX];

    if (entry->leg_count == 0)
        return; /* nothing moved: what was free */
    assert(entry_is_balanced(entry));
    for (size_t i = 0; i < entry->leg_count; i++) {
        accounts[i] = entry->legs[i].account;
        subjects[i] = entry->legs[i].subject;
        amounts[i] = entry->legs[i].amount;
    }
    SQL(uow, ledger_book, .payment_id = payment_id, .what = entry->what, .cause = entry->cause,
        .currency = entry->currency, .accounts = {accounts, entry->leg_count}, .subjects = {subjects, entry->leg_count},
        .amounts = {amounts, entry->leg_count});
}

void payment_book(struct uow *uow, struct payment *payment, const struct entry *entry)
{
    assert(entry->leg_count == 0 || text_equal(entry->currency, payment->currency));
    ledger_book(uow, payment->head.id, entry);
    ledger_balance(payment, entry);
    payment->touched = true;
}
