/*
 * watch - a striped table of tickets by aggregate id, and a thread that reads the tail of topics.
 */
#include "watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "json.h"
#include "kafka.h"
#include "metrics.h"
#include "text.h"

#define STRIPES 64
#define SHIPMENT_TOPIC "waybill.shipment"
#define SLICE_MS 250 /* how soon a waiting thread sees that the process stops */
#define POLL_MS 1000 /* how often those look who can't hear */
#define TAIL_WAIT_MS 200
#define TAIL_BATCH_MAX 200
#define TAIL_ARENA_MAX ((size_t)64 * 1024 * 1024)
#define AGGREGATE_MAX 64 /* bytes of an id that can be waited for */

static struct metric watchers = {
    "waybill_edge_watchers", "Callers that wait for an event.", METRIC_GAUGE, NULL, NULL, NULL};

struct stripe {
    pthread_mutex_t lock; /* over the list and `changed` of its tickets */
    struct ticket *first;
};

struct ticket {
    struct ticket *next;
    struct ticket **link; /* what points here */
    struct watch *watch;
    struct stripe *stripe;
    struct ctx *ctx;
    pthread_cond_t wake;
    bool changed;
    bool hears;
    const char *const *types; /* of the events that count, NULL-ended; NULL: all */
    char id[AGGREGATE_MAX];
};

struct watch {
    struct stripe stripes[STRIPES];
    _Atomic int count;
    struct kafka_tail *tail;
    pthread_t thread;
    _Atomic bool stopping;
};

static struct stripe *stripe_of(struct watch *watch, const char *id)
{
    uint32_t hash = 2166136261u;

    for (const char *at = id; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    return &watch->stripes[hash % STRIPES];
}

static bool counts(const struct ticket *ticket, const char *type)
{
    size_t i = 0;

    if (ticket->types == NULL || type == NULL)
        return true;
    while (ticket->types[i] != NULL && strcmp(ticket->types[i], type) != 0)
        i++;
    return ticket->types[i] != NULL;
}

/* Wakes the tickets of one id, or of all; of those that an event of this type counts for, or of all. */
static void wake_stripe(struct stripe *stripe, const char *id, const char *type)
{
    pthread_mutex_lock(&stripe->lock);
    for (struct ticket *ticket = stripe->first; ticket != NULL; ticket = ticket->next) {
        if ((id == NULL || strcmp(ticket->id, id) == 0) && counts(ticket, type)) {
            ticket->changed = true;
            pthread_cond_signal(&ticket->wake);
        }
    }
    pthread_mutex_unlock(&stripe->lock);
}

void watch_wake(struct watch *watch, const char *aggregate_id, const char *type)
{
    wake_stripe(stripe_of(watch, aggregate_id), aggregate_id, type);
}

/* News of an aggregate is news of the order that it belongs to: a shipment's key is its own id. */
static void wake_for(struct watch *watch, struct arena *arena, const struct message *message)
{
    const char *order_id = NULL;

    if (message->key != NULL)
        watch_wake(watch, message->key, message->type);
    if (text_equal(message->topic, SHIPMENT_TOPIC))
        order_id = json_find(arena, message->body, message->size, "order_id");
    if (order_id != NULL)
        watch_wake(watch, order_id, message->type);
}

static void *read_tail(void *of)
{
    struct watch *watch = of;
    struct arena *arena = arena_new(TAIL_ARENA_MAX);
    struct message messages[TAIL_BATCH_MAX];
    int64_t next_poll = 0;

    while (!atomic_load(&watch->stopping)) {
        arena_clear(arena);
        bool ready = kafka_tail_is_ready(watch->tail);
        size_t count = kafka_tail_take(watch->tail, arena, TAIL_WAIT_MS, messages, TAIL_BATCH_MAX);
        for (size_t i = 0; i < count; i++)
            wake_for(watch, arena, &messages[i]);
        /* While the broker can't be heard everybody looks by themselves, and once more when it is back. */
        if (!ready && clock_monotonic() >= next_poll) {
            next_poll = clock_monotonic() + POLL_MS * CLOCK_MS;
            for (size_t i = 0; i < STRIPES; i++)
                wake_stripe(&watch->stripes[i], NULL, NULL);
        }
    }
    arena_free(arena);
    return NULL;
}

struct watch *watch_new(struct kafka *kafka, const char *const *topics)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    size_t count = 0;
    if (watch == NULL)
        abort();

