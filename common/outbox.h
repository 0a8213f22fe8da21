/*
 * outbox - events on their way from a transaction to Kafka.
 *
 * uow_commit() writes the emitted events at the end of the transaction. One relay per service publishes them
 * in the order of their ids, waits for the broker's acknowledgement and moves them to the history in one statement.
 * Which copy relays is decided by a lease with an epoch in database time, checked with every batch. A commit wakes the
 * relay by an eventfd, or, when another copy relays, by a NOTIFY outside of the business transaction, at most one a
 * beat; a poll each second is the net.
 *
 * A relay that dies between acknowledgement and move publishes the batch again: same ce_id, same bytes.
 */
#ifndef WAYBILL_OUTBOX_H
#define WAYBILL_OUTBOX_H

#include <stdint.h>

#include "uow.h"

#define RELAY_BATCH_MAX 500
#define OUTBOX_EVENTS_MAX 2000      /* of one unit of work */
#define EVENT_BODY_MAX (900 * 1024) /* bytes; the broker takes 1 MiB with headers */

/* The events that a unit of work has emitted. */
struct outbox_batch {
    struct outbox_event {
        const char *id;
        const struct event_type *type;
        const char *key;
        int64_t sequence;
        const char *correlation_id;
        const char *causation_id;
        const char *traceparent;
        const char *body;
    } * events;
    size_t count;
    size_t capacity;
};

/* Queues the INSERT of all events of the unit of work, if it has any. For uow_commit(). */
void outbox_write(struct uow *uow);

struct relay;

/* Starts the relay's thread; it publishes when it holds the lease. */
struct relay *relay_start(struct service *service);

/* Tells the relay that something was committed. Any thread; cheap. */
void relay_wake(struct relay *relay);

/* Publishes what is there if it holds the lease, gives the lease up, ends the thread. Accepts NULL. */
void relay_stop(struct relay *relay);

#endif
