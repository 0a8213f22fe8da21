/*
 * cart - what a shopper wants, priced now; and whether a placement may have it. Pure.
 *
 * A cart that is locked belongs to one placement of its checkout and can't be changed. Its lock is a claim like a hold
 * on stock (claim.h). Only an open cart grows old and expires.
 */
#ifndef WAYBILL_CART_H
#define WAYBILL_CART_H

#include "claim.h"
#include "event.h"
#include "fsm.h"
#include "proto/checkout.h"
#include "proto/http_cart.h"
#include "proto/types.h"

#define CART_LINES_MAX 200
#define LINE_QUANTITY_MAX 9999

enum cart_state { CART_OPEN, CART_LOCKED, CART_ORDERED, CART_EXPIRED, CART_STATES };

enum cart_event {                              /* after those of its claim */
                  ON_COMPLETED = CLAIM_EVENTS, /* its placement became an order */
                  ON_TTL_PASSED,               /* nobody touched it for its whole life */
                  ON_CHANGE_ASKED,             /* by the shopper */
                  CART_EVENTS
};

extern const char *const cart_state_names[];
extern const char *const cart_event_names[];
extern const struct fsm cart_fsm;

/* A line of the cart; its record is what the cart's row keeps of it. */
struct priced_line {
    const char *line_id;
    const char *sku;
    const char *title;
    int64_t quantity;
    int64_t shown_minor; /* what the shopper was shown */
    int64_t price_minor; /* what it costs; this and what follows by cart_apply_offers() */
    const char *tax_class;
    bool is_sold;
};
struct priced_line_list {
    struct priced_line *items;
    size_t count;
};

/* What the catalogue offers of a SKU, in the cart's currency. */
struct cart_offer {
    const char *sku;
    const char *title;
    const char *tax_class;
    int64_t price_minor;
    bool active;
    const char *currency; /* NULL in the cart's own list: all are in its currency */
};
struct cart_offer_list {
    struct cart_offer *items;
    size_t count;
};

struct cart {
    struct aggregate head;
    const char *shop;
    enum cart_state state;
    const char *channel;
    const char *locale;
    const char *currency;
    const char *checkout_id; /* that has it, or had it last; NULL: none yet */
    struct claim claim;
    int64_t created_at;
    int64_t updated_at;
    struct priced_line_list lines;
    struct cart_offer_list offers; /* of what is on the lines, and of the SKU that was asked for */
    struct cart_offer *offer;      /* of the SKU that was asked for, or NULL */
};

extern const struct record cart_record;
extern const struct record priced_line_record;
extern const struct record cart_offer_record;

/* Prices the lines by the cart's offers, and finds that of `sku`, or of none if it is NULL. What is not offered any
 * more costs what was shown. */
void cart_apply_offers(struct cart *cart, const char *sku);

/* Adds to the cart's offers those that are in its currency. */
void cart_add_offers(struct arena *arena, struct cart *cart, const struct cart_offer_list *offers);

/* The line with this id or of this SKU, or NULL. */
struct priced_line *cart_find_line(const struct cart *cart, const char *line_id);
struct priced_line *cart_find_sku(const struct cart *cart, const char *sku);

/* Puts pieces of the cart's offer on its line, a new one if there is none. Names the field that is wrong. */
enum err cart_put(struct ctx *ctx, struct cart *cart, int64_t quantity, struct priced_line **ret);

/* Takes a line out of the list. */
void cart_drop(struct cart *cart, const struct priced_line *line);

/* Lines and subtotal at the prices of now. ERR_INVALID if the sum passes MONEY_MAX. */
enum err cart_price(struct ctx *ctx, const struct cart *cart, struct cart_line_list *ret_lines,
                    struct money *ret_subtotal);

/* The cart as the shopper sees it, with what differs from what was shown last. */
enum err cart_render(struct ctx *ctx, const struct cart *cart, struct cart_view *ret);

/* What lines cost now is what was shown last, from now on. True: for some line it is news. */
bool cart_set_shown(struct cart *cart);

/* What differs between what the shopper saw, and would pay, and the cart as it is now. */
void cart_compare(struct arena *arena, const struct cart *cart, const struct claim_line_list *shown,
                  struct difference_list *ret);

#endif
