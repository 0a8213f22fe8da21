/* Deadlines of orders: money that was due and did not come. */
#include "timer.h"

#include "move.h"
#include "order/queries.h"
#include "store.h"

struct due_order {
    const char *id;
};

static RECORD(due_order, FIELD(due_order, id));

/* An order whose money did not come by pay_by is cancelled, as if somebody had asked; fulfilment frees its stock. */
static enum err cancel_unpaid(struct uow *uow, bool *ret_more)
{
    struct {
        struct due_order *items;
        size_t count;
    } due;

    TRY(SQL_MANY(uow, order_pay_by_passed, due_order_record, &due));
    for (size_t i = 0; i < due.count; i++) {
        struct order order;
        bool found;

        TRY(order_lock(uow, due.items[i].id, &order, &found));
        TRY(order_ask_cancel(uow, &order, ON_PAY_BY_PASSED, "the money did not come in time", "system"));
    }
    *ret_more = due.count > 0;
    return uow_commit(uow);
}

const struct timer order_timers[] = {
    {"cancel unpaid orders", 1000, cancel_unpaid},
    {NULL},
};
