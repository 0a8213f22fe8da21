/*
 * kafka_scan - reads what lies in a topic from a moment on, to where it ends when the reading begins. For tools.
 */
#ifndef WAYBILL_KAFKA_SCAN_H
#define WAYBILL_KAFKA_SCAN_H

#include "kafka.h"

/* Gets each message, partition by partition in order; it lives as long as the call. */
typedef void (*kafka_found)(void *of, const struct message *message);

/* Where a partition ended: the offset of what is published next. */
struct kafka_end {
    const char *topic;
    int64_t partition;
    int64_t offset;
};
struct kafka_ends {
    struct kafka_end *items;
    size_t count;
};

/* Reads what was published at or after `since_us`, and tells the ends, in the arena. False, with a log line, when the
 * topic isn't there or the broker stops answering for KAFKA_SCAN_MS. */
#define KAFKA_SCAN_MS 30000
bool kafka_scan(const struct kafka_options *options, const char *topic, int64_t since_us, kafka_found found, void *of,
                struct arena *arena, struct kafka_ends *ret_ends) MUST_USE;

#endif
