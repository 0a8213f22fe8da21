/*
 * consumer - the loop: takes what has arrived, has it applied, and copes when that fails.
 */
#include "consumer.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "batch.h"
#include "clock.h"
#include "disturb.h"
#include "kafka.h"
#include "log.h"
#include "pace.h"
#include "pause.h"
#include "service.h"
#include "text.h"

#define TAKE_WAIT_MS 500
#define EACH_MS 3   /* of distance to the next batch, for each message */
#define RIDE_MS 250 /* what nobody listens to waits so long for company */
#define BACKOFF_MIN_MS 5
#define BACKOFF_MAX_MS 500
#define RETRY_MS 5000  /* on the same messages; then they are read again, so that the group sees us alive */
#define LOOK_UP_MS 250 /* between two tries to learn the positions */
#define TOPICS_MAX 64
#define ARENA_MAX ((size_t)32 * 1024 * 1024)

struct consumer {
    struct service *service;
    const struct subscription *subscriptions;
    struct arena *arena; /* of the messages */
    struct ctx *ctx;     /* of what is done with them; cleared before each try */
    struct kafka_group *group;
    pthread_t thread;
    atomic_bool stopping;
    atomic_bool failing;
    atomic_bool retries;     /* parked messages are to be tried again */
    struct pace pace;        /* of the batches */
    size_t rests_for;        /* messages of the last one; none if more is waiting */
    struct positions begins; /* where each partition was taken over; malloc'ed, with the topics' names */
};

/* --- positions --- */

static void forget_begins(struct consumer *consumer)
{
    for (size_t i = 0; i < consumer->begins.count; i++)
        free((char *)(uintptr_t)consumer->begins.items[i].topic);
    free(consumer->begins.items);
    consumer->begins = (struct positions){0};
}

static enum err read_positions(struct ctx *ctx, struct positions *positions)
{
    UNIT_OF_WORK(ctx, uow);
    TRY(positions_lock(uow, positions));
    return uow_commit(uow);
}

/* Called inside kafka_group_take(): where to begin is what the database says. It is waited for. */
static void find_begins(void *of, struct kafka_position *partitions, size_t count)
{
    struct consumer *consumer = of;
    struct positions *begins = &consumer->begins;

    forget_begins(consumer);
    begins->items = calloc(count + 1, sizeof(*begins->items));
    assert(begins->items != NULL);
    for (; begins->count < count; begins->count++) {
        begins->items[begins->count].topic = strdup(partitions[begins->count].topic);
        begins->items[begins->count].partition = partitions[begins->count].partition;
    }
    while (count > 0 && read_positions(consumer->ctx, begins) != ERR_NONE) {
        atomic_store(&consumer->failing, true);
        log_warning(NULL, "could not learn the positions, trying again",
                    LOG_TEXT("why", consumer->ctx->problem.detail));
        ctx_clear(consumer->ctx);
        pause_until(&consumer->stopping, (int)jitter(LOOK_UP_MS));
        if (atomic_load(&consumer->stopping))
            break;
    }
    for (size_t i = 0; i < count; i++)
        partitions[i].next_offset = begins->items[i].next_offset;
}

/* Has the messages read again, from the first of each partition on. */
static void read_again(struct consumer *consumer, const struct message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t first = messages[i].offset;
        bool counted = false;
        for (size_t j = 0; j < count; j++) {
            if (messages[j].partition != messages[i].partition || !text_equal(messages[j].topic, messages[i].topic))
                continue;
            counted = counted || j < i;
            if (messages[j].offset < first)
                first = messages[j].offset;
        }
        if (!counted)
            kafka_group_seek(consumer->group, messages[i].topic, messages[i].partition, first);
    }
}

/* --- handling --- */

