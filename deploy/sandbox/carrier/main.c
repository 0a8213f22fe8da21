/* carrier-sandbox: stands in for a carrier, which reports what happens to parcels. */
#include <string.h>

#include "carrier.h"
#include "log.h"

#include "carrier-sandbox/queries.h"

extern const struct route carrier_routes[];
extern const struct task_kind carrier_tasks[];

#define WAIT_MAX_S (30 * 24 * 3600)

/* clang-format off */
static const struct setting settings[] = {
    { "WAYBILL_CARRIER_KEY", SETTING_SECRET, NULL, 0, 0, "the key of those who announce parcels" },
    { "WAYBILL_CARRIER_WEBHOOK_SECRETS", SETTING_SECRET, NULL, 0, 0, "secret[,secret]: the first one signs reports" },
    { "WAYBILL_INTEGRATION_PUBLIC_URL", SETTING_TEXT, NULL, 0, 0,
      "the gateway that takes reports at /webhooks/carrier; copies comma-separated" },
    { "WAYBILL_CARRIER_AUTO_IN_TRANSIT_S", SETTING_INT, "0", 0, WAIT_MAX_S,
      "announced parcels are reported in transit after so many seconds; 0: never" },
    { "WAYBILL_CARRIER_AUTO_DELIVERED_S", SETTING_INT, "0", 0, WAIT_MAX_S,
      "announced parcels are reported delivered after so many seconds; 0: never" },
    { NULL },
};
/* clang-format on */

static bool start(struct service *service)
{
    const struct config *config = service->config;
    const char *secrets = config_text(config, "WAYBILL_CARRIER_WEBHOOK_SECRETS");
    struct carrier *carrier = service->own;

    carrier->key = config_text(config, "WAYBILL_CARRIER_KEY");
    carrier->secret = arena_copy(service->arena, secrets, strcspn(secrets, ","));
    carrier->in_transit_s = config_int(config, "WAYBILL_CARRIER_AUTO_IN_TRANSIT_S");
    carrier->delivered_s = config_int(config, "WAYBILL_CARRIER_AUTO_DELIVERED_S");
    carrier->gateway = upstream_new("gateway", config_text(config, "WAYBILL_INTEGRATION_PUBLIC_URL"));
    if (*carrier->secret == '\0') {
        log_error(NULL, "WAYBILL_CARRIER_WEBHOOK_SECRETS must have a secret");
        return false;
    }
    return carrier->gateway != NULL;
}

int main(int argc, char **argv)
{
    struct carrier carrier = {0}; /* outlives the service's arena, so that what it holds can be freed */
    struct service service = {
        .name = "carrier-sandbox",
        .purpose = "stands in for a carrier: reports about parcels, on demand",
        .settings = settings,
        .sandbox = true,
        .start = start,
        .own = &carrier,
        .queries = carrier_sandbox_queries,
        .migrations = carrier_sandbox_migrations,
        .routes = carrier_routes,
        .tasks = carrier_tasks,
    };
    const int status = service_main(argc, argv, &service);

    upstream_free(carrier.gateway);
    return status;
}
