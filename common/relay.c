/*
 * relay - publishes the outbox: one thread per process, of which the one with the lease works.
 *
 * A round is one read, one publish, one move, on a connection of its own. That connection does not wait for the disk
 * when it commits: a move that a crash of the database undoes is a batch published twice, which is allowed anyway.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backoff.h"
#include "clock.h"
#include "common/queries.h"
#include "id.h"
#include "kafka.h"
#include "log.h"
#include "metrics.h"
#include "pause.h"
#include "service.h"

#define LEASE_MS 5000
#define RENEW_MS 1000
#define ROUND_MS 5      /* between the beginnings of two rounds */
#define POLL_MS 1000    /* the net, should a wake-up get lost */
#define TAKE_MIN_MS 200 /* between two tries to get the lease */
#define NOTIFY_MIN_MS 5
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define STOP_MS 3000

struct outbox_row {
    int64_t id;
    const char *event_id;
    const char *topic;
    const char *key;
    int64_t sequence;
    const char *type;
    const char *correlation_id;
    const char *causation_id;
    const char *traceparent;
    const char *body;
    int64_t created_at;
};

struct outbox_rows {
    struct outbox_row *items;
    size_t count;
};

static RECORD(outbox_row, FIELD(outbox_row, id), FIELD(outbox_row, event_id), FIELD(outbox_row, topic),
              FIELD(outbox_row, key), FIELD(outbox_row, sequence), FIELD(outbox_row, type),
              FIELD(outbox_row, correlation_id), FIELD(outbox_row, causation_id), FIELD(outbox_row, traceparent),
              FIELD(outbox_row, body), FIELD_AS_TIME(outbox_row, created_at));

struct lease_row {
    int64_t epoch;
};
static RECORD(lease_row, FIELD(lease_row, epoch));

struct relay {
    struct service *service;
    struct ctx *ctx;
    struct connection *connection; /* NULL: to be opened */
    char holder[ID_TEXT];
    int64_t epoch;                             /* of our lease; 0: another copy has it, or nobody */
    int64_t renewed_at, tried_at, notified_at; /* monotonic */
    int backoff_ms;                            /* 0: the last round went well */
    pthread_t thread;
    int wakes; /* eventfd */
    int64_t round_at; /* when the last round began */
    atomic_bool stopping;
    _Atomic int64_t
        oldest_at; /* when the oldest unpublished event was made; 0: there is none, or another copy relays */
};

static struct metric relayed = {.name = "waybill_relay_events_total",
                                .help = "Events that the broker acknowledged",
                                .type = METRIC_COUNTER,
                                .label = "topic"};
static struct metric batches = {.name = "waybill_relay_batches_total",
                                .help = "Rounds of the relay that published something, by outcome",
                                .type = METRIC_COUNTER,
                                .label = "outcome"};
static struct metric oldest = {.name = "waybill_outbox_oldest_seconds",
                               .help = "Age of the oldest event that is not published yet, at the copy that relays",
                               .type = METRIC_GAUGE};

static bool is_past(int64_t since, int64_t ms)
{
    return clock_monotonic() - since >= ms * CLOCK_MS;
}

static int64_t age_of_oldest(void *of)
{
    struct relay *relay = of;
    int64_t oldest_at = atomic_load(&relay->oldest_at);

    return oldest_at == 0 ? 0 : (clock_now() - oldest_at) / CLOCK_SECOND;
}

/* --- the lease --- */

/* A channel per service, since many may share a database. */
static enum err run_on_channel(struct relay *relay, const char *verb)
{
    return connection_run(relay->ctx, relay->connection,
                          arena_printf(relay->ctx->arena, "%s \"waybill_outbox_%s\"", verb, relay->service->name));
}

static enum err connect(struct relay *relay)
{
    relay->connection = connection_open(&relay->service->database);
    if (relay->connection == NULL)
        return FAIL(relay->ctx, BUSY, "could not reach the database");
    enum err err = connection_run(relay->ctx, relay->connection, "SET synchronous_commit = off");
    if (err == ERR_NONE)
        err = run_on_channel(relay, "LISTEN");
    if (err != ERR_NONE) {
        connection_close(relay->connection);
        relay->connection = NULL;
    }
    return err;
}

static enum err take_lease(struct relay *relay)
{
    struct uow uow CLEANUP(uow_close) = {0};
    struct lease_row row = {0};
    bool found;

    relay->tried_at = clock_monotonic();
    TRY(uow_open_on(relay->ctx, relay->connection, UOW_WRITE, &uow));
    TRY(SQL_MAYBE(&uow, relay_lease_take, lease_row_record, &row, &found, .holder = relay->holder,
                  .lease_ms = LEASE_MS));
    TRY(uow_commit(&uow));
    if (found) {
        relay->epoch = row.epoch;
        relay->renewed_at = relay->tried_at;
        log_info(NULL, "this copy relays now", LOG_INT("epoch", row.epoch));
    }
    return ERR_NONE;
}

