/*
 * client - calls over HTTP, by libcurl: a gateway to a service, an adaptor to its counterpart.
 *
 * An upstream is a list of base URLs, used in turn. One that fails to connect is left out for a short while (passive
 * ejection). Connections are kept and shared by all threads. A second try, on another URL, is made only of safe or
 * keyed requests and of what provably reached nobody. No redirects, no proxies.
 */
#ifndef WAYBILL_CLIENT_H
#define WAYBILL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "ctx.h"

struct upstream;

/* "http://a:1,http://b:2": up to 16 URLs. NULL with a log line if the list can't be used. */
struct upstream *upstream_new(const char *name, const char *urls);
void upstream_free(struct upstream *upstream);

#define CALL_HEADERS_MAX 16

struct call {
    const char *method;
    const char *path;                      /* begins with /, already encoded */
    const char *headers[CALL_HEADERS_MAX]; /* "Name: value", NULL-ended; traceparent is added from ctx */
    const char *body;                      /* NULL: none */
    size_t body_size;
    const char *content_type;
    int timeout_ms;    /* the whole call; 0: 5000 */
    size_t answer_max; /* bytes; 0: 4 MiB */
    bool repeatable;   /* safe, or carries a key: may be tried again elsewhere */
};

enum call_result {
    CALL_ANSWERED, /* status is set, whatever it is */
    CALL_NOT_SENT, /* provably nothing reached the counterpart */
    CALL_UNKNOWN,  /* sent, no complete answer: it may have happened */
};

struct answer {
    int status;
    const char *body;
    size_t size;
    const char *content_type; /* NULL if none */
    const char *etag;
    const char *location;
    const char *retry_after;
    const char *idempotent_replayed;
};

/* Makes the call. Answers live in ctx->arena. */
enum call_result client_call(struct ctx *ctx, struct upstream *upstream, const struct call *call, struct answer *ret);

/* Application/x-www-form-urlencoded: adds "&name=value", both encoded. */
void form_add(struct buf *buf, const char *name, const char *value);
void form_add_int(struct buf *buf, const char *name, int64_t value);

#endif
