/* integration: the gateway for payment providers, carriers and the merchant's ERP. */
#include "integration.h"
#include "proto/integration_api.h"

static const struct setting settings[] = {
    {"WAYBILL_PARTNER_KEYS", SETTING_SECRET, NULL, 0, 0, "partners' keys, name:rights:key, comma-separated"},
    {"WAYBILL_PSP_WEBHOOK_SECRETS", SETTING_SECRET, NULL, 0, 0, "new[,old]: the payment provider signs with one"},
    {"WAYBILL_CARRIER_WEBHOOK_SECRETS", SETTING_SECRET, NULL, 0, 0, "new[,old]: the carrier signs with one"},
    EDGE_UPSTREAM("CATALOG", NULL),
    EDGE_UPSTREAM("PAYMENT", NULL),
    EDGE_UPSTREAM("FULFILMENT", NULL),
    EDGE_SETTINGS,
    {NULL},
};

int main(int argc, char **argv)
{
    return service_main(argc, argv,
                        &(struct service){
                            .name = "integration",
                            .purpose = "the gateway for payment providers, carriers and the ERP",
                            .settings = settings,
                            .routes = integration_routes,
                            .start = integration_start,
                            .edge =
                                &(struct edge){
                                    .openapi = integration_openapi,
                                    .page = integration_page,
                                    .upstreams = (const char *const[]){"catalog", "payment", "fulfilment", NULL},
                                    .authenticate = integration_authenticate,
                                },
                        });
}
