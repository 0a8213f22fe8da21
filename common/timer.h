/*
 * timer - deadlines are columns; a timer looks for those that passed and acts on each in the transaction of its effect.
 *
 * `run` opens no transaction itself: it is called with a fresh unit of work again and again until it says that nothing
 * is due. Its statement takes rows with FOR UPDATE SKIP LOCKED, so every copy may run it at once. Time is the
 * database's.
 */
#ifndef WAYBILL_TIMER_H
#define WAYBILL_TIMER_H

#include "uow.h"

struct timer {
    const char *name;
    int64_t every_ms;
    /* Handles a bounded number of due rows and commits; *ret_more tells whether more are due. */
    enum err (*run)(struct uow *uow, bool *ret_more);
};

/* Housekeeping of the common tables (maintenance.c), ended by a NULL name. Every process with a database runs it. */
extern const struct timer common_timers[];

struct timers;
/* Starts one thread for the process's own timers (ended by a NULL name; may be NULL) and the common ones. */
struct timers *timers_start(struct service *service, const struct timer *own);
/* Ends the running one and the thread. Accepts NULL. */
void timers_stop(struct timers *timers);

#endif
