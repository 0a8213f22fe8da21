/* consumer: each message once and in its key's order, whatever goes wrong around it. */
#include <stdlib.h>
#include <unistd.h>

#include "listener.h"
#include "suite.h"

/* --- once, in order --- */

START_TEST(a_message_that_comes_twice_is_applied_once)
{
    struct message first = listener_ping("k", 1), second = listener_ping("k", 2);
    struct message all[] = {first, first, second, first, second, second};

    listener_start(listener.service);
    bus_publish(listener.service->kafka, all, 6);
    bus_publish(listener.service->kafka, all, 6);
    listener_tell("end", 1);
    database_await("SELECT count(*) FROM effect WHERE key = 'end'", 1);
    database_await("SELECT sum(next_offset)::bigint FROM position", 13);

    ck_assert_str_eq(listener_effects("k"), "1,2");
}
END_TEST

START_TEST(types_that_nobody_listens_to_move_the_version)
{
    struct message unheard = bus_message(listener.arena, listener.topic, LISTENER_UNHEARD, "k", 2, NULL);

    listener_start(listener.service);
    listener_tell("k", 1);
    bus_publish(listener.service->kafka, &unheard, 1);
    listener_tell("k", 3);
    listener_await(2);

    ck_assert_str_eq(listener_effects("k"), "1,3");
    ck_assert_int_eq(database_int("SELECT sequence FROM handled WHERE aggregate LIKE '%/k'"), 3);
}
END_TEST

START_TEST(events_without_versions_are_known_by_their_id)
{
    struct message one = bus_message(listener.arena, listener.topic, LISTENER_TYPE, "k", 0, NULL);
    struct message other = bus_message(listener.arena, listener.topic, LISTENER_TYPE, "k", 0, NULL);
    struct message all[] = {one, one, other};

    listener_start(listener.service);
    bus_publish(listener.service->kafka, all, 3);
    bus_publish(listener.service->kafka, all, 3);
    database_await("SELECT sum(next_offset)::bigint FROM position", 6);

    ck_assert_str_eq(listener_effects("k"), "0,0");
    ck_assert_int_eq(database_int("SELECT count(*) FROM inbox"), 2);
}
END_TEST

START_TEST(a_restarted_consumer_goes_on_where_the_database_says)
{
    listener_start(listener.service);
    for (int i = 1; i <= 20; i++)
        listener_tell("k", i);
    listener_await(20);
    listener_stop(listener.service);
    for (int i = 21; i <= 40; i++)
        listener_tell("k", i);
    listener_start(listener.service);
    listener_await(40);

    ck_assert_int_eq(database_int("SELECT count(DISTINCT sequence) FROM effect"), 40);
}
END_TEST

/* A topic that lost its content: the position is far behind its end, and what comes is new all the same. */
START_TEST(a_topic_that_began_anew_is_read_from_its_beginning)
{
    database_run(arena_printf(listener.arena,
                              "INSERT INTO position (topic, partition, next_offset)"
                              " SELECT '%s', n, 1000 FROM generate_series(0, 2) AS n",
                              listener.topic));
    for (int i = 1; i <= 5; i++)
        listener_tell("k", i);
    listener_start(listener.service);
    listener_await(5);
    listener_tell("k", 6);
    listener_await(6);

    ck_assert_str_eq(listener_effects("k"), "1,2,3,4,5,6");
}
END_TEST

START_TEST(a_position_that_is_gone_is_made_again)
{
    listener_start(listener.service);
    listener_tell("k", 1);
    listener_await(1);
    database_run("DELETE FROM position");
    listener_tell("k", 2);
    listener_await(2);

    ck_assert_str_eq(listener_effects("k"), "1,2");
    database_await("SELECT sum(next_offset)::bigint FROM position", 2);
}
END_TEST

/* --- what is nobody's fault --- */

START_TEST(a_retryable_failure_parks_nothing)
{
    atomic_store(&listener.busy_left, 7);
    for (int i = 1; i <= 30; i++)
        listener_tell("k", i);
    listener_start(listener.service);
    listener_await(30);

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
        messages[i] = bus_message(listener.arena, listener.topic, LISTENER_TYPE,
                                  arena_printf(listener.arena, "k%d", i % 7), 0, NULL);

    listener_start(listener.service);
    atomic_store(&listener.busy_left, 1000000);
    bus_publish(listener.service->kafka, messages, ALL);
    sleep(8);
    ck_assert(!consumer_is_ready(listener.service->consumer));
    atomic_store(&listener.busy_left, 0);
    listener_await(ALL);

    ck_assert(consumer_is_ready(listener.service->consumer));
    ck_assert_int_eq(database_int("SELECT count(DISTINCT event_id) FROM effect"), ALL);
}
END_TEST

START_TEST(lost_connections_lose_and_double_nothing)
{
    enum { ALL = 1000 };
    static struct message messages[ALL];
    for (int i = 0; i < ALL; i++)
        messages[i] = listener_ping(arena_printf(listener.arena, "k%d", i % 10), i / 10 + 1);

    listener_start(listener.service);
    for (int i = 0; i < ALL; i += 50) {
        bus_publish(listener.service->kafka, messages + i, 50);
        database_run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                     " WHERE application_name = current_schema() AND pid <> pg_backend_pid()");
    }
    listener_await(ALL);

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
    struct service *second = listener_copy();
    for (int i = 0; i < SHARED; i++)
        messages[i] = listener_ping(arena_printf(listener.arena, "k%d", i % SHARED_KEYS), i / SHARED_KEYS + 1);

    listener_start(listener.service);
    for (int i = 0; i < SHARED; i += 100) {
        bus_publish(listener.service->kafka, messages + i, 100);
        if (i % 1000 == 300)
            listener_start(second);
        if (i % 1000 == 800)
            listener_stop(second);
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
    tcase_add_checked_fixture(tests, listener_open, listener_close);
    tcase_add_test(tests, a_message_that_comes_twice_is_applied_once);
    tcase_add_test(tests, types_that_nobody_listens_to_move_the_version);
    tcase_add_test(tests, events_without_versions_are_known_by_their_id);
    tcase_add_test(tests, a_restarted_consumer_goes_on_where_the_database_says);
    tcase_add_test(tests, a_topic_that_began_anew_is_read_from_its_beginning);
    tcase_add_test(tests, a_position_that_is_gone_is_made_again);
    tcase_add_test(tests, a_retryable_failure_parks_nothing);
    tcase_add_test(tests, after_a_long_failure_every_message_is_still_there);
    tcase_add_test(tests, lost_connections_lose_and_double_nothing);
    tcase_add_test(tests, copies_that_come_and_go_lose_and_double_nothing);
#ifdef WAYBILL_TEST_SWITCHES
    tcase_add_test(tests, without_the_checks_doubles_would_be_seen);
#endif
}

RUN_SUITE(consumer, add_tests)
