/* batch: what becomes of messages when two copies have the same partition, as seen without a broker. */
#include "batch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "bus.h"
#include "statements.h"
#include "suite.h"

#define TOPIC "waybill.test"
#define TYPE "waybill.test.pinged.v1"
#define MAKERS "waybill.test.makers"
#define MADE "waybill.test.made.v1"
#define COPIED "waybill.test.copied.v1"

struct Q_effect_add {
    const char *key;
    int64_t sequence;
};
OWN_QUERY(effect_add, QUERY_EXEC, "INSERT INTO effect (key, sequence) VALUES ($1::text, $2::bigint)",
          PARAM(effect_add, key, PARAM_TEXT), PARAM(effect_add, sequence, PARAM_INT));

struct Q_things_lock {
    struct texts keys;
};
OWN_QUERY(things_lock, QUERY_MANY, "SELECT id, pings FROM thing WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE",
          PARAM(things_lock, keys, PARAM_TEXTS));

struct Q_thing_set {
    const char *id;
    int64_t pings;
};
OWN_QUERY(thing_set, QUERY_EXEC, "UPDATE thing SET pings = $2::bigint WHERE id = $1::text",
          PARAM(thing_set, id, PARAM_TEXT), PARAM(thing_set, pings, PARAM_INT));

struct Q_thing_add {
    const char *id;
};
OWN_QUERY(thing_add, QUERY_EXEC, "INSERT INTO thing (id) VALUES ($1::text)", PARAM(thing_add, id, PARAM_TEXT));

static const struct query *const queries[] = {&Q_effect_add, &Q_things_lock, &Q_thing_set, &Q_thing_add, NULL};

struct thing {
    const char *id;
    int64_t pings;
};
static RECORD(thing, FIELD(thing, id), FIELD(thing, pings));
static const struct rows thing_rows = {&Q_things_lock, &Q_things_lock, &thing_record};

static struct service *service;
static struct arena *arena;
static atomic_bool holds, handles; /* whether the handler is to wait, and whether it was called */
static atomic_int taken, absent;   /* how often it found its thing without asking, and not even then */

static void hold(void)
{
    atomic_store(&handles, true);
    while (atomic_load(&holds))
        usleep(1000);
}

/* Counts in memory, as handlers do: from an old row it would count wrong. Only what is "late" is waited for. */
static enum err count_ping(struct uow *uow, const char *id)
{
    struct thing thing;
    bool found = rows_take(uow, &thing_rows, id, &thing);

    atomic_fetch_add(&taken, found);
    if (!found)
        TRY(rows_take_or_ask(uow, &thing_rows, id, &thing, &found));
    if (found) {
        SQL(uow, thing_set, .id = id, .pings = thing.pings + 1);
        return ERR_NONE;
    }
    if (strncmp(id, "late", 4) != 0)
        return ERR_NONE;
    if (atomic_fetch_add(&absent, 1) > 0) /* it is locked now */
        hold();
    return message_waits_for(uow, "thing", id);
}

static enum err on_pinged(struct uow *uow, const struct message *message, const void *event)
{
    const struct ping *ping = event;

    TRY(count_ping(uow, ping->note));
    SQL(uow, effect_add, .key = message->key, .sequence = message->sequence);
    hold();
    return ERR_NONE;
}

static void needs_made(struct needs *needs, const struct message *message, const void *event)
{
    const struct ping *made = event;

    (void)message;
    needs_release(needs, "thing", made->note);
}

static enum err on_made(struct uow *uow, const struct message *message, const void *event)
{
    const struct ping *made = event;

    (void)message;
    SQL(uow, thing_add, .id = made->note);
    return waiting_release(uow, "thing", made->note);
}

/* Keeps them with their place in what was handed over. */
static enum err on_copied(struct uow *uow, const void *const *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        SQL(uow, effect_add, .key = ((const struct ping *)events[i])->note, .sequence = (int64_t)i);
    return ERR_NONE;
}

static const struct event_type pinged = {.type = TYPE, .topic = TOPIC, .record = &bus_ping_record};
static const struct event_type made = {.type = MADE, .topic = MAKERS, .record = &bus_ping_record};
static const struct event_type copied = {.type = COPIED, .topic = TOPIC, .record = &bus_ping_record};
static const struct subscription subscriptions[] = {
    {&pinged, on_pinged, TAKES(thing_rows, ping, note)},
    {&made, on_made, LOCKS_BY(needs_made)},
    {&copied, NULL, LOCKS_NOTHING, .together = on_copied},
    {0},
};

static void open_all(void)
{
    database_open_common();
    database_run("CREATE TABLE effect (id bigserial PRIMARY KEY, key text, sequence bigint)");
    database_run("CREATE TABLE thing (id text PRIMARY KEY, pings bigint DEFAULT 0); INSERT INTO thing VALUES ('k')");
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
    struct message messages[5];
    size_t count;
    enum err err;
};

