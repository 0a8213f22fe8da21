/*
 * log - one JSON line per request, message, transition and failure, on standard error.
 *
 * A line has time, level, service, what happened, and the fields given as pairs. Text that names a person, an address,
 * a token or a body never goes in. info = happened, warning = coped, error = someone must act.
 *
 * Each line is one write(2), so lines of threads don't mix. Limit: LOG_LINE_MAX bytes, cut with "cut":true.
 */
#ifndef WAYBILL_LOG_H
#define WAYBILL_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "macros.h"

#define LOG_LINE_MAX 4096

struct ctx;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Sets the name every line carries and the smallest level written. Call once, before threads. */
void log_open(const char *service, enum log_level level);

/* Whether lines of this level are written; for lines that are costly to make. */
int log_wants(enum log_level level);

/* A function, since an array given to the macro can't be compared with NULL without a warning. */
static inline const char *log_text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* One field of a line. Use the macros. */
struct log_field {
    const char *name;
    const char *text; /* or NULL and ... */
    int64_t number;
};
#define LOG_TEXT(key, value) ((struct log_field){.name = (key), .text = log_text_or_empty(value)})
#define LOG_INT(key, value) ((struct log_field){.name = (key), .number = (value)})

/* log_info(ctx, "order placed", LOG_TEXT("order_id", id), LOG_INT("lines", 3)); ctx may be NULL. */
#define log_debug(ctx, message, ...) LOG_AT(LOG_DEBUG, ctx, message, ##__VA_ARGS__)
#define log_info(ctx, message, ...) LOG_AT(LOG_INFO, ctx, message, ##__VA_ARGS__)
#define log_warning(ctx, message, ...) LOG_AT(LOG_WARNING, ctx, message, ##__VA_ARGS__)
#define log_error(ctx, message, ...) LOG_AT(LOG_ERROR, ctx, message, ##__VA_ARGS__)

#define LOG_AT(level, ctx, message, ...)                                                                               \
    do {                                                                                                               \
        if (log_wants(level))                                                                                          \
            log_write((level), (ctx), (message), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}});           \
    } while (0)

/* Writes one line; `fields` ends with a NULL name. Trace and correlation ids come from ctx. */
void log_write(enum log_level level, const struct ctx *ctx, const char *message, const struct log_field *fields);

#endif
