/*
 * test_limiter - token buckets.
 */
#include "limiter.h"

#include <stdio.h>
#include <string.h>

#include "suite.h"

#define SECOND INT64_C(1000000)

static int take_all(struct limiter *limiter, const char *key, int64_t now)
{
    int taken = 0;
    int wait_s;

    while (taken < 100000 && limiter_take(limiter, key, strlen(key), now, &wait_s))
        taken++;
    return taken;
}

START_TEST(a_bucket_holds_two_seconds_worth_and_fills_at_its_rate)
{
    struct limiter *limiter = limiter_new(10, 1000);

    ck_assert_int_eq(take_all(limiter, "a", SECOND), 20);
    ck_assert_int_eq(take_all(limiter, "a", SECOND), 0);
    ck_assert_int_eq(take_all(limiter, "a", SECOND + SECOND / 2), 5);
    ck_assert_int_eq(take_all(limiter, "a", SECOND * 100), 20);
    limiter_free(limiter);
}
END_TEST

START_TEST(slow_trickles_are_not_lost)
{
    struct limiter *limiter = limiter_new(1, 1000);
    int taken = 0;

    take_all(limiter, "a", SECOND);
    for (int64_t ms = 1; ms <= 5000; ms++)
        taken += take_all(limiter, "a", SECOND + ms * 1000);
    ck_assert_int_eq(taken, 5);
    limiter_free(limiter);
}
END_TEST

START_TEST(keys_do_not_share)
{
    struct limiter *limiter = limiter_new(5, 1000);

    ck_assert_int_eq(take_all(limiter, "a", SECOND), 10);
    ck_assert_int_eq(take_all(limiter, "b", SECOND), 10);
    limiter_free(limiter);
}
END_TEST

START_TEST(who_is_refused_is_told_when_to_come_back)
{
    struct limiter *limiter = limiter_new(1, 1000);
    int wait_s = 0;

    take_all(limiter, "a", SECOND);
    ck_assert(!limiter_take(limiter, "a", 1, SECOND, &wait_s));
    ck_assert_int_ge(wait_s, 1);
    ck_assert(limiter_take(limiter, "a", 1, SECOND + wait_s * SECOND, &wait_s));
    limiter_free(limiter);
}
END_TEST

START_TEST(a_rate_of_nothing_lets_everything_through)
{
    struct limiter *limiter = limiter_new(0, 10);

    ck_assert_int_eq(take_all(limiter, "a", SECOND), 100000);
    limiter_free(limiter);
}
END_TEST

START_TEST(a_clock_that_stands_or_turns_back_gives_nothing_away)
{
    struct limiter *limiter = limiter_new(10, 1000);

    take_all(limiter, "a", SECOND * 10);
    ck_assert_int_eq(take_all(limiter, "a", SECOND), 0);
    ck_assert_int_eq(take_all(limiter, "a", SECOND * 10), 0);
    limiter_free(limiter);
}
END_TEST

START_TEST(a_flood_of_keys_stays_within_the_table)
{
    struct limiter *limiter = limiter_new(10, 100);
    char key[32];
    int wait_s;

    take_all(limiter, "mine", SECOND);
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        ck_assert(limiter_take(limiter, key, strlen(key), SECOND, &wait_s));
    }
    /* It may have been forgotten, but then it starts with a full bucket: never an error, never memory. */
    int left = take_all(limiter, "mine", SECOND);
    ck_assert(left == 0 || left == 20);
    limiter_free(limiter);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_bucket_holds_two_seconds_worth_and_fills_at_its_rate);
    tcase_add_test(tests, slow_trickles_are_not_lost);
    tcase_add_test(tests, keys_do_not_share);
    tcase_add_test(tests, who_is_refused_is_told_when_to_come_back);
    tcase_add_test(tests, a_rate_of_nothing_lets_everything_through);
    tcase_add_test(tests, a_clock_that_stands_or_turns_back_gives_nothing_away);
    tcase_add_test(tests, a_flood_of_keys_stays_within_the_table);
}

RUN_SUITE(limiter, add_tests)
