/* What shoppers do with their carts, and what staff see of them. */
#include "http.h"

#include "clock.h"

#include "cart/queries.h"
#include "id.h"
#include "needs.h"
#include "proto/cart.h"
#include "service.h"
#include "store.h"
#include "text.h"

static enum err not_found(struct ctx *ctx, const char *id)
{
    return FAIL(ctx, NOT_FOUND, "there is no cart \"%s\"", id);
}

/* The cart that the path names, if it is the caller's: a shopper has only the one that the token is of. */
static enum err cart_from_path(struct ctx *ctx, const char **ret)
{
    TRY(path_id(ctx, "cart_id", ret));
    if (ctx->caller.role == ROLE_SHOPPER && !text_equal(*ret, ctx->caller.cart_id))
        return not_found(ctx, *ret);
    return ERR_NONE;
}

static enum err render(struct ctx *ctx, const struct cart *cart, struct cart_view *ret)
{
    TRY(cart_render(ctx, cart, ret));
    http_etag(ctx, cart->head.version);
    return ERR_NONE;
}

/* The answer to the cart's creation, the same each time it is asked for: made of what never changes. */
static enum err answer_created(struct ctx *ctx, const struct cart *cart, struct cart_view *ret)
{
    TRY(render(ctx, cart, ret));
    ret->token = token_for_cart(ctx->arena, ctx->service->token_keys, cart->head.id);
    http_header(ctx, "Location", arena_printf(ctx->arena, "/carts/%s", cart->head.id));
    return ERR_NONE;
}

/* The same key again: the cart that it made, as it was then. */
static enum err create_again(struct ctx *ctx, const struct created_cart *made, struct cart_view *ret)
{
    const struct cart cart = {
        .head = {.id = made->id, .version = 1},
        .shop = made->shop,
        .state = CART_OPEN,
        .channel = made->channel,
        .locale = made->locale,
        .currency = made->currency,
        .created_at = made->created_at,
        .updated_at = made->created_at,
    };

    if (!text_equal(made->fingerprint, request_fingerprint(ctx)))
        return FAIL(ctx, INVALID, "this Idempotency-Key was used for another request");
    http_header(ctx, "Idempotent-Replayed", "true");
    return answer_created(ctx, &cart, ret);
}

/* Keeps its own record of keys (schema/0002): the answer holds the token, which is stored nowhere. */
static enum err create_cart(struct ctx *ctx, const void *in, void *ret)
{
    const struct create_cart *ask = in;
    const char *key = request_key(ctx);
    struct created_cart made;
    bool found = false;

    struct cart cart = {
        .head = {.id = id_new(ctx->arena)},
        .shop = ctx->caller.shop,
        .state = CART_OPEN,
        .channel = ask->channel != NULL ? ask->channel : "web",
        .locale = ask->locale != NULL ? ask->locale : "en",
        .currency = ask->currency,
        .created_at = clock_now(),
    };
    cart.updated_at = cart.created_at;

    UNIT_OF_WORK(ctx, uow);
    if (key != NULL)
        TRY(cart_find_created(uow, cart.shop, key, &made, &found));
    if (found)
        return create_again(ctx, &made, ret);
    TRY(currency_is_sold(uow, cart.shop, cart.currency, &found));
    if (!found)
        return err_field(ctx, "currency", "has no prices in this shop");
    cart_add(uow, &cart, key, request_fingerprint(ctx));
    TRY(answer_created(ctx, &cart, ret));
    return uow_commit(uow);
}

/* What the shopper saw now is what the next read compares with. */
static enum err remember_shown(struct ctx *ctx, const struct cart *cart)
{
    UNIT_OF_WORK(ctx, uow);
    cart_save_shown(uow, cart);
    return uow_commit(uow);
}

static enum err read_cart(struct ctx *ctx, const char *id, struct cart *ret)
{
    bool found;

    READING(ctx, uow);
    TRY(cart_read(uow, id, ctx->caller.shop, ret, &found));
    return found ? ERR_NONE : not_found(ctx, id);
}

