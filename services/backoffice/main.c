/* backoffice: the gateway for the merchant's staff. */
#include "backoffice.h"
#include "proto/backoffice_api.h"
#include "staff.h"

static const struct setting settings[] = {
    {"WAYBILL_STAFF_KEYS", SETTING_SECRET, NULL, 0, 0, "staff's keys, name:right right:key, comma-separated"},
    EDGE_UPSTREAM("CATALOG", NULL),
    EDGE_UPSTREAM("CART", NULL),
    EDGE_UPSTREAM("CHECKOUT", NULL),
    EDGE_UPSTREAM("PAYMENT", NULL),
    EDGE_UPSTREAM("ORDER", NULL),
    EDGE_UPSTREAM("FULFILMENT", NULL),
    EDGE_UPSTREAM("NOTIFICATION", NULL),
    EDGE_SETTINGS,
    {NULL},
};

int main(int argc, char **argv)
{
    return service_main(argc, argv,
                        &(struct service){
                            .name = "backoffice",
                            .purpose = "the gateway for the merchant's staff",
                            .settings = settings,
                            .routes = backoffice_routes,
                            .start = staff_start,
                            .edge =
                                &(struct edge){
                                    .openapi = backoffice_openapi,
                                    .page = backoffice_page,
                                    .upstreams = backoffice_services,
                                    .authenticate = staff_authenticate,
                                },
                        });
}
