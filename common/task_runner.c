/*
 * task_runner - the threads that call counterparts, a few per kind, and the circuit breaker of each kind.
 *
 * A wake-up reaches one thread of the kind, and says how many tasks there are; a thread that leaves some of them, or
 * took more than it knew of, calls the next one. So nobody is woken for nothing, nobody looks twice, and a flood is met
 * by all. Where nobody waits for the answers, rounds are `gather_ms` apart, but for the first after a rest and as long
 * as batches are full.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backoff.h"
#include "clock.h"
#include "log.h"
#include "service.h"
#include "task_batch.h"
#include "text.h"

#define THREADS_MAX 16
#define POLL_MS 1000        /* the net under wake-ups, and for what becomes due */
#define FAILURES_IN_A_ROW 5 /* then the counterpart is left alone */

/* A task that was written as taken, on its way to a thread. Lives in the arena of its ctx, whose owner is the list. */
struct handed {
    struct ctx *ctx;
    struct task task;
    int64_t lease_end_us;
    struct handed *next;
};

/* One kind. Everything below `lock` is guarded by it. */
struct crew {
    struct service *service;
    const struct task_kind *kind;
    pthread_t threads[THREADS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
    size_t idle;           /* threads that wait for a turn */
    struct handed *handed; /* oldest first */
    struct handed **handed_end;
    size_t handed_count;
    size_t told;        /* due tasks that we were told of, and nobody looked for yet */
    uint64_t told_ever; /* goes up with each telling */
    bool hungry;        /* there may be more than we were told of */
    int64_t rest_us;    /* until then those that are due gather */
    int64_t poll_at_us; /* when somebody looks without being called */
    int failures;       /* in a row */
    int64_t closed_us;  /* the breaker is open until then; 0: it is not */
    bool probing;       /* one thread finds out whether it may close again */
};

/* What one thread may do now. */
struct turn {
    struct crew *crew;
    struct handed *handed; /* calls these, or takes what is due: */
    size_t count;          /* so many tasks, or at most; 0: it is time to stop */
    size_t known;          /* so many of them are due, as far as we were told */
    uint64_t told_ever;    /* as it was then */
    bool probe;
};

struct task_runner {
    struct crew *crews;
    size_t count;
};

static void wait_until(struct crew *crew, int64_t us)
{
    struct timespec until = {.tv_sec = us / CLOCK_SECOND, .tv_nsec = us % CLOCK_SECOND * 1000};

    pthread_cond_timedwait(&crew->changed, &crew->lock, &until);
}

/* Lets a thread call what was handed over, oldest first: a batch at most. */
static void give_handed(struct crew *crew, struct turn *turn, int64_t now)
{
    const size_t batch = (size_t)crew->kind->batch;
    struct handed **end = &turn->handed;

    turn->handed = crew->handed;
    while (*end != NULL && turn->count < batch) {
        end = &(*end)->next;
        turn->count++;
    }
    crew->handed = *end;
    *end = NULL;
    crew->handed_count -= turn->count;
    if (crew->handed == NULL)
        crew->handed_end = &crew->handed;
    crew->rest_us = turn->count < batch ? now + crew->kind->gather_ms * CLOCK_MS : 0;
}

/* Lets a thread look for what is due. */
static void give_due(struct crew *crew, struct turn *turn, int64_t now)
{
    const size_t batch = (size_t)crew->kind->batch;
    const size_t told = crew->told < batch ? crew->told : batch;

    turn->count = batch;
    turn->known = crew->hungry ? 0 : told;
    turn->told_ever = crew->told_ever;
    crew->told -= told;
    crew->hungry = false;
    crew->rest_us = now + crew->kind->gather_ms * CLOCK_MS;
    crew->poll_at_us = now + jitter(POLL_MS * CLOCK_MS);
    if (crew->told > 0)
        pthread_cond_signal(&crew->changed);
}

static struct turn wait_for_turn(struct crew *crew)
{
    struct turn turn = {.crew = crew};

