/* Deciding calls to the provider, and what their answers do. */
#include "calls.h"

#include <inttypes.h>

#include "clock.h"
#include "json.h"
#include "move.h"
#include "settings.h"
#include "store.h"
#include "stripe.h"
#include "task.h"
#include "text.h"
#include "work_item.h"

#define HOUR_MS (3600 * INT64_C(1000))

/* The kind of task for each operation, as tasks.c runs them. */
static const char *const kinds[] = {
    [PSP_AUTHORIZE] = "psp.create_session",
    [PSP_EXPIRE] = "psp.expire",
    [PSP_CAPTURE] = "psp.capture",
    [PSP_VOID] = "psp.cancel",
    [PSP_REFUND] = "psp.refund",
    [PSP_QUERY] = "psp.query",
};

const char *call_key(struct arena *arena, const struct payment *payment, const struct intent *intent,
                     enum psp_operation operation, int64_t number)
{
    return arena_printf(arena, "wb-%s-%" PRId64 "-%s-%" PRId64, payment->head.id, intent->number,
                        psp_operation_names[operation], number);
}

static void add_call(struct uow *uow, const struct payment *payment, const struct psp_call *call,
                     enum psp_operation operation, const char *key)
{
    task_add(uow, kinds[operation], payment->head.id, key, json_encode(uow->ctx->arena, &psp_call_record, call), 0);
}

static void decide(struct uow *uow, const struct payment *payment, struct intent *intent, enum psp_operation operation)
{
    struct arena *arena = uow->ctx->arena;

    intent->calls++;
    intent->stalled = false;
    intent->operation = operation;
    intent->touched = true;

    const char *key = call_key(arena, payment, intent, operation, intent->calls);
    struct psp_call call = {
        .intent = intent->number,
        .number = intent->calls,
        .operation = psp_operation_names[operation],
        .source = "answer",
    };
    switch (operation) {
    case PSP_AUTHORIZE:
        stripe_make_page(arena, payment, intent, payment_settings(uow->ctx)->public_url, &call);
        break;
    case PSP_EXPIRE:
        stripe_expire(arena, intent, &call);
        break;
    case PSP_CAPTURE:
        stripe_capture(arena, intent, &call);
        break;
    case PSP_VOID:
        stripe_void(arena, intent, &call);
        break;
    case PSP_REFUND:
        stripe_refund(arena, payment, intent, key, &call);
        break;
    case PSP_QUERY:
    case PSP_NOTHING:
    case PSP_OPERATIONS:
        return; /* not ours to decide here */
    }
    add_call(uow, payment, &call, operation, key);
}

void call_what_is_wanted(struct uow *uow, const struct payment *payment, struct intent *intent)
{
    const enum psp_operation wanted = intent_wants(intent);

    if (wanted != PSP_NOTHING && wanted != intent->operation && intent->failures < CALL_FAILURES_MAX)
        decide(uow, payment, intent, wanted);
    /* Given up while its call had ended without a trace: whether there is a page, only a query can tell. */
    if (intent->state == INTENT_CLOSING && intent->page_ref == NULL && intent->stalled)
        call_query(uow, payment, intent, "query");
}

void call_query(struct uow *uow, const struct payment *payment, struct intent *intent, const char *source)
{
    struct arena *arena = uow->ctx->arena;
    struct psp_call call = {
        .intent = intent->number,
        .number = intent->queries + 1,
        .proves = intent->operation == PSP_NOTHING || intent->stalled,
        .operation = psp_operation_names[PSP_QUERY],
        .source = source,
    };

    if (!text_equal(intent->method, PAYMENT_METHOD_CARD))
        return;
    stripe_query(arena, intent, &call);
    add_call(uow, payment, &call, PSP_QUERY, call_key(arena, payment, intent, PSP_QUERY, call.number));
}

/* --- what is heard --- */

static bool is_about(const struct payment *payment, const struct intent *intent, const struct fact *fact)
{
    if (fact->payment_id != NULL)
        return text_equal(fact->payment_id, payment->head.id) && fact->intent == intent->number;
    return fact->payment_ref != NULL && text_equal(fact->payment_ref, intent->payment_ref);
}

/* When a promise ends that the provider has told no end of: its cards usually promise for a week. */
static int64_t promise_ends(const struct fact *fact)
{
    return fact->expires_at > 0 ? fact->expires_at : fact->occurred_at + PROMISE_TTL_S * CLOCK_SECOND;
}

/* The page is ours, since only its own session has it. A payment of other money may be somebody else's: not one of its
 * ids or dates is taken. */
static void learn_ids(struct intent *intent, const struct fact *fact)
{
    const bool fits = fact_fits(fact, intent->amount_minor, intent->currency);

    if (intent->page_ref == NULL && fact->page_ref != NULL) {
        intent->page_ref = fact->page_ref;
        intent->touched = true;
    }
    if (fits && intent->payment_ref == NULL && fact->payment_ref != NULL) {
        intent->payment_ref = fact->payment_ref;
        intent->touched = true;
    }
    if (fact->kind == FACT_PAGE && fact->redirect_url != NULL) {
        intent->redirect_url = fact->redirect_url;
        intent->expires_at = fact->expires_at > 0 ? fact->expires_at : intent->expires_at;
        intent->touched = true;
    }
    if (fits && fact->kind == FACT_AUTHORIZED && (fact->expires_at > 0 || intent->rank < RANK_AUTHORIZED)) {
        intent->expires_at = promise_ends(fact);
        intent->touched = true;
    }
}

