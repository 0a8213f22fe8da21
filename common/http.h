/*
 * http - the edge of a process: routes as a table, and one adapter around ulfius that does everything they share.
 *
 * For each request the adapter makes an arena and a ctx, reads trace context, verifies who asks, enforces limits (body,
 * header, strict UTF-8), matches the route (404, 405 with Allow, 415), decodes the body by the route's record (400,
 * 422), calls the handler, encodes the answer or the problem (RFC 9457), logs one line and counts. Path, query and body
 * are never logged: the route's pattern is.
 *
 * Idempotency-Key: a keyed POST answers again from the record of its first time. The first statement of the handler's
 * unit of work claims (caller, key); uow_commit() stores the answer, so handlers fill `ret` before they commit. Same
 * key with another body is 422. Answers of 5xx are never stored.
 */
#ifndef WAYBILL_HTTP_H
#define WAYBILL_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "ctx.h"
#include "record.h"

struct needs;
struct sockaddr;
struct uow;

#define HTTP_BODY_MAX (64 * 1024) /* bytes of a JSON body; a route may state its own */
#define HTTP_IMPORT_MAX (32 * 1024 * 1024)
#define HTTP_KEY_MAX 128       /* bytes of an Idempotency-Key */
#define HTTP_KEY_NOBODY_MIN 16 /* bytes at least, of callers without a name: they share one space of keys */
#define HTTP_WAIT_MAX_S 30     /* Prefer: wait */
#define HTTP_PARAM_MAX 128     /* bytes of a path parameter */
#define HTTP_IDLE_MAX_S 30     /* a connection without a request */
#define HTTP_RECEIVE_MAX_S                                                                                             \
    30                       /* from a request's first line to its last byte; ten times that where imports are taken   \
                              */
#define HTTP_STREAMS_MAX 500 /* at once, per process */
#define HTTP_HEARTBEAT_S 15  /* a stream's `next` should come back by then */
#define PAGE_LIMIT_DEFAULT 50
#define PAGE_LIMIT_MAX 200

enum route_flag {
    ROUTE_KEY_REQUIRED = 1 << 0,  /* 400 without an Idempotency-Key */
    ROUTE_KEY_OWN = 1 << 1,       /* the handler keeps the key itself (placing) */
    ROUTE_RAW_BODY = 1 << 2,      /* any media type; the handler reads request_body() */
    ROUTE_NO_LIMIT = 1 << 3,      /* no rate limit at the gateway */
    ROUTE_OPTIONAL_BODY = 1 << 4, /* no body counts as {} */
    ROUTE_QUIET = 1 << 5,         /* not logged when all is well: probes */
};

struct route {
    const char *method;
    const char *path;         /* "/orders/:id/cancel" */
    unsigned who;             /* roles that may call, or ROLE_NONE for everybody */
    const char *right;        /* staff also need this word in their rights; NULL: none */
    const struct record *in;  /* NULL: no body */
    const struct record *out; /* NULL: no body, or the handler calls http_text() */
    int status;               /* when the handler says nothing else */
    enum err (*handle)(struct ctx *ctx, const void *in, void *ret);
    unsigned flags;
    size_t body_max; /* 0: HTTP_BODY_MAX */

    /* Requests that come together share a transaction (joint.h), where it names the rows that `handle` takes; false:
     * this one is served alone. For commands that are over in a moment and mostly not refused. Those that claim an
     * Idempotency-Key by a row of its own stay alone: they would take locks in another order. */
    bool (*joins)(struct needs *needs, struct ctx *ctx, const void *in);

    /* Gateways: passed on as it is to a service, instead of `handle`. */
    const char *upstream;      /* "cart" */
    const char *upstream_path; /* with the same :parameters; NULL: the same path */
};

/* What a handler may ask of its request. All texts live in ctx->arena. */
const char *path_param(const struct ctx *ctx, const char *name);     /* asserts that the route has it */
const char *query_param(const struct ctx *ctx, const char *name);    /* NULL if absent */
const char *request_header(const struct ctx *ctx, const char *name); /* NULL if absent or not UTF-8 */
bool request_has_header(const struct ctx *ctx, const char *name);    /* whatever its bytes are */
const char *request_bearer(const struct ctx *ctx);                   /* of Authorization: Bearer, or NULL */
const char *request_body(const struct ctx *ctx, size_t *ret_size);
const char *request_key(const struct ctx *ctx);         /* Idempotency-Key or NULL */
const char *request_fingerprint(const struct ctx *ctx); /* hex of method, path and body: same request or not */
int request_wait_s(const struct ctx *ctx);              /* Prefer: wait=N, 0..HTTP_WAIT_MAX_S */

