/* What shoppers and clerks ask of orders. */
#include "http.h"

#include <inttypes.h>

#include "id.h"
#include "json.h"
#include "move.h"
#include "order/queries.h"
#include "store.h"

#define NO_CART "00000000-0000-0000-0000-000000000000"

/* A shopper reads and cancels only the order of their own cart, one without a cart none; staff read all of the shop's.
 */
static const char *only_cart(const struct ctx *ctx)
{
    if (ctx->caller.role == ROLE_STAFF)
        return NULL;
    return ctx->caller.cart_id != NULL ? ctx->caller.cart_id : NO_CART;
}

/* Who did it, for the timeline. */
static const char *actor(const struct ctx *ctx)
{
    return ctx->caller.role == ROLE_SHOPPER ? "customer" : ctx->caller.name;
}

static enum err not_found(struct ctx *ctx, const char *id)
{
    return FAIL(ctx, NOT_FOUND, "there is no order \"%s\"", id);
}

static enum err read_order(struct uow *uow, const char *id, struct order_view *ret)
{
    struct ctx *ctx = uow->ctx;
    bool found;

    TRY(SQL_MAYBE(uow, order_show, order_view_record, ret, &found, .id = id, .shop = ctx->caller.shop,
                  .cart_id = only_cart(ctx)));
    if (!found)
        return not_found(ctx, id);
    return ERR_NONE;
}

static enum err show_order(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct order_view *view = ret;
    const char *id;

    TRY(path_id(ctx, "order_id", &id));
    READING(ctx, uow);
    TRY(read_order(uow, id, view));
    http_etag(ctx, view->version);
    return ERR_NONE;
}

struct order_row {
    const char *id, *number, *kernel, *status, *sub_status, *channel, *method, *currency, *email;
    int64_t quantity, total_minor, placed_at;
    bool held, unseen;
};

static RECORD(order_row, FIELD(order_row, id), FIELD(order_row, number), FIELD(order_row, kernel),
              FIELD(order_row, status), FIELD(order_row, sub_status), FIELD(order_row, channel),
              FIELD(order_row, method), FIELD(order_row, currency), FIELD(order_row, email), FIELD(order_row, quantity),
              FIELD(order_row, total_minor), FIELD_AS_TIME(order_row, placed_at), FIELD(order_row, held),
              FIELD(order_row, unseen));

static struct order_summary summarise(const struct order_row *row)
{
    return (struct order_summary){
        .id = row->id,
        .number = row->number,
        .channel = row->channel,
        .kernel = row->kernel,
        .status = row->status,
        .sub_status = row->sub_status,
        .placed_at = row->placed_at,
        .quantity = row->quantity,
        .total = money_of(row->total_minor, row->currency),
        .method = row->method,
        .email = row->email,
        .unseen = row->unseen,
        .held = row->held,
    };
}

struct order_query {
    const char *after, *number, *kernel, *status, *email;
    int64_t limit;
};

static RECORD(order_query, FIELD(order_query, after, .format = TEXT_UUID),
              FIELD(order_query, number, .format = TEXT_TOKEN, .max = 32),
              FIELD(order_query, kernel, .names = order_kernel_names), FIELD(order_query, status, .min = 1, .max = 60),
              FIELD(order_query, email, .format = TEXT_EMAIL, .max = 254), FIELD(order_query, limit, PAGE_LIMIT));

/* Newest first; ids are in time order, so the last one of a page is where the next begins. */
static enum err list_orders(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct order_list *list = ret;
    struct {
        struct order_row *items;
        size_t count;
    } rows;
    struct order_query query;

    TRY(request_query(ctx, &order_query_record, &query));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, order_search, order_row_record, &rows, .shop = ctx->caller.shop, .after = query.after,
                 .number = query.number, .kernel = query.kernel, .status = query.status, .email = query.email,
                 .limit = query.limit));

    list->items.items = arena_array(ctx->arena, rows.count, sizeof(struct order_summary));
    list->items.count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        list->items.items[i] = summarise(&rows.items[i]);
    if (rows.count == (size_t)query.limit)
        list->next = rows.items[rows.count - 1].id;
    return ERR_NONE;
}

/* How many orders no clerk has opened yet. */
static enum err count_orders(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    READING(ctx, uow);
    return SQL_ONE(uow, order_counters, order_counters_record, (struct order_counters *)ret, .shop = ctx->caller.shop);
}

static enum err open_order(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    const char *id;

    TRY(path_id(ctx, "order_id", &id));
    UNIT_OF_WORK(ctx, uow);
    SQL(uow, order_mark_seen, .id = id, .shop = ctx->caller.shop);
    TRY(read_order(uow, id, ret));
    return uow_commit(uow);
}

struct timeline_query {
    int64_t after; /* the sequence of an entry */
    int64_t limit;
};

static RECORD(timeline_query, FIELD(timeline_query, after, .least = 0, .most = -1),
              FIELD(timeline_query, limit, PAGE_LIMIT));

static enum err show_timeline(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct timeline_view *view = ret;
    struct timeline_query query;
    const char *id;

    TRY(path_id(ctx, "order_id", &id));
    TRY(request_query(ctx, &timeline_query_record, &query));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, timeline_read, timeline_entry_record, &view->items, .order_id = id, .after = query.after,
                 .shop = ctx->caller.shop, .cart_id = only_cart(ctx), .limit = query.limit));
    if (view->items.count == 0 && query.after == 0)
        return not_found(ctx, id); /* every order has at least the entry of its placing */
    if (view->items.count == (size_t)query.limit)
        view->next = arena_printf(ctx->arena, "%" PRId64, view->items.items[view->items.count - 1].sequence);
    return ERR_NONE;
}

