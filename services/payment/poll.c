/* Reading the provider's own list of events. */
#include "poll.h"

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "facts.h"
#include "json.h"
#include "payment/queries.h"
#include "psp.h"
#include "settings.h"
#include "store.h"
#include "stripe.h"
#include "text.h"

#define CALL_TIMEOUT_MS 10000

/* How far the list was read. */
struct progress {
    int64_t since;     /* this round goes down to here */
    int64_t newest;    /* the newest event of this round: where the next one goes down to */
    const char *after; /* the last event that this round read; NULL: it begins */
    int64_t polls;     /* calls answered so far: the number in the next one's key */
};

static RECORD(progress, FIELD_AS_TIME(progress, since), FIELD_AS_TIME(progress, newest), FIELD(progress, after),
              FIELD(progress, polls));

enum err poll_when_due(struct uow *uow, bool *ret_more)
{
    struct progress poll = {0};
    bool due;

    *ret_more = false;
    TRY(SQL_MAYBE(uow, poll_take, progress_record, &poll, &due, .psp = STRIPE_NAME));
    if (!due)
        return uow_commit(uow);
    task_add(uow, "psp.poll", STRIPE_NAME, arena_printf(uow->ctx->arena, "wb-poll-%" PRId64, poll.polls),
             json_encode(uow->ctx->arena, &progress_record, &poll), 0);
    SQL(uow, poll_rest, .psp = STRIPE_NAME, .pause_ms = POLL_EVERY_MS);
    return uow_commit(uow);
}

struct task_answer poll_call(struct ctx *ctx, const struct task *task)
{
    const struct payment_settings *settings = payment_settings(ctx);
    struct stripe_news *news = ARENA_NEW(ctx->arena, struct stripe_news);
    struct progress poll = {0};
    struct answer http = {0};

    if (json_decode(ctx, &progress_record, task->body, strlen(task->body), JSON_OPEN, &poll) != ERR_NONE)
        return (struct task_answer){.outcome = TASK_LATER, .why = "the call cannot be read"};
    const struct call call = {
        .method = "GET",
        .path = stripe_events_path(ctx->arena, poll.since - POLL_OVERLAP_S * CLOCK_SECOND, poll.after),
        .headers = {settings->authorization, "Stripe-Version: " STRIPE_VERSION},
        .timeout_ms = CALL_TIMEOUT_MS,
        .repeatable = true,
    };
    const enum call_result result = client_call(ctx, settings->psp, &call, &http);
    const bool readable =
        result == CALL_ANSWERED && http.status == 200 && stripe_read(ctx, http.body, http.size, clock_now(), news);
    ctx_clear_problem(ctx);
    if (!readable)
        return (struct task_answer){.outcome = TASK_LATER, .why = "could not read the list of events"};
    return (struct task_answer){.outcome = TASK_DONE, .detail = news};
}

enum err poll_record(struct uow *uow, const struct task *task, const struct task_answer *answer)
{
    struct stripe_news *news = answer->detail;
    struct progress poll = {0};

    TRY(json_decode(uow->ctx, &progress_record, task->body, strlen(task->body), JSON_OPEN, &poll));
    if (news->facts.count > 0) {
        TRY(facts_sift(uow, &news->facts));
        TRY(facts_take(uow, &news->facts, "poll"));
    }
    if (news->newest > poll.newest)
        poll.newest = news->newest;
    SQL(uow, poll_save, .psp = STRIPE_NAME, .since = news->has_more ? poll.since : poll.newest, .newest = poll.newest,
        .after = news->has_more ? news->last_id : NULL, .poll = poll.polls);
    return ERR_NONE;
}
