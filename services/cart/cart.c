/* What a shopper wants, priced now. */
#include "cart.h"

#include <inttypes.h>

#include "ctx.h"
#include "id.h"
#include "text.h"

RECORD_SHARED(priced_line, FIELD(priced_line, line_id), FIELD(priced_line, sku), FIELD(priced_line, title),
              FIELD(priced_line, quantity), FIELD(priced_line, shown_minor));

RECORD_SHARED(cart_offer, FIELD(cart_offer, sku), FIELD(cart_offer, title), FIELD(cart_offer, tax_class),
              FIELD(cart_offer, currency), FIELD(cart_offer, price_minor), FIELD(cart_offer, active));

RECORD_SHARED(cart, FIELD_NAMED(cart, head.id, "id"), FIELD(cart, shop), FIELD_AS_ENUM(cart, state, cart_state_names),
              FIELD(cart, channel), FIELD(cart, locale), FIELD(cart, currency), FIELD(cart, checkout_id),
              FIELD_NAMED(cart, claim.placement, "placement"), FIELD_NAMED(cart, claim.dead, "dead"),
              FIELD_NAMED(cart, head.version, "version"), FIELD_AS_TIME(cart, created_at),
              FIELD_AS_TIME(cart, updated_at), FIELD_LIST_OF(cart, lines, priced_line_record),
              FIELD_LIST_OF(cart, offers, cart_offer_record));

struct priced_line *cart_find_line(const struct cart *cart, const char *line_id)
{
    for (size_t i = 0; i < cart->lines.count; i++) {
        if (text_equal(cart->lines.items[i].line_id, line_id))
            return &cart->lines.items[i];
    }
    return NULL;
}

struct priced_line *cart_find_sku(const struct cart *cart, const char *sku)
{
    for (size_t i = 0; i < cart->lines.count; i++) {
        if (text_equal(cart->lines.items[i].sku, sku))
            return &cart->lines.items[i];
    }
    return NULL;
}

static struct cart_offer *find_offer(const struct cart *cart, const char *sku)
{
    for (size_t i = 0; i < cart->offers.count; i++) {
        if (text_equal(cart->offers.items[i].sku, sku))
            return &cart->offers.items[i];
    }
    return NULL;
}

void cart_add_offers(struct arena *arena, struct cart *cart, const struct cart_offer_list *offers)
{
    struct cart_offer *items = arena_array(arena, cart->offers.count + offers->count, sizeof(*items));
    size_t count = 0;

    for (; count < cart->offers.count; count++)
        items[count] = cart->offers.items[count];
    for (size_t i = 0; i < offers->count; i++) {
        if (text_equal(offers->items[i].currency, cart->currency))
            items[count++] = offers->items[i];
    }
    cart->offers = (struct cart_offer_list){.items = items, .count = count};
}

void cart_apply_offers(struct cart *cart, const char *sku)
{
    cart->offer = find_offer(cart, sku);
    for (size_t i = 0; i < cart->lines.count; i++) {
        struct priced_line *line = &cart->lines.items[i];
        const struct cart_offer *offer = find_offer(cart, line->sku);

        line->title = offer != NULL ? offer->title : line->title;
        line->price_minor = offer != NULL ? offer->price_minor : line->shown_minor;
        line->tax_class = offer != NULL ? offer->tax_class : "standard";
        line->is_sold = offer != NULL && offer->active;
    }
}

/* A list with room for one more; the old one stays behind in the arena. */
static struct priced_line *grow(struct arena *arena, struct cart *cart)
{
    struct priced_line *items = arena_array(arena, cart->lines.count + 1, sizeof(*items));
    for (size_t i = 0; i < cart->lines.count; i++)
        items[i] = cart->lines.items[i];
    cart->lines.items = items;
    return &items[cart->lines.count++];
}

