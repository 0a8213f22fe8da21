/*
 * Calling the provider: what was decided is sent as it was stored, under its key, until there is an answer. What an
 * answer means is in psp.c, what it does is in calls.c.
 */
#include "task.h"

#include <string.h>

#include "calls.h"
#include "clock.h"
#include "facts.h"
#include "json.h"
#include "log.h"
#include "payment/queries.h"
#include "poll.h"
#include "settings.h"
#include "store.h"
#include "stripe.h"
#include "text.h"

#define CALL_TIMEOUT_MS 10000
#define CALL_LEASE_MS 25000  /* one call, and recording it; then another copy makes it again under the same key */
#define QUERY_LEASE_MS 45000 /* two questions of several pages */
#define PAGES_MAX_MS 10000   /* then no page is begun any more */
#define IN_FLIGHT_MS 1000    /* the provider is busy with the same key */
#define SLOWER_MS 5000       /* when it doesn't say how long */
#define SLOWER_MAX_S 600
#define LOCKED_MS 60000 /* our key is not accepted: somebody has to change a setting */

/* Sends one request. The body is a form even when it is empty: that is how the provider wants it. */
static enum call_result send_request(struct ctx *ctx, const char *method, const char *path, const char *form,
                                     const char *key, struct answer *ret)
{
    const struct payment_settings *settings = payment_settings(ctx);
    const bool is_get = text_equal(method, "GET");
    struct call call = {
        .method = method,
        .path = path,
        .headers = {settings->authorization, "Stripe-Version: " STRIPE_VERSION},
        .body = form,
        .body_size = form != NULL ? strlen(form) : 0,
        .content_type = is_get ? NULL : "application/x-www-form-urlencoded",
        .timeout_ms = CALL_TIMEOUT_MS,
        .repeatable = true, /* safe, or keyed */
    };

    if (!is_get)
        call.headers[2] = arena_printf(ctx->arena, "Idempotency-Key: %s", key);
    return client_call(ctx, settings->psp, &call, ret);
}

static void add_facts(struct arena *arena, struct fact_list *list, const struct fact_list *more)
{
    struct fact *longer = arena_array(arena, list->count + more->count, sizeof(*longer));

    for (size_t i = 0; i < list->count + more->count; i++)
        longer[i] = i < list->count ? list->items[i] : more->items[i - list->count];
    *list = (struct fact_list){.items = longer, .count = list->count + more->count};
}

/* One request, and the pages behind it if the answer is a list. */
static enum psp_outcome ask(struct ctx *ctx, const struct psp_call *call, const char *first, const char *key,
                            struct answer *http, struct psp_answer *ret)
{
    const int64_t until = clock_monotonic() + PAGES_MAX_MS * CLOCK_MS;
    const char *path = first;

    for (int page = 0; page < STRIPE_PAGES_MAX && clock_monotonic() < until; page++) {
        struct stripe_news news = {.has_more = false};
        const enum call_result result = send_request(ctx, call->method, path, call->form, key, http);
        const bool good = result == CALL_ANSWERED && http->status >= 200 && http->status < 300;
        const bool readable = good && stripe_read(ctx, http->body, http->size, clock_now(), &news);
        const enum psp_outcome outcome =
            psp_outcome(result, http->status, readable, text_equal(http->idempotent_replayed, "true"));

        ctx_clear_problem(ctx);
        if (result == CALL_ANSWERED && !good)
            ret->code = stripe_error_code(ctx->arena, http->body, http->size);
        if (outcome != PSP_DONE)
            return outcome;
        add_facts(ctx->arena, &ret->facts, &news.facts);
        if (!news.has_more)
            return PSP_DONE;
        path = stripe_next_page(ctx->arena, first, news.last_id);
    }
    return PSP_UNKNOWN; /* longer than we read: it can't prove that something isn't there */
}

static int64_t slower_ms(const struct answer *http)
{
    const char *after = http->retry_after;
    int64_t seconds;

    if (after == NULL || !text_to_int(after, strlen(after), &seconds) || seconds < 1)
        return SLOWER_MS;
    return (seconds < SLOWER_MAX_S ? seconds : SLOWER_MAX_S) * 1000;
}

/* What the runner does with each outcome. A query changes nothing there, so one without an answer is just made
 * again. */
static struct task_answer conclude(const struct answer *http, struct psp_answer *answer, bool is_query)
{
    const enum task_outcome unanswered = is_query ? TASK_LATER : TASK_UNKNOWN;

