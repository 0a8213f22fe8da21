/*
 * pace - the distance between rounds.
 */
#include "pace.h"

#include <unistd.h>

#include "clock.h"
#include "macros.h"

#define BEAT (PACE_BEAT_MS * CLOCK_MS)

int pace_of_telling(bool leads)
{
    return leads ? 0 : PACE_BEAT_MS / 2;
}

int pace_of_hearing(bool leads)
{
    return pace_of_telling(!leads) + PACE_ARRIVED_MS;
}

int64_t pace_rest(const struct pace *pace, size_t count)
{
    const int64_t apart = CLAMP((int64_t)count * pace->each_ms, PACE_MIN_MS, PACE_BEAT_MS) * CLOCK_MS;
    const int64_t passed = clock_monotonic() - pace->began;

    if (apart < BEAT)
        return passed < apart ? apart - passed : 0;
    return BEAT - (clock_now() - pace->phase_ms * CLOCK_MS) % BEAT;
}

void pace_wait(const struct pace *pace, size_t count)
{
    const int64_t rest = pace_rest(pace, count);

    if (rest > 0)
        (void)usleep((useconds_t)rest);
}

void pace_begin(struct pace *pace)
{
    pace->began = clock_monotonic();
}
