/*
 * kafka_handle - settings and handles of librdkafka, for the files of the kafka module only.
 */
#ifndef WAYBILL_KAFKA_HANDLE_H
#define WAYBILL_KAFKA_HANDLE_H

#include <librdkafka/rdkafka.h>

#include "kafka.h"

#define KAFKA_REASON_MAX 512

/* A setting of librdkafka; lists end with a NULL name. */
struct pair {
    const char *name;
    const char *value;
};

/* The settings that all handles share, and the options; then those of the lists (either may be NULL), and the group
 * (NULL: none). NULL with a log line when one doesn't fit. */
rd_kafka_conf_t *kafka_conf_new(const struct kafka_options *options, const struct pair *first,
                                const struct pair *second, const char *group);

/* Makes a handle and takes over the settings; NULL with a log line. */
rd_kafka_t *kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf);

/* Settings of whoever reads. */
extern const struct pair kafka_reader_settings[];

/* Copies a message into the arena. A source that sets no id gets one that stays the same when it is read again. */
void kafka_message_read(const rd_kafka_message_t *from, struct arena *arena, struct message *ret);

/* Adds all partitions of a topic at an offset; false when it isn't known yet. */
bool kafka_add_partitions(rd_kafka_t *reader, const char *topic, int64_t offset, rd_kafka_topic_partition_list_t *list);

/* Ends a reader: says good-bye to its group, unless the broker doesn't listen; then it finds out by itself. */
void kafka_reader_free(rd_kafka_t *reader);

/* The options of a kafka. */
const struct kafka_options *kafka_options(const struct kafka *kafka);

#endif
