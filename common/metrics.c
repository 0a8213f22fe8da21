/*
 * metrics - a list of metrics, each with a list of series that only grows; counting is atomic.
 */
#include "metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Upper bounds of the buckets in microseconds, and as Prometheus writes them. */
static const struct {
    int64_t us;
    const char *text;
} buckets[] = {
    {5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"}, {50000, "0.05"},  {75000, "0.075"},
    {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},  {750000, "0.75"}, {1000000, "1"},
    {2500000, "2.5"}, {5000000, "5"},   {7500000, "7.5"}, {10000000, "10"},
};

/* One combination of label values. Immutable but for its numbers; lives as long as the process. */
struct series {
    struct series *next;
    char *value;
    char *value2;
    _Atomic int64_t number; /* counter, gauge; histogram: how many */
    _Atomic int64_t sum;    /* histogram: microseconds */
    _Atomic int64_t counts[COUNT(buckets)];
    int64_t (*ask)(void *of);
    void *of;
};

struct metric_state {
    struct metric *metric;
    struct metric_state *next;
    _Atomic(struct series *) series;
    size_t count; /* under `lock` */
};

/* The registry: metrics and series are added under the lock, read without. Entries are never removed. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct metric_state *) metrics;

static void *need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static struct metric_state *state_of(struct metric *metric)
{
    struct metric_state *state = __atomic_load_n(&metric->state, __ATOMIC_ACQUIRE);
    if (state != NULL)
        return state;

    pthread_mutex_lock(&lock);
    state = metric->state;
    if (state == NULL) {
        state = need(calloc(1, sizeof(*state)));
        state->metric = metric;
        state->next = atomic_load(&metrics);
        atomic_store(&metrics, state);
        __atomic_store_n(&metric->state, state, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&lock);
    return state;
}

static struct series *series_find(struct metric_state *state, const char *value, const char *value2)
{
    for (struct series *series = atomic_load(&state->series); series != NULL; series = series->next) {
        if (text_equal(series->value, value) && text_equal(series->value2, value2))
            return series;
    }
    return NULL;
}

/* The series of these values, made if it is new; NULL when the metric has too many. */
static struct series *series_of(struct metric *metric, const char *value, const char *value2)
{
    struct metric_state *state = state_of(metric);
    assert((metric->label != NULL) == (value != NULL) && (metric->label2 != NULL) == (value2 != NULL));
    struct series *series = series_find(state, value, value2);
    if (series != NULL)
        return series;

    pthread_mutex_lock(&lock);
    series = series_find(state, value, value2);
    if (series == NULL && state->count < METRIC_SERIES_MAX) {
        series = need(calloc(1, sizeof(*series)));
        series->value = value != NULL ? need(strdup(value)) : NULL;
        series->value2 = value2 != NULL ? need(strdup(value2)) : NULL;
        series->next = atomic_load(&state->series);
        atomic_store(&state->series, series);
        state->count++;
    }
    pthread_mutex_unlock(&lock);
    return series;
}

void metric_add(struct metric *metric, const char *value, const char *value2, int64_t by)
{
    struct series *series = series_of(metric, value, value2);
    if (series != NULL)
        atomic_fetch_add_explicit(&series->number, by, memory_order_relaxed);
}

void metric_set(struct metric *metric, const char *value, const char *value2, int64_t to)
{
    struct series *series = series_of(metric, value, value2);
    if (series != NULL)
        atomic_store_explicit(&series->number, to, memory_order_relaxed);
}

void metric_set_all(struct metric *metric, const char *const *values, const int64_t *to, size_t count)
{
    struct series *series = atomic_load(&state_of(metric)->series);

    for (; series != NULL; series = series->next) {
        size_t i = 0;
        while (i < count && !text_equal(values[i], series->value))
            i++;
        if (i == count)
            atomic_store_explicit(&series->number, 0, memory_order_relaxed);
    }
    for (size_t i = 0; i < count; i++)
        metric_set(metric, values[i], NULL, to[i]);
}

void metric_observe(struct metric *metric, const char *value, const char *value2, int64_t us)
{
    struct series *series = series_of(metric, value, value2);
    if (series == NULL)
        return;
    for (size_t i = 0; i < COUNT(buckets); i++) {
        if (us <= buckets[i].us) {
            atomic_fetch_add_explicit(&series->counts[i], 1, memory_order_relaxed);
            break;
        }
    }
    atomic_fetch_add_explicit(&series->sum, us, memory_order_relaxed);
    atomic_fetch_add_explicit(&series->number, 1, memory_order_relaxed);
}

void metric_ask(struct metric *metric, int64_t (*ask)(void *of), void *of)
{
    struct metric_state *state = state_of(metric);
    struct series *series = series_of(metric, NULL, NULL);

    assert(metric->label == NULL && state->count == 1);
    pthread_mutex_lock(&lock);
    series->ask = ask;
    series->of = of;
    pthread_mutex_unlock(&lock);
}

static void add_label(struct buf *buf, const char *name, const char *value, bool *first)
{
    if (name == NULL)
        return;
    buf_add_text(buf, *first ? "{" : ",");
    *first = false;
    buf_printf(buf, "%s=\"", name);
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\\' || *at == '"')
            buf_add_char(buf, '\\');
        if (*at == '\n')
            buf_add_text(buf, "\\n");
        else
            buf_add_char(buf, *at);
    }
    buf_add_char(buf, '"');
}

