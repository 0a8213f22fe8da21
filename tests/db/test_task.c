/* task: outcomes, retries, leases and fencing, the circuit breaker. */
#include "tasks.h"

START_TEST(a_task_is_called_and_its_answer_recorded)
{
    start();
    add("alone", "k-1", "{}");
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 1);
    ck_assert_int_eq(database_int("SELECT attempt FROM task"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM task WHERE lease_until IS NULL"), 1);
    ck_assert_str_eq(causes(), "answer k-1");
    ck_assert_int_eq(atomic_load(&calls), 1);
}
END_TEST

START_TEST(it_goes_on_in_the_journey_that_added_it)
{
    start();
    add("alone", "k-1", "{}");
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 1);
    ck_assert_str_eq(database_text("SELECT kind FROM work_item"), "journey");
}
END_TEST

START_TEST(a_key_is_added_once)
{
    add("alone", "k-1", "{}");
    add("alone", "k-1", "refuse");
    ck_assert_str_eq(database_text("SELECT string_agg(body, ' ') FROM task"), "{}");
}
END_TEST

static enum err add_and_take_back(struct ctx *ctx)
{
    UNIT_OF_WORK(ctx, uow);
    task_add(uow, "alone", "s-1", "k-1", "{}", 0);
    task_cancel(uow, "k-1");
    task_add(uow, "alone", "s-1", "k-2", "{}", 0);
    task_add(uow, "alone", "s-1", "k-2", "refuse", 0);
    return uow_commit(uow);
}

START_TEST(what_was_just_added_can_be_taken_back)
{
    struct ctx *ctx = ctx_new(service);

    ck_assert_int_eq(add_and_take_back(ctx), ERR_NONE);
    ck_assert_str_eq(
        database_text("SELECT string_agg(key || ' ' || state || ' ' || body, ', ' ORDER BY key) FROM task"),
        "k-1 cancelled {}, k-2 due {}");
    ctx_release(ctx);
}
END_TEST

START_TEST(a_refusal_is_final_and_recorded)
{
    start();
    add("alone", "k-1", "refuse");
    database_await("SELECT count(*) FROM task WHERE state = 'refused' AND why = 'declined'", 1);
    ck_assert_str_eq(causes(), "refused");
}
END_TEST

START_TEST(later_is_tried_again_without_being_recorded)
{
    start();
    add("alone", "k-1", "later twice");
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 1);
    ck_assert_int_eq(database_int("SELECT attempt FROM task"), 3);
    ck_assert_int_eq(atomic_load(&records), 1);
}
END_TEST

START_TEST(unknown_is_recorded_and_tried_again)
{
    start();
    add("alone", "k-1", "unknown once");
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 1);
    ck_assert_str_eq(causes(), "unknown, answer k-1");
}
END_TEST

static enum err cancel_in(struct ctx *ctx, const char *key)
{
    UNIT_OF_WORK(ctx, uow);
    task_cancel(uow, key);
    return uow_commit(uow);
}

START_TEST(a_cancelled_task_is_not_called)
{
    struct ctx *ctx = ctx_new(service);

    add_many("alone", "k-1", "{}", 60000, 1);
    add("alone", "k-2", "{}");
    ck_assert_int_eq(cancel_in(ctx, "k-1"), ERR_NONE);
    database_run("UPDATE task SET due_at = now()");
    start();
    database_await("SELECT count(*) FROM task WHERE key = 'k-2' AND state = 'done'", 1);
    ck_assert_str_eq(database_text("SELECT state FROM task WHERE key = 'k-1'"), "cancelled");
    ck_assert_int_eq(cancel_in(ctx, "k-2"), ERR_NONE);
    ck_assert_str_eq(database_text("SELECT state FROM task WHERE key = 'k-2'"), "done");
    ctx_release(ctx);
}
END_TEST

START_TEST(a_task_waits_until_it_is_due_and_other_kinds_stay)
{
    start();
    add_many("alone", "k-1", "{}", 60000, 1);
    add("nobody's", "k-2", "{}");
    add("alone", "k-3", "{}");
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM task WHERE state = 'due'"), 2);
}
END_TEST

START_TEST(what_a_dead_copy_had_taken_is_taken_after_its_lease)
{
    add("alone", "k-1", "{}");
    add("alone", "k-2", "{}");
    database_run("UPDATE task SET state = 'running', attempt = 1, fence = 1, lease_until ="
                 " CASE key WHEN 'k-1' THEN now() - interval '1 s' ELSE now() + interval '1 hour' END");
    start();
    database_await("SELECT count(*) FROM task WHERE state = 'done' AND attempt = 2 AND fence = 2", 1);
    ck_assert_str_eq(database_text("SELECT state FROM task WHERE key = 'k-2'"), "running");
}
END_TEST

START_TEST(an_answer_that_comes_after_another_copy_took_the_task_is_void)
{
    atomic_store(&hold_calls, true);
    start();
    add("alone", "k-1", "{}");
    await_calls(1);
    database_run("UPDATE task SET fence = fence + 1, lease_until = now() + interval '1 hour'");
    atomic_store(&hold_calls, false);
    task_runner_stop(service->task_runner);
    service->task_runner = NULL;
    ck_assert_int_eq(atomic_load(&records), 1);
    ck_assert_str_eq(database_text("SELECT state FROM task"), "running");
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item"), 0);
}
END_TEST

