/* card: numbers, and the table of test cards. */
#include <string.h>

#include "card.h"
#include "suite.h"

static const struct {
    const char *typed;
    const char *digits; /* NULL: refused */
} numbers[] = {
    {"4242424242424242", "4242424242424242"},
    {"4242 4242 4242 4242", "4242424242424242"},
    {"4242-4242-4242-4242", "4242424242424242"},
    {"378282246310005", "378282246310005"},
    {"4242424242424241", NULL}, /* the last digit is wrong */
    {"4242424242424224", NULL}, /* two digits changed places */
    {"424242424242424x", NULL},
    {"", NULL},
    {"0", NULL},
    {"00000000000", NULL},          /* too short */
    {"42424242424242424242", NULL}, /* too long */
    {"4242424242424242\n", NULL},
};

START_TEST(a_number_is_read)
{
    char digits[CARD_DIGITS_MAX + 1];
    bool good = card_read(numbers[_i].typed, digits);

    ck_assert_msg(good == (numbers[_i].digits != NULL), "\"%s\"", numbers[_i].typed);
    if (good)
        ck_assert_str_eq(digits, numbers[_i].digits);
}
END_TEST

START_TEST(every_test_card_is_a_card)
{
    size_t count = 0;

    for (const struct card *card = cards; card->number != NULL; card++, count++) {
        ck_assert_msg(luhn_is_right(card->number), "%s", card->number);
        ck_assert_ptr_eq(card_find(card->number), card); /* no number twice */
        ck_assert_ptr_eq(card_named(card->name), card);  /* no name twice */
        ck_assert_msg((card->answer == CARD_DECLINES || card->declines_after) == (card->code != NULL), "%s",
                      card->number);
        ck_assert((card->code != NULL) == (card->message != NULL));
    }
    ck_assert_uint_ge(count, 14);
}
END_TEST

START_TEST(a_card_that_is_none_of_ours_is_declined)
{
    const struct card *card = card_find("378282246310005");

    ck_assert_int_eq(card->answer, CARD_DECLINES);
    ck_assert_str_eq(card->decline_code, "test_mode_live_card");
}
END_TEST

START_TEST(modes_have_names)
{
    for (int mode = 0; mode < WEBHOOK_MODES; mode++)
        ck_assert_ptr_nonnull(webhook_mode_names[mode]);
    ck_assert_ptr_null(webhook_mode_names[WEBHOOK_MODES]);
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, a_number_is_read, numbers);
    tcase_add_test(tests, every_test_card_is_a_card);
    tcase_add_test(tests, a_card_that_is_none_of_ours_is_declined);
    tcase_add_test(tests, modes_have_names);
}

RUN_SUITE(card, add_tests)
