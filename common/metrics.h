/*
 * metrics - counters, gauges and histograms in Prometheus' text format.
 *
 * A metric is a static object registered by its first use; labels are one fixed name and a value out of few (a route's
 * pattern, a topic), never an id. Counting is lock-free after a series exists. Limit: METRIC_SERIES_MAX per metric.
 */
#ifndef WAYBILL_METRICS_H
#define WAYBILL_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define METRIC_SERIES_MAX 200

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
    const char *name; /* waybill_http_requests_total */
    const char *help;
    enum metric_type type;
    const char *label;  /* or NULL */
    const char *label2; /* or NULL */
    void *state;        /* metrics.c's own */
};

/* `value`s are copied; NULL where the metric has no such label. */
void metric_add(struct metric *metric, const char *value, const char *value2, int64_t by);
void metric_set(struct metric *metric, const char *value, const char *value2, int64_t to);

/* Sets a gauge with one label for all its values at once: those that are not among these `count` become 0. */
void metric_set_all(struct metric *metric, const char *const *values, const int64_t *to, size_t count);

/* A histogram over seconds with the buckets of OpenTelemetry's HTTP durations; `us` is microseconds. */
void metric_observe(struct metric *metric, const char *value, const char *value2, int64_t us);

/* A gauge asked for at scrape time. */
void metric_ask(struct metric *metric, int64_t (*ask)(void *of), void *of);

void metrics_write(struct buf *buf);

#endif
