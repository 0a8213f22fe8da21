/* The customer's page of an order. */
#include "page.h"

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "text.h"

static const char style[] =
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.35rem .5rem;border-bottom:1px solid #ddd;vertical-align:top}"
    ".n{text-align:right;white-space:nowrap}.status{font-size:1.2rem}time{color:#555;white-space:nowrap}";

/* Loads the page anew when the order changed. The first event tells how it stands now, which may be news already. */
static const char script[] =
    "let first=true;"
    "const source=new EventSource(location.pathname.replace(/page$/,'events')+location.search);"
    "source.addEventListener('order',e=>{"
    "if(!first||e.lastEventId!==document.documentElement.dataset.version)location.reload();first=false});";

bool timeline_is_public(const char *what)
{
    static const char *const words[] = {
        "placed",           "cancel_asked",        "cancel_refused",     "cancelled",
        "shipment_planned", "shipment_released",   "shipment_picked",    "shipment_packed",
        "shipment_shipped", "shipment_in_transit", "shipment_delivered", "shipment_stopped",
        "payment_captured", "payment_refunded",
    };

    for (size_t i = 0; i < COUNT(words); i++) {
        if (text_equal(words[i], what))
            return true;
    }
    return false;
}

/* Whether the entry's detail was written for the customer. */
static bool detail_is_public(const char *what)
{
    return text_equal(what, "shipment_in_transit") || text_equal(what, "cancelled") ||
           text_equal(what, "cancel_asked") || text_equal(what, "cancel_refused");
}

static void add_money(struct buf *page, struct money money)
{
    char text[MONEY_TEXT];

    buf_add_html(page, money_format(money, text));
}

/* "2026-11-22 06:48 UTC" */
static void add_time(struct buf *page, int64_t us)
{
    char text[CLOCK_TEXT];

    clock_format(us, text);
    buf_printf(page, "<time datetime=\"%s\">%.10s %.5s UTC</time>", text, text, text + 11);
}

/* A key like "cash_on_delivery" as words. */
static void add_words(struct buf *page, const char *key)
{
    for (const char *at = key; *at != '\0'; at++) {
        const char letter[2] = {*at == '_' ? ' ' : *at, '\0'};
        buf_add_html(page, letter);
    }
}

static void add_head(struct buf *page, const struct order_view *order, const char *nonce)
{
    buf_printf(page,
               "<!doctype html>\n<html lang=\"en\" data-version=\"%" PRId64 "\">\n<head>\n<meta charset=\"utf-8\">\n",
               order->version);
    buf_add_text(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"robots\" content=\"noindex\">\n<title>Order ");
    buf_add_html(page, order->number);
    buf_printf(page, "</title>\n<style nonce=\"%s\">%s</style>\n</head>\n<body>\n<h1>Order ", nonce, style);
    buf_add_html(page, order->number);
    buf_add_text(page, "</h1>\n<p class=\"status\"><strong>");
    buf_add_html(page, order->status);
    buf_add_text(page, "</strong>");
    if (order->sub_status != NULL) {
        buf_add_text(page, " – ");
        buf_add_html(page, order->sub_status);
    }
    buf_add_text(page, "</p>\n<p>Placed ");
    add_time(page, order->placed_at);
    buf_add_text(page, "</p>\n");
    if (order->cancel_reason != NULL) {
        buf_add_text(page, "<p>Cancellation: ");
        buf_add_html(page, order->cancel_reason);
        buf_add_text(page, "</p>\n");
    }
}

static void add_lines(struct buf *page, const struct order_view *order)
{
    buf_add_text(page, "<h2>What you ordered</h2>\n<table>\n<thead><tr><th>Article</th><th class=\"n\">Pieces</th>"
                       "<th class=\"n\">Price</th><th class=\"n\">Total</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < order->lines.count; i++) {
        const struct line *line = &order->lines.items[i];
        buf_add_text(page, "<tr><td>");
        buf_add_html(page, line->title);
        for (size_t j = 0; j < line->adjustments.count; j++) {
            buf_add_text(page, "<br>");
            buf_add_html(page, line->adjustments.items[j].label);
            buf_add_char(page, ' ');
            add_money(page, line->adjustments.items[j].amount);
        }
        buf_printf(page, "</td><td class=\"n\">%" PRId64 "</td><td class=\"n\">", line->quantity);
        add_money(page, line->unit_price);
        buf_add_text(page, "</td><td class=\"n\">");
        add_money(page, line->total);
        buf_add_text(page, "</td></tr>\n");
    }
    buf_add_text(page, "</tbody>\n");
}

static void add_total(struct buf *page, const char *name, struct money money)
{
    buf_printf(page, "<tr><th colspan=\"3\">%s</th><td class=\"n\">", name);
    add_money(page, money);
    buf_add_text(page, "</td></tr>\n");
}

static void add_totals(struct buf *page, const struct totals *totals)
{
    buf_add_text(page, "<tfoot>\n");
    add_total(page, "Articles", totals->lines);
    add_total(page, "Delivery", totals->delivery);
    add_total(page, totals->tax_included ? "Tax, included" : "Tax", totals->tax);
    add_total(page, "Total", totals->total);
    buf_add_text(page, "</tfoot>\n</table>\n");
}

