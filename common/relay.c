/*
 * relay - publishes the outbox: one thread per process, of which the one with the lease works.
 *
 * A round is one round trip and one publish: one transaction renews the lease if that is due, moves what the last round
 * published to the history and reads what comes next; then that is published. Its connection does not wait for the disk
 * when it commits: a move that a crash of the database undoes is a batch published twice, which is allowed anyway.
 *
 * Why nothing is lost or overtaken: a row is moved only after the broker acknowledged it, and rows are published in the
 * order of their ids. When a round trip fails nothing of it is published, and what had been published before is moved
 * by the next one; a relay that dies before that leaves its rows to be published again. So whatever fails, each relay
 * publishes a run without holes that begins no later than the first row that was not acknowledged, and for a reader of
 * the topic what comes first of each key stays in order, even if two relays are at it at once. That is why the lease
 * needs no lock: it keeps copies from doing the same work, and a copy that slept through the end of its lease from
 * telling old news, as far as its clock can tell.
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
#include "mishap.h"
#include "pace.h"
#include "pause.h"
#include "service.h"

#define LEASE_MS 5000
#define RENEW_MS 1000
#define EACH_MS 4     /* of distance to the next round, for each event */
#define POLL_MS 1000  /* the net, should a wake-up get lost */
#define TAKE_MS 200   /* between two tries to get the lease */
#define CALL_MS 100   /* between two calls for the copy that relays, by one that does not */
#define LINGER_MS 150 /* how long the called one looks again at every beat by itself: until the next call */
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
    int64_t epoch;                /* of our lease; 0: another copy has it, or nobody */
    int64_t renewed_at, tried_at; /* monotonic */
    int64_t called_at;            /* monotonic: without the lease our last call, with it the last to us */
    int backoff_ms;               /* 0: the last round went well */
    pthread_t thread;
    int64_t sent[RELAY_BATCH_MAX]; /* ids of what is published and to be moved; none without the lease */
    size_t sent_count;
    struct pace pace; /* of the rounds */
    int wakes;        /* eventfd */
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
    if (err == ERR_NONE && relay->epoch != 0)
        err = run_on_channel(relay, "LISTEN");
    if (err != ERR_NONE) {
        connection_close(relay->connection);
        relay->connection = NULL;
    }
    return err;
}

/*
 * Each of these is one statement, and so a transaction by itself. Only who has the lease listens: every session that
 * does is woken by every NOTIFY in the database, whatever its channel, and begins a transaction to look at it.
 */
static enum err take_lease(struct relay *relay)
{
    struct uow uow CLEANUP(uow_close) = {0};
    struct lease_row row = {0};
    bool found;

    relay->tried_at = clock_monotonic();
    TRY(uow_open_on(relay->ctx, relay->connection, UOW_READ, &uow));
    TRY(SQL_MAYBE(&uow, relay_lease_take, lease_row_record, &row, &found, .holder = relay->holder,
                  .lease_ms = LEASE_MS));
    uow_close(&uow);
    if (!found)
        return ERR_NONE;
    relay->epoch = row.epoch;
    relay->renewed_at = relay->tried_at;
    relay->called_at = relay->tried_at; /* calls that nobody heard */
    log_info(NULL, "this copy relays now", LOG_INT("epoch", row.epoch));
    return run_on_channel(relay, "LISTEN");
}

/* What was not moved yet is left to the other copy, which publishes it again. */
static void lose_lease(struct relay *relay)
{
    log_info(NULL, "another copy relays now", LOG_INT("epoch", relay->epoch));
    relay->epoch = 0;
    relay->sent_count = 0;
    atomic_store(&relay->oldest_at, 0);
    if (run_on_channel(relay, "UNLISTEN") != ERR_NONE)
        ctx_clear_problem(relay->ctx); /* the next round will see it */
}

static enum err renew_lease(struct relay *relay)
{
    struct uow uow CLEANUP(uow_close) = {0};
    int64_t renewed = 0;
    int64_t now = clock_monotonic();

    TRY(uow_open_on(relay->ctx, relay->connection, UOW_READ, &uow));
    TRY(SQL_COUNT(&uow, relay_lease_renew, &renewed, .holder = relay->holder, .epoch = relay->epoch,
                  .lease_ms = LEASE_MS));
    uow_close(&uow);
    relay->renewed_at = now;
    if (renewed == 0)
        lose_lease(relay);
    return ERR_NONE;
}

