/*
 * Currencies, exact arithmetic, shares and rounding.
 */
#include "money.h"

#include <signal.h>

#include "suite.h"

static const struct {
    const char *currency;
    int exponent;
} currencies[] = {
    {"EUR", 2}, {"USD", 2}, {"CHF", 2}, {"GBP", 2}, {"MGA", 2}, {"MRU", 2}, {"XCG", 2},
    {"ZWG", 2}, {"AED", 2}, {"JPY", 0}, {"KRW", 0}, {"ISK", 0}, {"XPF", 0}, {"BIF", 0},
    {"KWD", 3}, {"TND", 3}, {"BHD", 3}, {"CLF", 4}, {"UYW", 4},
};

START_TEST(a_currency_has_its_digits)
{
    ck_assert(currency_is_known(currencies[_i].currency));
    ck_assert_int_eq(currency_exponent(currencies[_i].currency), currencies[_i].exponent);
}
END_TEST

/* Wrong spelling, metals, test codes, and currencies that are gone. */
static const char *const no_currencies[] = {"",    "E",   "EU",  "eur", "EURO", "EU ", "UR ", "R E", "XXX",
                                            "XTS", "XAU", "DEM", "HRK", "BGN",  "ANG", "ZWL", "SLL", "CUC"};

START_TEST(another_text_is_no_currency)
{
    ck_assert(!currency_is_known(no_currencies[_i]));
}
END_TEST

START_TEST(sums_are_exact_up_to_the_limit)
{
    struct money sum = {0};

    ck_assert(money_add(money_of(1999, "EUR"), money_of(-2000, "EUR"), &sum));
    ck_assert(money_equal(sum, money_of(-1, "EUR")));
    ck_assert(money_add(money_of(MONEY_MAX - 1, "EUR"), money_of(1, "EUR"), &sum));
    ck_assert_int_eq(sum.amount, MONEY_MAX);

    ck_assert(!money_add(money_of(MONEY_MAX, "EUR"), money_of(1, "EUR"), &sum));
    ck_assert(!money_add(money_of(-MONEY_MAX, "EUR"), money_of(-1, "EUR"), &sum));
    ck_assert(!money_add(money_of(INT64_MAX, "EUR"), money_of(INT64_MAX, "EUR"), &sum));
    ck_assert_int_eq(sum.amount, MONEY_MAX);
}
END_TEST

START_TEST(products_are_exact_up_to_the_limit)
{
    struct money product = {0};
    int64_t minor = 0;

    ck_assert(money_multiply(money_of(333, "JPY"), 3, &product));
    ck_assert(money_equal(product, money_of(999, "JPY")));
    ck_assert(money_multiply(money_of(-MONEY_MAX, "JPY"), -1, &product));
    ck_assert_int_eq(product.amount, MONEY_MAX);
    ck_assert(!money_multiply(money_of(MONEY_MAX, "JPY"), 2, &product));
    ck_assert(!money_multiply(money_of(INT64_MAX, "JPY"), INT64_MAX, &product));
    ck_assert(!minor_multiply(INT64_MIN, INT64_MIN, &minor));
    ck_assert(!minor_add(INT64_MIN, -1, &minor));
    ck_assert_int_eq(minor, 0);
}
END_TEST

START_TEST(different_currencies_are_never_added)
{
    struct money sum;

    (void)!money_add(money_of(1, "EUR"), money_of(1, "USD"), &sum);
}
END_TEST

START_TEST(money_is_equal_only_in_the_same_currency)
{
    ck_assert(money_equal(money_of(1, "EUR"), money_of(1, "EUR")));
    ck_assert(!money_equal(money_of(1, "EUR"), money_of(2, "EUR")));
    ck_assert(!money_equal(money_of(1, "EUR"), money_of(1, "USD")));
}
END_TEST

#define SHARES_MAX 8

