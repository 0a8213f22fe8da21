/*
 * dispatch - route, caller, limits, body, handler, answer or problem, one line and two metrics.
 */
#include "dispatch.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "clock.h"
#include "edge.h"
#include "identity.h"
#include "joint.h"
#include "json.h"
#include "log.h"
#include "metrics.h"
#include "pause.h"
#include "problem.h"
#include "service.h"
#include "text.h"

#define CORRELATION_HEADER "Waybill-Correlation-Id"
#define CORRELATION_MAX 64 /* bytes */
#define START_HOLD_MS 3000 /* after the start, requests wait for what is missing; later they are told so */
#define START_LOOK_MS 10

static struct metric requests_total = {
    "waybill_http_requests_total", "Requests answered.", METRIC_COUNTER, "route", "status", NULL};
static struct metric request_duration = {
    "waybill_http_request_duration_seconds", "Time to answer.", METRIC_HISTOGRAM, "route", NULL, NULL};

/* --- the memory of a request --- */

static pthread_key_t kept_key; /* the thread's exchange, between its requests */
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;

static void exchange_free(void *of)
{
    struct exchange *exchange = of;

    arena_free(exchange->base);
    arena_free(exchange->scratch);
    free(exchange);
}

static void make_kept_key(void)
{
    if (pthread_key_create(&kept_key, exchange_free) != 0)
        abort();
}

struct exchange *exchange_take(struct http *http, struct service *service)
{
    (void)pthread_once(&kept_once, make_kept_key); /* can't fail with a valid `once` */
    struct exchange *exchange = pthread_getspecific(kept_key);
    if (exchange != NULL) {
        (void)pthread_setspecific(kept_key, NULL); /* can't fail where there was a value */
    } else {
        exchange = calloc(1, sizeof(*exchange));
        if (exchange == NULL)
            abort();
        exchange->base = arena_new(EXCHANGE_ARENA_MAX);
        exchange->scratch = arena_new(EXCHANGE_ARENA_MAX);
    }
    exchange->ctx = (struct ctx){.arena = exchange->base, .service = service, .request = &exchange->request};
    exchange->request = (struct request){.http = http, .query = ""};
    exchange->started_us = clock_monotonic();
    return exchange;
}

void exchange_give_back(struct exchange *exchange)
{
    arena_free(exchange->large);
    arena_free(exchange->large_scratch);
    exchange->large = NULL;
    exchange->large_scratch = NULL;
    arena_clear(exchange->base);
    arena_clear(exchange->scratch);
    if (pthread_getspecific(kept_key) != NULL || pthread_setspecific(kept_key, exchange) != 0)
        exchange_free(exchange);
}

/* --- before the handler --- */

/* Finds the route. At gateways OPTIONS is answered here, for browsers that ask before they call. */
static enum err find_route(struct ctx *ctx, const struct path_tree *paths)
{
    struct request *request = ctx->request;

    switch (path_match(paths, ctx->arena, request->method, request->path, &request->route, request->params)) {
    case PATH_FOUND:
        break;
    case PATH_NONE:
        return FAIL(ctx, NOT_FOUND, "there is nothing at this path");
    case PATH_BROKEN:
        return FAIL(ctx, MALFORMED, "the path is not percent-encoded UTF-8");
    case PATH_METHOD:
        http_header(ctx, "Allow", path_methods(paths, ctx->arena, request->path));
        if (ctx->service->edge == NULL || strcmp(request->method, "OPTIONS") != 0)
            return FAIL(ctx, METHOD, "this path does not know the method %s", request->method);
        request->status = 204;
        request->rendered = true;
        return ERR_NONE;
    }
    if (!query_is_valid(ctx->arena, request->query))
        return FAIL(ctx, MALFORMED, "the query is not percent-encoded UTF-8");
    return ERR_NONE;
}

/* Whether the one who asks may call the route. */
static enum err check_caller(struct ctx *ctx, const struct route *route)
{
    const struct caller *caller = &ctx->caller;

    if (route->who == ROLE_NONE)
        return ERR_NONE;
    if (caller->role == ROLE_NONE)
        return FAIL(ctx, UNAUTHENTICATED, "this needs credentials");
    if ((route->who & caller->role) == 0)
        return FAIL(ctx, FORBIDDEN, "this is not for you to call");
    if (caller->role == ROLE_STAFF && route->right != NULL && !text_has_word(caller->rights, route->right) &&
        !text_has_word(caller->rights, "admin"))
        return FAIL(ctx, FORBIDDEN, "this needs the right \"%s\"", route->right);
    return ERR_NONE;
}

