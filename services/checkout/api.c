/* What shoppers ask of their checkout before it is placed. */
#include "api.h"

#include "http.h"
#include "id.h"
#include "move.h"
#include "service.h"
#include "text.h"

#define HTTP_SNAPSHOT_MAX ((size_t)512 * 1024) /* 500 lines with titles of 200 bytes */

static bool is_frozen(const struct checkout *checkout)
{
    return checkout->state != CHECKOUT_OPEN && checkout->state != CHECKOUT_FAILED;
}

enum err no_checkout(struct ctx *ctx, const char *id)
{
    return FAIL(ctx, NOT_FOUND, "there is no checkout \"%s\"", id);
}

enum err lock_from_path(struct uow *uow, struct checkout *ret)
{
    struct ctx *ctx = uow->ctx;
    const char *id;
    bool found;

    TRY(path_id(ctx, "checkout_id", &id));
    TRY(checkout_lock(uow, id, ret, &found));
    return found ? ERR_NONE : no_checkout(ctx, id);
}

/* Reads the checkout that the path names, priced as of now unless a placement froze it. */
static enum err read_from_path(struct uow *uow, struct checkout *ret)
{
    struct ctx *ctx = uow->ctx;
    const char *id;
    bool found;

    TRY(path_id(ctx, "checkout_id", &id));
    TRY(checkout_read(uow, id, ret, &found));
    if (!found)
        return no_checkout(ctx, id);
    TRY(checkout_read_offers(uow, ret));
    return is_frozen(ret) ? ERR_NONE : checkout_price(ctx, ret);
}

enum err pick_payment(struct ctx *ctx, const struct checkout *checkout, const char *method, const char *return_url,
                      struct payment_pick *ret)
{
    const struct config *config = ctx->service->config;
    const struct payment_choice *choice = offers_payment(&checkout->offers, method, checkout->totals.total.amount);

    if (choice == NULL)
        return err_field(ctx, "method", "is not offered for this checkout");
    const char *hosts = config_text(config, "WAYBILL_RETURN_HOSTS");
    if (return_url != NULL && !return_url_is_allowed(hosts, return_url, ctx->arena))
        return err_field(ctx, "return_url", "must be on a host of the shop");

    const bool deferred = config_int(config, "WAYBILL_CAPTURE_DEFERRED") != 0;
    const bool is_card = text_equal(method, PAYMENT_METHOD_CARD);
    *ret = (struct payment_pick){
        .method = choice->method,
        .capture = deferred && is_card ? CAPTURE_DEFERRED : choice->capture,
        .return_url = is_card ? return_url : NULL,
    };
    return ERR_NONE;
}

/* A checkout as the gateway hands the cart over. */
static enum err begin(struct ctx *ctx, const struct open_checkout *ask, struct checkout *ret)
{
    *ret = (struct checkout){
        .head = {.id = id_new(ctx->arena)},
        .shop = ctx->caller.shop,
        .cart_id = ask->cart_id,
        .cart_version = ask->cart_version,
        .channel = ask->channel,
        .locale = ask->locale,
        .currency = ask->currency,
        .group_id = id_new(ctx->arena),
    };
    return checkout_take_lines(ctx, &ask->lines, ask->currency, &ret->lines);
}

/* The cart has a checkout. Takes over the cart's snapshot, unless another tab brought a newer one or a placement has
 * frozen the checkout. */
static enum err reopen(struct uow *uow, const struct checkout *fresh, struct checkout *ret)
{
    bool found;

    TRY(checkout_lock(uow, NULL, ret, &found));
    if (!found)
        return FAIL(uow->ctx, INTERNAL, "the checkout of cart \"%s\" is gone", fresh->cart_id);
    if (is_frozen(ret))
        return ERR_NONE;

    if (fresh->cart_version >= ret->cart_version) {
        ret->cart_version = fresh->cart_version;
        ret->channel = fresh->channel;
        ret->locale = fresh->locale;
        ret->currency = fresh->currency;
        ret->lines = fresh->lines;
        checkout_refresh(uow, ret);
    }
    TRY(checkout_read_offers(uow, ret));
    return checkout_price(uow->ctx, ret);
}

