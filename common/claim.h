/*
 * claim - what a placement has taken of something, and which claims and releases count (rule R2). Pure.
 *
 * A placement takes the cart and the stock before money, each in its own service. Messages of older placements may come
 * late: a claim counts only if its placement is newer than every released one, and a release kills its placement and
 * all before it. Nothing here has a clock: only checkout decides when a claim ends (rule R1).
 */
#ifndef WAYBILL_CLAIM_H
#define WAYBILL_CLAIM_H

#include <stdint.h>

struct claim {
    int64_t placement; /* that has it, or had it last; 0: none yet */
    int64_t dead;      /* the highest that was released */
};

/* What happens to a claim. A machine of what can be claimed begins its events with these. */
enum claim_event {
    ON_CLAIM_NEW,     /* a placement newer than the one that has it, and not dead, asks */
    ON_CLAIM_SAME,    /* the placement that has it asks again */
    ON_CLAIM_STALE,   /* an older or dead placement asks */
    ON_RELEASE,       /* its placement failed, or a later one did */
    ON_RELEASE_STALE, /* an older placement failed */
    CLAIM_EVENTS
};

#define CLAIM_EVENT_NAMES "new claim", "same claim", "stale claim", "release", "stale release"

/* Which of the events it is when this placement asks, or has failed. */
enum claim_event claim_asked(struct claim claim, int64_t placement);
enum claim_event claim_released(struct claim claim, int64_t placement);

#endif