/* Who asks, and the trace: an id of the journey is taken over only from those who proved to be ours. */
static enum err admit(struct ctx *ctx)
{
    struct service *service = ctx->service;
    const struct route *route = ctx->request->route;
    const char *correlation_id = NULL;
    enum err err = ERR_NONE;

    if (route != NULL && service->edge == NULL && route->who != ROLE_NONE) {
        err = identity_verify(ctx, service->identity_keys, request_header(ctx, IDENTITY_HEADER));
        if (err == ERR_NONE)
            correlation_id = request_header(ctx, CORRELATION_HEADER);
        if (correlation_id != NULL &&
            (strlen(correlation_id) > CORRELATION_MAX || !text_has_format(correlation_id, TEXT_TOKEN)))
            correlation_id = NULL;
    }
    trace_start(ctx, request_header(ctx, "traceparent"), correlation_id, NULL);
    TRY(err);
    if (route == NULL)
        return ERR_NONE;
    if (service->edge != NULL)
        TRY(edge_enter(ctx, route));
    return check_caller(ctx, route);
}

/* Whether a Content-Type is JSON in UTF-8. */
static bool is_json(const char *type)
{
    static const char json[] = "application/json";

    if (type == NULL || strncasecmp(type, json, sizeof(json) - 1) != 0)
        return false;
    type += sizeof(json) - 1;
    type += strspn(type, " \t;");
    return *type == '\0' || strcasecmp(type, "charset=utf-8") == 0 || strcasecmp(type, "charset=\"utf-8\"") == 0;
}

static enum err check_size(struct ctx *ctx, const struct route *route)
{
    const struct request *request = ctx->request;
    size_t max = route->body_max > 0 ? route->body_max : HTTP_BODY_MAX;
    const char *stated = request_header(ctx, "Content-Length");
    int64_t length = 0;

    /* The adapter cuts what is longer than any route's limit: then only the header tells. */
    if (stated != NULL && !text_to_int(stated, strlen(stated), &length))
        return FAIL(ctx, TOO_LARGE, "the body may have %zu bytes at most", max);
    if (request->body_size > max || length > (int64_t)max)
        return FAIL(ctx, TOO_LARGE, "the body may have %zu bytes at most", max);
    return ERR_NONE;
}

/* Whether the caller's keys are their own. Those of all others are one space, where a short key would meet another's
 * and bring that one's answer. */
static bool has_own_keys(const struct ctx *ctx)
{
    return ctx->caller.cart_id != NULL || ctx->caller.name != NULL || ctx->caller.role == ROLE_SYSTEM;
}

static enum err take_key(struct ctx *ctx, const struct route *route)
{
    struct request *request = ctx->request;
    if (strcmp(route->method, "GET") == 0)
        return ERR_NONE;

    if (!request_has_header(ctx, "Idempotency-Key")) {
        if (route->flags & ROUTE_KEY_REQUIRED)
            return FAIL(ctx, MALFORMED, "this needs an Idempotency-Key");
        return ERR_NONE;
    }
    const char *key = request_header(ctx, "Idempotency-Key");
    size_t size = key != NULL ? strlen(key) : 0;
    for (size_t i = 0; i < size; i++) {
        if (key[i] <= ' ' || key[i] > '~')
            size = 0;
    }
    if (size == 0 || size > HTTP_KEY_MAX)
        return FAIL(ctx, MALFORMED, "the Idempotency-Key must be 1 to %d visible ASCII characters", HTTP_KEY_MAX);
    if (size < HTTP_KEY_NOBODY_MIN && !has_own_keys(ctx))
        return FAIL(ctx, MALFORMED, "without a token the Idempotency-Key must have %d characters at least",
                    HTTP_KEY_NOBODY_MIN);
    request->key = key;
    return ERR_NONE;
}

/* Decodes the body by the route's record. */
static enum err take_body(struct exchange *exchange, const void **ret)
{
    struct ctx *ctx = &exchange->ctx;
    const struct request *request = &exchange->request;
    const struct route *route = request->route;
    const char *body = request->body;
    size_t size = request->body_size;

