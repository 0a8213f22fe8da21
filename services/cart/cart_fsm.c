/* The states of a cart as a table. */
#include "cart.h"

const char *const cart_state_names[] = {"open", "locked", "ordered", "expired", NULL};
const char *const cart_event_names[] = {CLAIM_EVENT_NAMES, "completed", "time to live passed", "change", NULL};

/* clang-format off */
static const struct fsm_edge edges[] = {
    /* from          on                 outcome        to             guard  why */
    { CART_OPEN,     ON_CLAIM_NEW,      FSM_ACT,       CART_LOCKED,   NULL,  "locked if it is what the shopper saw" },
    { CART_OPEN,     ON_CLAIM_SAME,     FSM_ACT,       CART_LOCKED,   NULL,  "asked again after a refusal" },
    { CART_OPEN,     ON_CLAIM_STALE,    FSM_IGNORE,    CART_OPEN,     NULL,  "that placement is over" },
    { CART_OPEN,     ON_RELEASE,        FSM_ACT,       CART_OPEN,     NULL,  "nothing to unlock; the placement is dead from now on" },
    { CART_OPEN,     ON_RELEASE_STALE,  FSM_IGNORE,    CART_OPEN,     NULL,  "dead already" },
    { CART_OPEN,     ON_COMPLETED,      FSM_WORK_ITEM, CART_OPEN,     NULL,  "ordered without having been locked" },
    { CART_OPEN,     ON_TTL_PASSED,     FSM_ACT,       CART_EXPIRED,  NULL,  "nobody touched it for its whole life" },
    { CART_OPEN,     ON_CHANGE_ASKED,   FSM_ACT,       CART_OPEN,     NULL,  "it is the shopper's" },

    { CART_LOCKED,   ON_CLAIM_NEW,      FSM_ACT,       CART_LOCKED,   NULL,  "a newer placement of the same cart inherits the lock" },
    { CART_LOCKED,   ON_CLAIM_SAME,     FSM_IGNORE,    CART_LOCKED,   NULL,  "locked already" },
    { CART_LOCKED,   ON_CLAIM_STALE,    FSM_IGNORE,    CART_LOCKED,   NULL,  "a newer placement has it" },
    { CART_LOCKED,   ON_RELEASE,        FSM_ACT,       CART_OPEN,     NULL,  "the placement failed; it is the shopper's again" },
    { CART_LOCKED,   ON_RELEASE_STALE,  FSM_IGNORE,    CART_LOCKED,   NULL,  "an older placement failed" },
    { CART_LOCKED,   ON_COMPLETED,      FSM_ACT,       CART_ORDERED,  NULL,  "it became an order" },
    { CART_LOCKED,   ON_TTL_PASSED,     FSM_IGNORE,    CART_LOCKED,   NULL,  "a claim has no clock but its placement's" },

    { CART_ORDERED,  ON_CLAIM_NEW,      FSM_ACT,       CART_ORDERED,  NULL,  "refused: it is an order already" },
    { CART_ORDERED,  ON_CLAIM_SAME,     FSM_IGNORE,    CART_ORDERED,  NULL,  "late news" },
    { CART_ORDERED,  ON_CLAIM_STALE,    FSM_IGNORE,    CART_ORDERED,  NULL,  "late news" },
    { CART_ORDERED,  ON_RELEASE,        FSM_WORK_ITEM, CART_ORDERED,  NULL,  "a placement failed that has an order" },
    { CART_ORDERED,  ON_RELEASE_STALE,  FSM_IGNORE,    CART_ORDERED,  NULL,  "late news" },
    { CART_ORDERED,  ON_COMPLETED,      FSM_IGNORE,    CART_ORDERED,  NULL,  "told again" },
    { CART_ORDERED,  ON_TTL_PASSED,     FSM_IGNORE,    CART_ORDERED,  NULL,  "an order does not expire" },

    { CART_EXPIRED,  ON_CLAIM_NEW,      FSM_ACT,       CART_EXPIRED,  NULL,  "refused: it is too old" },
    { CART_EXPIRED,  ON_CLAIM_SAME,     FSM_IGNORE,    CART_EXPIRED,  NULL,  "refused already" },
    { CART_EXPIRED,  ON_CLAIM_STALE,    FSM_IGNORE,    CART_EXPIRED,  NULL,  "late news" },
    { CART_EXPIRED,  ON_RELEASE,        FSM_ACT,       CART_EXPIRED,  NULL,  "the refused placement is dead from now on" },
    { CART_EXPIRED,  ON_RELEASE_STALE,  FSM_IGNORE,    CART_EXPIRED,  NULL,  "late news" },
    { CART_EXPIRED,  ON_COMPLETED,      FSM_WORK_ITEM, CART_EXPIRED,  NULL,  "ordered after it had expired" },
    { CART_EXPIRED,  ON_TTL_PASSED,     FSM_IGNORE,    CART_EXPIRED,  NULL,  "expired already" },
};
/* clang-format on */

const struct fsm cart_fsm = {
    .name = "cart",
    .states = cart_state_names,
    .events = cart_event_names,
    .edges = edges,
    .edge_count = COUNT(edges),
    .initial = CART_OPEN,
    .commands = 1u << ON_CHANGE_ASKED,
};
