/*
 * task_batch - take, call, record.
 */
#include "task_batch.h"

#include <assert.h>

#include "backoff.h"
#include "clock.h"
#include "common/queries.h"
#include "joint.h"
#include "log.h"
#include "metrics.h"
#include "mishap.h"
#include "pause.h"
#include "service.h"

#define RECORD_EVERY_MS 1000 /* no call is begun with answers in hand that are older */
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

static void begin(struct task_batch *batch, struct task *tasks, size_t count, int64_t lease_end_us)
{
    batch->tasks = tasks;
    batch->count = count;
    batch->from = batch->to = 0;
    batch->lease_end_us = lease_end_us;
    batch->last_call_us = lease_end_us - batch->kind->lease_ms * CLOCK_MS / 4;
}

/* The taking is one statement, and as such a transaction of its own. */
enum err task_batch_take(struct task_batch *batch, size_t count)
{
    int64_t lease_end_us = clock_monotonic() + batch->kind->lease_ms * CLOCK_MS;
    struct list list = {0};

    assert(count <= TASK_BATCH_MAX);
    begin(batch, NULL, 0, lease_end_us);
    READING(batch->ctx, uow);
    TRY(SQL_MANY(uow, task_take, task_record, &list, .kind = batch->kind->kind, .count = (int64_t)count,
                 .lease_ms = batch->kind->lease_ms));
    begin(batch, list.items, list.count, lease_end_us);
    return ERR_NONE;
}

void task_batch_accept(struct task_batch *batch, struct task *tasks, size_t count, int64_t lease_end_us)
{
    assert(count <= TASK_BATCH_MAX);
    begin(batch, tasks, count, lease_end_us);
}

static void call_one(struct task_batch *batch, size_t index)
{
    struct ctx *ctx = batch->ctx;
    const struct task *task = &batch->tasks[index];
    struct task_answer *answer = &batch->answers[index];

    task_follow(ctx, task);
    ctx_clear_problem(ctx);
    int64_t started = clock_monotonic();
    mishap(MISHAP_BEFORE_CALL);
    *answer = batch->kind->call(ctx, task);
    mishap(MISHAP_AFTER_CALL);
    const char *outcome = outcome_names[answer->outcome];
    log_info(ctx, "task called", LOG_TEXT("kind", task->kind), LOG_TEXT("task_id", task->id),
             LOG_TEXT("subject", task->subject), LOG_INT("attempt", task->attempt), LOG_TEXT("outcome", outcome),
             LOG_TEXT("why", answer->why), LOG_INT("ms", (clock_monotonic() - started) / CLOCK_MS));
    metric_add(&calls_metric, task->kind, outcome, 1);
    batch->called_one(batch->of, answer->outcome);
}

bool task_batch_call(struct task_batch *batch)
{
    int64_t until = clock_monotonic() + RECORD_EVERY_MS * CLOCK_MS;

    for (batch->from = batch->to; batch->to < batch->count; batch->to++) {
        if (batch->to > batch->from && clock_monotonic() >= until)
            return true;
        batch->called[batch->to] = clock_monotonic() < batch->last_call_us && batch->may_call(batch->of);
        if (batch->called[batch->to])
            call_one(batch, batch->to);
    }
    return batch->to > batch->from;
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

static const char *why_of(const struct task_answer *answer)
{
    return answer->why != NULL ? answer->why : "";
}

/* Hands over the answers that are to be recorded. */
static enum err record_answers(struct uow *uow, const struct task_batch *batch, size_t from, size_t to)
{
    struct task_result *results = arena_array(uow->ctx->arena, to - from, sizeof(*results));
    size_t count = 0;

    for (size_t i = from; i < to; i++) {
        if (batch->called[i] && batch->answers[i].outcome != TASK_LATER)
            results[count++] = (struct task_result){&batch->tasks[i], &batch->answers[i]};
    }
    if (batch->kind->record_all != NULL)
        return count > 0 ? batch->kind->record_all(uow, results, count) : ERR_NONE;
    for (size_t i = 0; i < count; i++) {
        task_follow(uow->ctx, results[i].task);
        TRY(batch->kind->record(uow, results[i].task, results[i].answer));
    }
    return ERR_NONE;
}

static void put_back_unanswered(struct uow *uow, const struct task_batch *batch, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const struct task *task = &batch->tasks[i];
        const struct task_answer *answer = &batch->answers[i];
        if (!batch->called[i])
            put_back(uow, task, "was not called", 1, batch->uncalled_pause_ms);
        else if (!task_is_over(answer->outcome))
            put_back(uow, task, why_of(answer), 0, pause_before_next_ms(batch->kind, task, answer));
    }
}

