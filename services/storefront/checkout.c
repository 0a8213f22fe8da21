/* The step from a cart to its checkout: the cart's lines and prices are handed over as the shopper sees them. */
#include "checkout.h"

#include <string.h>

#include "json.h"
#include "proto/storefront_api.h"
#include "storefront.h"
#include "text.h"

#define NOT_SOLD "is not for sale any more" /* the cart's word about such a line */

static enum err check_cart(struct ctx *ctx, const struct cart_view *cart)
{
    enum err err = ERR_NONE;

    if (text_equal(cart->state, CART_VIEW_STATE_ORDERED))
        return FAIL(ctx, CONFLICT, "cart \"%s\" became an order already", cart->id);
    if (text_equal(cart->state, CART_VIEW_STATE_EXPIRED))
        return FAIL(ctx, CONFLICT, "cart \"%s\" has expired", cart->id);
    if (text_equal(cart->state, CART_VIEW_STATE_LOCKED))
        return FAIL(ctx, CONFLICT, "a placement of cart \"%s\" is going on", cart->id);
    if (cart->lines.count == 0)
        return FAIL(ctx, CONFLICT, "cart \"%s\" is empty", cart->id);
    for (size_t i = 0; i < cart->lines.count; i++) {
        const struct cart_view_line *line = &cart->lines.items[i];
        for (size_t j = 0; j < line->changes.count; j++) {
            if (text_equal(line->changes.items[j], NOT_SOLD))
                err = err_field(ctx, arena_printf(ctx->arena, "lines[%zu]", i), "\"%s\" " NOT_SOLD, line->sku);
        }
    }
    return err;
}

enum err snapshot_of(struct ctx *ctx, const struct cart_view *cart, struct open_checkout *ret)
{
    struct cart_line *lines = arena_array(ctx->arena, cart->lines.count, sizeof(*lines));

    TRY(check_cart(ctx, cart));
    for (size_t i = 0; i < cart->lines.count; i++) {
        const struct cart_view_line *line = &cart->lines.items[i];
        lines[i] = (struct cart_line){
            .line_id = line->line_id,
            .sku = line->sku,
            .title = line->title,
            .quantity = line->quantity,
            .unit_price = line->unit_price,
            .tax_class = line->tax_class,
            .total = line->total,
        };
    }
    *ret = (struct open_checkout){
        .cart_id = cart->id,
        .cart_version = cart->version,
        .channel = cart->channel,
        .locale = cart->locale,
        .currency = cart->currency,
        .lines = {.items = lines, .count = cart->lines.count},
    };
    return ERR_NONE;
}

enum err open_checkout(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct call call = {.method = "POST", .path = "/checkouts", .content_type = "application/json"};
    struct open_checkout snapshot;
    struct cart_view cart;
    struct answer answer;
    const char *cart_id;
    bool found;

    TRY(path_id(ctx, "cart_id", &cart_id));
    TRY(read_from(ctx, "cart", arena_printf(ctx->arena, "/carts/%s", cart_id), &answer, &found));
    if (!found)
        return ERR_NONE;
    TRY(json_decode(ctx, &cart_view_record, answer.body, answer.size, JSON_OPEN, &cart));
    TRY(snapshot_of(ctx, &cart, &snapshot));

    call.body = json_encode(ctx->arena, &open_checkout_record, &snapshot);
    call.body_size = strlen(call.body);
    call.repeatable = true; /* a cart has one checkout: opening it again brings it up to date */
    TRY(edge_call(ctx, "checkout", &call, &answer));
    edge_answer(ctx, &answer);
    const char *id = answer.status == 201 ? json_find(ctx->arena, answer.body, answer.size, "id") : NULL;
    if (id != NULL)
        http_header(ctx, "Location", arena_printf(ctx->arena, "/checkouts/%s", id));
    return ERR_NONE;
}