    pthread_mutex_lock(&crew->lock);
    crew->idle++;
    while (turn.count == 0) {
        const int64_t now = clock_monotonic();
        const bool expected = crew->hungry || crew->told > 0;
        const bool gathers = crew->rest_us > now && crew->handed_count < (size_t)crew->kind->batch;
        if (crew->handed != NULL && gathers && !crew->stopping) {
            wait_until(crew, crew->rest_us);
        } else if (crew->handed != NULL) { /* called, or given back */
            give_handed(crew, &turn, now);
        } else if (crew->stopping) {
            break;
        } else if (crew->closed_us != 0 && crew->probing) {
            wait_until(crew, now + POLL_MS * CLOCK_MS);
        } else if (crew->closed_us > now) {
            wait_until(crew, crew->closed_us);
        } else if (crew->closed_us != 0) {
            crew->probing = turn.probe = true;
            turn.count = 1;
        } else if (!expected && crew->poll_at_us > now) {
            wait_until(crew, crew->poll_at_us);
        } else if (expected && crew->rest_us > now) {
            wait_until(crew, crew->rest_us);
        } else {
            give_due(crew, &turn, now);
        }
    }
    crew->idle--;
    pthread_mutex_unlock(&crew->lock);
    return turn;
}

/* A task of this kind becomes due in `ms`: somebody should look then. */
static void look_in(struct crew *crew, int64_t ms)
{
    int64_t at = clock_monotonic() + ms * CLOCK_MS;

    pthread_mutex_lock(&crew->lock);
    if (at < crew->poll_at_us) {
        crew->poll_at_us = at;
        pthread_cond_signal(&crew->changed);
    }
    pthread_mutex_unlock(&crew->lock);
}

static bool may_call(void *of)
{
    const struct turn *turn = of;

    pthread_mutex_lock(&turn->crew->lock);
    bool may = !turn->crew->stopping && (turn->crew->closed_us == 0 || turn->probe);
    pthread_mutex_unlock(&turn->crew->lock);
    return may;
}

static bool is_stopping(void *of)
{
    const struct turn *turn = of;

    pthread_mutex_lock(&turn->crew->lock);
    bool stopping = turn->crew->stopping;
    pthread_mutex_unlock(&turn->crew->lock);
    return stopping;
}

/* The circuit breaker: a counterpart that keeps failing is left alone, then asked by a single call. */
static void called_one(void *of, enum task_outcome outcome)
{
    struct crew *crew = ((const struct turn *)of)->crew;
    const struct task_kind *kind = crew->kind;

    pthread_mutex_lock(&crew->lock);
    const int64_t closed_us = crew->closed_us;
    if (task_is_over(outcome)) {
        crew->failures = 0;
        if (crew->closed_us != 0) {
            crew->closed_us = 0;
            crew->hungry = true;
            log_info(NULL, "the counterpart answers again", LOG_TEXT("kind", kind->kind));
        }
    } else if (++crew->failures >= FAILURES_IN_A_ROW) {
        int64_t pause = backoff(kind->backoff_ms, kind->backoff_max_ms, crew->failures - FAILURES_IN_A_ROW + 1);
        if (crew->closed_us == 0)
            log_warning(NULL, "the counterpart keeps failing, leaving it alone", LOG_TEXT("kind", kind->kind),
                        LOG_INT("ms", pause));
        crew->closed_us = clock_monotonic() + pause * CLOCK_MS;
    }
    if (crew->closed_us != closed_us)
        pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
}

/* The probe is over, whatever it found. */
static void end_probe(struct crew *crew, bool found_any)
{
    pthread_mutex_lock(&crew->lock);
    crew->probing = false;
    if (!found_any && crew->closed_us != 0)
        crew->closed_us = clock_monotonic() + POLL_MS * CLOCK_MS;
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
}

/* After a take. A full batch may have left some: for another thread, at once. An empty one was no round. */
static void note_take(const struct turn *turn, size_t count)
{
    struct crew *crew = turn->crew;

    pthread_mutex_lock(&crew->lock);
    if (count == 0 && crew->told_ever == turn->told_ever) {
        crew->told = 0; /* another copy was faster */
        crew->rest_us = 0;
    }
    if (count == turn->count && count > turn->known)
        crew->hungry = true;
    if (count == turn->count && (crew->hungry || crew->told > 0)) {
        crew->rest_us = 0;
        pthread_cond_signal(&crew->changed);
    }
    pthread_mutex_unlock(&crew->lock);
}

/* Who was called before looks for these too. */
static void call_one(struct crew *crew, size_t count)
{
    pthread_mutex_lock(&crew->lock);
    if (!crew->hungry && crew->told == 0)
        pthread_cond_signal(&crew->changed);
    crew->told += count;
    crew->told_ever++;
    pthread_mutex_unlock(&crew->lock);
}

/* How long those that were not called rest: until the breaker lets somebody through, or not at all when we stop. */
static int64_t uncalled_pause_ms(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    int64_t pause = (crew->closed_us - clock_monotonic()) / CLOCK_MS;
    if (crew->stopping || crew->closed_us == 0 || pause < 0)
        pause = 0;
    pthread_mutex_unlock(&crew->lock);
    return pause;
}

/* Somebody looks again when those that got no answer become due. */
static void look_again(struct crew *crew, const struct task_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct task_answer *answer = &batch->answers[i];
        if (batch->called[i] && !task_is_over(answer->outcome))
            look_in(crew, answer->after_ms > 0 ? answer->after_ms : crew->kind->backoff_ms);
    }
}

