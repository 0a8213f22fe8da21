/*
 * err - errors that carry their own consequence.
 *
 * A kind is one row: the HTTP status it becomes, whether trying again can help, and its name on the wire. The
 * function that knows the most calls FAIL() once; everybody above it passes the kind on with TRY(). Only the HTTP
 * dispatcher, the consumer loop, the task runner and main log errors.
 */
#ifndef WAYBILL_ERR_H
#define WAYBILL_ERR_H

#include <stdbool.h>

#include "macros.h"

/* kind, HTTP status, retryable, name on the wire, title */
#define ERR_KINDS(X)                                                                                                   \
    X(MALFORMED, 400, false, "malformed", "The request cannot be parsed")                                              \
    X(UNAUTHENTICATED, 401, false, "unauthenticated", "Who you are is missing or not valid")                           \
    X(DECLINED, 402, false, "declined", "The payment was declined")                                                    \
    X(FORBIDDEN, 403, false, "forbidden", "You may not do this")                                                       \
    X(NOT_FOUND, 404, false, "not_found", "There is no such thing")                                                    \
    X(METHOD, 405, false, "method_not_allowed", "This method is not allowed here")                                     \
    X(CONFLICT, 409, false, "conflict", "The state does not allow this")                                               \
    X(PRECONDITION, 412, false, "precondition_failed", "It has changed since you read it")                             \
    X(TOO_LARGE, 413, false, "too_large", "The body is too large")                                                     \
    X(MEDIA_TYPE, 415, false, "unsupported_media_type", "This media type is not supported")                            \
    X(INVALID, 422, false, "invalid", "The request is well-formed but not valid")                                      \
    X(PRECONDITION_MISSING, 428, false, "precondition_required", "If-Match is required")                               \
    X(TOO_MANY, 429, true, "too_many_requests", "Too many requests")                                                   \
    X(INTERNAL, 500, false, "internal", "An internal error")                                                           \
    X(BUSY, 503, true, "busy", "Try again soon")                                                                       \
    /* Only inside: never reach a client under their own name. */                                                      \
    X(AGAIN, 503, true, "again", "The transaction lost a race and may be repeated")                                    \
    X(REPLAY, 200, false, "replay", "This Idempotency-Key was used before; its answer is on record")                   \
    X(ABSENT, 404, true, "absent", "The aggregate has not appeared here yet")

enum err {
    ERR_NONE = 0,
#define X(kind, status, retryable, name, title) ERR_##kind,
    ERR_KINDS(X)
#undef X
        ERR_COUNT_
};

struct err_kind {
    int status;
    bool retryable;
    const char *name;
    const char *title;
};

/* The row of a kind; ERR_NONE has none and asserts. */
const struct err_kind *err_kind(enum err err);

struct ctx;

/* Records why in ctx->problem and returns the kind. Messages: lower case, no full stop, quoted ids, no secrets:
 * could not reserve "cup": 2 asked, 1 left */
#define FAIL(ctx, kind, ...) err_fail((ctx), ERR_##kind, __VA_ARGS__)
enum err err_fail(struct ctx *ctx, enum err kind, const char *format, ...) PRINTF(3, 4);

/* Adds the name of a field and what is wrong with it: `errors[]` of the problem. Returns ERR_INVALID. */
enum err err_field(struct ctx *ctx, const char *field, const char *format, ...) PRINTF(3, 4);

/* Returns the error from the enclosing function, if there is one. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        enum err try_err_ = (call);                                                                                    \
        if (try_err_ != ERR_NONE)                                                                                      \
            return try_err_;                                                                                           \
    } while (0)

#endif
