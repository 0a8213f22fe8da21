/* Partners' keys: who may bring what. */
#include <stdio.h>

#include "integration.h"
#include "log.h"
#include "proto/integration_api.h"
#include "text.h"

static bool read_secrets(struct service *service, const char *setting, struct secrets *ret)
{
    if (secrets_read(service->arena, config_text(service->config, setting), ret))
        return true;
    fprintf(stderr, "%s: %s must be one or two secrets of at least 16 characters, with a comma between\n",
            service->name, setting);
    return false;
}

bool integration_start(struct service *service)
{
    struct integration *own = ARENA_NEW(service->arena, struct integration);
    const char *why = NULL;

    own->partners = keyring_read(service->arena, config_text(service->config, "WAYBILL_PARTNER_KEYS"), &why);
    if (own->partners == NULL) {
        fprintf(stderr, "%s: could not use WAYBILL_PARTNER_KEYS: %s\n", service->name, why);
        return false;
    }
    service->own = own;
    return read_secrets(service, "WAYBILL_PSP_WEBHOOK_SECRETS", &own->psp) &&
           read_secrets(service, "WAYBILL_CARRIER_WEBHOOK_SECRETS", &own->carrier);
}

/* The word that a partner's rights must have; NULL: none. What is imported belongs to one service. */
static const char *right_for(const struct route *route)
{
    if (text_equal(route->upstream, "catalog"))
        return "catalog";
    if (text_equal(route->upstream, "fulfilment"))
        return "stock";
    return NULL;
}

enum err integration_authenticate(struct ctx *ctx, const struct route *route)
{
    const struct integration *own = ctx->service->own;
    struct caller *caller = &ctx->caller;
    const char *right = right_for(route);

    /* The signature covers the body, and a body is looked at only after its size was checked. */
    if (route->handle == psp_webhook || route->handle == carrier_webhook) {
        caller->role = ROLE_PARTNER;
        caller->name = route->handle == psp_webhook ? "psp" : "carrier";
        return ERR_NONE;
    }
    const struct key_holder *holder = keyring_find(own->partners, ctx->arena, request_bearer(ctx));
    if (holder == NULL) {
        log_warning(ctx, "authentication failed", LOG_TEXT("route", route->path));
        return FAIL(ctx, UNAUTHENTICATED, "this needs a partner's key that is known here");
    }
    caller->role = ROLE_PARTNER;
    caller->name = holder->name;
    caller->rights = holder->rights;
    if (right != NULL && !text_has_word(holder->rights, right))
        return FAIL(ctx, FORBIDDEN, "this needs the right \"%s\"", right);
    return ERR_NONE;
}
