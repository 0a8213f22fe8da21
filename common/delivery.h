/*
 * delivery - one message on its way to its handler. For batch.c and set_aside.c.
 *
 * What the two share: which subscription a message has, its body as a struct, the rows it needs, the call itself, and
 * what ERR_ABSENT leads to.
 */
#ifndef WAYBILL_DELIVERY_H
#define WAYBILL_DELIVERY_H

#include "consumer.h"

struct delivery {
    const struct message *message;
    const struct subscription *subscription;
    const void *event; /* decoded; in ctx->arena */
};

/* The subscription for the message's topic and type; NULL: nobody here listens. */
const struct subscription *subscription_find(const struct subscription *subscriptions, const struct message *message);

/* Fills in the event. ERR_MALFORMED or ERR_INVALID: our code can't read it. */
enum err delivery_decode(struct ctx *ctx, struct delivery *delivery) MUST_USE;

/* Locks all rows that the deliveries need, each kind by one statement. */
void deliveries_lock(struct uow *uow, const struct delivery *deliveries, size_t count);

/* The same, and brings them along, from the next uow_sync() on: once in a unit of work and before its first handler, or
 * a row could be there twice and what is left of it be older than what a handler wrote. */
void deliveries_bring(struct uow *uow, const struct delivery *deliveries, size_t count);

/* Calls the handler under the message's trace. If ERR_ABSENT comes back, uow->waits_for is locked and says for what. */
enum err delivery_make(struct uow *uow, const struct delivery *delivery) MUST_USE;

/* The same for the events of a subscription that takes them together. */
enum err deliver_together(struct uow *uow, const struct subscription *subscription, const void *const *events,
                          size_t count) MUST_USE;

/* Whether the error says that the message itself can't be processed, so that trying again as it is would not help. */
bool err_is_of_message(enum err err);

/* Whether anything waits for an aggregate, by the key "kind:id"; locked, so that nothing will. */
extern const struct rows waiting_rows;

/* Puts a message to the side: to wait for uow->waits_for, or parked for a reason. */
void set_aside_wait(struct uow *uow, const struct message *message);
void set_aside_park(struct uow *uow, const struct message *message, const char *reason);

/* Applies the parked messages of a key, each in a transaction of its own, in order, until one can't be. Adds to
 * *ret_done. */
enum err parked_drain(struct ctx *ctx, const char *topic, int64_t partition, const char *key,
                      int64_t *ret_done) MUST_USE;

/* Why something is parked that is not to blame itself. */
#define REASON_HOLE "hole: the one before it is missing"
#define REASON_BEHIND "behind: an earlier one of its key is parked"

#endif
