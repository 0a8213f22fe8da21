/* consumer: each message once and in its key's order, whatever goes wrong around it. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus.h"
#include "clock.h"
#include "id.h"
#include "suite.h"

#define TYPE "waybill.test.pinged.v1"
#define UNHEARD "waybill.test.unheard.v1"

/* --- a service that notes what it hears --- */

struct Q_effect_add {
    const char *key;
    int64_t sequence;
    const char *event_id;
};
static const struct param effect_add_params[] = {
    {"key",      PARAM_TEXT, offsetof(struct Q_effect_add, key)     },
    {"sequence", PARAM_INT,  offsetof(struct Q_effect_add, sequence)},
    {"event_id", PARAM_TEXT, offsetof(struct Q_effect_add, event_id)},
};
static const struct query Q_effect_add = {
    "effect_add", "INSERT INTO effect (key, sequence, event_id) VALUES ($1::text, $2::bigint, $3::text)", QUERY_EXEC,
    effect_add_params, 3};

struct Q_thing_find {
    const char *id;
};
static const struct param thing_params[] = {
    {"id", PARAM_TEXT, 0}
};
static const struct query Q_thing_find = {"thing_find", "SELECT id FROM thing WHERE id = $1::text", QUERY_ONE,
                                          thing_params, 1};
static const struct query Q_thing_add = {"thing_add", "INSERT INTO thing (id) VALUES ($1::text)", QUERY_EXEC,
                                         thing_params, 1};

struct Q_thing_lock {
    struct texts keys;
};
static const struct param lock_params[] = {
    {"keys", PARAM_TEXTS, 0}
};
static const struct query Q_thing_lock = {"thing_lock",
                                          "SELECT id FROM thing WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE",
                                          QUERY_MANY, lock_params, 1};

static const struct query *const queries[] = {&Q_effect_add, &Q_thing_find, &Q_thing_add, &Q_thing_lock, NULL};

struct thing {
    const char *id;
};
static RECORD(thing, FIELD(thing, id));

static struct event_type pinged = {.type = TYPE, .record = &bus_ping_record};
static struct service *service;
static struct arena *arena;
static const char *topic;
static atomic_int busy_left;    /* how often the handler says that the database is too busy */
static atomic_bool is_repaired; /* whether "poison" is understood now */

/* Keys tell what happens: "poison..." is not understood at version 2, "late..." waits for a thing of the same name. */
static enum err on_pinged(struct uow *uow, const struct message *message, const void *event)
{
    const struct ping *ping = event;

