/*
 * deliver - one event at a time, without a broker.
 */
#include "deliver.h"

#include <check.h>

#include "common/queries.h"
#include "delivery.h"
#include "id.h"
#include "log.h"
#include "text.h"

#define RUNS_MAX 100

static size_t count_migrations(const struct migration *migrations)
{
    size_t count = 0;

    while (migrations[count].name != NULL)
        count++;
    return count;
}

struct service *deliver_open(const struct query *const *queries, const struct migration *migrations, int size)
{
    log_open("test", LOG_WARNING);
    database_open();
    ck_assert(migrate(database_conninfo(), common_migrations, count_migrations(common_migrations), migrations,
                      count_migrations(migrations)));
    return database_service(queries, size);
}

void deliver_close(struct service *service)
{
    database_service_free(service);
    database_close();
}

static enum err hand_over(struct ctx *ctx, const struct delivery *delivery)
{
    UNIT_OF_WORK(ctx, uow);
    deliveries_bring(uow, delivery, 1);
    TRY(uow_sync(uow));
    TRY(delivery_make(uow, delivery));
    return uow_commit(uow);
}

/* Tells why, since the ctx is gone afterwards. */
static enum err deliver_or_tell(struct service *service, const struct subscription *subscriptions,
                                const struct event_type *type, const void *event, char *why, size_t size)
{
    struct ctx *ctx = ctx_new(service);
    const struct message message = {.topic = type->topic, .type = type->type, .id = id_new(ctx->arena)};
    const struct delivery delivery = {&message, subscription_find(subscriptions, &message), event};
    struct buf text;

    ck_assert_msg(delivery.subscription != NULL, "nobody listens to %s", type->type);
    enum err err = hand_over(ctx, &delivery);
    buf_init_fixed(&text, why, size);
    buf_printf(&text, "%s: %s", type->type, ctx->problem.detail != NULL ? ctx->problem.detail : "");
    ctx_release(ctx);
    return err;
}

enum err deliver(struct service *service, const struct subscription *subscriptions, const struct event_type *type,
                 const void *event)
{
    char why[512];

    return deliver_or_tell(service, subscriptions, type, event, why, sizeof(why));
}

void deliver_well(struct service *service, const struct subscription *subscriptions, const struct event_type *type,
                  const void *event)
{
    char why[512];

    enum err err = deliver_or_tell(service, subscriptions, type, event, why, sizeof(why));
    ck_assert_msg(err == ERR_NONE, "%s", why);
}

static enum err run_once(struct ctx *ctx, const struct timer *timer, bool *ret_more)
{
    UNIT_OF_WORK(ctx, uow);
    return timer->run(uow, ret_more);
}

void deliver_timer(struct service *service, const struct timer *timer)
{
    bool more = true;

    for (int run = 0; more; run++) {
        struct ctx *ctx = ctx_new(service);
        ck_assert_int_lt(run, RUNS_MAX);
        enum err err = run_once(ctx, timer, &more);
        ck_assert_msg(err == ERR_NONE, "%s: %s", timer->name, ctx->problem.detail);
        ctx_release(ctx);
    }
}
