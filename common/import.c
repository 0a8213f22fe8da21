/* Files of rows, CSV or NDJSON. Both become a JSON object per row, so that one decoder checks every field. */
#include "import.h"

#include <string.h>
#include <strings.h>

#include "buf.h"
#include "http.h"
#include "json.h"
#include "text.h"

#define ROW_MAX (64 * 1024) /* bytes of a row */

/* Rows are read until they fill so much of the chunk's arena; the rest of it is for the work on them. */
#define CHUNK_READ_MAX ((size_t)8 * 1024 * 1024)
#define CHUNK_MAX ((size_t)128 * 1024 * 1024)

/* Reads one CSV value at import->at into the arena, NULL if it is too long; *ret_last: it ended its row. False: a quote
 * is not closed, so nobody can tell where the next value begins. */
static bool read_csv_value(struct import *import, const char **ret, bool *ret_last)
{
    const char *bytes = import->bytes;
    struct buf value;

    buf_init(&value, import->ctx->arena, ROW_MAX);
    if (import->at < import->size && bytes[import->at] == '"') {
        import->at++;
        for (;;) {
            const char *quote = memchr(bytes + import->at, '"', import->size - import->at);
            if (quote == NULL)
                return false;
            buf_add(&value, bytes + import->at, (size_t)(quote - bytes) - import->at);
            import->at = (size_t)(quote - bytes) + 1;
            if (import->at >= import->size || bytes[import->at] != '"')
                break;
            buf_add_char(&value, '"');
            import->at++;
        }
    }
    while (import->at < import->size && bytes[import->at] != ',' && bytes[import->at] != '\n') {
        if (bytes[import->at] != '\r')
            buf_add_char(&value, bytes[import->at]);
        import->at++;
    }
    *ret_last = import->at >= import->size || bytes[import->at] == '\n';
    import->at++;
    *ret = value.size > 0 ? value.data : "";
    if (value.overflowed)
        *ret = NULL;
    return true;
}

static enum err read_heading(struct import *import)
{
    bool last = false;

    while (!last) {
        const char *name;
        if (import->column_count == IMPORT_COLUMNS_MAX)
            return FAIL(import->ctx, MALFORMED, "the heading has more than %d columns", IMPORT_COLUMNS_MAX);
        if (!read_csv_value(import, &name, &last))
            return FAIL(import->ctx, MALFORMED, "the heading cannot be read: a quote is not closed");
        const struct field *field = name != NULL ? record_field(import->record, name, strlen(name)) : NULL;
        if (field == NULL)
            return FAIL(import->ctx, MALFORMED, "the heading names \"%.60s\", which is not known here",
                        name != NULL ? name : "...");
        for (size_t i = 0; i < import->column_count; i++) {
            if (import->columns[i] == field)
                return FAIL(import->ctx, MALFORMED, "the heading names \"%s\" twice", field->name);
        }
        import->columns[import->column_count++] = field;
    }
    return ERR_NONE;
}

/* Whether a Content-Type is of this media type, with or without parameters. */
static bool is_media_type(const char *content_type, const char *name)
{
    const size_t size = strlen(name);
    return content_type != NULL && strncasecmp(content_type, name, size) == 0 &&
           strchr("; \t", content_type[size]) != NULL;
}

enum err import_open(struct ctx *ctx, const struct record *record, struct import_report *report, struct import *ret)
{
    const char *type = request_header(ctx, "Content-Type");

    *ret = (struct import){.ctx = ctx, .kept = ctx->arena, .record = record, .report = report};
    ret->bytes = request_body(ctx, &ret->size);
    ret->is_csv = is_media_type(type, "text/csv");
    if (!ret->is_csv && !is_media_type(type, "application/x-ndjson"))
        return FAIL(ctx, MEDIA_TYPE, "an import is text/csv or application/x-ndjson");
    if (!utf8_is_valid(ret->bytes, ret->size))
        return FAIL(ctx, MALFORMED, "the file is not UTF-8");
    if (ret->size >= 3 && memcmp(ret->bytes, "\xef\xbb\xbf", 3) == 0)
        ret->at = 3; /* a byte order mark, as spreadsheets write it */
    return ret->is_csv ? read_heading(ret) : ERR_NONE;
}

void import_fail(struct import *import, int64_t row, const char *field, const char *cause)
{
    struct import_failure_list *rows = &import->report->rows;

    import->report->failed++;
    if (rows->count == IMPORT_FAILURES_MAX)
        return;
    if (rows->items == NULL)
        rows->items = arena_array(import->kept, IMPORT_FAILURES_MAX, sizeof(struct import_failure));
    rows->items[rows->count++] = (struct import_failure){
        .row = row,
        .field = arena_strdup(import->kept, field),
        .cause = arena_strdup(import->kept, cause),
    };
}

