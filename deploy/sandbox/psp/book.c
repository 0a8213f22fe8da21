/* The sandbox's own truth: what was authorized, captured, refunded and cancelled; what was asked; what was told. */
#include "control.h"

#include <string.h>

#include "http.h"
#include "text.h"
#include "uow.h"

#include "psp-sandbox/queries.h"

/* What part of a list is asked for: ?payment_id=&after=&limit= */
static enum err read_part(struct ctx *ctx, int64_t *ret_after, int64_t *ret_limit)
{
    const char *after = query_param(ctx, "after");

    *ret_after = 0;
    if (after != NULL && (!text_to_int(after, strlen(after), ret_after) || *ret_after < 0))
        return err_field(ctx, "after", "must be a number that `next` gave");
    return request_limit(ctx, ret_limit);
}

/* --- payments --- */

struct book_row {
    int64_t serial;
    const char *payment_id;
    const char *session;
    const char *session_status;
    const char *payment_intent;
    const char *status;
    const char *currency;
    int64_t amount;
    int64_t authorized;
    int64_t captured;
    int64_t refunded;
    int64_t cancelled;
    int64_t held;
    const char *cancellation_reason;
    int64_t tries;
    int64_t refunds;
    int64_t created_at;
};

struct book_total {
    const char *currency;
    int64_t sessions;
    int64_t authorized;
    int64_t captured;
    int64_t refunded;
    int64_t cancelled;
    int64_t held;
};

struct book {
    struct {
        struct book_row *items;
        size_t count;
    } payments;
    struct {
        struct book_total *items;
        size_t count;
    } totals;
    const char *next;
};

/* clang-format off */
static RECORD(book_row,
    FIELD(book_row, serial),
    FIELD(book_row, payment_id),
    FIELD(book_row, session),
    FIELD(book_row, session_status),
    FIELD(book_row, payment_intent),
    FIELD(book_row, status),
    FIELD(book_row, currency),
    FIELD(book_row, amount),
    FIELD(book_row, authorized),
    FIELD(book_row, captured),
    FIELD(book_row, refunded),
    FIELD(book_row, cancelled),
    FIELD(book_row, held),
    FIELD(book_row, cancellation_reason),
    FIELD(book_row, tries),
    FIELD(book_row, refunds),
    FIELD_AS_TIME(book_row, created_at));

static RECORD(book_total,
    FIELD(book_total, currency),
    FIELD(book_total, sessions),
    FIELD(book_total, authorized),
    FIELD(book_total, captured),
    FIELD(book_total, refunded),
    FIELD(book_total, cancelled),
    FIELD(book_total, held));

RECORD_SHARED(book,
    FIELD_LIST_OF(book, payments, book_row_record),
    FIELD_LIST_OF(book, totals, book_total_record),
    FIELD(book, next));
/* clang-format on */

enum err control_show_book(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    const char *payment_id = query_param(ctx, "payment_id");
    struct book *book = ret;
    int64_t after, limit;

    TRY(read_part(ctx, &after, &limit));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, book_show, book_row_record, &book->payments, .after = after, .payment_id = payment_id,
                 .count = limit));
    TRY(SQL_MANY(uow, book_totals, book_total_record, &book->totals, .payment_id = payment_id));
    if (book->payments.count == (size_t)limit)
        book->next = arena_printf(ctx->arena, "%lld", (long long)book->payments.items[limit - 1].serial);
    return ERR_NONE;
}

/* --- requests --- */

struct request_row {
    int64_t serial;
    const char *operation;
    const char *method;
    const char *path;
    const char *params;
    const char *idempotency_key;
    int64_t status;
    bool replayed;
    const char *fault;
    int64_t created_at;
};

struct request_list {
    struct {
        struct request_row *items;
        size_t count;
    } requests;
    const char *next;
};

/* clang-format off */
static RECORD(request_row,
    FIELD(request_row, serial),
    FIELD(request_row, operation),
    FIELD(request_row, method),
    FIELD(request_row, path),
    FIELD(request_row, params),
    FIELD(request_row, idempotency_key),
    FIELD(request_row, status),
    FIELD(request_row, replayed),
    FIELD(request_row, fault),
    FIELD_AS_TIME(request_row, created_at));

RECORD_SHARED(request_list,
    FIELD_LIST_OF(request_list, requests, request_row_record),
    FIELD(request_list, next));
/* clang-format on */

enum err control_show_requests(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct request_list *list = ret;
    int64_t after, limit;

    TRY(read_part(ctx, &after, &limit));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, api_requests_show, request_row_record, &list->requests, .after = after,
                 .operation = query_param(ctx, "operation"), .count = limit));
    if (list->requests.count == (size_t)limit)
        list->next = arena_printf(ctx->arena, "%lld", (long long)list->requests.items[limit - 1].serial);
    return ERR_NONE;
}

/* --- webhooks --- */

struct delivery_row {
    int64_t serial;
    const char *event_id;
    const char *type;
    const char *payment_id;
    const char *state;
    int64_t attempts;
    int64_t last_status;
    int64_t created_at;
    int64_t delivered_at;
};

struct delivery_list {
    struct {
        struct delivery_row *items;
        size_t count;
    } deliveries;
    const char *next;
};

/* clang-format off */
static RECORD(delivery_row,
    FIELD(delivery_row, serial),
    FIELD(delivery_row, event_id),
    FIELD(delivery_row, type),
    FIELD(delivery_row, payment_id),
    FIELD(delivery_row, state),
    FIELD(delivery_row, attempts),
    FIELD(delivery_row, last_status),
    FIELD_AS_TIME(delivery_row, created_at),
    FIELD_AS_TIME(delivery_row, delivered_at));

RECORD_SHARED(delivery_list,
    FIELD_LIST_OF(delivery_list, deliveries, delivery_row_record),
    FIELD(delivery_list, next));
/* clang-format on */

enum err control_show_deliveries(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct delivery_list *list = ret;
    int64_t after, limit;

    TRY(read_part(ctx, &after, &limit));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, deliveries_show, delivery_row_record, &list->deliveries, .after = after,
                 .payment_id = query_param(ctx, "payment_id"), .count = limit));
    if (list->deliveries.count == (size_t)limit)
        list->next = arena_printf(ctx->arena, "%lld", (long long)list->deliveries.items[limit - 1].serial);
    return ERR_NONE;
}
