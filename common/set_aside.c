/*
 * set_aside - messages that wait for an aggregate, and messages that are parked.
 *
 * A waiting message counts as handled: its version was noted, and it is applied in the transaction that creates what it
 * waits for. A parked one does not: its key stands still until it goes through, in order.
 */
#include <string.h>

#include "backoff.h"
#include "common/queries.h"
#include "consumer.h"
#include "delivery.h"
#include "handled.h"
#include "log.h"
#include "metrics.h"
#include "pause.h"
#include "position.h"
#include "service.h"
#include "text.h"
#include "work_item.h"

#define RELEASE_MAX 100 /* waiting messages read at once */
#define DRAIN_TRIES 5
#define DRAIN_BACKOFF_MS 50
#define REASON_MAX 500

struct set_aside {
    int64_t id;
    const char *waits_for;
    const char *topic;
    int64_t partition;
    int64_t offset;
    const char *key;
    int64_t sequence;
    const char *event_id;
    const char *type;
    const char *correlation_id;
    const char *causation_id;
    const char *traceparent;
    int64_t occurred_at;
    const char *body;
};
struct set_aside_list {
    struct set_aside *items;
    size_t count;
};
static RECORD(set_aside, FIELD(set_aside, id), FIELD(set_aside, waits_for), FIELD(set_aside, topic),
              FIELD(set_aside, partition), FIELD(set_aside, offset), FIELD(set_aside, key), FIELD(set_aside, sequence),
              FIELD(set_aside, event_id), FIELD(set_aside, type), FIELD(set_aside, correlation_id),
              FIELD(set_aside, causation_id), FIELD(set_aside, traceparent), FIELD_AS_TIME(set_aside, occurred_at),
              FIELD(set_aside, body));

struct set_aside_counts {
    int64_t waiting;
    int64_t parked;
};
static RECORD(set_aside_counts, FIELD(set_aside_counts, waiting), FIELD(set_aside_counts, parked));

struct parked_key {
    const char *topic;
    const char *key;
    int64_t partition;
};
struct parked_key_list {
    struct parked_key *items;
    size_t count;
};
static RECORD(parked_key, FIELD(parked_key, topic), FIELD(parked_key, key), FIELD(parked_key, partition));

static struct metric set_aside_now = {.name = "waybill_consumer_set_aside",
                                      .help = "Messages that wait for an aggregate, or are parked, counted each minute",
                                      .type = METRIC_GAUGE,
                                      .label = "state"};
static struct metric drained = {.name = "waybill_consumer_drained_total",
                                .help = "Parked messages that were tried again, by outcome",
                                .type = METRIC_COUNTER,
                                .label = "outcome"};

static struct message message_of(const struct set_aside *row)
{
    return (struct message){
        .topic = row->topic,
        .partition = (int32_t)row->partition,
        .offset = row->offset,
        .key = row->key,
        .id = row->event_id,
        .type = row->type,
        .subject = row->key,
        .sequence = row->sequence,
        .correlation_id = row->correlation_id,
        .causation_id = row->causation_id,
        .traceparent = row->traceparent,
        .time = row->occurred_at,
        .body = row->body,
        .size = strlen(row->body),
    };
}

/* Whether anything waits, as it comes along with a batch whose handlers make what may be waited for. */
struct waiting {
    const char *id; /* "kind:id" */
    bool waits;
};
static RECORD(waiting, FIELD(waiting, id), FIELD(waiting, waits));

const struct rows waiting_rows = {&Q_waiting_lock, &Q_waiting_any, &waiting_record};

/* --- putting aside --- */

static void add(struct uow *uow, const char *state, const char *waits_for, const struct message *message,
                const char *reason)
{
    /* A table can't hold what isn't text. Nobody could process it either, so it is kept for a person to look at. */
    bool is_text = utf8_is_valid(message->body, message->size);
    const char *body = is_text ? message->body : base64url_encode(uow->ctx->arena, message->body, message->size);

    SQL(uow, set_aside_add, .state = state, .waits_for = waits_for, .topic = message->topic,
        .partition = message->partition, .at_offset = message->offset, .key = message->key,
        .sequence = message->sequence, .event_id = message->id, .type = message->type,
        .correlation_id = message->correlation_id != NULL ? message->correlation_id : "",
        .causation_id = message->causation_id != NULL ? message->causation_id : "",
        .traceparent = message->traceparent != NULL ? message->traceparent : "", .occurred_at = message->time,
        .body = body, .reason = arena_printf(uow->ctx->arena, "%.*s", REASON_MAX, reason));
}

/* Something waits for it now, whatever came along with the batch. */
static void forget_that_none_waits(struct uow *uow, const char *waits_for)
{
    struct waiting waiting;

    (void)rows_take(uow, &waiting_rows, waits_for, &waiting);
}

void set_aside_wait(struct uow *uow, const struct message *message)
{
    forget_that_none_waits(uow, uow->waits_for);
    add(uow, "waiting", uow->waits_for, message, "its aggregate is not here yet");
}

