/*
 * deliver - hands one event to a service's handlers as the consumer loop does: rows locked and brought along first, one
 * unit of work.
 *
 * Use it together with database.h, inside of the test (Check forks). Whether a message was handled before is the loop's
 * business and tested there; here an event may be delivered as often as a test likes.
 */
#ifndef WAYBILL_DELIVER_H
#define WAYBILL_DELIVER_H

#include "consumer.h"
#include "database.h"
#include "timer.h"

/* Makes a schema with the common tables and the service's own, and a service with a pool of `size` connections on it.
 */
struct service *deliver_open(const struct query *const *queries, const struct migration *migrations, int size);
void deliver_close(struct service *service);

/* Delivers one event and commits. The error is the handler's or the commit's. Any thread. */
enum err deliver(struct service *service, const struct subscription *subscriptions, const struct event_type *type,
                 const void *event);

/* Delivers an event that must be handled without an error. */
void deliver_well(struct service *service, const struct subscription *subscriptions, const struct event_type *type,
                  const void *event);

/* Runs a timer until nothing more is due. */
void deliver_timer(struct service *service, const struct timer *timer);

#endif
