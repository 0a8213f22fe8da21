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

struct need {
    const struct query *query;
    const struct rows *rows; /* whose rows it brings along, or NULL */
    bool is_behind;          /* it only reads, behind all locks */
    const char *key;
};

struct needs {
    struct ctx *ctx;
    struct need *items;
    size_t count;
    size_t capacity;
};

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

struct arena *needs_arena(struct needs *needs)
{
    return needs->ctx->arena;
}

static void add_need(struct needs *needs, struct need need)
{
    if (need.query == NULL || need.key == NULL)
        return;
    if (needs->count == needs->capacity) {
        needs->capacity = needs->capacity * 2 + 16;
        struct need *items = arena_array(needs->ctx->arena, needs->capacity, sizeof(*items));
        if (needs->count > 0)
            memcpy(items, needs->items, needs->count * sizeof(*items));
        needs->items = items;
    }
    needs->items[needs->count++] = need;
}

void needs_lock(struct needs *needs, const struct query *lock, const char *key)
{
    add_need(needs, (struct need){.query = lock, .key = key});
}

void needs_row(struct needs *needs, const struct rows *rows, const char *key)
{
    if (rows->lock != rows->read)
        needs_lock(needs, rows->lock, key);
    add_need(needs, (struct need){rows->read, rows, rows->lock != rows->read, key});
}

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

static int compare_needs(const void *left, const void *right)
{
    const struct need *a = left, *b = right;

    if (a->is_behind != b->is_behind)
        return a->is_behind ? 1 : -1;
    int order = strcmp(a->query->name, b->query->name);
    return order != 0 ? order : strcmp(a->key, b->key);
}

/* Queues one statement for the first needs, which are of one query; returns how many. */
static size_t send_first(struct uow *uow, const struct need *needs, size_t count, bool brings)
{
    struct texts keys = {.items = arena_array(uow->ctx->arena, count, sizeof(const char *))};
    const struct rows *rows = NULL;
    size_t i = 0;

    for (; i < count && needs[i].query == needs[0].query; i++) {
        if (keys.count == 0 || strcmp(keys.items[keys.count - 1], needs[i].key) != 0)
            keys.items[keys.count++] = needs[i].key;
        if (needs[i].rows != NULL)
            rows = needs[i].rows;
    }
    if (brings && rows != NULL)
        rows_bring(uow, rows, &keys);
    else if (!needs[0].is_behind)
        query_lock(uow, needs[0].query, &keys);
    return i;
}

static void send_needs(struct uow *uow, const struct delivery *deliveries, size_t count, bool brings)
{
    struct needs needs = {.ctx = uow->ctx};

    for (size_t i = 0; i < count; i++)
        collect(&needs, &deliveries[i]);
    if (needs.count == 0)
        return;
    qsort(needs.items, needs.count, sizeof(*needs.items), compare_needs);
    for (size_t i = 0; i < needs.count;)
        i += send_first(uow, &needs.items[i], needs.count - i, brings);
}

void deliveries_lock(struct uow *uow, const struct delivery *deliveries, size_t count)
{
    send_needs(uow, deliveries, count, false);
}

void deliveries_bring(struct uow *uow, const struct delivery *deliveries, size_t count)
{
    assert(uow->brought == NULL);
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

enum err delivery_make(struct uow *uow, const struct delivery *delivery)
{
    const struct message *message = delivery->message;
    struct trace before = uow->ctx->trace;

    trace_start(uow->ctx, message->traceparent, message->correlation_id, message->id);
    enum err err = call_handler(uow, delivery);
    uow->ctx->trace = before;
    return err;
}
