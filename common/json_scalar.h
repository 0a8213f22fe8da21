/*
 * json_scalar - one string, number or boolean into its field, with every rule that the field has for it.
 * Only the json_*.c files include this.
 */
#ifndef WAYBILL_JSON_SCALAR_H
#define WAYBILL_JSON_SCALAR_H

#include "arena.h"
#include "json_parse.h"
#include "record.h"

/* Where a value goes, and as what. */
struct json_slot {
    const struct field *field;
    enum field_type type;       /* of the value: for an item of a list not the field's own */
    const struct field *limits; /* whose `least` and `most` hold; NULL: the field's own */
    void *at;
};

/* Puts a scalar (not null) into its place; `input` is the whole text. NULL, or a complaint: "must be at least 1". */
const char *json_put(struct arena *arena, const struct json_slot *slot, const struct json_token *token,
                     const char *input) MUST_USE;

/* Keeps a value as it is written, for FIELD_JSON. NULL, or a complaint. */
const char *json_keep(struct arena *arena, const struct field *field, const char *text, size_t size,
                      const char **ret) MUST_USE;

/* What a value of the type has to be: "must be an object". */
const char *json_shape(enum field_type type);

#endif
