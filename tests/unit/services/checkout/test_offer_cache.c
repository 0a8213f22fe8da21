/*
 * What the shop offers is kept by shop, currency and country, and only in the version that the database has.
 */
#include "offer_cache.h"

#include "suite.h"

static struct arena *arena;
static struct offer_cache *cache;

static struct tax_rate rates[] = {{"standard", 1900}};
static struct delivery_choice deliveries[] = {
    {.method = "express", .label = "Express", .price_minor = 590, .days_min = 1, .days_max = 9}};
static struct payment_choice payments[] = {{"card", "Card", "instant", 50, 0}};

static void setup(void)
{
    arena = arena_new(4 << 20);
    cache = offer_cache_new();
}

static void teardown(void)
{
    offer_cache_free(cache);
    arena_free(arena);
}

static struct offers offers_in(int64_t version)
{
    return (struct offers){
        .rules = {.included = true, .rates = {rates, COUNT(rates)}},
        .deliveries = {deliveries, COUNT(deliveries)},
        .payments = {payments, COUNT(payments)},
        .version = version,
    };
}

static void keep(const char *shop, const char *currency, const char *country, int64_t version)
{
    const struct offers offers = offers_in(version);

    offer_cache_keep(cache, &(struct offer_key){shop, currency, country}, &offers);
}

static bool has(const char *shop, const char *currency, const char *country, int64_t version)
{
    struct offers found;

    return offer_cache_find(cache, &(struct offer_key){shop, currency, country}, version, arena, &found);
}

START_TEST(nothing_is_found_before_it_is_kept)
{
    ck_assert(!has("main", "EUR", "DE", 1));
    ck_assert(!has("main", "EUR", NULL, 0));
}
END_TEST

START_TEST(what_is_found_is_a_copy)
{
    struct offers found;
    keep("main", "EUR", "DE", 1);
    rates[0].rate_basis_points = 700;
    ck_assert(offer_cache_find(cache, &(struct offer_key){"main", "EUR", "DE"}, 1, arena, &found));
    keep("main", "EUR", "DE", 2);

    ck_assert_int_eq(found.version, 1);
    ck_assert(found.rules.included);
    ck_assert_uint_eq(found.rules.rates.count, 1);
    ck_assert_str_eq(found.rules.rates.items[0].tax_class, "standard");
    ck_assert_int_eq(found.rules.rates.items[0].rate_basis_points, 1900);
    ck_assert_uint_eq(found.deliveries.count, 1);
    ck_assert_str_eq(found.deliveries.items[0].method, "express");
    ck_assert_str_eq(found.deliveries.items[0].label, "Express");
    ck_assert_int_eq(found.deliveries.items[0].price_minor, 590);
    ck_assert_int_eq(found.deliveries.items[0].days_max, 9);
    ck_assert_uint_eq(found.payments.count, 1);
    ck_assert_str_eq(found.payments.items[0].method, "card");
    ck_assert_str_eq(found.payments.items[0].label, "Card");
    ck_assert_str_eq(found.payments.items[0].capture, "instant");
    ck_assert_int_eq(found.payments.items[0].least_minor, 50);
}
END_TEST

/* Kept: main, EUR, DE in version 2; main, EUR without a country in version 1. */
static const struct {
    struct offer_key key;
    int64_t version;
    bool then;
} questions[] = {
    {{"main", "EUR", "DE"}, 2, true},  {{"main", "EUR", "DE"}, 1, false},  {{"main", "EUR", "DE"}, 3, false},
    {{"main", "EUR", NULL}, 1, true},  {{"main", "EUR", NULL}, 2, false},  {{"main", "EUR", "AT"}, 2, false},
    {{"main", "USD", "DE"}, 2, false}, {{"other", "EUR", "DE"}, 2, false},
};

START_TEST(it_is_found_by_its_key_and_version)
{
    keep("main", "EUR", NULL, 1);
    keep("main", "EUR", "DE", 1);
    keep("main", "EUR", "DE", 2);

    ck_assert_int_eq(
        has(questions[_i].key.shop, questions[_i].key.currency, questions[_i].key.country, questions[_i].version),
        questions[_i].then);
}
END_TEST

START_TEST(the_longest_unasked_makes_room)
{
    for (int i = 0; i < OFFER_KEYS_MAX; i++)
        keep("main", "EUR", arena_printf(arena, "%d", i), 1);
    ck_assert(has("main", "EUR", "0", 1));
    keep("main", "USD", "US", 1);

    ck_assert(has("main", "USD", "US", 1));
    ck_assert(has("main", "EUR", "0", 1));
    ck_assert(!has("main", "EUR", "1", 1));
    ck_assert(has("main", "EUR", "2", 1));
}
END_TEST

START_TEST(too_much_is_not_kept)
{
    struct tax_rate many[OFFER_CHOICES_MAX];
    struct offers offers = offers_in(1);
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = rates[0];
    offers.rules.rates = (struct tax_rate_list){many, COUNT(many)};
    offer_cache_keep(cache, &(struct offer_key){"main", "EUR", "DE"}, &offers);

    ck_assert(!has("main", "EUR", "DE", 1));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, nothing_is_found_before_it_is_kept);
    tcase_add_test(tests, what_is_found_is_a_copy);
    ADD_TABLE_TEST(tests, it_is_found_by_its_key_and_version, questions);
    tcase_add_test(tests, the_longest_unasked_makes_room);
    tcase_add_test(tests, too_much_is_not_kept);
}

RUN_SUITE(offer_cache, add_tests)