    if (strncmp(ping->note, "poison", 6) == 0 && ping->number == 2 && !atomic_load(&is_repaired))
        return FAIL(uow->ctx, CONFLICT, "cannot make sense of it");
    if (strncmp(ping->note, "broken", 6) == 0 && ping->number == 2 && !atomic_load(&is_repaired)) {
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
    if (atomic_load(&busy_left) > 0 && atomic_fetch_sub(&busy_left, 1) > 0)
        return FAIL(uow->ctx, BUSY, "too busy");
    SQL(uow, effect_add, .key = message->key, .sequence = message->sequence, .event_id = message->id);
    return ERR_NONE;
}

static struct subscription subscriptions[] = {
    {&pinged,        on_pinged, &Q_thing_lock, offsetof(struct ping, note), NULL},
    {0},
};

static void open_all(void)
{
    database_open_common();
    database_run("CREATE TABLE effect (id bigserial PRIMARY KEY, key text, sequence bigint, event_id text)");
    database_run("CREATE TABLE thing (id text PRIMARY KEY)");
    service = bus_service(bus_topic("consumer"), queries);
    service->subscriptions = subscriptions;
    arena = arena_new(64 << 20);
    topic = bus_topic("heard");
    pinged.topic = topic;
    bus_make_topic(service->kafka, topic, 3);
}

static void close_all(void)
{
    consumer_stop(service->consumer);
    bus_service_free(service);
    arena_free(arena);
    database_close();
}

static void listen(void)
{
    service->consumer = consumer_start(service, subscriptions);
    ck_assert_ptr_nonnull(service->consumer);
}

static void stop_listening(void)
{
    consumer_stop(service->consumer);
    service->consumer = NULL;
}

static struct message ping(const char *key, int64_t sequence)
{
    return bus_message(arena, topic, TYPE, key, sequence, NULL);
}

static void tell(const char *key, int64_t sequence)
{
    struct message message = ping(key, sequence);

    bus_publish(service->kafka, &message, 1);
}

static void await_effects(int64_t count)
{
    database_await("SELECT count(*) FROM effect", count);
}

/* "k:1,2,3": what was applied of a key, in order. */
static const char *effects_of(const char *key)
{
    return database_text(arena_printf(
        arena, "SELECT coalesce(string_agg(sequence::text, ',' ORDER BY id), '') FROM effect WHERE key = '%s'", key));
}

/* --- once, in order --- */

START_TEST(a_message_that_comes_twice_is_applied_once)
{
    struct message first = ping("k", 1), second = ping("k", 2);
    struct message all[] = {first, first, second, first, second, second};

    listen();
    bus_publish(service->kafka, all, 6);
    bus_publish(service->kafka, all, 6);
    tell("end", 1);
    database_await("SELECT count(*) FROM effect WHERE key = 'end'", 1);
    database_await("SELECT sum(next_offset)::bigint FROM position", 13);

    ck_assert_str_eq(effects_of("k"), "1,2");
}
END_TEST

START_TEST(types_that_nobody_listens_to_move_the_version)
{
    struct message unheard = bus_message(arena, topic, UNHEARD, "k", 2, NULL);

    listen();
    tell("k", 1);
    bus_publish(service->kafka, &unheard, 1);
    tell("k", 3);
    await_effects(2);

    ck_assert_str_eq(effects_of("k"), "1,3");
    ck_assert_int_eq(database_int("SELECT sequence FROM handled WHERE key = 'k'"), 3);
}
END_TEST

START_TEST(events_without_versions_are_known_by_their_id)
{
    struct message one = bus_message(arena, topic, TYPE, "k", 0, NULL);
    struct message other = bus_message(arena, topic, TYPE, "k", 0, NULL);
    struct message all[] = {one, one, other};

    listen();
    bus_publish(service->kafka, all, 3);
    bus_publish(service->kafka, all, 3);
    database_await("SELECT sum(next_offset)::bigint FROM position", 6);

    ck_assert_str_eq(effects_of("k"), "0,0");
    ck_assert_int_eq(database_int("SELECT count(*) FROM inbox"), 2);
}
END_TEST

START_TEST(a_restarted_consumer_goes_on_where_the_database_says)
{
    listen();
    for (int i = 1; i <= 20; i++)
        tell("k", i);
    await_effects(20);
    stop_listening();
    for (int i = 21; i <= 40; i++)
        tell("k", i);
    listen();
    await_effects(40);

    ck_assert_int_eq(database_int("SELECT count(DISTINCT sequence) FROM effect"), 40);
}
END_TEST

/* A topic that lost its content: the position is far behind its end, and what comes is new all the same. */
START_TEST(a_topic_that_began_anew_is_read_from_its_beginning)
{
    database_run(arena_printf(arena,
                              "INSERT INTO position (topic, partition, next_offset)"
                              " SELECT '%s', n, 1000 FROM generate_series(0, 2) AS n",
                              topic));
    for (int i = 1; i <= 5; i++)
        tell("k", i);
    listen();
    await_effects(5);
    tell("k", 6);
    await_effects(6);

    ck_assert_str_eq(effects_of("k"), "1,2,3,4,5,6");
}
END_TEST

/* --- holes --- */

START_TEST(a_hole_stops_its_key_only_and_heals)
{
    listen();
    tell("k", 1);
    tell("k", 3);
    tell("k", 4);
    tell("other", 1);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'parked'", 2);
    database_await("SELECT count(*) FROM effect WHERE key = 'other'", 1);
    ck_assert_str_eq(effects_of("k"), "1");

    tell("k", 2);
    await_effects(5);
    database_await("SELECT count(*) FROM set_aside", 0);
    tell("k", 5);
    await_effects(6);

    ck_assert_str_eq(effects_of("k"), "1,2,3,4,5");
}
END_TEST

START_TEST(a_hole_and_its_filling_in_one_batch)
{
    struct message all[] = {ping("k", 1), ping("k", 4), ping("k", 2), ping("k", 3), ping("k", 5)};

    bus_publish(service->kafka, all, 5);
    listen();
    await_effects(5);

    ck_assert_str_eq(effects_of("k"), "1,2,3,4,5");
    database_await("SELECT count(*) FROM set_aside", 0);
}
END_TEST

/* --- parked --- */

static const char *const poisons[] = {"poison", "broken"};

START_TEST(what_cannot_be_processed_stops_its_key_only_and_drains_in_order)
{
    const char *key = poisons[_i];
    int64_t done = 0;

    for (int i = 1; i <= 4; i++) {
        tell(key, i);
        tell("healthy", i);
    }
    listen();
    await_effects(5);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'parked'", 3);
    ck_assert_str_eq(effects_of("healthy"), "1,2,3,4");
    ck_assert_str_eq(effects_of(key), "1");

    ck_assert_int_eq(parked_retry(service, &done), ERR_NONE);
    ck_assert_int_eq(done, 0);
    ck_assert_int_eq(database_int("SELECT attempts FROM set_aside WHERE sequence = 2"), 1);
    atomic_store(&is_repaired, true);
    ck_assert_int_eq(parked_retry(service, &done), ERR_NONE);

    ck_assert_int_eq(done, 3);
    ck_assert_str_eq(effects_of(key), "1,2,3,4");
    ck_assert_int_eq(database_int("SELECT count(*) FROM set_aside"), 0);
    tell(key, 5);
    await_effects(9);
}
END_TEST

START_TEST(a_start_tries_parked_messages_again)
{
    listen();
    for (int i = 1; i <= 3; i++)
        tell("poison", i);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'parked'", 2);
    stop_listening();
    atomic_store(&is_repaired, true);
    listen();
    await_effects(3);

    ck_assert_str_eq(effects_of("poison"), "1,2,3");
}
END_TEST

START_TEST(what_is_parked_says_why)
{
    listen();
    for (int i = 1; i <= 3; i++)
        tell("poison", i);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'parked'", 2);

    ck_assert_str_eq(database_text("SELECT reason FROM set_aside WHERE sequence = 2"), "cannot make sense of it");
    ck_assert_str_eq(database_text("SELECT reason FROM set_aside WHERE sequence = 3"),
                     "behind: an earlier one of its key is parked");
}
END_TEST

START_TEST(parked_messages_are_tried_again_when_the_loop_is_asked_to)
{
    listen();
    for (int i = 1; i <= 3; i++)
        tell("poison", i);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'parked'", 2);
    atomic_store(&is_repaired, true);
    consumer_retry_parked(service->consumer);
    await_effects(3);

    ck_assert_str_eq(effects_of("poison"), "1,2,3");
}
END_TEST

/* A body that no table can hold, and one that isn't what was promised. */
START_TEST(garbage_is_parked_and_the_rest_of_its_batch_is_applied)
{
    static const char bytes[] = {'x', '\0', (char)0xff, '{'};
    struct message all[] = {ping("a", 1), ping("garbage", 1), ping("b", 1), ping("nonsense", 1), ping("c", 1)};
    all[1].body = bytes;
    all[1].size = sizeof(bytes);
    all[3].body = "{\"number\":\"seven\"}";
    all[3].size = strlen(all[3].body);

    bus_publish(service->kafka, all, 5);
    listen();
    await_effects(3);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'parked'", 2);

    ck_assert_str_eq(database_text("SELECT reason FROM set_aside WHERE key = 'nonsense'"), "number must be an integer");
    tell("d", 1);
    await_effects(4);
}
END_TEST

START_TEST(in_a_batch_with_a_message_at_fault_the_others_are_applied)
{
    enum { ALL = 60 };
    static struct message messages[ALL];
    for (int i = 0; i < ALL; i++)
        messages[i] = ping(arena_printf(arena, "k%d", i % 10), i / 10 + 1);
    messages[31] = ping("poison", 1);
    messages[32] = ping("poison", 2);

    bus_publish(service->kafka, messages, ALL);
    listen();
    database_await("SELECT count(*) FROM set_aside WHERE reason = 'cannot make sense of it'", 1);
    database_await("SELECT sum(next_offset)::bigint FROM position", ALL);
    database_await("SELECT sum(sequence)::bigint FROM handled", 8 * 6 + 3 + 3 + 1);

    ck_assert_int_eq(database_int("SELECT count(*) FROM effect"), 8 * 6 + 3 + 3 + 1);
}
END_TEST

/* --- waiting --- */

static enum err try_make_thing(struct ctx *ctx, const char *id)
{
    UNIT_OF_WORK(ctx, uow);
    query_send(uow, &Q_thing_add, &(const struct Q_thing_find){.id = id});
    TRY(waiting_release(uow, "thing", id));
    return uow_commit(uow);
}

static enum err make_thing(const char *id)
{
    struct ctx *ctx = ctx_new(service);
    enum err err = try_make_thing(ctx, id);

