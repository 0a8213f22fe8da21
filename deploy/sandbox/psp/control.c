/* The control interface: faults, webhooks, keys; and what time and banks do. */
#include "control.h"

#include "api.h"
#include "event_row.h"
#include "pay.h"
#include "text.h"

#include "psp-sandbox/queries.h"

#define TIMES_MAX 1000000
#define DELAY_MAX_MS 600000
#define REPEAT_MAX 1000

/* --- faults --- */

struct fault_request {
    enum operation_group operation;
    enum fault_mode mode;
    int64_t times;
    int64_t delay_ms;
};
RECORD_SHARED(fault_request, FIELD_AS_ENUM(fault_request, operation, operation_names, .flags = FIELD_REQUIRED),
              FIELD_AS_ENUM(fault_request, mode, fault_mode_names, .flags = FIELD_REQUIRED),
              FIELD(fault_request, times, .least = 1, .most = TIMES_MAX, .flags = FIELD_DEFAULT, .fallback = 1),
              FIELD(fault_request, delay_ms, .least = 0, .most = DELAY_MAX_MS));

struct fault_list {
    struct {
        struct fault_request *items;
        size_t count;
    } faults;
};
RECORD_SHARED(fault_list, FIELD_LIST_OF(fault_list, faults, fault_request_record));

enum err control_show_faults(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct fault_list *list = ret;

    list->faults.items = arena_array(ctx->arena, OPERATION_GROUPS, sizeof(*list->faults.items));
    for (enum operation_group group = 0; group < OPERATION_GROUPS; group++) {
        const struct fault fault = psp_fault(psp_of(ctx), group);
        list->faults.items[list->faults.count++] =
            (struct fault_request){group, fault.mode, fault.times, fault.delay_ms};
    }
    return ERR_NONE;
}

enum err control_set_fault(struct ctx *ctx, const void *in, void *ret)
{
    const struct fault_request *request = in;

    psp_set_fault(psp_of(ctx), request->operation,
                  (struct fault){request->mode, request->mode != FAULT_NONE ? request->times : 0, request->delay_ms});
    return control_show_faults(ctx, NULL, ret);
}

enum err control_reset(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    for (enum operation_group group = 0; group < OPERATION_GROUPS; group++)
        psp_set_fault(psp_of(ctx), group, (struct fault){.mode = FAULT_NONE});
    psp_set_webhook(psp_of(ctx), WEBHOOK_NORMAL, 0);
    return control_show_faults(ctx, NULL, ret);
}

/* --- webhooks --- */

static const char *const process_modes[] = {"normal", "lost", "twice", "late", "shuffled", "hold", NULL};

struct webhook_request {
    enum webhook_mode mode;
    int64_t delay_ms;
};
RECORD_SHARED(webhook_request, FIELD_AS_ENUM(webhook_request, mode, process_modes, .flags = FIELD_REQUIRED),
              FIELD(webhook_request, delay_ms, .least = 0, .most = DELAY_MAX_MS));

struct webhook_view {
    enum webhook_mode mode;
    int64_t delay_ms;
    int64_t held;
    int64_t due;
};
RECORD_SHARED(webhook_view, FIELD_AS_ENUM(webhook_view, mode, webhook_mode_names), FIELD(webhook_view, delay_ms),
              FIELD(webhook_view, held), FIELD(webhook_view, due));

enum err control_show_webhooks(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct webhook_view *view = ret;

    READING(ctx, uow);
    TRY(SQL_ONE(uow, deliveries_count, webhook_view_record, view));
    view->mode = psp_webhook(psp_of(ctx), &view->delay_ms);
    return ERR_NONE;
}

enum err control_set_webhooks(struct ctx *ctx, const void *in, void *ret)
{
    const struct webhook_request *request = in;

    psp_set_webhook(psp_of(ctx), request->mode, request->delay_ms);
    return control_show_webhooks(ctx, NULL, ret);
}

static const char *const order_names[] = {"as_happened", "reversed", NULL};

struct release_request {
    enum { AS_HAPPENED, REVERSED } order;
    int64_t times;
};
RECORD_SHARED(release_request, FIELD_AS_ENUM(release_request, order, order_names),
              FIELD(release_request, times, .least = 1, .most = 100, .flags = FIELD_DEFAULT, .fallback = 1));

struct released {
    int64_t count;
};
RECORD_SHARED(released, FIELD(released, count));

struct held {
    int64_t serial;
    const char *event_id;
    const char *body;
};
static RECORD(held, FIELD(held, serial), FIELD(held, event_id), FIELD(held, body));

struct held_list {
    struct held *items;
    size_t count;
};

/* Tasks that are due at the same time have no order, so each waits a little longer than the one before. */
#define RELEASE_STEP_MS 30

enum err control_release(struct ctx *ctx, const void *in, void *ret)
{
    const struct release_request *request = in;
    struct held_list held;