/* While this copy waits for the broker: another one would fare no better. */
static void keep_lease(void *of)
{
    struct relay *relay = of;

    if (relay->connection == NULL || relay->epoch == 0 || !is_past(relay->renewed_at, RENEW_MS))
        return;
    if (renew_lease(relay) != ERR_NONE)
        ctx_clear_problem(relay->ctx); /* the next round will see it */
}

/* The others needn't wait until it runs out. */
static void give_lease_up(struct relay *relay)
{
    struct uow uow CLEANUP(uow_close) = {0};
    int64_t given_up;

    if (relay->epoch == 0 || relay->connection == NULL ||
        uow_open_on(relay->ctx, relay->connection, UOW_READ, &uow) != ERR_NONE)
        return;
    if (SQL_COUNT(&uow, relay_lease_give_up, &given_up, .holder = relay->holder, .epoch = relay->epoch) != ERR_NONE)
        ctx_clear_problem(relay->ctx); /* then it runs out */
}

/* --- a round --- */

/* The round trip: without a BEGIN the statements of one pipeline are one transaction. */
static enum err move_and_read(struct relay *relay, struct outbox_rows *ret)
{
    struct uow uow CLEANUP(uow_close) = {0};
    bool renews = is_past(relay->renewed_at, RENEW_MS);
    int64_t now = clock_monotonic();

    TRY(uow_open_on(relay->ctx, relay->connection, UOW_READ, &uow));
    if (renews)
        SQL(&uow, relay_lease_renew, .holder = relay->holder, .epoch = relay->epoch, .lease_ms = LEASE_MS);
    if (relay->sent_count > 0)
        SQL(&uow, outbox_move, .holder = relay->holder, .epoch = relay->epoch, .ids = {relay->sent, relay->sent_count});
    TRY(SQL_MANY(&uow, outbox_read, outbox_row_record, ret, .holder = relay->holder, .epoch = relay->epoch,
                 .count = RELAY_BATCH_MAX));
    relay->sent_count = 0;
    if (renews)
        relay->renewed_at = now;
    return ERR_NONE;
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
    TRY(kafka_publish(relay->ctx, relay->service->kafka, messages, rows->count, keep_lease, relay));
    mishap(MISHAP_AFTER_PUBLISH);
    for (size_t i = 0; i < rows->count; i++) {
        relay->sent[i] = rows->items[i].id;
        metric_add(&relayed, rows->items[i].topic, NULL, 1);
    }
    relay->sent_count = relay->epoch != 0 ? rows->count : 0;
    metric_add(&batches, "published", NULL, 1);
    return ERR_NONE;
}

static enum err relay_batch(struct relay *relay)
{
    struct outbox_rows rows = {0};

    ctx_clear(relay->ctx);
    TRY(move_and_read(relay, &rows));
    if (rows.count == 0) {
        lose_lease(relay);
        return ERR_NONE;
    }
    if (rows.items[0].id == 0) {
        atomic_store(&relay->oldest_at, 0);
        return ERR_NONE;
    }
    atomic_store(&relay->oldest_at, rows.items[0].created_at);
    if (is_past(relay->renewed_at, LEASE_MS))
        return ERR_NONE; /* stopped in between for so long that these may be old news */
    return publish_rows(relay, &rows);
}

/* Not for each commit: NOTIFY makes commits queue up, and whoever listens begins a transaction for it. */
static enum err call(struct relay *relay)
{
    relay->called_at = clock_monotonic();
    return run_on_channel(relay, "NOTIFY");
}

static enum err relay_round(struct relay *relay, bool woken)
{
    ctx_clear(relay->ctx);
    if (relay->connection == NULL)
        TRY(connect(relay));
    if (relay->epoch == 0 && is_past(relay->tried_at, TAKE_MS))
        TRY(take_lease(relay));
    if (relay->epoch == 0)
        return woken ? call(relay) : ERR_NONE;
    return relay_batch(relay);
}

/* --- the thread --- */

