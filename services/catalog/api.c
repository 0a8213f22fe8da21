/* What shoppers see of the catalogue, and the import. */
#include "http.h"

#include <stdlib.h>

#include "catalog/queries.h"
#include "import.h"
#include "json.h"
#include "product.h"
#include "proto/product.h"
#include "text.h"
#include "uow.h"

#define CHUNK_ROWS 500 /* rows of an import in one transaction */

struct product_query {
    const char *after; /* a product's code */
    const char *currency;
    int64_t limit;
};

static RECORD(product_query, FIELD(product_query, after, .min = 1, .max = 200),
              FIELD(product_query, currency, .format = TEXT_CURRENCY), FIELD(product_query, limit, PAGE_LIMIT));

static enum err list_products(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct product_list *list = ret;
    struct product_view_list all;
    struct product_query query;

    TRY(request_query(ctx, &product_query_record, &query));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, products_show, product_view_record, &all, .shop = ctx->caller.shop, .after = query.after,
                 .limit = query.limit));
    list->items.items = arena_array(ctx->arena, all.count, sizeof(struct product_view));
    for (size_t i = 0; i < all.count; i++) {
        const struct product_view *offer = product_offer(ctx->arena, &all.items[i], query.currency);
        if (offer != NULL)
            list->items.items[list->items.count++] = *offer;
    }
    if (all.count == (size_t)query.limit)
        list->next = all.items[all.count - 1].code;
    return ERR_NONE;
}

static enum err show_product(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    const char *code = path_param(ctx, "code");
    const struct product_view *offer = NULL;
    struct product_view product;
    struct product_query query;
    bool found;

    TRY(request_query(ctx, &product_query_record, &query));
    READING(ctx, uow);
    TRY(SQL_MAYBE(uow, product_show, product_view_record, &product, &found, .shop = ctx->caller.shop, .code = code));
    if (found)
        offer = product_offer(ctx->arena, &product, query.currency);
    if (offer == NULL)
        return FAIL(ctx, NOT_FOUND, "there is no product \"%s\"", code);
    *(struct product_view *)ret = *offer;
    return ERR_NONE;
}

/* --- import --- */

struct owner {
    const char *sku;
    const char *code; /* of the product that has it */
};
struct owner_list {
    struct owner *items;
    size_t count;
};
static RECORD(owner, FIELD(owner, sku), FIELD(owner, code));

struct tax_class {
    const char *code;
};
static RECORD(tax_class, FIELD(tax_class, code));

/* A chunk of an import: its rows, and the products that they touch. */
struct chunk {
    struct import *import;
    struct import_product_row rows[CHUNK_ROWS];
    int64_t numbers[CHUNK_ROWS];
    const struct product *product_of[CHUNK_ROWS]; /* the row's; NULL: it failed */
    size_t count;
    struct {
        struct tax_class *items;
        size_t count;
    } tax_classes;
    struct owner owners[2 * CHUNK_ROWS]; /* those there were, and those that the chunk adds */
    size_t owner_count;
    struct product products[CHUNK_ROWS];
    bool changed[CHUNK_ROWS];
    size_t product_count;
};

static bool is_tax_class(const struct chunk *chunk, const char *code)
{
    for (size_t i = 0; i < chunk->tax_classes.count; i++) {
        if (text_equal(chunk->tax_classes.items[i].code, code))
            return true;
    }
    return false;
}

static size_t find_product(struct chunk *chunk, const char *shop, const char *code)
{
    for (size_t i = 0; i < chunk->product_count; i++) {
        if (text_equal(chunk->products[i].code, code))
            return i;
    }
    chunk->products[chunk->product_count] = product_new(chunk->import->ctx->arena, shop, code);
    chunk->changed[chunk->product_count] = false;
    return chunk->product_count++;
}

