/* Deadlines of payments: what nobody knows is asked for again, and in the end told to a person. */
#include "timer.h"

#include "calls.h"
#include "payment/queries.h"
#include "poll.h"
#include "store.h"
#include "work_item.h"

#define HOUR_MS (3600 * INT64_C(1000))

static enum err ask_again(struct uow *uow, bool *ret_more)
{
    struct intent_key_list due;

    TRY(SQL_MANY(uow, intents_to_ask, intent_key_record, &due));
    for (size_t i = 0; i < due.count; i++) {
        struct payment payment = {0};
        bool found;

        TRY(payment_lock(uow, due.items[i].id, &payment, &found));
        struct intent *intent = payment_find(&payment, due.items[i].intent);
        intent->ask_at = 0; /* the answer says when next */
        intent->touched = true;
        call_query(uow, &payment, intent, "query");
        payment_save(uow, &payment);
    }
    *ret_more = due.count > 0;
    return uow_commit(uow);
}

static enum err tell_somebody(struct uow *uow, bool *ret_more)
{
    struct intent_key_list late;

    TRY(SQL_MANY(uow, intents_to_tell, intent_key_record, &late));
    for (size_t i = 0; i < late.count; i++) {
        work_item_open(uow, "payment_unknown", late.items[i].id,
                       "the provider has not said for long how the payment stands; it is asked on", "note", HOUR_MS);
        SQL(uow, intent_told, .id = late.items[i].id, .intent = late.items[i].intent);
    }
    *ret_more = late.count > 0;
    return uow_commit(uow);
}

const struct timer payment_timers[] = {
    {"ask the provider again", 500, ask_again},
    {"tell of what stays unknown", 5000, tell_somebody},
    {"poll the provider's events", 1000, poll_when_due},
    {NULL},
};
