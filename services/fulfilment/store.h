/*
 * store - typed reads and writes of stock, holds and shipments; the only user of queries.sql.
 *
 * Lock order, everywhere: the hold, then stock rows, then shipments. Locking stock comes first wherever it will be
 * touched; in the consumer the loop has done it for the whole batch, and has locked the holds (the subscriptions'
 * needs).
 */
#ifndef WAYBILL_FULFILMENT_STORE_H
#define WAYBILL_FULFILMENT_STORE_H

#include "hold.h"
#include "rows.h"
#include "shipment.h"
#include "sourcing.h"

/* Keys of stock_lock: which stock rows somebody will touch. In the arena. */
const char *stock_key_of_sku(struct arena *arena, const char *sku);
const char *stock_key_of_hold(struct arena *arena, const char *checkout_id);

/* Locks the stock rows of some keys, or those that a shipment will take from. */
void stock_lock_all(struct uow *uow, const char **keys, size_t count);
void stock_lock_of_shipment(struct uow *uow, const char *shipment_id);

/* Adds to held and allocated, per allocation, `held` and `allocated` times its quantity (each -1, 0 or 1). */
void stock_shift(struct uow *uow, const struct allocation_list *allocations, int held, int allocated);

/* The shipment's goods leave the warehouse: books the move and lowers on hand and allocated. */
void stock_leave(struct uow *uow, const struct shipment *shipment, const char *by);

/* The shipment's goods won't leave: they can be sold again. */
void stock_free(struct uow *uow, const struct shipment *shipment);

/* The holds of a batch, the number of the first shipment of each order, and what is in stock of each SKU. */
extern const struct rows hold_rows, shipment_number_rows, stocked_rows;

/* Read a hold that is locked, without and with what sourcing chooses from. */
enum err hold_read(struct uow *uow, const char *id, struct hold *ret, bool *ret_found) MUST_USE;
enum err hold_read_with_offers(struct uow *uow, const char *id, const char *shop, const struct claim_line_list *lines,
                               struct hold *ret, bool *ret_found) MUST_USE;

/* Writes the hold with what it has taken; `is_new` when there was no row. */
void hold_save(struct uow *uow, const struct hold *hold, bool is_new);

enum err shipment_lock(struct uow *uow, const char *id, const char *shop, struct shipment *ret,
                       bool *ret_found) MUST_USE;
/* Locks the shipment's order mates too, in one order: before shipment_lock(), where it may turn out to be the last. */
enum err shipment_lock_family(struct uow *uow, const char *id) MUST_USE;
enum err shipments_of_order(struct uow *uow, const char *order_id, struct shipment_list_of_order *ret) MUST_USE;
void shipment_add(struct uow *uow, const struct shipment *shipment, const char *reason, const struct address *address);
void shipment_save(struct uow *uow, const struct shipment *shipment, int64_t was);

/* A fresh number. That of an order's first shipment came along, any other costs a round trip. */
enum err shipment_number(struct uow *uow, const char *order_id, const char **ret) MUST_USE;

#endif
