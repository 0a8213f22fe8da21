/*
 * ctx - what one request, message, task or timer run carries with it: its memory, who asks, its trace, its error.
 *
 * Lifetime: made by the HTTP dispatcher, the consumer loop, the task runner or the timer thread; dies with the request
 * or message. Everything reachable from it lives in ctx->arena unless said otherwise.
 */
#ifndef WAYBILL_CTX_H
#define WAYBILL_CTX_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"

struct service;

#define FIELD_ERRORS_MAX 20 /* more wrong fields than this are not listed */

/* Who asks: verified by the service from the gateway's signed identity, or the system itself. */
enum role {
    ROLE_NONE = 0,    /* nobody: only /healthz, /readyz, /metrics */
    ROLE_SHOPPER = 1, /* anyone at the storefront; `cart_id` is set if a token was shown and is good */
    ROLE_STAFF = 2,   /* a clerk; `rights` tells what for */
    ROLE_PARTNER = 4, /* an ERP, PSP or carrier at the integration gateway */
    ROLE_SYSTEM = 8,  /* the service itself: consumer, task, timer */
};

struct caller {
    enum role role;
    const char *shop;    /* always set once verified */
    const char *name;    /* staff: the key's name, "clerk-anna"; partner: "psp"; shopper: NULL */
    const char *rights;  /* staff: space-separated, "orders stock"; else NULL */
    const char *cart_id; /* shopper: the cart whose token was shown; else NULL */
};

/* W3C trace context and the ids that tie a journey together. */
struct trace {
    char traceparent[56];       /* 00-<32 hex>-<16 hex>-<2 hex>; "" before trace_start() */
    const char *correlation_id; /* first cause of the journey; NULL before trace_start() */
    const char *causation_id;   /* the event or request that caused this; NULL at the edge */
};

struct field_error {
    const char *field;
    const char *message;
};

struct problem {
    enum err kind;
    const char *detail;
    struct field_error errors[FIELD_ERRORS_MAX];
    size_t error_count;
    const char *extra; /* more members as JSON text, like "\"differences\":[...]", or NULL; in ctx->arena */
};

struct ctx {
    struct arena *arena;
    struct service *service;
    struct caller caller;
    struct trace trace;
    struct problem problem;
    struct request *request; /* the HTTP request being served, or NULL (http.h) */
    struct uow *joint;       /* the transaction that this is served in with others, or NULL (joint.h) */
};

/* Forgets the last error, so that the work can be tried again. */
void ctx_clear_problem(struct ctx *ctx);

#endif
