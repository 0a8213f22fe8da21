/*
 * limiter - token buckets by key, in a table of fixed size.
 *
 * A bucket fills at `rate` per second up to two seconds' worth. When many keys meet, the one unused longest gives way,
 * and with it its memory of having been used: the table errs towards letting through.
 *
 * Threads: shared; each stripe of the table has its own lock.
 */
#ifndef WAYBILL_LIMITER_H
#define WAYBILL_LIMITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limiter;

#define LIMITER_BURST_S 2

/* A table for about `keys` keys; `rate` per second, 0: everything passes. Never NULL. */
struct limiter *limiter_new(int64_t rate, size_t keys);
void limiter_free(struct limiter *limiter);

/* Takes one from the key's bucket. False if it is empty; *ret_wait_s says when to come back, at least 1. */
bool limiter_take(struct limiter *limiter, const void *key, size_t size, int64_t now_us, int *ret_wait_s);

#endif
