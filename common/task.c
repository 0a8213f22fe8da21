/*
 * task - adding tasks to a unit of work and taking them back.
 */
#include "task.h"

#include <string.h>

#include "common/queries.h"
#include "id.h"
#include "service.h"
#include "text.h"

struct task_add {
    const char *id;
    const char *kind;
    const char *subject;
    const char *key;
    const char *body;
    int64_t delay_ms;
    const char *correlation_id;
    const char *traceparent;
};

/* What a unit of work has added, in the order of adding; the first of them are written already. */
struct task_adds {
    struct task_add *items;
    size_t count;
    size_t capacity;
    size_t written;
};

static struct task_add *next_add(struct uow *uow)
{
    struct arena *arena = uow->ctx->arena;

    if (uow->tasks == NULL)
        uow->tasks = ARENA_NEW(arena, struct task_adds);
    struct task_adds *adds = uow->tasks;
    if (adds->count == adds->capacity) {
        adds->capacity = adds->capacity == 0 ? 4 : adds->capacity * 2;
        struct task_add *items = arena_array(arena, adds->capacity, sizeof(*items));
        if (adds->count > 0)
            memcpy(items, adds->items, adds->count * sizeof(*items));
        adds->items = items;
    }
    return &adds->items[adds->count++];
}

void task_add(struct uow *uow, const char *kind, const char *subject, const char *key, const char *body,
              int64_t delay_ms)
{
    struct arena *arena = uow->ctx->arena;
    const struct trace *trace = &uow->ctx->trace;

    *next_add(uow) = (struct task_add){
        .id = id_new(arena),
        .kind = kind,
        .subject = subject,
        .key = key,
        .body = body,
        .delay_ms = delay_ms,
        .correlation_id = trace->correlation_id != NULL ? trace->correlation_id : "",
        .traceparent = arena_strdup(arena, trace->traceparent),
    };
}

void tasks_write(struct uow *uow)
{
    struct task_adds *adds = uow->tasks;
    if (adds == NULL || adds->count == adds->written)
        return;

    const struct task_add *items = adds->items + adds->written;
    size_t count = adds->count - adds->written;
    const char **columns[7];
    int64_t *delays = arena_array(uow->ctx->arena, count, sizeof(*delays));
    for (size_t i = 0; i < COUNT(columns); i++)
        columns[i] = arena_array(uow->ctx->arena, count, sizeof(**columns));
    for (size_t i = 0; i < count; i++) {
        columns[0][i] = items[i].id;
        columns[1][i] = items[i].kind;
        columns[2][i] = items[i].subject;
        columns[3][i] = items[i].key;
        columns[4][i] = items[i].body;
        columns[5][i] = items[i].correlation_id;
        columns[6][i] = items[i].traceparent;
        delays[i] = items[i].delay_ms;
    }
    SQL(uow, task_add, .ids = {columns[0], count}, .kinds = {columns[1], count}, .subjects = {columns[2], count},
        .keys = {columns[3], count}, .bodies = {columns[4], count}, .correlation_ids = {columns[5], count},
        .traceparents = {columns[6], count}, .delays_ms = {delays, count});
    adds->written = adds->count;
}

void tasks_forget(struct uow *uow)
{
    if (uow->tasks != NULL)
        uow->tasks->count = uow->tasks->written;
}

/* Neighbours of one kind wake it once; what is due later is found by the runner's poll, up to a second late. */
void tasks_wake(const struct uow *uow)
{
    struct task_runner *runner = uow->ctx->service->task_runner;
    const char *woken = NULL;

    for (size_t i = 0; runner != NULL && uow->tasks != NULL && i < uow->tasks->count; i++) {
        const struct task_add *add = &uow->tasks->items[i];
        if (add->delay_ms > 0 || text_equal(add->kind, woken))
            continue;
        task_runner_wake(runner, add->kind);
        woken = add->kind;
    }
}

/* What was added before is written first, so that it can be taken back too. */
void task_cancel(struct uow *uow, const char *key)
{
    tasks_write(uow);
    SQL(uow, task_cancel, .key = key);
}

void task_follow(struct ctx *ctx, const struct task *task)
{
    trace_start(ctx, task->traceparent, task->correlation_id, task->id);
}
