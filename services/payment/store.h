/*
 * store - typed reads and writes of payments; the only user of queries.sql beside lists for people.
 *
 * A payment is read under its row's lock with everything that decides, changed in memory, and saved once:
 * payment_save() writes what was touched of it and its intents, and the version that its events raised.
 */
#ifndef WAYBILL_PAYMENT_STORE_H
#define WAYBILL_PAYMENT_STORE_H

#include "ledger.h"
#include "payment.h"
#include "rows.h"

/* The payments of a batch. */
extern const struct rows payment_rows;

/* Locks and reads, unless a batch or joint has brought it. *ret_found is false when there is no such payment; `ret`
 * still has the time and its early facts. */
enum err payment_lock(struct uow *uow, const char *id, struct payment *ret, bool *ret_found) MUST_USE;

/* The same for one that is locked, as those of a batch are. */
enum err payment_read(struct uow *uow, const char *id, struct payment *ret, bool *ret_found) MUST_USE;

/* Gives the payment a fresh number, for the reference of a bank transfer, unless it has one. */
enum err payment_number(struct uow *uow, struct payment *payment) MUST_USE;

/* Adds an intent and returns it; pointers to the others are no longer good. */
struct intent *payment_add_intent(struct uow *uow, struct payment *payment, const struct intent *intent);

void payment_save(struct uow *uow, struct payment *payment);

/* Locks several payments in the order of their ids; then payment_lock() of each costs no wait. */
void payments_lock(struct uow *uow, const char **ids, size_t count);

/* Keeps a fact, once; `source` is who brought it. A fact of nobody we know is kept too. */
void fact_keep(struct uow *uow, const struct fact *fact, const char *source);

/* Leaves the facts that were not told before and may change something, sorted by their payments, which are filled in
 * where only the provider's id is known. */
enum err facts_sift(struct uow *uow, struct fact_list *facts) MUST_USE;

/* Takes a call back if no copy has made it yet; then provably nothing left. */
enum err call_withdraw(struct uow *uow, const char *key, bool *ret_withdrawn) MUST_USE;

/* Books an entry, whose cause must be new, and changes the balances, which payment_save() writes. */
void payment_book(struct uow *uow, struct payment *payment, const struct entry *entry);

/* Books one that changes no payment's balances. `payment_id` is NULL when nobody knows whose money it is. */
void ledger_book(struct uow *uow, const char *payment_id, const struct entry *entry);

/* An intent by its keys. */
struct intent_key {
    const char *id; /* the payment's */
    int64_t intent;
};

struct intent_key_list {
    struct intent_key *items;
    size_t count;
};

extern const struct record intent_key_record;

#endif
