/*
 * query - arguments into texts, rows into structs, and the verbs behind the SQL macros.
 */
#include "query.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "pg_inside.h"
#include "text.h"

#define COLUMNS_MAX 64

/* -- arguments -- */

/* An array literal: {"a","b\"c",NULL}. */
static const char *bind_texts(struct arena *arena, const struct texts *texts)
{
    size_t size = 3;

    for (size_t i = 0; i < texts->count; i++)
        size += texts->items[i] == NULL ? 5 : 2 * strlen(texts->items[i]) + 3;

    char *literal = arena_alloc(arena, size);
    char *out = literal;
    *out++ = '{';
    for (size_t i = 0; i < texts->count; i++) {
        if (i > 0)
            *out++ = ',';
        if (texts->items[i] == NULL) {
            memcpy(out, "NULL", 4);
            out += 4;
            continue;
        }
        *out++ = '"';
        for (const char *c = texts->items[i]; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\')
                *out++ = '\\';
            *out++ = *c;
        }
        *out++ = '"';
    }
    *out = '}';
    return literal;
}

static const char *bind_ints(struct arena *arena, const struct ints *ints)
{
    struct buf buf;

    buf_init(&buf, arena, ints->count * 21 + 3);
    buf_add_char(&buf, '{');
    for (size_t i = 0; i < ints->count; i++) {
        if (i > 0)
            buf_add_char(&buf, ',');
        buf_add_int(&buf, ints->items[i]);
    }
    buf_add_char(&buf, '}');
    assert(!buf.overflowed);
    return buf.data;
}

static const char *bind_time(struct arena *arena, int64_t us)
{
    char text[CLOCK_TEXT];

    return us == 0 ? NULL : arena_strdup(arena, clock_format(us, text));
}

static const char *bind_one(struct arena *arena, enum param_type type, const void *at)
{
    switch (type) {
    case PARAM_TEXT:
        return *(const char *const *)at;
    case PARAM_INT:
        return arena_printf(arena, "%lld", (long long)*(const int64_t *)at);
    case PARAM_BOOL:
        return *(const bool *)at ? "t" : "f";
    case PARAM_TIME:
        return bind_time(arena, *(const int64_t *)at);
    case PARAM_TEXTS:
        return bind_texts(arena, at);
    case PARAM_INTS:
        return bind_ints(arena, at);
    }
    abort();
}

const char *const *query_bind(struct arena *arena, const struct query *query, const void *arguments)
{
    if (query->param_count == 0)
        return NULL;

    const char **values = arena_array(arena, query->param_count, sizeof(*values));
    for (size_t i = 0; i < query->param_count; i++)
        values[i] = bind_one(arena, query->params[i].type, (const char *)arguments + query->params[i].offset);
    return values;
}

/* -- rows -- */

/* A column whose content does not fit its field: the schema and the record disagree. */
static enum err misfit(struct ctx *ctx, const struct expectation *expectation, const struct field *field)
{
    ctx_clear_problem(ctx);
    return FAIL(ctx, INTERNAL, "column \"%s\" of %s holds what its record does not know", field->name,
                expectation->query->name);
}

/* Columns of JSON: objects, lists, texts. */
static enum err read_json(struct ctx *ctx, const struct field *field, const char *text, size_t size, char *at)
{
    void *inner;

    if (field->type == FIELD_LIST)
        return json_decode_list(ctx, field->record, text, size, (struct list *)at);
    if (field->type == FIELD_TEXTS)
        return json_decode_texts(ctx, text, size, (struct texts *)at);
    if (field->type == FIELD_OBJECT)
        return json_decode(ctx, field->record, text, size, JSON_OPEN, at);

    inner = arena_alloc(ctx->arena, field->record->size);
    TRY(json_decode(ctx, field->record, text, size, JSON_OPEN, inner));
    *(void **)at = inner;
    return ERR_NONE;
}

static bool read_enum(const struct field *field, const char *text, char *at)
{
    for (int value = 0; field->names[value] != NULL; value++) {
        if (text_equal(field->names[value], text)) {
            *(int *)at = value;
            return true;
        }
    }
    return false;
}

/* One value that is not null. False if it doesn't fit. */
static bool read_value(struct ctx *ctx, const struct field *field, const char *text, size_t size, char *at)
{
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_JSON:
        *(char **)at = arena_copy(ctx->arena, text, size);
        return true;
    case FIELD_INT:
        return text_to_int(text, size, (int64_t *)at);
    case FIELD_BOOL:
        *(bool *)at = text[0] == 't';
        return size == 1;
    case FIELD_TIME:
        return clock_parse(text, size, (int64_t *)at);
    case FIELD_ENUM:
        return read_enum(field, text, at);
    case FIELD_OBJECT:
    case FIELD_OPTIONAL:
    case FIELD_LIST:
    case FIELD_TEXTS:
        return read_json(ctx, field, text, size, at) == ERR_NONE;
    case FIELD_MONEY:
        assert(!"money is stored in two columns");
    }
    return false;
}

/* Which field each column fills. A column that the record lacks is a mistake in the program. */
static int map_columns(const struct expectation *expectation, const PGresult *result, const struct field **ret)
{
    int count = PQnfields(result);

    assert(count <= COLUMNS_MAX);
    for (int column = 0; column < count; column++) {
        const char *name = PQfname(result, column);
        ret[column] = record_field(expectation->record, name, strlen(name));
        assert(ret[column] != NULL && ret[column]->type != FIELD_MONEY);
    }
    return count;
}

