/*
 * api - what the handlers of checkouts and of their placements share.
 */
#ifndef WAYBILL_CHECKOUT_API_H
#define WAYBILL_CHECKOUT_API_H

#include "store.h"

/* Locks the checkout that the path names, if it belongs to the caller's cart. */
enum err lock_from_path(struct uow *uow, struct checkout *ret) MUST_USE;

/* What is said of a checkout that is not there, or not the caller's. */
enum err no_checkout(struct ctx *ctx, const char *id) MUST_USE;

/* What was chosen to pay the checkout's total. ERR_INVALID names the field that is wrong. `return_url` may be NULL. */
struct payment_pick {
    const char *method;
    const char *capture;
    const char *return_url;
};
enum err pick_payment(struct ctx *ctx, const struct checkout *checkout, const char *method, const char *return_url,
                      struct payment_pick *ret) MUST_USE;

/* The handlers in placing.c. */
enum err place_order(struct ctx *ctx, const void *in, void *ret);
enum err show_placement(struct ctx *ctx, const void *in, void *ret);
enum err pay_again(struct ctx *ctx, const void *in, void *ret);
enum err cancel_placement(struct ctx *ctx, const void *in, void *ret);

#endif
