/* batch: what becomes of messages when two copies have the same partition, as seen without a broker. */
#include "batch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "bus.h"
#include "statements.h"
#include "suite.h"

#define TOPIC "waybill.test"
#define TYPE "waybill.test.pinged.v1"

struct Q_effect_add {
    const char *key;
    int64_t sequence;
};
OWN_QUERY(effect_add, QUERY_EXEC, "INSERT INTO effect (key, sequence) VALUES ($1::text, $2::bigint)",
          PARAM(effect_add, key, PARAM_TEXT), PARAM(effect_add, sequence, PARAM_INT));

struct Q_things_lock {
    struct texts keys;
};
OWN_QUERY(things_lock, QUERY_MANY, "SELECT id FROM thing WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE",
          PARAM(things_lock, keys, PARAM_TEXTS));

static const struct query *const queries[] = {&Q_effect_add, &Q_things_lock, NULL};

static struct service *service;
static struct arena *arena;
static atomic_bool holds, handles; /* whether the handler is to wait, and whether it was called */

static enum err on_pinged(struct uow *uow, const struct message *message, const void *event)
{
    (void)event;
    SQL(uow, effect_add, .key = message->key, .sequence = message->sequence);
    atomic_store(&handles, true);
    while (atomic_load(&holds))
        usleep(1000);
    return ERR_NONE;
}

static const struct event_type pinged = {.type = TYPE, .topic = TOPIC, .record = &bus_ping_record};
static const struct subscription subscriptions[] = {
    {&pinged, on_pinged, &Q_things_lock, offsetof(struct ping, note), NULL},
    {0},
};

static void open_all(void)
{
    database_open_common();
    database_run("CREATE TABLE effect (id bigserial PRIMARY KEY, key text, sequence bigint)");
    database_run("CREATE TABLE thing (id text PRIMARY KEY); INSERT INTO thing VALUES ('k')");
    service = database_service(queries, 2);
    service->subscriptions = subscriptions;
    arena = arena_new(1 << 20);
}

static void close_all(void)
{
    arena_free(arena);
    database_service_free(service);
    database_close();
}

/* A copy that has read some messages of the partition. */
struct copy {
    struct message messages[4];
    size_t count;
    enum err err;
};

static void read_message(struct copy *copy, const char *key, int64_t sequence, int64_t offset)
{
    struct message *message = &copy->messages[copy->count++];

    *message = bus_message(arena, TOPIC, TYPE, key, sequence, key);
    message->offset = offset;
}

/* As the consumer does: what may work later is tried again. */
static void *handle(void *of)
{
    const struct positions begins = {0};
    struct copy *copy = of;
    struct ctx *ctx = ctx_new(service);

    do {
        struct batch batch = {.messages = copy->messages, .count = copy->count, .begins = &begins};
        ctx_clear(ctx);
        copy->err = batch_apply(ctx, subscriptions, &batch);
    } while (copy->err == ERR_AGAIN);
    ctx_release(ctx);
    return NULL;
}

static const char *effects(void)
{
    return database_text("SELECT coalesce(string_agg(key || sequence, ' ' ORDER BY id), '') FROM effect");
}

START_TEST(a_partition_that_nobody_had_gets_a_position)
{
    struct copy copy = {0};

    read_message(&copy, "k", 1, 7);
    handle(&copy);
    ck_assert_int_eq(copy.err, ERR_NONE);
    ck_assert_str_eq(effects(), "k1");
    ck_assert_int_eq(database_int("SELECT next_offset FROM position"), 8);
}
END_TEST

START_TEST(repeats_are_skipped_and_positions_move)
{
    struct copy first = {0}, second = {0};

    read_message(&first, "k", 1, 0);
    read_message(&first, "other", 1, 1);
    read_message(&first, "k", 1, 2);
    read_message(&first, "k", 2, 3);
    handle(&first);
    read_message(&second, "k", 2, 3);
    read_message(&second, "other", 2, 4);
    handle(&second);
    ck_assert_str_eq(effects(), "k1 other1 k2 other2");
    ck_assert_int_eq(database_int("SELECT next_offset FROM position"), 5);
    ck_assert_str_eq(
        database_text("SELECT string_agg(split_part(aggregate, '/', 2) || sequence, ' ' ORDER BY aggregate)"
                      " FROM handled"),
        "k2 other2");
}
END_TEST

/* The second copy has taken the partition over while the first one is at work on the same messages, which it can't know
 * of: it waits for the position, and must then see what was handled meanwhile. Versions and events alike. */
static const int64_t versions[] = {1, 0};

START_TEST(a_batch_that_waited_for_another_copy_sees_what_that_one_did)
{
    struct copy first = {0}, second = {0};
    pthread_t threads[2];

    database_run("INSERT INTO position (topic, partition, next_offset) VALUES ('" TOPIC "', 0, 0)");
    atomic_store(&holds, true);
    read_message(&first, "k", versions[_i], 0);
    read_message(&second, "k", versions[_i], 0);
    second.messages[0].offset = 1; /* as if it came twice: the offset tells nothing */
    ck_assert_int_eq(pthread_create(&threads[0], NULL, handle, &first), 0);
    while (!atomic_load(&handles))
        usleep(1000);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, handle, &second), 0);
    database_await("SELECT count(*) FROM pg_stat_activity"
                   " WHERE application_name = current_schema() AND wait_event_type = 'Lock'",
                   1);
    atomic_store(&holds, false);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);

    ck_assert_int_eq(first.err, ERR_NONE);
    ck_assert_int_eq(second.err, ERR_NONE);
    ck_assert_int_eq(database_int("SELECT count(*) FROM effect"), 1);
    ck_assert_int_eq(database_int("SELECT next_offset FROM position"), 2);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_partition_that_nobody_had_gets_a_position);
    tcase_add_test(tests, repeats_are_skipped_and_positions_move);
    ADD_TABLE_TEST(tests, a_batch_that_waited_for_another_copy_sees_what_that_one_did, versions);
}

RUN_SUITE(batch, add_tests)