/* Fills `count` structs from the first rows of the result. */
static enum err read_rows(struct ctx *ctx, const struct expectation *expectation, const PGresult *result, char *structs,
                          int count)
{
    const struct field *fields[COLUMNS_MAX];
    int columns = map_columns(expectation, result, fields);

    memset(structs, 0, (size_t)count * expectation->record->size);
    for (int row = 0; row < count; row++) {
        char *at = structs + (size_t)row * expectation->record->size;
        for (int column = 0; column < columns; column++) {
            const struct field *field = fields[column];
            if (PQgetisnull(result, row, column))
                continue;
            if (!read_value(ctx, field, PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column),
                            at + field->offset))
                return misfit(ctx, expectation, field);
        }
    }
    return ERR_NONE;
}

static enum err meet_row(struct uow *uow, const struct expectation *expectation, const PGresult *result)
{
    int rows = PQntuples(result);

    if (rows > 1)
        return FAIL(uow->ctx, INTERNAL, "%s gave more than one row", expectation->query->name);
    if (expectation->found != NULL)
        *expectation->found = rows == 1;
    if (rows == 1)
        return read_rows(uow->ctx, expectation, result, expectation->ret, 1);
    if (expectation->found == NULL)
        return FAIL(uow->ctx, NOT_FOUND, "there is no such thing");
    return ERR_NONE;
}

static enum err meet_rows(struct uow *uow, const struct expectation *expectation, const PGresult *result)
{
    int rows = PQntuples(result);
    void *items = arena_array(uow->ctx->arena, (size_t)rows, expectation->record->size);

    TRY(read_rows(uow->ctx, expectation, result, items, rows));
    *(struct list *)expectation->ret = (struct list){.items = items, .count = (size_t)rows};
    return ERR_NONE;
}

enum err expectation_meet(struct uow *uow, const struct expectation *expectation, const PGresult *result)
{
    const char *changed;

    switch (expectation->what) {
    case EXPECT_DONE:
        return ERR_NONE;
    case EXPECT_ROW:
        return meet_row(uow, expectation, result);
    case EXPECT_ROWS:
        return meet_rows(uow, expectation, result);
    case EXPECT_COUNT:
        changed = PQcmdTuples((PGresult *)result);
        if (!text_to_int(changed, strlen(changed), expectation->ret))
            *(int64_t *)expectation->ret = 0;
        return ERR_NONE;
    case EXPECT_CHANGE:
        if (!text_equal(PQcmdTuples((PGresult *)result), "1"))
            return err_fail(uow->ctx, expectation->otherwise, "somebody else was first");
        return ERR_NONE;
    case EXPECT_END:
        /* A server that rolls back instead says so only here. */
        if (!text_equal(PQcmdStatus((PGresult *)result), "COMMIT"))
            return FAIL(uow->ctx, INTERNAL, "the transaction could not be committed");
        return ERR_NONE;
    case EXPECT_SYNC:
    case EXPECT_COMMIT:
        break;
    }
    return FAIL(uow->ctx, INTERNAL, "the database's answers are out of step");
}

/* -- verbs -- */

void query_send(struct uow *uow, const struct query *query, const void *arguments)
{
    query_send_or(uow, query, arguments, ERR_CONFLICT);
}

void query_send_or(struct uow *uow, const struct query *query, const void *arguments, enum err otherwise)
{
    assert(query->kind == QUERY_EXEC || query->kind == QUERY_ONE_ROW);
    uow_send(uow, &(const struct expectation){.what = EXPECT_DONE, .query = query, .otherwise = otherwise}, arguments);
}

void query_claim(struct uow *uow, const struct query *query, const void *arguments, enum err otherwise)
{
    assert(query->kind == QUERY_EXEC);
    uow_send(uow, &(const struct expectation){.what = EXPECT_CHANGE, .query = query, .otherwise = otherwise},
             arguments);
}

void query_lock(struct uow *uow, const struct query *query, const struct texts *keys)
{
    assert(query->kind == QUERY_MANY && query->param_count == 1 && query->params[0].type == PARAM_TEXTS);
    uow_send(uow, &(const struct expectation){.what = EXPECT_DONE, .query = query}, keys);
}

enum err query_one(struct uow *uow, const struct query *query, const void *arguments, const struct record *record,
                   void *ret, bool *ret_found)
{
    assert(query->kind == (ret_found == NULL ? QUERY_ONE : QUERY_MAYBE));
    uow_send(uow,
             &(const struct expectation){
                 .what = EXPECT_ROW, .query = query, .record = record, .ret = ret, .found = ret_found},
             arguments);
    return uow_wait(uow);
}

void query_ask(struct uow *uow, const struct query *query, const void *arguments, const struct record *record,
               struct list *ret)
{
    assert(query->kind == QUERY_MANY);
    uow_send(uow, &(const struct expectation){.what = EXPECT_ROWS, .query = query, .record = record, .ret = ret},
             arguments);
}

enum err query_many(struct uow *uow, const struct query *query, const void *arguments, const struct record *record,
                    struct list *ret)
{
    query_ask(uow, query, arguments, record, ret);
    return uow_wait(uow);
}

enum err query_count(struct uow *uow, const struct query *query, const void *arguments, int64_t *ret_count)
{
    assert(query->kind == QUERY_EXEC);
    uow_send(uow, &(const struct expectation){.what = EXPECT_COUNT, .query = query, .ret = ret_count}, arguments);
    return uow_wait(uow);
}
