/*
 * listener - a service that notes what it hears, for tests of the consumer.
 *
 * Its topic carries pings (bus.h). Each one that is handled becomes a row of `effect`, under the lock of the `thing`
 * that its note names. Notes also tell what goes wrong: "poison..." is not understood at version 2, "broken..." fails
 * there in the database, and "late..." waits for a thing of the same name.
 */
#ifndef WAYBILL_LISTENER_H
#define WAYBILL_LISTENER_H

#include <stdatomic.h>

#include "bus.h"

#define LISTENER_TYPE "waybill.test.pinged.v1"
#define LISTENER_UNHEARD "waybill.test.unheard.v1"

struct listener {
    struct service *service;
    struct arena *arena;
    const char *topic;
    atomic_int busy_left;    /* how often the handler says that the database is too busy */
    atomic_bool is_repaired; /* whether "poison" and "broken" are understood now */
};

extern struct listener listener;

/* Makes the schema, the service and its topic, with or without a broker; it does not listen yet. */
void listener_open(void);
void listener_close(void);

/* Another copy of the service; bus_service_free() it. */
struct service *listener_copy(void);

/* Starts and stops the consumer of a copy. */
void listener_start(struct service *service);
void listener_stop(struct service *service);

/* A message of the topic; telling publishes it. */
struct message listener_ping(const char *key, int64_t sequence);
void listener_tell(const char *key, int64_t sequence);

/* Waits until so many messages have had their effect. */
void listener_await(int64_t count);

/* "1,2,3": what was applied of a key, in order. */
const char *listener_effects(const char *key);

/* Makes what a message waits for. */
enum err listener_make_thing(const char *id);

#endif
