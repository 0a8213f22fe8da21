/*
 * mishap - counts how often each point was passed; see mishap.h.
 */
#include "mishap.h"

#ifdef WAYBILL_TEST_SWITCHES

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

static const char *const point_names[] = {
    "before_commit", "after_commit", "after_publish", "before_call", "after_call",
};

static enum mishap_point deadly = MISHAP_POINTS;
static atomic_llong passes_left;

static void read_setting(void)
{
    const char *setting = getenv("WAYBILL_TEST_DIE_AT");
    const char *colon = setting == NULL ? NULL : strchr(setting, ':');
    int64_t times;

    if (colon == NULL || !text_to_int(colon + 1, strlen(colon + 1), &times) || times < 1)
        return;
    for (int i = 0; i < MISHAP_POINTS; i++) {
        if (strlen(point_names[i]) == (size_t)(colon - setting) &&
            memcmp(point_names[i], setting, (size_t)(colon - setting)) == 0)
            deadly = (enum mishap_point)i;
    }
    atomic_store(&passes_left, times);
}

void mishap(enum mishap_point point)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, read_setting);
    if (point == deadly && atomic_fetch_sub(&passes_left, 1) == 1)
        (void)kill(getpid(), SIGKILL);
}

#endif
