/*
 * pause - sleeping, ready to stop.
 */
#include "pause.h"

#include <errno.h>
#include <time.h>

#define SLICE_MS 50

void pause_ms(int ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

void pause_until(const atomic_bool *stopping, int ms)
{
    for (; ms > 0 && !atomic_load(stopping); ms -= SLICE_MS)
        pause_ms(ms < SLICE_MS ? ms : SLICE_MS);
}