/* Known answers, from the tests of the projects named. */
static const struct {
    int64_t amount;
    size_t count;
    int64_t weights[SHARES_MAX];
    int64_t shares[SHARES_MAX];
} splits[] = {
    /* Vendure, prorate.spec.ts */
    {300, 3, {4000, 2000, 2000}, {150, 75, 75}},
    {-300, 3, {4000, 2000, 2000}, {-150, -75, -75}},
    {299, 3, {4300, 1400, 2300}, {161, 52, 86}},
    {299, 3, {1000, 1000, 1000}, {100, 100, 99}},
    {95, 8, {10, 20, 10, 30, 50, 20, 10, 40}, {5, 10, 5, 15, 25, 10, 5, 20}},
    {93, 8, {10, 20, 10, 30, 50, 20, 10, 40}, {5, 10, 5, 15, 24, 10, 5, 19}},
    {40, 2, {10, 0}, {40, 0}},
    {10, 2, {0, 0}, {5, 5}},
    {0, 2, {0, 0}, {0, 0}},
    /* Sylius, IntegerDistributorSpec.php: equal parts */
    {1000, 4, {1, 1, 1, 1}, {250, 250, 250, 250}},
    {1000, 3, {0, 0, 0}, {334, 333, 333}},
    {-1000, 3, {1, 1, 1}, {-334, -333, -333}},
    {0, 4, {1, 1, 1, 1}, {0, 0, 0, 0}},
    /* Sylius, MinimumPriceDistributorSpec.php */
    {-663, 2, {1000, 3000}, {-166, -497}},
    {-2500, 2, {5000, 6000}, {-1136, -1364}},
    /* moneyphp, MoneyTest.php */
    {100, 3, {1, 1, 1}, {34, 33, 33}},
    {101, 3, {1, 1, 1}, {34, 34, 33}},
    {2, 3, {1, 1, 1}, {1, 1, 0}},
    {1, 2, {1, 1}, {1, 0}},
    {5, 2, {3, 7}, {2, 3}},
    {5, 2, {7, 3}, {4, 1}},
    {5, 3, {7, 3, 0}, {4, 1, 0}},
    {5, 3, {0, 7, 3}, {0, 4, 1}},
    {5, 3, {7, 0, 3}, {4, 0, 1}},
    {5, 3, {0, 0, 1}, {0, 0, 5}},
    {101, 2, {3, 7}, {30, 71}},
    {101, 2, {7, 3}, {71, 30}},
    {15, 2, {1, 1}, {8, 7}},
    {10, 3, {1, 1, 1}, {4, 3, 3}},
    /* Solidus, distributed_amounts_handler_spec.rb */
    {1500, 3, {15000, 5000, 10000}, {750, 250, 500}},
    {1000, 3, {5000, 5000, 5000}, {334, 333, 333}},
    /* Ours: where others differ, the largest remainder and its mirror. */
    {300, 3, {4300, 1400, 2300}, {161, 53, 86}},
    {-1200, 4, {1000, 2000, 5000, 3000}, {-109, -218, -546, -327}},
    {-5, 2, {7, 3}, {-4, -1}},
    {7, 1, {0}, {7}},
    {0, 3, {5, 0, 1}, {0, 0, 0}},
    {INT64_MAX, 2, {INT64_MAX, INT64_MAX}, {INT64_MAX / 2 + 1, INT64_MAX / 2}},
    {-INT64_MAX, 2, {INT64_MAX, 0}, {-INT64_MAX, 0}},
};

START_TEST(an_amount_is_split_by_the_largest_remainder)
{
    int64_t shares[SHARES_MAX];

    minor_allocate(splits[_i].amount, splits[_i].weights, splits[_i].count, shares);
    for (size_t i = 0; i < splits[_i].count; i++)
        ck_assert_int_eq(shares[i], splits[_i].shares[i]);
}
END_TEST

