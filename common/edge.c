/*
 * edge - a gateway's start, and what it does before and after each route.
 */
#include "edge.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "edge_state.h"
#include "log.h"

#define TOKENS_KNOWN 65536
#define ADDRESSES_KNOWN 16384
#define ASKED_MAX 500 /* bytes of Access-Control-Request-Headers */
#define PREFLIGHT_MAX_S "600"
#define EXPOSED_HEADERS "ETag, Location, Retry-After, Idempotent-Replayed, Waybill-Correlation-Id"

/* --- start and stop --- */

static bool open_upstreams(struct service *service, struct edge_state *state)
{
    char setting[64];

    for (const char *const *name = service->edge->upstreams; name != NULL && *name != NULL; name++) {
        assert(state->upstream_count < EDGE_UPSTREAMS_MAX);
        snprintf(setting, sizeof(setting), "WAYBILL_%s_URL", *name);
        for (char *at = setting; *at != '\0'; at++)
            *at = (char)toupper((unsigned char)*at);
        struct upstream *upstream = upstream_new(*name, config_text(service->config, setting));
        if (upstream == NULL)
            return false;
        state->upstreams[state->upstream_count].name = *name;
        state->upstreams[state->upstream_count++].upstream = upstream;
    }
    return true;
}

bool edge_start(struct service *service)
{
    struct edge_state *state = calloc(1, sizeof(*state));
    if (state == NULL)
        abort();

    service->edge->state = state;
    state->origins = config_text(service->config, "WAYBILL_CORS_ORIGINS");
    state->by_token = limiter_new(config_int(service->config, "WAYBILL_RATE_TOKEN"), TOKENS_KNOWN);
    state->by_address = limiter_new(config_int(service->config, "WAYBILL_RATE_ADDRESS"), ADDRESSES_KNOWN);
    bool good = networks_read(config_text(service->config, "WAYBILL_TRUSTED_PROXY"), &state->proxies);
    if (!good)
        log_error(NULL, "could not use WAYBILL_TRUSTED_PROXY: it must list addresses or networks");
    good = good && open_upstreams(service, state);
    if (good) {
        state->watch = watch_new(service->kafka, service->edge->tail_topics);
        good = state->watch != NULL;
        if (!good)
            log_error(NULL, "could not read the tail of the topics");
    }
    if (!good)
        edge_stop(service);
    return good;
}

void edge_stop(struct service *service)
{
    struct edge_state *state = service->edge != NULL ? service->edge->state : NULL;
    if (state == NULL)
        return;

    watch_free(state->watch);
    for (size_t i = 0; i < state->upstream_count; i++)
        upstream_free(state->upstreams[i].upstream);
    limiter_free(state->by_token);
    limiter_free(state->by_address);
    free(state);
    service->edge->state = NULL;
}

/* --- before a route --- */

/* The client's address: the socket's, or what a proxy of ours says it saw. */
static struct address client_address(const struct ctx *ctx, const struct networks *proxies)
{
    const struct address peer = address_of(ctx->request->peer);
    const char *forwarded = request_header(ctx, "X-Forwarded-For");
    if (forwarded == NULL || !networks_have(proxies, &peer))
        return peer;

    /* Only the last entry was written by the proxy that we trust. */
    const char *comma = strrchr(forwarded, ',');
    const char *last = comma != NULL ? comma + 1 : forwarded;
    last += strspn(last, " \t");
    struct address client;
    return address_read(last, strcspn(last, " \t"), &client) ? client : peer;
}

static enum err refuse_rate(struct ctx *ctx, int wait_s)
{
    char seconds[16];

    snprintf(seconds, sizeof(seconds), "%d", wait_s);
    http_header(ctx, "Retry-After", seconds);
    return FAIL(ctx, TOO_MANY, "too many requests: try again in %d s", wait_s);
}

enum err edge_enter(struct ctx *ctx, const struct route *route)
{
    struct edge *edge = ctx->service->edge;
    struct edge_state *state = edge->state;
    bool limited = (route->flags & ROUTE_NO_LIMIT) == 0;
    const struct address client = client_address(ctx, &state->proxies);
    int wait_s = 1;

    if (limited &&
        !limiter_take(state->by_address, client.bytes, address_client_size(&client), clock_monotonic(), &wait_s))
        return refuse_rate(ctx, wait_s);

    ctx->caller = (struct caller){.shop = ctx->service->shop};
    if (route->flags & ROUTE_QUIET)
        return ERR_NONE;
    TRY(edge->authenticate(ctx, route));
    struct caller *caller = &ctx->caller;
    if (caller->shop == NULL)
        caller->shop = ctx->service->shop;
    /* Counted by who the credentials name, so a guessed token costs the guesser's address only. */
    const char *name = caller->cart_id != NULL ? caller->cart_id : caller->name;
    if (limited && name != NULL && !limiter_take(state->by_token, name, strlen(name), clock_monotonic(), &wait_s))
        return refuse_rate(ctx, wait_s);
    return ERR_NONE;
}

/* --- after a route --- */

static bool is_allowed_origin(const char *list, const char *origin)
{
    size_t length = strlen(origin);

    for (const char *at = list; *at != '\0';) {
        size_t size = strcspn(at, ", ");
        if ((size == 1 && *at == '*') || (size == length && memcmp(at, origin, size) == 0))
            return true;
        at += size;
        at += strspn(at, ", ");
    }
    return false;
}

/* Whether it is a list of header names and nothing else. */
static bool is_header_list(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("-_, ", *at) == NULL)
            return false;
    }
    return strlen(text) <= ASKED_MAX;
}

static void add_cors(struct ctx *ctx, const struct edge_state *state)
{
    const char *origin = request_header(ctx, "Origin");
    if (state->origins[0] == '\0')
        return;

    http_header(ctx, "Vary", "Origin");
    if (origin == NULL || !is_allowed_origin(state->origins, origin))
        return;
    /* Credentials are tokens in headers, which a foreign page doesn't have; cookies are never allowed along. */
    http_header(ctx, "Access-Control-Allow-Origin", origin);
    http_header(ctx, "Access-Control-Expose-Headers", EXPOSED_HEADERS);
    if (strcmp(ctx->request->method, "OPTIONS") != 0 || request_header(ctx, "Access-Control-Request-Method") == NULL)
        return;
    const char *asked = request_header(ctx, "Access-Control-Request-Headers");
    http_header(ctx, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    if (asked != NULL && is_header_list(asked))
        http_header(ctx, "Access-Control-Allow-Headers", asked);
    http_header(ctx, "Access-Control-Max-Age", PREFLIGHT_MAX_S);
}

void edge_leave(struct ctx *ctx)
{
    const struct request *request = ctx->request;
    bool has_policy = false;

    add_cors(ctx, ctx->service->edge->state);
    for (size_t i = 0; i < request->header_count; i++)
        has_policy |= strcmp(request->headers[i].name, "Content-Security-Policy") == 0;
    if (!has_policy)
        http_header(ctx, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    http_header(ctx, "Referrer-Policy", "no-referrer");
    http_header(ctx, "X-Frame-Options", "DENY");
}

struct ticket *edge_watch(struct ctx *ctx, const char *aggregate_id, const char *const *types)
{
    return watch_for(ctx->service->edge->state->watch, ctx, aggregate_id, types);
}
