/* fulfilment: decides what stock a placement gets, and sends what was ordered. */
#include "service.h"

#include "fulfilment/queries.h"
#include "hold.h"
#include "shipment.h"

extern const struct route fulfilment_routes[];
extern const struct subscription fulfilment_subscriptions[];
extern const struct timer fulfilment_timers[];

int main(int argc, char **argv)
{
    return service_main(argc, argv,
                        &(struct service){
                            .name = "fulfilment",
                            .purpose = "warehouses, stock ledger, holds, shipments, carriers",
                            .queries = fulfilment_queries,
                            .migrations = fulfilment_migrations,
                            .machines = (const struct fsm *const[]){&hold_fsm, &shipment_fsm, NULL},
                            .routes = fulfilment_routes,
                            .subscriptions = fulfilment_subscriptions,
                            .timers = fulfilment_timers,
                        });
}
