/*
 * batch - decides for each message what becomes of it, then does that in one transaction.
 *
 * All decisions are made in memory, from three questions to the database: where the partitions stand (locked), what is
 * known of the keys, and which events of unversioned sources were seen. They, the locks on the rows that handlers will
 * write and those rows themselves are one round trip. Each is a statement of its own, behind the lock on the positions:
 * so it sees what that waited for. Rows of messages that turn out to be repeats are locked for nothing, which is
 * cheaper than to wait and see.
 */
#include "batch.h"

#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "text.h"

enum verdict { REPEAT, IGNORED, APPLIED, WAITING, PARKED };

static const char *const verdict_names[] = {"repeat", "ignored", "applied", "waiting", "parked"};

struct item {
    const struct message *message;
    struct handled *key;
    struct position *position;
    enum verdict verdict;
    const char *unreadable; /* why the body can't be decoded */
    const char *reason;     /* why it is parked */
    struct delivery delivery;
};

struct work {
    struct uow *uow;
    const struct subscription *subscriptions;
    struct batch *batch;
    struct item *items;
    int64_t *past; /* for each position: behind its last message here; 0: nothing new */
    struct inbox_list seen;
};

static struct metric messages_total = {.name = "waybill_consumer_messages_total",
                                       .help = "Messages by topic and what became of them",
                                       .type = METRIC_COUNTER,
                                       .label = "topic",
                                       .label2 = "outcome"};
static struct metric lag = {.name = "waybill_consumer_lag_seconds",
                            .help = "From the event to the commit of its effect",
                            .type = METRIC_HISTOGRAM,
                            .label = "topic"};

/* --- what is known --- */

static struct handled *key_of(struct handled_list *keys, const struct message *message)
{
    for (size_t i = 0; i < keys->count; i++)
        if (text_equal(keys->items[i].key, message->key) && text_equal(keys->items[i].topic, message->topic))
            return &keys->items[i];
    keys->items[keys->count] = (struct handled){.topic = message->topic, .key = message->key};
    return &keys->items[keys->count++];
}

static struct position *position_of(struct positions *positions, const struct message *message)
{
    struct position *position = position_find(positions, message->topic, message->partition);
    if (position != NULL)
        return position;
    positions->items[positions->count] = (struct position){.topic = message->topic, .partition = message->partition};
    return &positions->items[positions->count++];
}

/* Finds out who listens, and decodes. Returns whether a handler may be called. */
static bool prepare(struct work *work, struct item *item)
{
    struct ctx *ctx = work->uow->ctx;
    struct delivery *delivery = &item->delivery;

    delivery->message = item->message;
    delivery->subscription = subscription_find(work->subscriptions, item->message);
    if (delivery->subscription == NULL || work->batch->park_reason != NULL)
        return false;
    if (delivery_decode(ctx, delivery) == ERR_NONE)
        return true;
    item->unreadable = ctx->problem.detail;
    ctx_clear_problem(ctx);
    return false;
}

/* Lists the distinct partitions, keys and unversioned events, asks what is known of them, and has the rows locked and
 * brought that handlers need. */
static enum err look_up(struct work *work)
{
    struct batch *batch = work->batch;
    struct uow *uow = work->uow;
    struct arena *arena = uow->ctx->arena;
    struct inbox_list asked = {.items = arena_array(arena, batch->count, sizeof(struct inbox))};
    struct delivery *deliveries = arena_array(arena, batch->count, sizeof(*deliveries));
    struct positions positions;
    struct handled_list handled;
    size_t count = 0;

