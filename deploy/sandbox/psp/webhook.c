/* Events and their webhooks. */
#include "webhook.h"

#include <assert.h>
#include <string.h>

#include "clock.h"
#include "identity.h"
#include "log.h"
#include "task.h"
#include "text.h"
#include "view.h"

#include "psp-sandbox/queries.h"

#define TASK_KIND "webhook"
#define PATH "/webhooks/psp"
#define CALL_TIMEOUT_MS 5000
#define FIRST_NET_MS INT64_C(15000) /* then the task sends what the page could not */
#define GATHER_MS 10                /* no shopper feels it, and it lets several be taken and recorded at once */
#define GIVE_UP_US (INT64_C(3) * 24 * 3600 * CLOCK_SECOND)

/* --- planning --- */

/* What the shop's endpoint at the provider is subscribed to; the rest is only listed by GET /v1/events. */
static bool is_subscribed(const char *type)
{
    static const char *const types[] = {"checkout.session.expired",
                                        "payment_intent.amount_capturable_updated",
                                        "payment_intent.succeeded",
                                        "payment_intent.payment_failed",
                                        "payment_intent.canceled",
                                        "refund.created",
                                        "refund.failed"};

    for (size_t i = 0; i < COUNT(types); i++) {
        if (text_equal(types[i], type))
            return true;
    }
    return false;
}

struct announcer announcer(struct uow *uow, const char *payment_id, enum webhook_mode card)
{
    struct ctx *ctx = uow->ctx;
    struct announcer all = {.uow = uow, .payment_id = payment_id, .mode = card};

    all.key = ctx->request != NULL ? request_key(ctx) : NULL;
    if (card == WEBHOOK_NORMAL)
        all.mode = psp_webhook(psp_of(ctx), &all.delay_ms);
    return all;
}

static const char *add_delivery(struct uow *uow, const char *event_id, const char *body, const char *state,
                                int64_t delay_ms)
{
    const char *id = psp_id(uow->ctx->arena, "dl_");

    SQL(uow, delivery_add, .id = id, .event_id = event_id, .state = state);
    if (text_equal(state, "due"))
        task_add(uow, TASK_KIND, event_id, id, body, delay_ms);
    return id;
}

void webhook_plan(struct uow *uow, const char *event_id, const char *body, int64_t delay_ms)
{
    (void)add_delivery(uow, event_id, body, "due", delay_ms); /* nobody asks for its id */
}

static void plan(struct announcer *all, const char *event_id, const char *body)
{
    const int64_t delay_ms = all->delay_ms;

    switch (all->mode) {
    case WEBHOOK_NORMAL:
    case WEBHOOK_MODES:
        webhook_plan(all->uow, event_id, body, 0);
        return;
    case WEBHOOK_LOST:
        (void)add_delivery(all->uow, event_id, body, "lost", 0); /* it only stands there */
        return;
    case WEBHOOK_TWICE:
        webhook_plan(all->uow, event_id, body, 0);
        webhook_plan(all->uow, event_id, body, delay_ms);
        return;
    case WEBHOOK_LATE:
        webhook_plan(all->uow, event_id, body, delay_ms > 0 ? delay_ms : LATE_MS);
        return;
    case WEBHOOK_SHUFFLED:
        /* The first waits longest. */
        webhook_plan(all->uow, event_id, body, (delay_ms > 0 ? delay_ms : SHUFFLED_MS) / (int64_t)(all->count + 1));
        return;
    case WEBHOOK_HOLD:
        (void)add_delivery(all->uow, event_id, body, "held", 0); /* releasing finds it by its state */
        return;
    case WEBHOOK_FIRST:
        assert(all->first_count < ANNOUNCEMENTS_MAX);
        all->first[all->first_count].id = add_delivery(all->uow, event_id, body, "due", FIRST_NET_MS);
        all->first[all->first_count++].body = body;
        return;
    }
}