/* The query by a record of texts, enums, times and integers; absent ones are NULL, or 0, or their fallback. ERR_INVALID
 * names each that breaks a rule of its field. What the record doesn't know is ignored. */
enum err request_query(struct ctx *ctx, const struct record *record, void *ret) MUST_USE;

/* For the query of a list: FIELD(order_query, limit, PAGE_LIMIT). */
#define PAGE_LIMIT .flags = FIELD_DEFAULT, .fallback = PAGE_LIMIT_DEFAULT, .least = 1, .most = PAGE_LIMIT_MAX

/* The query of a list of things that are known by UUIDs and can't be filtered. */
struct page_query {
    const char *after; /* the last one of the page before; NULL: none */
    int64_t limit;
};
extern const struct record page_query_record;

/* The path parameter if it is a UUID; otherwise there is no such thing (ERR_NOT_FOUND). */
enum err path_id(struct ctx *ctx, const char *name, const char **ret) MUST_USE;

/* The version in If-Match: "7". ERR_PRECONDITION_MISSING without one. */
enum err request_if_match(struct ctx *ctx, int64_t *ret) MUST_USE;

/* What a handler may say beside `ret`. Copied. */
void http_status(struct ctx *ctx, int status);
void http_header(struct ctx *ctx, const char *name, const char *value);
void http_etag(struct ctx *ctx, int64_t version);
void http_text(struct ctx *ctx, const char *content_type, const char *bytes,
               size_t size); /* instead of `ret`; not copied, in ctx->arena */

/*
 * Server-sent events and other long answers: `next` writes into `buf` and is called until it returns false. It may
 * block up to HTTP_HEARTBEAT_S and looks at http_is_stopping(). Nothing written and true means a heart-beat comment.
 * What it allocates in ctx->arena is gone with its next call; `state` stays. At the end, however it came, it is called
 * once with `buf` NULL to release what `state` holds.
 */
typedef bool (*http_stream)(struct ctx *ctx, struct buf *buf, void *state);
void http_answer_stream(struct ctx *ctx, const char *content_type, http_stream next, void *state);
bool http_is_stopping(const struct ctx *ctx);

struct http;

/*
 * Listens on WAYBILL_LISTEN ("127.0.0.1:8080", "[::1]:8080", ":8080" for every address; port 0 takes a free one) and
 * serves service->routes with what every process has: /healthz, /readyz, /metrics, /problems/:name; and with a database
 * what the back office asks (desk.h). NULL with a log line when it can't. One thread per connection. A request must
 * have arrived within HTTP_RECEIVE_MAX_S.
 */
struct http *http_start(struct service *service);

/* The port it listens on. */
int http_port(const struct http *http);

/* Serves who is connected already, refuses the others, lets running requests finish (up to `patience_ms`), stops.
 * Accepts NULL. */
void http_stop(struct http *http, int patience_ms);

/* --- inside: the adapter, the dispatcher and the idempotency record share these --- */

#define PATH_PARAMS_MAX 6
#define HTTP_HEADERS_MAX 24

struct request {
    struct http *http;
    const struct route *route; /* NULL: none matched */
    const char *method;
    const char *path;                    /* as it was sent */
    const char *query;                   /* behind the ?, as it was sent; "" if there is none */
    const char *params[PATH_PARAMS_MAX]; /* values, in the order of the pattern */
    const char *body;
    size_t body_size;
    const char *key;
    const char *fingerprint;
    const char *identity;        /* signed, once a gateway called on */
    const struct sockaddr *peer; /* of the connection */
    const void *ulfius;          /* struct _u_request */

    /* the answer */
    int status;
    const char *content_type;
    const char *answer;
    size_t answer_size;
    struct http_header {
        const char *name;
        const char *value;
    } headers[HTTP_HEADERS_MAX];
    size_t header_count;
    http_stream stream;
    void *stream_state;
    void *out; /* what the handler fills */
    bool rendered;
    bool key_claimed;
};

/* Encodes what the handler filled, once. For uow_commit() of keyed requests, and for the dispatcher. */
void http_render(struct ctx *ctx);

/* Whether this unit of work has to claim the request's key: there is one, and neither the handler nor an earlier one
 * did. */
bool idempotency_is_due(const struct uow *uow);
/* If it has to, queues the claim as the first statement. A key used before fails the work with ERR_REPLAY. For uow.c.
 */
void idempotency_claim(struct uow *uow);
/* If this unit of work claimed the key, renders the answer and queues its storing. For uow_commit(). */
void idempotency_store(struct uow *uow);
/* After ERR_REPLAY: puts the answer on record into the request. For the dispatcher. */
enum err idempotency_replay(struct ctx *ctx) MUST_USE;

#endif
