/*
 * Structs as JSON text, and back again unchanged.
 */
#include <signal.h>
#include <string.h>

#include "json.h"
#include "sample.h"
#include "suite.h"

#define ID "0192f3a1-7c2e-7d4b-9a10-5e6f7a8b9c0d"

static struct ctx ctx;

static void set_up(void)
{
    memset(&ctx, 0, sizeof(ctx));
    ctx.arena = arena_new((size_t)1 << 22);
}

static void tear_down(void)
{
    arena_free(ctx.arena);
}

static const char *encode(const struct sample *sample)
{
    return json_encode(ctx.arena, &sample_record, sample);
}

/* A sample with every member filled; its lists live as long as the process. */
static struct sample full_sample(void)
{
    static const char *notes[] = {"wrap \"it\"", "\xe2\x82\xac\n"};
    static const char *tags[] = {"a", "b"};
    static struct sample_address billing = {.street = "Side St", .country = "AT", .floor = -2};
    static struct sample_line lines[2];

    lines[0] = (struct sample_line){.sku = "CUP", .quantity = 2, .price = {1250, "EUR"}, .notes = {notes, 2}};
    lines[1] = (struct sample_line){.sku = "POT", .quantity = 1};
    return (struct sample){
        .id = ID,
        .email = "a@b",
        .name = "Anna \\",
        .channel = "web",
        .site = "http://x",
        .locale = "en",
        .state = SAMPLE_PAID,
        .copies = 3,
        .points = -MONEY_MAX,
        .gift = true,
        .news = false,
        .placed_at = INT64_C(1795330127123456),
        .total = {2500, "EUR"},
        .data = "{\"a\":[1,null]}",
        .address = {.street = "Main St", .floor = 0},
        .billing = &billing,
        .lines = {lines, 2},
        .tags = {tags, 2},
    };
}

START_TEST(members_come_in_the_order_of_the_record)
{
    struct sample sample = full_sample();

    ck_assert_str_eq(encode(&sample),
                     "{\"id\":\"" ID "\",\"email\":\"a@b\",\"name\":\"Anna \\\\\",\"channel\":\"web\","
                     "\"site\":\"http://x\",\"locale\":\"en\",\"state\":\"paid\",\"copies\":3,"
                     "\"points\":-9007199254740991,\"gift\":true,\"news\":false,"
                     "\"placed_at\":\"2026-11-22T06:48:47.123456Z\",\"total\":{\"amount\":2500,\"currency\":\"EUR\"},"
                     "\"data\":{\"a\":[1,null]},\"address\":{\"street\":\"Main St\",\"floor\":0},"
                     "\"billing\":{\"street\":\"Side St\",\"country\":\"AT\",\"floor\":-2},"
                     "\"lines\":[{\"sku\":\"CUP\",\"quantity\":2,\"price\":{\"amount\":1250,\"currency\":\"EUR\"},"
                     "\"notes\":[\"wrap \\\"it\\\"\",\"\xe2\x82\xac\\n\"]},"
                     "{\"sku\":\"POT\",\"quantity\":1,\"notes\":[]}],\"tags\":[\"a\",\"b\"]}");
}
END_TEST

START_TEST(absent_members_are_left_out_but_required_ones_and_lists_are_not)
{
    struct sample sample = {0};

    ck_assert_str_eq(encode(&sample),
                     "{\"id\":\"\",\"state\":\"new\",\"copies\":0,\"points\":0,\"gift\":false,\"news\":false,"
                     "\"total\":{\"amount\":0,\"currency\":\"\"},\"address\":{\"street\":\"\",\"floor\":0},"
                     "\"lines\":[],\"tags\":[]}");
}
END_TEST

struct strict {
    int64_t at;
    const char *data;
    struct sample_address *home;
};

