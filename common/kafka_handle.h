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

/* The options of a kafka. */
const struct kafka_options *kafka_options(const struct kafka *kafka);

#endif
