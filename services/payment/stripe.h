/*
 * stripe - Stripe's words for what we ask and hear (API version STRIPE_VERSION). Only these files know them. Pure.
 *
 * The page is a Checkout Session with one line for the whole amount, so that what the shopper was shown is what is
 * charged and nothing is computed again. Cards only, and always captured later by us. Our payment id and intent stand
 * in the metadata of the session and of its PaymentIntent, which Stripe does not copy by itself.
 *
 * A query goes by Stripe's ids once they are known. Before that it lists the sessions made since the intent was born
 * and looks for our metadata: the list is complete at once, while Stripe's search runs up to a minute behind.
 */
#ifndef WAYBILL_PAYMENT_STRIPE_H
#define WAYBILL_PAYMENT_STRIPE_H

#include "payment.h"

#define STRIPE_NAME "stripe"
#define STRIPE_VERSION "2026-08-26.dahlia"
#define STRIPE_PAGES_MAX 10 /* of a list, in one call */

/* How many of Stripe's smallest units make one minor unit of ISO 4217. */
int64_t stripe_factor(const char *currency);

/* Each fills method, path and form. `public_url` is the storefront gateway's, which knows /return/:checkout_id. `key`
 * is the call's, and names a refund. */
void stripe_make_page(struct arena *arena, const struct payment *payment, const struct intent *intent,
                      const char *public_url, struct psp_call *ret);
void stripe_expire(struct arena *arena, const struct intent *intent, struct psp_call *ret);
void stripe_capture(struct arena *arena, const struct intent *intent, struct psp_call *ret);
void stripe_void(struct arena *arena, const struct intent *intent, struct psp_call *ret);
void stripe_refund(struct arena *arena, const struct payment *payment, const struct intent *intent, const char *key,
                   struct psp_call *ret);
void stripe_query(struct arena *arena, const struct intent *intent, struct psp_call *ret);

/* The path that lists events since a time (microseconds) that did not reach us, behind `after` if it isn't NULL. */
const char *stripe_events_path(struct arena *arena, int64_t since, const char *after);

/* The path of a list's next page. */
const char *stripe_next_page(struct arena *arena, const char *path, const char *after);

/* What a document tells: an object, or a list of objects or events. */
struct stripe_news {
    struct fact_list facts;
    bool has_more;
    const char *last_id; /* of a list; NULL if it was empty */
    int64_t newest;      /* when the newest event of a list was made; 0: there is none */
};

/* Reads an answer. False if it is not what Stripe answers: then it tells nothing. `now` stands in for times not
 * told. */
bool stripe_read(struct ctx *ctx, const char *body, size_t size, int64_t now, struct stripe_news *ret) MUST_USE;

/* Reads an event as a webhook brings it. False if it is no event. Facts are none if it doesn't concern us. */
bool stripe_read_event(struct ctx *ctx, const char *body, size_t size, struct fact_list *ret) MUST_USE;

/* Why a call was refused or declined: Stripe's code as a token, in the arena; or "refused". */
const char *stripe_error_code(struct arena *arena, const char *body, size_t size);

#endif
