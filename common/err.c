/*
 * err - the table of error kinds, and recording why.
 */
#include "err.h"

#include <assert.h>
#include <string.h>

#include "ctx.h"

static const struct err_kind kinds[ERR_COUNT_] = {
#define X(kind, status, retryable, name, title) [ERR_##kind] = {status, retryable, name, title},
    ERR_KINDS(X)
#undef X
};

const struct err_kind *err_kind(enum err err)
{
    assert(err > ERR_NONE && err < ERR_COUNT_);
    return &kinds[err];
}

enum err err_fail(struct ctx *ctx, enum err kind, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    ctx->problem.detail = arena_vprintf(ctx->arena, format, arguments);
    va_end(arguments);

    /* The list of wrong fields belongs to ERR_INVALID only. */
    if (kind != ERR_INVALID)
        ctx->problem.error_count = 0;
    ctx->problem.kind = kind;
    return kind;
}

enum err err_field(struct ctx *ctx, const char *field, const char *format, ...)
{
    struct problem *problem = &ctx->problem;
    va_list arguments;

    if (problem->kind != ERR_INVALID)
        problem->error_count = 0;
    problem->kind = ERR_INVALID;
    if (problem->error_count == FIELD_ERRORS_MAX)
        return ERR_INVALID;

    struct field_error *error = &problem->errors[problem->error_count++];
    va_start(arguments, format);
    error->field = arena_strdup(ctx->arena, field);
    error->message = arena_vprintf(ctx->arena, format, arguments);
    va_end(arguments);

    if (problem->error_count == 1)
        problem->detail = arena_printf(ctx->arena, "%s %s", error->field, error->message);
    return ERR_INVALID;
}

void ctx_clear_problem(struct ctx *ctx)
{
    memset(&ctx->problem, 0, sizeof(ctx->problem));
}
