/*
 * settings - what the payment service has beside its tables: the way to its provider. Immutable after the start.
 */
#ifndef WAYBILL_PAYMENT_SETTINGS_H
#define WAYBILL_PAYMENT_SETTINGS_H

#include "client.h"
#include "service.h"

struct payment_settings {
    struct upstream *psp;
    const char *authorization; /* the header that carries our key; never logged */
    const char *public_url;    /* of the storefront gateway, without a slash at its end */
    int64_t unknown_max_ms;    /* when a person is told that nobody knows */
};

static inline const struct payment_settings *payment_settings(const struct ctx *ctx)
{
    return ctx->service->own;
}

#endif
