/* The picklist and the packing slip of a shipment. */
#include "paper.h"

#include <inttypes.h>
#include <string.h>
#include <zint.h>

#include "buf.h"
#include "fulfilment/queries.h"
#include "http.h"
#include "proto/types.h"
#include "text.h"
#include "uow.h"

#define PAPER_MAX (1024 * 1024) /* bytes of a page: 200 lines with a barcode each */

struct paper {
    const char *number;
    const char *order_number;
    const char *warehouse;
    const char *method;
    const char *state;
    struct shipment_line_list lines;
    struct address *address; /* NULL once it was erased */
    const char *latest;
};
static RECORD(paper, FIELD(paper, number), FIELD(paper, order_number), FIELD(paper, warehouse), FIELD(paper, method),
              FIELD(paper, state), FIELD_LIST_OF(paper, lines, shipment_line_record),
              FIELD_OPTIONAL_OF(paper, address, address_record), FIELD(paper, latest));

/* Adds the text as a Code 128 barcode. A text that can't be one is left out: it is printed beside it anyway. */
static void add_barcode(struct buf *buf, const char *text)
{
    struct zint_symbol *symbol = ZBarcode_Create();

    if (symbol == NULL)
        return;
    symbol->symbology = BARCODE_CODE128;
    symbol->show_hrt = 0;
    symbol->height = 14;
    if (ZBarcode_Encode_and_Buffer_Vector(symbol, (const unsigned char *)text, (int)strlen(text), 0) < ZINT_ERROR) {
        buf_printf(buf, "<svg class=\"code\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"",
                   (int)symbol->vector->width, (int)symbol->vector->height);
        buf_add_html(buf, text);
        buf_add_text(buf, "\">");
        for (const struct zint_vector_rect *bar = symbol->vector->rectangles; bar != NULL; bar = bar->next)
            buf_printf(buf, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>", (int)bar->x, (int)bar->y,
                       (int)bar->width, (int)bar->height);
        buf_add_text(buf, "</svg>");
    }
    ZBarcode_Delete(symbol);
}

static void begin(struct buf *buf, const char *title, const struct paper *paper)
{
    buf_printf(buf, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s ", title);
    buf_add_html(buf, paper->number);
    buf_add_text(buf,
                 "</title><style>"
                 "body{font:14px/1.4 sans-serif;margin:2em}h1{font-size:20px}table{border-collapse:collapse;width:100%}"
                 "td,th{border-bottom:1px solid #999;padding:6px;text-align:left;vertical-align:top}"
                 "td.n{text-align:right;font-size:18px}.code{height:40px;max-width:260px}"
                 "@media print{body{margin:0}}</style></head><body><h1>");
    buf_printf(buf, "%s ", title);
    buf_add_html(buf, paper->number);
    buf_add_text(buf, "</h1>");
    add_barcode(buf, paper->number);
    buf_add_text(buf, "<p>Order ");
    buf_add_html(buf, paper->order_number);
    buf_add_text(buf, ", ");
    buf_add_text(buf, text_equal(paper->method, "express") ? "Express" : "First class");
    if (paper->latest != NULL) {
        buf_add_text(buf, ", arrives by ");
        buf_add_html(buf, paper->latest);
    }
    buf_add_text(buf, "</p>");
}

static void add_text_line(struct buf *buf, const char *text)
{
    if (text == NULL)
        return;
    buf_add_html(buf, text);
    buf_add_text(buf, "<br>");
}

static void add_address(struct buf *buf, const struct address *address)
{
    if (address == NULL)
        return;
    buf_add_text(buf, "<p>");
    add_text_line(buf, address->name);
    add_text_line(buf, address->company);
    add_text_line(buf, address->line1);
    add_text_line(buf, address->line2);
    add_text_line(buf, address->postal_code);
    add_text_line(buf, address->city);
    add_text_line(buf, address->region);
    add_text_line(buf, address->country);
    buf_add_text(buf, "</p>");
}

static void add_lines(struct buf *buf, const struct paper *paper, bool with_codes)
{
    buf_add_text(buf, "<table><thead><tr><th>Pieces</th><th>SKU</th><th>Title</th></tr></thead><tbody>");
    for (size_t i = 0; i < paper->lines.count; i++) {
        const struct shipment_line *line = &paper->lines.items[i];
        buf_printf(buf, "<tr><td class=\"n\">%" PRId64 "</td><td>", line->quantity);
        buf_add_html(buf, line->sku);
        if (with_codes) {
            buf_add_text(buf, "<br>");
            add_barcode(buf, line->sku);
        }
        buf_add_text(buf, "</td><td>");
        buf_add_html(buf, line->title);
        buf_add_text(buf, "</td></tr>");
    }
    buf_add_text(buf, "</tbody></table>");
}

static enum err read_paper(struct ctx *ctx, struct paper *ret)
{
    const char *id;
    bool found;

    TRY(path_id(ctx, "shipment_id", &id));
    READING(ctx, uow);
    TRY(SQL_MAYBE(uow, paper_read, paper_record, ret, &found, .id = id, .shop = ctx->caller.shop));
    if (!found)
        return FAIL(ctx, NOT_FOUND, "there is no shipment \"%s\"", id);
    if (text_equal(ret->state, "planned") || text_equal(ret->state, "stopped"))
        return FAIL(ctx, CONFLICT, "shipment %s is %s: nothing is to be picked", ret->number, ret->state);
    return ERR_NONE;
}

static enum err finish(struct ctx *ctx, struct buf *page)
{
    buf_add_text(page, "</body></html>\n");
    if (page->overflowed)
        return FAIL(ctx, INTERNAL, "the page is longer than %d bytes", PAPER_MAX);
    http_text(ctx, "text/html; charset=utf-8", page->data, page->size);
    return ERR_NONE;
}

enum err print_picklist(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct paper paper;
    struct buf page;

    TRY(read_paper(ctx, &paper));
    buf_init(&page, ctx->arena, PAPER_MAX);
    begin(&page, "Picklist", &paper);
    buf_add_text(&page, "<p>Warehouse ");
    buf_add_html(&page, paper.warehouse);
    buf_add_text(&page, "</p>");
    add_lines(&page, &paper, true);
    return finish(ctx, &page);
}

enum err print_packing_slip(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct paper paper;
    struct buf page;

    TRY(read_paper(ctx, &paper));
    buf_init(&page, ctx->arena, PAPER_MAX);
    begin(&page, "Packing slip", &paper);
    add_address(&page, paper.address);
    add_lines(&page, &paper, false);
    return finish(ctx, &page);
}
