/* form: what the API takes as parameters, and that nothing else passes. */
#include <stdio.h>
#include <string.h>

#include "form.h"
#include "suite.h"

static struct arena *arena;
static struct form form;
static struct form_error error;

/* clang-format off */
static const struct form_spec specs[] = {
    { "amount",         FORM_INT, 1, 100 },
    { "final_capture",  FORM_BOOL },
    { "reason",         FORM_CHOICE, .choices = "duplicate fraudulent" },
    { "success_url",    FORM_URL },
    { "currency",       FORM_CURRENCY },
    { "name",           FORM_TEXT, .most = 5, .required = true },
    { "lines[#][unit]", FORM_INT, 0, 1000 },
    { "metadata[*]",    FORM_TEXT },
    { "expand[]",       FORM_TEXT },
    { NULL },
};
/* clang-format on */

static bool read(const char *text)
{
    error = (struct form_error){0};
    return form_parse(arena, text, strlen(text), &form, &error) && form_check(arena, &form, specs, &error);
}

static void setup(void)
{
    arena = arena_new(16 * 1024 * 1024);
}

static void teardown(void)
{
    arena_free(arena);
}

static const char *const good[] = {
    "name=a",
    "name=a&amount=1",
    "name=a&amount=100&final_capture=false",
    "name=a&reason=duplicate",
    "name=a&success_url=https%3A%2F%2Fshop%2Freturn%3Fs%3D%7BCHECKOUT_SESSION_ID%7D",
    "name=a&currency=eur",
    "name=a&lines[0][unit]=0&lines%5B1%5D%5Bunit%5D=1000",
    "name=a&metadata[payment_id]=p-1&metadata[other]=",
    "name=a&expand[]=x&expand[]=y&expand[2]=z",
    "&&name=a&",
    "name=%C3%A4",
};

START_TEST(what_is_listed_passes)
{
    ck_assert_msg(read(good[_i]), "%s: %s", good[_i], error.message);
}
END_TEST

static const struct {
    const char *text;
    const char *code;
    const char *param;
} bad[] = {
    /* Misspelt, of another level, or with something behind it. */
    {"name=a&amont=1", "parameter_unknown", "amont"},
    {"name=a&Amount=1", "parameter_unknown", "Amount"},
    {"name=a&amount[0]=1", "parameter_unknown", "amount[0]"},
    {"name=a&lines[0][amount]=1", "parameter_unknown", "lines[0][amount]"},
    {"name=a&lines[x][unit]=1", "parameter_unknown", "lines[x][unit]"},
    {"name=a&lines[][unit]=1", "parameter_unknown", "lines[][unit]"},
    {"name=a&lines[0000][unit]=1", "parameter_unknown", "lines[0000][unit]"},
    {"name=a&metadata=1", "parameter_unknown", "metadata"},
    {"name=a&metadata[]=1", "parameter_unknown", "metadata[]"},
    {"name=a&metadata[a][b]=1", "parameter_unknown", "metadata[a][b]"},
    {"name=a&expand=x", "parameter_unknown", "expand"},
    {"name=a&expand[x]=x", "parameter_unknown", "expand[x]"},

    /* Of another type or out of range. */
    {"name=a&amount=0", "parameter_invalid_integer", "amount"},
    {"name=a&amount=101", "parameter_invalid_integer", "amount"},
    {"name=a&amount=-1", "parameter_invalid_integer", "amount"},
    {"name=a&amount=19.99", "parameter_invalid_integer", "amount"},
    {"name=a&amount=1e2", "parameter_invalid_integer", "amount"},
    {"name=a&amount=%201", "parameter_invalid_integer", "amount"},
    {"name=a&amount=9223372036854775808", "parameter_invalid_integer", "amount"},
    {"name=a&amount=", "parameter_invalid_empty", "amount"},
    {"name=a&final_capture=maybe", NULL, "final_capture"},
    {"name=a&final_capture=1", NULL, "final_capture"},
    {"name=a&reason=because", NULL, "reason"},
    {"name=a&reason=duplicate+fraudulent", NULL, "reason"},
    {"name=a&success_url=ftp%3A%2F%2Fshop", "url_invalid", "success_url"},
    {"name=a&success_url=http%3A%2F%2Fshop%2F%0D%0AX%3A1", "url_invalid", "success_url"},
    {"name=a&currency=EUR", NULL, "currency"},
    {"name=a&currency=euros", NULL, "currency"},
    {"name=a&currency=zzz", NULL, "currency"},
    {"name=toolong", NULL, "name"},

    /* Missing, given twice, unreadable. */
    {"", "parameter_missing", "name"},
    {"amount=1", "parameter_missing", "name"},
    {"name=a&name=b", NULL, "name"},
    {"name=a&metadata[k]=1&metadata[k]=2", NULL, "metadata[k]"},
    {"name=a&=b", NULL, NULL},
    {"name=a&[x]=b", NULL, NULL},
    {"name=a&x[=b", NULL, NULL},
    {"name=a&x]=b", NULL, NULL},
    {"name=a&x[y]z=b", NULL, NULL},
    {"name=a&x[a][b][c][d][e][f]=b", NULL, NULL},
    {"name=%", NULL, NULL},
    {"name=%zz", NULL, NULL},
    {"name=%ff", NULL, NULL},
    {"name=a%00b", NULL, NULL},
};

