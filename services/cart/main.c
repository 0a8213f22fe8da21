/* cart: what shoppers want, kept without an account and priced anew whenever it is opened. */
#include "service.h"

#include "cart.h"
#include "cart/queries.h"

extern const struct route cart_routes[];
extern const struct subscription cart_subscriptions[];
extern const struct timer cart_timers[];

static const struct setting settings[] = {
    {"WAYBILL_CART_TTL_S", SETTING_INT, "2592000", 1, 365 * 86400, "seconds that an untouched cart lives"},
    {NULL},
};

/* Two requests with one key at once: the second runs again and finds what the first made. */
static const struct constraint constraints[] = {
    {"cart_key_once", ERR_AGAIN, "the cart was made at this moment"},
    {NULL},
};

int main(int argc, char **argv)
{
    return service_main(argc, argv,
                        &(struct service){
                            .name = "cart",
                            .uses_tokens = true,
                            .purpose = "carts: lines, prices of the moment, the lock of a placement",
                            .settings = settings,
                            .queries = cart_queries,
                            .migrations = cart_migrations,
                            .constraints = constraints,
                            .machines = (const struct fsm *const[]){&cart_fsm, NULL},
                            .routes = cart_routes,
                            .subscriptions = cart_subscriptions,
                            .timers = cart_timers,
                        });
}
