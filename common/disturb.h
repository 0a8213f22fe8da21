/*
 * disturb - delivers worse than Kafka does, so that tests see what handlers make of it. Not in what runs in production.
 *
 * WAYBILL_TEST_DELIVER_TWICE=1 repeats each message within its batch; WAYBILL_TEST_SHUFFLE=<seed> mixes the keys of a
 * batch, but leaves each key's order.
 */
#ifndef WAYBILL_DISTURB_H
#define WAYBILL_DISTURB_H

#include "event.h"

#ifdef WAYBILL_TEST_SWITCHES

#define DISTURB_FACTOR 2 /* how many times as many messages there may be then */
void disturb(struct message *messages, size_t *count);

#else

#define DISTURB_FACTOR 1
static inline void disturb(struct message *messages, size_t *count)
{
    (void)messages;
    (void)count;
}

#endif

#endif
