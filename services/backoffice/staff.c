/* Staff's keys. */
#include "staff.h"

#include <stdio.h>

#include "keyring.h"
#include "log.h"

bool staff_start(struct service *service)
{
    const char *why = NULL;

    service->own = keyring_read(service->arena, config_text(service->config, "WAYBILL_STAFF_KEYS"), &why);
    if (service->own != NULL)
        return true;
    fprintf(stderr, "%s: could not use WAYBILL_STAFF_KEYS: %s\n", service->name, why);
    return false;
}

enum err staff_authenticate(struct ctx *ctx, const struct route *route)
{
    struct caller *caller = &ctx->caller;

    const struct key_holder *holder = keyring_find(ctx->service->own, ctx->arena, request_bearer(ctx));
    if (holder == NULL) {
        log_warning(ctx, "authentication failed", LOG_TEXT("route", route->path));
        return FAIL(ctx, UNAUTHENTICATED, "this needs a staff key that is known here");
    }
    caller->role = ROLE_STAFF;
    caller->name = holder->name;
    caller->rights = holder->rights;
    return ERR_NONE;
}