START_TEST(what_is_not_listed_is_refused_by_name)
{
    ck_assert_msg(!read(bad[_i].text), "%s passed", bad[_i].text);
    ck_assert_ptr_nonnull(error.message);
    ck_assert_pstr_eq(error.code, bad[_i].code);
    ck_assert_pstr_eq(error.param, bad[_i].param);
}
END_TEST

START_TEST(messages_are_stripes)
{
    ck_assert(!read("name=a&amont=1"));
    ck_assert_str_eq(error.message, "Received unknown parameter: amont");
    ck_assert(!read("amount=1"));
    ck_assert_str_eq(error.message, "Missing required param: name.");
    ck_assert(!read("name=a&amount=abc"));
    ck_assert_str_eq(error.message, "Invalid integer: abc");
}
END_TEST

START_TEST(a_form_has_limits)
{
    char text[FORM_VALUE_MAX + 100] = "name=a";
    char many[FORM_PARAMS_MAX * 20] = "name=a";
    size_t size = strlen(many);

    memset(text + 6, 'a', FORM_VALUE_MAX);
    ck_assert(!read(text));
    ck_assert_pstr_eq(error.param, "name");

    for (int i = 0; i < FORM_PARAMS_MAX; i++)
        size += (size_t)snprintf(many + size, sizeof(many) - size, "&expand[]=%d", i);
    ck_assert(!read(many));
    ck_assert_str_eq(error.message, "Invalid form: it has too many parameters.");
}
END_TEST

START_TEST(metadata_has_limits)
{
    char text[64 * METADATA_KEYS_MAX] = "name=a";
    char long_value[METADATA_VALUE_MAX + 64] = "name=a&metadata[k]=";
    size_t size = strlen(text);

    for (int i = 0; i < METADATA_KEYS_MAX; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "&metadata[k%d]=v", i);
    ck_assert(read(text));
    (void)snprintf(text + size, sizeof(text) - size, "&metadata[more]=v");
    ck_assert(!read(text));

    ck_assert(read("name=a&metadata[1234567890123456789012345678901234567890]=v"));
    ck_assert(!read("name=a&metadata[12345678901234567890123456789012345678901]=v"));

    size = strlen(long_value);
    memset(long_value + size, 'v', METADATA_VALUE_MAX);
    ck_assert(read(long_value));
    long_value[size + METADATA_VALUE_MAX] = 'v';
    ck_assert(!read(long_value));
}
END_TEST

START_TEST(values_are_found_by_name)
{
    ck_assert(read("name=a+b%26c&amount=7&final_capture=false&expand[]=x&expand[]=y&metadata[p]=%22q%22&metadata[gone]="
                   "&lines[2][unit]=5"));

    ck_assert_str_eq(form_text(&form, "name"), "a b&c");
    ck_assert_int_eq(form_int(&form, "amount", 1), 7);
    ck_assert_int_eq(form_int(&form, "missing", 3), 3);
    ck_assert(!form_bool(&form, "final_capture", true));
    ck_assert(form_bool(&form, "missing", true));
    ck_assert_ptr_null(form_text(&form, "missing"));
    ck_assert_uint_eq(form_list(arena, &form, "expand").count, 2);
    ck_assert_str_eq(form_list(arena, &form, "expand").items[1], "y");
    ck_assert_str_eq(form_map(arena, &form, "metadata"), "{\"p\":\"\\\"q\\\"\"}");
    ck_assert_str_eq(form_map(arena, &form, "meta"), "{}");
    ck_assert_uint_eq(form_rows(&form, "lines"), 3);
    ck_assert_uint_eq(form_rows(&form, "lin"), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    ADD_TABLE_TEST(tests, what_is_listed_passes, good);
    ADD_TABLE_TEST(tests, what_is_not_listed_is_refused_by_name, bad);
    tcase_add_test(tests, messages_are_stripes);
    tcase_add_test(tests, a_form_has_limits);
    tcase_add_test(tests, metadata_has_limits);
    tcase_add_test(tests, values_are_found_by_name);
}

RUN_SUITE(form, add_tests)
