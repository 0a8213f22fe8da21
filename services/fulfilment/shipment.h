/*
 * shipment - what one warehouse sends for one delivery group of an order, from planned to delivered. Pure.
 */
#ifndef WAYBILL_SHIPMENT_H
#define WAYBILL_SHIPMENT_H

#include "event.h"
#include "fsm.h"
#include "proto/order.h"
#include "proto/types.h"

enum shipment_state {
    SHIPMENT_PLANNED,
    SHIPMENT_RELEASED,
    SHIPMENT_PICKED,
    SHIPMENT_PACKED,
    SHIPMENT_SHIPPED,
    SHIPMENT_IN_TRANSIT,
    SHIPMENT_DELIVERED,
    SHIPMENT_STOPPED,
    SHIPMENT_STATES
};

enum shipment_event {
    ON_TRANSIT_REPORTED,
    ON_DELIVERY_REPORTED,
    ON_STOP_ASKED, /* the order is to be cancelled */
    ON_RELEASE_ASKED,
    ON_PICK_DONE,
    ON_PACK_DONE,
    ON_SHIP_DONE,
    ON_HOLD_ASKED,
    ON_LIFT_ASKED,
    SHIPMENT_EVENTS
};

extern const char *const shipment_state_names[];
extern const char *const shipment_event_names[];
extern const struct fsm shipment_fsm;

struct shipment {
    struct aggregate head;
    const char *shop;
    const char *number;
    const char *order_id;
    const char *group_id;
    const char *warehouse;
    const char *method;
    enum shipment_state state;
    const char *hold_reason; /* set while a clerk holds it */
    struct shipment_line_list lines;
    int64_t quantity;
    const char *carrier;
    const char *tracking_number;
    const char *tracking_url;
    const char *latest; /* day by which it should arrive, or NULL */
    int64_t shipped_at;
    int64_t delivered_at;

    /* Of its order, read along under the same lock. */
    const char *order_number;
    const char *payment_method;
    const char *capture;
    int64_t total_minor;
    int64_t covered_minor; /* captured less given back */
    const char *order_hold_reason;
};
struct shipment_list_of_order {
    struct shipment *items;
    size_t count;
};

extern const struct record shipment_record;

/* Whether the money allows work to begin: captured, authorized to be captured later, or promised at the door. */
bool shipment_may_be_released(const struct shipment *shipment);

/* Whether the money allows it to leave: as above, but deferred money must have been taken. */
bool shipment_may_leave(const struct shipment *shipment);

bool shipment_is_held(const struct shipment *shipment);

/* Whether it is over: delivered or stopped. */
bool shipment_is_over(const struct shipment *shipment);

/* Where a parcel can be followed, or NULL for a carrier that has no page known here. In the arena. */
const char *tracking_url(struct arena *arena, const char *carrier, const char *tracking_number);

/* The shipments that an order's allocations make: one for each delivery group and warehouse, lines with their titles.
 */
struct planned_shipment {
    const char *group_id;
    const char *warehouse;
    const char *method;
    const char *latest;
    const struct address *address;
    struct shipment_line_list lines;
    int64_t quantity;
};
struct planned_shipment_list {
    struct planned_shipment *items;
    size_t count;
};
void plan_shipments(struct arena *arena, const struct order_placed *order, const struct allocation_list *allocations,
                    struct planned_shipment_list *ret);

#endif
