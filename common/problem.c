/*
 * problem - writes problem documents.
 */
#include "problem.h"

#include <string.h>
#include <strings.h>

#include "dispatch.h"
#include "text.h"

#define PROBLEM_MAX ((size_t)64 * 1024)
#define RETRY_AFTER_S "1"

/* The kind a client is told: those that are only for the inside have a neighbour. */
static enum err outward(enum err err)
{
    if (err == ERR_AGAIN)
        return ERR_BUSY;
    if (err == ERR_ABSENT)
        return ERR_NOT_FOUND;
    if (err == ERR_REPLAY)
        return ERR_INTERNAL;
    return err;
}

static void add_member(struct buf *buf, const char *name, const char *text)
{
    buf_printf(buf, ",\"%s\":", name);
    buf_add_json(buf, text);
}

static void add_reasons(struct buf *buf, const struct problem *problem)
{
    if (problem->detail != NULL && utf8_is_valid(problem->detail, strlen(problem->detail)))
        add_member(buf, "detail", problem->detail);
    if (problem->error_count == 0)
        return;
    buf_add_text(buf, ",\"errors\":[");
    for (size_t i = 0; i < problem->error_count; i++) {
        buf_add_text(buf, i > 0 ? ",{\"field\":" : "{\"field\":");
        buf_add_json(buf, problem->errors[i].field);
        add_member(buf, "message", problem->errors[i].message);
        buf_add_char(buf, '}');
    }
    buf_add_char(buf, ']');
}

static bool has_header(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0)
            return true;
    }
    return false;
}

void problem_answer(struct ctx *ctx, enum err err)
{
    struct request *request = ctx->request;
    const struct problem *problem = &ctx->problem;
    const struct err_kind *kind = err_kind(outward(err));
    bool told = kind->status < 500 && problem->kind == err;
    struct buf buf;

    buf_init(&buf, ctx->arena, PROBLEM_MAX);
    buf_printf(&buf, "{\"type\":\"/problems/%s\",\"title\":\"%s\",\"status\":%d", kind->name, kind->title,
               kind->status);
    if (told)
        add_reasons(&buf, problem);
    add_member(&buf, "code", kind->name);
    add_member(&buf, "correlation_id", ctx->trace.correlation_id);
    if (told && problem->extra != NULL && strlen(problem->extra) < PROBLEM_MAX / 2)
        buf_printf(&buf, ",%s", problem->extra);
    buf_add_char(&buf, '}');

    if (request->stream != NULL)
        (void)request->stream(ctx, NULL, request->stream_state); /* nothing more is asked */
    request->stream = NULL;
    request->status = kind->status;
    request->rendered = true;
    http_text(ctx, "application/problem+json", buf.data, buf.size);
    http_header_drop(ctx, "ETag");
    http_header_drop(ctx, "Cache-Control");
    if (kind->retryable && !has_header(request, "Retry-After"))
        http_header(ctx, "Retry-After", RETRY_AFTER_S);
    if (kind->status == 401 && !has_header(request, "WWW-Authenticate"))
        http_header(ctx, "WWW-Authenticate", "Bearer");
}