/* The code of the product that has the SKU; a SKU nobody has becomes `code`'s. */
static const char *claim_sku(struct chunk *chunk, const char *sku, const char *code)
{
    for (size_t i = 0; i < chunk->owner_count; i++) {
        if (text_equal(chunk->owners[i].sku, sku))
            return chunk->owners[i].code;
    }
    chunk->owners[chunk->owner_count++] = (struct owner){.sku = sku, .code = code};
    return code;
}

/* Reads and locks what the chunk's rows speak of. */
static enum err read_chunk(struct uow *uow, struct chunk *chunk)
{
    struct ctx *ctx = uow->ctx;
    const char **codes = arena_array(ctx->arena, chunk->count, sizeof(char *));
    const char **skus = arena_array(ctx->arena, chunk->count, sizeof(char *));
    struct product_rows products;
    struct owner_list owners;

    for (size_t i = 0; i < chunk->count; i++) {
        codes[i] = chunk->rows[i].code;
        skus[i] = chunk->rows[i].sku;
    }
    TRY(SQL_MANY(uow, tax_classes, tax_class_record, &chunk->tax_classes));
    TRY(SQL_MANY(uow, products_lock, product_record, &products, .shop = ctx->caller.shop,
                 .codes = {codes, chunk->count}));
    TRY(SQL_MANY(uow, sku_owners, owner_record, &owners, .shop = ctx->caller.shop, .skus = {skus, chunk->count}));
    chunk->product_count = products.count;
    for (size_t i = 0; i < products.count; i++) {
        chunk->products[i] = products.items[i];
        chunk->changed[i] = false;
    }
    chunk->owner_count = owners.count;
    for (size_t i = 0; i < owners.count; i++)
        chunk->owners[i] = owners.items[i];
    return ERR_NONE;
}

static void apply_row(struct chunk *chunk, size_t index)
{
    const struct import_product_row *row = &chunk->rows[index];
    const int64_t number = chunk->numbers[index];
    struct import *import = chunk->import;
    bool changed;

    chunk->product_of[index] = NULL;
    if (!is_tax_class(chunk, row->tax_class)) {
        import_fail(import, number, "tax_class", "is not one of the shop's");
        return;
    }
    if (!text_equal(claim_sku(chunk, row->sku, row->code), row->code)) {
        import_fail(import, number, "sku", "belongs to another product");
        return;
    }
    const size_t at = find_product(chunk, import->ctx->caller.shop, row->code);
    const char *cause = product_apply(import->ctx->arena, &chunk->products[at], row, &changed);
    if (cause != NULL) {
        import_fail(import, number, NULL, cause);
        return;
    }
    chunk->product_of[index] = &chunk->products[at];
    chunk->changed[at] = chunk->changed[at] || changed;
    if (changed)
        import->report->applied++;
    else
        import->report->unchanged++;
}

static enum err tell_product(struct uow *uow, struct product *product)
{
    return emit_product_changed(uow, &product->head,
                                &(struct product_changed){
                                    .product_id = product->head.id,
                                    .shop = product->shop,
                                    .code = product->code,
                                    .title = product->title,
                                    .description = product->description,
                                    .tax_class = product->tax_class,
                                    .active = product->active,
                                    .variants = product->variants,
                                });
}

/* Writes the products that changed, all at once. */
static enum err write_products(struct uow *uow, struct chunk *chunk)
{
    struct arena *arena = uow->ctx->arena;
    const char **columns[6];
    int64_t *actives = arena_array(arena, chunk->product_count, sizeof(*actives));
    int64_t *versions = arena_array(arena, chunk->product_count, sizeof(*versions));
    size_t count = 0;

