/*
 * request - what a handler may ask of its request and say beside its answer. What needs ulfius is in http.c.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dispatch.h"
#include "id.h"
#include "identity.h"
#include "json.h"
#include "path.h"
#include "text.h"

const char *path_param(const struct ctx *ctx, const char *name)
{
    const struct request *request = ctx->request;
    size_t size = strlen(name);
    size_t index = 0;

    for (const char *at = strchr(request->route->path, ':'); at != NULL; at = strchr(at, ':')) {
        at++;
        if (strncmp(at, name, size) == 0 && (at[size] == '/' || at[size] == '\0'))
            return request->params[index];
        index++;
    }
    assert(!"the route has no such parameter");
    return "";
}

const char *query_param(const struct ctx *ctx, const char *name)
{
    return query_find(ctx->arena, ctx->request->query, name);
}

const char *request_bearer(const struct ctx *ctx)
{
    const char *text = request_header(ctx, "Authorization");

    if (text == NULL || strncasecmp(text, "Bearer ", 7) != 0)
        return NULL;
    text += 7 + strspn(text + 7, " ");
    return *text != '\0' ? text : NULL;
}

const char *request_body(const struct ctx *ctx, size_t *ret_size)
{
    *ret_size = ctx->request->body_size;
    return ctx->request->body;
}

const char *request_key(const struct ctx *ctx)
{
    return ctx->request->key;
}

const char *request_fingerprint(const struct ctx *ctx)
{
    struct request *request = ctx->request;

    if (request->fingerprint == NULL) {
        const char *body = sha256_hex(ctx->arena, request->body, request->body_size);
        const char *all =
            arena_printf(ctx->arena, "%s %s?%s\n%s", request->method, request->path, request->query, body);
        request->fingerprint = sha256_hex(ctx->arena, all, strlen(all));
    }
    return request->fingerprint;
}

int request_wait_s(const struct ctx *ctx)
{
    const char *prefer = request_header(ctx, "Prefer");
    int64_t wait;

    for (const char *at = prefer; at != NULL && *at != '\0';) {
        at += strspn(at, " \t,;");
        size_t size = strcspn(at, " \t,;");
        if (size > 5 && strncasecmp(at, "wait=", 5) == 0 && text_to_int(at + 5, size - 5, &wait) && wait >= 0)
            return wait > HTTP_WAIT_MAX_S ? HTTP_WAIT_MAX_S : (int)wait;
        at += size;
    }
    return 0;
}

RECORD_SHARED(page_query, FIELD(page_query, after, .format = TEXT_UUID), FIELD(page_query, limit, PAGE_LIMIT));

enum err request_query(struct ctx *ctx, const struct record *record, void *ret)
{
    enum err err = ERR_NONE;

    memset(ret, 0, record->size);
    record_fallbacks(record, ret);
    for (size_t i = 0; i < record->count; i++) {
        const struct field *field = &record->fields[i];
        const char *text = query_param(ctx, field->name);
        const char *complaint = text != NULL ? json_read_plain(ctx->arena, field, text, ret) : NULL;
        if (complaint != NULL)
            err = err_field(ctx, field->name, "%s", complaint);
    }
    return err;
}

enum err path_id(struct ctx *ctx, const char *name, const char **ret)
{
    const char *value = path_param(ctx, name);

    if (!id_is_valid(value))
        return FAIL(ctx, NOT_FOUND, "there is no \"%s\": ids are UUIDs", value);
    *ret = value;
    return ERR_NONE;
}

enum err request_if_match(struct ctx *ctx, int64_t *ret)
{
    const char *tag = request_header(ctx, "If-Match");
    if (tag == NULL)
        return FAIL(ctx, PRECONDITION_MISSING, "send the ETag you read as If-Match");

    size_t size = strlen(tag);
    if (size < 3 || tag[0] != '"' || tag[size - 1] != '"' || !text_to_int(tag + 1, size - 2, ret))
        return FAIL(ctx, PRECONDITION, "the If-Match is not an ETag of this resource");
    return ERR_NONE;
}

void http_status(struct ctx *ctx, int status)
{
    assert(status >= 200 && status <= 599);
    ctx->request->status = status;
}

static struct http_header *find_header(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0)
            return (struct http_header *)&request->headers[i];
    }
    return NULL;
}

void http_header(struct ctx *ctx, const char *name, const char *value)
{
    struct request *request = ctx->request;
    struct http_header *header = find_header(request, name);

    if (header == NULL) {
        assert(request->header_count < HTTP_HEADERS_MAX);
        header = &request->headers[request->header_count++];
    }
    char *copy = arena_strdup(ctx->arena, value);
    /* A line break would let whoever chose the value write headers of their own. */
    for (char *at = copy; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    }
    header->name = arena_strdup(ctx->arena, name);
    header->value = copy;
}

void http_header_drop(struct ctx *ctx, const char *name)
{
    struct request *request = ctx->request;
    struct http_header *header = find_header(request, name);

    if (header != NULL)
        *header = request->headers[--request->header_count];
}

void http_etag(struct ctx *ctx, int64_t version)
{
    char text[24];

    snprintf(text, sizeof(text), "\"%lld\"", (long long)version);
    http_header(ctx, "ETag", text);
}

void http_text(struct ctx *ctx, const char *content_type, const char *bytes, size_t size)
{
    struct request *request = ctx->request;

    request->content_type = content_type;
    request->answer = bytes;
    request->answer_size = size;
}

void http_answer_stream(struct ctx *ctx, const char *content_type, http_stream next, void *state)
{
    struct request *request = ctx->request;

    request->content_type = content_type;
    request->stream = next;
    request->stream_state = state;
}

void http_render(struct ctx *ctx)
{
    struct request *request = ctx->request;
    const struct route *route = request->route;

    if (request->rendered)
        return;
    if (request->answer == NULL && request->stream == NULL && route->out != NULL && request->out != NULL) {
        struct buf buf;
        buf_init(&buf, ctx->arena, ANSWER_MAX);
        json_add(&buf, route->out, request->out);
        if (buf.overflowed)
            request->status = 500;
        else
            http_text(ctx, "application/json", buf.data, buf.size);
    }
    if (request->status == 0)
        request->status = route->status;
    if (request->status == 0)
        request->status = request->answer != NULL || request->stream != NULL ? 200 : 204;
    request->rendered = true;
}
