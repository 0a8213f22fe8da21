/* The mails as text. */
#include "letter.h"

#include <inttypes.h>
#include <string.h>

#include "buf.h"
#include "identity.h"
#include "text.h"

RECORD_SHARED(letter, FIELD(letter, to, .max = 254), FIELD(letter, subject, .max = 500),
              FIELD(letter, text, .max = LETTER_MAX), FIELD(letter, cart_id), FIELD(letter, shop),
              FIELD(letter, event_id), FIELD(letter, template_name));

const char *letter_message_id(struct arena *arena, const char *event_id, const char *template_name,
                              const char *recipient)
{
    const char *cause = arena_printf(arena, "%s\n%s\n%s", event_id, template_name, recipient);
    return arena_printf(arena, "%s@waybill", sha256_hex(arena, cause, strlen(cause)));
}

static void add_money(struct buf *buf, struct money money)
{
    char text[MONEY_TEXT];
    buf_add_text(buf, money_format(money, text));
}

static void add_lines(struct buf *buf, const struct order_placed *order)
{
    for (size_t i = 0; i < order->lines.count; i++) {
        const struct line *line = &order->lines.items[i];
        buf_printf(buf, "  %" PRId64 " x %s (%s)  ", line->quantity, line->title, line->sku);
        add_money(buf, line->total);
        buf_add_char(buf, '\n');
    }
    buf_add_text(buf, "\nDelivery: ");
    add_money(buf, order->totals.delivery);
    buf_add_text(buf, order->totals.tax_included ? "\nTax included: " : "\nTax: ");
    add_money(buf, order->totals.tax);
    buf_add_text(buf, "\nTotal: ");
    add_money(buf, order->totals.total);
    buf_add_char(buf, '\n');
}

static void add_address(struct buf *buf, const struct address *address)
{
    buf_printf(buf, "  %s\n", address->name);
    if (address->company != NULL)
        buf_printf(buf, "  %s\n", address->company);
    buf_printf(buf, "  %s\n", address->line1);
    if (address->line2 != NULL)
        buf_printf(buf, "  %s\n", address->line2);
    buf_printf(buf, "  %s %s, %s\n", address->postal_code != NULL ? address->postal_code : "", address->city,
               address->country);
}

static void add_payment(struct buf *buf, const struct order_placed *order)
{
    if (text_equal(order->method, "bank_transfer")) {
        buf_add_text(buf, "\nPlease transfer ");
        add_money(buf, order->totals.total);
        buf_printf(buf, " with the reference %s. We send your goods when it has arrived.\n",
                   order->reference != NULL ? order->reference : order->number);
    } else if (text_equal(order->method, "cash_on_delivery")) {
        buf_add_text(buf, "\nYou pay ");
        add_money(buf, order->totals.total);
        buf_add_text(buf, " when the parcel is handed over.\n");
    }
}

struct letter letter_confirmation(struct arena *arena, const struct order_placed *order)
{
    struct buf text;

    buf_init(&text, arena, LETTER_MAX);
    buf_printf(&text, "Hello %s,\n\nthank you for your order %s.\n\n", order->personal.billing.name, order->number);
    add_lines(&text, order);
    for (size_t i = 0; i < order->personal.deliveries.count; i++) {
        buf_add_text(&text, "\nWe send it to:\n");
        add_address(&text, &order->personal.deliveries.items[i].address);
    }
    add_payment(&text, order);
    buf_add_text(&text, "\nFollow your order: " LETTER_PAGE "\n");
    return (struct letter){
        .to = order->personal.email,
        .subject = arena_printf(arena, "Your order %s", order->number),
        .text = text.data,
        .cart_id = order->cart_id,
    };
}

struct letter letter_to_merchant(struct arena *arena, const struct order_placed *order, const char *to,
                                 const char *desk)
{
    struct buf text;

    buf_init(&text, arena, LETTER_MAX);
    buf_printf(&text, "There is a new order %s by %s, paid by %s.\n\n", order->number, order->channel, order->method);
    add_lines(&text, order);
    buf_printf(&text, "\nOpen it: %s/orders/%s\n", desk, order->order_id);
    return (struct letter){
        .to = to,
        .subject = arena_printf(arena, "New order %s", order->number),
        .text = text.data,
    };
}

/* What to say first, by template. */
static const struct {
    const char *template_name;
    const char *subject; /* then the order's number */
    const char *sentence;
} openings[] = {
    {"order_shipped", "On its way: your order", "your order has left our warehouse."},
    {"order_delivered", "Delivered: your order", "your order has been delivered. We hope that you like it."},
    {"order_cancelled", "Cancelled: your order", "your order was cancelled. What you have paid is given back."},
};

struct letter letter_status(struct arena *arena, const struct order_status_changed *changed, const char *to,
                            const char *name)
{
    const char *subject = "News of your order";
    const char *sentence = NULL;
    struct buf text;

    for (size_t i = 0; i < COUNT(openings); i++) {
        if (text_equal(openings[i].template_name, changed->mail)) {
            subject = openings[i].subject;
            sentence = openings[i].sentence;
        }
    }
    if (sentence == NULL)
        sentence =
            arena_printf(arena, "your order is now: %s%s%s.", changed->status, changed->sub_status != NULL ? ", " : "",
                         changed->sub_status != NULL ? changed->sub_status : "");

    buf_init(&text, arena, LETTER_MAX);
    buf_printf(&text, "Hello %s,\n\n%s\n", name, sentence);
    if (changed->tracking_number != NULL)
        buf_printf(&text, "\nTracking number: %s\n", changed->tracking_number);
    if (changed->tracking_url != NULL)
        buf_printf(&text, "Follow the parcel: %s\n", changed->tracking_url);
    buf_printf(&text, "\nYour order %s: " LETTER_PAGE "\n", changed->number);
    return (struct letter){
        .to = to,
        .subject = arena_printf(arena, "%s %s", subject, changed->number),
        .text = text.data,
    };
}

const char *letter_text(struct arena *arena, const struct letter *letter, const char *page)
{
    const char *mark = strstr(letter->text, LETTER_PAGE);
    const char *last = NULL;

    /* It stands near the end; a title that happens to have these words in it is left alone. */
    for (; mark != NULL; mark = strstr(mark + 1, LETTER_PAGE))
        last = mark;
    if (last == NULL)
        return letter->text;
    return arena_printf(arena, "%.*s%s%s", (int)(last - letter->text), letter->text, page, last + strlen(LETTER_PAGE));
}
