/*
 * store - typed reads and writes of checkouts; the only user of queries.sql.
 *
 * A checkout is read under its row's lock, changed in memory, and saved: checkout_save() writes a move with the version
 * that its events raised, checkout_save_content() what is bought and where it goes.
 */
#ifndef WAYBILL_CHECKOUT_STORE_H
#define WAYBILL_CHECKOUT_STORE_H

#include "checkout.h"
#include "uow.h"

/* Which checkout a shopper asks for, and what they are about to change about it. */
struct checkout_ask {
    const char *id;       /* NULL: whichever the cart has */
    const char *key;      /* NULL: no earlier placement is looked for */
    const char *country;  /* NULL: that of the shipping address */
    const char *currency; /* NULL: the checkout's */
};

/* Reads and locks the checkout of the caller's own cart, with what the shop offers; any other is not found. */
enum err checkout_lock(struct uow *uow, const struct checkout_ask *ask, struct checkout *ret, bool *ret_found) MUST_USE;

/* The same to look at, without a lock. */
enum err checkout_read(struct uow *uow, const char *id, struct checkout *ret, bool *ret_found) MUST_USE;

/* Reads and locks for an event or a deadline, without offers. Another service spoke of it, so it must be there. */
enum err checkout_expect(struct uow *uow, const char *id, struct checkout *ret) MUST_USE;

/* Those whose deadline passed, locked; a bounded number. */
enum err checkout_find_overdue(struct uow *uow, struct texts *ret_ids) MUST_USE;

/* Queues a new checkout, unless its cart has one. */
void checkout_add(struct uow *uow, const struct checkout *checkout);

/* Queue what was changed; `was` is the version that the checkout was read with. */
void checkout_save(struct uow *uow, const struct checkout *checkout, int64_t was);
void checkout_save_content(struct uow *uow, const struct checkout *checkout, int64_t was);

/* Queue the beginning and the end of a placement, for repeats of its request. */
void placement_begin(struct uow *uow, const struct checkout *checkout);
void placement_end(struct uow *uow, const struct checkout *checkout);

#endif
