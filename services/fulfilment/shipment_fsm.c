/* The life of a shipment as a table. */
#include "shipment.h"

const char *const shipment_state_names[] = {"planned",    "released",  "picked",  "packed", "shipped",
                                            "in_transit", "delivered", "stopped", NULL};
const char *const shipment_event_names[] = {"in transit reported",
                                            "delivery reported",
                                            "stop asked",
                                            "release",
                                            "pick",
                                            "pack",
                                            "ship",
                                            "hold",
                                            "lift hold",
                                            NULL};

static bool is_free(const void *aggregate, const void *event UNUSED)
{
    return !shipment_is_held(aggregate);
}

static bool is_held_here(const void *aggregate, const void *event UNUSED)
{
    const struct shipment *shipment = aggregate;
    return shipment->hold_reason != NULL;
}

static bool is_not_held_here(const void *aggregate, const void *event)
{
    return !is_held_here(aggregate, event);
}

static bool can_start(const void *aggregate, const void *event)
{
    return is_free(aggregate, event) && shipment_may_be_released(aggregate);
}

static bool can_leave(const void *aggregate, const void *event)
{
    return is_free(aggregate, event) && shipment_may_leave(aggregate);
}

#define UNKNOWN_PARCEL "a parcel that has not left is reported: kept until it is shipped"

