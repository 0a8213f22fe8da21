/*
 * json_parse - JSON text as a row of tokens: the part of json that knows yajl. Only the json_*.c files include this.
 *
 * Strict where yajl is not: the text must be UTF-8 without overlong forms and surrogates, depth is limited, and strings
 * that spell NUL or half a surrogate pair with \u are marked. No recursion; numbers stay as they are written.
 */
#ifndef WAYBILL_JSON_PARSE_H
#define WAYBILL_JSON_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "macros.h"

enum json_kind {
    JSON_NULL,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NUMBER,
    JSON_TEXT,
    JSON_KEY,
    JSON_OBJECT_BEGIN,
    JSON_OBJECT_END,
    JSON_ARRAY_BEGIN,
    JSON_ARRAY_END,
};

struct json_token {
    enum json_kind kind;
    const char *text; /* number as written, string or key decoded; no NUL at the end, gone after the visit */
    size_t size;
    size_t start;     /* of strings (at the quote), objects and arrays: where in the input they start ... */
    size_t end;       /* ... and the byte after them, for JSON_OBJECT_END and JSON_ARRAY_END too */
    const char *flaw; /* what is wrong with a string or key: "must not contain NUL"; else NULL */
};

/* Why a text is no JSON, and near which byte. */
struct json_fault {
    size_t at;
    char why[96];
};

typedef void json_visit(void *self, const struct json_token *token);

/* Calls visit() for each token in order. False, after some visits perhaps, if the text is not JSON or is too deep. */
bool json_parse(const char *bytes, size_t size, size_t depth_max, json_visit *visit, void *self,
                struct json_fault *ret_fault) MUST_USE;

#endif