static void lose_lease(struct relay *relay)
{
    log_info(NULL, "another copy relays now", LOG_INT("epoch", relay->epoch));
    relay->epoch = 0;
    atomic_store(&relay->oldest_at, 0);
}

static enum err renew_lease(struct relay *relay)
{
    struct uow uow CLEANUP(uow_close) = {0};
    int64_t renewed = 0;

    TRY(uow_open_on(relay->ctx, relay->connection, UOW_WRITE, &uow));
    TRY(SQL_COUNT(&uow, relay_lease_renew, &renewed, .holder = relay->holder, .epoch = relay->epoch,
                  .lease_ms = LEASE_MS));
    TRY(uow_commit(&uow));
    relay->renewed_at = clock_monotonic();
    if (renewed == 0)
        lose_lease(relay);
    return ERR_NONE;
}

/* The others needn't wait until it runs out. */
static void give_lease_up(struct relay *relay)
{
    struct uow uow CLEANUP(uow_close) = {0};

    if (relay->epoch == 0 || relay->connection == NULL ||
        uow_open_on(relay->ctx, relay->connection, UOW_WRITE, &uow) != ERR_NONE)
        return;
    SQL(&uow, relay_lease_give_up, .holder = relay->holder, .epoch = relay->epoch);
    if (uow_commit(&uow) == ERR_NONE)
        (void)run_on_channel(relay, "NOTIFY"); /* they also look by themselves */
}

/* --- a round --- */

static enum err read_rows(struct relay *relay, struct outbox_rows *ret)
{
    struct uow uow CLEANUP(uow_close) = {0};

    TRY(uow_open_on(relay->ctx, relay->connection, UOW_READ, &uow));
    return SQL_MANY(&uow, outbox_read, outbox_row_record, ret, .holder = relay->holder, .epoch = relay->epoch,
                    .count = RELAY_BATCH_MAX);
}

static enum err publish_rows(struct relay *relay, const struct outbox_rows *rows)
{
    struct message *messages = arena_array(relay->ctx->arena, rows->count, sizeof(*messages));

    for (size_t i = 0; i < rows->count; i++) {
        const struct outbox_row *row = &rows->items[i];
        messages[i] = (struct message){
            .topic = row->topic,
            .key = row->key,
            .id = row->event_id,
            .type = row->type,
            .subject = row->key,
            .sequence = row->sequence,
            .correlation_id = row->correlation_id,
            .causation_id = row->causation_id,
            .traceparent = row->traceparent,
            .time = row->created_at,
            .body = row->body,
            .size = strlen(row->body),
        };
    }
    return kafka_publish(relay->ctx, relay->service->kafka, messages, rows->count);
}

/* Moves what was acknowledged to the history, if the lease is still ours; else the other copy publishes it again. */
static enum err move_rows(struct relay *relay, const struct outbox_rows *rows)
{
    struct uow uow CLEANUP(uow_close) = {0};
    int64_t *ids = arena_array(relay->ctx->arena, rows->count, sizeof(*ids));
    int64_t moved = 0;

    for (size_t i = 0; i < rows->count; i++)
        ids[i] = rows->items[i].id;
    TRY(uow_open_on(relay->ctx, relay->connection, UOW_WRITE, &uow));
    TRY(SQL_COUNT(&uow, outbox_move, &moved, .holder = relay->holder, .epoch = relay->epoch, .lease_ms = LEASE_MS,
                  .ids = {ids, rows->count}));
    TRY(uow_commit(&uow));
    if (moved == 0) {
        lose_lease(relay);
        return ERR_NONE;
    }
    relay->renewed_at = clock_monotonic();
    for (size_t i = 0; i < rows->count; i++)
        metric_add(&relayed, rows->items[i].topic, NULL, 1);
    metric_add(&batches, "published", NULL, 1);
    return ERR_NONE;
}

/* Publishes one batch; *ret_more is false when there was nothing to publish, or the lease is gone. */
static enum err relay_batch(struct relay *relay, bool *ret_more)
{
    struct outbox_rows rows = {0};

    ctx_clear(relay->ctx);
    *ret_more = false;
    TRY(read_rows(relay, &rows));
    if (rows.count == 0) {
        lose_lease(relay);
        return ERR_NONE;
    }
    if (rows.items[0].id == 0) {
        atomic_store(&relay->oldest_at, 0);
        return ERR_NONE;
    }
    atomic_store(&relay->oldest_at, rows.items[0].created_at);
    TRY(publish_rows(relay, &rows));
    TRY(move_rows(relay, &rows));
    /* Whatever was committed since the read has woken us, so only a full batch is followed by another at once. */
    *ret_more = relay->epoch != 0 && rows.count == RELAY_BATCH_MAX;
    return ERR_NONE;
}

/* A copy without the lease passes the wake-up on, but not more often than every 5 ms: NOTIFY makes commits queue up. */
static enum err pass_on(struct relay *relay)
{
    while (!is_past(relay->notified_at, NOTIFY_MIN_MS))
        pause_ms(1);
    relay->notified_at = clock_monotonic();
    return run_on_channel(relay, "NOTIFY");
}

