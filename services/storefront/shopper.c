/* Shoppers are known by the token of their cart, and by nothing else. */
#include "identity.h"
#include "proto/storefront_api.h"
#include "storefront.h"

/* The token that was shown. In the query only where the contract allows it: event streams and links in mails can't set
 * a header. */
static const char *shown_token(const struct ctx *ctx, const struct route *route)
{
    const char *token = request_bearer(ctx);

    if (token == NULL && (route->handle == order_events || route->handle == order_page))
        token = query_param(ctx, "token");
    return token;
}

enum err shopper_authenticate(struct ctx *ctx, const struct route *route)
{
    const char *cart_id = token_read_cart(ctx->arena, ctx->service->token_keys, shown_token(ctx, route));

    if (cart_id == NULL && route->who != ROLE_NONE)
        return FAIL(ctx, UNAUTHENTICATED, "this needs the token of a cart");
    ctx->caller.role = ROLE_SHOPPER;
    ctx->caller.cart_id = cart_id;
    return ERR_NONE;
}

enum err read_from(struct ctx *ctx, const char *upstream, const char *path, struct answer *ret, bool *ret_found)
{
    const struct call call = {.method = "GET", .path = path, .repeatable = true};

    TRY(edge_call(ctx, upstream, &call, ret));
    *ret_found = ret->status == 200;
    if (!*ret_found)
        edge_answer(ctx, ret);
    return ERR_NONE;
}
