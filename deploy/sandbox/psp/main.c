/* psp-sandbox: stands in for the payment provider: the part of Stripe's API that the shop uses, and the payment page.
 */
#include "payment.h"
#include "psp.h"

#include "psp-sandbox/queries.h"

extern const struct route psp_routes[];
extern const struct task_kind psp_tasks[];
extern const struct timer psp_timers[];

/* clang-format off */
static const struct setting settings[] = {
    { "WAYBILL_PSP_KEY", SETTING_SECRET, NULL, 0, 0, "the only key that the API accepts: sk_test_..." },
    { "WAYBILL_PSP_WEBHOOK_SECRETS", SETTING_SECRET, NULL, 0, 0,
      "whsec_...[,whsec_...]: the first one signs webhooks" },
    { "WAYBILL_PSP_URL", SETTING_TEXT, NULL, 0, 0, "where this process is reached" },
    { "WAYBILL_PSP_PUBLIC_URL", SETTING_TEXT, "", 0, 0, "where browsers reach the payment page; empty: the same" },
    { "WAYBILL_INTEGRATION_PUBLIC_URL", SETTING_TEXT, NULL, 0, 0,
      "the gateway that takes webhooks at /webhooks/psp; copies comma-separated" },
    { NULL },
};
/* clang-format on */

int main(int argc, char **argv)
{
    struct psp psp = {0}; /* outlives the service's arena, so that what it holds can be freed */
    struct service service = {
        .name = "psp-sandbox",
        .purpose = "stands in for the payment provider, with faults on demand",
        .settings = settings,
        .sandbox = true,
        .start = psp_start,
        .own = &psp,
        .queries = psp_sandbox_queries,
        .migrations = psp_sandbox_migrations,
        .machines = (const struct fsm *const[]){&intent_fsm, NULL},
        .routes = psp_routes,
        .tasks = psp_tasks,
        .timers = psp_timers,
    };
    const int status = service_main(argc, argv, &service);

    upstream_free(psp.gateway);
    return status;
}
