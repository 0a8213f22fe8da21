/* The customer's page of an order, from what the order service answers. */
#include "id.h"
#include "json.h"
#include "page.h"
#include "proto/storefront_api.h"
#include "storefront.h"

#define POLICY                                                                                                         \
    "default-src 'none'; style-src 'nonce-%1$s'; script-src 'nonce-%1$s'; connect-src 'self'; base-uri 'none'; "       \
    "form-action 'none'; frame-ancestors 'none'"

/* The whole page is worth more than its timeline: without that it is shown too. */
static void read_timeline(struct ctx *ctx, const char *order_id, struct timeline_view *ret)
{
    const struct call call = {
        .method = "GET",
        .path = arena_printf(ctx->arena, "/orders/%s/timeline?limit=%d", order_id, PAGE_LIMIT_MAX),
        .repeatable = true,
    };
    struct answer answer;

    *ret = (struct timeline_view){{0}};
    if (edge_call(ctx, "order", &call, &answer) != ERR_NONE || answer.status != 200 ||
        json_decode(ctx, &timeline_view_record, answer.body, answer.size, JSON_OPEN, ret) != ERR_NONE)
        *ret = (struct timeline_view){{0}};
    ctx_clear_problem(ctx);
}

enum err order_page(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct timeline_view timeline;
    struct order_view order;
    struct answer answer;
    struct buf page;
    const char *id;
    bool found;

    TRY(path_id(ctx, "order_id", &id));
    TRY(read_from(ctx, "order", arena_printf(ctx->arena, "/orders/%s", id), &answer, &found));
    if (!found)
        return ERR_NONE;
    TRY(json_decode(ctx, &order_view_record, answer.body, answer.size, JSON_OPEN, &order));
    read_timeline(ctx, id, &timeline);

    /* Two ids: more random bits than anybody can guess. */
    const char *nonce = arena_printf(ctx->arena, "%s%s", id_new(ctx->arena), id_new(ctx->arena));
    buf_init(&page, ctx->arena, ORDER_PAGE_MAX);
    page_add_order(&page, &order, &timeline, nonce);
    if (page.overflowed)
        return FAIL(ctx, INTERNAL, "the page of order \"%s\" has more than %zu bytes", id, ORDER_PAGE_MAX);
    http_header(ctx, "Content-Security-Policy", arena_printf(ctx->arena, POLICY, nonce));
    http_text(ctx, "text/html; charset=utf-8", page.data, page.size);
    return ERR_NONE;
}
