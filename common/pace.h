/*
 * pace - how far apart the rounds of a loop begin (ADR 6): the wider, the more there was to do in the last one. The
 * first after a rest begins at once.
 *
 * At its widest the distance is a beat that all loops of all copies share, by the clock on the wall: relays begin on
 * it, consumers when what was published has arrived, and are mostly through before the next one. So a message takes one
 * beat from service to service, and what several tell at once is heard in one batch. Clocks that differ cost some of
 * that, nothing else.
 */
#ifndef WAYBILL_PACE_H
#define WAYBILL_PACE_H

#include <stddef.h>
#include <stdint.h>

#define PACE_BEAT_MS 20
#define PACE_ARRIVED_MS 8 /* behind the beat: where consumers begin */
#define PACE_MIN_MS 5

struct pace {
    int each_ms;   /* of distance for each message of the last round, from PACE_MIN_MS to PACE_BEAT_MS in all */
    int phase_ms;  /* behind the beat */
    int64_t began; /* monotonic: the last round */
};

/* How long to rest now, in microseconds, if the last round had `count` messages: 0 or more, at most a beat. */
int64_t pace_rest(const struct pace *pace, size_t count);

/* Rests so long. */
void pace_wait(const struct pace *pace, size_t count);

/* A round begins. */
void pace_begin(struct pace *pace);

#endif