void announce(struct announcer *all, const char *type, const char *object)
{
    struct arena *arena = all->uow->ctx->arena;
    const struct event_view event = {
        .id = psp_id(arena, "evt_"),
        .type = type,
        .object = object,
        .key = all->key,
        .created = clock_now() / CLOCK_SECOND,
        .is_delivered_by_webhook = is_subscribed(type),
    };
    const char *body = event_view(arena, &event);

    SQL(all->uow, event_add, .id = event.id, .type = type, .payment_id = all->payment_id, .body = body,
        .created = event.created);
    if (!event.is_delivered_by_webhook)
        return;
    plan(all, event.id, body);
    all->count++;
}

/* --- sending --- */

const char *webhook_signature(struct arena *arena, const char *secret, int64_t at, const char *body, size_t size)
{
    const char *time = arena_printf(arena, "%lld", (long long)at);
    const size_t time_size = strlen(time);
    char *message = arena_alloc(arena, time_size + 1 + size);

    memcpy(message, time, time_size);
    message[time_size] = '.';
    memcpy(message + time_size + 1, body, size);
    return arena_printf(arena, "t=%s,v1=%s", time,
                        hmac_sha256_hex(arena, secret, strlen(secret), message, time_size + 1 + size));
}

/* The gateway's status; 0: there was no answer. Every attempt is signed anew. */
static int send_webhook(struct ctx *ctx, const char *body)
{
    const struct psp *psp = psp_of(ctx);
    const size_t size = strlen(body);
    const char *signature = webhook_signature(ctx->arena, psp->secret, clock_now() / CLOCK_SECOND, body, size);
    const struct call call = {
        .method = "POST",
        .path = PATH,
        .headers = {arena_printf(ctx->arena, "Stripe-Signature: %s", signature)},
        .body = body,
        .body_size = size,
        .content_type = "application/json; charset=utf-8",
        .timeout_ms = CALL_TIMEOUT_MS,
    };
    struct answer answer;

    return client_call(ctx, psp->gateway, &call, &answer) == CALL_ANSWERED ? answer.status : 0;
}

static bool is_taken(int64_t status)
{
    return status >= 200 && status < 300;
}

static struct task_answer deliver(struct ctx *ctx, const struct task *task)
{
    const int status = send_webhook(ctx, task->body);
    const char *why = arena_printf(ctx->arena, "answered %d", status); /* delivery_now reads it; 0: not at all */

    if (is_taken(status))
        return (struct task_answer){.outcome = TASK_DONE, .why = why};
    const bool given_up = clock_now() - task->created_at > GIVE_UP_US;
    return (struct task_answer){.outcome = given_up ? TASK_REFUSED : TASK_UNKNOWN, .why = why};
}

/* How a delivery went is what became of its task. */
static enum err record_nothing(struct uow *uow UNUSED, const struct task_result *results UNUSED, size_t count UNUSED)
{
    return ERR_NONE;
}

static enum err take_back(struct ctx *ctx, const char *id)
{
    UNIT_OF_WORK(ctx, uow);
    task_cancel(uow, id);
    return uow_commit(uow);
}

void announce_first(struct ctx *ctx, const struct announcer *all)
{
    for (size_t i = 0; i < all->first_count; i++) {
        if (!is_taken(send_webhook(ctx, all->first[i].body)))
            continue;
        /* Not taken back it is sent once more by its task: no harm. */
        if (take_back(ctx, all->first[i].id) != ERR_NONE)
            ctx_clear_problem(ctx);
    }
}

const struct task_kind psp_tasks[] = {
    {
        .kind = TASK_KIND,
        .threads = 4,
        .batch = 10,
        .gather_ms = GATHER_MS,
        .lease_ms = 60000, /* ten calls of at most 5 s each */
        .backoff_ms = 500,
        .backoff_max_ms = 5000,
        .call = deliver,
        .record_all = record_nothing,
    },
    {NULL},
};
