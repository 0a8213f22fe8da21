/*
 * delivery - from a message to its handler.
 */
#include "delivery.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/queries.h"
#include "json.h"
#include "service.h"
#include "text.h"

#define WAITS_MAX 4 /* aggregates that one handler may find absent, one after another */

const struct subscription *subscription_find(const struct subscription *subscriptions, const struct message *message)
{
    for (; subscriptions != NULL && subscriptions->type != NULL; subscriptions++)
        if (text_equal(subscriptions->type->type, message->type) &&
            text_equal(subscriptions->type->topic, message->topic))
            return subscriptions;
    return NULL;
}

enum err delivery_decode(struct ctx *ctx, struct delivery *delivery)
{
    const struct record *record = delivery->subscription->type->record;
    void *event = arena_alloc(ctx->arena, record->size);

    delivery->event = event;
    return json_decode(ctx, record, delivery->message->body, delivery->message->size, JSON_OPEN, event);
}

bool err_is_of_message(enum err err)
{
    return err != ERR_NONE && (err == ERR_ABSENT || !err_kind(err)->retryable);
}

/* --- rows to lock --- */

void needs_release(struct needs *needs, const char *kind, const char *id)
{
    needs_row(needs, &waiting_rows, arena_printf(needs->ctx->arena, "%s:%s", kind, id));
}

static void collect(struct needs *needs, const struct delivery *delivery)
{
    const struct subscription *subscription = delivery->subscription;
    const char *const *key = (const void *)((const char *)delivery->event + subscription->key);

    if (subscription->lock != NULL)
        needs_lock(needs, subscription->lock, *key);
    if (subscription->rows != NULL)
        needs_row(needs, subscription->rows, *key);
    if (subscription->needs != NULL)
        subscription->needs(needs, delivery->message, delivery->event);
}

static void send_needs(struct uow *uow, const struct delivery *deliveries, size_t count, bool brings)
{
    struct needs needs = {.ctx = uow->ctx};

    for (size_t i = 0; i < count; i++)
        collect(&needs, &deliveries[i]);
    needs_send(uow, &needs, brings);
}

void deliveries_lock(struct uow *uow, const struct delivery *deliveries, size_t count)
{
    send_needs(uow, deliveries, count, false);
}

void deliveries_bring(struct uow *uow, const struct delivery *deliveries, size_t count)
{
    send_needs(uow, deliveries, count, true);
}

/* --- the call --- */

enum err message_waits_for(struct uow *uow, const char *kind, const char *id)
{
    /* Finding nothing is no failure of the transaction. */
    if (uow->failed == ERR_NOT_FOUND)
        uow->failed = ERR_NONE;
    uow->waits_for = arena_printf(uow->ctx->arena, "%s:%s", kind, id);
    return FAIL(uow->ctx, ABSENT, "%s \"%s\" is not here yet", kind, id);
}

/*
 * The aggregate may be made by a transaction that we don't see yet and that doesn't see our waiting row either. Both
 * take the lock, so whoever comes second looks again.
 */
static enum err call_handler(struct uow *uow, const struct delivery *delivery)
{
    const char *locked = NULL;

    for (int i = 0; i < WAITS_MAX; i++) {
        uow->waits_for = NULL;
        enum err err = delivery->subscription->handler(uow, delivery->message, delivery->event);
        if (err == ERR_NONE)
            return uow->failed;
        if (err != ERR_ABSENT)
            return err;
        if (uow->waits_for == NULL)
            return FAIL(uow->ctx, INTERNAL, "the handler did not say what it waits for");
        if (text_equal(uow->waits_for, locked))
            return ERR_ABSENT;
        locked = uow->waits_for;
        query_lock(uow, &Q_waiting_lock, &(struct texts){.items = &locked, .count = 1});
        ctx_clear_problem(uow->ctx);
    }
    return FAIL(uow->ctx, INTERNAL, "the handler waits for one aggregate after another");
}

enum err deliver_together(struct uow *uow, const struct subscription *subscription, const void *const *events,
                          size_t count)
{
    TRY(subscription->together(uow, events, count));
    return uow->failed;
}

enum err delivery_make(struct uow *uow, const struct delivery *delivery)
{
    if (delivery->subscription->together != NULL)
        return deliver_together(uow, delivery->subscription, &delivery->event, 1);
    const struct message *message = delivery->message;
    struct trace before = uow->ctx->trace;

    trace_start(uow->ctx, message->traceparent, message->correlation_id, message->id);
    enum err err = call_handler(uow, delivery);
    uow->ctx->trace = before;
    return err;
}