    ctx_release(ctx);
    return err;
}

START_TEST(a_message_waits_for_its_aggregate_and_is_applied_with_its_creation)
{
    listen();
    tell("late-1", 1);
    tell("late-1", 2);
    tell("late-2", 1);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'waiting'", 3);
    ck_assert_int_eq(database_int("SELECT count(*) FROM effect"), 0);
    ck_assert_int_eq(database_int("SELECT sequence FROM handled WHERE key = 'late-1'"), 2);

    ck_assert_int_eq(make_thing("late-1"), ERR_NONE);
    ck_assert_str_eq(effects_of("late-1"), "1,2");
    ck_assert_int_eq(database_int("SELECT count(*) FROM set_aside"), 1);

    tell("late-1", 3);
    await_effects(3);
}
END_TEST

START_TEST(a_waiting_message_that_cannot_be_applied_is_parked_and_the_thing_is_made)
{
    struct message poison = bus_message(arena, topic, TYPE, "late", 1, NULL);
    poison.body = "{\"note\":\"late-x\",\"number\":1}";
    poison.size = strlen(poison.body);
    struct message good = ping("late-x", 1);
    int64_t done = 0;

    listen();
    bus_publish(service->kafka, &poison, 1);
    database_await("SELECT count(*) FROM set_aside", 1);
    bus_publish(service->kafka, &good, 1);
    database_await("SELECT count(*) FROM set_aside", 2);
    database_run("ALTER TABLE effect ADD CONSTRAINT effect_key CHECK (key <> 'late')");
    ck_assert_int_eq(make_thing("late-x"), ERR_NONE);

    ck_assert_int_eq(database_int("SELECT count(*) FROM thing"), 1);
    ck_assert_str_eq(effects_of("late-x"), "1");
    ck_assert_int_eq(database_int("SELECT count(*) FROM set_aside WHERE state = 'parked' AND key = 'late'"), 1);

    database_run("ALTER TABLE effect DROP CONSTRAINT effect_key");
    ck_assert_int_eq(parked_retry(service, &done), ERR_NONE);
    ck_assert_int_eq(done, 1);
    ck_assert_str_eq(effects_of("late"), "1");
}
END_TEST

/* Neither side may miss the other, whoever comes first. */
START_TEST(no_message_waits_for_what_was_made_at_the_same_time)
{
    enum { TIMES = 60 };

    listen();
    tell("warm", 1);
    await_effects(1);
    for (int i = 0; i < TIMES; i++) {
        const char *id = arena_printf(arena, "late-%d", i);
        tell(id, 1);
        usleep((useconds_t)(i * 37 % 3000));
        ck_assert_int_eq(make_thing(id), ERR_NONE);
    }
    await_effects(TIMES + 1);

    ck_assert_int_eq(database_int("SELECT count(*) FROM set_aside"), 0);
}
END_TEST

START_TEST(a_message_that_waits_for_long_becomes_one_work_item)
{
    struct ctx *ctx = ctx_new(service);
    bool more;

    listen();
    tell("late-1", 1);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'waiting'", 1);
    database_run("UPDATE set_aside SET created_at = now() - interval '11 minutes'");
    for (int i = 0; i < 2; i++) {
        struct uow uow = {0};
        ck_assert_int_eq(uow_open(ctx, UOW_WRITE, &uow), ERR_NONE);
        ck_assert_int_eq(waiting_report(&uow, &more), ERR_NONE);
        uow_close(&uow);
        database_run("UPDATE work_item SET closed_at = now()");
    }

    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item WHERE subject = 'thing:late-1'"), 1);
    ctx_release(ctx);
}
END_TEST

/* --- what is nobody's fault --- */

START_TEST(a_retryable_failure_parks_nothing)
{
    atomic_store(&busy_left, 7);
    for (int i = 1; i <= 30; i++)
        tell("k", i);
    listen();
    await_effects(30);

    ck_assert_int_eq(database_int("SELECT count(*) FROM set_aside"), 0);
    ck_assert_int_eq(database_int("SELECT count(DISTINCT sequence) FROM effect"), 30);
}
END_TEST

/* Longer than the loop tries on the same messages: they are read again, and none is left out. */
START_TEST(after_a_long_failure_every_message_is_still_there)
{
    enum { ALL = 300 };
    static struct message messages[ALL];
    for (int i = 0; i < ALL; i++)
        messages[i] = bus_message(arena, topic, TYPE, arena_printf(arena, "k%d", i % 7), 0, NULL);

    listen();
    atomic_store(&busy_left, 1000000);
    bus_publish(service->kafka, messages, ALL);
    sleep(8);
    ck_assert(!consumer_is_ready(service->consumer));
    atomic_store(&busy_left, 0);
    await_effects(ALL);

    ck_assert(consumer_is_ready(service->consumer));
    ck_assert_int_eq(database_int("SELECT count(DISTINCT event_id) FROM effect"), ALL);
}
END_TEST

START_TEST(lost_connections_lose_and_double_nothing)
{
    enum { ALL = 1000 };
    static struct message messages[ALL];
    for (int i = 0; i < ALL; i++)
        messages[i] = ping(arena_printf(arena, "k%d", i % 10), i / 10 + 1);

    listen();
    for (int i = 0; i < ALL; i += 50) {
        bus_publish(service->kafka, messages + i, 50);
        database_run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                     " WHERE application_name = current_schema() AND pid <> pg_backend_pid()");
    }
    await_effects(ALL);

