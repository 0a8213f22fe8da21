/*
 * task - anything outside (PSP, SMTP, carrier) is called by a task, never by a handler.
 *
 * A task is a row written in the transaction that decides it. Any copy takes it with a lease and a fencing number,
 * calls outside of any transaction with the row's fixed key, and records the answer in a second transaction that is
 * void if another copy took the task meanwhile. Failures back off; a counterpart that keeps failing is left alone for a
 * while (circuit breaker per kind).
 *
 * Where a thread is free, the copy that adds a task writes it as taken and hands it to that thread after the commit:
 * the same as if it had been the first to take it, without the taking (ADR 8).
 *
 * All of it is done in bulk: the tasks of a unit of work are one INSERT at its commit, a thread takes up to `batch` at
 * once, and their answers are one transaction. Where that fails each answer is recorded alone, so that one task does
 * not take its neighbours along.
 */
#ifndef WAYBILL_TASK_H
#define WAYBILL_TASK_H

#include "needs.h"

enum task_outcome {
    TASK_DONE,    /* the answer is final and goes to record() */
    TASK_REFUSED, /* final, negative, goes to record() */
    TASK_UNKNOWN, /* no answer, or one that may come later: record() is told, then it is tried again with back-off */
    TASK_LATER,   /* nothing happened (could not connect, 429): tried again with back-off, record() is not called */
};

struct task {
    const char *id;
    const char *kind;
    const char *subject; /* the aggregate it belongs to */
    const char *key;     /* idempotency key for the counterpart: fixed for ever */
    const char *body;    /* JSON, what was decided */
    int64_t attempt;     /* this is the n-th call; 1 is the first */
    int64_t created_at;

    /* the runner's */
    int64_t fence;
    const char *correlation_id;
    const char *traceparent;
};

/* Whether the task is not called again. */
static inline bool task_is_over(enum task_outcome outcome)
{
    return outcome == TASK_DONE || outcome == TASK_REFUSED;
}

struct task_answer {
    enum task_outcome outcome;
    void *detail;     /* for record(), in ctx->arena */
    int64_t after_ms; /* with UNKNOWN and LATER: not before; 0: the usual back-off */
    const char *why;  /* for the log and the row; no personal data */
};

struct task_result {
    const struct task *task;
    const struct task_answer *answer;
};

struct task_kind {
    const char *kind;
    int threads;        /* calls at once per process, 1..16 */
    int batch;          /* tasks taken at once by one thread, 1..50 */
    int64_t gather_ms;  /* under load rounds are so far apart, so that batches grow; 0: somebody waits for the answer */
    int64_t lease_ms;   /* longer than a call; of a batch none begins in the last quarter */
    int64_t backoff_ms; /* first pause; doubles up to backoff_max_ms, with jitter */
    int64_t backoff_max_ms;
    struct task_answer (*call)(struct ctx *ctx, const struct task *task);

    /* One of them. record_all() gets one answer or more, and says by task_follow() which one its events come from. */
    enum err (*record)(struct uow *uow, const struct task *task, const struct task_answer *answer);
    enum err (*record_all)(struct uow *uow, const struct task_result *results, size_t count);

    /* Answers that come together share a transaction (joint.h), where it names the rows that record() takes; NULL: each
     * has its own. */
    void (*joins)(struct needs *needs, const struct task *task);
};

/* Adds a task due now (or `delay_ms` later) to the unit of work. A second one with the same key is ignored. The texts
 * are read at the commit: they live in the ctx's arena, or longer. */
void task_add(struct uow *uow, const char *kind, const char *subject, const char *key, const char *body,
              int64_t delay_ms);

/* Takes back a task that nobody has taken yet or that waits for its next try. */
void task_cancel(struct uow *uow, const char *key);

/* Goes on in the journey that added the task. */
void task_follow(struct ctx *ctx, const struct task *task);

/* For uow.c: how many were added; writes those that aren't yet; forgets them, but for the first `keep`; after the
 * commit, wakes who calls them. */
size_t tasks_count(const struct uow *uow);
void tasks_write(struct uow *uow);
void tasks_forget(struct uow *uow, size_t keep);
void tasks_wake(const struct uow *uow);

struct task_runner;

/* Starts the threads of all kinds (ended by a NULL kind). Tasks of other kinds stay where they are. */
struct task_runner *task_runner_start(struct service *service, const struct task_kind *kinds);

/* Tells the runner that so many tasks of a kind were added; nothing if they are not its own. Any thread; cheap. */
void task_runner_wake(struct task_runner *runner, const char *kind, size_t count);

/* How many tasks of a kind could be handed over now: a batch for each free thread, unless the counterpart is left alone
 * or some are known that wait. Any thread; cheap. */
size_t task_runner_room(struct task_runner *runner, const char *kind, int64_t *ret_lease_ms);

/* Has a task called that was written as taken; copies it. Any thread. One that comes when the runner is stopping is
 * dropped: another copy takes it when its lease has ended. */
void task_runner_hand(struct task_runner *runner, const struct task *task, int64_t lease_end_us);

/* Lets running calls finish, gives back what was taken and not called, ends the threads. Accepts NULL. */
void task_runner_stop(struct task_runner *runner);

#endif
