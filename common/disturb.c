/*
 * disturb - repeats and mixes messages; see disturb.h.
 */
#include "disturb.h"

#ifdef WAYBILL_TEST_SWITCHES

#include <stdlib.h>
#include <string.h>

#include "text.h"

static bool same_key(const struct message *a, const struct message *b)
{
    return text_equal(a->key, b->key) && text_equal(a->topic, b->topic);
}

/* Swaps neighbours of different keys, many times. */
static void shuffle(struct message *messages, size_t count, unsigned seed)
{
    for (size_t round = 0; count > 1 && round < count * 4; round++) {
        size_t i = (size_t)rand_r(&seed) % (count - 1);
        struct message swapped = messages[i];
        if (same_key(&messages[i], &messages[i + 1]))
            continue;
        messages[i] = messages[i + 1];
        messages[i + 1] = swapped;
    }
}

void disturb(struct message *messages, size_t *count)
{
    const char *seed = getenv("WAYBILL_TEST_SHUFFLE");
    int64_t number;

    if (text_equal(getenv("WAYBILL_TEST_DELIVER_TWICE"), "1")) {
        memcpy(messages + *count, messages, *count * sizeof(*messages));
        *count *= 2;
    }
    if (seed != NULL && text_to_int(seed, strlen(seed), &number))
        shuffle(messages, *count, (unsigned)number + (unsigned)messages[0].offset);
}

#endif