START_TEST(absent_members_that_are_required_are_still_json)
{
    static RECORD(strict, FIELD_AS_TIME(strict, at, .flags = FIELD_REQUIRED),
                  FIELD_AS_JSON(strict, data, .flags = FIELD_REQUIRED),
                  FIELD_OPTIONAL_OF(strict, home, sample_address_record, .flags = FIELD_REQUIRED));
    struct strict strict = {0};

    ck_assert_str_eq(json_encode(ctx.arena, &strict_record, &strict),
                     "{\"at\":\"1970-01-01T00:00:00.000000Z\",\"data\":null,\"home\":{}}");
}
END_TEST

START_TEST(a_record_without_members_is_an_empty_object)
{
    const struct record nothing = {.name = "nothing"};

    ck_assert_str_eq(json_encode(ctx.arena, &nothing, &ctx), "{}");
}
END_TEST

START_TEST(a_state_without_a_name_is_a_bug)
{
    struct sample sample = {.state = (enum sample_state)3};

    (void)encode(&sample);
}
END_TEST

START_TEST(what_was_written_is_read_back_the_same)
{
    struct sample sample = full_sample();
    struct sample again;

    const char *text = encode(&sample);
    ck_assert_int_eq(json_decode(&ctx, &sample_record, text, strlen(text), JSON_CLOSED, &again), ERR_NONE);

    ck_assert_str_eq(encode(&again), text);
    ck_assert_str_eq(again.id, sample.id);
    ck_assert_str_eq(again.name, sample.name);
    ck_assert_int_eq(again.state, sample.state);
    ck_assert_int_eq(again.points, sample.points);
    ck_assert_int_eq(again.placed_at, sample.placed_at);
    ck_assert(money_equal(again.total, sample.total));
    ck_assert_str_eq(again.data, sample.data);
    ck_assert_int_eq(again.address.floor, 0);
    ck_assert_int_eq(again.billing->floor, -2);
    ck_assert_uint_eq(again.lines.count, 2);
    ck_assert_str_eq(again.lines.items[0].notes.items[1], "\xe2\x82\xac\n");
    ck_assert_uint_eq(again.tags.count, 2);
}
END_TEST

START_TEST(a_list_of_structs_goes_both_ways)
{
    struct sample sample = full_sample();
    struct list again;

    const char *text = json_encode_list(ctx.arena, &sample_line_record, sample.lines.items, sample.lines.count);
    ck_assert_int_eq(json_decode_list(&ctx, &sample_line_record, text, strlen(text), &again), ERR_NONE);

    ck_assert_uint_eq(again.count, 2);
    ck_assert_str_eq(json_encode_list(ctx.arena, &sample_line_record, again.items, again.count), text);
    ck_assert_str_eq(json_encode_list(ctx.arena, &sample_line_record, NULL, 0), "[]");
}
END_TEST

START_TEST(every_ascii_character_goes_both_ways)
{
    char all[128] = {0};
    struct buf buf;
    struct texts again;

    for (int c = 1; c < 128; c++)
        all[c - 1] = (char)c;
    buf_init(&buf, ctx.arena, 1000);
    buf_add_char(&buf, '[');
    buf_add_json(&buf, all);
    buf_add_char(&buf, ']');

    ck_assert_int_eq(json_decode_texts(&ctx, buf.data, buf.size, &again), ERR_NONE);
    ck_assert_str_eq(again.items[0], all);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, members_come_in_the_order_of_the_record);
    tcase_add_test(tests, absent_members_are_left_out_but_required_ones_and_lists_are_not);
    tcase_add_test(tests, absent_members_that_are_required_are_still_json);
    tcase_add_test(tests, a_record_without_members_is_an_empty_object);
    tcase_add_test_raise_signal(tests, a_state_without_a_name_is_a_bug, SIGABRT);
    tcase_add_test(tests, what_was_written_is_read_back_the_same);
    tcase_add_test(tests, a_list_of_structs_goes_both_ways);
    tcase_add_test(tests, every_ascii_character_goes_both_ways);
}

RUN_SUITE(json_encode, add_tests)
