/*
 * ctx - contexts for work that the service does by itself.
 */
#include "ctx.h"

#include <stdio.h>
#include <stdlib.h>

#include "service.h"

#define CTX_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct ctx *ctx_new(struct service *service)
{
    struct ctx *ctx = calloc(1, sizeof(*ctx));
    if (ctx == NULL) {
        fputs("ctx: out of memory\n", stderr);
        abort();
    }
    ctx->arena = arena_new(CTX_BYTES_MAX);
    ctx->service = service;
    ctx_clear(ctx);
    return ctx;
}

void ctx_clear(struct ctx *ctx)
{
    arena_clear(ctx->arena);
    ctx->caller = (struct caller){.role = ROLE_SYSTEM, .shop = ctx->service->shop};
    ctx_clear_problem(ctx);
    trace_start(ctx, NULL, NULL, NULL);
}

void ctx_release(struct ctx *ctx)
{
    if (ctx == NULL)
        return;
    arena_free(ctx->arena);
    free(ctx);
}