    batch->positions = (struct positions){.items = arena_array(arena, batch->count, sizeof(struct position))};
    batch->keys = (struct handled_list){.items = arena_array(arena, batch->count, sizeof(struct handled))};
    work->items = arena_array(arena, batch->count, sizeof(struct item));
    work->past = arena_array(arena, batch->count, sizeof(int64_t));
    for (size_t i = 0; i < batch->count; i++) {
        const struct message *message = &batch->messages[i];
        work->items[i].message = message;
        work->items[i].position = position_of(&batch->positions, message);
        work->items[i].key = key_of(&batch->keys, message);
        if (message->sequence == 0)
            asked.items[asked.count++] = (struct inbox){message->topic, message->id};
        if (prepare(work, &work->items[i]))
            deliveries[count++] = work->items[i].delivery;
    }
    positions_ask(uow, &batch->positions, &positions);
    handled_ask(uow, &batch->keys, &handled);
    inbox_ask(uow, &asked, &work->seen);
    deliveries_bring(uow, deliveries, count);
    TRY(uow_sync(uow));
    if (!positions_learn(&batch->positions, &positions)) {
        /* There was nothing to lock, so nothing that was answered counts. */
        positions_ensure(uow, &batch->positions);
        TRY(uow_commit(uow));
        return FAIL(uow->ctx, AGAIN, "a partition had no position");
    }
    return handled_learn(uow, &batch->keys, &handled);
}

/* --- decisions --- */

#ifdef WAYBILL_TEST_SWITCHES
/* Shows that the tests would notice: everything is applied as it comes. */
static bool dedupe_is_off(void)
{
    return text_equal(getenv("WAYBILL_TEST_NO_DEDUPE"), "1");
}
#else
static bool dedupe_is_off(void)
{
    return false;
}
#endif

/* Below the position it was handled before, unless the topic was emptied and began anew: then versions must tell. */
static bool is_below_position(struct work *work, const struct item *item)
{
    const struct message *message = item->message;
    const struct position *begin = position_find(work->batch->begins, message->topic, message->partition);
    int64_t *past = &work->past[item->position - work->batch->positions.items];

    if (message->offset < item->position->next_offset) {
        if (begin == NULL || message->offset >= begin->next_offset)
            return true;
        log_warning(NULL, "a partition began anew, going back", LOG_TEXT("topic", message->topic),
                    LOG_INT("partition", message->partition), LOG_INT("from", item->position->next_offset),
                    LOG_INT("to", message->offset));
        item->position->next_offset = message->offset;
    }
    if (message->offset >= *past)
        *past = message->offset + 1;
    return false;
}

static bool is_in_inbox(const struct work *work, const struct item *item)
{
    const struct message *message = item->message;

    for (size_t i = 0; i < work->seen.count; i++)
        if (text_equal(work->seen.items[i].event_id, message->id) &&
            text_equal(work->seen.items[i].source, message->topic))
            return true;
    for (const struct item *before = work->items; before < item; before++)
        if (before->verdict != REPEAT && text_equal(before->message->id, message->id) &&
            text_equal(before->message->topic, message->topic))
            return true;
    return false;
}

static void park(struct item *item, const char *reason)
{
    struct handled *key = item->key;

    item->verdict = PARKED;
    item->reason = reason;
    if (key->parked_from < 0 || item->message->sequence < key->parked_from) {
        key->parked_from = item->message->sequence;
        key->parked_reason = reason;
    }
}

/* Whether the key lets the message through now; if not, it is a repeat or parked. */
static bool is_its_turn(struct work *work, struct item *item)
{
    struct handled *key = item->key;
    int64_t sequence = item->message->sequence;
    bool versioned = sequence > 0;

    if (versioned ? sequence <= key->sequence : is_in_inbox(work, item)) {
        item->verdict = REPEAT;
        return false;
    }
    bool next = !versioned || sequence == key->sequence + 1;
    if (key->parked_from >= 0) {
        bool fills_hole = versioned && next && key->parked_from > sequence;
        bool innocent = text_equal(key->parked_reason, REASON_HOLE) || text_equal(key->parked_reason, REASON_BEHIND);
        key->drains = key->drains || fills_hole || (innocent && key->parked_from <= key->sequence + 1);
        if (!fills_hole)
            park(item, REASON_BEHIND);
        return fills_hole;
    }
    if (!next)
        park(item, REASON_HOLE);
    return next;
}

/* Types that nobody here listens to move the version too. */
static void note_version(struct item *item)
{
    if (item->message->sequence > item->key->sequence) {
        item->key->sequence = item->message->sequence;
        item->key->moved = true;
    }
}