    for (size_t i = 0; i < STRIPES; i++)
        pthread_mutex_init(&watch->stripes[i].lock, NULL);
    while (topics != NULL && topics[count] != NULL)
        count++;
    if (count == 0 || kafka == NULL)
        return watch;
    watch->tail = kafka_tail_new(kafka, topics, count);
    if (watch->tail != NULL && pthread_create(&watch->thread, NULL, read_tail, watch) == 0)
        return watch;
    kafka_tail_free(watch->tail);
    watch->tail = NULL;
    watch_free(watch);
    return NULL;
}

void watch_free(struct watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->tail != NULL) {
        atomic_store(&watch->stopping, true);
        pthread_join(watch->thread, NULL);
        kafka_tail_free(watch->tail);
    }
    for (size_t i = 0; i < STRIPES; i++)
        pthread_mutex_destroy(&watch->stripes[i].lock);
    free(watch);
}

struct ticket *watch_for(struct watch *watch, struct ctx *ctx, const char *aggregate_id, const char *const *types)
{
    struct ticket *ticket = calloc(1, sizeof(*ticket));
    pthread_condattr_t attributes;
    if (ticket == NULL)
        abort();

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ticket->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    ticket->watch = watch;
    ticket->ctx = ctx;
    ticket->types = types;
    ticket->stripe = stripe_of(watch, aggregate_id);
    int count = atomic_fetch_add(&watch->count, 1) + 1;
    metric_set(&watchers, NULL, NULL, count);
    ticket->hears = watch->tail != NULL && count <= WATCHERS_MAX && strlen(aggregate_id) < AGGREGATE_MAX;
    memcpy(ticket->id, aggregate_id, strnlen(aggregate_id, AGGREGATE_MAX - 1));

    pthread_mutex_lock(&ticket->stripe->lock);
    ticket->next = ticket->stripe->first;
    ticket->link = &ticket->stripe->first;
    if (ticket->next != NULL)
        ticket->next->link = &ticket->next;
    ticket->stripe->first = ticket;
    pthread_mutex_unlock(&ticket->stripe->lock);
    return ticket;
}

/* Waits one slice, or less. */
static void wait_until(struct ticket *ticket, int64_t until)
{
    int64_t now = clock_monotonic();
    int64_t pause = until - now < SLICE_MS * CLOCK_MS ? until - now : SLICE_MS * CLOCK_MS;
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += (long)(pause * 1000);
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&ticket->wake, &ticket->stripe->lock, &at); /* the loop looks again */
}

bool edge_wait(struct ticket *ticket, int timeout_ms)
{
    int64_t end = clock_monotonic() + timeout_ms * CLOCK_MS;
    int64_t poll = clock_monotonic() + POLL_MS * CLOCK_MS;

    pthread_mutex_lock(&ticket->stripe->lock);
    while (!ticket->changed && clock_monotonic() < end && !http_is_stopping(ticket->ctx)) {
        wait_until(ticket, end);
        if (!ticket->hears && clock_monotonic() >= poll)
            ticket->changed = true;
    }
    bool changed = ticket->changed;
    ticket->changed = false;
    pthread_mutex_unlock(&ticket->stripe->lock);
    return changed;
}

void edge_unwatch(struct ticket *ticket)
{
    if (ticket == NULL)
        return;
    pthread_mutex_lock(&ticket->stripe->lock);
    *ticket->link = ticket->next;
    if (ticket->next != NULL)
        ticket->next->link = ticket->link;
    pthread_mutex_unlock(&ticket->stripe->lock);
    metric_set(&watchers, NULL, NULL, atomic_fetch_sub(&ticket->watch->count, 1) - 1);
    pthread_cond_destroy(&ticket->wake);
    free(ticket);
}
