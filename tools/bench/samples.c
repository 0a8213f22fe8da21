#include "samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void samples_init(struct samples *samples)
{
    *samples = (struct samples){.us = calloc(SAMPLES_MAX, sizeof(uint32_t))};
    if (samples->us == NULL)
        abort();
}

void samples_add(struct samples *samples, int64_t us)
{
    if (samples->count < SAMPLES_MAX)
        samples->us[samples->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static const struct samples *of_thread(const struct samples *samples, size_t thread, size_t stride)
{
    return (const struct samples *)((const char *)samples + thread * stride);
}

void samples_print(const char *name, const struct samples *samples, size_t threads, size_t stride, const char **comma)
{
    size_t total = 0;
    size_t copied = 0;

    for (size_t i = 0; i < threads; i++)
        total += of_thread(samples, i, stride)->count;
    if (total == 0)
        return;
    uint32_t *all = calloc(total, sizeof(*all));
    if (all == NULL)
        abort();
    for (size_t i = 0; i < threads; i++) {
        const struct samples *one = of_thread(samples, i, stride);
        memcpy(all + copied, one->us, one->count * sizeof(*all));
        copied += one->count;
    }
    qsort(all, total, sizeof(*all), by_value);
    printf("%s\n    \"%s\": {\"count\": %zu, \"p50_ms\": %.2f, \"p90_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f}",
           *comma, name, total, all[total / 2] / 1e3, all[total * 9 / 10] / 1e3, all[total * 99 / 100] / 1e3,
           all[total - 1] / 1e3);
    *comma = ",";
    free(all);
}
