/*
 * letter - the mails as text. Pure: an order's facts in, subject and body out.
 */
#ifndef WAYBILL_NOTIFICATION_LETTER_H
#define WAYBILL_NOTIFICATION_LETTER_H

#include "proto/order.h"

#define LETTER_MAX (256 * 1024) /* bytes of a body: 200 lines with long titles fit */

/* Stands in a letter's text for the address of the order's page, which holds a secret and is never stored. */
#define LETTER_PAGE "{order page}"

/* What a mail task carries. Its subject is the order. */
struct letter {
    const char *to;
    const char *subject;
    const char *text;    /* with LETTER_PAGE where the address goes */
    const char *cart_id; /* whose token opens the order's page; NULL: no page in the text */

    /* Why it is sent: what caused it, and which mail it is. Filled in when it is posted. */
    const char *shop;
    const char *event_id;
    const char *template_name;
};
extern const struct record letter_record;

/* To the customer: what was bought, where it goes, what is to be paid how. */
struct letter letter_confirmation(struct arena *arena, const struct order_placed *order);

/* To the merchant: there is a new order. `desk` is where staff open it. */
struct letter letter_to_merchant(struct arena *arena, const struct order_placed *order, const char *to,
                                 const char *desk);

/* To the customer when the merchant's process asks for a mail; a template without words of its own tells the status. */
struct letter letter_status(struct arena *arena, const struct order_status_changed *changed, const char *to,
                            const char *name);

/* The text as it is sent, with the page's address in place. */
const char *letter_text(struct arena *arena, const struct letter *letter, const char *page);

/* "<64 hex>@waybill" without the angle brackets: the same for the same cause, template and recipient. */
const char *letter_message_id(struct arena *arena, const char *event_id, const char *template_name,
                              const char *recipient);

#endif