static void release_all(struct handed *handed)
{
    while (handed != NULL) {
        struct handed *next = handed->next;
        ctx_release(handed->ctx);
        handed = next;
    }
}

static void accept_handed(struct task_batch *batch, const struct turn *turn)
{
    struct task *tasks = arena_array(batch->ctx->arena, turn->count, sizeof(*tasks));
    int64_t lease_end_us = turn->handed->lease_end_us;
    size_t count = 0;

    for (const struct handed *each = turn->handed; each != NULL; each = each->next) {
        lease_end_us = each->lease_end_us < lease_end_us ? each->lease_end_us : lease_end_us;
        tasks[count++] = each->task;
    }
    task_batch_accept(batch, tasks, count, lease_end_us);
}

/* Gives the batch its tasks. */
static void fill(struct task_batch *batch, const struct turn *turn)
{
    const char *kind = turn->crew->kind->kind;

    if (turn->handed != NULL) {
        accept_handed(batch, turn);
        return;
    }
    enum err err = task_batch_take(batch, turn->count);
    if (err != ERR_NONE)
        log_warning(batch->ctx, "could not take tasks, trying again", LOG_TEXT("kind", kind),
                    LOG_TEXT("error", err_kind(err)->name), LOG_TEXT("why", batch->ctx->problem.detail));
    else if (!turn->probe)
        note_take(turn, batch->count);
}

static void take_turn(struct turn *turn)
{
    struct crew *crew = turn->crew;
    struct ctx *ctx = ctx_new(crew->service);
    struct task_batch *batch = ARENA_NEW(ctx->arena, struct task_batch);

    *batch = (struct task_batch){
        .ctx = ctx,
        .kind = crew->kind,
        .may_call = may_call,
        .is_stopping = is_stopping,
        .called_one = called_one,
        .of = turn,
    };
    fill(batch, turn);
    while (task_batch_call(batch)) {
        batch->uncalled_pause_ms = uncalled_pause_ms(crew);
        task_batch_record(batch);
    }
    look_again(crew, batch);
    if (turn->probe)
        end_probe(crew, batch->count > 0);
    release_all(turn->handed);
    ctx_release(ctx);
}

static void *work(void *of)
{
    for (struct turn turn = wait_for_turn(of); turn.count > 0; turn = wait_for_turn(of))
        take_turn(&turn);
    return NULL;
}

static void start_crew(struct crew *crew, struct service *service, const struct task_kind *kind)
{
    pthread_condattr_t monotonic;

    assert(kind->threads >= 1 && kind->threads <= THREADS_MAX);
    assert(kind->batch >= 1 && kind->batch <= TASK_BATCH_MAX);
    assert(kind->gather_ms >= 0 && (kind->record != NULL) != (kind->record_all != NULL));
    assert(kind->lease_ms > 0 && kind->backoff_ms > 0 && kind->backoff_max_ms >= kind->backoff_ms);
    crew->service = service;
    crew->kind = kind;
    crew->handed_end = &crew->handed;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&crew->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (int i = 0; i < kind->threads; i++) {
        if (pthread_create(&crew->threads[i], NULL, work, crew) != 0)
            abort();
    }
}

