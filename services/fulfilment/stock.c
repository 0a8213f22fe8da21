/* What clerks and the ERP do with stock: look, count, import. A count sets what is on hand; claims on it stay. */
#include "stock.h"

#include <assert.h>
#include <string.h>

#include "fulfilment/queries.h"
#include "http.h"
#include "import.h"
#include "proto/http_fulfilment.h"
#include "store.h"
#include "text.h"

#define CHUNK_ROWS 500 /* rows of an import in one transaction */

struct stock_query {
    const char *after; /* "SKU@warehouse" */
    const char *sku, *warehouse;
    int64_t limit;
};

static RECORD(stock_query, FIELD(stock_query, after, .max = 97),
              FIELD(stock_query, sku, .format = TEXT_TOKEN, .max = 64),
              FIELD(stock_query, warehouse, .format = TEXT_TOKEN, .max = 32), FIELD(stock_query, limit, PAGE_LIMIT));

enum err show_stock(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct stock_list *list = ret;
    struct stock_query query;

    TRY(request_query(ctx, &stock_query_record, &query));
    const char *at = query.after != NULL ? strrchr(query.after, '@') : NULL;
    if (query.after != NULL && at == NULL)
        return err_field(ctx, "after", "must be \"SKU@warehouse\"");
    READING(ctx, uow);
    TRY(SQL_MANY(uow, stock_show, stock_view_record, &list->items, .shop = ctx->caller.shop, .sku = query.sku,
                 .warehouse = query.warehouse,
                 .after_sku = at != NULL ? arena_copy(ctx->arena, query.after, (size_t)(at - query.after)) : NULL,
                 .after_warehouse = at != NULL ? at + 1 : NULL, .limit = query.limit));
    if (list->items.count == (size_t)query.limit) {
        const struct stock_view *last = &list->items.items[list->items.count - 1];
        list->next = arena_printf(ctx->arena, "%s@%s", last->sku, last->warehouse);
    }
    return ERR_NONE;
}

/* Numbers found on the shelves, each SKU and warehouse once. */
struct count {
    const char *skus[CHUNK_ROWS];
    const char *warehouses[CHUNK_ROWS];
    int64_t counted[CHUNK_ROWS];
    size_t size;
};

/* Puts one number in; a later one of the same pair replaces the earlier. */
static void count_put(struct count *count, const char *sku, const char *warehouse, int64_t counted)
{
    size_t at = 0;

    while (at < count->size && !(text_equal(count->skus[at], sku) && text_equal(count->warehouses[at], warehouse)))
        at++;
    count->skus[at] = sku;
    count->warehouses[at] = warehouse;
    count->counted[at] = counted;
    if (at == count->size)
        count->size++;
}

/* Sets the numbers and books the differences; tells how many differed. */
static enum err book(struct uow *uow, const struct count *count, const char *cause, const char *by,
                     int64_t *ret_changed)
{
    struct arena *arena = uow->ctx->arena;
    const struct texts skus = {(const char **)count->skus, count->size};
    const struct texts warehouses = {(const char **)count->warehouses, count->size};
    const struct ints counted = {count->counted, count->size};
    const char **keys = arena_array(arena, count->size, sizeof(char *));

    for (size_t i = 0; i < count->size; i++)
        keys[i] = stock_key_of_sku(arena, count->skus[i]);
    SQL(uow, stock_ensure, .skus = skus, .warehouses = warehouses, .shop = uow->ctx->caller.shop);
    stock_lock_all(uow, keys, count->size);
    SQL(uow, stock_count_moves, .skus = skus, .warehouses = warehouses, .counted = counted, .cause = cause, .by = by);
    return SQL_COUNT(uow, stock_count_set, ret_changed, .skus = skus, .warehouses = warehouses, .counted = counted);
}

struct warehouse_code {
    const char *code;
};
struct warehouse_codes {
    struct warehouse_code *items;
    size_t count;
};
static RECORD(warehouse_code, FIELD(warehouse_code, code));

static enum err read_warehouses(struct uow *uow, struct warehouse_codes *ret)
{
    return SQL_MANY(uow, warehouses, warehouse_code_record, ret, .shop = uow->ctx->caller.shop);
}

static bool has_warehouse(const struct warehouse_codes *codes, const char *code)
{
    for (size_t i = 0; i < codes->count; i++) {
        if (text_equal(codes->items[i].code, code))
            return true;
    }
    return false;
}

enum err count_stock(struct ctx *ctx, const void *in, void *ret)
{
    const struct count_stock *found = in;
    struct warehouse_codes warehouses;
    struct stock_view_list now;
    struct count *count = ARENA_NEW(ctx->arena, struct count);
    int64_t changed;

    UNIT_OF_WORK(ctx, uow);
    TRY(read_warehouses(uow, &warehouses));
    if (!has_warehouse(&warehouses, found->warehouse))
        return err_field(ctx, "warehouse", "is not one of the shop's");
    count_put(count, found->sku, found->warehouse, found->counted);
    TRY(book(uow, count, arena_printf(ctx->arena, "count:%s", ctx->trace.correlation_id),
             arena_printf(ctx->arena, "%s: %s", ctx->caller.name, found->reason), &changed));
    TRY(SQL_MANY(uow, stock_show, stock_view_record, &now, .shop = ctx->caller.shop, .sku = found->sku,
                 .warehouse = found->warehouse, .limit = 1));
    assert(now.count == 1);
    *(struct stock_view *)ret = now.items[0];
    return uow_commit(uow);
}

/* Reads up to a chunk of good rows; returns how many. */
static int64_t read_chunk(struct import *import, const struct warehouse_codes *warehouses, struct count *count)
{
    struct import_stock_row row;
    int64_t number;
    int64_t rows = 0;

    count->size = 0;
    while (count->size < CHUNK_ROWS && import_next(import, &row, &number)) {
        if (!has_warehouse(warehouses, row.warehouse)) {
            import_fail(import, number, "warehouse", "is not one of the shop's");
            continue;
        }
        count_put(count, row.sku, row.warehouse, row.on_hand);
        rows++;
    }
    return rows;
}

static enum err book_chunk(struct ctx *ctx, const struct count *count, const char *cause, int64_t *ret_changed)
{
    UNIT_OF_WORK(ctx, uow);
    TRY(book(uow, count, cause, ctx->caller.name, ret_changed));
    return uow_commit(uow);
}

static enum err known_warehouses(struct ctx *ctx, struct warehouse_codes *ret)
{
    READING(ctx, uow);
    return read_warehouses(uow, ret);
}

/* Rows stand alone, and the same file again changes nothing: so a file is applied in chunks, each a transaction. */
enum err import_stock(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct import_report *report = ret;
    struct count *count = ARENA_NEW(ctx->arena, struct count);
    struct warehouse_codes warehouses;
    struct import import CLEANUP(import_close) = {0};

    TRY(import_open(ctx, &import_stock_row_record, report, &import));
    TRY(known_warehouses(ctx, &warehouses));
    for (int chunk = 1; import_next_chunk(&import); chunk++) {
        const char *cause = arena_printf(ctx->arena, "import:%s:%d", ctx->trace.correlation_id, chunk);
        const int64_t rows = read_chunk(&import, &warehouses, count);
        int64_t changed;

        if (rows == 0)
            continue;
        TRY(book_chunk(ctx, count, cause, &changed));
        report->applied += changed;
        report->unchanged += rows - changed;
    }
    return ERR_NONE;
}