static void decide(struct work *work, struct item *item)
{
    bool below = is_below_position(work, item);
    bool heard = item->delivery.subscription != NULL;

    item->verdict = REPEAT;
    if (!dedupe_is_off() && (below || !is_its_turn(work, item)))
        return;
    if (heard && work->batch->park_reason != NULL) {
        park(item, work->batch->park_reason);
    } else if (item->unreadable != NULL) {
        park(item, item->unreadable);
    } else {
        item->verdict = heard ? APPLIED : IGNORED;
        note_version(item);
    }
}

/* --- effects --- */

static bool is_together(const struct item *item)
{
    return item->verdict == APPLIED && item->delivery.subscription->together != NULL;
}

/* Calls the handlers of those who take their events together. */
static enum err deliver_rest(struct work *work)
{
    const void **events = arena_array(work->uow->ctx->arena, work->batch->count, sizeof(*events));

    for (const struct subscription *of = work->subscriptions; of != NULL && of->type != NULL; of++) {
        size_t count = 0;

        for (const struct item *item = work->items; item < work->items + work->batch->count; item++)
            if (is_together(item) && item->delivery.subscription == of)
                events[count++] = item->delivery.event;
        if (count > 0)
            TRY(deliver_together(work->uow, of, events, count));
    }
    return ERR_NONE;
}

/* Calls the handlers, in order. */
static enum err deliver(struct work *work)
{
    for (size_t i = 0; i < work->batch->count; i++) {
        struct item *item = &work->items[i];
        if (item->verdict != APPLIED || is_together(item))
            continue;
        enum err err = delivery_make(work->uow, &item->delivery);
        if (err == ERR_ABSENT) {
            item->verdict = WAITING;
            ctx_clear_problem(work->uow->ctx);
            set_aside_wait(work->uow, item->message);
        } else if (err != ERR_NONE) {
            return err;
        }
    }
    return deliver_rest(work);
}

static void write_what_is_handled(struct work *work)
{
    struct batch *batch = work->batch;
    struct inbox_list inbox = {.items = arena_array(work->uow->ctx->arena, batch->count, sizeof(struct inbox))};

    for (size_t i = 0; i < batch->count; i++) {
        const struct item *item = &work->items[i];
        if (item->verdict == PARKED)
            set_aside_park(work->uow, item->message, item->reason);
        else if (item->verdict != REPEAT && item->message->sequence == 0)
            inbox.items[inbox.count++] = (struct inbox){item->message->topic, item->message->id};
    }
    inbox_write(work->uow, &inbox);
    handled_write(work->uow, &batch->keys);
    for (size_t i = 0; i < batch->positions.count; i++)
        if (work->past[i] > 0)
            batch->positions.items[i].next_offset = work->past[i];
    positions_move(work->uow, &batch->positions);
}

static void tell(const struct work *work)
{
    for (size_t i = 0; i < work->batch->count; i++) {
        const struct item *item = &work->items[i];
        const struct message *message = item->message;
        metric_add(&messages_total, message->topic, verdict_names[item->verdict], 1);
        if (item->verdict == APPLIED)
            metric_observe(&lag, message->topic, NULL, clock_now() - message->time);
        if (item->verdict == PARKED)
            log_error(NULL, "a message is parked, its key stands still", LOG_TEXT("topic", message->topic),
                      LOG_TEXT("key", message->key), LOG_INT("sequence", message->sequence),
                      LOG_TEXT("type", message->type), LOG_TEXT("event_id", message->id),
                      LOG_TEXT("why", item->reason));
        else
            log_debug(NULL, "message", LOG_TEXT("outcome", verdict_names[item->verdict]),
                      LOG_TEXT("type", message->type), LOG_TEXT("event_id", message->id),
                      LOG_TEXT("correlation_id", message->correlation_id));
    }
}

enum err batch_apply(struct ctx *ctx, const struct subscription *subscriptions, struct batch *batch)
{
    UNIT_OF_WORK(ctx, uow);
    struct work work = {.uow = uow, .subscriptions = subscriptions, .batch = batch};

    TRY(look_up(&work));
    for (size_t i = 0; i < batch->count; i++)
        decide(&work, &work.items[i]);
    TRY(deliver(&work));
    write_what_is_handled(&work);
    TRY(uow_commit(uow));
    tell(&work);
    return ERR_NONE;
}
