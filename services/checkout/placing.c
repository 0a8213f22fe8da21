/* Placing a checkout, paying another way, giving up: each answered from the placement as it stands. */
#include "api.h"

#include "http.h"
#include "move.h"
#include "text.h"

/* Renders the placement with the status and the place to look that go with it. The same for each who asks. */
static void answer(struct ctx *ctx, const struct checkout *checkout, const struct placement_view *view)
{
    const bool is_placed = view->order != NULL;

    http_status(ctx, placement_status(view));
    http_etag(ctx, checkout->head.version);
    http_header(ctx, "Location",
                arena_printf(ctx->arena, is_placed ? "/orders/%s" : "/checkouts/%s/placement", view->checkout_id));
}

static enum err check_repeat(struct ctx *ctx, const char *fingerprint)
{
    if (!text_equal(fingerprint, request_fingerprint(ctx)))
        return FAIL(ctx, INVALID, "this Idempotency-Key was used for another request");
    return ERR_NONE;
}

/* The checkout as the shopper wants it: complete, and at the total that they were shown. */
static enum err check_wish(struct ctx *ctx, const struct checkout *checkout, struct money total)
{
    const struct texts missing = checkout_missing(checkout, ctx->arena);
    char text[MONEY_TEXT];
    enum err err = ERR_NONE;

    for (size_t i = 0; i < missing.count; i++)
        err = err_field(ctx, missing.items[i], "must be set before it can be placed");
    if (err == ERR_NONE && !money_equal(total, checkout->totals.total))
        err = FAIL(ctx, CONFLICT, "the total is %s by now", money_format(checkout->totals.total, text));
    return err;
}

static enum err start_placement(struct uow *uow, struct checkout *checkout, struct money total, const char *key)
{
    struct ctx *ctx = uow->ctx;
    const struct checkout_move move = {.on = ON_PLACE, .key = key, .fingerprint = request_fingerprint(ctx)};
    struct payment_pick pick;

    TRY(checkout_allow(uow, checkout, &move));
    TRY(checkout_read_offers(uow, checkout));
    TRY(checkout_price(ctx, checkout));
    TRY(check_wish(ctx, checkout, total));
    TRY(pick_payment(ctx, checkout, checkout->method, checkout->return_url, &pick));
    checkout->capture = pick.capture;
    return checkout_move(uow, checkout, &move);
}

/*
 * The same key and body joins the placement that it started, now or much later; so a repeat never places again. Another
 * key while one is going on is a second tab: it gets a conflict with a link to the placement.
 */
enum err place_order(struct ctx *ctx, const void *in, void *ret)
{
    const struct place_order *ask = in;
    const char *key = request_key(ctx);
    struct checkout checkout;
    struct earlier_placement earlier;
    bool is_late;

    UNIT_OF_WORK(ctx, uow);
    TRY(lock_from_path(uow, &checkout));
    TRY(placement_find(uow, &checkout, key, &earlier, &is_late));
    if (text_equal(checkout.key, key)) {
        TRY(check_repeat(ctx, checkout.fingerprint));
        placement_show(&checkout, ctx->arena, ret);
    } else if (is_late) {
        TRY(check_repeat(ctx, earlier.fingerprint));
        placement_show_earlier(checkout.head.id, &earlier, ret);
    } else {
        TRY(start_placement(uow, &checkout, ask->total, key));
        placement_show(&checkout, ctx->arena, ret);
    }
    answer(ctx, &checkout, ret);
    return uow_commit(uow);
}

enum err show_placement(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct checkout checkout;
    const char *id;
    bool found;

    READING(ctx, uow);
    TRY(path_id(ctx, "checkout_id", &id));
    TRY(checkout_read_placement(uow, id, &checkout, &found));
    if (!found)
        return no_checkout(ctx, id);
    if (checkout.placement == 0)
        return FAIL(ctx, NOT_FOUND, "checkout \"%s\" was never placed", checkout.head.id);
    placement_show(&checkout, ctx->arena, ret);
    http_etag(ctx, checkout.head.version);
    return ERR_NONE;
}

/* Another try, or another method, under the same claims: it names the total like placing does. */
enum err pay_again(struct ctx *ctx, const void *in, void *ret)
{
    const struct pay_again *ask = in;
    struct checkout_move move = {.on = ON_PAY, .method = ask->method};
    struct checkout checkout;
    struct payment_pick pick;
    char text[MONEY_TEXT];

    UNIT_OF_WORK(ctx, uow);
    TRY(lock_from_path(uow, &checkout));
    TRY(checkout_allow(uow, &checkout, &move));
    if (!money_equal(ask->total, checkout.totals.total))
        return FAIL(ctx, CONFLICT, "the placement's total is %s", money_format(checkout.totals.total, text));
    TRY(checkout_read_offers(uow, &checkout));
    TRY(pick_payment(ctx, &checkout, ask->method, ask->return_url, &pick));
    move.capture = pick.capture;
    move.return_url = pick.return_url;
    TRY(checkout_move(uow, &checkout, &move));
    placement_show(&checkout, ctx->arena, ret);
    answer(ctx, &checkout, ret);
    return uow_commit(uow);
}

enum err cancel_placement(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct checkout checkout;

    UNIT_OF_WORK(ctx, uow);
    TRY(lock_from_path(uow, &checkout));
    TRY(checkout_move(uow, &checkout, &(struct checkout_move){.on = ON_CANCEL}));
    placement_show(&checkout, ctx->arena, ret);
    http_status(ctx, checkout.state == CHECKOUT_FAILED ? 200 : 202);
    return uow_commit(uow);
}