/* A cart that shows nothing new costs no write. */
static enum err show_cart(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct cart cart;
    const char *id;

    TRY(cart_from_path(ctx, &id));
    TRY(read_cart(ctx, id, &cart));
    TRY(render(ctx, &cart, ret));
    if (ctx->caller.role != ROLE_SHOPPER || !cart_set_shown(&cart))
        return ERR_NONE;
    if (ctx->joint != NULL)
        return FAIL(ctx, AGAIN, "only locked carts are written in company");
    return remember_shown(ctx, &cart);
}

/* Locks the cart of the path for a change by the shopper; with `sku` its offer is read along. */
static enum err open_for_change(struct uow *uow, const char *sku, struct cart *ret)
{
    struct ctx *ctx = uow->ctx;
    const char *id;
    bool found;

    TRY(cart_from_path(ctx, &id));
    TRY(cart_lock(uow, id, ctx->caller.shop, sku, ret, &found));
    if (!found)
        return not_found(ctx, id);
    if (fsm_next(&cart_fsm, (int)ret->state, ON_CHANGE_ASKED, ret, NULL).outcome != FSM_ACT)
        return FAIL(ctx, CONFLICT, "the cart is %s and cannot be changed", cart_state_names[ret->state]);
    return ERR_NONE;
}

/* Adding commutes: it needs no If-Match, and parallel adds sum up on one line. */
static enum err add_item(struct ctx *ctx, const void *in, void *ret)
{
    const struct add_item *ask = in;
    struct priced_line *line;
    struct cart cart;

    UNIT_OF_WORK(ctx, uow);
    TRY(open_for_change(uow, ask->sku, &cart));
    const int64_t was = cart.head.version;
    TRY(cart_put(ctx, &cart, ask->quantity, &line));
    TRY(emit_cart_item_added(uow, &cart.head,
                             &(struct cart_item_added){
                                 .cart_id = cart.head.id,
                                 .shop = cart.shop,
                                 .line_id = line->line_id,
                                 .sku = line->sku,
                                 .added = ask->quantity,
                                 .quantity = line->quantity,
                                 .unit_price = money_of(line->price_minor, cart.currency),
                             }));
    cart_save_with_lines(uow, &cart, was);
    TRY(render(ctx, &cart, ret));
    return uow_commit(uow);
}

/* Sets or removes a line, and says so. */
static enum err change_line(struct uow *uow, struct cart *cart, struct priced_line *line, int64_t quantity)
{
    const int64_t was = cart->head.version;

    TRY(emit_cart_item_changed(uow, &cart->head,
                               &(struct cart_item_changed){
                                   .cart_id = cart->head.id,
                                   .shop = cart->shop,
                                   .line_id = line->line_id,
                                   .sku = line->sku,
                                   .quantity = quantity,
                               }));
    line->quantity = quantity;
    if (quantity > 0)
        line->shown_minor = line->price_minor;
    else
        cart_drop(cart, line);
    cart_save_with_lines(uow, cart, was);
    return ERR_NONE;
}

static enum err set_to(struct ctx *ctx, int64_t quantity, struct cart_view *ret)
{
    const char *line_id = path_param(ctx, "line_id");
    struct priced_line *line;
    struct cart cart;
    int64_t seen;

    TRY(request_if_match(ctx, &seen));
    UNIT_OF_WORK(ctx, uow);
    TRY(open_for_change(uow, NULL, &cart));
    line = cart_find_line(&cart, line_id);
    if (line == NULL)
        return FAIL(ctx, NOT_FOUND, "the cart has no line \"%s\"", line_id);
    if (seen != cart.head.version)
        return FAIL(ctx, PRECONDITION, "the cart has changed since you read it");
    if (quantity != line->quantity)
        TRY(change_line(uow, &cart, line, quantity));
    TRY(render(ctx, &cart, ret));
    return uow_commit(uow);
}

static enum err set_quantity(struct ctx *ctx, const void *in, void *ret)
{
    return set_to(ctx, ((const struct set_quantity *)in)->quantity, ret);
}

static enum err remove_line(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    return set_to(ctx, 0, ret);
}

struct cart_row {
    const char *id, *state, *channel, *locale, *currency;
    int64_t quantity, subtotal_minor, created_at, updated_at;
};

