/* order: takes over where checkout ends, and tells the whole story of an order until its last parcel has arrived. */
#include "service.h"

#include "order.h"
#include "order/queries.h"

extern const struct route order_routes[];
extern const struct subscription order_subscriptions[];
extern const struct timer order_timers[];

int main(int argc, char **argv)
{
    return service_main(
        argc, argv,
        &(struct service){
            .name = "order",
            .purpose = "orders: numbers, kernel state, the merchant's process, timeline, holds, cancellation",
            .queries = order_queries,
            .migrations = order_migrations,
            .machines = (const struct fsm *const[]){&order_fsm, NULL},
            .routes = order_routes,
            .subscriptions = order_subscriptions,
            .timers = order_timers,
        });
}