static void read_type(struct copy *copy, const char *type, const char *key, int64_t sequence, int64_t offset)
{
    struct message *message = &copy->messages[copy->count++];

    *message = bus_message(arena, TOPIC, type, key, sequence, key);
    message->offset = offset;
}

static void read_message(struct copy *copy, const char *key, int64_t sequence, int64_t offset)
{
    read_type(copy, TYPE, key, sequence, offset);
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

START_TEST(handlers_find_their_row_and_the_next_one_what_the_first_made_of_it)
{
    struct copy copy = {0};

    database_run("INSERT INTO thing VALUES ('other')");
    read_message(&copy, "k", 1, 0);
    read_message(&copy, "other", 1, 1);
    read_message(&copy, "k", 2, 2);
    read_message(&copy, "none", 1, 3);
    handle(&copy);
    ck_assert_int_eq(copy.err, ERR_NONE);
    ck_assert_str_eq(database_text("SELECT string_agg(id || pings, ' ' ORDER BY id) FROM thing"), "k2 other1");
    ck_assert_int_eq(atomic_load(&taken), 2);
}
END_TEST

START_TEST(a_row_that_the_batch_waited_for_is_the_new_one)
{
    struct copy copy = {0};
    pthread_t thread;

    database_run("INSERT INTO position (topic, partition, next_offset) VALUES ('" TOPIC "', 0, 0);"
                 "BEGIN; UPDATE thing SET pings = 10");
    read_message(&copy, "k", 1, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, handle, &copy), 0);
    database_await("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))",
                   1);
    database_run("COMMIT");
    pthread_join(thread, NULL);
    ck_assert_int_eq(copy.err, ERR_NONE);
    ck_assert_int_eq(database_int("SELECT pings FROM thing"), 11);
    ck_assert_int_eq(atomic_load(&taken), 1);
}
END_TEST

/* --- what waits --- */

static void read_made(struct copy *copy)
{
    copy->messages[copy->count++] = bus_message(arena, MAKERS, MADE, "late", 1, "late");
}

static void check_ping_was_applied(void)
{
    ck_assert_str_eq(effects(), "late1");
    ck_assert_int_eq(database_int("SELECT pings FROM thing WHERE id = 'late'"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM set_aside"), 0);
}

START_TEST(what_goes_to_wait_is_released_in_the_same_batch)
{
    struct copy copy = {0};

    read_message(&copy, "late", 1, 0);
    read_made(&copy);
    handle(&copy);
    ck_assert_int_eq(copy.err, ERR_NONE);
    check_ping_was_applied();
}
END_TEST

START_TEST(what_waited_before_is_released)
{
    struct copy first = {0}, second = {0};

    read_message(&first, "late", 1, 0);
    handle(&first);
    ck_assert_int_eq(database_int("SELECT count(*) FROM set_aside"), 1);
    read_made(&second);
    handle(&second);
    check_ping_was_applied();
}
END_TEST

/* Whoever makes the thing asks what waits at the very beginning of its batch: not before the other one is done. */
START_TEST(what_goes_to_wait_at_the_same_time_is_released)
{
    struct copy first = {0}, second = {0};
    pthread_t threads[2];

    database_run("INSERT INTO position (topic, partition, next_offset) VALUES ('" TOPIC "', 0, 0), ('" MAKERS
                 "', 0, 0)");
    atomic_store(&holds, true);
    read_message(&first, "late", 1, 0);
    read_made(&second);
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
    check_ping_was_applied();
}
END_TEST

START_TEST(who_copies_gets_the_events_of_a_batch_together_behind_the_others)
{
    struct copy copy = {0};

    read_type(&copy, COPIED, "a", 1, 0);
    read_message(&copy, "k", 1, 1);
    read_type(&copy, COPIED, "b", 1, 2);
    read_type(&copy, COPIED, "a", 1, 3);
    read_type(&copy, COPIED, "a", 2, 4);
    handle(&copy);
    ck_assert_int_eq(copy.err, ERR_NONE);
    ck_assert_str_eq(effects(), "k1 a0 b1 a2");
    ck_assert_int_eq(database_int("SELECT next_offset FROM position"), 5);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_partition_that_nobody_had_gets_a_position);
    tcase_add_test(tests, repeats_are_skipped_and_positions_move);
    tcase_add_test(tests, handlers_find_their_row_and_the_next_one_what_the_first_made_of_it);
    tcase_add_test(tests, a_row_that_the_batch_waited_for_is_the_new_one);
    tcase_add_test(tests, what_goes_to_wait_is_released_in_the_same_batch);
    tcase_add_test(tests, what_waited_before_is_released);
    tcase_add_test(tests, what_goes_to_wait_at_the_same_time_is_released);
    tcase_add_test(tests, who_copies_gets_the_events_of_a_batch_together_behind_the_others);
    ADD_TABLE_TEST(tests, a_batch_that_waited_for_another_copy_sees_what_that_one_did, versions);
}

RUN_SUITE(batch, add_tests)
