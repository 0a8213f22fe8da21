/*
 * backoff - how long to wait before the next try: doubling, up to a maximum, with jitter so that many don't come at
 * once.
 */
#ifndef WAYBILL_BACKOFF_H
#define WAYBILL_BACKOFF_H

#include <stdint.h>

/* The pause before try number `tried + 1`, between half and all of first * 2^(tried - 1), at most `most`. Any unit. */
int64_t backoff(int64_t first, int64_t most, int64_t tried);

/* A number between half of `span` and all of it. */
int64_t jitter(int64_t span);

#endif
