/*
 * fuzz_import - any bytes as a file of rows.
 *
 * Input: a byte whose lowest bit chooses CSV or NDJSON, then the file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ulfius.h>

#include "http.h"
#include "import.h"
#include "proto/http_catalog.h"

#define INPUT_MAX ((size_t)64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Each row is a good one or a failed one, and they are counted in the order of the file. */
static void read_all(struct ctx *ctx)
{
    struct import import CLEANUP(import_close) = {0};
    struct import_report report = {0};
    struct import_product_row row;
    int64_t number = 0;
    int64_t last = 0;
    int64_t good = 0;

    if (import_open(ctx, &import_product_row_record, &report, &import) != ERR_NONE) {
        if (ctx->problem.detail == NULL)
            abort();
        return;
    }
    while (import_next_chunk(&import)) {
        while (import_next(&import, &row, &number)) {
            if (number <= last || row.sku == NULL || row.code == NULL || row.price < 0)
                abort();
            last = number;
            good++;
        }
    }
    if (good + report.failed != import.row || report.rows.count > IMPORT_FAILURES_MAX)
        abort();
    for (size_t i = 0; i < report.rows.count; i++) {
        const struct import_failure *failure = &report.rows.items[i];
        if (failure->row < 1 || failure->row > import.row || failure->cause == NULL)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct _u_map headers;
    struct _u_request ulfius = {.map_header = &headers};

    if (size == 0 || size > INPUT_MAX)
        return 0;
    struct request request = {.ulfius = &ulfius, .body = (const char *)bytes + 1, .body_size = size - 1};
    struct ctx ctx = {.arena = arena_new((size_t)64 * 1024 * 1024), .request = &request};
    u_map_init(&headers);
    u_map_put(&headers, "Content-Type", (bytes[0] & 1) != 0 ? "application/x-ndjson" : "text/csv");

    read_all(&ctx);

    u_map_clean(&headers);
    arena_free(ctx.arena);
    return 0;
}