START_TEST(shares_add_up_and_mirror_for_any_weights)
{
    int64_t weights[SHARES_MAX], shares[SHARES_MAX], mirrored[SHARES_MAX];
    uint64_t state = 88172645463325252ULL;

    for (int round = 0; round < 2000; round++) {
        size_t count = (size_t)round % SHARES_MAX + 1;
        for (size_t i = 0; i < count; i++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            weights[i] = (int64_t)(state % 1000) - 100 > 0 ? (int64_t)(state % 1000) - 100 : 0;
        }
        int64_t amount = (int64_t)(state >> 40);
        minor_allocate(amount, weights, count, shares);
        minor_allocate(-amount, weights, count, mirrored);

        int64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            ck_assert_int_ge(shares[i], 0);
            ck_assert_int_eq(shares[i], -mirrored[i]);
            sum += shares[i];
        }
        ck_assert_int_eq(sum, amount);
    }
}
END_TEST

START_TEST(many_units_are_split_quickly)
{
    enum { UNITS = 100000 };
    static int64_t weights[UNITS], shares[UNITS];

    for (size_t i = 0; i < UNITS; i++)
        weights[i] = 1;
    minor_allocate(3 * UNITS - 1, weights, UNITS, shares);
    ck_assert_int_eq(shares[0], 3);
    ck_assert_int_eq(shares[UNITS - 2], 3);
    ck_assert_int_eq(shares[UNITS - 1], 2);
}
END_TEST

START_TEST(nothing_over_nothing_is_nothing)
{
    minor_allocate(0, NULL, 0, NULL);
}
END_TEST

START_TEST(something_over_nothing_is_a_bug)
{
    minor_allocate(1, NULL, 0, NULL);
}
END_TEST

/* Tax on top is amount * rate / 100; tax within is amount * rate / (100 + rate). */
static const struct {
    int64_t amount;
    int64_t numerator;
    int64_t denominator;
    int64_t result;
} ratios[] = {
    /* Sylius, DefaultCalculatorSpec.php */
    {10000, 23, 100, 2300},
    {100000, 23, 100, 23000},
    {249599, 23, 100, 57408},
    {10000, 23, 123, 1870},
    {315, 20, 120, 53},
    /* Sylius, rounding_taxes_on_order_item_level.feature */
    {4595, 10, 100, 460},
    {4594, 10, 100, 459},
    {10100, 23, 100, 2323},
    /* Half away from zero, on both sides. */
    {1, 1, 2, 1},
    {-1, 1, 2, -1},
    {1, -1, 2, -1},
    {3, 1, 2, 2},
    {-3, 1, 2, -2},
    {149, 1, 100, 1},
    {-149, 1, 100, -1},
    {1, 1, 3, 0},
    {-1, 2, 3, -1},
    {0, 19, 119, 0},
    {MONEY_MAX, INT64_MAX, INT64_MAX, MONEY_MAX},
};

START_TEST(a_ratio_is_rounded_half_away_from_zero)
{
    int64_t result;

    ck_assert(minor_ratio(ratios[_i].amount, ratios[_i].numerator, ratios[_i].denominator, &result));
    ck_assert_int_eq(result, ratios[_i].result);
}
END_TEST

/* Taxes of several parts, rounded together. */
static const struct {
    int64_t numerator;
    int64_t denominator;
    size_t count;
    int64_t amounts[SHARES_MAX];
    int64_t sum;
    int64_t shares[SHARES_MAX];
} parts[] = {
    /* 20 %: 32.2, 49.2, 29.2 and 298. The cent that 408.6 is rounded up by isn't for the one that comes out even. */
    {20, 100, 4, {161, 246, 146, 1490}, 409, {33, 49, 29, 298}},
    {19, 119, 3, {143, 143, 143}, 68, {23, 23, 22}},
    {7, 107, 3, {1999, 1999, 1999}, 392, {131, 131, 130}},
    {7, 100, 3, {1331, 1331, 1331}, 280, {94, 93, 93}},
    {1, 3, 2, {1, 0}, 0, {0, 0}},
    {1, 3, 2, {1, 1}, 1, {1, 0}},
    {1, 2, 3, {1, 2, 4}, 4, {1, 1, 2}},
    {0, 100, 2, {5, 7}, 0, {0, 0}},
    {100, 100, 2, {5, 7}, 12, {5, 7}},
    {1, 3, 1, {MONEY_MAX}, MONEY_MAX / 3, {MONEY_MAX / 3}},
    {5, 7, 0, {0}, 0, {0}},
};

