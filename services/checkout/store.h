/*
 * store - typed reads and writes of checkouts; the only user of queries.sql.
 *
 * A checkout is read under its row's lock, changed in memory, and saved. Who only looks how a placement goes reads it
 * without what is bought: lines, groups, rules and personal are empty then.
 */
#ifndef WAYBILL_CHECKOUT_STORE_H
#define WAYBILL_CHECKOUT_STORE_H

#include "checkout.h"
#include "rows.h"

/* Words for broken constraints. */
extern const struct constraint checkout_constraints[];

/* The checkouts of a batch, whole. */
extern const struct rows checkout_rows;

/* ... that are only looked at, for how their placement goes. */
extern const struct rows shown_placement_rows;

/* Whether the caller's cart has a checkout, and by which a new one would be priced; by the cart's id. */
extern const struct rows opened_rows;

/* Reads and locks the checkout of the caller's own cart, brought along or by one statement; any other is not found.
 * Without an id the one of the cart. */
enum err checkout_lock(struct uow *uow, const char *id, struct checkout *ret, bool *ret_found) MUST_USE;

/* What is shown of it, without a lock; and what is shown of its placement. */
enum err checkout_read(struct uow *uow, const char *id, struct checkout *ret, bool *ret_found) MUST_USE;
enum err checkout_read_placement(struct uow *uow, const char *id, struct checkout *ret, bool *ret_found) MUST_USE;

/* What a shopper may set before placing; NULL: stays as it is. */
struct choice {
    const struct set_addresses *personal;
    const char *delivery_method;
    const char *method;
    const char *return_url; /* goes with the method */
};

/* Queues a choice for a checkout that is locked. */
void checkout_choose(struct uow *uow, const struct checkout *checkout, const struct choice *choice);

/* Reads what the shop offers for the checkout as it is now: from memory while nobody changed it. */
enum err checkout_read_offers(struct uow *uow, struct checkout *checkout) MUST_USE;

/* The checkout that an event or a deadline is about, whole; this transaction has locked its row. Another service spoke
 * of it, so it must be there. */
enum err checkout_expect(struct uow *uow, const char *id, struct checkout *ret) MUST_USE;

/* Those whose deadline passed, locked; a bounded number. */
enum err checkout_find_overdue(struct uow *uow, struct texts *ret_ids) MUST_USE;

/* Queues a new checkout, its version 1, unless its cart has one. */
enum err checkout_add(struct uow *uow, struct checkout *checkout, bool *ret_added) MUST_USE;

/* Queues another snapshot of the cart. */
void checkout_refresh(struct uow *uow, const struct checkout *checkout);

/* Queues a move, and with it what it freezes; `was` is the version that the checkout was read with. */
void checkout_save(struct uow *uow, const struct checkout *checkout, int64_t was);

/* Queues the record of how the last placement ended, for repeats of its request. */
void placement_keep(struct uow *uow, const struct checkout *checkout);

/* Finds the earlier placement that was asked under the key. */
enum err placement_find(struct uow *uow, const struct checkout *checkout, const char *key,
                        struct earlier_placement *ret, bool *ret_found) MUST_USE;

#endif
