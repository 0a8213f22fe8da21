/* Taking what the provider tells by itself. */
#include "facts.h"

#include "calls.h"
#include "log.h"
#include "move.h"
#include "store.h"
#include "text.h"

/* The facts of one payment stand together. */
static size_t count_same(const struct fact_list *facts, size_t from)
{
    const char *payment_id = facts->items[from].payment_id;
    size_t count = 1;

    while (from + count < facts->count && text_equal(facts->items[from + count].payment_id, payment_id))
        count++;
    return count;
}

/* Facts about nobody we know, or not yet. */
static void keep_all(struct uow *uow, const struct fact_list *facts, const char *source)
{
    for (size_t i = 0; i < facts->count; i++) {
        fact_keep(uow, &facts->items[i], source);
        log_info(uow->ctx, "a fact of a payment that is not here was kept", LOG_TEXT("fact", facts->items[i].id),
                 LOG_TEXT("kind", fact_kind_names[facts->items[i].kind]));
    }
}

static enum err take_for_payment(struct uow *uow, struct fact_list *facts, const char *source)
{
    struct payment payment = {0};
    bool found = false;

    if (facts->items[0].payment_id != NULL)
        TRY(payment_lock(uow, facts->items[0].payment_id, &payment, &found));
    if (!found && uow->joins != NULL)
        return FAIL(uow->ctx, AGAIN, "facts of nobody are kept in no company: no lock says in which order");
    if (!found) {
        keep_all(uow, facts, source);
        return ERR_NONE;
    }
    for (size_t i = 0; i < facts->count; i++) {
        struct fact_list one = {.items = &facts->items[i], .count = 1};
        struct intent *intent = payment_find(&payment, facts->items[i].intent);
        if (intent == NULL) {
            keep_all(uow, &one, source);
            continue;
        }
        if (facts_have(&payment.facts, one.items->id) || intent_knows(intent, one.items))
            continue;                                           /* told by another one while we waited for the lock */
        (void)facts_learn(uow, &payment, intent, &one, source); /* it is about this intent: that is how it was found */
        TRY(intent_settle(uow, &payment, intent));
    }
    TRY(payment_tell_closed(uow, &payment));
    payment_save(uow, &payment);
    return ERR_NONE;
}

static void lock_all(struct uow *uow, const struct fact_list *facts)
{
    const char **ids = arena_array(uow->ctx->arena, facts->count, sizeof(char *));
    size_t count = 0;

    for (size_t i = 0; i < facts->count; i += count_same(facts, i)) {
        if (facts->items[i].payment_id != NULL)
            ids[count++] = facts->items[i].payment_id;
    }
    if (count > 1)
        payments_lock(uow, ids, count);
}

enum err facts_take(struct uow *uow, struct fact_list *facts, const char *source)
{
    lock_all(uow, facts);
    for (size_t i = 0; i < facts->count;) {
        struct fact_list one = {.items = &facts->items[i], .count = count_same(facts, i)};
        TRY(take_for_payment(uow, &one, source));
        i += one.count;
    }
    return ERR_NONE;
}