START_TEST(parts_of_a_ratio_make_its_sum)
{
    int64_t shares[SHARES_MAX];
    int64_t sum;

    ck_assert(
        minor_ratio_each(parts[_i].amounts, parts[_i].count, parts[_i].numerator, parts[_i].denominator, &sum, shares));
    ck_assert_int_eq(sum, parts[_i].sum);
    for (size_t i = 0; i < parts[_i].count; i++)
        ck_assert_int_eq(shares[i], parts[_i].shares[i]);
}
END_TEST

START_TEST(a_ratio_over_the_limit_is_refused)
{
    int64_t result = 7;

    ck_assert(!minor_ratio(MONEY_MAX, 2, 1, &result));
    ck_assert(!minor_ratio(-MONEY_MAX, 2, 1, &result));
    ck_assert_int_eq(result, 7);
}
END_TEST

START_TEST(parts_over_the_limit_are_refused)
{
    const int64_t much[] = {MONEY_MAX, 1};
    const int64_t most[] = {INT64_MAX, INT64_MAX, 2};
    int64_t shares[3];
    int64_t sum = 7;

    ck_assert(!minor_ratio_each(much, COUNT(much), 1, 2, &sum, shares));
    ck_assert(!minor_ratio_each(much, 1, 2, 1, &sum, shares));
    ck_assert(!minor_ratio_each(most, COUNT(most), 1, 2, &sum, shares));
    ck_assert_int_eq(sum, 7);
}
END_TEST

static const struct {
    int64_t amount;
    const char *currency;
    const char *text;
} formatted[] = {
    {1999, "EUR", "19.99 EUR"},
    {5, "EUR", "0.05 EUR"},
    {0, "EUR", "0.00 EUR"},
    {-5, "EUR", "-0.05 EUR"},
    {1999, "JPY", "1999 JPY"},
    {0, "JPY", "0 JPY"},
    {-1, "JPY", "-1 JPY"},
    {1999, "KWD", "1.999 KWD"},
    {1, "CLF", "0.0001 CLF"},
    {MONEY_MAX, "EUR", "90071992547409.91 EUR"},
    {INT64_MIN, "EUR", "-92233720368547758.08 EUR"},
};

START_TEST(money_is_written_for_people)
{
    char text[MONEY_TEXT];

    ck_assert_str_eq(money_format(money_of(formatted[_i].amount, formatted[_i].currency), text), formatted[_i].text);
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, a_currency_has_its_digits, currencies);
    ADD_TABLE_TEST(tests, another_text_is_no_currency, no_currencies);
    tcase_add_test(tests, sums_are_exact_up_to_the_limit);
    tcase_add_test(tests, products_are_exact_up_to_the_limit);
    tcase_add_test_raise_signal(tests, different_currencies_are_never_added, SIGABRT);
    tcase_add_test(tests, money_is_equal_only_in_the_same_currency);
    ADD_TABLE_TEST(tests, an_amount_is_split_by_the_largest_remainder, splits);
    tcase_add_test(tests, shares_add_up_and_mirror_for_any_weights);
    tcase_add_test(tests, many_units_are_split_quickly);
    tcase_add_test(tests, nothing_over_nothing_is_nothing);
    tcase_add_test_raise_signal(tests, something_over_nothing_is_a_bug, SIGABRT);
    ADD_TABLE_TEST(tests, a_ratio_is_rounded_half_away_from_zero, ratios);
    tcase_add_test(tests, a_ratio_over_the_limit_is_refused);
    ADD_TABLE_TEST(tests, parts_of_a_ratio_make_its_sum, parts);
    tcase_add_test(tests, parts_over_the_limit_are_refused);
    ADD_TABLE_TEST(tests, money_is_written_for_people, formatted);
}

RUN_SUITE(money, add_tests)
