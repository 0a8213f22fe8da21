/* The sandbox's own truth: what was authorized, captured, refunded and cancelled; what was asked; what was told. */
#include "control.h"

#include "http.h"
#include "uow.h"

#include "psp-sandbox/queries.h"

/* What part of a list is asked for. */
struct part_query {
    int64_t after; /* what `next` gave */
    int64_t limit;
    const char *payment_id, *operation;
};

static RECORD(part_query, FIELD(part_query, after, .least = 0, .most = -1), FIELD(part_query, limit, PAGE_LIMIT),
              FIELD(part_query, payment_id), FIELD(part_query, operation));

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
    struct book *book = ret;
    struct part_query part;

    TRY(request_query(ctx, &part_query_record, &part));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, book_show, book_row_record, &book->payments, .after = part.after, .payment_id = part.payment_id,
                 .count = part.limit));
    TRY(SQL_MANY(uow, book_totals, book_total_record, &book->totals, .payment_id = part.payment_id));
    if (book->payments.count == (size_t)part.limit)
        book->next = arena_printf(ctx->arena, "%lld", (long long)book->payments.items[part.limit - 1].serial);
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
    struct part_query part;

    TRY(request_query(ctx, &part_query_record, &part));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, api_requests_show, request_row_record, &list->requests, .after = part.after,
                 .operation = part.operation, .count = part.limit));
    if (list->requests.count == (size_t)part.limit)
        list->next = arena_printf(ctx->arena, "%lld", (long long)list->requests.items[part.limit - 1].serial);
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
    struct part_query part;

    TRY(request_query(ctx, &part_query_record, &part));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, deliveries_show, delivery_row_record, &list->deliveries, .after = part.after,
                 .payment_id = part.payment_id, .count = part.limit));
    if (list->deliveries.count == (size_t)part.limit)
        list->next = arena_printf(ctx->arena, "%lld", (long long)list->deliveries.items[part.limit - 1].serial);
    return ERR_NONE;
}
