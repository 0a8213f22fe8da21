/*
 * task_batch - take, call, record.
 */
#include "task_batch.h"

#include <assert.h>

#include "backoff.h"
#include "clock.h"
#include "common/queries.h"
#include "log.h"
#include "metrics.h"
#include "pause.h"
#include "service.h"

#define RECORD_RETRY_MS 50
#define RECORD_RETRY_MAX_MS 1000

static RECORD(task, FIELD(task, id), FIELD(task, kind), FIELD(task, subject), FIELD(task, key), FIELD(task, body),
              FIELD(task, attempt), FIELD_AS_TIME(task, created_at), FIELD(task, fence), FIELD(task, correlation_id),
              FIELD(task, traceparent));

static struct metric calls_metric = {
    .name = "waybill_task_calls_total",
    .help = "Calls to counterparts by kind and outcome.",
    .type = METRIC_COUNTER,
    .label = "kind",
    .label2 = "outcome",
};

static const char *const outcome_names[] = {"done", "refused", "unknown", "later"};

enum err task_batch_take(struct task_batch *batch, size_t count)
{
    struct list list = {0};

    assert(count <= TASK_BATCH_MAX);
    batch->count = 0;
    batch->lease_end_us = clock_monotonic() + batch->kind->lease_ms * CLOCK_MS;
    UNIT_OF_WORK(batch->ctx, uow);
    TRY(SQL_MANY(uow, task_take, task_record, &list, .kind = batch->kind->kind, .count = (int64_t)count,
                 .lease_ms = batch->kind->lease_ms));
    if (list.count == 0)
        return ERR_NONE;
    TRY(uow_commit(uow));
    batch->tasks = list.items;
    batch->count = list.count;
    return ERR_NONE;
}

/* Work on a task goes on in the journey that added it. */
static void follow_trace(struct ctx *ctx, const struct task *task)
{
    trace_start(ctx, task->traceparent, task->correlation_id, task->id);
}

void task_batch_call(struct task_batch *batch)
{
    struct ctx *ctx = batch->ctx;

    for (size_t i = 0; i < batch->count; i++) {
        const struct task *task = &batch->tasks[i];
        batch->called[i] = clock_monotonic() < batch->lease_end_us && batch->may_call(batch->of);
        if (!batch->called[i])
            continue;

        follow_trace(ctx, task);
        ctx_clear_problem(ctx);
        int64_t started = clock_monotonic();
        batch->answers[i] = batch->kind->call(ctx, task);
        const struct task_answer *answer = &batch->answers[i];
        const char *outcome = outcome_names[answer->outcome];
        log_info(ctx, "task called", LOG_TEXT("kind", task->kind), LOG_TEXT("task_id", task->id),
                 LOG_TEXT("subject", task->subject), LOG_INT("attempt", task->attempt), LOG_TEXT("outcome", outcome),
                 LOG_TEXT("why", answer->why), LOG_INT("ms", (clock_monotonic() - started) / CLOCK_MS));
        metric_add(&calls_metric, task->kind, outcome, 1);
        batch->called_one(batch->of, answer->outcome);
    }
}

static void put_back(struct uow *uow, const struct task *task, const char *why, int64_t uncalled, int64_t delay_ms)
{
    SQL_OR(uow, ERR_ABSENT, task_again, .id = task->id, .fence = task->fence, .why = why, .uncalled = uncalled,
           .delay_ms = delay_ms);
}

static int64_t pause_before_next_ms(const struct task_kind *kind, const struct task *task,
                                    const struct task_answer *answer)
{
    if (answer->after_ms > 0)
        return answer->after_ms;
    return backoff(kind->backoff_ms, kind->backoff_max_ms, task->attempt);
}

/* The row is written last: whoever else locks the aggregate and its tasks does it in this order too. */
static enum err record_one(struct uow *uow, struct task_batch *batch, size_t index)
{
    const struct task *task = &batch->tasks[index];
    const struct task_answer *answer = &batch->answers[index];
    const char *why = answer->why != NULL ? answer->why : "";

    if (!batch->called[index]) {
        put_back(uow, task, "was not called", 1, batch->uncalled_pause_ms);
        return ERR_NONE;
    }
    follow_trace(uow->ctx, task);
    if (answer->outcome != TASK_LATER)
        TRY(batch->kind->record(uow, task, answer));
    if (answer->outcome == TASK_UNKNOWN || answer->outcome == TASK_LATER)
        put_back(uow, task, why, 0, pause_before_next_ms(batch->kind, task, answer));
    else
        SQL_OR(uow, ERR_ABSENT, task_finish, .id = task->id, .fence = task->fence, .why = why,
               .state = answer->outcome == TASK_DONE ? "done" : "refused");
    return ERR_NONE;
}

/* Records the answers [from, to) in one transaction. */
static enum err record_range(struct task_batch *batch, size_t from, size_t to)
{
    ctx_clear_problem(batch->ctx);
    UNIT_OF_WORK(batch->ctx, uow);
    for (size_t i = from; i < to; i++)
        TRY(record_one(uow, batch, i));
    return uow_commit(uow);
}

/* The answer is lost to a fault of ours, so the task is called again: later, not at once. */
static enum err postpone(struct task_batch *batch, const struct task *task)
{
    ctx_clear_problem(batch->ctx);
    UNIT_OF_WORK(batch->ctx, uow);
    put_back(uow, task, "its answer could not be recorded", 0,
             backoff(batch->kind->backoff_ms, batch->kind->backoff_max_ms, task->attempt));
    return uow_commit(uow);
}

/* Records one answer; an outage of the database is waited out as long as the task is ours. */
static void record_alone(struct task_batch *batch, size_t index)
{
    const struct task *task = &batch->tasks[index];
    struct ctx *ctx = batch->ctx;
    enum err err = record_range(batch, index, index + 1);

    for (int64_t tried = 1; err != ERR_NONE && err != ERR_ABSENT && err_kind(err)->retryable; tried++) {
        if (clock_monotonic() >= batch->lease_end_us || batch->is_stopping(batch->of))
            break;
        pause_ms((int)backoff(RECORD_RETRY_MS, RECORD_RETRY_MAX_MS, tried));
        err = record_range(batch, index, index + 1);
    }
    if (err == ERR_NONE)
        return;
    if (err == ERR_ABSENT) {
        log_warning(ctx, "another copy took the task meanwhile, dropping the answer", LOG_TEXT("kind", task->kind),
                    LOG_TEXT("task_id", task->id));
        return;
    }
    log_error(ctx, "the answer to a task could not be recorded; it will be called again", LOG_TEXT("kind", task->kind),
              LOG_TEXT("task_id", task->id), LOG_TEXT("error", err_kind(err)->name),
              LOG_TEXT("why", ctx->problem.detail));
    if (postpone(batch, task) != ERR_NONE)
        log_warning(ctx, "the task is called again when its lease ends", LOG_TEXT("task_id", task->id));
}

void task_batch_record(struct task_batch *batch)
{
    if (batch->count == 0)
        return;
    if (batch->count > 1 && record_range(batch, 0, batch->count) == ERR_NONE)
        return;
    for (size_t i = 0; i < batch->count; i++)
        record_alone(batch, i);
}
