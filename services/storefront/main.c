/* storefront: the gateway for shoppers. */
#include "proto/storefront_api.h"
#include "storefront.h"

static const struct setting settings[] = {
    EDGE_UPSTREAM("CATALOG", NULL),
    EDGE_UPSTREAM("CART", NULL),
    EDGE_UPSTREAM("CHECKOUT", NULL),
    EDGE_UPSTREAM("PAYMENT", NULL),
    EDGE_UPSTREAM("ORDER", NULL),
    EDGE_SETTINGS,
    {NULL},
};

int main(int argc, char **argv)
{
    return service_main(
        argc, argv,
        &(struct service){
            .name = "storefront",
            .purpose = "the gateway for shoppers",
            .settings = settings,
            .routes = storefront_routes,
            .uses_tokens = true,
            .edge =
                &(struct edge){
                    .openapi = storefront_openapi,
                    .page = storefront_page,
                    .upstreams = (const char *const[]){"catalog", "cart", "checkout", "payment", "order", NULL},
                    /* Money that came changes an order without an event of its own; the snapshot tells. */
                    .tail_topics = (const char *const[]){"waybill.checkout", "waybill.order", "waybill.order.snapshot",
                                                         "waybill.shipment", NULL},
                    .authenticate = shopper_authenticate,
                },
        });
}