/* Prices it without tax: where it goes is not known yet. */
static enum err tell_opened(struct uow *uow, struct checkout *checkout)
{
    TRY(checkout_read_offers(uow, checkout));
    TRY(checkout_price(uow->ctx, checkout));
    return emit_checkout_opened(uow, &checkout->head,
                                &(struct checkout_opened){
                                    .checkout_id = checkout->head.id,
                                    .shop = checkout->shop,
                                    .cart_id = checkout->cart_id,
                                    .channel = checkout->channel,
                                    .locale = checkout->locale,
                                    .currency = checkout->currency,
                                });
}

static enum err open_checkout(struct ctx *ctx, const void *in, void *ret)
{
    const struct open_checkout *ask = in;
    struct checkout fresh;
    struct checkout checkout;
    bool is_new;

    if (!text_equal(ask->cart_id, ctx->caller.cart_id))
        return FAIL(ctx, NOT_FOUND, "there is no cart \"%s\"", ask->cart_id);
    TRY(begin(ctx, ask, &fresh));

    UNIT_OF_WORK(ctx, uow);
    TRY(checkout_add(uow, &fresh, &is_new));
    if (is_new) {
        TRY(tell_opened(uow, &fresh));
        checkout = fresh;
    } else {
        TRY(reopen(uow, &fresh, &checkout));
    }
    checkout_show(&checkout, ctx->arena, ret);
    http_status(ctx, is_new ? 201 : 200);
    return uow_commit(uow);
}

static enum err show_checkout(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct checkout checkout;

    READING(ctx, uow);
    TRY(read_from_path(uow, &checkout));
    checkout_show(&checkout, ctx->arena, ret);
    return ERR_NONE;
}

/* What can be delivered, and for how much, depends on where it goes. */
static enum err check_address_known(struct ctx *ctx, const struct checkout *checkout)
{
    if (checkout->personal == NULL)
        return FAIL(ctx, CONFLICT, "checkout \"%s\" has no shipping address yet", checkout->head.id);
    return ERR_NONE;
}

/* Reads the checkout for a change of what was chosen. */
static enum err open_for_edit(struct uow *uow, struct checkout *ret)
{
    TRY(lock_from_path(uow, ret));
    return checkout_allow(uow, ret, &(struct checkout_move){.on = ON_EDIT});
}

static enum err set_addresses(struct ctx *ctx, const void *in, void *ret)
{
    const struct set_addresses *ask = in;
    struct checkout checkout;

    UNIT_OF_WORK(ctx, uow);
    TRY(open_for_edit(uow, &checkout));
    checkout.personal = ARENA_NEW(ctx->arena, struct set_addresses);
    *checkout.personal = *ask;
    TRY(checkout_read_offers(uow, &checkout));
    TRY(checkout_price(ctx, &checkout));
    checkout_choose(uow, &checkout, &(struct choice){.personal = ask});
    checkout_show(&checkout, ctx->arena, ret);
    return uow_commit(uow);
}

static enum err set_delivery(struct ctx *ctx, const void *in, void *ret)
{
    const struct set_delivery *ask = in;
    struct checkout checkout;

    UNIT_OF_WORK(ctx, uow);
    TRY(open_for_edit(uow, &checkout));
    TRY(check_address_known(ctx, &checkout));
    TRY(checkout_read_offers(uow, &checkout));
    checkout.delivery_method = ask->method;
    if (offers_delivery(&checkout.offers, ask->method) == NULL)
        return err_field(ctx, "method", "is not offered for the shipping address");
    TRY(checkout_price(ctx, &checkout));
    checkout_choose(uow, &checkout, &(struct choice){.delivery_method = ask->method});
    checkout_show(&checkout, ctx->arena, ret);
    return uow_commit(uow);
}

static enum err set_payment(struct ctx *ctx, const void *in, void *ret)
{
    const struct set_payment *ask = in;
    const bool has_page = text_equal(ask->method, PAYMENT_METHOD_CARD);
    const struct choice choice = {.method = ask->method, .return_url = has_page ? ask->return_url : NULL};
    struct checkout checkout;
    struct payment_pick pick;

