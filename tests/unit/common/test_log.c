/*
 * Lines of the log: what they hold, and that they are JSON whatever is put in.
 */
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ctx.h"
#include "json.h"
#include "suite.h"

#define HEAD "{\"time\":\"2026-11-22T06:48:47.000000Z\",\"level\":\"info\",\"service\":\"order\",\"message\":"

static struct arena *arena;
static int ends[2];
static int standard_error;

/* Standard error goes into a pipe while a test runs. */
static void set_up(void)
{
    arena = arena_new((size_t)1 << 20);
    clock_set_for_test(INT64_C(1795330127000000));
    log_open("order", LOG_INFO);
    ck_assert_int_eq(pipe(ends), 0);
    standard_error = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
}

static void tear_down(void)
{
    dup2(standard_error, STDERR_FILENO);
    arena_free(arena);
}

/* What one write put into the pipe. */
static const char *written(void)
{
    static char line[LOG_LINE_MAX * 2];
    ssize_t size = read(ends[0], line, sizeof(line) - 1);

    ck_assert_int_ge(size, 0);
    line[size] = '\0';
    return line;
}

static bool is_json(const char *line)
{
    const struct record nothing = {.name = "nothing"};
    struct ctx ctx = {.arena = arena};

    return json_decode(&ctx, &nothing, line, strlen(line), JSON_OPEN, arena) == ERR_NONE;
}

START_TEST(a_line_has_time_level_service_message_and_fields)
{
    log_info(NULL, "order placed", LOG_TEXT("order_id", "o-1"), LOG_INT("lines", -3), LOG_TEXT("note", NULL));

    ck_assert_str_eq(written(), HEAD "\"order placed\",\"order_id\":\"o-1\",\"lines\":-3,\"note\":\"\"}\n");
}
END_TEST

START_TEST(a_line_may_have_no_fields)
{
    log_info(NULL, "started");
    ck_assert_str_eq(written(), HEAD "\"started\"}\n");
}
END_TEST

START_TEST(a_line_tells_which_journey_it_belongs_to)
{
    struct ctx ctx = {
        .trace = {.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", .correlation_id = "c-1"},
    };

    log_info(&ctx, "x");
    ck_assert_str_eq(written(), HEAD "\"x\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","
                                     "\"correlation_id\":\"c-1\"}\n");

    log_info(&(struct ctx){0}, "x");
    ck_assert_str_eq(written(), HEAD "\"x\"}\n");
}
END_TEST

START_TEST(lower_levels_are_not_written)
{
    log_open("order", LOG_WARNING);
    ck_assert(!log_wants(LOG_DEBUG) && !log_wants(LOG_INFO) && log_wants(LOG_WARNING) && log_wants(LOG_ERROR));

    log_debug(NULL, "one");
    log_info(NULL, "two");
    log_warning(NULL, "three");
    ck_assert_ptr_nonnull(strstr(written(), "\"level\":\"warning\",\"service\":\"order\",\"message\":\"three\"}\n"));
    log_error(NULL, "four");
    ck_assert_ptr_nonnull(strstr(written(), "\"level\":\"error\""));
}
END_TEST

START_TEST(text_is_escaped_and_what_is_not_utf8_is_replaced)
{
    log_info(NULL, "a \"b\"\n", LOG_TEXT("x", "ok \xc3\xa4 \xff-\xc3("));
    ck_assert_str_eq(written(), HEAD "\"a \\\"b\\\"\\n\",\"x\":\"ok \xc3\xa4 ?-?(\"}\n");
}
END_TEST

START_TEST(a_long_text_is_cut_between_characters)
{
    char text[1026] = {0};

    memset(text, 'a', 1023);
    memcpy(text + 1023, "\xc3\xa4", 2);
    log_info(NULL, text);
    const char *line = written();

    ck_assert(is_json(line));
    ck_assert_ptr_nonnull(strstr(line, "aaa\",\"cut\":true}\n"));
    ck_assert_ptr_null(strchr(line, '\xc3'));
    ck_assert_ptr_null(strchr(line, '?'));
}
END_TEST

START_TEST(a_text_of_exactly_the_maximum_is_whole)
{
    char text[1025] = {0};

    memset(text, 'a', 1024);
    log_info(NULL, text);
    ck_assert_ptr_null(strstr(written(), "cut"));
}
END_TEST

START_TEST(a_full_line_leaves_fields_out_and_says_so)
{
    char text[1001] = {0};

    memset(text, '\x01', 1000); /* six bytes each */
    log_info(NULL, "x", LOG_TEXT("huge", text), LOG_INT("small", 7));
    const char *line = written();

    ck_assert_str_eq(line, HEAD "\"x\",\"small\":7,\"cut\":true}\n");
}
END_TEST

START_TEST(a_line_never_passes_its_maximum)
{
    char text[1001] = {0};

    memset(text, 'a', 1000);
    for (int last = 0; last < 1000; last++) {
        char tail[1001] = {0};
        memset(tail, 'b', (size_t)last);
        log_info(NULL, text, LOG_TEXT("a", text), LOG_TEXT("b", text), LOG_TEXT("c", tail));
        const char *line = written();
        ck_assert_uint_le(strlen(line), LOG_LINE_MAX);
        ck_assert(is_json(line));
        arena_clear(arena);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_line_has_time_level_service_message_and_fields);
    tcase_add_test(tests, a_line_may_have_no_fields);
    tcase_add_test(tests, a_line_tells_which_journey_it_belongs_to);
    tcase_add_test(tests, lower_levels_are_not_written);
    tcase_add_test(tests, text_is_escaped_and_what_is_not_utf8_is_replaced);
    tcase_add_test(tests, a_long_text_is_cut_between_characters);
    tcase_add_test(tests, a_text_of_exactly_the_maximum_is_whole);
    tcase_add_test(tests, a_full_line_leaves_fields_out_and_says_so);
    tcase_add_test(tests, a_line_never_passes_its_maximum);
}

RUN_SUITE(log, add_tests)
