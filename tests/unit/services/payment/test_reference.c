/* reference: check digits of creditor references, and how people write them. */
#include "reference.h"

#include "suite.h"

static const struct {
    const char *body;
    const char *reference;
} known[] = {
    {"539007547034", "RF18539007547034"}, /* the example of ISO 11649 */
    {"WB1000042", "RF28WB1000042"},
    {"1", "RF741"},
};

START_TEST(check_digits_are_the_standards)
{
    struct arena *arena = arena_new(4096);

    ck_assert_str_eq(reference_make(arena, known[_i].body), known[_i].reference);
    ck_assert(reference_is_valid(known[_i].reference));
    arena_free(arena);
}
END_TEST

/* The customer's part is digits but for the two letters that every reference has. */
START_TEST(every_wrong_digit_and_every_swap_of_digits_is_noticed)
{
    const char good[] = "RF28WB1000042";
    char text[sizeof(good)];

    for (size_t at = 2; at + 1 < sizeof(good); at++) {
        if (good[at] < '0' || good[at] > '9')
            continue;
        memcpy(text, good, sizeof(good));
        for (text[at] = '0'; text[at] <= '9'; text[at]++)
            ck_assert_msg(reference_is_valid(text) == (text[at] == good[at]), "%s", text);

        memcpy(text, good, sizeof(good));
        if (good[at + 1] < '0' || good[at + 1] > '9' || good[at] == good[at + 1])
            continue;
        text[at] = good[at + 1];
        text[at + 1] = good[at];
        ck_assert_msg(!reference_is_valid(text), "%s", text);
    }
}
END_TEST

static const char *const invalid[] = {"",
                                      "RF",
                                      "RF28",
                                      "RF00",
                                      "FR28WB1000042",
                                      "RF28WB1000043",
                                      "rf28wb1000042",
                                      "RF28 WB1000042",
                                      "RF28WB10000421234567890123"};

START_TEST(what_is_no_reference_is_none)
{
    ck_assert(!reference_is_valid(invalid[_i]));
}
END_TEST

static const struct {
    const char *written;
    const char *normal;
} writings[] = {
    {"RF28 WB10 0004 2", "RF28WB1000042"},
    {" rf28-wb1000042.", "RF28WB1000042"},
    {"RF28WB1000042", "RF28WB1000042"},
    {"RF28WB1000042 thanks", "RF28WB1000042THANKS"},
    {"\xc3\xa4 / ?", ""},
    {"", ""},
};

START_TEST(a_reference_is_compared_without_its_dress)
{
    struct arena *arena = arena_new(4096);

    ck_assert_str_eq(reference_normal(arena, writings[_i].written), writings[_i].normal);
    arena_free(arena);
}
END_TEST

START_TEST(the_numbers_of_transfers_give_valid_references)
{
    struct arena *arena = arena_new(1024 * 1024);

    ck_assert_str_eq(reference_number(arena, 1000042), "RF28WB1000042");
    for (int64_t number = 1000001; number < 1001000; number++)
        ck_assert(reference_is_valid(reference_number(arena, number)));
    ck_assert(reference_is_valid(reference_number(arena, INT64_MAX)));
    arena_free(arena);
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, check_digits_are_the_standards, known);
    tcase_add_test(tests, every_wrong_digit_and_every_swap_of_digits_is_noticed);
    ADD_TABLE_TEST(tests, what_is_no_reference_is_none, invalid);
    ADD_TABLE_TEST(tests, a_reference_is_compared_without_its_dress, writings);
    tcase_add_test(tests, the_numbers_of_transfers_give_valid_references);
}

RUN_SUITE(reference, add_tests)
