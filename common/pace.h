/*
 * pace - how far apart the rounds of a loop begin (ADR 6): the wider, the more there was to do in the last one. The
 * first after a rest begins at once.
 *
 * At its widest the distance is a beat that all loops of all copies share, by the clock on the wall. The service that
 * leads a saga publishes on the beat, those that answer it half a beat later, and each hears when what the other side
 * published has arrived. So a question and its answers take one beat, what several tell at once is heard in one batch,
 * and the two sides do not work at the same moment. A message between two of one side takes a whole beat. Clocks that
 * differ cost some of that, nothing else.
 */
#ifndef WAYBILL_PACE_H
#define WAYBILL_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_BEAT_MS 28
#define PACE_ARRIVED_MS 7 /* from publishing until it is heard */
#define PACE_MIN_MS 5

struct pace {
    int each_ms;   /* of distance for each message of the last round, from PACE_MIN_MS to PACE_BEAT_MS in all */
    int phase_ms;  /* behind the beat */
    int64_t began; /* monotonic: the last round */
};

/* Where on the beat a service publishes, and where it hears, in milliseconds. */
int pace_of_telling(bool leads);
int pace_of_hearing(bool leads);

/* How long to rest now, in microseconds, if the last round had `count` messages: 0 or more, at most a beat. */
int64_t pace_rest(const struct pace *pace, size_t count);

/* Rests so long. */
void pace_wait(const struct pace *pace, size_t count);

/* A round begins. */
void pace_begin(struct pace *pace);

#endif