static RECORD(cart_row, FIELD(cart_row, id), FIELD(cart_row, state), FIELD(cart_row, channel), FIELD(cart_row, locale),
              FIELD(cart_row, currency), FIELD(cart_row, quantity), FIELD(cart_row, subtotal_minor),
              FIELD_AS_TIME(cart_row, created_at), FIELD_AS_TIME(cart_row, updated_at));

struct cart_query {
    const char *after, *state;
    int64_t limit;
};

static RECORD(cart_query, FIELD(cart_query, after, .format = TEXT_UUID),
              FIELD(cart_query, state, .names = cart_state_names), FIELD(cart_query, limit, PAGE_LIMIT));

static enum err list_carts(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct cart_list *list = ret;
    struct {
        struct cart_row *items;
        size_t count;
    } rows;
    struct cart_query query;

    TRY(request_query(ctx, &cart_query_record, &query));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, cart_search, cart_row_record, &rows, .shop = ctx->caller.shop, .after = query.after,
                 .state = query.state, .limit = query.limit));
    list->items.items = arena_array(ctx->arena, rows.count, sizeof(struct cart_summary));
    for (size_t i = 0; i < rows.count; i++) {
        const struct cart_row *row = &rows.items[i];
        list->items.items[list->items.count++] = (struct cart_summary){
            .id = row->id,
            .state = row->state,
            .channel = row->channel,
            .locale = row->locale,
            .currency = row->currency,
            .quantity = row->quantity,
            .subtotal = money_of(row->subtotal_minor, row->currency),
            .created_at = row->created_at,
            .updated_at = row->updated_at,
        };
    }
    if (rows.count == (size_t)query.limit)
        list->next = rows.items[rows.count - 1].id;
    return ERR_NONE;
}

/* Commands that come together share a transaction: what each of them will take. */

/* Two that were made under the same keys could wait for each other. */
static bool join_create(struct needs *needs, struct ctx *ctx, const void *in)
{
    const struct create_cart *ask = in;

    needs_row(needs, &sold_currency_rows, sold_currency_key(needs_arena(needs), ctx->caller.shop, ask->currency));
    return request_key(ctx) == NULL;
}

static bool join_look(struct needs *needs, struct ctx *ctx, const void *in UNUSED)
{
    const char *id = path_param(ctx, "cart_id");

    needs_row(needs, &shown_cart_rows, text_has_format(id, TEXT_UUID) ? id : NULL);
    return true;
}

static bool join_change(struct needs *needs, struct ctx *ctx, const void *in UNUSED)
{
    needs_row(needs, &cart_rows, ctx->caller.cart_id);
    return true;
}

static bool join_add(struct needs *needs, struct ctx *ctx, const void *in)
{
    const struct add_item *ask = in;

    needs_row(needs, &sku_offers_rows, sku_key(needs_arena(needs), ctx->caller.shop, ask->sku));
    return join_change(needs, ctx, in);
}

#define ANYONE (ROLE_SHOPPER | ROLE_STAFF)

/* clang-format off */
const struct route cart_routes[] = {
    /* method    path                             who           right    body in               body out           status handler */
    { "POST",   "/carts",                         ANYONE,       "carts", &create_cart_record,  &cart_view_record, 201,   create_cart, ROUTE_KEY_OWN, .joins = join_create },
    { "GET",    "/carts",                         ROLE_STAFF,   "carts", NULL,                 &cart_list_record, 200,   list_carts },
    { "GET",    "/carts/:cart_id",                ANYONE,       "carts", NULL,                 &cart_view_record, 200,   show_cart, .joins = join_look },
    { "POST",   "/carts/:cart_id/items",          ROLE_SHOPPER, NULL,    &add_item_record,     &cart_view_record, 200,   add_item, .joins = join_add },
    { "PUT",    "/carts/:cart_id/items/:line_id", ROLE_SHOPPER, NULL,    &set_quantity_record, &cart_view_record, 200,   set_quantity, .joins = join_change },
    { "DELETE", "/carts/:cart_id/items/:line_id", ROLE_SHOPPER, NULL,    NULL,                 &cart_view_record, 200,   remove_line, .joins = join_change },
    { NULL },
};
/* clang-format on */
