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
#define GIVE_UP_US (INT64_C(3) * 24 * 3600 * CLOCK_SECOND)

/* --- planning --- */

/* What the shop's endpoint at the provider is subscribed to; the rest is only listed by GET /v1/events. */
static bool is_subscribed(const char *type)
{
    return !text_equal(type, "payment_intent.created") && !text_equal(type, "charge.refunded");
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
    int64_t *status = ARENA_NEW(ctx->arena, int64_t);
    struct task_answer answer = {.outcome = TASK_DONE, .detail = status};

    *status = send_webhook(ctx, task->body);
    if (is_taken(*status))
        return answer;
    answer.outcome = clock_now() - task->created_at > GIVE_UP_US ? TASK_REFUSED : TASK_UNKNOWN;
    answer.why = *status == 0 ? "no answer" : arena_printf(ctx->arena, "answered %lld", (long long)*status);
    return answer;
}

static enum err record_delivery(struct uow *uow, const struct task *task, const struct task_answer *answer)
{
    const char *state = answer->outcome == TASK_DONE ? "delivered" : "due";

    if (answer->outcome == TASK_REFUSED)
        state = "given_up";
    SQL(uow, delivery_tried, .id = task->key, .state = state, .status = *(const int64_t *)answer->detail);
    return ERR_NONE;
}

static enum err record_first(struct ctx *ctx, const char *id, int status)
{
    UNIT_OF_WORK(ctx, uow);
    SQL(uow, delivery_tried, .id = id, .state = is_taken(status) ? "delivered" : "due", .status = status);
    if (is_taken(status))
        task_cancel(uow, id);
    return uow_commit(uow);
}

void announce_first(struct ctx *ctx, const struct announcer *all)
{
    for (size_t i = 0; i < all->first_count; i++) {
        int status = send_webhook(ctx, all->first[i].body);
        /* Unrecorded it is sent once more by its task: no harm. */
        if (record_first(ctx, all->first[i].id, status) != ERR_NONE)
            ctx_clear_problem(ctx);
    }
}

const struct task_kind psp_tasks[] = {
    {
        .kind = TASK_KIND,
        .threads = 4,
        .batch = 10,
        .lease_ms = 60000, /* ten calls of at most 5 s each */
        .backoff_ms = 500,
        .backoff_max_ms = 5000,
        .call = deliver,
        .record = record_delivery,
    },
    {NULL},
};
