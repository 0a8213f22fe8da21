/* task: many at once: recorded together, each for itself where that fails; gathering; floods; stopping. */
#include <pthread.h>
#include <stdio.h>

#include "clock.h"
#include "joint.h"
#include "tasks.h"

START_TEST(a_batch_is_recorded_in_one_transaction)
{
    add_many("batch", "k", "{}", 0, 10);
    start();
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 10);
    ck_assert_int_eq(database_int("SELECT count(DISTINCT xmin::text) FROM task"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item"), 10);
}
END_TEST

START_TEST(one_that_cannot_be_recorded_does_not_hold_up_its_batch)
{
    add_many("batch", "k", "{}", 0, 5);
    add("batch", "bad", "spoil");
    start();
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 5);
    database_await("SELECT count(*) FROM task WHERE key = 'bad' AND state <> 'done'"
                   " AND why = 'its answer could not be recorded'",
                   1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item"), 5);
}
END_TEST

START_TEST(one_that_another_copy_took_does_not_take_its_batch_along)
{
    atomic_store(&hold_calls, true);
    add_many("bulk", "k", "{}", 0, 5);
    start();
    await_calls(1);
    database_run("UPDATE task SET fence = fence + 1, lease_until = now() + interval '1 hour' WHERE key = 'k-2'");
    atomic_store(&hold_calls, false);
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 4);
    ck_assert_str_eq(database_text("SELECT key FROM task WHERE state = 'running' AND fence = 2"), "k-2");
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item"), 4);
    ck_assert_int_eq(atomic_load(&calls), 5);
}
END_TEST

START_TEST(answers_of_every_kind_are_recorded_together)
{
    add_many("bulk", "k", "{}", 0, 3);
    add_many("bulk", "no", "refuse", 0, 2);
    add("bulk", "later", "later twice");
    add("bulk", "what", "unknown once");
    start();
    database_await("SELECT count(*) FROM task WHERE state = 'done' AND attempt = 1", 3);
    ck_assert_int_eq(database_int("SELECT count(*) FROM task WHERE state = 'refused' AND why = 'declined'"), 2);
    ck_assert_int_eq(database_int("SELECT count(DISTINCT xmin::text) FROM task WHERE attempt = 1"), 1);
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 5);
    ck_assert_int_eq(database_int("SELECT attempt FROM task WHERE key = 'later'"), 3);
    ck_assert_int_eq(database_int("SELECT attempt FROM task WHERE key = 'what'"), 2);
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item"), 3 + 1 + 1 + 2); /* the same refusal is one */
}
END_TEST

/* --- with the answers of other threads --- */

static atomic_bool gate_is_open, gate_is_taken;

static enum err wait_at_gate(const struct guest *guest UNUSED)
{
    atomic_store(&gate_is_taken, true);
    while (!atomic_load(&gate_is_open))
        usleep(1000);
    return ERR_NONE;
}

static void *take_gate(void *of)
{
    const struct guest guest = {.ctx = of, .serve = wait_at_gate};

    ck_assert_int_eq(joint_serve(&guest), ERR_NONE);
    return NULL;
}

/* Lets that many answers gather behind one who is served, then lets them through. */
static void record_together(int count)
{
    struct ctx *ctx = ctx_new(service);
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, take_gate, ctx), 0);
    while (!atomic_load(&gate_is_taken))
        usleep(1000);
    start();
    while (joint_waiting(service->joint) < count)
        usleep(1000);
    atomic_store(&gate_is_open, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ctx_release(ctx);
}

START_TEST(answers_of_several_threads_share_a_transaction)
{
    add_many("company", "k", "{}", 0, 3);
    add("company", "no", "refuse");
    add("company", "what", "unknown once");
    record_together(5);
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 4);
    ck_assert_int_eq(database_int("SELECT count(DISTINCT xmin::text) FROM task WHERE attempt = 1"), 1);
    ck_assert_str_eq(database_text("SELECT state || why FROM task WHERE key = 'no'"), "refuseddeclined");
    ck_assert_int_eq(database_int("SELECT attempt FROM task WHERE key = 'what'"), 2);
    ck_assert_int_eq(atomic_load(&calls), 6);
    ck_assert_int_eq(atomic_load(&records), 6);
}
END_TEST

START_TEST(one_that_cannot_be_recorded_leaves_its_company)
{
    add_many("company", "k", "{}", 0, 3);
    add("company", "bad", "spoil");
    record_together(4);
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 3);
    database_await("SELECT count(*) FROM task WHERE key = 'bad' AND why = 'its answer could not be recorded'", 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item"), 3);
}
END_TEST

START_TEST(one_that_cannot_be_recorded_in_bulk_is_left_out)
{
    add_many("bulk", "k", "{}", 0, 5);
    add("bulk", "bad", "spoil");
    start();
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 5);
    database_await("SELECT count(*) FROM task WHERE key = 'bad' AND why = 'its answer could not be recorded'", 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item"), 5);
}
END_TEST

