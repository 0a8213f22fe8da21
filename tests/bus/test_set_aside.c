/* set_aside: what waits for an aggregate, what is parked behind a hole or a fault, and how both go on. */
#include <string.h>
#include <unistd.h>

#include "listener.h"
#include "suite.h"

/* --- holes --- */

START_TEST(a_hole_stops_its_key_only_and_heals)
{
    listener_start(listener.service);
    listener_tell("k", 1);
    listener_tell("k", 3);
    listener_tell("k", 4);
    listener_tell("other", 1);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'parked'", 2);
    database_await("SELECT count(*) FROM effect WHERE key = 'other'", 1);
    ck_assert_str_eq(listener_effects("k"), "1");

    listener_tell("k", 2);
    listener_await(5);
    database_await("SELECT count(*) FROM set_aside", 0);
    listener_tell("k", 5);
    listener_await(6);

    ck_assert_str_eq(listener_effects("k"), "1,2,3,4,5");
}
END_TEST

START_TEST(a_hole_and_its_filling_in_one_batch)
{
    struct message all[] = {listener_ping("k", 1), listener_ping("k", 4), listener_ping("k", 2), listener_ping("k", 3),
                            listener_ping("k", 5)};

    bus_publish(listener.service->kafka, all, 5);
    listener_start(listener.service);
    listener_await(5);

    ck_assert_str_eq(listener_effects("k"), "1,2,3,4,5");
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
        listener_tell(key, i);
        listener_tell("healthy", i);
    }
    listener_start(listener.service);
    listener_await(5);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'parked'", 3);
    ck_assert_str_eq(listener_effects("healthy"), "1,2,3,4");
    ck_assert_str_eq(listener_effects(key), "1");

    ck_assert_int_eq(parked_retry(listener.service, &done), ERR_NONE);
    ck_assert_int_eq(done, 0);
    ck_assert_int_eq(database_int("SELECT attempts FROM set_aside WHERE sequence = 2"), 1);
    atomic_store(&listener.is_repaired, true);
    ck_assert_int_eq(parked_retry(listener.service, &done), ERR_NONE);

    ck_assert_int_eq(done, 3);
    ck_assert_str_eq(listener_effects(key), "1,2,3,4");
    ck_assert_int_eq(database_int("SELECT count(*) FROM set_aside"), 0);
    listener_tell(key, 5);
    listener_await(9);
}
END_TEST

START_TEST(a_start_tries_parked_messages_again)
{
    listener_start(listener.service);
    for (int i = 1; i <= 3; i++)
        listener_tell("poison", i);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'parked'", 2);
    listener_stop(listener.service);
    atomic_store(&listener.is_repaired, true);
    listener_start(listener.service);
    listener_await(3);

    ck_assert_str_eq(listener_effects("poison"), "1,2,3");
}
END_TEST

START_TEST(what_is_parked_says_why)
{
    listener_start(listener.service);
    for (int i = 1; i <= 3; i++)
        listener_tell("poison", i);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'parked'", 2);

    ck_assert_str_eq(database_text("SELECT reason FROM set_aside WHERE sequence = 2"), "cannot make sense of it");
    ck_assert_str_eq(database_text("SELECT reason FROM set_aside WHERE sequence = 3"),
                     "behind: an earlier one of its key is parked");
}
END_TEST

START_TEST(parked_messages_are_tried_again_when_the_loop_is_asked_to)
{
    listener_start(listener.service);
    for (int i = 1; i <= 3; i++)
        listener_tell("poison", i);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'parked'", 2);
    atomic_store(&listener.is_repaired, true);
    consumer_retry_parked(listener.service->consumer);
    listener_await(3);

    ck_assert_str_eq(listener_effects("poison"), "1,2,3");
}
END_TEST

/* A body that no table can hold, and one that isn't what was promised. */
START_TEST(garbage_is_parked_and_the_rest_of_its_batch_is_applied)
{
    static const char bytes[] = {'x', '\0', (char)0xff, '{'};
    struct message all[] = {listener_ping("a", 1), listener_ping("garbage", 1), listener_ping("b", 1),
                            listener_ping("nonsense", 1), listener_ping("c", 1)};
    all[1].body = bytes;
    all[1].size = sizeof(bytes);
    all[3].body = "{\"number\":\"seven\"}";
    all[3].size = strlen(all[3].body);

    bus_publish(listener.service->kafka, all, 5);
    listener_start(listener.service);
    listener_await(3);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'parked'", 2);

    ck_assert_str_eq(database_text("SELECT reason FROM set_aside WHERE key = 'nonsense'"), "number must be an integer");
    listener_tell("d", 1);
    listener_await(4);
}
END_TEST

