/*
 * import - files of rows, CSV (RFC 4180, UTF-8, a heading line) or NDJSON, where each row is its own outcome.
 *
 * The reader turns one row after another into a struct by its record; a row that does not fit is put on the report with
 * its number, field and cause, and the next one is read. The media type decides the format.
 *
 *     struct import import CLEANUP(import_close) = {0};
 *     TRY(import_open(ctx, &row_record, report, &import));
 *     while (import_next_chunk(&import)) {
 *         while (count < ROWS_MAX && import_next(&import, &rows[count], &numbers[count]))
 *             count++;
 *         ... one unit of work
 *     }
 *
 * A file may be larger than what a request may keep in memory, so it is read in chunks: in one, ctx->arena is the
 * chunk's, and what came of its rows is gone with the next. The report stays.
 */
#ifndef WAYBILL_IMPORT_H
#define WAYBILL_IMPORT_H

#include <stdbool.h>

#include "ctx.h"
#include "proto/http_operations.h"
#include "record.h"

#define IMPORT_FAILURES_MAX 500 /* more failed rows than this are counted, not listed */
#define IMPORT_COLUMNS_MAX 40

struct import {
    struct ctx *ctx;
    struct arena *kept;  /* the request's: where the report lives */
    struct arena *chunk; /* ctx->arena from the first import_next_chunk() to import_close() */
    const struct record *record;
    const char *bytes;
    size_t size;
    size_t at;   /* where the next row begins */
    int64_t row; /* number of the row read last; the heading and empty lines don't count */
    bool is_csv;
    const struct field *columns[IMPORT_COLUMNS_MAX]; /* what the heading names, in its order */
    size_t column_count;
    struct import_report *report;
};

/* Begins with the request's body. ERR_MEDIA_TYPE, ERR_MALFORMED (the heading can't be read, or names an unknown
 * column). */
enum err import_open(struct ctx *ctx, const struct record *record, struct import_report *report,
                     struct import *ret) MUST_USE;

/* Begins the next chunk; false at the end of the file. Nothing made in ctx->arena since the last time may be used. */
bool import_next_chunk(struct import *import);

/* Reads the next good row into `ret` (zeroed first) and its number into *ret_row; false at the end of the file, or of
 * what a chunk may hold. */
bool import_next(struct import *import, void *ret, int64_t *ret_row);

/* Gives ctx its own arena back, with what went wrong. */
void import_close(struct import *import);

/* Puts a row on the report that was read well but can't be applied; `field` may be NULL. Texts are copied. */
void import_fail(struct import *import, int64_t row, const char *field, const char *cause);

#endif
