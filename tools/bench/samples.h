/*
 * samples - how long each of many things took, and their percentiles.
 */
#ifndef WAYBILL_BENCH_SAMPLES_H
#define WAYBILL_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLES_MAX 200000 /* of one kind and thread; more are not kept */

struct samples {
    uint32_t *us;
    size_t count;
};

/* Room for all of them, touched when used. Aborts when out of memory. */
void samples_init(struct samples *samples);

void samples_add(struct samples *samples, int64_t us);

/* Adds `"name": {"count": ..., "p50_ms": ...}` of several threads' samples to an object on standard output, after a
 * comma if one is needed; nothing if there are none. `stride`: bytes from one thread's samples to the next one's. */
void samples_print(const char *name, const struct samples *samples, size_t threads, size_t stride, const char **comma);

#endif