enum err cart_put(struct ctx *ctx, struct cart *cart, int64_t quantity, struct priced_line **ret)
{
    const struct cart_offer *offer = cart->offer;
    if (offer == NULL || !offer->active)
        return err_field(ctx, "sku", "is not sold in %s", cart->currency);

    struct priced_line *line = cart_find_sku(cart, offer->sku);
    if (line == NULL) {
        if (cart->lines.count >= CART_LINES_MAX)
            return err_field(ctx, "sku", "would be line %d; a cart has at most %d", CART_LINES_MAX + 1, CART_LINES_MAX);
        line = grow(ctx->arena, cart);
        *line = (struct priced_line){.line_id = id_new(ctx->arena), .sku = offer->sku};
    }
    if (quantity > LINE_QUANTITY_MAX - line->quantity)
        return err_field(ctx, "quantity", "would make %" PRId64 " pieces; a line has at most %d",
                         line->quantity + quantity, LINE_QUANTITY_MAX);
    line->quantity += quantity;
    line->title = offer->title;
    line->tax_class = offer->tax_class;
    line->price_minor = offer->price_minor;
    line->shown_minor = offer->price_minor;
    line->is_sold = true;
    *ret = line;
    return ERR_NONE;
}

void cart_drop(struct cart *cart, const struct priced_line *line)
{
    for (size_t i = (size_t)(line - cart->lines.items); i + 1 < cart->lines.count; i++)
        cart->lines.items[i] = cart->lines.items[i + 1];
    cart->lines.count--;
}

/* Adds a line's price to a sum; names the line when it passes what money can be. */
static enum err add_line(struct ctx *ctx, const struct priced_line *line, int64_t *ret_total, int64_t *sum)
{
    if (!minor_multiply(line->price_minor, line->quantity, ret_total) || !minor_add(*sum, *ret_total, sum))
        return err_field(ctx, "quantity", "of \"%s\" makes the cart dearer than can be counted", line->sku);
    return ERR_NONE;
}

/* What the shopper should know about a line since it was shown last. */
static void find_changes(struct arena *arena, const struct cart *cart, const struct priced_line *line,
                         struct texts *ret)
{
    char was[MONEY_TEXT];
    char now[MONEY_TEXT];

    ret->items = arena_array(arena, 1, sizeof(char *));
    if (!line->is_sold)
        ret->items[ret->count++] = "is not for sale any more";
    else if (line->price_minor != line->shown_minor)
        ret->items[ret->count++] =
            arena_printf(arena, "costs %s, was %s", money_format(money_of(line->price_minor, cart->currency), now),
                         money_format(money_of(line->shown_minor, cart->currency), was));
}

enum err cart_price(struct ctx *ctx, const struct cart *cart, struct cart_line_list *ret_lines,
                    struct money *ret_subtotal)
{
    int64_t subtotal = 0;

    *ret_lines = (struct cart_line_list){.items = arena_array(ctx->arena, cart->lines.count, sizeof(struct cart_line))};
    for (size_t i = 0; i < cart->lines.count; i++) {
        const struct priced_line *line = &cart->lines.items[i];
        int64_t total;

        TRY(add_line(ctx, line, &total, &subtotal));
        ret_lines->items[ret_lines->count++] = (struct cart_line){
            .line_id = line->line_id,
            .sku = line->sku,
            .title = line->title,
            .quantity = line->quantity,
            .unit_price = money_of(line->price_minor, cart->currency),
            .tax_class = line->tax_class,
            .total = money_of(total, cart->currency),
        };
    }
    *ret_subtotal = money_of(subtotal, cart->currency);
    return ERR_NONE;
}

enum err cart_render(struct ctx *ctx, const struct cart *cart, struct cart_view *ret)
{
    struct cart_line_list lines;
    struct money subtotal;

