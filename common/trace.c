/*
 * trace - the ids that tie a journey together, across requests, messages and tasks (W3C trace context).
 */
#include <ctype.h>
#include <string.h>

#include "id.h"
#include "service.h"

#define TRACE_ID_SIZE 32
#define SPAN_ID_SIZE 16

/* Whether all characters are lower-case hex digits and not all of them zero. */
static bool is_hex_id(const char *text, size_t size)
{
    bool some = false;

    for (size_t i = 0; i < size; i++) {
        if (!isdigit((unsigned char)text[i]) && (text[i] < 'a' || text[i] > 'f'))
            return false;
        some = some || text[i] != '0';
    }
    return some;
}

/* "00-<trace id>-<span id>-<flags>". A later version may say more after it; its first four parts are the same. */
static bool is_traceparent(const char *text)
{
    if (text == NULL || strnlen(text, 55) < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return false;
    if (text[55] != '\0' && (memcmp(text, "00", 2) == 0 || text[55] != '-'))
        return false;
    bool version = memcmp(text, "ff", 2) != 0 && (memcmp(text, "00", 2) == 0 || is_hex_id(text, 2));
    bool flags = memcmp(text + 53, "00", 2) == 0 || is_hex_id(text + 53, 2);
    return version && flags && is_hex_id(text + 3, TRACE_ID_SIZE) && is_hex_id(text + 36, SPAN_ID_SIZE);
}

/* Writes the last `size` hex digits of a new id, which are the ones that differ most. */
static void hex_id(char *ret, size_t size)
{
    char id[ID_TEXT];
    size_t at = size;

    id_make(id);
    for (size_t i = ID_TEXT - 1; i-- > 0 && at > 0;)
        if (id[i] != '-')
            ret[--at] = id[i];
}

void trace_start(struct ctx *ctx, const char *traceparent, const char *correlation_id, const char *causation_id)
{
    struct trace *trace = &ctx->trace;
    char *text = trace->traceparent;

    memcpy(text, "00-", 3);
    if (is_traceparent(traceparent)) {
        memcpy(text + 3, traceparent + 3, TRACE_ID_SIZE);
        memcpy(text + 52, traceparent + 52, 3);
    } else {
        hex_id(text + 3, TRACE_ID_SIZE);
        memcpy(text + 52, "-01", 3);
    }
    text[35] = '-';
    hex_id(text + 36, SPAN_ID_SIZE);
    text[55] = '\0';

    bool known = correlation_id != NULL && correlation_id[0] != '\0';
    trace->correlation_id = known ? arena_strdup(ctx->arena, correlation_id) : id_new(ctx->arena);
    trace->causation_id = arena_strdup(ctx->arena, causation_id);
}