START_TEST(in_a_batch_with_a_message_at_fault_the_others_are_applied)
{
    enum { ALL = 60 };
    static struct message messages[ALL];
    for (int i = 0; i < ALL; i++)
        messages[i] = listener_ping(arena_printf(listener.arena, "k%d", i % 10), i / 10 + 1);
    messages[31] = listener_ping("poison", 1);
    messages[32] = listener_ping("poison", 2);

    bus_publish(listener.service->kafka, messages, ALL);
    listener_start(listener.service);
    database_await("SELECT count(*) FROM set_aside WHERE reason = 'cannot make sense of it'", 1);
    database_await("SELECT sum(next_offset)::bigint FROM position", ALL);
    database_await("SELECT sum(sequence)::bigint FROM handled", 8 * 6 + 3 + 3 + 1);

    ck_assert_int_eq(database_int("SELECT count(*) FROM effect"), 8 * 6 + 3 + 3 + 1);
}
END_TEST

/* --- waiting --- */

START_TEST(a_message_waits_for_its_aggregate_and_is_applied_with_its_creation)
{
    listener_start(listener.service);
    listener_tell("late-1", 1);
    listener_tell("late-1", 2);
    listener_tell("late-2", 1);
    database_await("SELECT count(*) FROM set_aside WHERE state = 'waiting'", 3);
    ck_assert_int_eq(database_int("SELECT count(*) FROM effect"), 0);
    ck_assert_int_eq(database_int("SELECT sequence FROM handled WHERE aggregate LIKE '%/late-1'"), 2);

    ck_assert_int_eq(listener_make_thing("late-1"), ERR_NONE);
    ck_assert_str_eq(listener_effects("late-1"), "1,2");
    ck_assert_int_eq(database_int("SELECT count(*) FROM set_aside"), 1);

    listener_tell("late-1", 3);
    listener_await(3);
}
END_TEST

START_TEST(a_waiting_message_that_cannot_be_applied_is_parked_and_the_thing_is_made)
{
    struct message poison = bus_message(listener.arena, listener.topic, LISTENER_TYPE, "late", 1, NULL);
    poison.body = "{\"note\":\"late-x\",\"number\":1}";
    poison.size = strlen(poison.body);
    struct message good = listener_ping("late-x", 1);
    int64_t done = 0;

    listener_start(listener.service);
    bus_publish(listener.service->kafka, &poison, 1);
    database_await("SELECT count(*) FROM set_aside", 1);
    bus_publish(listener.service->kafka, &good, 1);
    database_await("SELECT count(*) FROM set_aside", 2);
    database_run("ALTER TABLE effect ADD CONSTRAINT effect_key CHECK (key <> 'late')");
    ck_assert_int_eq(listener_make_thing("late-x"), ERR_NONE);

    ck_assert_int_eq(database_int("SELECT count(*) FROM thing"), 1);
    ck_assert_str_eq(listener_effects("late-x"), "1");
    ck_assert_int_eq(database_int("SELECT count(*) FROM set_aside WHERE state = 'parked' AND key = 'late'"), 1);

    database_run("ALTER TABLE effect DROP CONSTRAINT effect_key");
    ck_assert_int_eq(parked_retry(listener.service, &done), ERR_NONE);
    ck_assert_int_eq(done, 1);
    ck_assert_str_eq(listener_effects("late"), "1");
}
END_TEST

/* Neither side may miss the other, whoever comes first. */
START_TEST(no_message_waits_for_what_was_made_at_the_same_time)
{
    enum { TIMES = 60 };

    listener_start(listener.service);
    listener_tell("warm", 1);
    listener_await(1);
    for (int i = 0; i < TIMES; i++) {
        const char *id = arena_printf(listener.arena, "late-%d", i);
        listener_tell(id, 1);
        usleep((useconds_t)(i * 37 % 3000));
        ck_assert_int_eq(listener_make_thing(id), ERR_NONE);
    }
    listener_await(TIMES + 1);

    ck_assert_int_eq(database_int("SELECT count(*) FROM set_aside"), 0);
}
END_TEST

START_TEST(a_message_that_waits_for_long_becomes_one_work_item)
{
    struct ctx *ctx = ctx_new(listener.service);
    bool more;

    listener_start(listener.service);
    listener_tell("late-1", 1);
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

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, listener_open, listener_close);
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
}

RUN_SUITE(set_aside, add_tests)