    UNIT_OF_WORK(ctx, uow);
    TRY(open_for_edit(uow, &checkout));
    checkout.method = choice.method;
    checkout.return_url = choice.return_url;
    TRY(checkout_read_offers(uow, &checkout));
    TRY(checkout_price(ctx, &checkout)); /* what is offered depends on the total */
    TRY(pick_payment(ctx, &checkout, ask->method, ask->return_url, &pick));
    checkout_choose(uow, &checkout, &choice);
    checkout_show(&checkout, ctx->arena, ret);
    return uow_commit(uow);
}

static enum err list_deliveries(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct checkout checkout;

    READING(ctx, uow);
    TRY(read_from_path(uow, &checkout));
    TRY(check_address_known(ctx, &checkout));
    offers_show_deliveries(&checkout.offers, checkout.currency, ctx->arena, ret);
    return ERR_NONE;
}

static enum err list_payments(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct checkout checkout;

    READING(ctx, uow);
    TRY(read_from_path(uow, &checkout));
    offers_show_payments(&checkout.offers, checkout.totals.total.amount, ctx->arena, ret);
    return ERR_NONE;
}

/* Commands that come together share a transaction: what each of them will take. */

static bool join_open(struct needs *needs, struct ctx *ctx, const void *in UNUSED)
{
    needs_row(needs, &opened_rows, ctx->caller.cart_id);
    return true;
}

/* One whose path is no id is refused by its handler. */
static bool join(struct needs *needs, const struct rows *rows, struct ctx *ctx)
{
    const char *id = path_param(ctx, "checkout_id");

    needs_row(needs, rows, text_has_format(id, TEXT_UUID) ? id : NULL);
    return true;
}

static bool join_change(struct needs *needs, struct ctx *ctx, const void *in UNUSED)
{
    return join(needs, &checkout_rows, ctx);
}

static bool join_look(struct needs *needs, struct ctx *ctx, const void *in UNUSED)
{
    return join(needs, &shown_placement_rows, ctx);
}

/* clang-format off */
const struct route checkout_routes[] = {
    /* method  path                                        who           right body in                body out                  status handler         flags */
    { "POST", "/checkouts",                               ROLE_SHOPPER, NULL, &open_checkout_record, &checkout_view_record,    201,   open_checkout,    0, HTTP_SNAPSHOT_MAX, .joins = join_open },
    { "GET",  "/checkouts/:checkout_id",                  ROLE_SHOPPER, NULL, NULL,                  &checkout_view_record,    200,   show_checkout },
    { "PUT",  "/checkouts/:checkout_id/addresses",        ROLE_SHOPPER, NULL, &set_addresses_record, &checkout_view_record,    200,   set_addresses, .joins = join_change },
    { "GET",  "/checkouts/:checkout_id/delivery-options", ROLE_SHOPPER, NULL, NULL,                  &delivery_options_record, 200,   list_deliveries },
    { "PUT",  "/checkouts/:checkout_id/delivery",         ROLE_SHOPPER, NULL, &set_delivery_record,  &checkout_view_record,    200,   set_delivery, .joins = join_change },
    { "GET",  "/checkouts/:checkout_id/payment-options",  ROLE_SHOPPER, NULL, NULL,                  &payment_options_record,  200,   list_payments },
    { "PUT",  "/checkouts/:checkout_id/payment",          ROLE_SHOPPER, NULL, &set_payment_record,   &checkout_view_record,    200,   set_payment, .joins = join_change },
    { "POST", "/checkouts/:checkout_id/place",            ROLE_SHOPPER, NULL, &place_order_record,   &placement_view_record,   202,   place_order,      ROUTE_KEY_REQUIRED | ROUTE_KEY_OWN, .joins = join_change },
    { "GET",  "/checkouts/:checkout_id/placement",        ROLE_SHOPPER, NULL, NULL,                  &placement_view_record,   200,   show_placement, .joins = join_look },
    { "POST", "/checkouts/:checkout_id/payments",         ROLE_SHOPPER, NULL, &pay_again_record,     &placement_view_record,   202,   pay_again,        ROUTE_KEY_REQUIRED },
    { "POST", "/checkouts/:checkout_id/cancel",           ROLE_SHOPPER, NULL, NULL,                  &placement_view_record,   202,   cancel_placement, .joins = join_change },
    { NULL },
};
/* clang-format on */
