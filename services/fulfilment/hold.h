/*
 * hold - a placement's claim on stock (claim.h): free, held, confirmed.
 */
#ifndef WAYBILL_HOLD_H
#define WAYBILL_HOLD_H

#include "claim.h"
#include "event.h"
#include "fsm.h"
#include "proto/types.h"
#include "sourcing.h"

enum hold_state {
    HOLD_FREE,      /* nothing is taken; the claim remembers what is dead */
    HOLD_HELD,      /* taken for a live placement */
    HOLD_CONFIRMED, /* belongs to an order; fulfilment's shipments own it now */
    HOLD_STATES
};

enum hold_event {                            /* after those of its claim */
                  ON_CONFIRM = CLAIM_EVENTS, /* its order was placed */
                  HOLD_EVENTS
};

extern const char *const hold_state_names[];
extern const char *const hold_event_names[];
extern const struct fsm hold_fsm;

struct hold {
    struct aggregate head; /* its id is the checkout's */
    const char *shop;
    enum hold_state state;
    struct claim claim;
    const char *reason;
    struct allocation_list allocations; /* what it has taken */

    struct offer_list offers; /* what sourcing chooses from, where it was asked for */
};

extern const struct record hold_record;

#endif
