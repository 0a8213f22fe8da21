/*
 * edge - what gateways share: who the caller is, limits, CORS and security headers, passing requests on, waiting.
 *
 * A gateway's routes come from its OpenAPI document in proto/ (tools/protogen.py): most are passed on as they are with
 * a signed identity instead of the caller's credentials; a few have a handler in the gateway. Nothing durable lives
 * here.
 */
#ifndef WAYBILL_EDGE_H
#define WAYBILL_EDGE_H

#include "client.h"
#include "http.h"
#include "service.h"

struct edge {
    const char *openapi;            /* the document, for /openapi.json */
    const char *page;               /* the readable page at /, HTML; NULL: none */
    const char *const *upstreams;   /* "cart", ...: each with its EDGE_UPSTREAM() setting; NULL-ended */
    const char *const *tail_topics; /* topics whose events wake waiting callers; NULL-ended or NULL */
    /* Finds out who asks from the request's credentials and fills ctx->caller, which is what services see. Called for
     * each of the gateway's routes; where everybody may call (who is ROLE_NONE) it must not insist on credentials. */
    enum err (*authenticate)(struct ctx *ctx, const struct route *route);
    struct edge_state *state;
};

/* The settings of every gateway, for its table. Limits are per second with a burst of two seconds' worth. */
#define EDGE_SETTINGS                                                                                                  \
    {"WAYBILL_RATE_TOKEN", SETTING_INT, "100", 0, 1000000, "requests per second of one caller; 0: no limit"},          \
        {"WAYBILL_RATE_ADDRESS", SETTING_INT, "5000", 0, 1000000, "requests per second of one address; 0: no limit"},  \
        {"WAYBILL_TRUSTED_PROXY",                                                                                      \
         SETTING_TEXT,                                                                                                 \
         "",                                                                                                           \
         0,                                                                                                            \
         0,                                                                                                            \
         "addresses or networks, comma-separated, whose X-Forwarded-For is believed"},                                 \
    {                                                                                                                  \
        "WAYBILL_CORS_ORIGINS", SETTING_TEXT, "", 0, 0, "origins that browsers may call from, comma-separated, or *"   \
    }

/* The setting of an upstream: EDGE_UPSTREAM("CART", "http://127.0.0.1:8003") for "cart". */
#define EDGE_UPSTREAM(NAME, fallback)                                                                                  \
    {                                                                                                                  \
        "WAYBILL_" NAME "_URL", SETTING_TEXT, fallback, 0, 0,                                                          \
            "base URLs of the copies of the service, comma-separated"                                                  \
    }

/* Opens upstreams, limiter and tail. False with a log line when a setting is wrong. For service_main(). */
bool edge_start(struct service *service);
void edge_stop(struct service *service);

/* Before a route is called: the client's address, limits, credentials. After: CORS and security headers. For the
 * dispatcher. */
enum err edge_enter(struct ctx *ctx, const struct route *route) MUST_USE;
void edge_leave(struct ctx *ctx);

/* Passes the request on to route->upstream and takes over the answer. ERR_BUSY if there is none. */
enum err edge_forward(struct ctx *ctx, const struct route *route) MUST_USE;

/* A call to a service on behalf of the caller; the answer whatever its status. ERR_BUSY if there is none: no
 * copy was reached, or one was and what it did is unknown. */
enum err edge_call(struct ctx *ctx, const char *upstream, const struct call *call, struct answer *ret) MUST_USE;

/* Takes over a service's answer as ours: status, body, ETag, Location, Retry-After. */
void edge_answer(struct ctx *ctx, const struct answer *answer);

/*
 * Waiting for a change of an aggregate: a ticket taken before the first look can't miss what comes between the look and
 * the wait. A change wakes by the event that tells it; a shipment's also wakes those who wait for its order. When the
 * broker can't be heard, or too many wait, a wait ends each second as if something had happened, so waiting gets
 * slower, never deaf. Stopping ends waits at once.
 */
struct ticket;
/* `types`: the events that count, NULL-ended, kept by the caller; NULL: any. */
struct ticket *edge_watch(struct ctx *ctx, const char *aggregate_id, const char *const *types);
bool edge_wait(struct ticket *ticket, int timeout_ms); /* true: something may have happened since the last look */
void edge_unwatch(struct ticket *ticket);              /* accepts NULL */

#endif
