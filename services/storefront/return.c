/* The way back from the payment provider's hosted page. */
#include <string.h>

#include "checkout.h"
#include "proto/storefront_api.h"
#include "storefront.h"

#define PAGE_MAX 4096

const char *return_url_for(struct arena *arena, const char *url, const char *checkout_id)
{
    size_t size = strcspn(url, "#");
    const char *fragment = url + size;
    const char *head = arena_copy(arena, url, size);
    const char *join = strchr(head, '?') == NULL ? "?" : head[size - 1] == '?' || head[size - 1] == '&' ? "" : "&";

    return arena_printf(arena, "%s%scheckout_id=%s%s", head, join, checkout_id, fragment);
}

static void answer_page(struct ctx *ctx, const char *checkout_id)
{
    struct buf page;

    buf_init(&page, ctx->arena, PAGE_MAX);
    buf_add_text(&page,
                 "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
                 "<meta name=\"viewport\" content=\"width=device-width\"><title>Back from the payment</title></head>\n"
                 "<body>\n<h1>Thank you</h1>\n<p>We are asking the payment provider how it went. You may close this "
                 "page and go back to the shop; a mail will follow when your order is placed.</p>\n");
    buf_printf(&page,
               "<p><a href=\"/orders/%s/page\">The order</a> opens with the link in that mail.</p>\n</body>\n</html>\n",
               checkout_id);
    http_text(ctx, "text/html; charset=utf-8", page.data, page.size);
}

/* Has payment ask the provider; what the browser brings along proves nothing. */
enum err payment_return(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct call call = {.method = "POST", .repeatable = true};
    struct answer answer;
    const char *id;

    TRY(path_id(ctx, "checkout_id", &id));
    call.path = arena_printf(ctx->arena, "/facts/return/%s", id);
    TRY(edge_call(ctx, "payment", &call, &answer));
    if (answer.status >= 300) {
        edge_answer(ctx, &answer);
        return ERR_NONE;
    }
    if (answer.location == NULL) {
        answer_page(ctx, id);
        return ERR_NONE;
    }
    http_status(ctx, 303);
    http_header(ctx, "Location", return_url_for(ctx->arena, answer.location, id));
    return ERR_NONE;
}
