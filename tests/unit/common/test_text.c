/*
 * UTF-8, formats, words, secrets, base64url, hex and integers.
 */
#include "text.h"

#include <string.h>

#include "suite.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new((size_t)1 << 20);
}

static void tear_down(void)
{
    arena_free(arena);
}

/* Bytes, and how many of them are whole characters of strict UTF-8. */
static const struct {
    const char *bytes;
    size_t size;
    size_t valid;
} utf8[] = {
    {"", 0, 0},
    {"a", 1, 1},
    {"plain text, longer than eight", 29, 29},
    {"12345678", 8, 8},
    {"1234567\0", 8, 7}, /* NUL */
    {"\0", 1, 0},
    {"12345678\xff", 9, 8},
    {"\xc2\x80", 2, 2},         /* U+0080 */
    {"\xdf\xbf", 2, 2},         /* U+07FF */
    {"\xe0\xa0\x80", 3, 3},     /* U+0800 */
    {"\xed\x9f\xbf", 3, 3},     /* U+D7FF */
    {"\xee\x80\x80", 3, 3},     /* U+E000 */
    {"\xef\xbf\xbf", 3, 3},     /* U+FFFF */
    {"\xf0\x90\x80\x80", 4, 4}, /* U+10000 */
    {"\xf4\x8f\xbf\xbf", 4, 4}, /* U+10FFFF */
    {"\x80", 1, 0},             /* starts with a continuation */
    {"\xbf", 1, 0},
    {"\xc0\x80", 2, 0},         /* overlong NUL */
    {"\xc1\xbf", 2, 0},         /* overlong */
    {"\xe0\x80\x80", 3, 0},     /* overlong */
    {"\xe0\x9f\xbf", 3, 0},     /* overlong */
    {"\xf0\x80\x80\x80", 4, 0}, /* overlong */
    {"\xf0\x8f\xbf\xbf", 4, 0}, /* overlong */
    {"\xed\xa0\x80", 3, 0},     /* first surrogate */
    {"\xed\xbf\xbf", 3, 0},     /* last surrogate */
    {"\xf4\x90\x80\x80", 4, 0}, /* above U+10FFFF */
    {"\xf5\x80\x80\x80", 4, 0},
    {"\xff\xfe", 2, 0},
    {"ab\xc3", 3, 2}, /* cut short */
    {"ab\xe2\x82", 4, 2},
    {"ab\xf0\x9f\x98", 5, 2},
    {"\xc3\x28", 2, 0}, /* no continuation */
    {"\xe2\x28\xa1", 3, 0},
    {"\xe2\x82\x28", 3, 0},
    {"\xf0\x9f\x98\x28", 4, 0},
    {"\xf0\x9f\x28\x80", 4, 0},
    {"1234567\xc3\xa4 1234567\xe2\x82\xac", 20, 20},
};

START_TEST(utf8_is_strict)
{
    ck_assert_uint_eq(utf8_valid_size(utf8[_i].bytes, utf8[_i].size), utf8[_i].valid);
    ck_assert_int_eq(utf8_is_valid(utf8[_i].bytes, utf8[_i].size), utf8[_i].valid == utf8[_i].size);
}
END_TEST

static const struct {
    enum text_format format;
    const char *text;
    bool good;
} formats[] = {
    {TEXT_ANY, "", true},
    {TEXT_ANY, "anything at all\n", true},
    {TEXT_UUID, "0192f3a1-7c2e-7d4b-9a10-5e6f7a8b9c0d", true},
    {TEXT_UUID, "0192F3A1-7C2E-7D4B-9A10-5E6F7A8B9C0D", false},
    {TEXT_UUID, "0192f3a17c2e7d4b9a105e6f7a8b9c0d", false},
    {TEXT_UUID, "0192f3a1-7c2e-7d4b-9a10-5e6f7a8b9c0", false},
    {TEXT_UUID, "0192f3a1-7c2e-7d4b-9a10-5e6f7a8b9c0dd", false},
    {TEXT_UUID, "", false},
    {TEXT_EMAIL, "anna@example.com", true},
    {TEXT_EMAIL, "a+b@localhost", true},
    {TEXT_EMAIL, "j\xc3\xb6rg@example.com", true},
    {TEXT_EMAIL, "anna", false},
    {TEXT_EMAIL, "@example.com", false},
    {TEXT_EMAIL, "anna@", false},
    {TEXT_EMAIL, "a@b@c", false},
    {TEXT_EMAIL, "an na@example.com", false},
    {TEXT_EMAIL, "anna@example.com\r\nBcc: x", false},
    {TEXT_EMAIL, "anna@example.com\x7f", false},
    {TEXT_CURRENCY, "EUR", true},
    {TEXT_CURRENCY, "eur", false},
    {TEXT_CURRENCY, "EURO", false},
    {TEXT_CURRENCY, "XXX", false},
    {TEXT_CURRENCY, "", false},
    {TEXT_COUNTRY, "AT", true},
    {TEXT_COUNTRY, "at", false},
    {TEXT_COUNTRY, "AUT", false},
    {TEXT_COUNTRY, "A", false},
    {TEXT_COUNTRY, "", false},
    {TEXT_LOCALE, "en", true},
    {TEXT_LOCALE, "de-AT", true},
    {TEXT_LOCALE, "gsw-CH", true},
    {TEXT_LOCALE, "de_AT", false},
    {TEXT_LOCALE, "de-", false},
    {TEXT_LOCALE, "de-A", false},
    {TEXT_LOCALE, "de-at", false},
    {TEXT_LOCALE, "de-AUT", false},
    {TEXT_LOCALE, "d", false},
    {TEXT_LOCALE, "deut", false},
    {TEXT_LOCALE, "", false},
    {TEXT_TOKEN, "CUP-01_a.b:c", true},
    {TEXT_TOKEN, "", false},
    {TEXT_TOKEN, "a b", false},
    {TEXT_TOKEN, "a/b", false},
    {TEXT_TOKEN, "\xc3\xa4", false},
    {TEXT_URL, "https://example.com/a?b=c#d", true},
    {TEXT_URL, "http://x", true},
    {TEXT_URL, "ftp://example.com", false},
    {TEXT_URL, "https://", false},
    {TEXT_URL, "http:///path", false},
    {TEXT_URL, "javascript:alert(1)", false},
    {TEXT_URL, "https://example.com/a b", false},
    {TEXT_URL, "HTTPS://example.com", false},
};

