/*
 * Settings from the environment: values, fallbacks, and what is said when they don't fit.
 */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

static const struct setting common[] = {
    {"WAYBILL_DATABASE", SETTING_TEXT, NULL, 0, 0, "where PostgreSQL is"},
    {"WAYBILL_PORT", SETTING_INT, "8080", 1, 65535, "port of the HTTP server"},
    {NULL},
};

static const struct setting own[] = {
    {"WAYBILL_KEY", SETTING_SECRET, "dev", 0, 0, "key of the signatures"},
    {"WAYBILL_OFFSET", SETTING_INT, "0", 0, 0, "seconds added"},
    {"WAYBILL_SMTP", SETTING_TEXT, "", 0, 0, "mail server"},
    {NULL},
};

static struct arena *arena;
static int ends[2];
static int standard_error;

/* Standard error goes into a pipe while a test runs. */
static void set_up(void)
{
    arena = arena_new((size_t)1 << 16);
    setenv("WAYBILL_DATABASE", "dbname=x", 1);
    for (const char **name = (const char *[]){"WAYBILL_PORT", "WAYBILL_KEY", "WAYBILL_OFFSET", "WAYBILL_SMTP", NULL};
         *name != NULL; name++)
        unsetenv(*name);
    ck_assert_int_eq(pipe(ends), 0);
    standard_error = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
}

static void tear_down(void)
{
    dup2(standard_error, STDERR_FILENO);
    arena_free(arena);
}

static const char *said(void)
{
    static char text[2000];

    close(ends[1]);
    dup2(standard_error, STDERR_FILENO);
    size_t size = 0;
    for (ssize_t more; (more = read(ends[0], text + size, sizeof(text) - 1 - size)) > 0;)
        size += (size_t)more;
    text[size] = '\0';
    return text;
}

START_TEST(settings_that_are_not_set_take_their_fallback)
{
    const struct config *config = config_read(arena, common, own);

    ck_assert_ptr_nonnull(config);
    ck_assert_str_eq(config_text(config, "WAYBILL_DATABASE"), "dbname=x");
    ck_assert_int_eq(config_int(config, "WAYBILL_PORT"), 8080);
    ck_assert_str_eq(config_text(config, "WAYBILL_KEY"), "dev");
    ck_assert_int_eq(config_int(config, "WAYBILL_OFFSET"), 0);
    ck_assert_str_eq(config_text(config, "WAYBILL_SMTP"), "");
    ck_assert_str_eq(said(), "");
}
END_TEST

START_TEST(values_stay_when_the_environment_changes)
{
    setenv("WAYBILL_KEY", "s3cret", 1);
    const struct config *config = config_read(arena, common, own);

    setenv("WAYBILL_KEY", "other", 1);
    ck_assert_str_eq(config_text(config, "WAYBILL_KEY"), "s3cret");
}
END_TEST

/* Aligned columns would make these lines too long. */
/* clang-format off */
static const struct {
    const char *name;
    const char *value;
    const char *complaint; /* NULL: accepted */
} values[] = {
    { "WAYBILL_PORT", "1", NULL },
    { "WAYBILL_PORT", "65535", NULL },
    { "WAYBILL_PORT", "", NULL }, /* counts as not set */
    { "WAYBILL_PORT", "0", "WAYBILL_PORT must be an integer from 1 to 65535, but it is \"0\".\n" },
    { "WAYBILL_PORT", "65536", "WAYBILL_PORT must be an integer from 1 to 65535, but it is \"65536\".\n" },
    { "WAYBILL_PORT", "http", "WAYBILL_PORT must be an integer from 1 to 65535, but it is \"http\".\n" },
    { "WAYBILL_PORT", "80 ", "WAYBILL_PORT must be an integer from 1 to 65535, but it is \"80 \".\n" },
    { "WAYBILL_PORT", "8e3", "WAYBILL_PORT must be an integer from 1 to 65535, but it is \"8e3\".\n" },
    { "WAYBILL_OFFSET", "-9223372036854775808", NULL },
    { "WAYBILL_OFFSET", "9223372036854775808",
      "WAYBILL_OFFSET must be an integer, but it is \"9223372036854775808\".\n" },
    { "WAYBILL_DATABASE", "", "WAYBILL_DATABASE is required: where PostgreSQL is.\n" },
};
/* clang-format on */

START_TEST(a_value_that_does_not_fit_stops_the_start_with_a_sentence)
{
    setenv(values[_i].name, values[_i].value, 1);
    const struct config *config = config_read(arena, common, own);

    ck_assert_int_eq(config != NULL, values[_i].complaint == NULL);
    ck_assert_str_eq(said(), values[_i].complaint != NULL ? values[_i].complaint : "");
}
END_TEST

START_TEST(everything_that_is_wrong_is_said_at_once)
{
    unsetenv("WAYBILL_DATABASE");
    setenv("WAYBILL_PORT", "x", 1);
    setenv("WAYBILL_OFFSET", "y", 1);

    ck_assert_ptr_null(config_read(arena, common, own));
    ck_assert_str_eq(said(), "WAYBILL_DATABASE is required: where PostgreSQL is.\n"
                             "WAYBILL_PORT must be an integer from 1 to 65535, but it is \"x\".\n"
                             "WAYBILL_OFFSET must be an integer, but it is \"y\".\n");
}
END_TEST

START_TEST(either_table_may_be_missing)
{
    ck_assert_str_eq(config_text(config_read(arena, NULL, own), "WAYBILL_KEY"), "dev");
    ck_assert_int_eq(config_int(config_read(arena, common, NULL), "WAYBILL_PORT"), 8080);
    ck_assert_ptr_nonnull(config_read(arena, NULL, NULL));
}
END_TEST

START_TEST(a_setting_that_is_not_listed_is_a_bug)
{
    (void)config_text(config_read(arena, common, own), "WAYBILL_OTHER");
}
END_TEST

START_TEST(a_text_read_as_an_integer_is_a_bug)
{
    (void)config_int(config_read(arena, common, own), "WAYBILL_DATABASE");
}
END_TEST

START_TEST(help_lists_every_setting_but_no_secret)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    config_help(out, common, own);
    fclose(out);
    ck_assert_str_eq(text, "Settings come from the environment; an empty one counts as not set.\n"
                           "  WAYBILL_DATABASE                 where PostgreSQL is (required)\n"
                           "  WAYBILL_PORT                     port of the HTTP server (1 to 65535; default 8080)\n"
                           "  WAYBILL_KEY                      key of the signatures (secret; has a default)\n"
                           "  WAYBILL_OFFSET                   seconds added (default 0)\n"
                           "  WAYBILL_SMTP                     mail server (default: empty)\n");
    free(text);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, settings_that_are_not_set_take_their_fallback);
    tcase_add_test(tests, values_stay_when_the_environment_changes);
    ADD_TABLE_TEST(tests, a_value_that_does_not_fit_stops_the_start_with_a_sentence, values);
    tcase_add_test(tests, everything_that_is_wrong_is_said_at_once);
    tcase_add_test(tests, either_table_may_be_missing);
    tcase_add_test_raise_signal(tests, a_setting_that_is_not_listed_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(tests, a_text_read_as_an_integer_is_a_bug, SIGABRT);
    tcase_add_test(tests, help_lists_every_setting_but_no_secret);
}

RUN_SUITE(config, add_tests)
