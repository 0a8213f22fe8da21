/*
 * backoff - pauses that double, with jitter.
 */
#include "backoff.h"

#include <sys/random.h>

int64_t jitter(int64_t span)
{
    uint64_t bits = 0;

    /* Without randomness, early in a machine's life, the pause is merely a fixed one. */
    (void)!getrandom(&bits, sizeof(bits), GRND_NONBLOCK);
    int64_t half = span / 2;
    return half <= 0 ? span : span - (int64_t)(bits % (uint64_t)(half + 1));
}

int64_t backoff(int64_t first, int64_t most, int64_t tried)
{
    int64_t pause = first;

    for (int64_t i = 1; i < tried && pause < most; i++)
        pause = pause > most / 2 ? most : pause * 2;
    return jitter(pause < most ? pause : most);
}
