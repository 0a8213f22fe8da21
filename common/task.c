/*
 * task - adding tasks to a unit of work and taking them back.
 */
#include "task.h"

#include <string.h>

#include "clock.h"
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

    int64_t lease_ms; /* written as taken by this copy, to be handed over after the commit; 0: it is due */
    int64_t lease_end_us;
    const struct id_rows *new_rows; /* what its INSERT made: known once that was answered */
};

struct id_row {
    const char *id;
};
struct id_rows {
    struct id_row *items;
    size_t count;
};
static RECORD(id_row, FIELD(id_row, id));

/* What a unit of work has added, in the order of adding; the first of them are written already. */
struct task_adds {
    struct task_add *items;
    size_t count;
    size_t capacity;
    size_t written;
};

/* The unit of work that writes: a part leaves that to the whole. */
static struct uow *whole(struct uow *uow)
{
    return uow->joins != NULL ? uow->joins : uow;
}

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

    *next_add(whole(uow)) = (struct task_add){
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

/* Whether this copy can call it as soon as it is committed. */
static void lease_if_possible(struct task_runner *runner, struct task_adds *adds, size_t index)
{
    struct task_add *add = &adds->items[index];
    size_t before = 0;
    int64_t lease_ms;

    if (runner == NULL || add->delay_ms > 0)
        return;
    for (size_t i = 0; i < index; i++)
        before += adds->items[i].lease_ms > 0 && text_equal(adds->items[i].kind, add->kind);
    if (task_runner_room(runner, add->kind, &lease_ms) <= before)
        return;
    add->lease_ms = lease_ms;
    add->lease_end_us = clock_monotonic() + lease_ms * CLOCK_MS;
}

static void write_adds(struct uow *uow, const struct task_add *items, size_t count, struct id_rows *new_rows)
{
    struct arena *arena = uow->ctx->arena;
    const char **columns[7];
    int64_t *delays = arena_array(arena, count, sizeof(*delays));
    int64_t *leases = arena_array(arena, count, sizeof(*leases));

    for (size_t i = 0; i < COUNT(columns); i++)
        columns[i] = arena_array(arena, count, sizeof(**columns));
    for (size_t i = 0; i < count; i++) {
        columns[0][i] = items[i].id;
        columns[1][i] = items[i].kind;
        columns[2][i] = items[i].subject;
        columns[3][i] = items[i].key;
        columns[4][i] = items[i].body;
        columns[5][i] = items[i].correlation_id;
        columns[6][i] = items[i].traceparent;
        delays[i] = items[i].delay_ms;
        leases[i] = items[i].lease_ms;
    }
    SQL_ASK(uow, task_add, id_row_record, new_rows, .ids = {columns[0], count}, .kinds = {columns[1], count},
            .subjects = {columns[2], count}, .keys = {columns[3], count}, .bodies = {columns[4], count},
            .correlation_ids = {columns[5], count}, .traceparents = {columns[6], count}, .delays_ms = {delays, count},
            .leases_ms = {leases, count});
}

static void write_new(struct uow *uow, struct task_runner *runner)
{
    struct task_adds *adds = uow->tasks;
    if (adds == NULL || adds->count == adds->written)
        return;

    struct id_rows *new_rows = ARENA_NEW(uow->ctx->arena, struct id_rows);
    for (size_t i = adds->written; i < adds->count; i++) {
        lease_if_possible(runner, adds, i);
        adds->items[i].new_rows = new_rows;
    }
    write_adds(uow, adds->items + adds->written, adds->count - adds->written, new_rows);
    adds->written = adds->count;
}

/* In a block the answer could be lost to a return to a savepoint, and with it whose the task is. */
void tasks_write(struct uow *uow)
{
    write_new(uow, uow->in_block ? NULL : uow->ctx->service->task_runner);
}

size_t tasks_count(const struct uow *uow)
{
    return uow->tasks != NULL ? uow->tasks->count : 0;
}

void tasks_forget(struct uow *uow, size_t keep)
{
    struct task_adds *adds = uow->tasks;

    if (adds != NULL && adds->count > keep)
        adds->count = adds->written > keep ? adds->written : keep;
}

/* A second one with the same key was ignored. */
static bool is_new(const struct task_add *add)
{
    for (size_t i = 0; i < add->new_rows->count; i++) {
        if (text_equal(add->new_rows->items[i].id, add->id))
            return true;
    }
    return false;
}

static void hand_over(struct task_runner *runner, const struct task_add *add)
{
    const struct task task = {
        .id = add->id,
        .kind = add->kind,
        .subject = add->subject,
        .key = add->key,
        .body = add->body,
        .attempt = 1,
        .created_at = clock_now(),
        .fence = 1,
        .correlation_id = add->correlation_id,
        .traceparent = add->traceparent,
    };

    if (is_new(add))
        task_runner_hand(runner, &task, add->lease_end_us);
}

/* Neighbours of one kind wake it once; what is due later is found by the runner's poll, up to a second late. */
void tasks_wake(const struct uow *uow)
{
    struct task_runner *runner = uow->ctx->service->task_runner;
    const size_t count = runner != NULL && uow->tasks != NULL ? uow->tasks->count : 0;
    const struct task_add *items = count > 0 ? uow->tasks->items : NULL;
    size_t due = 0; /* of the kind of this one, and not handed over */

    for (size_t i = 0; i < count; i++) {
        if (items[i].lease_ms > 0)
            hand_over(runner, &items[i]);
        else
            due += items[i].delay_ms == 0;
        if (due > 0 && (i + 1 == count || !text_equal(items[i + 1].kind, items[i].kind))) {
            task_runner_wake(runner, items[i].kind, due);
            due = 0;
        }
    }
}

/* What was added before is written first, and as due, so that it can be taken back too. */
void task_cancel(struct uow *uow, const char *key)
{
    write_new(whole(uow), NULL);
    SQL(uow, task_cancel, .key = key);
}

void task_follow(struct ctx *ctx, const struct task *task)
{
    trace_start(ctx, task->traceparent, task->correlation_id, task->id);
}
