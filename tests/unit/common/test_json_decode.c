/*
 * Structs from JSON text: what is taken, what is refused, and every complaint word for word.
 */
#include <string.h>

#include "clock.h"
#include "json.h"
#include "sample.h"
#include "suite.h"

#define ID "\"id\":\"0192f3a1-7c2e-7d4b-9a10-5e6f7a8b9c0d\""
#define TOTAL "\"total\":{\"amount\":1999,\"currency\":\"EUR\"}"
#define ADDRESS "\"address\":{\"street\":\"Main St 1\"}"
#define LINE "{\"sku\":\"CUP\",\"quantity\":2}"
#define LINES "\"lines\":[" LINE "]"
#define LEAST ID "," TOTAL "," ADDRESS "," LINES /* all that is required */

#define WITH(member) "{" LEAST "," member "}"

static struct ctx ctx;
static struct sample sample;

static void set_up(void)
{
    memset(&ctx, 0, sizeof(ctx));
    ctx.arena = arena_new((size_t)1 << 22);
}

static void tear_down(void)
{
    arena_free(ctx.arena);
}

static enum err decode(const char *text, enum json_mode mode)
{
    return json_decode(&ctx, &sample_record, text, strlen(text), mode, &sample);
}

START_TEST(the_least_that_is_required_is_enough)
{
    ck_assert_int_eq(decode("{" LEAST "}", JSON_CLOSED), ERR_NONE);

    ck_assert_str_eq(sample.id, "0192f3a1-7c2e-7d4b-9a10-5e6f7a8b9c0d");
    ck_assert(money_equal(sample.total, money_of(1999, "EUR")));
    ck_assert_str_eq(sample.address.street, "Main St 1");
    ck_assert_uint_eq(sample.lines.count, 1);
    ck_assert_str_eq(sample.lines.items[0].sku, "CUP");
    ck_assert_int_eq(sample.lines.items[0].quantity, 2);
    ck_assert_int_eq(ctx.problem.kind, ERR_NONE);
}
END_TEST

START_TEST(absent_members_take_their_fallback_or_stay_empty)
{
    memset(&sample, 0x55, sizeof(sample));
    ck_assert_int_eq(decode("{" LEAST ",\"billing\":{\"street\":\"x\"}}", JSON_CLOSED), ERR_NONE);

    ck_assert_int_eq(sample.copies, 1);
    ck_assert(sample.news);
    ck_assert_int_eq(sample.address.floor, 1);
    ck_assert_int_eq(sample.billing->floor, 1);
    ck_assert_ptr_null(sample.name);
    ck_assert_ptr_null(sample.data);
    ck_assert_int_eq(sample.points, 0);
    ck_assert_int_eq(sample.placed_at, 0);
    ck_assert_int_eq(sample.state, SAMPLE_NEW);
    ck_assert_str_eq(sample.lines.items[0].price.currency, "");
    ck_assert_uint_eq(sample.tags.count, 0);
}
END_TEST

START_TEST(every_type_of_member_is_read)
{
    const char *text = WITH("\"email\":\"a@b\",\"name\":\"Anna\",\"channel\":\"shop\",\"site\":\"https://x.y\","
                            "\"locale\":\"de-AT\",\"state\":\"shipped\",\"copies\":9,\"points\":-9007199254740991,"
                            "\"gift\":true,\"news\":false,\"placed_at\":\"2026-11-22T07:48:47+01:00\","
                            "\"data\": {\"a\": [1, 2.5e3]} ,\"billing\":{\"street\":\"Side St\",\"floor\":-2},"
                            "\"tags\":[\"a\",\"b\"]");
    ck_assert_int_eq(decode(text, JSON_CLOSED), ERR_NONE);

    ck_assert_str_eq(sample.email, "a@b");
    ck_assert_str_eq(sample.channel, "shop");
    ck_assert_int_eq(sample.state, SAMPLE_SHIPPED);
    ck_assert_int_eq(sample.copies, 9);
    ck_assert_int_eq(sample.points, -MONEY_MAX);
    ck_assert(sample.gift && !sample.news);
    ck_assert_int_eq(sample.placed_at, INT64_C(1795330127000000));
    ck_assert_str_eq(sample.data, "{\"a\": [1, 2.5e3]}");
    ck_assert_str_eq(sample.billing->street, "Side St");
    ck_assert_int_eq(sample.billing->floor, -2);
    ck_assert_uint_eq(sample.tags.count, 2);
    ck_assert_str_eq(sample.tags.items[1], "b");
}
END_TEST