START_TEST(a_format_accepts_what_it_should)
{
    ck_assert_msg(text_has_format(formats[_i].text, formats[_i].format) == formats[_i].good, "%s: \"%s\"",
                  text_format_name(formats[_i].format), formats[_i].text);
}
END_TEST

static const struct {
    const char *list;
    const char *word;
    bool has;
} words[] = {
    {"orders stock", "stock", true}, {"orders stock", "orders", true},  {"orders stock", "order", false},
    {"orders stock", "tock", false}, {"orders  stock ", "stock", true}, {"orders", "", false},
    {"", "orders", false},           {NULL, "orders", false},
};

START_TEST(a_word_is_found_whole_in_a_list)
{
    ck_assert_int_eq(text_has_word(words[_i].list, words[_i].word), words[_i].has);
}
END_TEST

START_TEST(texts_and_secrets_are_compared)
{
    ck_assert(text_equal("a", "a") && text_equal(NULL, NULL));
    ck_assert(!text_equal("a", NULL) && !text_equal(NULL, "a") && !text_equal("a", "b"));
    ck_assert(text_equal_secret("s3cret", "s3cret") && text_equal_secret("", ""));
    ck_assert(!text_equal_secret("s3cret", "s3creT") && !text_equal_secret("s3cret", "s3cre"));
    ck_assert(!text_equal_secret("\xff", "\x7f"));
}
END_TEST

/* RFC 4648, section 10, without padding, and the two characters that are its own. */
static const struct {
    const char *bytes;
    const char *text;
} base64url[] = {
    {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"},
};

START_TEST(base64url_goes_both_ways)
{
    const char *bytes = base64url[_i].bytes;
    size_t size;

    ck_assert_str_eq(base64url_encode(arena, bytes, strlen(bytes)), base64url[_i].text);
    const uint8_t *decoded = base64url_decode(arena, base64url[_i].text, &size);
    ck_assert_ptr_nonnull(decoded);
    ck_assert_uint_eq(size, strlen(bytes));
    ck_assert_mem_eq(decoded, bytes, size);
}
END_TEST

/* Wrong size, padding, wrong alphabet, white space, bits that say nothing. */
static const char *const not_base64url[] = {"A", "AAAAA", "Zg==", "Zm9+", "Zm9/", "Zm 9", "Zm9v\n", "Zh", "Zm9"};

START_TEST(what_is_not_exactly_base64url_is_refused)
{
    size_t size = 99;

    ck_assert_ptr_null(base64url_decode(arena, not_base64url[_i], &size));
    ck_assert_uint_eq(size, 99);
}
END_TEST

START_TEST(hex_goes_both_ways)
{
    const uint8_t bytes[] = {0x00, 0x7f, 0xa5, 0xff};
    uint8_t decoded[4];

    ck_assert_str_eq(hex_encode(arena, bytes, sizeof(bytes)), "007fa5ff");
    ck_assert(hex_decode("007fA5Ff", decoded, sizeof(decoded)));
    ck_assert_mem_eq(decoded, bytes, sizeof(bytes));
    ck_assert(!hex_decode("007fa5f", decoded, sizeof(decoded)));
    ck_assert(!hex_decode("007fa5ff0", decoded, sizeof(decoded)));
    ck_assert(!hex_decode("007fa5fg", decoded, sizeof(decoded)));
    ck_assert(!hex_decode("", decoded, sizeof(decoded)));
}
END_TEST

static const struct {
    const char *text;
    bool good;
    int64_t value;
} integers[] = {
    {"0", true, 0},
    {"-0", true, 0},
    {"42", true, 42},
    {"-42", true, -42},
    {"007", true, 7},
    {"9223372036854775807", true, INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"99999999999999999999", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"1.0", false, 0},
    {"1e2", false, 0},
    {"--1", false, 0},
    {"0x10", false, 0},
};

START_TEST(a_whole_decimal_integer_is_read_and_nothing_else)
{
    int64_t value = 99;

    ck_assert_int_eq(text_to_int(integers[_i].text, strlen(integers[_i].text), &value), integers[_i].good);
    ck_assert_int_eq(value, integers[_i].good ? integers[_i].value : 99);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    ADD_TABLE_TEST(tests, utf8_is_strict, utf8);
    ADD_TABLE_TEST(tests, a_format_accepts_what_it_should, formats);
    ADD_TABLE_TEST(tests, a_word_is_found_whole_in_a_list, words);
    tcase_add_test(tests, texts_and_secrets_are_compared);
    ADD_TABLE_TEST(tests, base64url_goes_both_ways, base64url);
    ADD_TABLE_TEST(tests, what_is_not_exactly_base64url_is_refused, not_base64url);
    tcase_add_test(tests, hex_goes_both_ways);
    ADD_TABLE_TEST(tests, a_whole_decimal_integer_is_read_and_nothing_else, integers);
}

RUN_SUITE(text, add_tests)
