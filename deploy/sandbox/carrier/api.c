/* Parcels are announced here; tests say what is reported, and look it up. */
#include <string.h>

#include "carrier.h"
#include "clock.h"
#include "http.h"
#include "id.h"
#include "text.h"
#include "uow.h"

#include "carrier-sandbox/queries.h"

#define TIMES_MAX 1000
#define DELAY_MAX_MS (30 * 24 * 3600 * INT64_C(1000))

static const char *const kind_names[] = {"in_transit", "delivered", NULL};

/* --- reports on demand --- */

struct report_request {
    const char *tracking_number;
    const char *kind;
    int64_t at;
    const char *note;
    const char *event_id;
    int64_t times;
    int64_t delay_ms;
};
/* clang-format off */
static RECORD(report_request,
    FIELD(report_request, tracking_number, .flags = FIELD_REQUIRED, .min = 1, .max = 64, .format = TEXT_TOKEN),
    FIELD(report_request, kind, .flags = FIELD_REQUIRED, .names = kind_names),
    FIELD_AS_TIME(report_request, at),
    FIELD(report_request, note, .max = 100),
    FIELD(report_request, event_id, .min = 1, .max = 100, .format = TEXT_TOKEN),
    FIELD(report_request, times, .least = 1, .most = TIMES_MAX, .flags = FIELD_DEFAULT, .fallback = 1),
    FIELD(report_request, delay_ms, .least = 0, .most = DELAY_MAX_MS));
/* clang-format on */

struct reported {
    const char *event_id;
    int64_t times;
};
static RECORD(reported, FIELD(reported, event_id), FIELD(reported, times));

static enum err report_on_demand(struct ctx *ctx, const void *in, void *ret)
{
    const struct report_request *request = in;
    const struct report report = {
        .event_id = request->event_id != NULL ? request->event_id : id_new(ctx->arena),
        .tracking_number = request->tracking_number,
        .kind = request->kind,
        .at = request->at != 0 ? request->at : clock_now(),
        .note = request->note,
    };

    *(struct reported *)ret = (struct reported){report.event_id, request->times};
    UNIT_OF_WORK(ctx, uow);
    report_plan(uow, &report, request->times, request->delay_ms);
    return uow_commit(uow);
}

/* --- the book --- */

struct report_row {
    int64_t serial;
    const char *event_id;
    const char *tracking_number;
    const char *kind;
    const char *state;
    int64_t attempts;
    int64_t last_status;
    int64_t created_at;
    int64_t delivered_at;
};

struct report_list {
    struct {
        struct report_row *items;
        size_t count;
    } reports;
    const char *next;
};

/* clang-format off */
static RECORD(report_row,
    FIELD(report_row, serial),
    FIELD(report_row, event_id),
    FIELD(report_row, tracking_number),
    FIELD(report_row, kind),
    FIELD(report_row, state),
    FIELD(report_row, attempts),
    FIELD(report_row, last_status),
    FIELD_AS_TIME(report_row, created_at),
    FIELD_AS_TIME(report_row, delivered_at));

static RECORD(report_list,
    FIELD_LIST_OF(report_list, reports, report_row_record),
    FIELD(report_list, next));
/* clang-format on */

struct report_query {
    int64_t after; /* what `next` gave */
    int64_t limit;
    const char *tracking_number;
};

static RECORD(report_query, FIELD(report_query, after, .least = 0, .most = -1), FIELD(report_query, limit, PAGE_LIMIT),
              FIELD(report_query, tracking_number));

static enum err show_reports(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct report_list *list = ret;
    struct report_query query;

    TRY(request_query(ctx, &report_query_record, &query));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, reports_show, report_row_record, &list->reports, .after = query.after,
                 .tracking_number = query.tracking_number, .count = query.limit));
    if (list->reports.count == (size_t)query.limit)
        list->next = arena_printf(ctx->arena, "%lld", (long long)list->reports.items[query.limit - 1].serial);
    return ERR_NONE;
}

/* --- parcels --- */

struct parcel_request {
    const char *tracking_number;
    const char *note;
};
static RECORD(parcel_request,
              FIELD(parcel_request, tracking_number, .flags = FIELD_REQUIRED, .min = 1, .max = 64,
                    .format = TEXT_TOKEN),
              FIELD(parcel_request, note, .max = 100));

static bool is_admitted(const struct ctx *ctx)
{
    static const char scheme[] = "Bearer ";
    const struct carrier *carrier = ctx->service->own;
    const char *given = request_header(ctx, "Authorization");

    return given != NULL && strncmp(given, scheme, sizeof(scheme) - 1) == 0 &&
           text_equal_secret(given + sizeof(scheme) - 1, carrier->key);
}

/* What the carrier tells by itself about a parcel: the same event ids however often it is announced. */
static void plan_reports(struct uow *uow, const struct carrier *carrier, const char *tracking_number)
{
    const int64_t after_s[] = {carrier->in_transit_s, carrier->delivered_s};

    for (size_t i = 0; i < COUNT(after_s); i++) {
        if (after_s[i] == 0)
            continue;
        const struct report report = {
            .event_id = arena_printf(uow->ctx->arena, "%s:%s", tracking_number, kind_names[i]),
            .tracking_number = tracking_number,
            .kind = kind_names[i],
            .at = clock_now() + after_s[i] * CLOCK_SECOND,
        };
        report_plan(uow, &report, 1, after_s[i] * 1000);
    }
}

static enum err take_parcel(struct ctx *ctx, const void *in, void *ret UNUSED)
{
    const struct parcel_request *request = in;
    int64_t added;

    if (!is_admitted(ctx))
        return FAIL(ctx, UNAUTHENTICATED, "parcels are announced with the carrier's key");
    UNIT_OF_WORK(ctx, uow);
    TRY(SQL_COUNT(uow, parcel_add, &added, .tracking_number = request->tracking_number,
                  .note = request->note != NULL ? request->note : ""));
    if (added == 1)
        plan_reports(uow, ctx->service->own, request->tracking_number);
    return uow_commit(uow);
}

/* clang-format off */
const struct route carrier_routes[] = {
    { "POST", "/parcels",          .handle = take_parcel,      .in = &parcel_request_record, .status = 204 },
    { "POST", "/_control/report",  .handle = report_on_demand, .in = &report_request_record, .out = &reported_record, .status = 202 },
    { "GET",  "/_control/reports", .handle = show_reports,     .out = &report_list_record },
    { NULL },
};
/* clang-format on */