static void add_fact(struct uow *uow, struct payment *payment, const struct fact *fact, const char *source)
{
    struct fact_list *list = &payment->facts;

    if (facts_have(list, fact->id))
        return;
    fact_keep(uow, fact, source);
    struct fact *longer = arena_array(uow->ctx->arena, list->count + 1, sizeof(*longer));
    for (size_t i = 0; i < list->count; i++)
        longer[i] = list->items[i];
    longer[list->count] = *fact;
    *list = (struct fact_list){.items = longer, .count = list->count + 1};
}

bool facts_learn(struct uow *uow, struct payment *payment, struct intent *intent, const struct fact_list *facts,
                 const char *source)
{
    bool any = false;

    for (size_t i = 0; i < facts->count; i++) {
        struct fact fact = facts->items[i];
        if (!is_about(payment, intent, &fact))
            continue;
        fact.payment_id = payment->head.id;
        fact.intent = intent->number;
        learn_ids(intent, &fact);
        add_fact(uow, payment, &fact, source);
        any = true;
    }
    /* What came before the intent, or before we knew its payment by the provider's id, is in the list already. */
    for (size_t i = 0; i < payment->facts.count; i++) {
        if (payment->facts.items[i].intent == intent->number)
            learn_ids(intent, &payment->facts.items[i]);
    }
    return any;
}

/* What we know by ourselves: the provider has no page of it, and won't have one. */
static enum err it_ended(struct uow *uow, struct payment *payment, struct intent *intent, const char *key,
                         const char *code)
{
    const struct fact fact = {
        .id = arena_printf(uow->ctx->arena, "%s:%s", key, code),
        .kind = FACT_ENDED,
        .payment_id = payment->head.id,
        .intent = intent->number,
        .code = code,
        .occurred_at = payment->now,
    };

    intent->operation = PSP_NOTHING;
    intent->stalled = false;
    add_fact(uow, payment, &fact, "answer");
    return intent_settle(uow, payment, intent);
}

enum err close_what_never_left(struct uow *uow, struct payment *payment, struct intent *intent)
{
    bool withdrawn;

    if (intent->state != INTENT_CLOSING || intent->operation != PSP_AUTHORIZE || intent->stalled)
        return ERR_NONE;
    const char *key = call_key(uow->ctx->arena, payment, intent, PSP_AUTHORIZE, intent->calls);
    TRY(call_withdraw(uow, key, &withdrawn));
    return withdrawn ? it_ended(uow, payment, intent, key, "never_sent") : ERR_NONE;
}

/* The call under way has ended and moved nothing as far as is known: the truth is asked for at once. */
static void stall(struct uow *uow, const struct payment *payment, struct intent *intent, enum psp_operation operation)
{
    intent->operation = operation;
    intent->stalled = true;
    intent->failures++;
    intent->touched = true;
    call_query(uow, payment, intent, "query");
}

static void ask_later(const struct payment *payment, struct intent *intent)
{
    intent->ask_at = payment->now + ask_pause_ms(intent->asks) * CLOCK_MS;
    intent->touched = true;
}

/* Refused for good: provably nothing happened. */
static enum err refused(struct uow *uow, struct payment *payment, struct intent *intent, enum psp_operation operation,
                        const char *key, const struct psp_answer *answer)
{
    if (answer->outcome == PSP_REFUSED && operation == PSP_AUTHORIZE)
        work_item_open(uow, "call_refused", payment->head.id, "the provider does not accept what it was asked", "note",
                       HOUR_MS);
    if (operation == PSP_AUTHORIZE)
        return it_ended(uow, payment, intent, key, answer->code);
    if (operation != PSP_CAPTURE) {
        stall(uow, payment, intent, operation); /* it may be too late for it: then the truth says so */
        return ERR_NONE;
    }
    intent->operation = PSP_NOTHING;
    TRY(intent_move(uow, payment, intent, &(struct move){.on = ON_REFUSED, .code = answer->code}));
    call_query(uow, payment, intent, "query");
    return ERR_NONE;
}

/* The answer of the call that is under way. */
static enum err take_answer(struct uow *uow, struct payment *payment, struct intent *intent,
                            enum psp_operation operation, const char *key, const struct psp_answer *answer)
{
    const int64_t calls = intent->calls;
    const enum intent_state from = intent->state;