/* Locks the order that the path names, if it is the caller's to touch. */
static enum err lock_from_path(struct uow *uow, struct order *ret)
{
    struct ctx *ctx = uow->ctx;
    const char *id;
    bool found;

    TRY(path_id(ctx, "order_id", &id));
    TRY(SQL_MAYBE(uow, order_lock, order_record, ret, &found, .id = id, .shop = ctx->caller.shop,
                  .cart_id = only_cart(ctx)));
    if (!found)
        return not_found(ctx, id);
    return ERR_NONE;
}

/* Asks for a cancellation. Fulfilment decides under the shipments' locks whether it comes in time. */
static enum err cancel_order(struct ctx *ctx, const void *in, void *ret)
{
    const struct cancel_order *ask = in;
    struct order order;

    UNIT_OF_WORK(ctx, uow);
    TRY(lock_from_path(uow, &order));
    TRY(order_ask_cancel(uow, &order, ON_CANCEL_ASKED, ask->reason, actor(ctx)));
    TRY(read_order(uow, order.head.id, ret));
    return uow_commit(uow);
}

static enum err hold_order(struct ctx *ctx, const void *in, void *ret)
{
    const struct hold_order *ask = in;
    struct order order;

    UNIT_OF_WORK(ctx, uow);
    TRY(lock_from_path(uow, &order));
    TRY(order_hold(uow, &order, ask->reason, actor(ctx)));
    TRY(read_order(uow, order.head.id, ret));
    return uow_commit(uow);
}

static enum err lift_hold(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct order order;

    UNIT_OF_WORK(ctx, uow);
    TRY(lock_from_path(uow, &order));
    TRY(order_lift_hold(uow, &order, actor(ctx)));
    TRY(read_order(uow, order.head.id, ret));
    return uow_commit(uow);
}

/* A clerk's note stays inside: it is on the timeline, and the event says only that there is one. */
static enum err add_note(struct ctx *ctx, const void *in, void *ret)
{
    const struct add_note *note = in;
    struct order order;

    UNIT_OF_WORK(ctx, uow);
    TRY(lock_from_path(uow, &order));
    const int64_t was = order.head.version;
    TRY(emit_order_note_added(uow, &order.head,
                              &(struct order_note_added){
                                  .order_id = order.head.id,
                                  .shop = order.shop,
                                  .note_id = id_new(ctx->arena),
                                  .by = actor(ctx),
                              }));
    order_note(uow, order.head.id, "note", actor(ctx), note->text, "Note");
    order_save(uow, &order, was);
    TRY(read_order(uow, order.head.id, ret));
    return uow_commit(uow);
}

static enum err show_process(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    READING(ctx, uow);
    return SQL_ONE(uow, process_latest, process_view_record, (struct process_view *)ret);
}

/* A new version for orders to come; those that are open keep theirs. */
static enum err set_process(struct ctx *ctx, const void *in, void *ret)
{
    const struct process_document *document = in;
    const struct process_status_list *statuses = &document->statuses;

    TRY(process_check(ctx, statuses));
    UNIT_OF_WORK(ctx, uow);
    SQL(uow, process_add,
        .statuses = json_encode_list(ctx->arena, &process_status_record, statuses->items, statuses->count),
        .created_by = actor(ctx));
    TRY(SQL_ONE(uow, process_latest, process_view_record, (struct process_view *)ret));
    return uow_commit(uow);
}

#define ANYONE (ROLE_SHOPPER | ROLE_STAFF)

/* clang-format off */
const struct route order_routes[] = {
    /* method  path                          who         right     body in                   body out                status handler        flags */
    { "GET",   "/orders",                    ROLE_STAFF, "orders", NULL,                     &order_list_record,     200,   list_orders },
    { "GET",   "/orders/counters",           ROLE_STAFF, "orders", NULL,                     &order_counters_record, 200,   count_orders },
    { "GET",   "/orders/:order_id",          ANYONE,     "orders", NULL,                     &order_view_record,     200,   show_order },
    { "GET",   "/orders/:order_id/timeline", ANYONE,     "orders", NULL,                     &timeline_view_record,  200,   show_timeline },
    { "POST",  "/orders/:order_id/cancel",   ANYONE,     "orders", &cancel_order_record,     &order_view_record,     200,   cancel_order,  ROUTE_KEY_REQUIRED },
    { "POST",  "/orders/:order_id/hold",     ROLE_STAFF, "orders", &hold_order_record,       &order_view_record,     200,   hold_order },
    { "POST",  "/orders/:order_id/lift-hold", ROLE_STAFF, "orders", NULL,                    &order_view_record,     200,   lift_hold },
    { "POST",  "/orders/:order_id/notes",    ROLE_STAFF, "orders", &add_note_record,         &order_view_record,     201,   add_note },
    { "POST",  "/orders/:order_id/open",     ROLE_STAFF, "orders", NULL,                     &order_view_record,     200,   open_order },
    { "GET",   "/order-process",             ROLE_STAFF, "orders", NULL,                     &process_view_record,   200,   show_process },
    { "PUT",   "/order-process",             ROLE_STAFF, "admin",  &process_document_record, &process_view_record,   200,   set_process },
    { NULL },
};
/* clang-format on */
