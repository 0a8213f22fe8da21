/*
 * bus - topics of their own for each test, services that relay and consume, and looks at what is in Kafka.
 *
 * WAYBILL_KAFKA and its like say where, as they do for programs. Use it together with database.h, inside of the test
 * (Check forks).
 */
#ifndef WAYBILL_BUS_H
#define WAYBILL_BUS_H

#include "consumer.h"
#include "database.h"
#include "kafka.h"

/* What is told in tests. */
struct ping {
    const char *note;
    int64_t number;
};

extern const struct record bus_ping_record;

/* A name that no other test has, like "test.4711.order". */
const char *bus_topic(const char *name);

/* Makes the topic. */
void bus_make_topic(struct kafka *kafka, const char *topic, int partitions);

/* A client that calls itself `name`. */
struct kafka *bus_kafka(const char *name);

/* A service with a pool, a client and what relay and consumer need; `own` statements may be NULL. */
struct service *bus_service(const char *name, const struct query *const *own);
void bus_service_free(struct service *service);

/* A message of {"note": ..., "number": sequence}; id is made when it is NULL. */
struct message bus_message(struct arena *arena, const char *topic, const char *type, const char *key, int64_t sequence,
                           const char *id);

/* Publishes and expects that it works. */
void bus_publish(struct kafka *kafka, const struct message *messages, size_t count);

/* Reads a topic from its beginning until `count` messages are there and nothing follows for a moment, at most `max`. */
size_t bus_read_all(struct kafka *kafka, struct arena *arena, const char *topic, size_t count, struct message *ret,
                    size_t max);

#endif