static void add_name(struct buf *buf, const struct metric *metric, const struct series *series, const char *suffix,
                     const char *bound)
{
    bool first = true;

    buf_printf(buf, "%s%s", metric->name, suffix);
    add_label(buf, metric->label, series->value, &first);
    add_label(buf, metric->label2, series->value2, &first);
    add_label(buf, bound != NULL ? "le" : NULL, bound, &first);
    buf_add_text(buf, first ? " " : "} ");
}

static void add_histogram(struct buf *buf, const struct metric *metric, struct series *series)
{
    int64_t total = atomic_load_explicit(&series->number, memory_order_relaxed);
    int64_t sum = atomic_load_explicit(&series->sum, memory_order_relaxed);
    int64_t below = 0;

    for (size_t i = 0; i < COUNT(buckets); i++) {
        below += atomic_load_explicit(&series->counts[i], memory_order_relaxed);
        add_name(buf, metric, series, "_bucket", buckets[i].text);
        buf_printf(buf, "%" PRId64 "\n", below);
    }
    /* The numbers are read one after the other while others count: keep the buckets in order. */
    if (total < below)
        total = below;
    add_name(buf, metric, series, "_bucket", "+Inf");
    buf_printf(buf, "%" PRId64 "\n", total);
    add_name(buf, metric, series, "_sum", NULL);
    buf_printf(buf, "%" PRId64 ".%06" PRId64 "\n", sum / 1000000, sum % 1000000);
    add_name(buf, metric, series, "_count", NULL);
    buf_printf(buf, "%" PRId64 "\n", total);
}

static void add_metric(struct buf *buf, struct metric_state *state)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    const struct metric *metric = state->metric;

    buf_printf(buf, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name, types[metric->type]);
    for (struct series *series = atomic_load(&state->series); series != NULL; series = series->next) {
        if (metric->type == METRIC_HISTOGRAM) {
            add_histogram(buf, metric, series);
            continue;
        }
        pthread_mutex_lock(&lock);
        int64_t (*ask)(void *of) = series->ask;
        void *of = series->of;
        pthread_mutex_unlock(&lock);
        int64_t number = ask != NULL ? ask(of) : atomic_load_explicit(&series->number, memory_order_relaxed);
        add_name(buf, metric, series, "", NULL);
        buf_printf(buf, "%" PRId64 "\n", number);
    }
}

void metrics_write(struct buf *buf)
{
    for (struct metric_state *state = atomic_load(&metrics); state != NULL; state = state->next)
        add_metric(buf, state);
}
