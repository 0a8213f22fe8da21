/* What payment provider and carrier report: proven by signature, then passed on, answered once it is stored. */
#include "clock.h"
#include "integration.h"
#include "json.h"
#include "log.h"
#include "proto/http_fulfilment.h"
#include "proto/integration_api.h"

static enum err check_signature(struct ctx *ctx, const char *header, const struct secrets *secrets)
{
    size_t size;
    const char *body = request_body(ctx, &size);
    enum signature_verdict verdict =
        signature_check(ctx->arena, secrets, request_header(ctx, header), body, size, clock_now() / CLOCK_SECOND);
    if (verdict == SIGNATURE_GOOD)
        return ERR_NONE;

    log_warning(ctx, "a webhook was refused", LOG_TEXT("from", ctx->caller.name),
                LOG_TEXT("signature", signature_verdict_names[verdict]));
    return FAIL(ctx, MALFORMED, "the %s is missing, wrong or too old", header);
}

/* Hands the body over as it came. It may be sent again: reports are stored by their own ids. */
static enum err pass_on(struct ctx *ctx, const char *upstream, const char *path)
{
    struct call call = {.method = "POST", .path = path, .content_type = "application/json", .repeatable = true};
    struct answer answer;

    call.body = request_body(ctx, &call.body_size);
    TRY(edge_call(ctx, upstream, &call, &answer));
    edge_answer(ctx, &answer);
    return ERR_NONE;
}

enum err psp_webhook(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    const struct integration *own = ctx->service->own;

    TRY(check_signature(ctx, "Stripe-Signature", &own->psp));
    return pass_on(ctx, "payment", "/facts/psp");
}

enum err carrier_webhook(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    const struct integration *own = ctx->service->own;
    struct carrier_report report;
    size_t size;
    const char *body = request_body(ctx, &size);

    TRY(check_signature(ctx, "Waybill-Signature", &own->carrier));
    TRY(json_decode(ctx, &carrier_report_record, body, size, JSON_CLOSED, &report));
    return pass_on(ctx, "fulfilment", "/reports/carrier");
}