    TRY(check_size(ctx, route));
    if ((route->flags & ROUTE_RAW_BODY) != 0 || route->upstream != NULL)
        return ERR_NONE;
    if (route->in == NULL)
        return size == 0 ? ERR_NONE : FAIL(ctx, MALFORMED, "this takes no body");
    if (size == 0 && (route->flags & ROUTE_OPTIONAL_BODY) == 0)
        return FAIL(ctx, MALFORMED, "this needs a body in JSON");
    if (size == 0) {
        body = "{}";
        size = 2;
    } else if (!is_json(request_header(ctx, "Content-Type"))) {
        return FAIL(ctx, MEDIA_TYPE, "the body must be application/json in UTF-8");
    }
    if (exchange->large != NULL)
        ctx->arena = exchange->large;
    void *in = arena_alloc(ctx->arena, route->in->size);
    enum err err = json_decode(ctx, route->in, body, size, JSON_CLOSED, in);
    *ret = in;
    return err;
}

/* --- the handler --- */

static void pause_before_try(int tries)
{
    /* The clock's low digits are chance enough to part two requests that met. */
    int64_t us = ((INT64_C(2000) << tries) + clock_monotonic() % 4000);
    const struct timespec pause = {.tv_nsec = (long)(us * 1000)};
    (void)nanosleep(&pause, NULL); /* shorter is as good */
}

/* Forgets what a try of the handler said. */
static void forget_answer(struct exchange *exchange, const struct request *before, struct arena *scratch)
{
    struct request *request = &exchange->request;

    ctx_clear_problem(&exchange->ctx);
    *request = *before;
    arena_clear(scratch);
}

bool request_may_join(const struct ctx *ctx)
{
    const struct request *request = ctx->request;

    return ctx->service->joint != NULL && request->route->joins != NULL &&
           (request->key == NULL || (request->route->flags & ROUTE_KEY_OWN) != 0);
}

static bool name_needs(struct needs *needs, const struct guest *guest)
{
    return guest->ctx->request->route->joins(needs, guest->ctx, guest->of);
}

static enum err call_handler(const struct guest *guest)
{
    struct ctx *ctx = guest->ctx;

    TRY(ctx->request->route->handle(ctx, guest->of, ctx->request->out));
    if (ctx->joint != NULL)
        http_render(ctx); /* what it points to may be the shared transaction's */
    return ERR_NONE;
}

/* In company at the first try, if it may. */
static enum err call(struct ctx *ctx, const void *in, int tries)
{
    const struct guest guest = {.ctx = ctx, .of = in, .joins = name_needs, .serve = call_handler};

    return tries == 0 && request_may_join(ctx) ? joint_serve(&guest) : call_handler(&guest);
}

/* Calls the handler, again if it lost a race, and renders its answer. */
static enum err run(struct exchange *exchange, const void *in)
{
    struct ctx *ctx = &exchange->ctx;
    struct request *request = &exchange->request;
    const struct route *route = request->route;
    struct arena *scratch = exchange->large_scratch != NULL ? exchange->large_scratch : exchange->scratch;
    const struct request before = *request;
    enum err err = ERR_AGAIN;

    ctx->arena = scratch;
    if (route->upstream != NULL)
        return edge_forward(ctx, route);
    for (int tries = 0; err == ERR_AGAIN && tries < DISPATCH_TRIES; tries++) {
        if (tries > 0) {
            pause_before_try(tries);
            forget_answer(exchange, &before, scratch);
        }
        request->out = route->out != NULL ? arena_alloc(scratch, route->out->size) : NULL;
        err = call(ctx, in, tries);
    }
    if (err == ERR_REPLAY) {
        err = idempotency_replay(ctx);
        if (err == ERR_NONE)
            http_header(ctx, "Idempotent-Replayed", "true");
    }
    TRY(err);
    http_render(ctx);
    if (request->status >= 500 && request->answer == NULL)
        return FAIL(ctx, INTERNAL, "the answer has more than %zu bytes", ANSWER_MAX);
    return ERR_NONE;
}

/* What the service still waits for, after it had its time to start: who comes a moment too early need not come again.
 */
static const char *wait_for_start(struct service *service)
{
    const char *missing;

    while ((missing = atomic_load(&service->missing)) != NULL &&
           clock_monotonic() - service->started_at < START_HOLD_MS * CLOCK_MS)
        pause_ms(START_LOOK_MS);
    return missing;
}