    switch (answer->outcome) {
    case PSP_DONE:
        break;
    case PSP_DECLINED:
    case PSP_REFUSED:
        return refused(uow, payment, intent, operation, key, answer);
    case PSP_SPENT:
        TRY(intent_move(uow, payment, intent, &(struct move){.on = ON_NO_ANSWER, .operation = operation}));
        stall(uow, payment, intent, operation);
        return ERR_NONE;
    case PSP_UNKNOWN:
        return intent_move(uow, payment, intent, &(struct move){.on = ON_NO_ANSWER, .operation = operation});
    case PSP_LOCKED:
    case PSP_NOT_SENT:
    case PSP_IN_FLIGHT:
    case PSP_SLOWER:
        return ERR_NONE;
    }

    intent->operation = PSP_NOTHING;
    intent->touched = true;
    TRY(intent_settle(uow, payment, intent));
    /* Done, and yet it stands as before: it is being worked on there, or the answer was not about this. */
    if (intent->state == from && intent->calls == calls && intent_wants(intent) == operation) {
        intent->operation = operation;
        intent->stalled = operation != PSP_CAPTURE && operation != PSP_REFUND; /* those two may take their time */
        intent->failures += intent->stalled;
        TRY(intent_move(uow, payment, intent, &(struct move){.on = ON_NO_ANSWER, .operation = operation}));
        ask_later(payment, intent);
    }
    return ERR_NONE;
}

/* Nothing of the last call can be found, and none is under way: it is decided anew, or given up. */
static enum err nothing_found(struct uow *uow, struct payment *payment, struct intent *intent, const char *key)
{
    if (intent->state == INTENT_UNKNOWN && intent->failures < CALL_FAILURES_MAX) {
        intent->expires_at = payment->now + PAGE_TTL_S * CLOCK_SECOND;
        decide(uow, payment, intent, PSP_AUTHORIZE);
        return ERR_NONE;
    }
    return it_ended(uow, payment, intent, key, "provider_error");
}

/* What a query proves beside the facts that it found. */
static enum err take_truth(struct uow *uow, struct payment *payment, struct intent *intent, const char *key,
                           const struct psp_call *call, const struct psp_answer *answer)
{
    const bool idle = intent->operation == PSP_NOTHING || intent->stalled;
    const bool early = intent->state == INTENT_UNKNOWN || intent->state == INTENT_CLOSING;
    struct verdict verdict;

    if (!call->proves || !idle || answer->outcome != PSP_DONE)
        return ERR_NONE;
    if (!answer->found && early && intent->page_ref == NULL)
        return nothing_found(uow, payment, intent, key);
    if (intent->stalled && intent_wants(intent) == intent->operation) {
        facts_fold(&payment->facts, intent->number, intent->amount_minor, intent->currency, &verdict);
        if (intent->operation == PSP_REFUND && verdict.refunding_minor > 0) {
            intent->stalled = false; /* it was taken on after all, and a second one must not be */
        } else if (intent->failures < CALL_FAILURES_MAX) {
            intent->operation = PSP_NOTHING;
            intent->stalled = false;
            call_what_is_wanted(uow, payment, intent);
        } else if (intent->operation == PSP_CAPTURE) {
            intent->operation = PSP_NOTHING;
            intent->stalled = false;
            return intent_move(uow, payment, intent, &(struct move){.on = ON_REFUSED, .code = "provider_error"});
        } else {
            work_item_open(uow, "call_failed", payment->head.id, "the provider does not do what it is asked", "note",
                           HOUR_MS);
        }
    }
    return ERR_NONE;
}

static enum err query_answered(struct uow *uow, struct payment *payment, struct intent *intent, const char *key,
                               const struct psp_call *call, const struct psp_answer *answer)
{
    intent->queries = call->number > intent->queries ? call->number : intent->queries;
    intent->asks++;
    intent->ask_at = 0;
    intent->touched = true;
    TRY(intent_settle(uow, payment, intent));
    TRY(take_truth(uow, payment, intent, key, call, answer));

    const bool open = intent->doubt != PSP_NOTHING || intent->stalled || intent_wants(intent) != PSP_NOTHING ||
                      intent->state == INTENT_PENDING;
    if (open && intent->ask_at == 0)
        ask_later(payment, intent);
    return ERR_NONE;
}

enum err call_answered(struct uow *uow, struct payment *payment, struct intent *intent, const char *key,
                       const struct psp_call *call, const struct psp_answer *answer)
{
    enum psp_operation operation = PSP_QUERY;
    struct psp_answer told = *answer;

    while (operation > PSP_NOTHING && !text_equal(psp_operation_names[operation], call->operation))
        operation--;
    told.found = facts_learn(uow, payment, intent, &answer->facts, call->source);
    if (answer->outcome == PSP_LOCKED) {
        work_item_open(uow, "provider_locked", "psp", "the provider does not accept our key", "note", HOUR_MS);
        return ERR_NONE;
    }
    if (operation == PSP_QUERY)
        TRY(query_answered(uow, payment, intent, key, call, &told));
    else if (operation == intent->operation && call->number == intent->calls && !intent->stalled)
        TRY(take_answer(uow, payment, intent, operation, key, &told));
    else
        TRY(intent_settle(uow, payment, intent));
    return payment_tell_closed(uow, payment);
}
