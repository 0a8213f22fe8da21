/*
 * Times as text and back, and the replaceable clock.
 */
#include "clock.h"

#include <string.h>

#include "suite.h"

/* Microseconds, and their one spelling here. Checked against GNU date. */
static const struct {
    int64_t us;
    const char *text;
} times[] = {
    {0, "1970-01-01T00:00:00.000000Z"},
    {1, "1970-01-01T00:00:00.000001Z"},
    {-1, "1969-12-31T23:59:59.999999Z"},
    {INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z"},
    {INT64_C(1709251199999999), "2024-02-29T23:59:59.999999Z"},
    {INT64_C(1709251200000000), "2024-03-01T00:00:00.000000Z"},
    {INT64_C(1795330127123456), "2026-11-22T06:48:47.123456Z"},
    {INT64_C(4107542400000000), "2100-03-01T00:00:00.000000Z"},
    {INT64_C(-2203891200000000), "1900-03-01T00:00:00.000000Z"},
    {INT64_C(-62135596800000000), "0001-01-01T00:00:00.000000Z"},
    {INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
};

START_TEST(a_time_goes_both_ways)
{
    char text[CLOCK_TEXT];
    int64_t us;

    ck_assert_str_eq(clock_format(times[_i].us, text), times[_i].text);
    ck_assert(clock_parse(times[_i].text, strlen(times[_i].text), &us));
    ck_assert_int_eq(us, times[_i].us);
}
END_TEST

#define BASE INT64_C(1795330127000000) /* 2026-11-22T06:48:47Z */

static const struct {
    const char *text;
    int64_t us;
} spellings[] = {
    {"2026-11-22T06:48:47Z", BASE},
    {"2026-11-22t06:48:47z", BASE},
    {"2026-11-22 06:48:47Z", BASE},
    {"2026-11-22T06:48:47.1Z", BASE + 100000},
    {"2026-11-22T06:48:47.000001Z", BASE + 1},
    {"2026-11-22T06:48:47.1234569Z", BASE + 123456},
    {"2026-11-22T06:48:47.123456789123Z", BASE + 123456},
    {"2026-11-22T07:48:47+01:00", BASE},
    {"2026-11-22T12:18:47+05:30", BASE},
    {"2026-11-21T20:48:47-10:00", BASE},
    {"2026-11-22T06:48:47-00:00", BASE},
    {"2026-11-23T02:48:47+20:00", BASE},
    /* As PostgreSQL writes them. */
    {"2026-11-22 06:48:47+00", BASE},
    {"2026-11-22 06:48:47.1+00", BASE + 100000},
    {"2026-11-22 08:48:47+02", BASE},
    {"2026-11-22 03:18:47-03:30", BASE},
    {"2026-11-22 12:42:15+05:53:28", BASE},
};

START_TEST(a_time_has_several_spellings)
{
    int64_t us;

    ck_assert_msg(clock_parse(spellings[_i].text, strlen(spellings[_i].text), &us), "%s", spellings[_i].text);
    ck_assert_int_eq(us, spellings[_i].us);
}
END_TEST

static const char *const not_times[] = {
    "",
    "now",
    "2026-11-22",
    "2026-11-22T06:48",
    "2026-11-22T06:48Z",
    "2026-11-22T06:48:47",   /* no offset */
    "2026-11-22T06:48:47.Z", /* no digit after the point */
    "2026-11-22T06:48:47,1Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T06:60:00Z",
    "2026-11-22T23:59:60Z", /* a leap second */
    "2026-00-22T06:48:47Z",
    "2026-13-22T06:48:47Z",
    "2026-11-00T06:48:47Z",
    "2026-11-31T06:48:47Z",
    "2026-02-29T06:48:47Z", /* not a leap year */
    "2100-02-29T06:48:47Z", /* nor this one */
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01", /* before the first year */
    "9999-12-31T23:59:59-00:01", /* after the last one */
    "2026-11-22T06:48:47+24:00",
    "2026-11-22T06:48:47+01:60",
    "2026-11-22T06:48:47+1",
    "2026-11-22T06:48:47+01:",
    "2026-11-22T06:48:47+0100",
    "2026-11-22T06:48:47ZZ",
    "2026-11-22T06:48:47 Z",
    " 2026-11-22T06:48:47Z",
    "26-11-22T06:48:47Z",
    "+2026-11-22T06:48:47Z",
    "2026/11/22T06:48:47Z",
    "2026-11-22X06:48:47Z",
    "infinity",
};

START_TEST(another_text_is_no_time)
{
    int64_t us = 7;

    ck_assert_msg(!clock_parse(not_times[_i], strlen(not_times[_i]), &us), "%s", not_times[_i]);
    ck_assert_int_eq(us, 7);
}
END_TEST

START_TEST(a_time_may_not_hide_a_nul)
{
    int64_t us;

    ck_assert(!clock_parse("2026-11-22\0006:48:47Z", 20, &us));
    ck_assert(!clock_parse("2026-11-22T06:48:47\0", 20, &us));
}
END_TEST

START_TEST(every_day_of_four_centuries_goes_both_ways)
{
    char text[CLOCK_TEXT];
    int64_t us;

    for (int64_t day = -36524; day < 110000; day++) {
        int64_t expected = day * 86400 * CLOCK_SECOND + day;
        clock_format(expected, text);
        ck_assert(clock_parse(text, strlen(text), &us));
        ck_assert_int_eq(us, expected);
    }
}
END_TEST

START_TEST(times_without_a_spelling_are_clamped)
{
    char text[CLOCK_TEXT];

    ck_assert_str_eq(clock_format(INT64_MAX, text), "9999-12-31T23:59:59.999999Z");
    ck_assert_str_eq(clock_format(INT64_MIN, text), "0001-01-01T00:00:00.000000Z");
}
END_TEST

START_TEST(the_clock_can_be_replaced)
{
    int64_t before = clock_now();

    clock_set_for_test(42);
    ck_assert_int_eq(clock_now(), 42);
    clock_set_for_test(0);
    ck_assert_int_ge(clock_now(), before);
    ck_assert_int_gt(before, INT64_C(1700000000) * CLOCK_SECOND);
}
END_TEST

START_TEST(spans_never_jump_back)
{
    int64_t before = clock_monotonic();

    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_monotonic();
        ck_assert_int_ge(now, before);
        before = now;
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, a_time_goes_both_ways, times);
    ADD_TABLE_TEST(tests, a_time_has_several_spellings, spellings);
    ADD_TABLE_TEST(tests, another_text_is_no_time, not_times);
    tcase_add_test(tests, a_time_may_not_hide_a_nul);
    tcase_add_test(tests, every_day_of_four_centuries_goes_both_ways);
    tcase_add_test(tests, times_without_a_spelling_are_clamped);
    tcase_add_test(tests, the_clock_can_be_replaced);
    tcase_add_test(tests, spans_never_jump_back);
}

RUN_SUITE(clock, add_tests)