bool import_next_chunk(struct import *import)
{
    if (import->at >= import->size)
        return false;
    if (import->chunk == NULL)
        import->chunk = arena_new(CHUNK_MAX);
    arena_clear(import->chunk);
    import->ctx->arena = import->chunk;
    return true;
}

void import_close(struct import *import)
{
    if (import->chunk == NULL)
        return;

    struct problem *problem = &import->ctx->problem;
    problem->detail = arena_strdup(import->kept, problem->detail);
    problem->extra = arena_strdup(import->kept, problem->extra);
    for (size_t i = 0; i < problem->error_count; i++) {
        problem->errors[i].field = arena_strdup(import->kept, problem->errors[i].field);
        problem->errors[i].message = arena_strdup(import->kept, problem->errors[i].message);
    }
    import->ctx->arena = import->kept;
    arena_free(import->chunk);
    import->chunk = NULL;
}

/* A whole number goes into JSON as one; anything else as text, about which the decoder complains. */
static void add_member(struct buf *json, const struct field *field, const char *value)
{
    int64_t number;

    if (json->size > 1)
        buf_add_char(json, ',');
    buf_add_json(json, field->name);
    buf_add_char(json, ':');
    if (field->type == FIELD_INT && text_to_int(value, strlen(value), &number))
        buf_add_int(json, number);
    else if (field->type == FIELD_BOOL && (text_equal(value, "true") || text_equal(value, "false")))
        buf_add_text(json, value);
    else
        buf_add_json(json, value);
}

/* Reads one row of values; an empty value is an absent member. *ret_cause: why the row can't be read. */
static void read_csv_row(struct import *import, struct buf *json, bool *ret_is_empty, const char **ret_cause)
{
    bool last = false;
    size_t column = 0;

    *ret_is_empty = true;
    buf_add_char(json, '{');
    for (; !last; column++) {
        const char *value;
        if (!read_csv_value(import, &value, &last)) {
            import->at = import->size;
            *ret_cause = "a quote is not closed";
            return;
        }
        if (value == NULL)
            *ret_cause = "a value is too long";
        if (value == NULL || *value == '\0')
            continue;
        *ret_is_empty = false;
        if (column < import->column_count)
            add_member(json, import->columns[column], value);
        else if (*ret_cause == NULL)
            *ret_cause = "has more values than the heading has names";
    }
    buf_add_char(json, '}');
}

static void read_ndjson_row(struct import *import, struct buf *json, bool *ret_is_empty)
{
    const char *begin = import->bytes + import->at;
    const char *end = memchr(begin, '\n', import->size - import->at);
    size_t size = end != NULL ? (size_t)(end - begin) : import->size - import->at;

    import->at += size + 1;
    while (size > 0 && (begin[size - 1] == '\r' || begin[size - 1] == ' '))
        size--;
    *ret_is_empty = size == 0;
    buf_add(json, begin, size);
}

/* Puts what the decoder complained about on the report: the first field that is wrong. */
static void report_problem(struct import *import)
{
    const struct problem *problem = &import->ctx->problem;

    if (problem->error_count > 0)
        import_fail(import, import->row, problem->errors[0].field, problem->errors[0].message);
    else
        import_fail(import, import->row, NULL, problem->detail != NULL ? problem->detail : "cannot be read");
    ctx_clear_problem(import->ctx);
}

bool import_next(struct import *import, void *ret, int64_t *ret_row)
{
    while (import->at < import->size && arena_used(import->ctx->arena) < CHUNK_READ_MAX) {
        const char *cause = NULL;
        bool is_empty = false;
        struct buf json;

        buf_init(&json, import->ctx->arena, ROW_MAX);
        if (import->is_csv)
            read_csv_row(import, &json, &is_empty, &cause);
        else
            read_ndjson_row(import, &json, &is_empty);
        if (is_empty && cause == NULL)
            continue;
        import->row++;
        if (cause == NULL && json.overflowed)
            cause = "is too long";
        if (cause != NULL) {
            import_fail(import, import->row, NULL, cause);
            continue;
        }
        memset(ret, 0, import->record->size);
        if (json_decode(import->ctx, import->record, json.data, json.size, JSON_CLOSED, ret) != ERR_NONE) {
            report_problem(import);
            continue;
        }
        *ret_row = import->row;
        return true;
    }
    return false;
}
