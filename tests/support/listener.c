/*
 * listener - the service, its handler and its tables.
 */
#include "listener.h"

#include <check.h>
#include <string.h>

struct Q_effect_add {
    const char *key;
    int64_t sequence;
    const char *event_id;
};
static const struct param effect_add_params[] = {
    {"key", PARAM_TEXT, offsetof(struct Q_effect_add, key)},
    {"sequence", PARAM_INT, offsetof(struct Q_effect_add, sequence)},
    {"event_id", PARAM_TEXT, offsetof(struct Q_effect_add, event_id)},
};
static const struct query Q_effect_add = {
    "effect_add", "INSERT INTO effect (key, sequence, event_id) VALUES ($1::text, $2::bigint, $3::text)", QUERY_EXEC,
    effect_add_params, 3};

struct Q_thing_find {
    const char *id;
};
static const struct param thing_params[] = {{"id", PARAM_TEXT, 0}};
static const struct query Q_thing_find = {"thing_find", "SELECT id FROM thing WHERE id = $1::text", QUERY_ONE,
                                          thing_params, 1};
static const struct query Q_thing_add = {"thing_add", "INSERT INTO thing (id) VALUES ($1::text)", QUERY_EXEC,
                                         thing_params, 1};

struct Q_thing_lock {
    struct texts keys;
};
static const struct param lock_params[] = {{"keys", PARAM_TEXTS, 0}};
static const struct query Q_thing_lock = {"thing_lock",
                                          "SELECT id FROM thing WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE",
                                          QUERY_MANY, lock_params, 1};

static const struct query *const queries[] = {&Q_effect_add, &Q_thing_find, &Q_thing_add, &Q_thing_lock, NULL};

struct thing {
    const char *id;
};
static RECORD(thing, FIELD(thing, id));

static struct event_type pinged = {.type = LISTENER_TYPE, .record = &bus_ping_record};

struct listener listener;

static enum err on_pinged(struct uow *uow, const struct message *message, const void *event)
{
    const struct ping *ping = event;

    if (strncmp(ping->note, "poison", 6) == 0 && ping->number == 2 && !atomic_load(&listener.is_repaired))
        return FAIL(uow->ctx, CONFLICT, "cannot make sense of it");
    if (strncmp(ping->note, "broken", 6) == 0 && ping->number == 2 && !atomic_load(&listener.is_repaired)) {
        /* A null key: an error that the statement itself brings, later than the handler. */
        query_send(uow, &Q_thing_add, &(const struct Q_thing_find){.id = NULL});
        return ERR_NONE;
    }
    if (strncmp(ping->note, "late", 4) == 0) {
        struct thing thing;
        enum err err = SQL_ONE(uow, thing_find, thing_record, &thing, .id = ping->note);
        if (err == ERR_NOT_FOUND)
            return message_waits_for(uow, "thing", ping->note);
        TRY(err);
    }
    if (atomic_load(&listener.busy_left) > 0 && atomic_fetch_sub(&listener.busy_left, 1) > 0)
        return FAIL(uow->ctx, BUSY, "too busy");
    SQL(uow, effect_add, .key = message->key, .sequence = message->sequence, .event_id = message->id);
    return ERR_NONE;
}

static struct subscription subscriptions[] = {
    {&pinged, on_pinged, LOCKS(thing_lock, ping, note)},
    {0},
};

void listener_open(void)
{
    database_open_common();
    database_run("CREATE TABLE effect (id bigserial PRIMARY KEY, key text, sequence bigint, event_id text)");
    database_run("CREATE TABLE thing (id text PRIMARY KEY)");
    listener.service = bus_service(bus_topic("consumer"), queries);
    listener.service->subscriptions = subscriptions;
    listener.arena = arena_new(64 << 20);
    listener.topic = bus_topic("heard");
    pinged.topic = listener.topic;
    bus_make_topic(listener.service->kafka, listener.topic, 3);
}

void listener_close(void)
{
    consumer_stop(listener.service->consumer);
    bus_service_free(listener.service);
    arena_free(listener.arena);
    database_close();
}

struct service *listener_copy(void)
{
    struct service *copy = bus_service(listener.service->name, queries);

    copy->subscriptions = subscriptions;
    return copy;
}

void listener_start(struct service *service)
{
    service->consumer = consumer_start(service, subscriptions);
    ck_assert_ptr_nonnull(service->consumer);
}

void listener_stop(struct service *service)
{
    consumer_stop(service->consumer);
    service->consumer = NULL;
}

struct message listener_ping(const char *key, int64_t sequence)
{
    return bus_message(listener.arena, listener.topic, LISTENER_TYPE, key, sequence, NULL);
}

void listener_tell(const char *key, int64_t sequence)
{
    struct message message = listener_ping(key, sequence);

    bus_publish(listener.service->kafka, &message, 1);
}

void listener_await(int64_t count)
{
    database_await("SELECT count(*) FROM effect", count);
}

const char *listener_effects(const char *key)
{
    return database_text(arena_printf(
        listener.arena, "SELECT coalesce(string_agg(sequence::text, ',' ORDER BY id), '') FROM effect WHERE key = '%s'",
        key));
}

static enum err try_make_thing(struct ctx *ctx, const char *id)
{
    UNIT_OF_WORK(ctx, uow);
    query_send(uow, &Q_thing_add, &(const struct Q_thing_find){.id = id});
    TRY(waiting_release(uow, "thing", id));
    return uow_commit(uow);
}

enum err listener_make_thing(const char *id)
{
    struct ctx *ctx = ctx_new(listener.service);
    enum err err = try_make_thing(ctx, id);

    ctx_release(ctx);
    return err;
}
