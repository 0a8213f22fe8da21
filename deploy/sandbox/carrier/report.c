/* Reports on their way to the shop: planned as tasks, signed anew with every attempt, repeated until they are taken. */
#include <string.h>

#include "carrier.h"
#include "clock.h"
#include "id.h"
#include "identity.h"
#include "json.h"
#include "task.h"

#include "carrier-sandbox/queries.h"

#define TASK_KIND "report"
#define PATH "/webhooks/carrier"
#define CALL_TIMEOUT_MS 5000
#define GIVE_UP_US (INT64_C(3) * 24 * 3600 * CLOCK_SECOND)

RECORD_SHARED(report, FIELD(report, event_id), FIELD(report, tracking_number), FIELD(report, kind),
              FIELD_AS_TIME(report, at), FIELD(report, note));

void report_plan(struct uow *uow, const struct report *report, int64_t times, int64_t delay_ms)
{
    struct arena *arena = uow->ctx->arena;
    const char *body = json_encode(arena, &report_record, report);

    for (int64_t n = 0; n < times; n++) {
        const char *id = id_new(arena);
        SQL(uow, report_add, .id = id, .event_id = report->event_id, .tracking_number = report->tracking_number,
            .kind = report->kind, .body = body);
        task_add(uow, TASK_KIND, report->tracking_number, id, body, delay_ms);
    }
}

const char *report_signature(struct arena *arena, const char *secret, int64_t at, const char *body, size_t size)
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

static struct task_answer send_report(struct ctx *ctx, const struct task *task)
{
    const struct carrier *carrier = ctx->service->own;
    const size_t size = strlen(task->body);
    const char *signature = report_signature(ctx->arena, carrier->secret, clock_now() / CLOCK_SECOND, task->body, size);
    const struct call call = {
        .method = "POST",
        .path = PATH,
        .headers = {arena_printf(ctx->arena, "Waybill-Signature: %s", signature)},
        .body = task->body,
        .body_size = size,
        .content_type = "application/json",
        .timeout_ms = CALL_TIMEOUT_MS,
    };
    int64_t *status = ARENA_NEW(ctx->arena, int64_t);
    struct task_answer report = {.outcome = TASK_DONE, .detail = status};
    struct answer answer;

    *status = client_call(ctx, carrier->gateway, &call, &answer) == CALL_ANSWERED ? answer.status : 0;
    if (*status >= 200 && *status < 300)
        return report;
    report.outcome = clock_now() - task->created_at > GIVE_UP_US ? TASK_REFUSED : TASK_UNKNOWN;
    report.why = *status == 0 ? "no answer" : arena_printf(ctx->arena, "answered %lld", (long long)*status);
    return report;
}

static enum err record_report(struct uow *uow, const struct task *task, const struct task_answer *answer)
{
    const char *state = answer->outcome == TASK_DONE ? "delivered" : "due";

    if (answer->outcome == TASK_REFUSED)
        state = "given_up";
    SQL(uow, report_tried, .id = task->key, .state = state, .status = *(const int64_t *)answer->detail);
    return ERR_NONE;
}

const struct task_kind carrier_tasks[] = {
    {
        .kind = TASK_KIND,
        .threads = 2,
        .batch = 10,
        .lease_ms = 60000, /* ten calls of at most 5 s each */
        .backoff_ms = 500,
        .backoff_max_ms = 5000,
        .call = send_report,
        .record = record_report,
    },
    {NULL},
};
