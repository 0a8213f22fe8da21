/*
 * consumer - hears events: micro-batches, each message handled once, in order per key.
 *
 * The loop takes what has arrived (up to BATCH_MAX messages), opens one unit of work, locks the position rows of the
 * batch's partitions, drops what was handled before, locks the rows that subscriptions name (one statement per kind of
 * row, ordered by key) and brings those along that handlers will read, all in one round trip, calls the handlers,
 * writes positions and versions, and commits. A handler therefore sees every message of an aggregate once and in order,
 * and its effect, its events and the record that it was handled are one transaction. When a batch fails for a message's
 * own fault, it is repeated one message at a time.
 *
 * What a handler may return:
 *   ERR_NONE     handled, or nothing to do (the table of moves says why)
 *   ERR_ABSENT   its aggregate isn't here yet and it changed nothing: the message goes to `waiting` under the key that
 *                message_waits_for() named, and is applied when waiting_release() is called for that key
 *   retryable    the whole batch is rolled back and tried again with back-off; the partition stands still
 *   others       the message is parked: a row that a person sees, and later messages of its key line up behind it
 *
 * Handled-once is by aggregate version (table `handled`): at or below the last one is skipped, the next is applied,
 * above it is a hole: the message is parked and the key waits for the missing one. Sources without versions (erp.*)
 * use the inbox by event id.
 */
#ifndef WAYBILL_CONSUMER_H
#define WAYBILL_CONSUMER_H

#include "event.h"
#include "needs.h"

#define BATCH_MAX 100

typedef enum err (*event_handler)(struct uow *uow, const struct message *message, const void *event);

/* For those who only copy: all of a batch's events of one type together, in their order, behind the batch's handlers.
 * It emits nothing and waits for nothing. */
typedef enum err (*events_handler)(struct uow *uow, const void *const *events, size_t count);

struct subscription {
    const struct event_type *type;
    event_handler handler;
    /* The row that handling will write: a statement that locks it, or the kind of row where it is to come along too
     * (rows.h); and where in the event's struct the key (a const char *) stands. */
    const struct query *lock;
    const struct rows *rows;
    size_t key;
    /* Or, where one event needs several rows: names each with needs_lock() or needs_row() (needs.h). */
    void (*needs)(struct needs *needs, const struct message *message, const void *event);
    events_handler together; /* in the place of `handler` */
};

#define LOCKS(query, tag, member) &Q_##query, NULL, offsetof(struct tag, member), NULL
#define TAKES(rows, tag, member) NULL, &(rows), offsetof(struct tag, member), NULL
#define LOCKS_NOTHING NULL, NULL, 0, NULL
#define LOCKS_BY(function) NULL, NULL, 0, function

/* Names an aggregate that handling will make: that nothing waits for it, as nearly always, comes along too, and
 * waiting_release() has nothing to ask. */
void needs_release(struct needs *needs, const char *kind, const char *id);

/*
 * Ends a handler whose aggregate is not here: `return message_waits_for(uow, "order", id);` gives ERR_ABSENT. A look-up
 * that failed with ERR_NOT_FOUND is forgiven. The handler is called once more under a lock, in case it came meanwhile.
 */
enum err message_waits_for(struct uow *uow, const char *kind, const char *id);

/*
 * Applies, inside this unit of work, the messages that wait for the aggregate, oldest first. Call it where the
 * aggregate is created, as the last thing before uow_commit(): their handlers lock and change it.
 */
enum err waiting_release(struct uow *uow, const char *kind, const char *id) MUST_USE;

/*
 * Tries the parked messages again, key by key, each as far as it goes: at each start, and by command. Tells how many
 * were applied. Any thread and any copy may; the lock on the partition's position row keeps it apart from the loop.
 */
enum err parked_retry(struct service *service, int64_t *ret_done) MUST_USE;

/* A timer of every process (maintenance.c): a message that waits longer than WAITING_MAX_S becomes a work item, once.
 */
#define WAITING_MAX_S 600
enum err waiting_report(struct uow *uow, bool *ret_more) MUST_USE;

struct consumer;

/* Starts the loop in its own thread. `subscriptions` ends with a NULL type. NULL if the broker settings don't parse. */
struct consumer *consumer_start(struct service *service, const struct subscription *subscriptions);

/* Whether partitions are assigned and the last batch did not fail, for /readyz. */
bool consumer_is_ready(const struct consumer *consumer);

/* Has the loop call parked_retry() soon, between two batches. Any thread. */
void consumer_retry_parked(struct consumer *consumer);

/* Finishes the running batch and leaves the group. Accepts NULL. */
void consumer_stop(struct consumer *consumer);

#endif
