/*
 * forward - a gateway's calls to services: on behalf of the caller, with a signed identity.
 */
#include <assert.h>
#include <string.h>

#include "edge.h"
#include "edge_state.h"
#include "identity.h"
#include "log.h"
#include "path.h"

#define FORWARD_TIMEOUT_MS 5000
#define IMPORT_TIMEOUT_MS 60000
#define UPSTREAM_PATH_MAX ((size_t)128 * 1024) /* the server takes 32 kB of path and headers; encoding triples it */

static struct upstream *find_upstream(const struct ctx *ctx, const char *name)
{
    const struct edge_state *state = ctx->service->edge->state;

    for (size_t i = 0; i < state->upstream_count; i++) {
        if (strcmp(state->upstreams[i].name, name) == 0)
            return state->upstreams[i].upstream;
    }
    assert(!"the gateway lists no such upstream");
    return NULL;
}

static void add_header(struct call *call, const char *line)
{
    size_t count = 0;

    while (count < CALL_HEADERS_MAX && call->headers[count] != NULL)
        count++;
    assert(count < CALL_HEADERS_MAX);
    call->headers[count] = line;
}

enum err edge_call(struct ctx *ctx, const char *upstream, const struct call *call, struct answer *ret)
{
    struct request *request = ctx->request;
    struct call full = *call;

    if (request->identity == NULL)
        request->identity = identity_sign(ctx, ctx->service->identity_keys, &ctx->caller);
    add_header(&full, arena_printf(ctx->arena, "%s: %s", IDENTITY_HEADER, request->identity));
    add_header(&full, arena_printf(ctx->arena, "Waybill-Correlation-Id: %s", ctx->trace.correlation_id));
    switch (client_call(ctx, find_upstream(ctx, upstream), &full, ret)) {
    case CALL_ANSWERED:
        break;
    case CALL_NOT_SENT:
        return FAIL(ctx, BUSY, "could not reach \"%s\"", upstream);
    case CALL_UNKNOWN:
        return FAIL(ctx, BUSY, "could not get an answer from \"%s\"", upstream);
    }
    /* Nothing was done, and another copy of us may be believed; an operator has to see it all the same. */
    if (ret->status == 401) {
        log_error(ctx, "a service refused our identity: the keys or the clocks differ", LOG_TEXT("service", upstream));
        return FAIL(ctx, BUSY, "\"%s\" does not know us", upstream);
    }
    return ERR_NONE;
}

/* The path at the service, with the parameters' values put in and encoded again, and the query. */
static const char *upstream_path(struct ctx *ctx, const struct route *route)
{
    const struct request *request = ctx->request;
    struct buf buf;

    buf_init(&buf, ctx->arena, UPSTREAM_PATH_MAX);
    if (route->upstream_path == NULL) {
        percent_clean(&buf, request->path);
    } else {
        for (const char *at = route->upstream_path; *at != '\0';) {
            if (*at == ':') {
                size_t size = strcspn(at, "/");
                percent_encode(&buf, path_param(ctx, arena_copy(ctx->arena, at + 1, size - 1)));
                at += size;
            } else {
                buf_add_char(&buf, *at++);
            }
        }
    }
    if (request->query[0] != '\0') {
        buf_add_char(&buf, strchr(buf.data, '?') != NULL ? '&' : '?');
        percent_clean(&buf, request->query);
    }
    return buf.data;
}

enum err edge_forward(struct ctx *ctx, const struct route *route)
{
    static const char *const passed[] = {"Idempotency-Key", "If-Match", "Prefer", "Accept"};
    const struct request *request = ctx->request;
    bool safe = strcmp(route->method, "GET") == 0;
    struct call call = {
        .method = route->method, /* HEAD as GET: then the length is known */
        .path = upstream_path(ctx, route),
        .body = request->body_size > 0 ? request->body : NULL,
        .body_size = request->body_size,
        .content_type = request->body_size > 0 ? request_header(ctx, "Content-Type") : NULL,
        .timeout_ms =
            (route->body_max > HTTP_BODY_MAX ? IMPORT_TIMEOUT_MS : FORWARD_TIMEOUT_MS) + request_wait_s(ctx) * 1000,
        .repeatable = safe || request->key != NULL,
    };
    struct answer answer;

    for (size_t i = 0; i < COUNT(passed); i++) {
        const char *value = request_header(ctx, passed[i]);
        if (value != NULL)
            add_header(&call, arena_printf(ctx->arena, "%s: %s", passed[i], value));
    }
    TRY(edge_call(ctx, route->upstream, &call, &answer));
    edge_answer(ctx, &answer);
    return ERR_NONE;
}

void edge_answer(struct ctx *ctx, const struct answer *answer)
{
    struct request *request = ctx->request;

    request->status = answer->status;
    if (answer->size > 0)
        http_text(ctx, answer->content_type, answer->body, answer->size);
    if (answer->etag != NULL)
        http_header(ctx, "ETag", answer->etag);
    if (answer->location != NULL)
        http_header(ctx, "Location", answer->location);
    if (answer->retry_after != NULL)
        http_header(ctx, "Retry-After", answer->retry_after);
    if (answer->idempotent_replayed != NULL)
        http_header(ctx, "Idempotent-Replayed", answer->idempotent_replayed);
    request->rendered = true;
}
