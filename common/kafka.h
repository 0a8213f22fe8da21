/*
 * kafka - the only module that knows librdkafka: a producer for the relay, a consumer for the loop, a tail for
 * gateways.
 *
 * The producer is idempotent, acks=all, murmur2 partitioned as Java clients do, and gives up on nothing: a message is
 * delivered or the whole batch fails and the caller, who has it in a table, repeats it. After a fatal error the
 * producer is made anew.
 */
#ifndef WAYBILL_KAFKA_H
#define WAYBILL_KAFKA_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "ctx.h"
#include "event.h"

struct kafka_options {
    const char *brokers;
    const char *client_id;
    const char *security_protocol; /* "plaintext", "ssl", "sasl_plaintext", "sasl_ssl" */
    const char *sasl_mechanism;
    const char *sasl_username;
    const char *sasl_password;
    const char *ca_file;
    const char *shop; /* ce_shop of everything published */
    int replication;  /* copies of each partition of a topic that is made; 0: 1 */
};

/* What a process that uses the broker is told by its environment, ended by a NULL name; and that as options, which live
 * as long as the config. */
#define KAFKA_SETTINGS_MAX 8
extern const struct setting kafka_settings[];
struct kafka_options kafka_options_read(const struct config *config, const char *client_id, const char *shop);

/* Settings that were found good; connects when it is used. NULL, with a log line, when they don't fit. Copies the
 * options. */
struct kafka;
struct kafka *kafka_new(const struct kafka_options *options);

/* Groups and tails are freed before. Accepts NULL. */
void kafka_free(struct kafka *kafka);

/* Makes sure that the topics exist; existing ones are left as they are. False when the broker can't be asked. */
bool kafka_ensure_topics(struct kafka *kafka, const struct topic *const *topics, size_t count);

/*
 * Publishes messages in order and waits until all are acknowledged, up to KAFKA_PUBLISH_MS. ERR_BUSY: none or some
 * were, and the producer was thrown away with what it still held; the caller repeats from the same message on, so
 * whatever the broker took late is a repeat and first occurrences stay in order. One thread at a time, in which
 * `waiting`, unless NULL, is called about every KAFKA_WAITING_MS.
 */
#define KAFKA_PUBLISH_MS 4000
#define KAFKA_WAITING_MS 500
enum err kafka_publish(struct ctx *ctx, struct kafka *kafka, const struct message *messages, size_t count,
                       void (*waiting)(void *of), void *of) MUST_USE;

/*
 * A member of a group that reads topics. Offsets are the caller's business: on each assignment it is asked where to
 * begin. A group belongs to one thread, which also gets the callback, inside kafka_group_take().
 */
struct kafka_group;
struct kafka_position {
    const char *topic;
    int32_t partition;
    int64_t next_offset; /* given as 0, which means from the beginning */
};
typedef void (*kafka_assigned)(void *of, struct kafka_position *positions, size_t count);
struct kafka_group *kafka_group_new(struct kafka *kafka, const char *group, const char *const *topics, size_t count,
                                    kafka_assigned assigned, void *of);

/* Waits up to wait_ms for a first message, then takes what is already here, up to `max` and KAFKA_TAKE_BYTES, into the
 * arena. Must be called at least every KAFKA_POLL_MAX_MS, or the group goes on without this member. */
#define KAFKA_TAKE_BYTES ((size_t)1024 * 1024)
#define KAFKA_POLL_MAX_MS 120000
size_t kafka_group_take(struct kafka_group *group, struct arena *arena, int wait_ms, struct message *ret, size_t max);

/* Goes back (or on) to an offset; what was fetched ahead is dropped. Nothing happens if the partition isn't ours any
 * more. */
void kafka_group_seek(struct kafka_group *group, const char *topic, int32_t partition, int64_t offset);

/* Tells the broker, for lag tools, where the positions are; soon, not now. */
void kafka_group_hint(struct kafka_group *group, const char *topic, int32_t partition, int64_t next_offset);

/* Whether the group gave this member its share, which may be empty. Any thread. */
bool kafka_group_is_assigned(const struct kafka_group *group);

/* Leaves the group. Accepts NULL. */
void kafka_group_free(struct kafka_group *group);

/* Reads all partitions of topics from the end, without joining a group: wakes the waiting at gateways. Ready once
 * nothing that is published from then on can be missed; topics that don't exist yet are waited for. One thread. */
struct kafka_tail;
struct kafka_tail *kafka_tail_new(struct kafka *kafka, const char *const *topics, size_t count);
size_t kafka_tail_take(struct kafka_tail *tail, struct arena *arena, int wait_ms, struct message *ret, size_t max);
bool kafka_tail_is_ready(const struct kafka_tail *tail);
void kafka_tail_free(struct kafka_tail *tail);

#endif