    for (size_t i = 0; i < COUNT(columns); i++)
        columns[i] = arena_array(arena, chunk->product_count, sizeof(**columns));
    for (size_t i = 0; i < chunk->product_count; i++) {
        struct product *product = &chunk->products[i];
        if (!chunk->changed[i])
            continue;
        TRY(tell_product(uow, product));
        columns[0][count] = product->head.id;
        columns[1][count] = product->code;
        columns[2][count] = product->title;
        columns[3][count] = product->description;
        columns[4][count] = product->tax_class;
        columns[5][count] = json_encode_list(arena, &variant_record, product->variants.items, product->variants.count);
        actives[count] = product->active;
        versions[count++] = product->head.version;
    }
    SQL(uow, products_put, .shop = uow->ctx->caller.shop, .ids = {columns[0], count}, .codes = {columns[1], count},
        .titles = {columns[2], count}, .descriptions = {columns[3], count}, .tax_classes = {columns[4], count},
        .actives = {actives, count}, .variants = {columns[5], count}, .versions = {versions, count});
    return ERR_NONE;
}

static enum err write_chunk(struct uow *uow, struct chunk *chunk)
{
    struct arena *arena = uow->ctx->arena;
    const char **skus = arena_array(arena, chunk->count, sizeof(char *));
    const char **ids = arena_array(arena, chunk->count, sizeof(char *));
    size_t count = 0;

    TRY(write_products(uow, chunk));
    for (size_t i = 0; i < chunk->count; i++) {
        const struct product *product = chunk->product_of[i];
        if (product == NULL || !chunk->changed[product - chunk->products])
            continue;
        skus[count] = chunk->rows[i].sku;
        ids[count++] = product->head.id;
    }
    SQL(uow, skus_put, .shop = uow->ctx->caller.shop, .skus = {skus, count}, .product_ids = {ids, count});
    return ERR_NONE;
}

static enum err import_chunk(struct ctx *ctx, struct chunk *chunk)
{
    UNIT_OF_WORK(ctx, uow);
    TRY(read_chunk(uow, chunk));
    for (size_t i = 0; i < chunk->count; i++)
        apply_row(chunk, i);
    TRY(write_chunk(uow, chunk));
    return uow_commit(uow);
}

static int compare_rows(const void *a, const void *b)
{
    const struct import_failure *one = a;
    const struct import_failure *other = b;
    return (one->row > other->row) - (one->row < other->row);
}

/* Of each chunk those rows failed first that could not be read. The report has the order of the file. */
static void sort_failures(struct import_report *report)
{
    if (report->rows.count > 0)
        qsort(report->rows.items, report->rows.count, sizeof(struct import_failure), compare_rows);
}

/*
 * Rows stand alone, and the same file again changes nothing: so a file is applied in chunks, each a transaction, and
 * whoever got no answer sends it again.
 */
static enum err import_products(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct chunk *chunk = ARENA_NEW(ctx->arena, struct chunk);
    struct import import CLEANUP(import_close) = {0};

    TRY(import_open(ctx, &import_product_row_record, ret, &import));
    chunk->import = &import;
    while (import_next_chunk(&import)) {
        chunk->count = 0;
        while (chunk->count < CHUNK_ROWS &&
               import_next(&import, &chunk->rows[chunk->count], &chunk->numbers[chunk->count]))
            chunk->count++;
        if (chunk->count > 0)
            TRY(import_chunk(ctx, chunk));
    }
    sort_failures(ret);
    return ERR_NONE;
}

#define IMPORT_FLAGS (ROUTE_RAW_BODY | ROUTE_KEY_OWN) /* repeating it is harmless by itself */
#define ANYONE (ROLE_SHOPPER | ROLE_STAFF)

/* clang-format off */
const struct route catalog_routes[] = {
    /* method  path                 who           right  body in  body out               status handler          flags         body limit */
    { "GET",   "/products",         ANYONE,       NULL,  NULL,    &product_list_record,  200,   list_products },
    { "GET",   "/products/:code",   ANYONE,       NULL,  NULL,    &product_view_record,  200,   show_product },
    { "POST",  "/imports/products", ROLE_PARTNER, NULL,  NULL,    &import_report_record, 200,   import_products, IMPORT_FLAGS, HTTP_IMPORT_MAX },
    { NULL },
};
/* clang-format on */
