/*
 * test_metrics - Prometheus text.
 */
#include "metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

#define THREADS 4
#define EACH 20000

static struct arena *arena;
static struct buf buf;

static void start(void)
{
    arena = arena_new(4 * 1024 * 1024);
    buf_init(&buf, arena, 1024 * 1024);
}

static void stop(void)
{
    arena_free(arena);
}

START_TEST(a_counter_has_a_line_per_series)
{
    static struct metric metric = {"test_total", "Things.", METRIC_COUNTER, "kind", "how", NULL};

    metric_add(&metric, "a", "x", 2);
    metric_add(&metric, "a", "x", 3);
    metric_add(&metric, "b", "x", 1);
    metrics_write(&buf);

    ck_assert_str_eq(buf.data, "# HELP test_total Things.\n# TYPE test_total counter\n"
                               "test_total{kind=\"b\",how=\"x\"} 1\ntest_total{kind=\"a\",how=\"x\"} 5\n");
}
END_TEST

START_TEST(label_values_are_escaped)
{
    static struct metric metric = {"test_total", "Things.", METRIC_COUNTER, "kind", NULL, NULL};

    metric_add(&metric, "a\"b\\c\nd", NULL, 1);
    metrics_write(&buf);

    ck_assert_ptr_nonnull(strstr(buf.data, "test_total{kind=\"a\\\"b\\\\c\\nd\"} 1\n"));
}
END_TEST

static int64_t forty_two(void *of)
{
    return *(int *)of;
}

START_TEST(gauges_are_set_or_asked_for)
{
    static struct metric set = {"test_set", "Set.", METRIC_GAUGE, NULL, NULL, NULL};
    static struct metric asked = {"test_asked", "Asked.", METRIC_GAUGE, NULL, NULL, NULL};
    int answer = 42;

    metric_set(&set, NULL, NULL, 5);
    metric_set(&set, NULL, NULL, -7);
    metric_ask(&asked, forty_two, &answer);
    metrics_write(&buf);

    ck_assert_ptr_nonnull(strstr(buf.data, "\ntest_set -7\n"));
    ck_assert_ptr_nonnull(strstr(buf.data, "\ntest_asked 42\n"));
}
END_TEST

START_TEST(what_is_not_among_all_becomes_zero)
{
    static struct metric metric = {"test_open", "Things.", METRIC_GAUGE, "kind", NULL, NULL};

    metric_set_all(&metric, (const char *const[]){"a", "b"}, (const int64_t[]){1, 2}, 2);
    metric_set_all(&metric, (const char *const[]){"c", "b"}, (const int64_t[]){3, 4}, 2);
    metrics_write(&buf);
    ck_assert_ptr_nonnull(
        strstr(buf.data, "test_open{kind=\"c\"} 3\ntest_open{kind=\"b\"} 4\ntest_open{kind=\"a\"} 0\n"));

    metric_set_all(&metric, NULL, NULL, 0);
    buf_init(&buf, arena, 1024 * 1024);
    metrics_write(&buf);
    ck_assert_ptr_nonnull(
        strstr(buf.data, "test_open{kind=\"c\"} 0\ntest_open{kind=\"b\"} 0\ntest_open{kind=\"a\"} 0\n"));
}
END_TEST

START_TEST(a_histogram_counts_up_through_its_buckets)
{
    static struct metric metric = {"test_seconds", "Time.", METRIC_HISTOGRAM, "route", NULL, NULL};

    metric_observe(&metric, "/a", NULL, 5000);
    metric_observe(&metric, "/a", NULL, 5001);
    metric_observe(&metric, "/a", NULL, 20000000);
    metrics_write(&buf);

    ck_assert_ptr_nonnull(strstr(buf.data, "test_seconds_bucket{route=\"/a\",le=\"0.005\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(buf.data, "test_seconds_bucket{route=\"/a\",le=\"0.01\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(buf.data, "test_seconds_bucket{route=\"/a\",le=\"10\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(buf.data, "test_seconds_bucket{route=\"/a\",le=\"+Inf\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(buf.data, "test_seconds_sum{route=\"/a\"} 20.010001\n"));
    ck_assert_ptr_nonnull(strstr(buf.data, "test_seconds_count{route=\"/a\"} 3\n"));
}
END_TEST

START_TEST(there_are_no_more_series_than_the_limit)
{
    static struct metric metric = {"test_total", "Things.", METRIC_COUNTER, "kind", NULL, NULL};
    char value[16];
    int lines = 0;

    for (int i = 0; i < METRIC_SERIES_MAX + 50; i++) {
        snprintf(value, sizeof(value), "v%d", i);
        metric_add(&metric, value, NULL, 1);
    }
    metrics_write(&buf);
    for (const char *at = buf.data; (at = strstr(at, "\ntest_total{")) != NULL; at++)
        lines++;
    ck_assert_int_eq(lines, METRIC_SERIES_MAX);
}
END_TEST

static struct metric shared = {"test_shared_total", "Things.", METRIC_COUNTER, "kind", NULL, NULL};

static void *count(void *of UNUSED)
{
    static const char *const kinds[] = {"a", "b", "c"};

    for (int i = 0; i < EACH; i++)
        metric_add(&shared, kinds[i % 3], NULL, 1);
    return NULL;
}

START_TEST(threads_lose_no_counts)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    metrics_write(&buf);

    ck_assert_ptr_nonnull(strstr(buf.data, "test_shared_total{kind=\"a\"} 26668\n"));
    ck_assert_ptr_nonnull(strstr(buf.data, "test_shared_total{kind=\"c\"} 26664\n"));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, a_counter_has_a_line_per_series);
    tcase_add_test(tests, label_values_are_escaped);
    tcase_add_test(tests, gauges_are_set_or_asked_for);
    tcase_add_test(tests, what_is_not_among_all_becomes_zero);
    tcase_add_test(tests, a_histogram_counts_up_through_its_buckets);
    tcase_add_test(tests, there_are_no_more_series_than_the_limit);
    tcase_add_test(tests, threads_lose_no_counts);
}

RUN_SUITE(metrics, add_tests)
