/*
 * task_batch - one round of a task thread: take, call, record. For task_runner.c.
 */
#ifndef WAYBILL_TASK_BATCH_H
#define WAYBILL_TASK_BATCH_H

#include "task.h"

#define TASK_BATCH_MAX 50

struct task_batch {
    struct ctx *ctx;
    const struct task_kind *kind;
    struct task *tasks;
    size_t count;
    size_t from, to; /* those that were called, or passed over, and are not recorded yet */
    struct task_answer answers[TASK_BATCH_MAX];
    bool called[TASK_BATCH_MAX];
    int64_t last_call_us;      /* monotonic: no call begins later */
    int64_t lease_end_us;      /* from then on another copy may have them */
    int64_t uncalled_pause_ms; /* for those that were not called */

    /* The runner's: whether another call may be made, whether it is time to stop, how each call ended. */
    bool (*may_call)(void *of);
    bool (*is_stopping)(void *of);
    void (*called_one)(void *of, enum task_outcome outcome);
    void *of;
};

/* Takes up to `count` due tasks. */
enum err task_batch_take(struct task_batch *batch, size_t count) MUST_USE;

/* Begins with tasks that are taken already; they live as long as the batch, and `lease_end_us` is the first end of all.
 */
void task_batch_accept(struct task_batch *batch, struct task *tasks, size_t count, int64_t lease_end_us);

/* Calls one after another, as long as the lease and may_call() allow, and not for long: a copy that dies with answers
 * in hand leaves calls to be made again. False when all were called. */
bool task_batch_call(struct task_batch *batch);

/* Records these answers, at best in one transaction. Logs what can't be recorded: those are called again. */
void task_batch_record(struct task_batch *batch);

#endif
