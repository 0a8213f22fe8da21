/*
 * store - typed reads and writes of orders; the only user of queries.sql.
 *
 * An order is read under its row's lock, changed in memory, and saved once: order_save() writes the order and the
 * version that its events raised.
 */
#ifndef WAYBILL_ORDER_STORE_H
#define WAYBILL_ORDER_STORE_H

#include "order.h"
#include "proto/shipment.h"
#include "rows.h"

/* The rows of orders, and what comes along for those to be placed. */
extern const struct rows order_rows, order_start_rows;

/* What placing needs. */
struct order_start {
    const char *id;
    const char *number; /* fresh; NULL if it is placed */
    int64_t process_version;
    struct process_status_list process;
    bool is_placed; /* the order is there already */
    int64_t now;    /* the database's, as for all deadlines */
};
enum err order_start(struct uow *uow, const char *id, struct order_start *ret) MUST_USE;

/* Reads and locks. *ret_found is false when there is no such order. */
enum err order_lock(struct uow *uow, const char *id, struct order *ret, bool *ret_found) MUST_USE;

/* Adds a new order. Call after its events were emitted, since they raise its version. */
void order_add(struct uow *uow, const struct order *order, const struct personal *personal);

/* Writes a changed order; `was` is the version that it was read with. */
void order_save(struct uow *uow, const struct order *order, int64_t was);

/* What fulfilment told of a shipment. */
void order_shipment_add(struct uow *uow, const struct shipment_planned *planned);
void order_shipment_set(struct uow *uow, const char *shipment_id, const char *state);
void order_shipment_track(struct uow *uow, const struct shipment_shipped *shipped);

/* Adds an entry to the timeline of an order that is locked, or new. */
void order_note(struct uow *uow, const char *order_id, const char *what, const char *by, const char *detail,
                const char *format, ...) PRINTF(6, 7);

/* Publishes how the order stands now. Call after its events. */
enum err order_snap(struct uow *uow, struct order *order) MUST_USE;

#endif
