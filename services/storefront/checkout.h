/*
 * checkout - the pure parts between a cart, its checkout and the payment page.
 */
#ifndef WAYBILL_STOREFRONT_CHECKOUT_H
#define WAYBILL_STOREFRONT_CHECKOUT_H

#include "ctx.h"
#include "proto/http_cart.h"
#include "proto/http_checkout.h"

/* What the checkout gets of the cart as it was priced just now. ERR_CONFLICT, ERR_INVALID: it can't be bought so. */
enum err snapshot_of(struct ctx *ctx, const struct cart_view *cart, struct open_checkout *ret) MUST_USE;

/* The status that a placement is answered with (proto/http/README.md). 202: something is still to come by itself. */
int placement_status(const char *state);

/* Where the browser goes from the hosted page: the shop's URL with checkout_id in its query. */
const char *return_url_for(struct arena *arena, const char *url, const char *checkout_id);

#endif