/* clang-format off */
static const struct fsm_edge edges[] = {
    /* from                on                    outcome        to                   guard             why */
    { SHIPMENT_PLANNED,    ON_RELEASE_ASKED,     FSM_ACT,       SHIPMENT_RELEASED,   can_start,        "the money covers it" },
    { SHIPMENT_PLANNED,    ON_HOLD_ASKED,        FSM_ACT,       SHIPMENT_PLANNED,    is_not_held_here, "a clerk keeps it back" },
    { SHIPMENT_PLANNED,    ON_LIFT_ASKED,        FSM_ACT,       SHIPMENT_PLANNED,    is_held_here,     "a clerk lets it go on" },
    { SHIPMENT_PLANNED,    ON_STOP_ASKED,        FSM_ACT,       SHIPMENT_STOPPED,    NULL,             "in time: its stock is free again" },
    { SHIPMENT_PLANNED,    ON_TRANSIT_REPORTED,  FSM_WORK_ITEM, SHIPMENT_PLANNED,    NULL,             UNKNOWN_PARCEL },
    { SHIPMENT_PLANNED,    ON_DELIVERY_REPORTED, FSM_WORK_ITEM, SHIPMENT_PLANNED,    NULL,             UNKNOWN_PARCEL },

    { SHIPMENT_RELEASED,   ON_PICK_DONE,         FSM_ACT,       SHIPMENT_PICKED,     is_free,          "the goods are off the shelf" },
    { SHIPMENT_RELEASED,   ON_HOLD_ASKED,        FSM_ACT,       SHIPMENT_RELEASED,   is_not_held_here, "a clerk keeps it back" },
    { SHIPMENT_RELEASED,   ON_LIFT_ASKED,        FSM_ACT,       SHIPMENT_RELEASED,   is_held_here,     "a clerk lets it go on" },
    { SHIPMENT_RELEASED,   ON_STOP_ASKED,        FSM_ACT,       SHIPMENT_STOPPED,    NULL,             "in time: its stock is free again" },
    { SHIPMENT_RELEASED,   ON_TRANSIT_REPORTED,  FSM_WORK_ITEM, SHIPMENT_RELEASED,   NULL,             UNKNOWN_PARCEL },
    { SHIPMENT_RELEASED,   ON_DELIVERY_REPORTED, FSM_WORK_ITEM, SHIPMENT_RELEASED,   NULL,             UNKNOWN_PARCEL },

    { SHIPMENT_PICKED,     ON_PACK_DONE,         FSM_ACT,       SHIPMENT_PACKED,     is_free,          "the parcel is closed" },
    { SHIPMENT_PICKED,     ON_HOLD_ASKED,        FSM_ACT,       SHIPMENT_PICKED,     is_not_held_here, "a clerk keeps it back" },
    { SHIPMENT_PICKED,     ON_LIFT_ASKED,        FSM_ACT,       SHIPMENT_PICKED,     is_held_here,     "a clerk lets it go on" },
    { SHIPMENT_PICKED,     ON_STOP_ASKED,        FSM_ACT,       SHIPMENT_STOPPED,    NULL,             "in time: the goods go back on the shelf" },
    { SHIPMENT_PICKED,     ON_TRANSIT_REPORTED,  FSM_WORK_ITEM, SHIPMENT_PICKED,     NULL,             UNKNOWN_PARCEL },
    { SHIPMENT_PICKED,     ON_DELIVERY_REPORTED, FSM_WORK_ITEM, SHIPMENT_PICKED,     NULL,             UNKNOWN_PARCEL },

    { SHIPMENT_PACKED,     ON_SHIP_DONE,         FSM_ACT,       SHIPMENT_SHIPPED,    can_leave,        "the carrier has it" },
    { SHIPMENT_PACKED,     ON_HOLD_ASKED,        FSM_ACT,       SHIPMENT_PACKED,     is_not_held_here, "a clerk keeps it back" },
    { SHIPMENT_PACKED,     ON_LIFT_ASKED,        FSM_ACT,       SHIPMENT_PACKED,     is_held_here,     "a clerk lets it go on" },
    { SHIPMENT_PACKED,     ON_STOP_ASKED,        FSM_ACT,       SHIPMENT_STOPPED,    NULL,             "in time: the goods go back on the shelf" },
    { SHIPMENT_PACKED,     ON_TRANSIT_REPORTED,  FSM_WORK_ITEM, SHIPMENT_PACKED,     NULL,             UNKNOWN_PARCEL },
    { SHIPMENT_PACKED,     ON_DELIVERY_REPORTED, FSM_WORK_ITEM, SHIPMENT_PACKED,     NULL,             UNKNOWN_PARCEL },

    { SHIPMENT_SHIPPED,    ON_TRANSIT_REPORTED,  FSM_ACT,       SHIPMENT_IN_TRANSIT, NULL,             "the carrier saw it" },
    { SHIPMENT_SHIPPED,    ON_DELIVERY_REPORTED, FSM_ACT,       SHIPMENT_DELIVERED,  NULL,             "it arrived" },
    { SHIPMENT_SHIPPED,    ON_STOP_ASKED,        FSM_IGNORE,    SHIPMENT_SHIPPED,    NULL,             "it has left: the stop is refused" },

    { SHIPMENT_IN_TRANSIT, ON_TRANSIT_REPORTED,  FSM_ACT,       SHIPMENT_IN_TRANSIT, NULL,             "seen again further on" },
    { SHIPMENT_IN_TRANSIT, ON_DELIVERY_REPORTED, FSM_ACT,       SHIPMENT_DELIVERED,  NULL,             "it arrived" },
    { SHIPMENT_IN_TRANSIT, ON_STOP_ASKED,        FSM_IGNORE,    SHIPMENT_IN_TRANSIT, NULL,             "it has left: the stop is refused" },

    { SHIPMENT_DELIVERED,  ON_TRANSIT_REPORTED,  FSM_IGNORE,    SHIPMENT_DELIVERED,  NULL,             "late news" },
    { SHIPMENT_DELIVERED,  ON_DELIVERY_REPORTED, FSM_IGNORE,    SHIPMENT_DELIVERED,  NULL,             "reported again" },
    { SHIPMENT_DELIVERED,  ON_STOP_ASKED,        FSM_IGNORE,    SHIPMENT_DELIVERED,  NULL,             "it has arrived: the stop is refused" },

    { SHIPMENT_STOPPED,    ON_TRANSIT_REPORTED,  FSM_WORK_ITEM, SHIPMENT_STOPPED,    NULL,             "a stopped parcel is on its way" },
    { SHIPMENT_STOPPED,    ON_DELIVERY_REPORTED, FSM_WORK_ITEM, SHIPMENT_STOPPED,    NULL,             "a stopped parcel arrived" },
    { SHIPMENT_STOPPED,    ON_STOP_ASKED,        FSM_IGNORE,    SHIPMENT_STOPPED,    NULL,             "stopped already" },
};
/* clang-format on */

const struct fsm shipment_fsm = {
    .name = "shipment",
    .states = shipment_state_names,
    .events = shipment_event_names,
    .edges = edges,
    .edge_count = COUNT(edges),
    .initial = SHIPMENT_PLANNED,
    .commands = 1u << ON_RELEASE_ASKED | 1u << ON_PICK_DONE | 1u << ON_PACK_DONE | 1u << ON_SHIP_DONE |
                1u << ON_HOLD_ASKED | 1u << ON_LIFT_ASKED,
};
