/* pace: rounds are the further apart the more there was to do, and at most a beat, in which all fall in. */
#include <unistd.h>

#include "clock.h"
#include "pace.h"
#include "suite.h"

#define BEAT (PACE_BEAT_MS * CLOCK_MS)

static struct pace begun(int phase_ms)
{
    struct pace pace = {.each_ms = 3, .phase_ms = phase_ms};

    pace_begin(&pace);
    return pace;
}

START_TEST(after_little_the_rest_is_short)
{
    const struct pace pace = begun(0);

    ck_assert_int_gt(pace_rest(&pace, 1), 0);
    ck_assert_int_le(pace_rest(&pace, 1), PACE_MIN_MS * CLOCK_MS);
    ck_assert_int_gt(pace_rest(&pace, 3), PACE_MIN_MS * CLOCK_MS);
    ck_assert_int_le(pace_rest(&pace, 3), 9 * CLOCK_MS);
}
END_TEST

START_TEST(after_a_rest_a_round_begins_at_once)
{
    const struct pace pace = begun(0);

    usleep(PACE_MIN_MS * 1000);
    ck_assert_int_eq(pace_rest(&pace, 1), 0);
}
END_TEST

START_TEST(after_much_it_begins_on_the_beat)
{
    const struct pace pace = begun(0);

    clock_set_for_test(1000 * BEAT + 4 * CLOCK_MS);
    ck_assert_int_eq(pace_rest(&pace, 1000), BEAT - 4 * CLOCK_MS);
    clock_set_for_test(1000 * BEAT);
    ck_assert_int_eq(pace_rest(&pace, 1000), BEAT);
    clock_set_for_test(0);
}
END_TEST

START_TEST(or_so_far_behind_it)
{
    const struct pace pace = begun(10);

    clock_set_for_test(1000 * BEAT + 4 * CLOCK_MS);
    ck_assert_int_eq(pace_rest(&pace, 1000), 6 * CLOCK_MS);
    clock_set_for_test(1000 * BEAT + 14 * CLOCK_MS);
    ck_assert_int_eq(pace_rest(&pace, 1000), BEAT - 4 * CLOCK_MS);
    clock_set_for_test(0);
}
END_TEST

START_TEST(each_side_hears_what_the_other_has_told_and_is_through_before_it_tells)
{
    for (int leads = 0; leads < 2; leads++) {
        const int heard = pace_of_hearing(leads);

        ck_assert_int_eq(heard - pace_of_telling(!leads), PACE_ARRIVED_MS);
        ck_assert_int_ge((pace_of_telling(leads) + PACE_BEAT_MS - heard) % PACE_BEAT_MS, PACE_BEAT_MS / 4);
    }
}
END_TEST

START_TEST(it_rests_as_long_as_it_says)
{
    const struct pace pace = begun(0);
    const int64_t began = clock_monotonic();

    pace_wait(&pace, 1);
    ck_assert_int_ge(clock_monotonic() - began, (PACE_MIN_MS - 1) * CLOCK_MS);
    ck_assert_int_eq(pace_rest(&pace, 1), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, after_little_the_rest_is_short);
    tcase_add_test(tests, after_a_rest_a_round_begins_at_once);
    tcase_add_test(tests, after_much_it_begins_on_the_beat);
    tcase_add_test(tests, or_so_far_behind_it);
    tcase_add_test(tests, each_side_hears_what_the_other_has_told_and_is_through_before_it_tells);
    tcase_add_test(tests, it_rests_as_long_as_it_says);
}

RUN_SUITE(pace, add_tests)