void set_aside_park(struct uow *uow, const struct message *message, const char *reason)
{
    add(uow, "parked", "", message, reason);
}

/* --- waiting --- */

/* Applies one. What its own fault undoes is only its own work; it is parked then. */
static enum err release_one(struct uow *uow, const struct set_aside *row, bool inner)
{
    struct message message = message_of(row);
    struct delivery delivery = {.message = &message,
                                .subscription = subscription_find(uow->ctx->service->subscriptions, &message)};
    enum err err = ERR_NONE;

    if (!inner)
        TRY(uow_savepoint(uow));
    if (delivery.subscription != NULL) {
        err = delivery_decode(uow->ctx, &delivery);
        if (err == ERR_NONE)
            deliveries_lock(uow, &delivery, 1);
        if (err == ERR_NONE)
            err = delivery_make(uow, &delivery);
        if (err == ERR_NONE)
            err = uow_sync(uow);
    }
    if (err == ERR_NONE) {
        SQL(uow, set_aside_drop, .id = row->id);
        return ERR_NONE;
    }
    if (err == ERR_ABSENT) {
        ctx_clear_problem(uow->ctx);
        forget_that_none_waits(uow, uow->waits_for);
        SQL(uow, waiting_move, .id = row->id, .waits_for = uow->waits_for);
        return ERR_NONE;
    }
    /* There is one savepoint at a time, so inside of another's release the outer message takes the blame. */
    if (inner || !err_is_of_message(err))
        return err;

    const char *reason = uow->ctx->problem.detail;
    log_error(uow->ctx, "a waiting message could not be applied and is parked", LOG_TEXT("event_id", row->event_id),
              LOG_TEXT("type", row->type), LOG_TEXT("why", reason));
    ctx_clear_problem(uow->ctx);
    TRY(uow_rollback_to_savepoint(uow));
    SQL(uow, waiting_park, .id = row->id, .reason = arena_printf(uow->ctx->arena, "%.*s", REASON_MAX, reason));
    return ERR_NONE;
}

enum err waiting_release(struct uow *uow, const char *kind, const char *id)
{
    const char *waits_for = arena_printf(uow->ctx->arena, "%s:%s", kind, id);
    bool inner = uow->releases;
    int64_t after_id = 0;
    struct set_aside_list rows;
    struct waiting waiting;

    if (rows_take(uow, &waiting_rows, waits_for, &waiting) && !waiting.waits)
        return ERR_NONE;
    query_lock(uow, &Q_waiting_lock, &(struct texts){.items = &waits_for, .count = 1});
    do {
        TRY(SQL_MANY(uow, waiting_get, set_aside_record, &rows, .waits_for = waits_for, .after_id = after_id,
                     .count = RELEASE_MAX));
        for (size_t i = 0; i < rows.count; i++) {
            uow->releases = true;
            enum err err = release_one(uow, &rows.items[i], inner);
            uow->releases = inner;
            TRY(err);
            after_id = rows.items[i].id;
        }
    } while (rows.count == RELEASE_MAX);
    return ERR_NONE;
}

enum err waiting_report(struct uow *uow, bool *ret_more)
{
    struct set_aside_counts counts;
    struct set_aside_list rows;

    TRY(SQL_MANY(uow, waiting_overdue, set_aside_record, &rows, .seconds = WAITING_MAX_S));
    for (size_t i = 0; i < rows.count; i++)
        work_item_open(uow, "message_waits", rows.items[i].waits_for,
                       arena_printf(uow->ctx->arena, "%s \"%s\" came, but \"%s\" did not", rows.items[i].type,
                                    rows.items[i].event_id, rows.items[i].waits_for),
                       "close", 0);
    TRY(SQL_ONE(uow, set_aside_count, set_aside_counts_record, &counts));
    TRY(uow_commit(uow));
    metric_set(&set_aside_now, "waiting", NULL, counts.waiting);
    metric_set(&set_aside_now, "parked", NULL, counts.parked);
    *ret_more = rows.count == 100;
    return ERR_NONE;
}

/* --- parked --- */

/* Whether it is this one's turn; if it was applied meanwhile, *ret_repeat. */
static enum err is_next(struct uow *uow, const struct set_aside *row, bool *ret_next, bool *ret_repeat)
{
    struct handled handled = {.topic = row->topic, .key = row->key};

    *ret_next = true;
    *ret_repeat = false;
    if (row->sequence == 0 || row->waits_for[0] != '\0')
        return ERR_NONE;
    TRY(handled_read(uow, &(struct handled_list){&handled, 1}));
    *ret_repeat = row->sequence <= handled.sequence;
    *ret_next = row->sequence <= handled.sequence + 1;
    return ERR_NONE;
}

/* Notes that it is handled, and that it isn't parked any more. A message that had waited was noted then. */
static void note_applied(struct uow *uow, const struct set_aside *row)
{
    struct handled handled = {.topic = row->topic, .key = row->key, .sequence = row->sequence, .moved = true};
    struct inbox inbox = {.source = row->topic, .event_id = row->event_id};

    SQL(uow, set_aside_drop, .id = row->id);
    if (row->waits_for[0] != '\0')
        return;
    if (row->sequence > 0)
        handled_write(uow, &(struct handled_list){&handled, 1});
    else
        inbox_write(uow, &(struct inbox_list){&inbox, 1});
}

