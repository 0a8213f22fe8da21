/*
 * clock - UTC in microseconds since 1970, and time spans. Replaceable in tests.
 *
 * Deadlines in tables use database time (now()); this clock is for logs, signatures and ids.
 */
#ifndef WAYBILL_CLOCK_H
#define WAYBILL_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_SECOND INT64_C(1000000)
#define CLOCK_MS INT64_C(1000)

/* Now, in microseconds since 1970-01-01 UTC. */
int64_t clock_now(void);

/* For spans: never jumps. Microseconds since some fixed point. */
int64_t clock_monotonic(void);

/* Replaces clock_now() in tests; 0 gives the real clock back. */
void clock_set_for_test(int64_t now_us);

/* "2026-11-22T06:48:47.123456Z" into text of at least CLOCK_TEXT bytes. */
#define CLOCK_TEXT 32
const char *clock_format(int64_t us, char text[CLOCK_TEXT]);

/* Reads RFC 3339 with an offset, and PostgreSQL's "2026-11-22 06:48:47.1+00". False if it is neither. */
bool clock_parse(const char *text, size_t size, int64_t *ret_us);

#endif
