/* task: outcomes, retries, leases and fencing, batches, the circuit breaker, stopping. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "common/queries.h"
#include "database.h"
#include "suite.h"
#include "task.h"
#include "task_batch.h"
#include "work_item.h"

static struct service *service;
static atomic_int calls, records;
static atomic_bool hold_calls, counterpart_is_down;

/* The counterpart does what the body says. */
static struct task_answer call_counterpart(struct ctx *ctx, const struct task *task)
{
    atomic_fetch_add(&calls, 1);
    while (atomic_load(&hold_calls))
        usleep(5000);
    if (atomic_load(&counterpart_is_down))
        return (struct task_answer){.outcome = TASK_LATER, .why = "could not connect"};
    if (strcmp(task->body, "refuse") == 0)
        return (struct task_answer){.outcome = TASK_REFUSED, .why = "declined"};
    if (strcmp(task->body, "later twice") == 0 && task->attempt <= 2)
        return (struct task_answer){.outcome = TASK_LATER, .after_ms = 10, .why = "429"};
    if (strcmp(task->body, "unknown once") == 0 && task->attempt == 1)
        return (struct task_answer){.outcome = TASK_UNKNOWN, .after_ms = 10, .why = "timed out"};
    return (struct task_answer){.outcome = TASK_DONE, .detail = arena_printf(ctx->arena, "answer %s", task->key)};
}

/* What is recorded becomes a work item: its cause tells what was known. */
static enum err record_answer(struct uow *uow, const struct task *task, const struct task_answer *answer)
{
    const char *what = answer->outcome == TASK_DONE      ? answer->detail
                       : answer->outcome == TASK_REFUSED ? "refused"
                                                         : "unknown";

    atomic_fetch_add(&records, 1);
    work_item_open(uow, uow->ctx->trace.correlation_id, arena_printf(uow->ctx->arena, "%s %s", task->subject, what),
                   what, "none", 0);
    if (strcmp(task->body, "spoil") == 0)
        return FAIL(uow->ctx, INTERNAL, "a bug");
    return ERR_NONE;
}

static const struct task_kind kinds[] = {
    {.kind = "alone",
     .threads = 2,
     .batch = 1,
     .lease_ms = 5000,
     .backoff_ms = 20,
     .backoff_max_ms = 100,
     .call = call_counterpart,
     .record = record_answer},
    {.kind = "batch",
     .threads = 1,
     .batch = 10,
     .lease_ms = 5000,
     .backoff_ms = 20,
     .backoff_max_ms = 100,
     .call = call_counterpart,
     .record = record_answer},
    {.kind = "short",
     .threads = 1,
     .batch = 1,
     .lease_ms = 300,
     .backoff_ms = 20,
     .backoff_max_ms = 100,
     .call = call_counterpart,
     .record = record_answer},
    {.kind = NULL},
};

static void open_all(void)
{
    database_open_common();
    service = database_service(NULL, 6);
}

static void close_all(void)
{
    task_runner_stop(service->task_runner);
    service->task_runner = NULL;
    database_service_free(service);
    database_close();
}

static void start(void)
{
    service->task_runner = task_runner_start(service, kinds);
}

static enum err add_in(struct ctx *ctx, const char *kind, const char *key, const char *body, int64_t delay_ms,
                       int times)
{
    UNIT_OF_WORK(ctx, uow);
    for (int i = 0; i < times; i++)
        task_add(uow, kind, "s-1", times == 1 ? key : arena_printf(ctx->arena, "%s-%d", key, i), body, delay_ms);
    return uow_commit(uow);
}

static void add_many(const char *kind, const char *key, const char *body, int64_t delay_ms, int times)
{
    struct ctx *ctx = ctx_new(service);

    trace_start(ctx, NULL, "journey", NULL);
    ck_assert_int_eq(add_in(ctx, kind, key, body, delay_ms, times), ERR_NONE);
    ctx_release(ctx);
}

static void add(const char *kind, const char *key, const char *body)
{
    add_many(kind, key, body, 0, 1);
}

static void await_calls(int count)
{
    for (int ms = 0; atomic_load(&calls) < count; ms += 5) {
        ck_assert_int_lt(ms, 10000);
        usleep(5000);
    }
}

static const char *causes(void)
{
    return database_text("SELECT string_agg(cause, ', ' ORDER BY created_at, cause) FROM work_item");
}

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

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_task_is_called_and_its_answer_recorded);
    tcase_add_test(tests, it_goes_on_in_the_journey_that_added_it);
    tcase_add_test(tests, a_key_is_added_once);
    tcase_add_test(tests, a_refusal_is_final_and_recorded);
    tcase_add_test(tests, later_is_tried_again_without_being_recorded);
    tcase_add_test(tests, unknown_is_recorded_and_tried_again);
    tcase_add_test(tests, a_cancelled_task_is_not_called);
    tcase_add_test(tests, a_task_waits_until_it_is_due_and_other_kinds_stay);
    tcase_add_test(tests, what_a_dead_copy_had_taken_is_taken_after_its_lease);
    tcase_add_test(tests, an_answer_that_comes_after_another_copy_took_the_task_is_void);
    tcase_add_test(tests, a_call_longer_than_its_lease_is_made_again_and_counts_once);
    tcase_add_test(tests, a_batch_is_recorded_in_one_transaction);
    tcase_add_test(tests, one_that_cannot_be_recorded_does_not_hold_up_its_batch);
    tcase_add_test(tests, a_flood_is_worked_off_by_all_copies_each_task_once);
    tcase_add_test(tests, a_counterpart_that_keeps_failing_is_left_alone_and_asked_again);
    tcase_add_test(tests, stopping_gives_back_what_was_not_called);
    tcase_add_test(tests, an_outage_of_the_database_is_waited_out_with_the_answer_in_hand);
}

RUN_SUITE(task, add_tests)
