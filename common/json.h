/*
 * json - JSON text to structs and back, by their records. The only module that knows yajl.
 *
 * Decoding is strict: UTF-8, depth, list and text limits, no duplicate members, integers only and exact. Complaints
 * name the field by its path and go into ctx->problem: `lines[2].quantity must be at least 1`, all of them up to
 * FIELD_ERRORS_MAX. Text that isn't JSON is ERR_MALFORMED, JSON that doesn't fit the record is ERR_INVALID.
 */
#ifndef WAYBILL_JSON_H
#define WAYBILL_JSON_H

#include <stddef.h>

#include "buf.h"
#include "ctx.h"
#include "record.h"

#define JSON_DEPTH_MAX 16

enum json_mode {
    JSON_OPEN,   /* events: unknown members are skipped, null counts as absent */
    JSON_CLOSED, /* HTTP bodies: unknown members and null are errors */
};

/* Fills `ret` (zeroed, record->size bytes). Texts and lists are in ctx->arena. */
enum err json_decode(struct ctx *ctx, const struct record *record, const char *bytes, size_t size, enum json_mode mode,
                     void *ret) MUST_USE;

/* Fills one text, enum, time or integer of the struct as a query writes it, without quotes. NULL, or a complaint that
 * doesn't name the field: "must be at most 200". */
const char *json_read_plain(struct arena *arena, const struct field *field, const char *text, void *ret) MUST_USE;

/* Adds the struct as JSON text, members in the record's order; absent optional members are left out. */
void json_add(struct buf *buf, const struct record *record, const void *value);

/* The same as a string in the arena. */
char *json_encode(struct arena *arena, const struct record *record, const void *value);

/* The array text of a list of structs of the record. */
char *json_encode_list(struct arena *arena, const struct record *record, const void *items, size_t count);

/* Reads an array of structs of the record (JSON_OPEN); for jsonb columns. */
enum err json_decode_list(struct ctx *ctx, const struct record *record, const char *bytes, size_t size,
                          struct list *ret) MUST_USE;

/* Reads an array of strings. */
enum err json_decode_texts(struct ctx *ctx, const char *bytes, size_t size, struct texts *ret) MUST_USE;

/*
 * For documents of others (a PSP's answers): the scalar at a path like "data.object.metadata.payment_id", as text
 * (numbers raw, booleans true/false), in the arena; NULL if it isn't there, is null, or the document is broken.
 */
const char *json_find(struct arena *arena, const char *bytes, size_t size, const char *path);

#endif