static enum err apply_parked(struct uow *uow, const struct set_aside *row)
{
    struct message message = message_of(row);
    struct delivery delivery = {.message = &message,
                                .subscription = subscription_find(uow->ctx->service->subscriptions, &message)};

    if (delivery.subscription == NULL) {
        note_applied(uow, row); /* nobody listens to its type any more */
        return ERR_NONE;
    }
    TRY(delivery_decode(uow->ctx, &delivery));
    deliveries_lock(uow, &delivery, 1);
    enum err err = delivery_make(uow, &delivery);
    if (err != ERR_NONE && err != ERR_ABSENT)
        return err;
    note_applied(uow, row);
    if (err == ERR_ABSENT) {
        ctx_clear_problem(uow->ctx);
        set_aside_wait(uow, &message);
    }
    return uow_sync(uow);
}

/* Tries the first parked message of a key; tells which one that was (0: none), and whether it went through. */
static enum err drain_one(struct ctx *ctx, const char *topic, int64_t partition, const char *key, int64_t *ret_id,
                          bool *ret_done)
{
    struct position position = {.topic = topic, .partition = partition};
    struct set_aside row = {0};
    bool found, next, repeat;

    *ret_id = 0;
    *ret_done = false;
    UNIT_OF_WORK(ctx, uow);
    TRY(positions_lock(uow, &(struct positions){&position, 1}));
    TRY(SQL_MAYBE(uow, parked_first, set_aside_record, &row, &found, .topic = topic, .key = key));
    if (!found)
        return ERR_NONE;
    TRY(is_next(uow, &row, &next, &repeat));
    if (!next)
        return ERR_NONE;
    *ret_id = row.id;
    if (repeat)
        SQL(uow, set_aside_drop, .id = row.id);
    else
        TRY(apply_parked(uow, &row));
    TRY(uow_commit(uow));
    *ret_done = true;
    return ERR_NONE;
}

static enum err note_failed(struct ctx *ctx, int64_t id, const char *reason)
{
    UNIT_OF_WORK(ctx, uow);
    SQL(uow, parked_failed, .id = id, .reason = arena_printf(ctx->arena, "%.*s", REASON_MAX, reason));
    return uow_commit(uow);
}

/* The loop of parked_drain() in a context of its own, since memory is dropped after each message. */
static enum err drain(struct ctx *ctx, const char *topic, int64_t partition, const char *key, int64_t *ret_done)
{
    int tries = 0;

    for (;;) {
        int64_t id;
        bool done;
        ctx_clear(ctx);
        enum err err = drain_one(ctx, topic, partition, key, &id, &done);
        if (err == ERR_NONE && !done)
            return ERR_NONE;
        if (err == ERR_NONE) {
            (*ret_done)++;
            tries = 0;
            metric_add(&drained, "applied", NULL, 1);
        } else if (!err_is_of_message(err)) {
            if (++tries == DRAIN_TRIES)
                return err;
            pause_ms((int)jitter(DRAIN_BACKOFF_MS << tries));
        } else {
            metric_add(&drained, "failed", NULL, 1);
            log_error(ctx, "a parked message failed again", LOG_TEXT("topic", topic), LOG_TEXT("key", key),
                      LOG_TEXT("why", ctx->problem.detail));
            return note_failed(ctx, id, ctx->problem.detail);
        }
    }
}

enum err parked_drain(struct ctx *ctx, const char *topic, int64_t partition, const char *key, int64_t *ret_done)
{
    struct ctx *own = ctx_new(ctx->service);

    enum err err = drain(own, topic, partition, key, ret_done);
    if (err != ERR_NONE)
        (void)err_fail(ctx, err, "%s", own->problem.detail);
    ctx_release(own);
    return err;
}

/* The next keys that have something parked, in their order. */
static enum err next_keys(struct ctx *ctx, const struct parked_key *after, struct parked_key_list *ret)
{
    READING(ctx, uow);
    return SQL_MANY(uow, parked_keys, parked_key_record, ret, .after_topic = after->topic, .after_key = after->key);
}

static enum err retry_all(struct ctx *ctx, int64_t *ret_done)
{
    struct parked_key_list keys;
    struct parked_key after = {.topic = "", .key = ""};

    do {
        TRY(next_keys(ctx, &after, &keys));
        for (size_t i = 0; i < keys.count; i++) {
            TRY(parked_drain(ctx, keys.items[i].topic, keys.items[i].partition, keys.items[i].key, ret_done));
            after = keys.items[i];
        }
    } while (keys.count > 0);
    return ERR_NONE;
}

enum err parked_retry(struct service *service, int64_t *ret_done)
{
    struct ctx *ctx = ctx_new(service);

    *ret_done = 0;
    enum err err = retry_all(ctx, ret_done);
    ctx_release(ctx);
    return err;
}
