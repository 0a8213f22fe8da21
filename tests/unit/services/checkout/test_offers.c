/*
 * What the shop offers: limits of what may be paid how, days of delivery, and where shoppers may be sent back to.
 */
#include "offers.h"

#include "clock.h"
#include "suite.h"

#define NOON INT64_C(1795348800000000) /* 2026-11-22 12:00 UTC */

static struct arena *arena;

static void setup(void)
{
    arena = arena_new(1 << 20);
}

static void teardown(void)
{
    arena_free(arena);
}

START_TEST(cash_on_delivery_has_a_limit)
{
    struct payment_choice payments[] = {
        {"card", "Credit or debit card", "instant", 50, 0},
        {"cash_on_delivery", "Cash on delivery", "instant", 0, 5000},
    };
    const struct offers offers = {.payments = {payments, COUNT(payments)}};
    struct payment_options options = {0};

    ck_assert_ptr_nonnull(offers_payment(&offers, "cash_on_delivery", 5000));
    ck_assert_ptr_null(offers_payment(&offers, "cash_on_delivery", 5001));
    ck_assert_ptr_null(offers_payment(&offers, "card", 49));
    ck_assert_ptr_null(offers_payment(&offers, "bank_transfer", 5000));
    ck_assert_ptr_null(offers_payment(&offers, NULL, 5000));

    offers_show_payments(&offers, 5001, arena, &options);
    ck_assert_uint_eq(options.items.count, 1);
    ck_assert_str_eq(options.items.items[0].method, "card");
}
END_TEST

START_TEST(days_are_counted_from_now)
{
    struct delivery_choice express = {.method = "express", .days_min = 1, .days_max = 9};
    struct offers offers = {.deliveries = {&express, 1}};
    offers_date(&offers, NOON, arena);
    ck_assert_str_eq(express.earliest, "2026-11-23");
    ck_assert_str_eq(express.latest, "2026-12-01");

    offers_date(&offers, NOON + 12 * 3600 * CLOCK_SECOND - 1, arena);
    ck_assert_str_eq(express.earliest, "2026-11-23");
    offers_date(&offers, NOON + 12 * 3600 * CLOCK_SECOND, arena);
    ck_assert_str_eq(express.earliest, "2026-11-24");
}
END_TEST

static const struct {
    const char *url;
    bool then;
} return_urls[] = {
    {"https://shop.example.com/done", true},
    {"https://SHOP.example.com", true},
    {"http://localhost:3000/done?a=b#c", true},
    {"https://shop.example.com?done", true},
    {"https://example.com/", false},
    {"https://shop.example.com.evil.net/", false},
    {"https://evil.net/shop.example.com", false},
    {"https://shop.example.com@evil.net/", false},
    {"https://shop.example.com:80@evil.net/", false},
    {"https://evil.net\\@shop.example.com/", false},
    {"https://shop.example.com\\.evil.net/", false},
    {"https:///shop.example.com", false},
    {"shop.example.com", false},
};

START_TEST(shoppers_are_sent_back_to_the_shop_only)
{
    bool allowed = return_url_is_allowed("shop.example.com localhost", return_urls[_i].url, arena);

    ck_assert_msg(allowed == return_urls[_i].then, "%s", return_urls[_i].url);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, cash_on_delivery_has_a_limit);
    tcase_add_test(tests, days_are_counted_from_now);
    ADD_TABLE_TEST(tests, shoppers_are_sent_back_to_the_shop_only, return_urls);
}

RUN_SUITE(offers, add_tests)