/* After a commit: the broker learns how far we are, and what stood behind a hole gets its turn. */
static void follow_up(struct consumer *consumer, const struct batch *batch)
{
    for (size_t i = 0; i < batch->positions.count; i++)
        kafka_group_hint(consumer->group, batch->positions.items[i].topic, (int32_t)batch->positions.items[i].partition,
                         batch->positions.items[i].next_offset);
    for (size_t i = 0; i < batch->count; i++) {
        const struct message *message = &batch->messages[i];
        int64_t done = 0;
        for (size_t k = 0; k < batch->keys.count; k++) {
            struct handled *key = &batch->keys.items[k];
            if (!key->drains || !text_equal(key->key, message->key) || !text_equal(key->topic, message->topic))
                continue;
            key->drains = false;
            /* When that fails now, the next message of the key or the next start tries again. */
            if (parked_drain(consumer->ctx, message->topic, message->partition, message->key, &done) != ERR_NONE)
                log_warning(NULL, "could not go on with parked messages", LOG_TEXT("topic", message->topic),
                            LOG_TEXT("key", message->key), LOG_TEXT("why", consumer->ctx->problem.detail));
        }
    }
}

/* Tries until it works, the messages are to blame, or RETRY_MS are over. */
static enum err apply(struct consumer *consumer, const struct message *messages, size_t count, const char *park_reason)
{
    int64_t deadline = clock_monotonic() + RETRY_MS * CLOCK_MS;
    int backoff_ms = BACKOFF_MIN_MS;

    for (;;) {
        struct batch batch = {
            .messages = messages, .count = count, .begins = &consumer->begins, .park_reason = park_reason};
        ctx_clear(consumer->ctx);
        enum err err = batch_apply(consumer->ctx, consumer->subscriptions, &batch);
        if (err == ERR_NONE)
            follow_up(consumer, &batch);
        if (err == ERR_NONE || err_is_of_message(err))
            return err;
        if (clock_monotonic() >= deadline || atomic_load(&consumer->stopping)) {
            log_warning(NULL, "could not handle messages, trying again", LOG_TEXT("topic", messages[0].topic),
                        LOG_INT("count", (int64_t)count), LOG_TEXT("why", consumer->ctx->problem.detail));
            return err;
        }
        pause_until(&consumer->stopping, (int)jitter(backoff_ms));
        backoff_ms = backoff_ms * 2 < BACKOFF_MAX_MS ? backoff_ms * 2 : BACKOFF_MAX_MS;
    }
}

/* One message, which is parked when it is to blame. */
static enum err apply_alone(struct consumer *consumer, const struct message *message)
{
    enum err err = apply(consumer, message, 1, NULL);
    if (!err_is_of_message(err))
        return err;
    return apply(consumer, message, 1, arena_strdup(consumer->arena, consumer->ctx->problem.detail));
}

