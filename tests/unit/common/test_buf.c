/*
 * Growing text, its maximum, and its escapes.
 */
#include "buf.h"

#include <string.h>

#include "suite.h"

static struct arena *arena;
static struct buf buf;

static void set_up(void)
{
    arena = arena_new((size_t)1 << 22);
    buf_init(&buf, arena, 100000);
}

static void tear_down(void)
{
    arena_free(arena);
}

START_TEST(an_empty_buffer_is_an_empty_string)
{
    ck_assert_str_eq(buf.data, "");
    buf_clear(&buf);
    ck_assert_str_eq(buf.data, "");
    buf_add(&buf, NULL, 0);
    ck_assert_str_eq(buf.data, "");
}
END_TEST

START_TEST(text_is_put_together)
{
    buf_add_text(&buf, "order ");
    buf_add_int(&buf, -42);
    buf_add_char(&buf, '/');
    buf_printf(&buf, "%s-%03d", "x", 7);
    buf_add(&buf, "yzw", 2);

    ck_assert_str_eq(buf.data, "order -42/x-007yz");
    ck_assert_uint_eq(buf.size, strlen(buf.data));
    ck_assert(!buf.overflowed);
}
END_TEST

static const struct {
    int64_t value;
    const char *text;
} integers[] = {
    {0, "0"}, {7, "7"}, {-1, "-1"}, {INT64_MAX, "9223372036854775807"}, {INT64_MIN, "-9223372036854775808"},
};

START_TEST(integers_are_written_whole)
{
    buf_add_int(&buf, integers[_i].value);
    ck_assert_str_eq(buf.data, integers[_i].text);
}
END_TEST

START_TEST(long_formatted_text_is_whole)
{
    for (int width = 250; width < 260; width++) {
        buf_clear(&buf);
        buf_printf(&buf, "%*d", width, 5);
        ck_assert_uint_eq(buf.size, (size_t)width);
        ck_assert_int_eq(buf.data[width - 1], '5');
    }
}
END_TEST

START_TEST(it_grows_to_its_maximum_and_not_beyond)
{
    for (int i = 0; i < 100000; i++)
        buf_add_char(&buf, 'a');
    ck_assert(!buf.overflowed);
    ck_assert_uint_eq(strlen(buf.data), 100000);

    buf_add_char(&buf, 'b');
    ck_assert(buf.overflowed);
    ck_assert_uint_eq(strlen(buf.data), 100000);
}
END_TEST

START_TEST(after_an_overflow_nothing_more_is_added)
{
    buf_init(&buf, arena, 5);
    buf_add_text(&buf, "abc");
    buf_add_text(&buf, "def");
    buf_add_text(&buf, "g");

    ck_assert(buf.overflowed);
    ck_assert_str_eq(buf.data, "abc");
    buf_cut(&buf, 2);
    buf_add_text(&buf, "xyz");
    ck_assert(!buf.overflowed);
    ck_assert_str_eq(buf.data, "abxyz");
}
END_TEST

START_TEST(a_fixed_buffer_needs_no_arena)
{
    char memory[4];

    buf_init_fixed(&buf, memory, sizeof(memory));
    buf_add_text(&buf, "abc");
    ck_assert(!buf.overflowed);
    ck_assert_ptr_eq(buf.data, memory);
    ck_assert_str_eq(buf.data, "abc");
    buf_add_char(&buf, 'd');
    ck_assert(buf.overflowed);
}
END_TEST

static const struct {
    const char *text;
    const char *json;
} json_texts[] = {
    {"", "\"\""},
    {"cup", "\"cup\""},
    {"say \"hi\"", "\"say \\\"hi\\\"\""},
    {"a\\b", "\"a\\\\b\""},
    {"a/b", "\"a/b\""},
    {"\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\""},
    {"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
};

START_TEST(text_is_escaped_for_json)
{
    buf_add_json(&buf, json_texts[_i].text);
    ck_assert_str_eq(buf.data, json_texts[_i].json);
}
END_TEST

static const struct {
    const char *text;
    const char *html;
} html_texts[] = {
    {"", ""},
    {"plain", "plain"},
    {"<a href=\"x\">Tom & 'Jerry'</a>", "&lt;a href=&quot;x&quot;&gt;Tom &amp; &#39;Jerry&#39;&lt;/a&gt;"},
    {"&amp;", "&amp;amp;"},
};

START_TEST(text_is_escaped_for_html)
{
    buf_add_html(&buf, html_texts[_i].text);
    ck_assert_str_eq(buf.data, html_texts[_i].html);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_empty_buffer_is_an_empty_string);
    tcase_add_test(tests, text_is_put_together);
    ADD_TABLE_TEST(tests, integers_are_written_whole, integers);
    tcase_add_test(tests, long_formatted_text_is_whole);
    tcase_add_test(tests, it_grows_to_its_maximum_and_not_beyond);
    tcase_add_test(tests, after_an_overflow_nothing_more_is_added);
    tcase_add_test(tests, a_fixed_buffer_needs_no_arena);
    ADD_TABLE_TEST(tests, text_is_escaped_for_json, json_texts);
    ADD_TABLE_TEST(tests, text_is_escaped_for_html, html_texts);
}

RUN_SUITE(buf, add_tests)