    switch (answer->outcome) {
    case PSP_DONE:
        return (struct task_answer){.outcome = TASK_DONE, .detail = answer};
    case PSP_DECLINED:
    case PSP_REFUSED:
        return (struct task_answer){.outcome = TASK_REFUSED, .detail = answer, .why = answer->code};
    case PSP_SPENT:
        return (struct task_answer){.outcome = TASK_REFUSED, .detail = answer, .why = "its key repeats an error"};
    case PSP_LOCKED:
        return (struct task_answer){
            .outcome = TASK_UNKNOWN, .detail = answer, .after_ms = LOCKED_MS, .why = "our key is not accepted"};
    case PSP_NOT_SENT:
        return (struct task_answer){.outcome = TASK_LATER, .why = "could not connect"};
    case PSP_IN_FLIGHT:
        return (struct task_answer){
            .outcome = TASK_LATER, .after_ms = IN_FLIGHT_MS, .why = "the same call is under way"};
    case PSP_SLOWER:
        return (struct task_answer){.outcome = TASK_LATER, .after_ms = slower_ms(http), .why = "too many calls"};
    case PSP_UNKNOWN:
        break;
    }
    return (struct task_answer){.outcome = unanswered, .detail = answer, .why = "no usable answer"};
}

static struct task_answer call_provider(struct ctx *ctx, const struct task *task)
{
    struct psp_answer *answer = ARENA_NEW(ctx->arena, struct psp_answer);
    struct psp_call call = {0};
    struct answer http = {0};

    if (json_decode(ctx, &psp_call_record, task->body, strlen(task->body), JSON_OPEN, &call) != ERR_NONE)
        return (struct task_answer){.outcome = TASK_LATER, .why = "the call cannot be read"};
    const bool is_query = text_equal(call.method, "GET");

    /* The provider forgets a key after a day: from then on only a query can tell. A first call is safe at any age. */
    if (!is_query && task->attempt > 1 && clock_now() - task->created_at > CALL_KEY_TTL_S * CLOCK_SECOND) {
        answer->outcome = PSP_SPENT;
        return conclude(&http, answer, is_query);
    }
    answer->code = "refused";
    answer->outcome = ask(ctx, &call, call.path, task->key, &http, answer);
    if (answer->outcome == PSP_DONE && call.also != NULL)
        answer->outcome = ask(ctx, &call, call.also, task->key, &http, answer);
    if (answer->outcome == PSP_LOCKED)
        log_error(ctx, "the payment provider does not accept our key", LOG_INT("status", http.status));
    return conclude(&http, answer, is_query);
}

static enum err record_answer(struct uow *uow, const struct task *task, const struct task_answer *answer)
{
    struct payment payment = {0};
    struct psp_call call = {0};
    bool found;

    TRY(json_decode(uow->ctx, &psp_call_record, task->body, strlen(task->body), JSON_OPEN, &call));
    TRY(payment_lock(uow, task->subject, &payment, &found));
    struct intent *intent = payment_find(&payment, call.intent);
    if (!found || intent == NULL)
        return FAIL(uow->ctx, INTERNAL, "payment \"%s\" has no intent %d", task->subject, (int)call.intent);
    TRY(call_answered(uow, &payment, intent, task->key, &call, answer->detail));
    payment_save(uow, &payment);
    return ERR_NONE;
}

static void needs_payment(struct needs *needs, const struct task *task)
{
    needs_row(needs, &payment_rows, task->subject);
}

#define TO_PROVIDER(name, how_many, lease)                                                                             \
    {                                                                                                                  \
        .kind = (name), .threads = (how_many), .batch = 1, .lease_ms = (lease), .backoff_ms = 500,                     \
        .backoff_max_ms = 60000, .call = call_provider, .record = record_answer, .joins = needs_payment                \
    }

/* One call at a time and thread, since each records into the payment that it locks. */
const struct task_kind payment_tasks[] = {
    TO_PROVIDER("psp.create_session", 16, CALL_LEASE_MS),
    TO_PROVIDER("psp.capture", 8, CALL_LEASE_MS),
    TO_PROVIDER("psp.expire", 2, CALL_LEASE_MS),
    TO_PROVIDER("psp.cancel", 2, CALL_LEASE_MS),
    TO_PROVIDER("psp.refund", 2, CALL_LEASE_MS),
    TO_PROVIDER("psp.query", 4, QUERY_LEASE_MS),
    {
        .kind = "psp.poll",
        .threads = 1,
        .batch = 1,
        .lease_ms = CALL_LEASE_MS,
        .backoff_ms = 1000,
        .backoff_max_ms = 60000,
        .call = poll_call,
        .record = poll_record,
    },
    {NULL},
};
