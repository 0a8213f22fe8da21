/* checkout: from a priced cart to a paid order: delivery, taxes, totals, and the placement saga with its one clock. */
#include "service.h"

#include "checkout.h"
#include "checkout/queries.h"
#include "offer_cache.h"
#include "store.h"

extern const struct route checkout_routes[];
extern const struct subscription checkout_subscriptions[];
extern const struct timer checkout_timers[];

/* clang-format off */
static const struct setting checkout_settings[] = {
    { "WAYBILL_PLACEMENT_DEADLINE_S", SETTING_INT,  "600",                 1, 86400,  "how long a placement waits for the shopper after their last activity, seconds" },
    { "WAYBILL_PLACEMENT_MAX_S",      SETTING_INT,  "1800",                1, 86400,  "how long a placement may take in all, seconds" },
    { "WAYBILL_UNKNOWN_MAX_S",        SETTING_INT,  "3600",                1, 604800, "how long claims wait for payment to confirm that no money can come, seconds" },
    { "WAYBILL_RETURN_HOSTS",         SETTING_TEXT, "localhost 127.0.0.1", 0, 0,      "hosts that shoppers may be sent back to after paying, space-separated" },
    { "WAYBILL_CAPTURE_DEFERRED",     SETTING_INT,  "0",                   0, 1,      "1: cards are charged when the parcel is packed, whatever payment_method says" },
    { NULL },
};
/* clang-format on */

int main(int argc, char **argv)
{
    struct offer_cache *offers = offer_cache_new();
    const int status =
        service_main(argc, argv,
                     &(struct service){
                         .name = "checkout",
                         .purpose = "checkouts: delivery, taxes, totals, and the placement saga with its deadline",
                         .settings = checkout_settings,
                         .queries = checkout_queries,
                         .migrations = checkout_migrations,
                         .constraints = checkout_constraints,
                         .machines = (const struct fsm *const[]){&checkout_fsm, NULL},
                         .routes = checkout_routes,
                         .subscriptions = checkout_subscriptions,
                         .timers = checkout_timers,
                         .leads = true,
                         .own = offers,
                     });

    offer_cache_free(offers);
    return status;
}
