/*
 * json_parse - yajl's calls as tokens.
 */
#include "json_parse.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "text.h"

struct parser {
    yajl_handle handle;
    const char *bytes;
    size_t size;
    size_t depth;
    size_t depth_max;
    json_visit *visit;
    void *self;
};

/* The number of a \u escape at `bytes`, of which four hex digits are known to follow. */
static unsigned escaped_unit(const char *bytes)
{
    uint8_t pair[2];
    char digits[5] = {bytes[2], bytes[3], bytes[4], bytes[5], '\0'};

    return hex_decode(digits, pair, sizeof(pair)) ? (unsigned)(pair[0] << 8 | pair[1]) : 0;
}

static bool is_escaped_unit(const char *bytes, const char *end)
{
    return end - bytes >= 6 && bytes[0] == '\\' && bytes[1] == 'u';
}

/* yajl turns half a surrogate pair into "?" or nonsense, and \u0000 into a NUL; PostgreSQL takes neither. */
static const char *find_flaw(const char *bytes, const char *end)
{
    for (; bytes < end; bytes++) {
        if (*bytes != '\\')
            continue;
        if (!is_escaped_unit(bytes, end)) {
            bytes++;
            continue;
        }
        unsigned unit = escaped_unit(bytes);
        bytes += 5;
        if (unit == 0)
            return "must not contain NUL";
        if (unit < 0xd800 || unit > 0xdfff)
            continue;
        bool paired = unit < 0xdc00 && is_escaped_unit(bytes + 1, end) && escaped_unit(bytes + 1) >= 0xdc00 &&
                      escaped_unit(bytes + 1) <= 0xdfff;
        if (!paired)
            return "must not contain half a surrogate pair";
        bytes += 6;
    }
    return NULL;
}

/* Where the string that ends before `end` starts: at the next quote backwards that no odd row of backslashes escapes.
 */
static size_t string_start(const char *bytes, size_t end)
{
    assert(end >= 2);

    size_t at = end - 2;
    for (;; at--) {
        size_t slashes = 0;
        if (bytes[at] != '"')
            continue;
        while (slashes < at && bytes[at - 1 - slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            return at;
    }
}

static int visit_string(struct parser *parser, enum json_kind kind, const unsigned char *text, size_t size)
{
    struct json_token token = {.kind = kind, .text = (const char *)text, .size = size};
    uintptr_t first = (uintptr_t)parser->bytes;

    /* A string without escapes is a part of the input; one with escapes is a copy. */
    if ((uintptr_t)text > first && (uintptr_t)text < first + parser->size) {
        token.start = (uintptr_t)text - first - 1;
        token.end = token.start + size + 2;
    } else {
        token.end = yajl_get_bytes_consumed(parser->handle);
        token.start = string_start(parser->bytes, token.end);
        token.flaw = find_flaw(parser->bytes + token.start + 1, parser->bytes + token.end - 1);
    }
    parser->visit(parser->self, &token);
    return 1;
}

static int visit_simple(struct parser *parser, enum json_kind kind)
{
    parser->visit(parser->self, &(struct json_token){.kind = kind});
    return 1;
}

static int visit_begin(struct parser *parser, enum json_kind kind)
{
    size_t end = yajl_get_bytes_consumed(parser->handle);

    if (++parser->depth > parser->depth_max)
        return 0;
    parser->visit(parser->self, &(struct json_token){.kind = kind, .start = end - 1, .end = end});
    return 1;
}

static int visit_end(struct parser *parser, enum json_kind kind)
{
    parser->depth--;
    parser->visit(parser->self, &(struct json_token){.kind = kind, .end = yajl_get_bytes_consumed(parser->handle)});
    return 1;
}

static int on_null(void *parser)
{
    return visit_simple(parser, JSON_NULL);
}

static int on_boolean(void *parser, int value)
{
    return visit_simple(parser, value ? JSON_TRUE : JSON_FALSE);
}

static int on_number(void *self, const char *text, size_t size)
{
    struct parser *parser = self;

    parser->visit(parser->self, &(struct json_token){.kind = JSON_NUMBER, .text = text, .size = size});
    return 1;
}

static int on_string(void *parser, const unsigned char *text, size_t size)
{
    return visit_string(parser, JSON_TEXT, text, size);
}

static int on_key(void *parser, const unsigned char *text, size_t size)
{
    return visit_string(parser, JSON_KEY, text, size);
}

static int on_object_begin(void *parser)
{
    return visit_begin(parser, JSON_OBJECT_BEGIN);
}

static int on_object_end(void *parser)
{
    return visit_end(parser, JSON_OBJECT_END);
}

static int on_array_begin(void *parser)
{
    return visit_begin(parser, JSON_ARRAY_BEGIN);
}

static int on_array_end(void *parser)
{
    return visit_end(parser, JSON_ARRAY_END);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_object_begin,
    .yajl_map_key = on_key,
    .yajl_end_map = on_object_end,
    .yajl_start_array = on_array_begin,
    .yajl_end_array = on_array_end,
};

static void set_fault(struct json_fault *fault, size_t at, const char *why)
{
    fault->at = at;
    snprintf(fault->why, sizeof(fault->why), "%s", why);
}

/* yajl says "parse error: premature EOF\n"; what matters stands after the colon. */
static void explain(yajl_handle handle, size_t at, struct json_fault *fault)
{
    unsigned char *error = yajl_get_error(handle, 0, NULL, 0);
    const char *why = error != NULL ? (const char *)error : "no reason given";
    const char *colon = strstr(why, "error: ");

    set_fault(fault, at, colon != NULL ? colon + 7 : why);
    fault->why[strcspn(fault->why, "\n")] = '\0';
    size_t size = strlen(fault->why);
    if (size > 0 && fault->why[size - 1] == '.')
        fault->why[size - 1] = '\0';
    if (error != NULL)
        yajl_free_error(handle, error);
}

bool json_parse(const char *bytes, size_t size, size_t depth_max, json_visit *visit, void *self,
                struct json_fault *ret_fault)
{
    struct parser parser = {.bytes = bytes, .size = size, .depth_max = depth_max, .visit = visit, .self = self};

    size_t valid = utf8_valid_size(bytes, size);
    if (valid < size) {
        set_fault(ret_fault, valid, "the text is not valid UTF-8");
        return false;
    }
    parser.handle = yajl_alloc(&callbacks, NULL, &parser);
    if (parser.handle == NULL)
        abort();
    yajl_config(parser.handle, yajl_dont_validate_strings, 1);

    yajl_status status = yajl_parse(parser.handle, (const unsigned char *)bytes, size);
    size_t at = yajl_get_bytes_consumed(parser.handle);
    if (status == yajl_status_ok) {
        status = yajl_complete_parse(parser.handle);
        at = size;
    }
    if (status == yajl_status_client_canceled) {
        set_fault(ret_fault, at, "");
        snprintf(ret_fault->why, sizeof(ret_fault->why), "nested deeper than %zu levels", depth_max);
    } else if (status != yajl_status_ok) {
        explain(parser.handle, at, ret_fault);
    }
    yajl_free(parser.handle);
    return status == yajl_status_ok;
}