    UNIT_OF_WORK(ctx, uow);
    TRY(SQL_MANY(uow, deliveries_held, held_record, &held));
    for (size_t i = 0; i < held.count; i++) {
        const struct held *each = &held.items[request->order == REVERSED ? held.count - 1 - i : i];
        SQL(uow, delivery_drop, .serial = each->serial);
        for (int64_t n = 0; n < request->times; n++)
            webhook_plan(uow, each->event_id, each->body, (int64_t)i * RELEASE_STEP_MS);
    }
    ((struct released *)ret)->count = (int64_t)held.count;
    return uow_commit(uow);
}

struct repeat_request {
    const char *event_id;
    int64_t times;
    int64_t delay_ms;
};
RECORD_SHARED(repeat_request, FIELD(repeat_request, event_id, .flags = FIELD_REQUIRED),
              FIELD(repeat_request, times, .least = 1, .most = REPEAT_MAX, .flags = FIELD_DEFAULT, .fallback = 1),
              FIELD(repeat_request, delay_ms, .least = 0, .most = DELAY_MAX_MS));

enum err control_repeat(struct ctx *ctx, const void *in, void *ret)
{
    const struct repeat_request *request = in;
    struct event_row event;
    bool found;

    UNIT_OF_WORK(ctx, uow);
    TRY(SQL_MAYBE(uow, event_get, event_row_record, &event, &found, .id = request->event_id));
    if (!found)
        return FAIL(ctx, NOT_FOUND, "there is no event \"%s\"", request->event_id);
    for (int64_t n = 0; n < request->times; n++)
        webhook_plan(uow, event.id, event.body, request->delay_ms);
    ((struct released *)ret)->count = request->times;
    return uow_commit(uow);
}

/* --- keys --- */

enum err control_forget_keys(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    UNIT_OF_WORK(ctx, uow);
    TRY(SQL_COUNT(uow, keyed_answers_forget, &((struct released *)ret)->count));
    return uow_commit(uow);
}

/* --- what time and banks do --- */

enum err control_expire_session(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    const char *id = path_param(ctx, "id");
    struct session session;
    bool found;

    UNIT_OF_WORK(ctx, uow);
    TRY(session_lock(uow, id, &session, &found));
    if (!found)
        return FAIL(ctx, NOT_FOUND, "there is no session \"%s\"", id);
    if (!text_equal(session.status, "open"))
        return FAIL(ctx, CONFLICT, "session \"%s\" is %s", id, session.status);
    TRY(session_expire(uow, &session));
    return uow_commit(uow);
}

enum err control_expire_payment(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    const char *id = path_param(ctx, "id");
    struct intent intent;
    bool found;

    UNIT_OF_WORK(ctx, uow);
    TRY(intent_lock(uow, id, &intent, &found));
    if (!found)
        return FAIL(ctx, NOT_FOUND, "there is no payment \"%s\"", id);
    if (intent.status != INTENT_REQUIRES_CAPTURE)
        return FAIL(ctx, CONFLICT, "payment \"%s\" is %s", id, intent_status_names[intent.status]);
    intent_end(uow, &intent, "expired");
    return uow_commit(uow);
}

struct reason_request {
    const char *reason;
};
static const char *const reason_names[] = {
    "lost_or_stolen_card", "expired_or_canceled_card", "insufficient_funds", "declined", "unknown", NULL};
RECORD_SHARED(reason_request, FIELD(reason_request, reason, .names = reason_names));

enum err control_fail_refund(struct ctx *ctx, const void *in, void *ret UNUSED)
{
    const struct reason_request *request = in;
    const char *reason = request->reason != NULL ? request->reason : "unknown";
    const char *id = path_param(ctx, "id");
    struct refund refund;
    struct intent intent;
    bool found;

    UNIT_OF_WORK(ctx, uow);
    TRY(refund_find(uow, id, &refund, &found));
    if (!found)
        return FAIL(ctx, NOT_FOUND, "there is no refund \"%s\"", id);
    TRY(intent_lock(uow, refund.intent_id, &intent, &found));
    /* Once more, now that nobody else can change it. */
    TRY(refund_find(uow, id, &refund, &found));
    if (!text_equal(refund.status, "succeeded"))
        return FAIL(ctx, CONFLICT, "refund \"%s\" is %s", id, refund.status);

    struct announcer all = announcer(uow, refund.payment_id, WEBHOOK_NORMAL);
    refund.status = "failed";
    refund.failure_reason = reason;
    intent.charge.refunded -= refund.amount;
    SQL(uow, refund_fail, .id = id, .reason = reason);
    charge_save(uow, &intent.charge);
    announce(&all, "refund.failed", refund_view(ctx->arena, &refund, NULL, 0));
    return uow_commit(uow);
}