START_TEST(members_may_come_in_any_order_and_null_is_absent)
{
    const char *text = "{\"tags\":null,\"copies\":null,\"name\":null,\"billing\":null,\"data\":null,\"lines\":[{"
                       "\"quantity\":3,\"notes\":[\"x\"],\"sku\":\"A\"}]," ADDRESS "," TOTAL "," ID "}";

    ck_assert_int_eq(decode(text, JSON_OPEN), ERR_NONE);
    ck_assert_int_eq(sample.copies, 1);
    ck_assert_ptr_null(sample.billing);
    ck_assert_ptr_null(sample.data);
    ck_assert_str_eq(sample.lines.items[0].notes.items[0], "x");
}
END_TEST

START_TEST(unknown_members_are_skipped_whole_where_they_may_come)
{
    const char *text = "{\"new\":{\"id\":1,\"lines\":[{},[null,{\"total\":\"\\ud800\"}]]},\"more\":\"\\u0000\"," LEAST
                       ",\"x\":1.5e400,\"new\":[],\"new\":true}";

    ck_assert_int_eq(decode(text, JSON_OPEN), ERR_NONE);
    ck_assert_uint_eq(sample.lines.count, 1);
    ck_assert_str_eq(sample.id, "0192f3a1-7c2e-7d4b-9a10-5e6f7a8b9c0d");
}
END_TEST

static const struct {
    const char *json;
    const char *text;
} strings[] = {
    {"\"cup\"", "cup"},
    {"\"a\\\"b\\\\c\\/\"", "a\"b\\c/"},
    {"\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t"},
    {"\"\\u0041\\u00e4\\u20AC\"", "A\xc3\xa4\xe2\x82\xac"},
    {"\"\\ud83d\\uDE00!\"", "\xf0\x9f\x98\x80!"},
    {"\"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6\"",
     "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6"}, /* as many characters as may
be */
    {"\"x\\ud83d\\ude00y\"", "x\xf0\x9f\x98\x80y"},
    {"\"\\\\u0000\"", "\\u0000"}, /* a backslash and letters, no NUL */
    {"\"\\\\\\\\ud8\"", "\\\\ud8"},
    {"\"\xc3\xa4\xe2\x82\xac\"", "\xc3\xa4\xe2\x82\xac"},
};

START_TEST(strings_are_decoded)
{
    const char *text = arena_printf(ctx.arena, WITH("\"name\":%s"), strings[_i].json);

    ck_assert_int_eq(decode(text, JSON_CLOSED), ERR_NONE);
    ck_assert_str_eq(sample.name, strings[_i].text);
}
END_TEST

static const char *const kept[] = {
    "true",
    "false",
    "0",
    "-1.50e+3",
    "\"x\"",
    "\"\"",
    "\"\\\"\\\\\"",
    "\"\\u00e4\\n\"",
    "{}",
    "[]",
    "[ 1 ,\t2 ]",
    "{\"a\":{\"b\":null}}",
    "[[[\"\\\"]\"]]]",
    "\"\xc3\xa4\"",
};

START_TEST(any_json_is_kept_as_it_is_written)
{
    ck_assert_int_eq(decode(arena_printf(ctx.arena, "{" LEAST ",\"data\": %s }", kept[_i]), JSON_CLOSED), ERR_NONE);
    ck_assert_str_eq(sample.data, kept[_i]);
    ck_assert_int_eq(decode(arena_printf(ctx.arena, "{\"data\":%s," LEAST "}", kept[_i]), JSON_CLOSED), ERR_NONE);
    ck_assert_str_eq(sample.data, kept[_i]);
}
END_TEST

