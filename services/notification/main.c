/* notification: tells customers and the merchant what happened, by mail, once. */
#include "service.h"

#include "notification/queries.h"

extern const struct subscription notification_subscriptions[];
extern const struct task_kind notification_tasks[];

static const struct setting settings[] = {
    {"WAYBILL_SMTP_URL", SETTING_TEXT, NULL, 0, 0, "the mail server, smtp://host:port"},
    {"WAYBILL_MAIL_FROM", SETTING_TEXT, NULL, 0, 0, "the sender's address"},
    {"WAYBILL_MERCHANT_MAIL", SETTING_TEXT, NULL, 0, 0, "who hears of new orders"},
    {"WAYBILL_STOREFRONT_PUBLIC_URL", SETTING_TEXT, NULL, 0, 0, "where customers reach the order page"},
    {"WAYBILL_BACKOFFICE_PUBLIC_URL", SETTING_TEXT, NULL, 0, 0, "where staff open orders"},
    {NULL},
};

int main(int argc, char **argv)
{
    return service_main(argc, argv,
                        &(struct service){
                            .name = "notification",
                            .purpose = "mails to customers and the merchant",
                            .settings = settings,
                            .uses_tokens = true,
                            .queries = notification_queries,
                            .migrations = notification_migrations,
                            .subscriptions = notification_subscriptions,
                            .tasks = notification_tasks,
                        });
}