START_TEST(the_first_after_a_rest_is_called_at_once_and_the_next_gather)
{
    int64_t began = clock_monotonic();
    char key[16];

    start();
    for (int i = 0; i < 40; i++) {
        (void)snprintf(key, sizeof(key), "k-%d", i);
        add("bulk", key, "{}");
        if (i == 0)
            await_calls(1);
    }
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 40);
    ck_assert_int_le(atomic_load(&bulks), 2 + (clock_monotonic() - began) / (200 * CLOCK_MS));
}
END_TEST

static size_t room(const char *kind)
{
    int64_t lease_ms;

    return task_runner_room(service->task_runner, kind, &lease_ms);
}

START_TEST(what_is_handed_over_gathers_in_a_batch)
{
    atomic_store(&hold_calls, true);
    start();
    add("patient", "k-1", "{}");
    await_calls(1);
    while (room("patient") < 50) /* until the other thread is free */
        usleep(1000);
    add_many("patient", "some", "{}", 0, 3);
    add_many("patient", "many", "{}", 0, 50);
    ck_assert_uint_eq(room("patient"), 0);
    ck_assert_str_eq(database_text("SELECT string_agg(state || ' ' || count, ', ' ORDER BY state) FROM (SELECT state, "
                                   "count(*) FROM task GROUP BY state) s"),
                     "due 3, running 51"); /* one is being called, and a thread is free for one batch */
    await_calls(2);
    atomic_store(&hold_calls, false);
    database_await("SELECT count(*) FROM task WHERE state = 'done' AND attempt = 1 AND fence = 1", 54);
    ck_assert_int_eq(atomic_load(&calls), 54);
    ck_assert_int_le(atomic_load(&bulks), 3);
}
END_TEST

START_TEST(answers_are_not_kept_in_hand_for_long)
{
    add_many("batch", "k", "slow", 0, 4);
    start();
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 2);
    ck_assert_int_eq(database_int("SELECT count(*) FROM task WHERE state = 'running'"), 2);
    database_await("SELECT count(*) FROM task WHERE state = 'done' AND attempt = 1", 4);
}
END_TEST

START_TEST(no_call_begins_when_its_lease_is_nearly_over)
{
    add_many("brief", "k", "slow", 0, 3);
    start();
    database_await("SELECT count(*) FROM task WHERE state = 'done' AND attempt = 1", 3);
    ck_assert_int_eq(atomic_load(&calls), 3);
    ck_assert_int_eq(database_int("SELECT max(fence) FROM task"), 3);
}
END_TEST

START_TEST(a_flood_is_worked_off_by_all_copies_each_task_once)
{
    struct task_runner *second = task_runner_start(service, kinds);

    start();
    add_many("batch", "b", "{}", 0, 300);
    add_many("alone", "a", "{}", 0, 100);
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 400);
    ck_assert_int_eq(atomic_load(&calls), 400);
    ck_assert_int_eq(database_int("SELECT count(*) FROM task WHERE attempt <> 1"), 0);
    task_runner_stop(second);
}
END_TEST

static void *stop_runner(void *runner)
{
    task_runner_stop(runner);
    return NULL;
}

START_TEST(stopping_gives_back_what_was_not_called)
{
    atomic_store(&hold_calls, true);
    add_many("batch", "k", "{}", 0, 5);
    start();
    await_calls(1);
    /* The call is held until the stop is under way. */
    struct task_runner *runner = service->task_runner;
    service->task_runner = NULL;
    pthread_t stopper;
    pthread_create(&stopper, NULL, stop_runner, runner);
    usleep(100000);
    atomic_store(&hold_calls, false);
    pthread_join(stopper, NULL);
    ck_assert_int_eq(atomic_load(&calls), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM task WHERE state = 'done'"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM task WHERE state = 'due' AND attempt = 0 AND fence = 1"), 4);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_batch_is_recorded_in_one_transaction);
    tcase_add_test(tests, one_that_cannot_be_recorded_does_not_hold_up_its_batch);
    tcase_add_test(tests, one_that_another_copy_took_does_not_take_its_batch_along);
    tcase_add_test(tests, answers_of_every_kind_are_recorded_together);
    tcase_add_test(tests, answers_of_several_threads_share_a_transaction);
    tcase_add_test(tests, one_that_cannot_be_recorded_leaves_its_company);
    tcase_add_test(tests, one_that_cannot_be_recorded_in_bulk_is_left_out);
    tcase_add_test(tests, the_first_after_a_rest_is_called_at_once_and_the_next_gather);
    tcase_add_test(tests, what_is_handed_over_gathers_in_a_batch);
    tcase_add_test(tests, answers_are_not_kept_in_hand_for_long);
    tcase_add_test(tests, no_call_begins_when_its_lease_is_nearly_over);
    tcase_add_test(tests, a_flood_is_worked_off_by_all_copies_each_task_once);
    tcase_add_test(tests, stopping_gives_back_what_was_not_called);
}

RUN_SUITE(task_batch, add_tests)
