/*
 * probe - what every process answers: is it alive, can it work, how much has it done, what a problem means. And the
 * document and the page of gateways.
 */
#include <string.h>

#include "dispatch.h"
#include "edge.h"
#include "metrics.h"
#include "service.h"

#define METRICS_MAX ((size_t)1024 * 1024)
#define READY_MAX ((size_t)4096)

static enum err show_health(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    static const char alive[] = "alive\n";

    http_text(ctx, "text/plain", alive, sizeof(alive) - 1);
    return ERR_NONE;
}

static enum err show_readiness(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct buf missing;
    buf_init(&missing, ctx->arena, READY_MAX);

    bool ready = service_is_ready(ctx->service, &missing);
    if (ready && http_is_stopping(ctx)) {
        ready = false;
        buf_add_text(&missing, "stopping");
    }
    if (!ready)
        http_status(ctx, 503);
    const char *text = ready ? "ready\n" : arena_printf(ctx->arena, "not ready: %s\n", missing.data);
    http_text(ctx, "text/plain", text, strlen(text));
    return ERR_NONE;
}

static enum err show_metrics(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct buf buf;
    buf_init(&buf, ctx->arena, METRICS_MAX);

    metrics_write(&buf);
    http_text(ctx, "text/plain; version=0.0.4; charset=utf-8", buf.data, buf.size);
    return ERR_NONE;
}

/* Where a problem's `type` points to. */
static enum err show_problem(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    const char *name = path_param(ctx, "name");

    for (int err = ERR_NONE + 1; err < ERR_AGAIN; err++) {
        const struct err_kind *kind = err_kind((enum err)err);
        if (strcmp(kind->name, name) != 0)
            continue;
        const char *again = kind->retryable ? " The same request may work later; see Retry-After." : "";
        const char *text = arena_printf(ctx->arena, "%s (status %d): %s.%s\n", name, kind->status, kind->title, again);
        http_text(ctx, "text/plain", text, strlen(text));
        return ERR_NONE;
    }
    return FAIL(ctx, NOT_FOUND, "there is no problem \"%s\"", name);
}

static enum err show_document(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    const char *document = ctx->service->edge->openapi;
    if (document == NULL)
        return FAIL(ctx, NOT_FOUND, "there is no document here");

    http_text(ctx, "application/json", document, strlen(document));
    return ERR_NONE;
}

static enum err show_page(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    const char *page = ctx->service->edge->page;
    if (page == NULL)
        return FAIL(ctx, NOT_FOUND, "there is no page here");

    http_header(ctx, "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    http_text(ctx, "text/html; charset=utf-8", page, strlen(page));
    return ERR_NONE;
}

#define PROBE .who = ROLE_NONE, .flags = ROUTE_NO_LIMIT | ROUTE_QUIET

const struct route probe_routes[] = {
    {"GET", "/healthz", .handle = show_health, PROBE},
    {"GET", "/readyz", .handle = show_readiness, PROBE},
    {"GET", "/metrics", .handle = show_metrics, PROBE},
    {"GET", "/problems/:name", .handle = show_problem, PROBE},
    {0},
};

const struct route page_routes[] = {
    {"GET", "/openapi.json", .handle = show_document, PROBE},
    {"GET", "/", .handle = show_page, PROBE},
    {0},
};
