/*
 * json_scalar - the rules for single values: length, range, names, format.
 */
#include "json_scalar.h"

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "json.h"
#include "text.h"

#define NAMES_SHOWN_MAX 1000 /* bytes of the names listed in a complaint */

const char *json_shape(enum field_type type)
{
    switch (type) {
    case FIELD_TEXT:
    case FIELD_TIME:
    case FIELD_ENUM:
        return "must be a string";
    case FIELD_INT:
        return "must be an integer";
    case FIELD_BOOL:
        return "must be true or false";
    case FIELD_JSON:
        return "must be JSON";
    case FIELD_MONEY:
    case FIELD_OBJECT:
    case FIELD_OPTIONAL:
        return "must be an object";
    case FIELD_LIST:
    case FIELD_TEXTS:
        return "must be an array";
    }
    return "must be JSON";
}

/* "must be at least 3 characters long" */
static const char *size_complaint(struct arena *arena, const char *bound, size_t count, const char *unit)
{
    return arena_printf(arena, "must be at %s %zu %s%s long", bound, count, unit, count == 1 ? "" : "s");
}

/* The index of a name in a NULL-ended list, or -1. */
static int find_name(const char *const *names, const char *text, size_t size)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (text_is(names[i], text, size))
            return i;
    }
    return -1;
}

static const char *names_complaint(struct arena *arena, const char *const *names)
{
    struct buf message;

    buf_init(&message, arena, NAMES_SHOWN_MAX);
    buf_add_text(&message, "must be one of ");
    for (size_t i = 0; names[i] != NULL; i++)
        buf_printf(&message, "%s%s", i > 0 ? ", " : "", names[i]);
    return message.data;
}

static const char *check_size(struct arena *arena, const struct field *field, const struct json_token *token)
{
    size_t size = utf8_count(token->text, token->size);
    bool item = field->type == FIELD_TEXTS; /* then min and max count items */
    size_t min = item ? 0 : field->min;
    size_t max = item || field->max == 0 ? TEXT_MAX : field->max;

    if (min == 0 && !item && (field->flags & FIELD_REQUIRED) != 0)
        min = 1;
    if (size == 0 && min > 0)
        return "must not be empty";
    if (size < min)
        return size_complaint(arena, "least", min, "character");
    return size > max ? size_complaint(arena, "most", max, "character") : NULL;
}

static const char *put_text(struct arena *arena, const struct json_slot *slot, const struct json_token *token)
{
    const struct field *field = slot->field;

    const char *complaint = check_size(arena, field, token);
    if (complaint != NULL)
        return complaint;
    if (field->names != NULL && find_name(field->names, token->text, token->size) < 0)
        return names_complaint(arena, field->names);

    const char *text = arena_copy(arena, token->text, token->size);
    if (!text_has_format(text, field->format))
        return arena_printf(arena, "must be %s", text_format_name(field->format));
    *(const char **)slot->at = text;
    return NULL;
}

static const char *put_enum(struct arena *arena, const struct json_slot *slot, const struct json_token *token)
{
    int value = find_name(slot->field->names, token->text, token->size);

    if (value < 0)
        return names_complaint(arena, slot->field->names);
    *(int *)slot->at = value;
    return NULL;
}

static const char *put_time(const struct json_slot *slot, const struct json_token *token)
{
    return clock_parse(token->text, token->size, slot->at) ? NULL : "must be a time like 2026-11-22T06:48:47Z";
}

/* Whether it is written as an integer, as JSON does it; one too large for int64 becomes the nearest. */
static bool read_integer(const struct json_token *token, int64_t *ret)
{
    bool negative = token->text[0] == '-';
    size_t first = negative ? 1 : 0;

    if (token->size == first || (token->text[first] == '0' && token->size > first + 1))
        return false;
    for (size_t i = first; i < token->size; i++) {
        if (token->text[i] < '0' || token->text[i] > '9')
            return false;
    }
    if (!text_to_int(token->text, token->size, ret))
        *ret = negative ? INT64_MIN : INT64_MAX;
    return true;
}

static const char *put_integer(struct arena *arena, const struct json_slot *slot, const struct json_token *token)
{
    const struct field *limits = slot->limits != NULL ? slot->limits : slot->field;
    bool limited = limits->least != 0 || limits->most != 0;
    int64_t least = limited ? limits->least : -MONEY_MAX;
    int64_t most = limited && limits->most >= limits->least ? limits->most : MONEY_MAX;
    int64_t value;

    if (!read_integer(token, &value))
        return json_shape(FIELD_INT);
    if (value < least)
        return arena_printf(arena, "must be at least %lld", (long long)least);
    if (value > most)
        return arena_printf(arena, "must be at most %lld", (long long)most);
    *(int64_t *)slot->at = value;
    return NULL;
}

const char *json_keep(struct arena *arena, const struct field *field, const char *text, size_t size, const char **ret)
{
    if (field->max != 0 && size > field->max)
        return size_complaint(arena, "most", field->max, "byte");
    *ret = arena_copy(arena, text, size);
    return NULL;
}

static const char *keep_scalar(struct arena *arena, const struct json_slot *slot, const struct json_token *token,
                               const char *input)
{
    if (token->kind == JSON_TEXT)
        return json_keep(arena, slot->field, input + token->start, token->end - token->start, slot->at);
    if (token->kind == JSON_NUMBER)
        return json_keep(arena, slot->field, token->text, token->size, slot->at);
    *(const char **)slot->at = token->kind == JSON_TRUE ? "true" : "false";
    return NULL;
}

const char *json_put(struct arena *arena, const struct json_slot *slot, const struct json_token *token,
                     const char *input)
{
    bool text = token->kind == JSON_TEXT;

    if (token->flaw != NULL)
        return token->flaw;
    switch (slot->type) {
    case FIELD_TEXT:
        return text ? put_text(arena, slot, token) : json_shape(FIELD_TEXT);
    case FIELD_ENUM:
        return text ? put_enum(arena, slot, token) : json_shape(FIELD_ENUM);
    case FIELD_TIME:
        return text ? put_time(slot, token) : json_shape(FIELD_TIME);
    case FIELD_INT:
        return token->kind == JSON_NUMBER ? put_integer(arena, slot, token) : json_shape(FIELD_INT);
    case FIELD_BOOL:
        if (token->kind != JSON_TRUE && token->kind != JSON_FALSE)
            return json_shape(FIELD_BOOL);
        *(bool *)slot->at = token->kind == JSON_TRUE;
        return NULL;
    case FIELD_JSON:
        return keep_scalar(arena, slot, token, input);
    case FIELD_MONEY:
    case FIELD_OBJECT:
    case FIELD_OPTIONAL:
    case FIELD_LIST:
    case FIELD_TEXTS:
        return json_shape(slot->type);
    }
    return json_shape(slot->type);
}

const char *json_read_plain(struct arena *arena, const struct field *field, const char *text, void *ret)
{
    const struct json_slot slot = {.field = field, .type = field->type, .at = (char *)ret + field->offset};
    const struct json_token token = {
        .kind = field->type == FIELD_INT ? JSON_NUMBER : JSON_TEXT,
        .text = text,
        .size = strlen(text),
    };

    assert(field->type == FIELD_TEXT || field->type == FIELD_ENUM || field->type == FIELD_TIME ||
           field->type == FIELD_INT);
    return json_put(arena, &slot, &token, text);
}
