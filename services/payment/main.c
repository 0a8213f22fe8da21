/* payment: gets money promised, taken and given back, once each, and keeps the books of it. */
#include "service.h"

#include <string.h>

#include "payment.h"
#include "payment/queries.h"
#include "settings.h"

extern const struct route payment_routes[];
extern const struct subscription payment_subscriptions[];
extern const struct task_kind payment_tasks[];
extern const struct timer payment_timers[];

static const struct setting settings[] = {
    {"WAYBILL_PSP_URL", SETTING_TEXT, NULL, 0, 0, "the payment provider's API, one URL or several in turn"},
    {"WAYBILL_PSP_KEY", SETTING_SECRET, NULL, 0, 0, "our secret key at the payment provider"},
    {"WAYBILL_STOREFRONT_PUBLIC_URL", SETTING_TEXT, NULL, 0, 0, "where shoppers come back to from the payment page"},
    {"WAYBILL_UNKNOWN_MAX_S", SETTING_INT, "3600", 1, 86400, "seconds until a person is told of an unknown payment"},
    {NULL},
};

static const char *without_slash(struct arena *arena, const char *url)
{
    size_t size = strlen(url);
    while (size > 0 && url[size - 1] == '/')
        size--;
    return arena_copy(arena, url, size);
}

static bool start(struct service *service)
{
    const struct config *config = service->config;
    struct payment_settings *own = service->own;
    const char *key = config_text(config, "WAYBILL_PSP_KEY");

    *own = (struct payment_settings){
        .psp = upstream_new("psp", config_text(config, "WAYBILL_PSP_URL")),
        .authorization = arena_printf(service->arena, "Authorization: Bearer %s", key),
        .public_url = without_slash(service->arena, config_text(config, "WAYBILL_STOREFRONT_PUBLIC_URL")),
        .unknown_max_ms = config_int(config, "WAYBILL_UNKNOWN_MAX_S") * 1000,
    };
    return own->psp != NULL;
}

int main(int argc, char **argv)
{
    struct payment_settings own = {0};
    const int status =
        service_main(argc, argv,
                     &(struct service){
                         .name = "payment",
                         .purpose = "payment intents, captures, refunds, bank receipts, the double-entry ledger",
                         .settings = settings,
                         .queries = payment_queries,
                         .migrations = payment_migrations,
                         .machines = (const struct fsm *const[]){&intent_fsm, NULL},
                         .routes = payment_routes,
                         .subscriptions = payment_subscriptions,
                         .tasks = payment_tasks,
                         .timers = payment_timers,
                         .start = start,
                         .own = &own,
                     });

    upstream_free(own.psp);
    return status;
}