static void add_payments(struct buf *page, const struct order_view *order)
{
    if (order->payments.count == 0)
        return;
    buf_add_text(page, "<h2>Payment</h2>\n<ul>\n");
    for (size_t i = 0; i < order->payments.count; i++) {
        const struct payment_view *payment = &order->payments.items[i];
        buf_add_text(page, "<li>");
        add_words(page, payment->method);
        buf_add_text(page, ", ");
        add_money(page, payment->amount);
        buf_add_text(page, ": ");
        add_words(page, payment->status);
        buf_add_text(page, "</li>\n");
    }
    buf_add_text(page, "</ul>\n");
    if (order->pay_by == 0 || order->payment_reference == NULL)
        return;
    buf_add_text(page, "<p>Please transfer the total with the reference <strong>");
    buf_add_html(page, order->payment_reference);
    buf_add_text(page, "</strong> by ");
    add_time(page, order->pay_by);
    buf_add_text(page, ".</p>\n");
}

static void add_tracking(struct buf *page, const struct order_shipment *shipment)
{
    if (shipment->tracking_number == NULL)
        return;
    buf_add_text(page, "<br>");
    if (shipment->carrier != NULL) {
        buf_add_html(page, shipment->carrier);
        buf_add_char(page, ' ');
    }
    /* Only a web address becomes a link: others could be scripts. */
    bool is_link = shipment->tracking_url != NULL && text_has_format(shipment->tracking_url, TEXT_URL);
    if (is_link) {
        buf_add_text(page, "<a rel=\"noopener noreferrer\" href=\"");
        buf_add_html(page, shipment->tracking_url);
        buf_add_text(page, "\">");
    }
    buf_add_html(page, shipment->tracking_number);
    if (is_link)
        buf_add_text(page, "</a>");
}

static bool is_over(const struct order_shipment *shipment)
{
    return text_equal(shipment->state, "delivered") || text_equal(shipment->state, "stopped");
}

static void add_shipment(struct buf *page, const struct order_shipment *shipment)
{
    buf_add_text(page, "<li><strong>");
    buf_add_html(page, shipment->number);
    buf_add_text(page, "</strong>: ");
    add_words(page, shipment->state);
    add_tracking(page, shipment);
    if (shipment->latest != NULL && !is_over(shipment)) {
        buf_add_text(page, "<br>Expected by ");
        buf_add_html(page, shipment->latest);
    }
    buf_add_text(page, "<ul>\n");
    for (size_t i = 0; i < shipment->lines.count; i++) {
        buf_printf(page, "<li>%" PRId64 " × ", shipment->lines.items[i].quantity);
        buf_add_html(page, shipment->lines.items[i].title);
        buf_add_text(page, "</li>\n");
    }
    buf_add_text(page, "</ul></li>\n");
}

/* What was promised when it was placed; what really travels tells more as soon as it is known. */
static void add_delivery(struct buf *page, const struct order_view *order)
{
    buf_add_text(page, "<h2>Delivery</h2>\n");
    for (size_t i = 0; i < order->groups.count; i++) {
        const struct group *group = &order->groups.items[i];
        buf_add_text(page, "<p>");
        buf_add_html(page, group->label);
        if (group->earliest != NULL && group->latest != NULL) {
            buf_add_text(page, ", estimated ");
            buf_add_html(page, group->earliest);
            buf_add_text(page, " to ");
            buf_add_html(page, group->latest);
        }
        buf_add_text(page, "</p>\n");
    }
    if (order->shipments.count == 0)
        return;
    buf_add_text(page, "<ul>\n");
    for (size_t i = 0; i < order->shipments.count; i++)
        add_shipment(page, &order->shipments.items[i]);
    buf_add_text(page, "</ul>\n");
}

static void add_timeline(struct buf *page, const struct timeline_view *timeline)
{
    if (timeline->items.count == 0)
        return;
    buf_add_text(page, "<h2>What happened</h2>\n<table>\n<tbody>\n");
    for (size_t i = 0; i < timeline->items.count; i++) {
        const struct timeline_entry *entry = &timeline->items.items[i];
        if (!timeline_is_public(entry->what))
            continue;
        buf_add_text(page, "<tr><td>");
        add_time(page, entry->at);
        buf_add_text(page, "</td><td>");
        buf_add_html(page, entry->text);
        if (entry->detail != NULL && detail_is_public(entry->what)) {
            buf_add_text(page, "<br>");
            buf_add_html(page, entry->detail);
        }
        buf_add_text(page, "</td></tr>\n");
    }
    buf_add_text(page, "</tbody>\n</table>\n");
}

void page_add_order(struct buf *page, const struct order_view *order, const struct timeline_view *timeline,
                    const char *nonce)
{
    add_head(page, order, nonce);
    add_lines(page, order);
    add_totals(page, &order->totals);
    add_delivery(page, order);
    add_payments(page, order);
    add_timeline(page, timeline);
    buf_printf(page, "<script nonce=\"%s\">%s</script>\n</body>\n</html>\n", nonce, script);
}
