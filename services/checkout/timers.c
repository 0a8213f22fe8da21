/* The one clock of a placement: only here does it expire. */
#include "timer.h"

#include "move.h"
#include "store.h"

/* A placement that was not paid in time is given up; one whose closing was not confirmed in time lets its claims go. */
static enum err end_overdue(struct uow *uow, bool *ret_more)
{
    struct texts due;

    TRY(checkout_find_overdue(uow, &due));
    for (size_t i = 0; i < due.count; i++) {
        struct checkout checkout;

        TRY(checkout_expect(uow, due.items[i], &checkout));
        TRY(checkout_move(uow, &checkout, &(struct checkout_move){.on = ON_DEADLINE}));
    }
    *ret_more = due.count > 0;
    return uow_commit(uow);
}

const struct timer checkout_timers[] = {
    {"end overdue placements", 1000, end_overdue},
    {NULL},
};