    TRY(cart_price(ctx, cart, &lines, &subtotal));
    *ret = (struct cart_view){
        .id = cart->head.id,
        .shop = cart->shop,
        .state = cart_state_names[cart->state],
        .channel = cart->channel,
        .locale = cart->locale,
        .currency = cart->currency,
        .version = cart->head.version,
        .lines = {.items = arena_array(ctx->arena, lines.count, sizeof(struct cart_view_line)), .count = lines.count},
        .subtotal = subtotal,
        .created_at = cart->created_at,
        .updated_at = cart->updated_at,
    };
    for (size_t i = 0; i < lines.count; i++) {
        const struct cart_line *line = &lines.items[i];
        struct cart_view_line *view = &ret->lines.items[i];

        *view = (struct cart_view_line){
            .line_id = line->line_id,
            .sku = line->sku,
            .title = line->title,
            .quantity = line->quantity,
            .unit_price = line->unit_price,
            .tax_class = line->tax_class,
            .total = line->total,
        };
        find_changes(ctx->arena, cart, &cart->lines.items[i], &view->changes);
    }
    return ERR_NONE;
}

bool cart_set_shown(struct cart *cart)
{
    bool is_news = false;

    for (size_t i = 0; i < cart->lines.count; i++) {
        struct priced_line *line = &cart->lines.items[i];
        is_news = is_news || line->shown_minor != line->price_minor;
        line->shown_minor = line->price_minor;
    }
    return is_news;
}

static void add_difference(struct difference_list *list, const char *line_id, const char *sku, const char *kind,
                           const char *was, const char *now)
{
    list->items[list->count++] =
        (struct difference){.line_id = line_id, .sku = sku, .kind = kind, .was = was, .now = now};
}

static const char *count_text(struct arena *arena, int64_t quantity)
{
    return arena_printf(arena, "%" PRId64, quantity);
}

static const char *price_text(struct arena *arena, struct money money)
{
    char text[MONEY_TEXT];
    return arena_strdup(arena, money_format(money, text));
}

static void compare_line(struct arena *arena, const struct cart *cart, const struct claim_line *shown,
                         struct difference_list *ret)
{
    const struct priced_line *line = cart_find_line(cart, shown->line_id);

    if (line == NULL) {
        add_difference(ret, shown->line_id, shown->sku, DIFFERENCE_KIND_MISSING, count_text(arena, shown->quantity),
                       "0");
        return;
    }
    const struct money price = money_of(line->price_minor, cart->currency);
    if (!line->is_sold)
        add_difference(ret, line->line_id, line->sku, DIFFERENCE_KIND_UNAVAILABLE, "for sale", "not for sale");
    if (line->quantity != shown->quantity)
        add_difference(ret, line->line_id, line->sku, DIFFERENCE_KIND_QUANTITY, count_text(arena, shown->quantity),
                       count_text(arena, line->quantity));
    if (!money_equal(price, shown->unit_price))
        add_difference(ret, line->line_id, line->sku, DIFFERENCE_KIND_PRICE, price_text(arena, shown->unit_price),
                       price_text(arena, price));
}

void cart_compare(struct arena *arena, const struct cart *cart, const struct claim_line_list *shown,
                  struct difference_list *ret)
{
    /* A shown line has at most three differences, a line of the cart that was not shown has one. */
    *ret = (struct difference_list){
        .items = arena_array(arena, 3 * shown->count + cart->lines.count, sizeof(struct difference)),
    };
    for (size_t i = 0; i < shown->count; i++)
        compare_line(arena, cart, &shown->items[i], ret);
    for (size_t i = 0; i < cart->lines.count; i++) {
        const struct priced_line *line = &cart->lines.items[i];
        bool was_shown = false;
        for (size_t j = 0; j < shown->count; j++)
            was_shown = was_shown || text_equal(shown->items[j].line_id, line->line_id);
        if (!was_shown)
            add_difference(ret, line->line_id, line->sku, DIFFERENCE_KIND_ADDED, "0",
                           count_text(arena, line->quantity));
    }
}