    ck_assert_int_eq(database_int("SELECT count(DISTINCT (key, sequence)) FROM effect"), ALL);
    ck_assert_int_eq(database_int("SELECT count(*) FROM set_aside"), 0);
}
END_TEST

/* --- several copies --- */

enum { SHARED = 3000, SHARED_KEYS = 30 };

/* Publishes, while copies of the consumer come and go. */
static void run_with_changing_copies(void)
{
    static struct message messages[SHARED];
    struct service *second = bus_service(service->name, queries);
    second->subscriptions = subscriptions;
    for (int i = 0; i < SHARED; i++)
        messages[i] = ping(arena_printf(arena, "k%d", i % SHARED_KEYS), i / SHARED_KEYS + 1);

    listen();
    for (int i = 0; i < SHARED; i += 100) {
        bus_publish(service->kafka, messages + i, 100);
        if (i % 1000 == 300)
            second->consumer = consumer_start(second, subscriptions);
        if (i % 1000 == 800) {
            consumer_stop(second->consumer);
            second->consumer = NULL;
        }
        usleep(100 * 1000);
    }
    database_await("SELECT sum(next_offset)::bigint FROM position", SHARED);
    bus_service_free(second);
}

START_TEST(copies_that_come_and_go_lose_and_double_nothing)
{
    setenv("WAYBILL_TEST_DELIVER_TWICE", "1", 1);
    setenv("WAYBILL_TEST_SHUFFLE", "4711", 1);
    run_with_changing_copies();

    ck_assert_int_eq(database_int("SELECT count(*) FROM effect"), SHARED);
    ck_assert_int_eq(database_int("SELECT count(*) FROM (SELECT sequence - lag(sequence, 1, 0::bigint) OVER"
                                  " (PARTITION BY key ORDER BY id) AS step FROM effect) AS steps WHERE step <> 1"),
                     0);
}
END_TEST

