/*
 * record - one description of a struct, read by the JSON codec, the SQL binder and the row scanner.
 *
 * Events and HTTP bodies get their structs and records from proto/ (tools/protogen.py); rows of tables are described
 * by hand with RECORD and FIELD. The type of a field comes from the struct itself, so a record can't drift from it.
 *
 * How each type looks on the wire and in a table:
 *
 *   C type in the struct      JSON                          SQL column read or parameter bound
 *   const char *              string (NULL: absent)         text, uuid, ... as text (NULL: null)
 *   int64_t                   integer                       bigint, integer
 *   bool                      true, false                   boolean
 *   int64_t, FIELD_AS_TIME    RFC 3339 UTC, microseconds    timestamptz (0: null, absent)
 *   enum, FIELD_AS_ENUM       string out of `names`         text
 *   struct money              {"amount":1,"currency":"EUR"} (not a column; store two)
 *   const char *, FIELD_AS_JSON  any JSON value, kept as text   jsonb
 *   embedded struct           object                        jsonb
 *   pointer to struct         object (NULL: absent)         jsonb
 *   struct { T *items; size_t count; }   array              jsonb
 *   struct texts              array of strings              text[] as parameter, jsonb as column
 */
#ifndef WAYBILL_RECORD_H
#define WAYBILL_RECORD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "macros.h"
#include "money.h"

enum field_type {
    FIELD_TEXT,
    FIELD_INT,
    FIELD_BOOL,
    FIELD_TIME,
    FIELD_ENUM,
    FIELD_MONEY,
    FIELD_JSON,
    FIELD_OBJECT,   /* an embedded struct */
    FIELD_OPTIONAL, /* a pointer to a struct, NULL when absent */
    FIELD_LIST,     /* of structs */
    FIELD_TEXTS,    /* of strings */
};

enum field_flag {
    FIELD_REQUIRED = 1 << 0, /* must be there, and not null */
    FIELD_PERSONAL = 1 << 1, /* never logged */
    FIELD_DEFAULT = 1 << 2,  /* an absent integer or boolean takes `fallback` */
};

/* What a text must look like beyond its length. */
enum text_format {
    TEXT_ANY = 0,
    TEXT_UUID,     /* lower-case 8-4-4-4-12 */
    TEXT_EMAIL,    /* one @, no space or control character; the rest is the mail server's business */
    TEXT_CURRENCY, /* three upper-case letters, listed in ISO 4217 as money.c knows it */
    TEXT_COUNTRY,  /* two upper-case letters */
    TEXT_LOCALE,   /* "en", "de-AT" */
    TEXT_TOKEN,    /* [A-Za-z0-9._:-]+: SKUs, keys, codes */
    TEXT_URL,      /* http:// or https://, no space or control character */
};

struct texts {
    const char **items;
    size_t count;
};

/* The same shape as every generated or hand-written list; `items` points to structs of the field's record. */
struct list {
    void *items;
    size_t count;
};

struct field {
    const char *name;
    enum field_type type;
    unsigned flags;
    size_t offset;
    size_t min;       /* text: characters at least; list: items at least */
    size_t max;       /* text: characters at most; JSON as text: bytes; list: items; 0: TEXT_MAX or LIST_MAX */
    int64_t least;    /* integer, amount of money: smallest value; see `most` */
    int64_t most;     /* likewise largest; below `least`: 2^53 - 1; both 0: any within ±(2^53 - 1) */
    int64_t fallback; /* with FIELD_DEFAULT */
    enum text_format format;
    const char *const *names;    /* FIELD_ENUM, or a closed set of texts; ends with NULL */
    const struct record *record; /* of the struct in FIELD_OBJECT, FIELD_OPTIONAL, FIELD_LIST */
};

struct record {
    const char *name;
    size_t size;
    const struct field *fields;
    size_t count;
};

#define TEXT_MAX 255 /* characters, where a field says nothing else */
#define LIST_MAX 500 /* items, where a field says nothing else */

/* Describes a struct: static RECORD(order, FIELD(order, id, .flags = FIELD_REQUIRED), ...);  gives order_record. */
#define RECORD(tag, ...)                                                                                               \
    const struct field tag##_fields[] = {__VA_ARGS__};                                                                 \
    UNUSED static const struct record tag##_record = {#tag, sizeof(struct tag), tag##_fields, COUNT(tag##_fields)}

/* The same for a record that other files use: its header declares `extern const struct record order_record;`. */
#define RECORD_SHARED(tag, ...)                                                                                        \
    static const struct field tag##_fields[] = {__VA_ARGS__};                                                          \
    const struct record tag##_record = {#tag, sizeof(struct tag), tag##_fields, COUNT(tag##_fields)}

#define FIELD_TYPE_OF(tag, member)                                                                                     \
    _Generic(((struct tag *)0)->member, const char *: FIELD_TEXT, char *: FIELD_TEXT, int64_t: FIELD_INT,              \
             bool: FIELD_BOOL, struct money: FIELD_MONEY, struct texts: FIELD_TEXTS)

#define FIELD(tag, member, ...)                                                                                        \
    {                                                                                                                  \
        .name = #member, .type = FIELD_TYPE_OF(tag, member), .offset = offsetof(struct tag, member), ##__VA_ARGS__     \
    }
/* A member under another name on the wire or in the table: FIELD_NAMED(order, head.id, "id"). */
#define FIELD_NAMED(tag, member, wire, ...)                                                                            \
    {                                                                                                                  \
        .name = (wire), .type = FIELD_TYPE_OF(tag, member), .offset = offsetof(struct tag, member), ##__VA_ARGS__      \
    }
#define FIELD_AS_TIME(tag, member, ...)                                                                                \
    {                                                                                                                  \
        .name = #member, .type = FIELD_TIME, .offset = offsetof(struct tag, member), ##__VA_ARGS__                     \
    }
#define FIELD_AS_JSON(tag, member, ...)                                                                                \
    {                                                                                                                  \
        .name = #member, .type = FIELD_JSON, .offset = offsetof(struct tag, member), ##__VA_ARGS__                     \
    }
/* The member is an enum (int-sized) whose names are listed, NULL-ended, in the order of its values from 0. */
#define FIELD_AS_ENUM(tag, member, list, ...)                                                                          \
    {                                                                                                                  \
        .name = #member, .type = FIELD_ENUM, .offset = offsetof(struct tag, member), .names = (list), ##__VA_ARGS__    \
    }
#define FIELD_OBJECT_OF(tag, member, inner, ...)                                                                       \
    {                                                                                                                  \
        .name = #member, .type = FIELD_OBJECT, .offset = offsetof(struct tag, member), .record = &(inner),             \
        ##__VA_ARGS__                                                                                                  \
    }
#define FIELD_OPTIONAL_OF(tag, member, inner, ...)                                                                     \
    {                                                                                                                  \
        .name = #member, .type = FIELD_OPTIONAL, .offset = offsetof(struct tag, member), .record = &(inner),           \
        ##__VA_ARGS__                                                                                                  \
    }
#define FIELD_LIST_OF(tag, member, inner, ...)                                                                         \
    {                                                                                                                  \
        .name = #member, .type = FIELD_LIST, .offset = offsetof(struct tag, member), .record = &(inner), ##__VA_ARGS__ \
    }

/* The field called `name` (of `size` bytes), or NULL. */
const struct field *record_field(const struct record *record, const char *name, size_t size);

/* Gives the members with FIELD_DEFAULT their fallback, those of embedded structs too. */
void record_fallbacks(const struct record *record, void *value);

#endif