static enum err serve(struct exchange *exchange, const struct path_tree *paths)
{
    struct ctx *ctx = &exchange->ctx;
    struct request *request = &exchange->request;
    const void *in = NULL;

    enum err found = find_route(ctx, paths);
    enum err admitted = admit(ctx);
    TRY(found);
    TRY(admitted);
    if (request->rendered)
        return ERR_NONE;

    const struct route *route = request->route;
    const char *missing = (route->flags & ROUTE_QUIET) == 0 ? wait_for_start(ctx->service) : NULL;
    if (missing != NULL)
        return FAIL(ctx, BUSY, "still starting, waiting for: %s", missing);
    if (route->body_max > HTTP_BODY_MAX) {
        size_t limit = route->body_max * 4 > EXCHANGE_ARENA_MAX ? route->body_max * 4 : EXCHANGE_ARENA_MAX;
        exchange->large = arena_new(limit);
        exchange->large_scratch = arena_new(limit);
    }
    TRY(take_key(ctx, route));
    TRY(take_body(exchange, &in));
    return run(exchange, in);
}

/* --- after it --- */

static const char *role_name(enum role role)
{
    switch (role) {
    case ROLE_SHOPPER:
        return "shopper";
    case ROLE_STAFF:
        return "staff";
    case ROLE_PARTNER:
        return "partner";
    case ROLE_SYSTEM:
        return "system";
    case ROLE_NONE:
        break;
    }
    return "none";
}

/* One line, without path, query, address, token or body; and the metrics. */
static void tell(struct exchange *exchange, enum err err)
{
    const struct ctx *ctx = &exchange->ctx;
    const struct request *request = &exchange->request;
    const struct route *route = request->route;
    const char *pattern = route != NULL ? route->path : "none";
    int64_t duration_us = clock_monotonic() - exchange->started_us;
    char status[16];

    snprintf(status, sizeof(status), "%d", request->status);
    metric_add(&requests_total, pattern, status, 1);
    metric_observe(&request_duration, pattern, NULL, duration_us);

    enum log_level level = LOG_INFO;
    if (route != NULL && (route->flags & ROUTE_QUIET) != 0)
        level = LOG_DEBUG;
    else if (request->status >= 500)
        level = request->status == 503 ? LOG_WARNING : LOG_ERROR;
    const struct log_field fields[] = {
        LOG_TEXT("method", route != NULL ? route->method : request->method),
        LOG_TEXT("route", pattern),
        LOG_INT("status", request->status),
        LOG_INT("duration_us", duration_us),
        LOG_INT("bytes", (int64_t)request->answer_size),
        LOG_TEXT("role", role_name(ctx->caller.role)),
        LOG_TEXT("code", err != ERR_NONE ? err_kind(err)->name : ""),
        /* What clients don't get to see, and only that: a refusal's detail may quote them. */
        LOG_TEXT("detail", request->status >= 500 ? ctx->problem.detail : ""),
        {0},
    };
    if (log_wants(level))
        log_write(level, ctx, "request", fields);
}

/* The headers that every answer has, but not one to a gateway, which says all of it in its own. */
static void add_headers(struct ctx *ctx)
{
    const struct request *request = ctx->request;
    bool caches = false;

    if (ctx->service->edge != NULL)
        edge_leave(ctx);
    else if (ctx->caller.role != ROLE_NONE)
        return;
    http_header(ctx, "X-Content-Type-Options", "nosniff");
    http_header(ctx, CORRELATION_HEADER, ctx->trace.correlation_id);
    http_header(ctx, "traceparent", ctx->trace.traceparent);
    for (size_t i = 0; i < request->header_count; i++)
        caches |= strcasecmp(request->headers[i].name, "Cache-Control") == 0;
    if (!caches)
        http_header(ctx, "Cache-Control", "no-store");
}

void dispatch(struct exchange *exchange, const struct path_tree *paths)
{
    struct ctx *ctx = &exchange->ctx;

    enum err err = serve(exchange, paths);
    if (err == ERR_NONE && ctx->request->stream != NULL)
        err = http_stream_open(ctx);
    if (err != ERR_NONE)
        problem_answer(ctx, err);
    add_headers(ctx);
    tell(exchange, err);
}
