/*
 * hold - a placement's claim on stock: free, held, confirmed; and the highest placement that was released (rule R2).
 *
 * A claim counts only if its placement is newer than every released one; a release kills its placement and all before.
 * Nothing here has a clock: only checkout decides when a claim ends (rule R1).
 */
#ifndef WAYBILL_HOLD_H
#define WAYBILL_HOLD_H

#include "event.h"
#include "fsm.h"
#include "proto/types.h"

enum hold_state {
    HOLD_FREE,      /* nothing is taken; `dead` remembers */
    HOLD_HELD,      /* taken for a live placement */
    HOLD_CONFIRMED, /* belongs to an order; fulfilment's shipments own it now */
    HOLD_STATES
};

enum hold_event {
    ON_CLAIM_NEW,   /* a placement newer than the one that holds, and not dead */
    ON_CLAIM_SAME,  /* the placement that holds asks again */
    ON_CLAIM_STALE, /* an older or dead placement */
    ON_CONFIRM,     /* its order was placed */
    ON_RELEASE,     /* its placement failed, or a later one did */
    ON_RELEASE_STALE, /* an older placement failed; a newer one holds */
    HOLD_EVENTS
};

extern const char *const hold_state_names[];
extern const char *const hold_event_names[];
extern const struct fsm hold_fsm;

struct hold {
    struct aggregate head; /* its id is the checkout's */
    const char *shop;
    enum hold_state state;
    int64_t placement; /* that holds, or held last */
    int64_t dead;      /* highest released placement */
    const char *reason;
};

extern const struct record hold_record;

/* Which of the events a claim or a release of a placement is, for this hold. */
enum hold_event hold_claim_kind(const struct hold *hold, int64_t placement);
enum hold_event hold_release_kind(const struct hold *hold, int64_t placement);

#endif