struct task_runner *task_runner_start(struct service *service, const struct task_kind *kinds)
{
    struct task_runner *runner = calloc(1, sizeof(*runner));
    if (runner == NULL)
        abort();
    while (kinds[runner->count].kind != NULL)
        runner->count++;
    runner->crews = calloc(runner->count + 1, sizeof(*runner->crews));
    if (runner->crews == NULL)
        abort();
    for (size_t i = 0; i < runner->count; i++)
        start_crew(&runner->crews[i], service, &kinds[i]);
    return runner;
}

static struct crew *find_crew(struct task_runner *runner, const char *kind)
{
    for (size_t i = 0; i < runner->count; i++) {
        if (text_equal(runner->crews[i].kind->kind, kind))
            return &runner->crews[i];
    }
    return NULL;
}

void task_runner_wake(struct task_runner *runner, const char *kind, size_t count)
{
    struct crew *crew = find_crew(runner, kind);

    if (crew != NULL)
        call_one(crew, count);
}

/* What is known to wait is not overtaken. */
size_t task_runner_room(struct task_runner *runner, const char *kind, int64_t *ret_lease_ms)
{
    struct crew *crew = find_crew(runner, kind);
    size_t room = 0;

    if (crew == NULL)
        return 0;
    pthread_mutex_lock(&crew->lock);
    const size_t free_calls = crew->idle * (size_t)crew->kind->batch;
    if (!crew->stopping && crew->closed_us == 0 && !crew->hungry && crew->told == 0 && free_calls > crew->handed_count)
        room = free_calls - crew->handed_count;
    pthread_mutex_unlock(&crew->lock);
    *ret_lease_ms = crew->kind->lease_ms;
    return room;
}

static struct handed *copy_task(struct service *service, const struct task *task, int64_t lease_end_us)
{
    struct ctx *ctx = ctx_new(service);
    struct arena *arena = ctx->arena;
    struct handed *handed = ARENA_NEW(arena, struct handed);

    *handed = (struct handed){.ctx = ctx, .task = *task, .lease_end_us = lease_end_us};
    handed->task.id = arena_strdup(arena, task->id);
    handed->task.kind = arena_strdup(arena, task->kind);
    handed->task.subject = arena_strdup(arena, task->subject);
    handed->task.key = arena_strdup(arena, task->key);
    handed->task.body = arena_strdup(arena, task->body);
    handed->task.correlation_id = arena_strdup(arena, task->correlation_id);
    handed->task.traceparent = arena_strdup(arena, task->traceparent);
    return handed;
}

void task_runner_hand(struct task_runner *runner, const struct task *task, int64_t lease_end_us)
{
    struct crew *crew = find_crew(runner, task->kind);
    struct handed *handed = copy_task(crew->service, task, lease_end_us);

    pthread_mutex_lock(&crew->lock);
    const bool stopping = crew->stopping;
    if (!stopping) {
        *crew->handed_end = handed;
        crew->handed_end = &handed->next;
        /* Of a batch the first calls somebody who waits for the others, and the last one ends that. */
        const size_t in_batch = crew->handed_count++ % (size_t)crew->kind->batch;
        if (in_batch == 0 || in_batch + 1 == (size_t)crew->kind->batch)
            pthread_cond_signal(&crew->changed);
    }
    pthread_mutex_unlock(&crew->lock);
    if (stopping)
        ctx_release(handed->ctx);
}

void task_runner_stop(struct task_runner *runner)
{
    if (runner == NULL)
        return;
    for (size_t i = 0; i < runner->count; i++) {
        pthread_mutex_lock(&runner->crews[i].lock);
        runner->crews[i].stopping = true;
        pthread_cond_broadcast(&runner->crews[i].changed);
        pthread_mutex_unlock(&runner->crews[i].lock);
    }
    for (size_t i = 0; i < runner->count; i++) {
        struct crew *crew = &runner->crews[i];
        for (int thread = 0; thread < crew->kind->threads; thread++)
            pthread_join(crew->threads[thread], NULL);
        pthread_cond_destroy(&crew->changed);
        pthread_mutex_destroy(&crew->lock);
    }
    free(runner->crews);
    free(runner);
}
