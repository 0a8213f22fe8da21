/*
 * timer - one thread that runs each timer when its time has come, and again as long as more is due.
 */
#include "timer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backoff.h"
#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "service.h"

#define TIMERS_MAX 32
#define RUNS_IN_ROW 100 /* then the other timers have their turn */

static struct metric failures_metric = {
    .name = "waybill_timer_failures_total",
    .help = "Runs of a timer that failed and are tried again.",
    .type = METRIC_COUNTER,
    .label = "timer",
};

struct timers {
    struct service *service;
    pthread_t thread;
    const struct timer *list[TIMERS_MAX];
    int64_t next_us[TIMERS_MAX]; /* the thread's own */
    size_t count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping; /* under the lock */
};

static bool is_stopping(struct timers *timers)
{
    pthread_mutex_lock(&timers->lock);
    bool stopping = timers->stopping;
    pthread_mutex_unlock(&timers->lock);
    return stopping;
}

static enum err run_with_ctx(struct ctx *ctx, const struct timer *timer, bool *ret_more)
{
    UNIT_OF_WORK(ctx, uow);
    return timer->run(uow, ret_more);
}

/* Runs a timer until nothing is due, it fails, or it has had its turn. Returns whether it should run again at once. */
static bool run_timer(struct timers *timers, const struct timer *timer)
{
    for (int run = 0; run < RUNS_IN_ROW && !is_stopping(timers); run++) {
        bool more = false;
        struct ctx *ctx = ctx_new(timers->service);
        enum err err = run_with_ctx(ctx, timer, &more);
        if (err != ERR_NONE) {
            log_warning(ctx, "a timer failed and is tried again", LOG_TEXT("timer", timer->name),
                        LOG_TEXT("error", err_kind(err)->name), LOG_TEXT("why", ctx->problem.detail));
            metric_add(&failures_metric, timer->name, NULL, 1);
        }
        ctx_release(ctx);
        if (err != ERR_NONE || !more)
            return false;
    }
    return true;
}

/* Sleeps until the next timer is due. False when it is time to stop. */
static bool sleep_until(struct timers *timers, int64_t due_us)
{
    struct timespec due = {.tv_sec = due_us / CLOCK_SECOND, .tv_nsec = due_us % CLOCK_SECOND * 1000};

    pthread_mutex_lock(&timers->lock);
    while (!timers->stopping && clock_monotonic() < due_us)
        pthread_cond_timedwait(&timers->changed, &timers->lock, &due);
    bool stopping = timers->stopping;
    pthread_mutex_unlock(&timers->lock);
    return !stopping;
}

static void *run_all(void *of)
{
    struct timers *timers = of;
    size_t first;

    do {
        first = 0;
        for (size_t i = 0; i < timers->count; i++) {
            if (timers->next_us[i] <= clock_monotonic()) {
                bool again = run_timer(timers, timers->list[i]);
                timers->next_us[i] = clock_monotonic() + (again ? 0 : jitter(timers->list[i]->every_ms * CLOCK_MS));
            }
        }
        for (size_t i = 0; i < timers->count; i++) {
            if (timers->next_us[i] < timers->next_us[first])
                first = i;
        }
    } while (sleep_until(timers, timers->next_us[first]));
    return NULL;
}

static void add_timers(struct timers *timers, const struct timer *list)
{
    for (; list != NULL && list->name != NULL; list++) {
        if (timers->count == TIMERS_MAX) {
            log_error(NULL, "more timers than a process may have", LOG_INT("most", TIMERS_MAX));
            abort();
        }
        /* Copies that start together don't stay together: also the first run waits a little. */
        timers->next_us[timers->count] = clock_monotonic() + jitter(list->every_ms * CLOCK_MS / 10);
        timers->list[timers->count++] = list;
    }
}

struct timers *timers_start(struct service *service, const struct timer *own)
{
    pthread_condattr_t monotonic;

    struct timers *timers = calloc(1, sizeof(*timers));
    if (timers == NULL)
        abort();
    timers->service = service;
    add_timers(timers, own);
    add_timers(timers, common_timers);
    pthread_mutex_init(&timers->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&timers->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&timers->thread, NULL, run_all, timers) != 0)
        abort();
    return timers;
}

void timers_stop(struct timers *timers)
{
    if (timers == NULL)
        return;
    pthread_mutex_lock(&timers->lock);
    timers->stopping = true;
    pthread_cond_signal(&timers->changed);
    pthread_mutex_unlock(&timers->lock);
    pthread_join(timers->thread, NULL);
    pthread_cond_destroy(&timers->changed);
    pthread_mutex_destroy(&timers->lock);
    free(timers);
}
