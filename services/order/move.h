/*
 * move - the only way an order's kernel changes: along the table, with its event, its mail and its reason.
 */
#ifndef WAYBILL_ORDER_MOVE_H
#define WAYBILL_ORDER_MOVE_H

#include "order.h"
#include "uow.h"

struct order_move {
    enum order_event on;
    const char *word;            /* what the merchant's process calls it, or NULL */
    bool is_repeated;            /* the process said it before: it is shown again, and not mailed */
    const char *tracking_number; /* for the mail of a parcel that left, or NULL */
    const char *tracking_url;
};

/*
 * Moves the order and emits order.status_changed when something can be seen of it. ERR_CONFLICT when the table refuses
 * (only commands of people). *ret_moved is false when the table says ignore or work item: then nothing changed.
 */
enum err order_move(struct uow *uow, struct order *order, const struct order_move *move, bool *ret_moved) MUST_USE;

/*
 * Lets the merchant's process speak of the money that has come: this moves nothing in the kernel. An order that is
 * held says it when it is let go; one that is over or has parcels on their way is silent, since those words matter
 * more.
 */
enum err order_say_paid(struct uow *uow, struct order *order) MUST_USE;

/* The commands, for customers, clerks and deadlines: each moves, emits, writes the timeline and saves. */
enum err order_ask_cancel(struct uow *uow, struct order *order, enum order_event on, const char *reason,
                          const char *by) MUST_USE;
enum err order_hold(struct uow *uow, struct order *order, const char *reason, const char *by) MUST_USE;
enum err order_lift_hold(struct uow *uow, struct order *order, const char *by) MUST_USE;

#endif
