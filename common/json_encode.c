/*
 * json_encode - structs as JSON text, by their records. Recursion follows the description, which is finite.
 */
#include <assert.h>
#include <string.h>

#include "clock.h"
#include "json.h"

#define ENCODED_MAX ((size_t)16 * 1024 * 1024) /* more is a bug: lists and texts have their limits */

static void add_list(struct buf *buf, const struct record *record, const char *items, size_t count)
{
    buf_add_char(buf, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(buf, ',');
        json_add(buf, record, items + i * record->size);
    }
    buf_add_char(buf, ']');
}

static void add_texts(struct buf *buf, const struct texts *texts)
{
    buf_add_char(buf, '[');
    for (size_t i = 0; i < texts->count; i++) {
        if (i > 0)
            buf_add_char(buf, ',');
        buf_add_json(buf, texts->items[i] != NULL ? texts->items[i] : "");
    }
    buf_add_char(buf, ']');
}

static void add_money(struct buf *buf, const struct money *money)
{
    buf_add_text(buf, "{\"amount\":");
    buf_add_int(buf, money->amount);
    buf_add_text(buf, ",\"currency\":");
    buf_add_json(buf, money->currency);
    buf_add_char(buf, '}');
}

static void add_time(struct buf *buf, int64_t us)
{
    char text[CLOCK_TEXT];

    buf_add_char(buf, '"');
    buf_add_text(buf, clock_format(us, text));
    buf_add_char(buf, '"');
}

static void add_enum(struct buf *buf, const struct field *field, int value)
{
    for (int i = 0; i <= value; i++)
        assert(field->names[i] != NULL);
    assert(value >= 0);
    buf_add_json(buf, field->names[value]);
}

/* The text or the struct that a member of pointer type points to. */
static const void *pointer_at(const void *at)
{
    const void *pointer;

    memcpy(&pointer, at, sizeof(pointer));
    return pointer;
}

/* The list at a member, whatever its items are. */
static struct list list_at(const void *at)
{
    struct list list;

    memcpy(&list, at, sizeof(list));
    return list;
}

static bool is_absent(const struct field *field, const void *at)
{
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_OPTIONAL:
        return pointer_at(at) == NULL;
    case FIELD_JSON:
        return pointer_at(at) == NULL || *(const char *)pointer_at(at) == '\0';
    case FIELD_TIME:
        return *(const int64_t *)at == 0;
    case FIELD_MONEY:
        return ((const struct money *)at)->currency[0] == '\0';
    case FIELD_INT:
    case FIELD_BOOL:
    case FIELD_ENUM:
    case FIELD_OBJECT:
    case FIELD_LIST:
    case FIELD_TEXTS:
        return false;
    }
    return false;
}

/* A required member that is absent is still written, so that the text is whole: "", null, {}. */
static void add_value(struct buf *buf, const struct field *field, const void *at, bool absent)
{
    switch (field->type) {
    case FIELD_TEXT:
        buf_add_json(buf, absent ? "" : pointer_at(at));
        return;
    case FIELD_INT:
        buf_add_int(buf, *(const int64_t *)at);
        return;
    case FIELD_BOOL:
        buf_add_text(buf, *(const bool *)at ? "true" : "false");
        return;
    case FIELD_TIME:
        add_time(buf, *(const int64_t *)at);
        return;
    case FIELD_ENUM:
        add_enum(buf, field, *(const int *)at);
        return;
    case FIELD_MONEY:
        add_money(buf, at);
        return;
    case FIELD_JSON:
        buf_add_text(buf, absent ? "null" : pointer_at(at));
        return;
    case FIELD_OBJECT:
        json_add(buf, field->record, at);
        return;
    case FIELD_OPTIONAL:
        if (absent)
            buf_add_text(buf, "{}");
        else
            json_add(buf, field->record, pointer_at(at));
        return;
    case FIELD_LIST:
        add_list(buf, field->record, list_at(at).items, list_at(at).count);
        return;
    case FIELD_TEXTS:
        add_texts(buf, at);
        return;
    }
}

void json_add(struct buf *buf, const struct record *record, const void *value)
{
    char separator = '{';

    for (size_t i = 0; i < record->count; i++) {
        const struct field *field = &record->fields[i];
        const void *at = (const char *)value + field->offset;
        bool absent = is_absent(field, at);

        if (absent && (field->flags & FIELD_REQUIRED) == 0)
            continue;
        buf_add_char(buf, separator);
        separator = ',';
        buf_add_json(buf, field->name);
        buf_add_char(buf, ':');
        add_value(buf, field, at, absent);
    }
    if (separator == '{')
        buf_add_char(buf, '{');
    buf_add_char(buf, '}');
}

char *json_encode(struct arena *arena, const struct record *record, const void *value)
{
    struct buf buf;

    buf_init(&buf, arena, ENCODED_MAX);
    json_add(&buf, record, value);
    assert(!buf.overflowed);
    return buf.data;
}

char *json_encode_list(struct arena *arena, const struct record *record, const void *items, size_t count)
{
    struct buf buf;

    buf_init(&buf, arena, ENCODED_MAX);
    add_list(&buf, record, items, count);
    assert(!buf.overflowed);
    return buf.data;
}
