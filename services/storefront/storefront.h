/*
 * storefront - what the gateway's handlers share.
 */
#ifndef WAYBILL_STOREFRONT_H
#define WAYBILL_STOREFRONT_H

#include "edge.h"

/* Finds out whose cart the token opens. Where everybody may call, a missing or wrong token only means nobody. */
enum err shopper_authenticate(struct ctx *ctx, const struct route *route) MUST_USE;

/* Reads something of a service. *ret_found is false if it did not answer with 200; then that is our answer already. */
enum err read_from(struct ctx *ctx, const char *upstream, const char *path, struct answer *ret,
                   bool *ret_found) MUST_USE;

#endif