START_TEST(a_call_longer_than_its_lease_is_made_again_and_counts_once)
{
    atomic_store(&hold_calls, true);
    start();
    struct task_runner *second = task_runner_start(service, kinds);
    add("short", "k-1", "{}");
    await_calls(2);
    atomic_store(&hold_calls, false);
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 1);
    task_runner_stop(second);
    ck_assert_str_eq(causes(), "answer k-1");
}
END_TEST

START_TEST(a_counterpart_that_keeps_failing_is_left_alone_and_asked_again)
{
    atomic_store(&counterpart_is_down, true);
    add_many("batch", "k", "{}", 0, 40);
    start();
    await_calls(5);
    usleep(300000);
    /* Without the breaker there would be hundreds: 40 tasks, each tried again after 20 to 100 ms. */
    ck_assert_int_le(atomic_load(&calls), 5 + 15);
    atomic_store(&counterpart_is_down, false);
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 40);
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item"), 40);
}
END_TEST

START_TEST(an_outage_of_the_database_is_waited_out_with_the_answer_in_hand)
{
    atomic_store(&hold_calls, true);
    start();
    add("alone", "k-1", "{}");
    await_calls(1);
    database_run("BEGIN; LOCK task");
    atomic_store(&hold_calls, false);
    usleep(2500000); /* longer than lock_timeout: the first try fails */
    database_run("COMMIT");
    database_await("SELECT count(*) FROM task WHERE state = 'done' AND attempt = 1", 1);
    ck_assert_int_eq(atomic_load(&calls), 1);
}
END_TEST

/* A row that was written once stands where it was put. */
#define AS_WRITTEN "ctid = '(0,1)'"

START_TEST(a_free_thread_is_handed_the_task_as_taken)
{
    atomic_store(&hold_calls, true);
    start();
    add("alone", "k-1", "{}");
    await_calls(1);
    ck_assert_str_eq(database_text("SELECT concat_ws(' ', state, attempt, fence) FROM task WHERE " AS_WRITTEN
                                   " AND lease_until > now() + interval '4 s'"),
                     "running 1 1");
    atomic_store(&hold_calls, false);
    database_await("SELECT count(*) FROM task WHERE state = 'done' AND attempt = 1 AND fence = 1", 1);
    ck_assert_str_eq(causes(), "answer k-1");
}
END_TEST

START_TEST(only_as_many_are_handed_over_as_threads_are_free)
{
    atomic_store(&hold_calls, true);
    start();
    add("alone", "k-1", "{}");
    await_calls(1);
    add_many("alone", "more", "{}", 0, 2);
    await_calls(2);
    ck_assert_str_eq(database_text("SELECT string_agg(key || ' ' || state, ', ' ORDER BY key) FROM task"),
                     "k-1 running, more-0 running, more-1 due");
    atomic_store(&hold_calls, false);
    database_await("SELECT count(*) FROM task WHERE state = 'done' AND attempt = 1", 3);
    ck_assert_int_eq(atomic_load(&calls), 3);
}
END_TEST

START_TEST(what_was_added_before_is_neither_handed_over_nor_called_again)
{
    atomic_store(&hold_calls, true);
    start();
    add("alone", "k-1", "{}");
    await_calls(1);
    add("alone", "k-1", "refuse");
    atomic_store(&hold_calls, false);
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 1);
    add("alone", "k-2", "{}");
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 2);
    ck_assert_int_eq(atomic_load(&calls), 2);
    ck_assert_str_eq(causes(), "answer k-1, answer k-2");
}
END_TEST

START_TEST(what_is_added_while_the_counterpart_is_left_alone_waits)
{
    atomic_store(&counterpart_is_down, true);
    start();
    for (int i = 0; i < 5; i++) {
        add("alone", (const char *const[]){"a", "b", "c", "d", "e"}[i], "{}");
        await_calls(i + 1);
    }
    usleep(20000);
    add("alone", "k-1", "{}");
    ck_assert_str_eq(database_text("SELECT state || fence FROM task WHERE key = 'k-1'"), "due0");
    atomic_store(&counterpart_is_down, false);
    database_await("SELECT count(*) FROM task WHERE state = 'done'", 6);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_task_is_called_and_its_answer_recorded);
    tcase_add_test(tests, it_goes_on_in_the_journey_that_added_it);
    tcase_add_test(tests, a_key_is_added_once);
    tcase_add_test(tests, what_was_just_added_can_be_taken_back);
    tcase_add_test(tests, a_refusal_is_final_and_recorded);
    tcase_add_test(tests, later_is_tried_again_without_being_recorded);
    tcase_add_test(tests, unknown_is_recorded_and_tried_again);
    tcase_add_test(tests, a_cancelled_task_is_not_called);
    tcase_add_test(tests, a_task_waits_until_it_is_due_and_other_kinds_stay);
    tcase_add_test(tests, what_a_dead_copy_had_taken_is_taken_after_its_lease);
    tcase_add_test(tests, an_answer_that_comes_after_another_copy_took_the_task_is_void);
    tcase_add_test(tests, a_call_longer_than_its_lease_is_made_again_and_counts_once);
    tcase_add_test(tests, a_counterpart_that_keeps_failing_is_left_alone_and_asked_again);
    tcase_add_test(tests, an_outage_of_the_database_is_waited_out_with_the_answer_in_hand);
    tcase_add_test(tests, a_free_thread_is_handed_the_task_as_taken);
    tcase_add_test(tests, only_as_many_are_handed_over_as_threads_are_free);
    tcase_add_test(tests, what_was_added_before_is_neither_handed_over_nor_called_again);
    tcase_add_test(tests, what_is_added_while_the_counterpart_is_left_alone_waits);
}

RUN_SUITE(task, add_tests)