static enum err relay_round(struct relay *relay, bool woken)
{
    bool more = true;

    ctx_clear(relay->ctx);
    if (relay->connection == NULL)
        TRY(connect(relay));
    if (relay->epoch == 0 && is_past(relay->tried_at, TAKE_MIN_MS))
        TRY(take_lease(relay));
    if (relay->epoch == 0)
        return woken ? pass_on(relay) : ERR_NONE;
    while (more && !atomic_load(&relay->stopping))
        TRY(relay_batch(relay, &more));
    if (relay->epoch != 0 && is_past(relay->renewed_at, RENEW_MS))
        TRY(renew_lease(relay));
    return ERR_NONE;
}

/* --- the thread --- */

/* Waits for a wake-up, a notification or the next poll. Tells whether this process has committed something. */
static bool wait_for_work(struct relay *relay)
{
    struct pollfd waiting[] = {
        {.fd = relay->wakes,                                                          .events = POLLIN},
        {.fd = relay->connection == NULL ? -1 : connection_socket(relay->connection), .events = POLLIN},
    };
    uint64_t woken;

    /* A notification that came with the answer to a statement of ours isn't seen by poll() any more. */
    bool notified = relay->connection != NULL && connection_take_notifications(relay->connection);
    int timeout_ms = notified ? 0 : relay->epoch == 0 && !is_past(relay->tried_at, TAKE_MIN_MS) ? TAKE_MIN_MS : POLL_MS;
    (void)poll(waiting, 2, timeout_ms);
    if (waiting[1].revents != 0)
        (void)connection_take_notifications(relay->connection);
    return read(relay->wakes, &woken, sizeof(woken)) == sizeof(woken);
}

static void note_failure(struct relay *relay)
{
    relay->backoff_ms = relay->backoff_ms == 0 ? BACKOFF_MIN_MS : relay->backoff_ms * 2;
    if (relay->backoff_ms > BACKOFF_MAX_MS)
        relay->backoff_ms = BACKOFF_MAX_MS;
    metric_add(&batches, "failed", NULL, 1);
    log_warning(NULL, "could not relay, trying again", LOG_TEXT("why", relay->ctx->problem.detail),
                LOG_INT("in_ms", relay->backoff_ms));
    if (relay->connection != NULL && connection_socket(relay->connection) < 0) {
        connection_close(relay->connection);
        relay->connection = NULL;
    } else if (relay->connection != NULL && relay->epoch != 0) {
        (void)renew_lease(relay); /* the broker is to blame: another copy would fare no better */
    }
}

/* Publishes what is there, for a bounded time, and leaves. */
static void finish(struct relay *relay)
{
    int64_t began = clock_monotonic();
    bool more = relay->connection != NULL && relay->epoch != 0 && relay->backoff_ms == 0;

    while (more && !is_past(began, STOP_MS))
        if (relay_batch(relay, &more) != ERR_NONE)
            break; /* the next start, or another copy, publishes it */
    give_lease_up(relay);
    connection_close(relay->connection);
    relay->connection = NULL;
}

static void *relay_run(void *of)
{
    struct relay *relay = of;
    bool woken = false;

    while (!atomic_load(&relay->stopping)) {
        /* Under load rounds are spaced, so that batches grow; the first wake-up after a rest is served at once. */
        if (!is_past(relay->round_at, ROUND_MS))
            pause_ms((int)(ROUND_MS - (clock_monotonic() - relay->round_at) / CLOCK_MS));
        relay->round_at = clock_monotonic();
        if (relay_round(relay, woken) == ERR_NONE) {
            relay->backoff_ms = 0;
        } else {
            note_failure(relay);
            pause_until(&relay->stopping, (int)jitter(relay->backoff_ms));
        }
        woken = wait_for_work(relay) || (woken && relay->backoff_ms > 0);
    }
    finish(relay);
    return NULL;
}

struct relay *relay_start(struct service *service)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (relay == NULL)
        abort();
    relay->service = service;
    relay->ctx = ctx_new(service);
    relay->tried_at = clock_monotonic() - TAKE_MIN_MS * CLOCK_MS;
    id_make(relay->holder);
    relay->wakes = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (relay->wakes < 0 || pthread_create(&relay->thread, NULL, relay_run, relay) != 0)
        abort();
    metric_ask(&oldest, age_of_oldest, relay);
    return relay;
}

void relay_wake(struct relay *relay)
{
    static const uint64_t one = 1;

    /* Fails only when the counter is full, and then it is awake. */
    ssize_t written = write(relay->wakes, &one, sizeof(one));
    (void)written;
}

void relay_stop(struct relay *relay)
{
    if (relay == NULL)
        return;
    atomic_store(&relay->stopping, true);
    relay_wake(relay);
    pthread_join(relay->thread, NULL);
    metric_ask(&oldest, NULL, NULL);
    ctx_release(relay->ctx);
    close(relay->wakes);
    free(relay);
}
