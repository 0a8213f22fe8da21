/* What clerks and carriers ask of shipments. */
#include "http.h"

#include "fulfilment/queries.h"
#include "paper.h"
#include "proto/http_operations.h"
#include "steps.h"
#include "stock.h"

static enum err read_shipment(struct uow *uow, const char *id, struct shipment_view *ret)
{
    bool found;

    TRY(SQL_MAYBE(uow, shipment_show, shipment_view_record, ret, &found, .id = id, .shop = uow->ctx->caller.shop));
    if (!found)
        return FAIL(uow->ctx, NOT_FOUND, "there is no shipment \"%s\"", id);
    http_etag(uow->ctx, ret->version);
    return ERR_NONE;
}

static enum err show_shipment(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    const char *id;

    TRY(path_id(ctx, "shipment_id", &id));
    READING(ctx, uow);
    return read_shipment(uow, id, ret);
}

struct shipment_query {
    const char *after, *state, *warehouse, *order_id;
    int64_t limit;
};

static RECORD(shipment_query, FIELD(shipment_query, after, .format = TEXT_UUID),
              FIELD(shipment_query, state, .names = shipment_state_names),
              FIELD(shipment_query, warehouse, .format = TEXT_TOKEN, .max = 32),
              FIELD(shipment_query, order_id, .format = TEXT_UUID), FIELD(shipment_query, limit, PAGE_LIMIT));

/* Oldest first: what has waited longest is on top. */
static enum err list_shipments(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct shipment_list *list = ret;
    struct shipment_query query;

    TRY(request_query(ctx, &shipment_query_record, &query));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, shipment_list, shipment_summary_record, &list->items, .shop = ctx->caller.shop,
                 .after = query.after, .state = query.state, .warehouse = query.warehouse, .order_id = query.order_id,
                 .limit = query.limit));
    if (list->items.count == (size_t)query.limit)
        list->next = list->items.items[list->items.count - 1].id;
    return ERR_NONE;
}

/* Locks the shipment that the path names. */
static enum err lock_from_path(struct uow *uow, struct shipment *ret)
{
    struct ctx *ctx = uow->ctx;
    const char *id;
    bool found;

    TRY(path_id(ctx, "shipment_id", &id));
    TRY(shipment_lock(uow, id, ctx->caller.shop, ret, &found));
    if (!found)
        return FAIL(ctx, NOT_FOUND, "there is no shipment \"%s\"", id);
    return ERR_NONE;
}

static enum err finish(struct uow *uow, const struct shipment *shipment, struct shipment_view *ret)
{
    TRY(read_shipment(uow, shipment->head.id, ret));
    return uow_commit(uow);
}

static enum err release(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct shipment shipment;

    UNIT_OF_WORK(ctx, uow);
    TRY(lock_from_path(uow, &shipment));
    TRY(shipment_release(uow, &shipment, ctx->caller.name));
    return finish(uow, &shipment, ret);
}

static enum err pick(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct shipment shipment;

    UNIT_OF_WORK(ctx, uow);
    TRY(lock_from_path(uow, &shipment));
    TRY(shipment_pick(uow, &shipment, ctx->caller.name));
    return finish(uow, &shipment, ret);
}

static enum err pack(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct shipment shipment;

    UNIT_OF_WORK(ctx, uow);
    TRY(lock_from_path(uow, &shipment));
    TRY(shipment_pack(uow, &shipment, ctx->caller.name));
    return finish(uow, &shipment, ret);
}

/* Stock rows are locked before the shipment, as everywhere (queries.sql). */
static enum err ship(struct ctx *ctx, const void *in, void *ret)
{
    struct shipment shipment;
    const char *id;

    TRY(path_id(ctx, "shipment_id", &id));
    UNIT_OF_WORK(ctx, uow);
    stock_lock_of_shipment(uow, id);
    TRY(shipment_lock_family(uow, id));
    TRY(lock_from_path(uow, &shipment));
    TRY(shipment_ship(uow, &shipment, in, ctx->caller.name));
    return finish(uow, &shipment, ret);
}

static enum err hold(struct ctx *ctx, const void *in, void *ret)
{
    const struct hold_shipment *ask = in;
    struct shipment shipment;

