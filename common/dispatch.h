/*
 * dispatch - one request from its route to its answer. Between the adapter (http.c) and the handlers.
 *
 * An exchange is the memory of one request. The connection's thread keeps one for its next request; a stream takes it
 * along. Handlers work in `scratch`, which is emptied when a lost race makes them run again; what the request itself
 * says lives in `base`, or in `large` for routes that take big bodies.
 */
#ifndef WAYBILL_DISPATCH_H
#define WAYBILL_DISPATCH_H

#include "path.h"

#define EXCHANGE_ARENA_MAX ((size_t)16 * 1024 * 1024)
#define ANSWER_MAX ((size_t)4 * 1024 * 1024) /* bytes of an encoded answer, which grows by doubling */
#define DISPATCH_TRIES 4                     /* of a handler that loses races */

struct exchange {
    struct ctx ctx;
    struct request request;
    struct arena *base;
    struct arena *scratch;
    struct arena *large;         /* decoded body; NULL for usual routes */
    struct arena *large_scratch; /* NULL for usual routes */
    int64_t started_us;          /* monotonic */
};

/* This thread's exchange, or a new one, ready for a request. */
struct exchange *exchange_take(struct http *http, struct service *service);

/* Drops what the request allocated and keeps the exchange for the thread's next one. */
void exchange_give_back(struct exchange *exchange);

/* Serves the request that the adapter filled in: afterwards it is rendered, or has a stream; logged and counted. */
void dispatch(struct exchange *exchange, const struct path_tree *paths);

/* Whether the request may share a transaction: its route joins, and it has no key to claim by a row of its own. */
bool request_may_join(const struct ctx *ctx);

/* Takes a place among the streams; ERR_BUSY if there is none left. In http.c. */
enum err http_stream_open(struct ctx *ctx) MUST_USE;

/* What every process answers, and what gateways do besides; ended by a NULL method. */
extern const struct route probe_routes[];
extern const struct route page_routes[];

/* Drops a header that was set. */
void http_header_drop(struct ctx *ctx, const char *name);

#endif
