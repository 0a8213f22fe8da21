/*
 * clock_step - reads the file where it is mapped; see clock_step.h.
 */
#include "clock_step.h"

#ifdef WAYBILL_TEST_SWITCHES

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const _Atomic int64_t *ahead_us;

/* A test that names a file wants it read: without it nothing runs. */
static void map_file(void)
{
    const char *path = getenv("WAYBILL_TEST_CLOCK");
    if (path == NULL)
        return;

    const int file = open(path, O_RDONLY | O_CLOEXEC);
    void *bytes = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(*ahead_us), PROT_READ, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED)
        abort();
    close(file);
    ahead_us = bytes;
}

int64_t clock_step(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, map_file);
    return ahead_us != NULL ? atomic_load_explicit(ahead_us, memory_order_relaxed) : 0;
}

#endif
