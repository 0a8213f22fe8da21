/* A placement's claim on stock. */
#include "hold.h"

const char *const hold_state_names[] = {"free", "held", "confirmed", NULL};
const char *const hold_event_names[] = {CLAIM_EVENT_NAMES, "confirm", NULL};

RECORD_SHARED(hold, FIELD_NAMED(hold, head.id, "id"), FIELD(hold, shop), FIELD_AS_ENUM(hold, state, hold_state_names),
              FIELD_NAMED(hold, claim.placement, "placement"), FIELD_NAMED(hold, claim.dead, "dead"),
              FIELD(hold, reason), FIELD_LIST_OF(hold, allocations, allocation_record),
              FIELD_NAMED(hold, head.version, "version"));

/* clang-format off */
static const struct fsm_edge edges[] = {
    /* from            on                outcome        to               guard  why */
    { HOLD_FREE,       ON_CLAIM_NEW,     FSM_ACT,       HOLD_HELD,       NULL,  "taken if there is enough" },
    { HOLD_FREE,       ON_CLAIM_SAME,    FSM_ACT,       HOLD_HELD,       NULL,  "asked again after a refusal" },
    { HOLD_FREE,       ON_CLAIM_STALE,   FSM_IGNORE,    HOLD_FREE,       NULL,  "that placement is over" },
    { HOLD_FREE,       ON_CONFIRM,       FSM_WORK_ITEM, HOLD_FREE,       NULL,  "an order was placed on stock that nobody holds" },
    { HOLD_FREE,       ON_RELEASE,       FSM_ACT,       HOLD_FREE,       NULL,  "nothing to free; the placement is dead from now on" },
    { HOLD_FREE,       ON_RELEASE_STALE, FSM_IGNORE,    HOLD_FREE,       NULL,  "dead already" },

    { HOLD_HELD,       ON_CLAIM_NEW,     FSM_ACT,       HOLD_HELD,       NULL,  "a newer placement of the same cart inherits and chooses again" },
    { HOLD_HELD,       ON_CLAIM_SAME,    FSM_IGNORE,    HOLD_HELD,       NULL,  "held already" },
    { HOLD_HELD,       ON_CLAIM_STALE,   FSM_IGNORE,    HOLD_HELD,       NULL,  "a newer placement holds" },
    { HOLD_HELD,       ON_CONFIRM,       FSM_ACT,       HOLD_CONFIRMED,  NULL,  "the order was placed: its shipments own the stock" },
    { HOLD_HELD,       ON_RELEASE,       FSM_ACT,       HOLD_FREE,       NULL,  "the placement failed" },
    { HOLD_HELD,       ON_RELEASE_STALE, FSM_IGNORE,    HOLD_HELD,       NULL,  "an older placement failed; this one lives" },

    { HOLD_CONFIRMED,  ON_CLAIM_NEW,     FSM_WORK_ITEM, HOLD_CONFIRMED,  NULL,  "a cart was placed again after its order" },
    { HOLD_CONFIRMED,  ON_CLAIM_SAME,    FSM_IGNORE,    HOLD_CONFIRMED,  NULL,  "confirmed already" },
    { HOLD_CONFIRMED,  ON_CLAIM_STALE,   FSM_IGNORE,    HOLD_CONFIRMED,  NULL,  "that placement is over" },
    { HOLD_CONFIRMED,  ON_CONFIRM,       FSM_IGNORE,    HOLD_CONFIRMED,  NULL,  "confirmed already" },
    { HOLD_CONFIRMED,  ON_RELEASE,       FSM_WORK_ITEM, HOLD_CONFIRMED,  NULL,  "a placement failed that has an order" },
    { HOLD_CONFIRMED,  ON_RELEASE_STALE, FSM_IGNORE,    HOLD_CONFIRMED,  NULL,  "an older placement failed" },
};
/* clang-format on */

const struct fsm hold_fsm = {
    .name = "hold",
    .states = hold_state_names,
    .events = hold_event_names,
    .edges = edges,
    .edge_count = COUNT(edges),
    .initial = HOLD_FREE,
};
