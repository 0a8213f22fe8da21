/*
 * pause - sleeping, for loops that try again (backoff.h) and are ready to stop.
 */
#ifndef WAYBILL_PAUSE_H
#define WAYBILL_PAUSE_H

#include <stdatomic.h>

void pause_ms(int ms);

/* Sleeps, but ends soon after `stopping` is set. */
void pause_until(const atomic_bool *stopping, int ms);

#endif