/* One alone needn't wait for an answer; of several, those that another copy took are missed by their number. */
static enum err finish_answered(struct uow *uow, const struct task_batch *batch, size_t from, size_t to)
{
    struct arena *arena = uow->ctx->arena;
    const char **ids = arena_array(arena, to - from, sizeof(*ids));
    const char **states = arena_array(arena, to - from, sizeof(*states));
    const char **whys = arena_array(arena, to - from, sizeof(*whys));
    int64_t *fences = arena_array(arena, to - from, sizeof(*fences));
    size_t count = 0;
    int64_t finished;

    for (size_t i = from; i < to; i++) {
        if (!batch->called[i] || !task_is_over(batch->answers[i].outcome))
            continue;
        ids[count] = batch->tasks[i].id;
        fences[count] = batch->tasks[i].fence;
        states[count] = batch->answers[i].outcome == TASK_DONE ? "done" : "refused";
        whys[count++] = why_of(&batch->answers[i]);
    }
    if (count == 1)
        SQL_OR(uow, ERR_ABSENT, task_finish, .id = ids[0], .fence = fences[0], .state = states[0], .why = whys[0]);
    if (count <= 1)
        return ERR_NONE;
    TRY(SQL_COUNT(uow, task_finish_all, &finished, .ids = {ids, count}, .fences = {fences, count},
                  .states = {states, count}, .whys = {whys, count}));
    return finished == (int64_t)count ? ERR_NONE : FAIL(uow->ctx, ABSENT, "another copy took one of the tasks");
}

/* Records the answers [from, to) in one transaction. The tasks' own rows are written last: whoever else locks an
 * aggregate and its tasks does it in this order too. */
static enum err record_range(struct ctx *ctx, const struct task_batch *batch, size_t from, size_t to)
{
    ctx_clear_problem(ctx);
    UNIT_OF_WORK(ctx, uow);
    TRY(record_answers(uow, batch, from, to));
    put_back_unanswered(uow, batch, from, to);
    TRY(finish_answered(uow, batch, from, to));
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
    enum err err = record_range(ctx, batch, index, index + 1);

    for (int64_t tried = 1; err != ERR_NONE && err != ERR_ABSENT && err_kind(err)->retryable; tried++) {
        if (clock_monotonic() >= batch->lease_end_us || batch->is_stopping(batch->of))
            break;
        pause_ms((int)backoff(RECORD_RETRY_MS, RECORD_RETRY_MAX_MS, tried));
        err = record_range(ctx, batch, index, index + 1);
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

/* --- together --- */

static bool name_needs(struct needs *needs, const struct guest *guest)
{
    const struct task_batch *batch = guest->of;

    for (size_t i = batch->from; i < batch->to; i++) {
        if (batch->called[i])
            batch->kind->joins(needs, &batch->tasks[i]);
    }
    return true;
}

static enum err record_all(const struct guest *guest)
{
    const struct task_batch *batch = guest->of;

    return record_range(guest->ctx, batch, batch->from, batch->to);
}

/* All answers in one transaction, or with those of other threads. */
static enum err record_together(struct task_batch *batch)
{
    const struct guest guest = {.ctx = batch->ctx, .of = batch, .joins = name_needs, .serve = record_all};

    if (batch->kind->joins != NULL)
        return joint_serve(&guest);
    return batch->to - batch->from > 1 ? record_all(&guest) : ERR_AGAIN;
}

void task_batch_record(struct task_batch *batch)
{
    if (record_together(batch) == ERR_NONE)
        return;
    for (size_t i = batch->from; i < batch->to; i++)
        record_alone(batch, i);
}
