/*
 * log - one JSON line, built on the stack and written at once.
 */
#include "log.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "ctx.h"
#include "text.h"

#define LOG_VALUE_MAX 1024 /* bytes of one text, so that the other fields have room too */

static const char ending[] = ",\"cut\":true}\n";

static const char *service_name = "";
static enum log_level smallest = LOG_INFO;

void log_open(const char *service, enum log_level level)
{
    service_name = service;
    smallest = level;
}

int log_wants(enum log_level level)
{
    return level >= smallest;
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARNING:
        return "warning";
    case LOG_ERROR:
        return "error";
    }
    return "error";
}

/* Adds a text as JSON whatever it holds: what is not UTF-8 becomes "?", what is too long is cut. False if it was. */
static bool add_value(struct buf *line, const char *text)
{
    char safe[LOG_VALUE_MAX + 1];
    size_t size = strnlen(text, LOG_VALUE_MAX + 1);

    if (size <= LOG_VALUE_MAX && utf8_is_valid(text, size)) {
        buf_add_json(line, text);
        return true;
    }
    bool whole = size <= LOG_VALUE_MAX;
    if (!whole)
        size = LOG_VALUE_MAX;
    /* Cut before a character, not within one. */
    while (!whole && size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
        size--;
    memcpy(safe, text, size);
    safe[size] = '\0';
    for (size_t at = utf8_valid_size(safe, size); at < size; at += utf8_valid_size(safe + at, size - at))
        safe[at] = '?';
    buf_add_json(line, safe);
    return whole;
}

static void add_name(struct buf *line, const char *name)
{
    buf_add_char(line, line->size == 0 ? '{' : ',');
    buf_add_json(line, name);
    buf_add_char(line, ':');
}

/* Adds one field, or takes it back if the line has no room for it. False if anything is missing. */
static bool add_field(struct buf *line, const struct log_field *field)
{
    size_t before = line->size;
    bool whole = true;

    add_name(line, field->name);
    if (field->text != NULL)
        whole = add_value(line, field->text);
    else
        buf_add_int(line, field->number);
    if (line->overflowed) {
        buf_cut(line, before);
        return false;
    }
    return whole;
}

/* 00-<32 hex>-<16 hex>-<2 hex>: the trace id is the second part. */
static bool add_trace(struct buf *line, const struct ctx *ctx)
{
    char trace_id[33];
    bool whole = true;

    if (ctx == NULL)
        return true;
    if (strnlen(ctx->trace.traceparent, sizeof(ctx->trace.traceparent)) == 55) {
        memcpy(trace_id, ctx->trace.traceparent + 3, 32);
        trace_id[32] = '\0';
        whole = add_field(line, &LOG_TEXT("trace_id", trace_id));
    }
    if (ctx->trace.correlation_id != NULL)
        whole = add_field(line, &LOG_TEXT("correlation_id", ctx->trace.correlation_id)) && whole;
    return whole;
}

void log_write(enum log_level level, const struct ctx *ctx, const char *message, const struct log_field *fields)
{
    char memory[LOG_LINE_MAX];
    char now[CLOCK_TEXT];
    struct buf line;
    int kept_errno = errno;

    /* The ending has its place reserved, whatever was cut. */
    buf_init_fixed(&line, memory, sizeof(memory) - sizeof(ending));
    bool whole = add_field(&line, &LOG_TEXT("time", clock_format(clock_now(), now)));
    whole = add_field(&line, &LOG_TEXT("level", level_name(level))) && whole;
    whole = add_field(&line, &LOG_TEXT("service", service_name)) && whole;
    whole = add_field(&line, &LOG_TEXT("message", message)) && whole;
    whole = add_trace(&line, ctx) && whole;
    for (const struct log_field *field = fields; field != NULL && field->name != NULL; field++)
        whole = add_field(&line, field) && whole;

    const char *last = whole ? "}\n" : ending;
    memcpy(memory + line.size, last, strlen(last));
    /* A log that can't be written has nowhere to say so. */
    if (write(STDERR_FILENO, memory, line.size + strlen(last)) < 0)
        errno = kept_errno;
    errno = kept_errno;
}
