/* The order's kernel as a table: for each state and event what happens, and why. */
#include "order.h"

const char *const order_kernel_names[] = {"placed",     "released",  "shipping", "completed",
                                          "cancelling", "cancelled", NULL};

const char *const order_event_names[] = {"shipment released",
                                         "shipment shipped",
                                         "last shipment delivered",
                                         "all shipments stopped",
                                         "stop refused",
                                         "pay_by passed",
                                         "cancel asked",
                                         "hold asked",
                                         "lift asked",
                                         NULL};

static bool is_held(const void *aggregate, const void *event UNUSED)
{
    const struct order *order = aggregate;
    return order->hold_reason != NULL;
}

static bool is_not_held(const void *aggregate, const void *event)
{
    return !is_held(aggregate, event);
}

/* clang-format off */
static const struct fsm_edge edges[] = {
    /* from             on                     outcome        to                guard        why */
    { ORDER_PLACED,     ON_SHIPMENT_RELEASED,  FSM_ACT,       ORDER_RELEASED,   NULL,        "the warehouse starts to work on it" },
    { ORDER_PLACED,     ON_SHIPMENT_SHIPPED,   FSM_ACT,       ORDER_SHIPPING,   NULL,        "heard before its release; it has left" },
    { ORDER_PLACED,     ON_SHIPMENT_DELIVERED, FSM_ACT,       ORDER_COMPLETED,  NULL,        "heard first; everything has arrived" },
    { ORDER_PLACED,     ON_ALL_STOPPED,        FSM_ACT,       ORDER_CANCELLED,  NULL,        "fulfilment stopped everything" },
    { ORDER_PLACED,     ON_STOP_REFUSED,       FSM_IGNORE,    ORDER_PLACED,     NULL,        "nobody waits for this answer any more" },
    { ORDER_PLACED,     ON_PAY_BY_PASSED,      FSM_ACT,       ORDER_CANCELLING, NULL,        "the money did not come in time" },
    { ORDER_PLACED,     ON_CANCEL_ASKED,       FSM_ACT,       ORDER_CANCELLING, NULL,        "asked; fulfilment decides" },
    { ORDER_PLACED,     ON_HOLD_ASKED,         FSM_ACT,       ORDER_PLACED,     is_not_held, "a clerk wants to look at it first" },
    { ORDER_PLACED,     ON_LIFT_ASKED,         FSM_ACT,       ORDER_PLACED,     is_held,     "a clerk let it go on" },

    { ORDER_RELEASED,   ON_SHIPMENT_RELEASED,  FSM_IGNORE,    ORDER_RELEASED,   NULL,        "another shipment; it was released already" },
    { ORDER_RELEASED,   ON_SHIPMENT_SHIPPED,   FSM_ACT,       ORDER_SHIPPING,   NULL,        "the first parcel left the warehouse" },
    { ORDER_RELEASED,   ON_SHIPMENT_DELIVERED, FSM_ACT,       ORDER_COMPLETED,  NULL,        "everything has arrived" },
    { ORDER_RELEASED,   ON_ALL_STOPPED,        FSM_ACT,       ORDER_CANCELLED,  NULL,        "fulfilment stopped everything" },
    { ORDER_RELEASED,   ON_STOP_REFUSED,       FSM_IGNORE,    ORDER_RELEASED,   NULL,        "nobody waits for this answer any more" },
    { ORDER_RELEASED,   ON_PAY_BY_PASSED,      FSM_ACT,       ORDER_CANCELLING, NULL,        "the money did not come in time" },
    { ORDER_RELEASED,   ON_CANCEL_ASKED,       FSM_ACT,       ORDER_CANCELLING, NULL,        "asked; fulfilment decides" },
    { ORDER_RELEASED,   ON_HOLD_ASKED,         FSM_ACT,       ORDER_RELEASED,   is_not_held, "a clerk wants to look at it first" },
    { ORDER_RELEASED,   ON_LIFT_ASKED,         FSM_ACT,       ORDER_RELEASED,   is_held,     "a clerk let it go on" },

    { ORDER_SHIPPING,   ON_SHIPMENT_RELEASED,  FSM_IGNORE,    ORDER_SHIPPING,   NULL,        "a later parcel is being worked on" },
    { ORDER_SHIPPING,   ON_SHIPMENT_SHIPPED,   FSM_IGNORE,    ORDER_SHIPPING,   NULL,        "another parcel left" },
    { ORDER_SHIPPING,   ON_SHIPMENT_DELIVERED, FSM_ACT,       ORDER_COMPLETED,  NULL,        "everything has arrived" },
    { ORDER_SHIPPING,   ON_ALL_STOPPED,        FSM_WORK_ITEM, ORDER_SHIPPING,   NULL,        "stopped after a parcel left: somebody must look" },
    { ORDER_SHIPPING,   ON_STOP_REFUSED,       FSM_IGNORE,    ORDER_SHIPPING,   NULL,        "a parcel has left, as is known here" },
    { ORDER_SHIPPING,   ON_PAY_BY_PASSED,      FSM_WORK_ITEM, ORDER_SHIPPING,   NULL,        "shipped on a promise that was not kept" },

    { ORDER_COMPLETED,  ON_SHIPMENT_RELEASED,  FSM_IGNORE,    ORDER_COMPLETED,  NULL,        "late news" },
    { ORDER_COMPLETED,  ON_SHIPMENT_SHIPPED,   FSM_IGNORE,    ORDER_COMPLETED,  NULL,        "late news" },
    { ORDER_COMPLETED,  ON_SHIPMENT_DELIVERED, FSM_IGNORE,    ORDER_COMPLETED,  NULL,        "reported again" },
    { ORDER_COMPLETED,  ON_ALL_STOPPED,        FSM_WORK_ITEM, ORDER_COMPLETED,  NULL,        "stopped after it was delivered: somebody must look" },
    { ORDER_COMPLETED,  ON_STOP_REFUSED,       FSM_IGNORE,    ORDER_COMPLETED,  NULL,        "late news" },
    { ORDER_COMPLETED,  ON_PAY_BY_PASSED,      FSM_WORK_ITEM, ORDER_COMPLETED,  NULL,        "delivered on a promise that was not kept" },

    { ORDER_CANCELLING, ON_SHIPMENT_RELEASED,  FSM_IGNORE,    ORDER_CANCELLING, NULL,        "crossed with the cancellation; the stop decides" },
    { ORDER_CANCELLING, ON_SHIPMENT_SHIPPED,   FSM_IGNORE,    ORDER_CANCELLING, NULL,        "crossed with the cancellation; the refusal follows" },
    { ORDER_CANCELLING, ON_SHIPMENT_DELIVERED, FSM_ACT,       ORDER_COMPLETED,  NULL,        "everything arrived before the refusal was heard" },
    { ORDER_CANCELLING, ON_ALL_STOPPED,        FSM_ACT,       ORDER_CANCELLED,  NULL,        "in time; the money goes back" },
    { ORDER_CANCELLING, ON_STOP_REFUSED,       FSM_ACT,       ORDER_SHIPPING,   NULL,        "too late, a parcel has left" },
    { ORDER_CANCELLING, ON_PAY_BY_PASSED,      FSM_IGNORE,    ORDER_CANCELLING, NULL,        "it is being cancelled already" },

    { ORDER_CANCELLED,  ON_SHIPMENT_RELEASED,  FSM_IGNORE,    ORDER_CANCELLED,  NULL,        "late news" },
    { ORDER_CANCELLED,  ON_SHIPMENT_SHIPPED,   FSM_WORK_ITEM, ORDER_CANCELLED,  NULL,        "a parcel of a cancelled order left: somebody must look" },
    { ORDER_CANCELLED,  ON_SHIPMENT_DELIVERED, FSM_WORK_ITEM, ORDER_CANCELLED,  NULL,        "a parcel of a cancelled order arrived: somebody must look" },
    { ORDER_CANCELLED,  ON_ALL_STOPPED,        FSM_IGNORE,    ORDER_CANCELLED,  NULL,        "reported again" },
    { ORDER_CANCELLED,  ON_STOP_REFUSED,       FSM_WORK_ITEM, ORDER_CANCELLED,  NULL,        "cancelled, yet a shipment would not stop" },
    { ORDER_CANCELLED,  ON_PAY_BY_PASSED,      FSM_IGNORE,    ORDER_CANCELLED,  NULL,        "nothing is due any more" },
};
/* clang-format on */

const struct fsm order_fsm = {
    .name = "order",
    .states = order_kernel_names,
    .events = order_event_names,
    .edges = edges,
    .edge_count = COUNT(edges),
    .initial = ORDER_PLACED,
    .commands = 1u << ON_CANCEL_ASKED | 1u << ON_HOLD_ASKED | 1u << ON_LIFT_ASKED,
};
