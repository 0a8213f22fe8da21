/*
 * id - UUIDv7 (RFC 9562): 48 bits of milliseconds, then 74 bits that start at random and count up within one.
 */
#include "id.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"

#define LOW_BITS 62
#define LOW_MASK ((UINT64_C(1) << LOW_BITS) - 1)
#define HIGH_MAX 0xfff
#define DRAWN_MAX 32 /* 256 bytes: as many as the kernel gives without a break */

/* The last id of this thread: milliseconds, the 12 bits after the version, the 62 bits after the variant. */
struct position {
    uint64_t ms;
    uint64_t high;
    uint64_t low;
};

static _Thread_local struct position last;

/* Random bits of this thread that no id took yet: to ask the kernel for each costs more than all else about an id. */
static _Thread_local struct {
    uint64_t bits[DRAWN_MAX];
    size_t left;
} drawn;

static _Atomic uint64_t next_for_test;

static void forget_drawn(void)
{
    drawn.left = 0;
}

/* What was drawn before a fork belongs to the parent. */
static void watch_forks(void)
{
    if (pthread_atfork(NULL, NULL, forget_drawn) != 0)
        abort();
}

static uint64_t random_bits(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (drawn.left == 0) {
        (void)pthread_once(&once, watch_forks); /* can't fail with a valid `once` */
        while (getrandom(drawn.bits, sizeof(drawn.bits), 0) != (ssize_t)sizeof(drawn.bits)) {
            if (errno != EINTR)
                abort();
        }
        drawn.left = COUNT(drawn.bits);
    }
    return drawn.bits[--drawn.left];
}

/*
 * Every id takes new random bits, so that a process and its fork differ. Within a millisecond, and when the clock went
 * back, the number grows by a random step; an overflow borrows the next millisecond.
 */
static void advance(struct position *position)
{
    uint64_t now = (uint64_t)(clock_now() / CLOCK_MS);
    uint64_t bits = random_bits();

    if (now > position->ms) {
        /* The top bit stays free, as room to count. */
        *position =
            (struct position){.ms = now, .high = (bits >> 52) & (HIGH_MAX >> 1), .low = random_bits() & LOW_MASK};
        return;
    }
    position->low += 1 + (bits & UINT32_MAX);
    if (position->low <= LOW_MASK)
        return;
    position->low &= LOW_MASK;
    position->high++;
    if (position->high <= HIGH_MAX)
        return;
    position->high = 0;
    position->ms++;
}

/* Writes eight bytes as 16 hex digits. */
static void write_hex(char *out, uint64_t value)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 15; i >= 0; i--) {
        out[i] = digits[value & 15];
        value >>= 4;
    }
}

static void write_uuid(char text[ID_TEXT], uint64_t first, uint64_t second)
{
    char hex[32];

    write_hex(hex, first);
    write_hex(hex + 16, second);
    memcpy(text, hex, 8);
    text[8] = '-';
    memcpy(text + 9, hex + 8, 4);
    text[13] = '-';
    memcpy(text + 14, hex + 12, 4);
    text[18] = '-';
    memcpy(text + 19, hex + 16, 4);
    text[23] = '-';
    memcpy(text + 24, hex + 20, 12);
    text[36] = '\0';
}

void id_make(char text[ID_TEXT])
{
    const uint64_t version = UINT64_C(7) << 12;
    const uint64_t variant = UINT64_C(2) << LOW_BITS;

    if (atomic_load_explicit(&next_for_test, memory_order_relaxed) != 0) {
        write_uuid(text, version, variant | atomic_fetch_add(&next_for_test, 1));
        return;
    }
    advance(&last);
    write_uuid(text, last.ms << 16 | version | last.high, variant | last.low);
}

char *id_new(struct arena *arena)
{
    char *text = arena_alloc(arena, ID_TEXT);

    id_make(text);
    return text;
}

bool id_is_valid(const char *text)
{
    for (int i = 0; i < ID_TEXT - 1; i++) {
        char c = text[i];
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return text[ID_TEXT - 1] == '\0';
}

void id_count_for_test(void)
{
    atomic_store(&next_for_test, 1);
}

void id_real_again(void)
{
    atomic_store(&next_for_test, 0);
}
