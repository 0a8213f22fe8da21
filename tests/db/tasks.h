/*
 * tasks - what the tests of task share: a counterpart that does what a task's body says, kinds of tasks that call it,
 * and ways to add them.
 */
#ifndef WAYBILL_TEST_TASKS_H
#define WAYBILL_TEST_TASKS_H

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "database.h"
#include "suite.h"
#include "task.h"
#include "work_item.h"

static struct service *service;
static atomic_int calls, records, bulks;
static atomic_bool hold_calls, counterpart_is_down;

/* The counterpart does what the body says. */
static struct task_answer call_counterpart(struct ctx *ctx, const struct task *task)
{
    atomic_fetch_add(&calls, 1);
    while (atomic_load(&hold_calls))
        usleep(5000);
    if (strcmp(task->body, "slow") == 0)
        usleep(600000);
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

static enum err record_answers(struct uow *uow, const struct task_result *results, size_t count)
{
    atomic_fetch_add(&bulks, 1);
    for (size_t i = 0; i < count; i++) {
        task_follow(uow->ctx, results[i].task);
        TRY(record_answer(uow, results[i].task, results[i].answer));
    }
    return ERR_NONE;
}

static void name_nothing(struct needs *needs UNUSED, const struct task *task UNUSED)
{
}

static const struct task_kind kinds[] = {
    {.kind = "company",
     .threads = 6,
     .batch = 1,
     .lease_ms = 5000,
     .backoff_ms = 20,
     .backoff_max_ms = 100,
     .call = call_counterpart,
     .record = record_answer,
     .joins = name_nothing},
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
    {.kind = "bulk",
     .threads = 2,
     .batch = 50,
     .gather_ms = 200,
     .lease_ms = 5000,
     .backoff_ms = 20,
     .backoff_max_ms = 100,
     .call = call_counterpart,
     .record_all = record_answers},
    {.kind = "patient",
     .threads = 2,
     .batch = 50,
     .gather_ms = 60000,
     .lease_ms = 120000,
     .backoff_ms = 20,
     .backoff_max_ms = 100,
     .call = call_counterpart,
     .record_all = record_answers},
    {.kind = "brief",
     .threads = 1,
     .batch = 10,
     .lease_ms = 800,
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

UNUSED static void open_all(void)
{
    database_open_common();
    service = database_service(NULL, 10);
}

UNUSED static void close_all(void)
{
    task_runner_stop(service->task_runner);
    service->task_runner = NULL;
    database_service_free(service);
    database_close();
}

UNUSED static void start(void)
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

UNUSED static void add_many(const char *kind, const char *key, const char *body, int64_t delay_ms, int times)
{
    struct ctx *ctx = ctx_new(service);

    trace_start(ctx, NULL, "journey", NULL);
    ck_assert_int_eq(add_in(ctx, kind, key, body, delay_ms, times), ERR_NONE);
    ctx_release(ctx);
}

UNUSED static void add(const char *kind, const char *key, const char *body)
{
    add_many(kind, key, body, 0, 1);
}

UNUSED static void await_calls(int count)
{
    for (int ms = 0; atomic_load(&calls) < count; ms += 5) {
        ck_assert_int_lt(ms, 10000);
        usleep(5000);
    }
}

UNUSED static const char *causes(void)
{
    return database_text("SELECT string_agg(cause, ', ' ORDER BY created_at, cause) FROM work_item");
}

#endif