    UNIT_OF_WORK(ctx, uow);
    TRY(lock_from_path(uow, &shipment));
    TRY(shipment_hold(uow, &shipment, ask->reason, ctx->caller.name));
    return finish(uow, &shipment, ret);
}

static enum err lift_hold(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct shipment shipment;

    UNIT_OF_WORK(ctx, uow);
    TRY(lock_from_path(uow, &shipment));
    TRY(shipment_lift_hold(uow, &shipment, ctx->caller.name));
    return finish(uow, &shipment, ret);
}

struct found_shipment {
    const char *id;
};
static RECORD(found_shipment, FIELD(found_shipment, id));

/* A carrier's report is kept first; it is applied if its parcel has left, and when it leaves otherwise. */
static enum err hear_carrier(struct ctx *ctx, const void *in, void *ret UNUSED)
{
    const struct carrier_report *report = in;
    struct found_shipment parcel;
    struct shipment shipment;
    bool found;

    UNIT_OF_WORK(ctx, uow);
    SQL(uow, report_add, .event_id = report->event_id, .tracking_number = report->tracking_number, .kind = report->kind,
        .at = report->at, .note = report->note);
    TRY(SQL_MAYBE(uow, shipment_by_tracking, found_shipment_record, &parcel, &found,
                  .tracking_number = report->tracking_number, .shop = ctx->caller.shop));
    if (found) {
        TRY(shipment_lock_family(uow, parcel.id));
        TRY(shipment_lock(uow, parcel.id, NULL, &shipment, &found));
        TRY(shipment_apply_reports(uow, &shipment));
    }
    return uow_commit(uow);
}

#define IMPORT_FLAGS (ROUTE_RAW_BODY | ROUTE_KEY_OWN) /* repeating it is harmless by itself */

/* clang-format off */
const struct route fulfilment_routes[] = {
    /* method  path                                who           right       body in                  body out               status handler */
    { "GET",   "/shipments",                       ROLE_STAFF,   "shipping", NULL,                    &shipment_list_record, 200,   list_shipments },
    { "GET",   "/shipments/:shipment_id",          ROLE_STAFF,   "shipping", NULL,                    &shipment_view_record, 200,   show_shipment },
    { "POST",  "/shipments/:shipment_id/release",  ROLE_STAFF,   "shipping", NULL,                    &shipment_view_record, 200,   release },
    { "POST",  "/shipments/:shipment_id/pick",     ROLE_STAFF,   "shipping", NULL,                    &shipment_view_record, 200,   pick },
    { "POST",  "/shipments/:shipment_id/pack",     ROLE_STAFF,   "shipping", NULL,                    &shipment_view_record, 200,   pack },
    { "POST",  "/shipments/:shipment_id/ship",     ROLE_STAFF,   "shipping", &ship_shipment_record,   &shipment_view_record, 200,   ship },
    { "POST",  "/shipments/:shipment_id/hold",     ROLE_STAFF,   "shipping", &hold_shipment_record,   &shipment_view_record, 200,   hold },
    { "POST",  "/shipments/:shipment_id/lift-hold", ROLE_STAFF,  "shipping", NULL,                    &shipment_view_record, 200,   lift_hold },
    { "GET",   "/shipments/:shipment_id/picklist", ROLE_STAFF,   "shipping", NULL,                    NULL,                  200,   print_picklist },
    { "GET",   "/shipments/:shipment_id/packing-slip", ROLE_STAFF, "shipping", NULL,                  NULL,                  200,   print_packing_slip },
    { "GET",   "/stock",                           ROLE_STAFF,   "stock",    NULL,                    &stock_list_record,    200,   show_stock },
    { "POST",  "/stock/counts",                    ROLE_STAFF,   "stock",    &count_stock_record,     &stock_view_record,    200,   count_stock },
    { "POST",  "/imports/stock",                   ROLE_PARTNER, NULL,       NULL,                    &import_report_record, 200,   import_stock, IMPORT_FLAGS, HTTP_IMPORT_MAX },
    { "POST",  "/reports/carrier",                 ROLE_PARTNER, NULL,       &carrier_report_record,  NULL,                  204,   hear_carrier },
    { NULL },
};
/* clang-format on */