#ifdef WAYBILL_TEST_SWITCHES
/* The same without the checks must show doubles; else the test above proves nothing. */
START_TEST(without_the_checks_doubles_would_be_seen)
{
    setenv("WAYBILL_TEST_DELIVER_TWICE", "1", 1);
    setenv("WAYBILL_TEST_NO_DEDUPE", "1", 1);
    run_with_changing_copies();

    ck_assert_int_gt(database_int("SELECT count(*) FROM effect"), SHARED);
}
END_TEST
#endif

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_message_that_comes_twice_is_applied_once);
    tcase_add_test(tests, types_that_nobody_listens_to_move_the_version);
    tcase_add_test(tests, events_without_versions_are_known_by_their_id);
    tcase_add_test(tests, a_restarted_consumer_goes_on_where_the_database_says);
    tcase_add_test(tests, a_topic_that_began_anew_is_read_from_its_beginning);
    tcase_add_test(tests, a_hole_stops_its_key_only_and_heals);
    tcase_add_test(tests, a_hole_and_its_filling_in_one_batch);
    ADD_TABLE_TEST(tests, what_cannot_be_processed_stops_its_key_only_and_drains_in_order, poisons);
    tcase_add_test(tests, a_start_tries_parked_messages_again);
    tcase_add_test(tests, what_is_parked_says_why);
    tcase_add_test(tests, parked_messages_are_tried_again_when_the_loop_is_asked_to);
    tcase_add_test(tests, garbage_is_parked_and_the_rest_of_its_batch_is_applied);
    tcase_add_test(tests, in_a_batch_with_a_message_at_fault_the_others_are_applied);
    tcase_add_test(tests, a_message_waits_for_its_aggregate_and_is_applied_with_its_creation);
    tcase_add_test(tests, a_waiting_message_that_cannot_be_applied_is_parked_and_the_thing_is_made);
    tcase_add_test(tests, no_message_waits_for_what_was_made_at_the_same_time);
    tcase_add_test(tests, a_message_that_waits_for_long_becomes_one_work_item);
    tcase_add_test(tests, a_retryable_failure_parks_nothing);
    tcase_add_test(tests, after_a_long_failure_every_message_is_still_there);
    tcase_add_test(tests, lost_connections_lose_and_double_nothing);
    tcase_add_test(tests, copies_that_come_and_go_lose_and_double_nothing);
#ifdef WAYBILL_TEST_SWITCHES
    tcase_add_test(tests, without_the_checks_doubles_would_be_seen);
#endif
}

RUN_SUITE(consumer, add_tests)