/* Text that is no JSON at all: always 400, with the place. */
/* Aligned columns would make these lines too long. */
/* clang-format off */
static const struct {
    const char *text;
    const char *detail;
} malformed[] = {
    { "", "not JSON near byte 0: premature EOF" },
    { "   ", "not JSON near byte 3: premature EOF" },
    { "{", "not JSON near byte 1: premature EOF" },
    { "{\"name\":\"a", "not JSON near byte 10: premature EOF" },
    { "{\"points\":1", "not JSON near byte 11: premature EOF" },
    { "{\"data\":1", "not JSON near byte 9: premature EOF" },
    { "{\"data\":[1", "not JSON near byte 10: premature EOF" },
    { "{\"name\":\"a\",}", "not JSON near byte 13: invalid object key (must be a string)" },
    { "{\"name\" \"a\"}", "not JSON near byte 11: object key and value must be separated by a colon (':')" },
    { "{\"points\":01}", "not JSON near byte 11: after key and value, inside map, I expect ',' or '}'" },
    { "{\"points\":+1}", "not JSON near byte 11: invalid char in json text" },
    { "{\"points\":.5}", "not JSON near byte 11: invalid char in json text" },
    { "{\"points\":NaN}", "not JSON near byte 11: invalid char in json text" },
    { "{\"points\":1e}", "not JSON near byte 12: malformed number, a digit is required after the exponent" },
    { "{\"gift\":yes}", "not JSON near byte 9: invalid char in json text" },
    { "{\"name\":'a'}", "not JSON near byte 9: invalid char in json text" },
    { "{name:\"a\"}", "not JSON near byte 2: invalid string in json text" },
    { "{\"name\":\"a\tb\"}", "not JSON near byte 10: invalid character inside string" },
    { "{\"name\":\"\\x\"}",
      "not JSON near byte 10: inside a string, '\\' occurs before a character which it may not" },
    { "{\"name\":\"\\u12g4\"}",
      "not JSON near byte 13: invalid (non-hex) character occurs after '\\u' inside string" },
    { "{} {}", "not JSON near byte 4: trailing garbage" },
    { "{}}", "not JSON near byte 3: trailing garbage" },
    { "{\"lines\":[}", "not JSON near byte 11: unallowed token at this point in JSON text" },
    { "{} // done", "not JSON near byte 3: trailing garbage" },
    { "/* a */{}", "not JSON near byte 0: probable comment found in input text, comments are not enabled" },
    { "\xef\xbb\xbf{}", "not JSON near byte 1: invalid char in json text" },
    { "{\"name\":\"\xff\"}", "not JSON near byte 9: the text is not valid UTF-8" },
    { "{\"name\":\"\xc0\x80\"}", "not JSON near byte 9: the text is not valid UTF-8" },
    { "{\"name\":\"\xed\xa0\x80\"}", "not JSON near byte 9: the text is not valid UTF-8" },
    { "[[[[[[[[[[[[[[[[[", "not JSON near byte 17: nested deeper than 16 levels" },
    { "{\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "not JSON near byte 21: nested deeper than 16 levels" },
    { "{\"data\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "not JSON near byte 24: nested deeper than 16 levels" },
};
/* clang-format on */

START_TEST(text_that_is_not_json_is_malformed)
{
    ck_assert_int_eq(decode(malformed[_i].text, JSON_OPEN), ERR_MALFORMED);
    ck_assert_int_eq(ctx.problem.kind, ERR_MALFORMED);
    ck_assert_str_eq(ctx.problem.detail, malformed[_i].detail);
    ck_assert_uint_eq(ctx.problem.error_count, 0);
}
END_TEST

START_TEST(a_nul_in_the_text_is_malformed)
{
    ck_assert_int_eq(json_decode(&ctx, &sample_record, "{}\0", 3, JSON_OPEN, &sample), ERR_MALFORMED);
    ck_assert_str_eq(ctx.problem.detail, "not JSON near byte 2: the text is not valid UTF-8");
}
END_TEST

/* JSON that does not fit: all complaints, one on each line. */
/* Aligned columns would make these lines too long. */
/* clang-format off */
static const struct {
    const char *text;
    const char *complaints;
} invalid[] = {
    { "{}", "id is required\ntotal is required\naddress is required\nlines is required\n" },
    { "{\"id\":null," TOTAL "," ADDRESS "," LINES "}", "id must be a string\n" },
    { WITH("\"name\":null"), "name must be a string\n" },
    { WITH("\"copies\":null"), "copies must be an integer\n" },
    { "{\"id\":\"\"," TOTAL "," ADDRESS "," LINES "}", "id must not be empty\n" },
    { "{\"id\":7," TOTAL "," ADDRESS "," LINES "}", "id must be a string\n" },
    { "{\"id\":\"0192F3A1\"," TOTAL "," ADDRESS "," LINES "}", "id must be a UUID\n" },
    { "{" LEAST "," ID "}", "id is given twice\n" },
    { WITH("\"name\":null,\"name\":\"Anna\""), "name must be a string\nname is given twice\n" },
    { WITH("\"billing\":{\"street\":\"a\",\"street\":\"b\"}"), "billing.street is given twice\n" },
    { WITH("\"foo\":1"), "foo is not known here\n" },
    { WITH("\"foo\":{\"id\":[]},\"bar\":[{}]"), "foo is not known here\nbar is not known here\n" },
    { WITH("\"billing\":{\"street\":\"a\",\"foo\":{}}"), "billing.foo is not known here\n" },
    { WITH("\"\":1"), " is not known here\n" },
    { WITH("\"\\u0000\":1"), " is not known here\n" },
    { WITH("\"name\\u0000and much more\":\"Anna\""), "name is not known here\n" },
    { WITH("\"email\":\"anna\""), "email must be an e-mail address\n" },
    { WITH("\"email\":\"\""), "email must be an e-mail address\n" },
    { WITH("\"site\":\"ftp://x\""), "site must be an http or https URL\n" },
    { WITH("\"locale\":\"german\""), "locale must be a locale, like \"en\" or \"de-AT\"\n" },
    { WITH("\"billing\":{\"street\":\"a\",\"country\":\"aut\"}"),
      "billing.country must be a country of two letters, like \"AT\"\n" },
    { WITH("\"name\":\"\""), "name must not be empty\n" },
    { WITH("\"name\":\"A\""), "name must be at least 2 characters long\n" },
    { WITH("\"name\":\"Annabella B\""), "name must be at most 10 characters long\n" },
    { WITH("\"name\":\"\xf0\x9f\x98\x80\""), "name must be at least 2 characters long\n" },
    { WITH("\"name\":\"a\\u0000b\""), "name must not contain NUL\n" },
    { WITH("\"name\":\"\\ud800\""), "name must not contain half a surrogate pair\n" },
    { WITH("\"name\":\"\\ud800\\ud800\""), "name must not contain half a surrogate pair\n" },
    { WITH("\"name\":\"\\ud800\\u0041\""), "name must not contain half a surrogate pair\n" },
    { WITH("\"name\":\"\\ud800x\""), "name must not contain half a surrogate pair\n" },
    { WITH("\"name\":\"\\udc00\""), "name must not contain half a surrogate pair\n" },
    { WITH("\"name\":\"\\ud83d\\ude00\\ude00\""), "name must not contain half a surrogate pair\n" },
    { WITH("\"channel\":\"Web\""), "channel must be one of web, shop\n" },
    { WITH("\"channel\":\"we\""), "channel must be one of web, shop\n" },
    { WITH("\"state\":\"lost\""), "state must be one of new, paid, shipped\n" },
    { WITH("\"state\":1"), "state must be a string\n" },
    { WITH("\"copies\":0"), "copies must be at least 1\n" },
    { WITH("\"copies\":10"), "copies must be at most 9\n" },
    { WITH("\"copies\":\"1\""), "copies must be an integer\n" },
    { WITH("\"copies\":1.0"), "copies must be an integer\n" },
    { WITH("\"copies\":1e2"), "copies must be an integer\n" },
    { WITH("\"copies\":true"), "copies must be an integer\n" },
    { WITH("\"copies\":[1]"), "copies must be an integer\n" },
    { WITH("\"points\":9007199254740992"), "points must be at most 9007199254740991\n" },
    { WITH("\"points\":-9007199254740992"), "points must be at least -9007199254740991\n" },
    { WITH("\"points\":99999999999999999999999"), "points must be at most 9007199254740991\n" },
    { WITH("\"points\":-99999999999999999999999"), "points must be at least -9007199254740991\n" },
    { WITH("\"gift\":1"), "gift must be true or false\n" },
    { WITH("\"gift\":\"true\""), "gift must be true or false\n" },
    { WITH("\"placed_at\":\"yesterday\""), "placed_at must be a time like 2026-11-22T06:48:47Z\n" },
    { WITH("\"placed_at\":\"2026-11-22T06:48:47\""), "placed_at must be a time like 2026-11-22T06:48:47Z\n" },
    { WITH("\"placed_at\":1795330127"), "placed_at must be a string\n" },
    { WITH("\"data\":\"0123456789012345678901234567890123456789\""), "data must be at most 40 bytes long\n" },
    { WITH("\"data\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"), "data must be at most 40 bytes long\n" },
    { WITH("\"data\":{\"a\":[\"\\u0000\"]}"), "data must not contain NUL\n" },
    { WITH("\"data\":{\"\\ud800\":[\"\\u0000\"]},\"copies\":0"),
      "data must not contain half a surrogate pair\ncopies must be at least 1\n" },
    { WITH("\"data\":\"\\udfff\""), "data must not contain half a surrogate pair\n" },
    { WITH("\"billing\":[]"), "billing must be an object\n" },
    { WITH("\"billing\":\"x\""), "billing must be an object\n" },
    { WITH("\"billing\":{}"), "billing.street is required\n" },
    { WITH("\"billing\":{\"street\":\"a street with a long name\"}"),
      "billing.street must be at most 20 characters long\n" },
    { WITH("\"tags\":\"a\""), "tags must be an array\n" },
    { WITH("\"tags\":{\"a\":[1]}"), "tags must be an array\n" },
    { WITH("\"tags\":[\"a\",1]"), "tags[1] must be a string\n" },
    { WITH("\"tags\":[null]"), "tags[0] must be a string\n" },
    { WITH("\"tags\":[{\"a\":1},[\"b\"]]"), "tags[0] must be a string\ntags[1] must be a string\n" },
    { WITH("\"tags\":[\"a b\"]"), "tags[0] must be made of letters, digits and . _ : - only\n" },
    { WITH("\"tags\":[\"a\",\"b\",\"c\",4]"), "tags must have at most 2 items\n" },
    { "{" ID "," TOTAL "," ADDRESS ",\"lines\":[]}", "lines must have at least 1 item\n" },
    { "{" ID "," TOTAL "," ADDRESS ",\"lines\":{}}", "lines must be an array\n" },
    { "{" ID "," TOTAL "," ADDRESS ",\"lines\":[" LINE ",7]}", "lines[1] must be an object\n" },
    { "{" ID "," TOTAL "," ADDRESS ",\"lines\":[null]}", "lines[0] must be an object\n" },
    { "{" ID "," TOTAL "," ADDRESS ",\"lines\":[[" LINE "]]}", "lines[0] must be an object\n" },
    { "{" ID "," TOTAL "," ADDRESS ",\"lines\":[" LINE "," LINE "," LINE "," LINE ",{\"sku\":1}]}",
      "lines must have at most 3 items\n" },
    { "{" ID "," TOTAL "," ADDRESS ",\"lines\":[" LINE "," LINE ",{\"sku\":\"A\"}]}",
      "lines[2].quantity is required\n" },
    { "{" ID "," TOTAL "," ADDRESS ",\"lines\":[" LINE ",{\"sku\":\"A\",\"quantity\":0,\"notes\":[\"x\",false]}]}",
      "lines[1].quantity must be at least 1\nlines[1].notes[1] must be a string\n" },
    { "{" ID "," TOTAL "," ADDRESS ",\"lines\":[{\"sku\":\"A\",\"quantity\":1,\"price\":{\"amount\":-1,"
      "\"currency\":\"EUR\"}}]}",
      "lines[0].price.amount must be at least 0\n" },
    { "{" ID "," TOTAL "," ADDRESS ",\"lines\":[{\"sku\":\"A\",\"quantity\":1,\"price\":{\"amount\":100001,"
      "\"currency\":\"EUR\"}}]}",
      "lines[0].price.amount must be at most 100000\n" },
    { "{" ID ",\"total\":1," ADDRESS "," LINES "}", "total must be an object\n" },
    { "{" ID ",\"total\":{}," ADDRESS "," LINES "}", "total.amount is required\ntotal.currency is required\n" },
    { "{" ID ",\"total\":{\"amount\":1.5,\"currency\":\"EUR\"}," ADDRESS "," LINES "}",
      "total.amount must be an integer\n" },
    { "{" ID ",\"total\":{\"amount\":1,\"currency\":\"EURO\"}," ADDRESS "," LINES "}",
      "total.currency must be an ISO 4217 currency\n" },
    { "{" ID ",\"total\":{\"amount\":1,\"currency\":\"EUR\",\"exponent\":2}," ADDRESS "," LINES "}",
      "total.exponent is not known here\n" },
    { "{\"copies\":0,\"foo\":1,\"gift\":0," TOTAL "," ADDRESS "," LINES "}",
      "copies must be at least 1\nfoo is not known here\ngift must be true or false\nid is required\n" },
    { "[]", "the body must be an object\n" },
    { "[{\"id\":1}]", "the body must be an object\n" },
    { "null", "the body must be an object\n" },
    { "12", "the body must be an object\n" },
    { "\"text\"", "the body must be an object\n" },
    { "true", "the body must be an object\n" },
};
/* clang-format on */

START_TEST(json_that_does_not_fit_is_invalid_with_all_complaints)
{
    struct buf complaints;

    buf_init(&complaints, ctx.arena, 10000);
    ck_assert_int_eq(decode(invalid[_i].text, JSON_CLOSED), ERR_INVALID);
    ck_assert_int_eq(ctx.problem.kind, ERR_INVALID);
    for (size_t i = 0; i < ctx.problem.error_count; i++)
        buf_printf(&complaints, "%s %s\n", ctx.problem.errors[i].field, ctx.problem.errors[i].message);
    if (ctx.problem.error_count == 0)
        buf_printf(&complaints, "%s\n", ctx.problem.detail);
    ck_assert_str_eq(complaints.data, invalid[_i].complaints);
    ck_assert_ptr_nonnull(ctx.problem.detail);
}
END_TEST

START_TEST(a_broken_text_is_malformed_even_after_complaints)
{
    ck_assert_int_eq(decode("{\"copies\":0,\"foo\":", JSON_CLOSED), ERR_MALFORMED);
    ck_assert_uint_eq(ctx.problem.error_count, 0);
}
END_TEST

START_TEST(a_long_unknown_name_is_cut_between_characters)
{
    char name[70] = {0};

    memset(name, 'a', 63);
    memcpy(name + 63, "\xc3\xa4z", 3);
    ck_assert_int_eq(decode(arena_printf(ctx.arena, WITH("\"%s\":1"), name), JSON_CLOSED), ERR_INVALID);
    name[63] = '\0';
    ck_assert_str_eq(ctx.problem.errors[0].field, name);
}
END_TEST

START_TEST(a_flood_of_complaints_costs_no_memory)
{
    struct buf text;

    buf_init(&text, ctx.arena, (size_t)1 << 20);
    buf_add_char(&text, '{');
    for (int i = 0; i < 50000; i++)
        buf_printf(&text, "\"x%d\":1,", i);
    buf_add_text(&text, LEAST "}");
    size_t before = arena_used(ctx.arena);

    ck_assert_int_eq(decode(text.data, JSON_CLOSED), ERR_INVALID);
    ck_assert_uint_eq(ctx.problem.error_count, FIELD_ERRORS_MAX);
    ck_assert_uint_lt(arena_used(ctx.arena) - before, 20000);
}
END_TEST

START_TEST(a_list_is_read_to_its_limit)
{
    struct buf text;
    struct list list;

    buf_init(&text, ctx.arena, (size_t)1 << 20);
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "%s{\"sku\":\"S%d\",\"quantity\":%d,\"later\":[{}]}", i > 0 ? "," : "[", i, i % 999 + 1);
    buf_add_char(&text, ']');

    ck_assert_int_eq(json_decode_list(&ctx, &sample_line_record, text.data, text.size, &list), ERR_NONE);
    ck_assert_uint_eq(list.count, 1000);
    const struct sample_line *lines = list.items;
    for (int i = 0; i < 1000; i++) {
        ck_assert_str_eq(lines[i].sku, arena_printf(ctx.arena, "S%d", i));
        ck_assert_int_eq(lines[i].quantity, i % 999 + 1);
    }
}
END_TEST

START_TEST(a_list_that_does_not_fit_is_refused)
{
    const char *missing = "[{\"sku\":\"A\",\"quantity\":1},{\"sku\":\"B\"}]";
    struct list list;

    ck_assert_int_eq(json_decode_list(&ctx, &sample_line_record, missing, strlen(missing), &list), ERR_INVALID);
    ck_assert_str_eq(ctx.problem.detail, "[1].quantity is required");
    ctx_clear_problem(&ctx);
    ck_assert_int_eq(json_decode_list(&ctx, &sample_line_record, "{}", 2, &list), ERR_INVALID);
    ck_assert_str_eq(ctx.problem.detail, "the body must be an array");
    ck_assert_int_eq(json_decode_list(&ctx, &sample_line_record, "[", 1, &list), ERR_MALFORMED);
    ck_assert_int_eq(json_decode_list(&ctx, &sample_line_record, "[]", 2, &list), ERR_NONE);
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(an_array_of_strings_is_read)
{
    const char *text = "[\"a\", \"b\\n\", \"\"]";
    struct texts texts;

    ck_assert_int_eq(json_decode_texts(&ctx, text, strlen(text), &texts), ERR_NONE);
    ck_assert_uint_eq(texts.count, 3);
    ck_assert_str_eq(texts.items[1], "b\n");
    ck_assert_str_eq(texts.items[2], "");
    ck_assert_int_eq(json_decode_texts(&ctx, "[\"a\",1]", 7, &texts), ERR_INVALID);
    ck_assert_str_eq(ctx.problem.detail, "[1] must be a string");
}
END_TEST

/* The first byte after the text must not be read: sanitizers watch a copy of exact size. */
START_TEST(every_prefix_of_a_body_is_refused_and_stays_in_bounds)
{
    const char *text = WITH("\"name\":\"\\ud83d\\ude00!\",\"data\":[1,\"\\\\\\\"\"],\"tags\":[\"a\"],\"gift\":true");
    size_t size = strlen(text);

    for (size_t cut = 0; cut < size; cut++) {
        char *copy = malloc(cut + 1);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy + 1, text, cut);
        ck_assert_int_eq(json_decode(&ctx, &sample_record, copy + 1, cut, JSON_CLOSED, &sample), ERR_MALFORMED);
        free(copy);
    }
    ck_assert_int_eq(decode(text, JSON_CLOSED), ERR_NONE);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_least_that_is_required_is_enough);
    tcase_add_test(tests, absent_members_take_their_fallback_or_stay_empty);
    tcase_add_test(tests, every_type_of_member_is_read);
    tcase_add_test(tests, members_may_come_in_any_order_and_null_is_absent);
    tcase_add_test(tests, unknown_members_are_skipped_whole_where_they_may_come);
    ADD_TABLE_TEST(tests, strings_are_decoded, strings);
    ADD_TABLE_TEST(tests, any_json_is_kept_as_it_is_written, kept);
    ADD_TABLE_TEST(tests, text_that_is_not_json_is_malformed, malformed);
    tcase_add_test(tests, a_nul_in_the_text_is_malformed);
    ADD_TABLE_TEST(tests, json_that_does_not_fit_is_invalid_with_all_complaints, invalid);
    tcase_add_test(tests, a_broken_text_is_malformed_even_after_complaints);
    tcase_add_test(tests, a_long_unknown_name_is_cut_between_characters);
    tcase_add_test(tests, a_flood_of_complaints_costs_no_memory);
    tcase_add_test(tests, a_list_is_read_to_its_limit);
    tcase_add_test(tests, a_list_that_does_not_fit_is_refused);
    tcase_add_test(tests, an_array_of_strings_is_read);
    tcase_add_test(tests, every_prefix_of_a_body_is_refused_and_stays_in_bounds);
}

RUN_SUITE(json_decode, add_tests)
