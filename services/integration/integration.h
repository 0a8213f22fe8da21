/*
 * integration - what the gateway made of its settings.
 */
#ifndef WAYBILL_INTEGRATION_H
#define WAYBILL_INTEGRATION_H

#include "edge.h"
#include "keyring.h"
#include "signature.h"

struct integration {
    const struct keyring *partners;
    struct secrets psp;
    struct secrets carrier;
};

/* Reads keys and secrets; false with a line on standard error. For service.start. */
bool integration_start(struct service *service);

/* Finds out which partner asks, by key. Webhooks have no key: their handlers check the signature of the body. */
enum err integration_authenticate(struct ctx *ctx, const struct route *route) MUST_USE;

#endif