static int compare_offsets(const void *left, const void *right)
{
    const struct message *a = left, *b = right;

    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Returns whether all was handled; what was not is read again. */
static bool handle(struct consumer *consumer, struct message *messages, size_t count)
{
    enum err err = count == 1 ? apply_alone(consumer, messages) : apply(consumer, messages, count, NULL);
    if (err == ERR_NONE)
        return true;
    if (count == 1 || !err_is_of_message(err)) {
        read_again(consumer, messages, count);
        return false;
    }
    /* From here on the positions move with each message. */
    qsort(messages, count, sizeof(*messages), compare_offsets);
    for (size_t i = 0; i < count; i++) {
        if (atomic_load(&consumer->stopping))
            return true;
        if (apply_alone(consumer, &messages[i]) != ERR_NONE) {
            read_again(consumer, messages + i, count - i);
            return false;
        }
    }
    return true;
}

/* --- the thread --- */

/* What was parked may go through with this version of the program. */
static void retry_parked(struct consumer *consumer)
{
    int64_t done = 0;

    if (parked_retry(consumer->service, &done) != ERR_NONE)
        log_warning(NULL, "could not try parked messages again");
    if (done > 0)
        log_info(NULL, "parked messages were applied", LOG_INT("count", done));
}

static bool is_heard(const struct consumer *consumer, const struct message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (subscription_find(consumer->subscriptions, &messages[i]) != NULL)
            return true;
    return false;
}

/*
 * Takes what is here. Messages that nobody here listens to only move versions and positions; they wait a moment to ride
 * along with one that counts, since a transaction of their own would cost as much as one with an effect.
 */
static size_t gather(struct consumer *consumer, struct message *messages)
{
    pace_wait(&consumer->pace, consumer->rests_for);
    size_t count = kafka_group_take(consumer->group, consumer->arena, TAKE_WAIT_MS, messages, BATCH_MAX);
    pace_begin(&consumer->pace);
    const int64_t until = clock_monotonic() + RIDE_MS * CLOCK_MS;
    int64_t left_ms;

    while (count > 0 && count < BATCH_MAX && !is_heard(consumer, messages, count) &&
           !atomic_load(&consumer->stopping) && (left_ms = (until - clock_monotonic()) / CLOCK_MS) > 0)
        count += kafka_group_take(consumer->group, consumer->arena, (int)left_ms, messages + count, BATCH_MAX - count);
    consumer->rests_for = count < BATCH_MAX ? count : 0;
    return count;
}

static void *consumer_run(void *of)
{
    struct consumer *consumer = of;
    struct message *messages = calloc((size_t)BATCH_MAX * DISTURB_FACTOR, sizeof(*messages));
    assert(messages != NULL);

    atomic_store(&consumer->retries, true);
    while (!atomic_load(&consumer->stopping)) {
        if (atomic_exchange(&consumer->retries, false))
            retry_parked(consumer);
        arena_clear(consumer->arena);
        size_t count = gather(consumer, messages);
        if (count == 0)
            continue;
        disturb(messages, &count);
        bool good = handle(consumer, messages, count);
        atomic_store(&consumer->failing, !good);
        if (!good)
            pause_until(&consumer->stopping, (int)jitter(BACKOFF_MAX_MS));
    }
    free(messages);
    return NULL;
}

/* The distinct topics of the subscriptions. */
static size_t list_topics(const struct subscription *subscriptions, const char **ret)
{
    size_t count = 0;

    for (; subscriptions->type != NULL; subscriptions++) {
        size_t i = 0;
        while (i < count && !text_equal(ret[i], subscriptions->type->topic))
            i++;
        assert(i < TOPICS_MAX);
        if (i == count)
            ret[count++] = subscriptions->type->topic;
    }
    return count;
}

static void consumer_free(struct consumer *consumer)
{
    kafka_group_free(consumer->group);
    forget_begins(consumer);
    arena_free(consumer->arena);
    ctx_release(consumer->ctx);
    free(consumer);
}

struct consumer *consumer_start(struct service *service, const struct subscription *subscriptions)
{
    const char *topics[TOPICS_MAX];
    size_t count = list_topics(subscriptions, topics);
    struct consumer *consumer = calloc(1, sizeof(*consumer));
    assert(consumer != NULL);

    consumer->service = service;
    consumer->pace = (struct pace){.each_ms = EACH_MS, .phase_ms = pace_of_hearing(service->leads)};
    consumer->subscriptions = subscriptions;
    consumer->ctx = ctx_new(service);
    consumer->arena = arena_new(ARENA_MAX);
    const char *group = arena_printf(consumer->arena, "waybill.%s", service->name);
    consumer->group = kafka_group_new(service->kafka, group, topics, count, find_begins, consumer);
    if (consumer->group == NULL) {
        consumer_free(consumer);
        return NULL;
    }
    if (pthread_create(&consumer->thread, NULL, consumer_run, consumer) != 0)
        abort();
    return consumer;
}

bool consumer_is_ready(const struct consumer *consumer)
{
    return kafka_group_is_assigned(consumer->group) && !atomic_load(&consumer->failing);
}

void consumer_retry_parked(struct consumer *consumer)
{
    atomic_store(&consumer->retries, true);
}

void consumer_stop(struct consumer *consumer)
{
    if (consumer == NULL)
        return;
    atomic_store(&consumer->stopping, true);
    pthread_join(consumer->thread, NULL);
    consumer_free(consumer);
}