/* Notes a call of another copy; one that came with the answer to a statement of ours isn't seen by poll() any more. */
static bool was_called(struct relay *relay)
{
    if (relay->connection == NULL || !connection_take_notifications(relay->connection))
        return false;
    relay->called_at = clock_monotonic();
    return true;
}

/* Until when to look again if nothing happens. */
static int patience_ms(const struct relay *relay)
{
    const struct pace beat = {.each_ms = PACE_BEAT_MS, .phase_ms = relay->pace.phase_ms};

    if (relay->epoch == 0)
        return TAKE_MS;
    if (is_past(relay->called_at, LINGER_MS))
        return POLL_MS;
    return (int)(pace_rest(&beat, 1) / CLOCK_MS) + 1;
}

/* Waits for a wake-up, a call or the next poll. */
static void wait_for_work(struct relay *relay)
{
    struct pollfd waiting[] = {
        {.fd = relay->wakes, .events = POLLIN},
        {.fd = relay->connection == NULL ? -1 : connection_socket(relay->connection), .events = POLLIN},
    };

    if (was_called(relay))
        return;
    (void)poll(waiting, 2, patience_ms(relay));
    if (waiting[1].revents != 0)
        (void)was_called(relay);
}

/* Whether this process has committed something since the last call. What is committed later wakes again. */
static bool was_woken(struct relay *relay)
{
    uint64_t times;

    return read(relay->wakes, &times, sizeof(times)) == sizeof(times);
}

/* After a failed round. */
static void back_off(struct relay *relay)
{
    relay->backoff_ms = relay->backoff_ms == 0 ? BACKOFF_MIN_MS : relay->backoff_ms * 2;
    if (relay->backoff_ms > BACKOFF_MAX_MS)
        relay->backoff_ms = BACKOFF_MAX_MS;
    int64_t until = clock_monotonic() + jitter(relay->backoff_ms) * CLOCK_MS;
    metric_add(&batches, "failed", NULL, 1);
    log_warning(NULL, "could not relay, trying again", LOG_TEXT("why", relay->ctx->problem.detail),
                LOG_INT("in_ms", relay->backoff_ms));
    if (relay->connection != NULL && connection_socket(relay->connection) < 0) {
        connection_close(relay->connection);
        relay->connection = NULL;
    }
    while (!atomic_load(&relay->stopping) && clock_monotonic() < until) {
        keep_lease(relay);
        int64_t left_ms = (until - clock_monotonic()) / CLOCK_MS + 1;
        pause_until(&relay->stopping, (int)(left_ms < RENEW_MS ? left_ms : RENEW_MS));
    }
}

/* Publishes what is there, for a bounded time, and leaves. */
static void finish(struct relay *relay)
{
    int64_t began = clock_monotonic();
    bool more = relay->connection != NULL && relay->epoch != 0 && relay->backoff_ms == 0;

    while (more && !is_past(began, STOP_MS))
        more =
            relay_batch(relay) == ERR_NONE && relay->sent_count > 0; /* else the next start, or another copy, does it */
    give_lease_up(relay);
    connection_close(relay->connection);
    relay->connection = NULL;
}

/* A copy that only calls the one that relays does so at once, and then rarely: that one looks by itself for a while. */
static void rest(const struct relay *relay)
{
    const int64_t since_ms = (clock_monotonic() - relay->called_at) / CLOCK_MS;

    if (relay->epoch != 0)
        pace_wait(&relay->pace, relay->sent_count);
    else if (since_ms < CALL_MS)
        pause_until(&relay->stopping, CALL_MS - (int)since_ms);
}

static void *relay_run(void *of)
{
    struct relay *relay = of;
    bool woken = false;

    while (!atomic_load(&relay->stopping)) {
        rest(relay);
        pace_begin(&relay->pace);
        woken = was_woken(relay) || (woken && relay->backoff_ms > 0);
        if (relay_round(relay, woken) == ERR_NONE)
            relay->backoff_ms = 0;
        else
            back_off(relay);
        if (relay->sent_count == 0 && relay->backoff_ms == 0)
            wait_for_work(relay);
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
    relay->pace = (struct pace){.each_ms = EACH_MS, .phase_ms = pace_of_telling(service->leads)};
    relay->ctx = ctx_new(service);
    relay->tried_at = clock_monotonic() - TAKE_MS * CLOCK_MS;
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
