/*
 * clock_step - sets this process's clock before or back while it runs, so that tests see what comes of it. Not in what
 * runs in production.
 *
 * WAYBILL_TEST_CLOCK=<file> names a file of eight bytes, an int64 in this machine's order: the microseconds by which
 * clock_now() is ahead. Whoever writes the file steps the clock.
 */
#ifndef WAYBILL_CLOCK_STEP_H
#define WAYBILL_CLOCK_STEP_H

#include <stdint.h>

#ifdef WAYBILL_TEST_SWITCHES

int64_t clock_step(void);

#else

static inline int64_t clock_step(void)
{
    return 0;
}

#endif

#endif
