/*
 * Tax and totals: known answers of other systems, and conservation over random carts.
 */
#include "totals.h"

#include <string.h>

#include "suite.h"

#define ITEMS_MAX 8

static struct ctx ctx;

static void setup(void)
{
    ctx = (struct ctx){.arena = arena_new(64 << 20)};
}

static void teardown(void)
{
    arena_free(ctx.arena);
}

/* A rate of its own for each class: the class's name is its percentage. */
static struct tax_rate rates[] = {
    {"4", 400}, {"7", 700}, {"10", 1000}, {"standard", 1900}, {"20", 2000}, {"23", 2300}, {"zero", 0},
};

static struct tax_rules rules_for(bool included)
{
    return (struct tax_rules){.included = included, .rates = {.items = rates, .count = COUNT(rates)}};
}

struct item {
    int64_t total;
    const char *tax_class;
};

static struct line_list lines_of(const struct item *items, size_t count, const char *currency)
{
    struct line_list lines = {.items = arena_array(ctx.arena, count, sizeof(struct line)), .count = count};

    for (size_t i = 0; i < count; i++) {
        lines.items[i].tax_class = items[i].tax_class;
        lines.items[i].total = money_of(items[i].total, currency);
    }
    return lines;
}

static struct group_list delivery_for(int64_t price, const char *currency)
{
    struct group *group = ARENA_NEW(ctx.arena, struct group);

    group->price = money_of(price, currency);
    return (struct group_list){.items = group, .count = 1};
}

/* From the tests of Sylius, Shopware, WooCommerce and Zuora. */
static const struct {
    const char *why;
    bool included;
    struct item items[ITEMS_MAX];
    int64_t tax;
    int64_t total;
} answers[] = {
    {"net, rounded up", false, {{10000, "23"}}, 2300, 12300},
    {"net, exact", false, {{100000, "23"}}, 23000, 123000},
    {"net, 57407.77", false, {{249599, "23"}}, 57408, 307007},
    {"gross, 1869.9", true, {{10000, "23"}}, 1870, 10000},
    {"gross, half goes up", true, {{315, "20"}}, 53, 315},
    {"net, half goes up", false, {{4595, "10"}}, 460, 5055},
    {"net, 459.4", false, {{4594, "10"}}, 459, 5053},
    {"net, ten pieces taxed at once", false, {{10100, "23"}}, 2323, 12423},
    {"net, two rates, a discount on one", false, {{2000, "23"}, {9190, "10"}}, 1379, 12569},
    {"gross, 426.8", true, {{4695, "10"}}, 427, 4695},
    {"gross, 426.36", true, {{4690, "10"}}, 426, 4690},
    {"gross, two rates", true, {{2000, "23"}, {4695, "10"}}, 801, 6695},
    {"gross, three lines, two rates", true, {{2000, "23"}, {4695, "10"}, {4695, "10"}}, 1228, 11390},
    {"net, order discount 1010", false, {{1734, "23"}, {4860, "10"}}, 885, 7479},
    {"gross, order discount 1000", true, {{1740, "23"}, {4950, "10"}}, 775, 6690},
    {"gross by group, not by line (69)", true, {{143, "standard"}, {143, "standard"}, {143, "standard"}}, 68, 429},
    {"gross by group, not by line (957)",
     true,
     {{1999, "standard"}, {1999, "standard"}, {1999, "standard"}},
     958,
     5997},
    {"gross by group, not by line (393)", true, {{1999, "7"}, {1999, "7"}, {1999, "7"}}, 392, 5997},
    {"net by group, not by line (81)", false, {{143, "standard"}, {143, "standard"}, {143, "standard"}}, 82, 511},
    {"net by group, not by line (1140)",
     false,
     {{1999, "standard"}, {1999, "standard"}, {1999, "standard"}},
     1139,
     7136},
    {"net by group, not by line (279)", false, {{1331, "7"}, {1331, "7"}, {1331, "7"}}, 280, 4273},
    {"gross, 10 x 23.90 less 25 %", true, {{17925, "20"}}, 2988, 17925},
    {"gross, net and tax add up to the price", true, {{999, "20"}}, 167, 999},
    {"gross, the tax is rounded, not the net", true, {{299, "4"}}, 12, 299},
    {"nothing costs nothing", true, {{0, "23"}}, 0, 0},
    {"zero rate", false, {{5000, "zero"}}, 0, 5000},
    {"an unknown class is taxed as standard", true, {{11900, "invented"}}, 1900, 11900},
};

START_TEST(tax_is_rounded_once_for_each_rate)
{
    const struct tax_rules rules = rules_for(answers[_i].included);
    struct group_list none = {0};
    struct totals totals;
    size_t count = 0;

    while (count < ITEMS_MAX && answers[_i].items[count].tax_class != NULL)
        count++;
    struct line_list lines = lines_of(answers[_i].items, count, "EUR");

    ck_assert_int_eq(totals_compute(&ctx, &rules, "DE", "EUR", &lines, &none, &totals), ERR_NONE);

    ck_assert_msg(totals.tax.amount == answers[_i].tax, "%s: tax is %jd", answers[_i].why, (intmax_t)totals.tax.amount);
    ck_assert_int_eq(totals.total.amount, answers[_i].total);
}
END_TEST

/* 2322 and delivery 590 at 19 %: 464.9 together, of which 370.7 and 94.2. */
START_TEST(delivery_is_taxed_with_the_goods_of_the_standard_class)
{
    const struct item items[] = {{2322, "standard"}, {2400, "7"}};
    const struct tax_rules rules = rules_for(true);
    struct line_list lines = lines_of(items, COUNT(items), "EUR");
    struct group_list groups = delivery_for(590, "EUR");
    struct totals totals;

    ck_assert_int_eq(totals_compute(&ctx, &rules, "DE", "EUR", &lines, &groups, &totals), ERR_NONE);

    ck_assert_int_eq(lines.items[0].tax_lines.items[0].amount.amount, 371);
    ck_assert_int_eq(lines.items[1].tax_lines.items[0].amount.amount, 157);
    ck_assert_int_eq(groups.items[0].tax_lines.items[0].amount.amount, 94);
    ck_assert_int_eq(groups.items[0].tax_lines.items[0].rate_basis_points, 1900);
    ck_assert_str_eq(groups.items[0].tax_lines.items[0].jurisdiction, "DE");
    ck_assert_int_eq(totals.lines.amount, 4722);
    ck_assert_int_eq(totals.delivery.amount, 590);
    ck_assert_int_eq(totals.tax.amount, 622);
    ck_assert_int_eq(totals.total.amount, 5312);
}
END_TEST

/* 408.6 together is rounded up, but not at the cost of the last one, whose tax is 298 exactly. */
START_TEST(what_comes_out_even_is_left_as_it_is)
{
    const struct item items[] = {{161, "20"}, {246, "20"}, {146, "20"}, {1490, "20"}};
    const int64_t taxes[] = {33, 49, 29, 298};
    const struct tax_rules rules = rules_for(false);
    struct line_list lines = lines_of(items, COUNT(items), "USD");
    struct group_list none = {0};
    struct totals totals;

    ck_assert_int_eq(totals_compute(&ctx, &rules, "FR", "USD", &lines, &none, &totals), ERR_NONE);

    for (size_t i = 0; i < COUNT(items); i++)
        ck_assert_int_eq(lines.items[i].tax_lines.items[0].amount.amount, taxes[i]);
    ck_assert_int_eq(totals.tax.amount, 409);
}
END_TEST

START_TEST(nothing_is_taxed_before_the_destination_is_known)
{
    const struct item items[] = {{2322, "standard"}};
    const struct tax_rules rules = rules_for(false);
    struct line_list lines = lines_of(items, COUNT(items), "USD");
    struct group_list none = {0};
    struct totals totals;

    ck_assert_int_eq(totals_compute(&ctx, &rules, NULL, "USD", &lines, &none, &totals), ERR_NONE);

    ck_assert_uint_eq(lines.items[0].tax_lines.count, 0);
    ck_assert_int_eq(totals.total.amount, 2322);
    ck_assert(!totals.tax_included);
}
END_TEST

START_TEST(computing_again_does_not_add_up)
{
    const struct item items[] = {{2322, "standard"}};
    const struct tax_rules rules = rules_for(false);
    struct line_list lines = lines_of(items, COUNT(items), "EUR");
    struct group_list groups = delivery_for(590, "EUR");
    struct totals once;
    struct totals twice;

    ck_assert_int_eq(totals_compute(&ctx, &rules, "DE", "EUR", &lines, &groups, &once), ERR_NONE);
    ck_assert_int_eq(totals_compute(&ctx, &rules, "DE", "EUR", &lines, &groups, &twice), ERR_NONE);

    ck_assert(money_equal(once.total, twice.total));
    ck_assert_uint_eq(lines.items[0].tax_lines.count, 1);
}
END_TEST

static const struct {
    struct item items[2];
    const char *currency;
    const char *complaint;
} refusals[] = {
    {{{-1, "standard"}}, "EUR", "a line costs less than nothing"},
    {{{100, "standard"}}, "USD", "an amount is in USD, the checkout in EUR"},
    {{{MONEY_MAX, "zero"}, {1, "zero"}}, "EUR", "the amounts are too large to be added up"},
    {{{MONEY_MAX, "23"}}, "EUR", "the amounts are too large to be added up"},
};

START_TEST(what_cannot_be_added_up_is_refused)
{
    const struct tax_rules rules = rules_for(false);
    struct group_list none = {0};
    struct totals totals;
    struct line_list lines =
        lines_of(refusals[_i].items, refusals[_i].items[1].tax_class == NULL ? 1 : 2, refusals[_i].currency);

    ck_assert_int_eq(totals_compute(&ctx, &rules, "DE", "EUR", &lines, &none, &totals), ERR_INVALID);

    ck_assert_str_eq(ctx.problem.detail, refusals[_i].complaint);
}
END_TEST

START_TEST(rules_without_rates_are_a_fault_of_the_shop)
{
    const struct item items[] = {{2322, "7"}};
    const struct tax_rules rules = {.included = true};
    struct line_list lines = lines_of(items, COUNT(items), "EUR");
    struct group_list none = {0};
    struct totals totals;

    ck_assert_int_eq(totals_compute(&ctx, &rules, "DE", "EUR", &lines, &none, &totals), ERR_INTERNAL);

    ck_assert_str_eq(ctx.problem.detail, "there is no tax rate for class \"7\" and none for \"standard\"");
}
END_TEST

static uint64_t random_state = 88172645463325252;

static int64_t pick(int64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int64_t)(random_state % (uint64_t)below);
}

static struct item random_item(void)
{
    static const int64_t sizes[] = {10, 1000, 100000, INT64_C(10000000000)};
    return (struct item){.total = pick(sizes[pick(COUNT(sizes))]), .tax_class = rates[pick(COUNT(rates))].tax_class};
}

/* Round half up of base * rate / whole, written another way than the code under test does. */
static int64_t tax_of(int64_t base, int64_t rate, bool included)
{
    const __int128 whole = included ? 10000 + rate : 10000;
    return (int64_t)(((__int128)base * rate * 2 + whole) / (whole * 2));
}

/* What must hold of any priced cart. */
static void check_conservation(const struct line_list *lines, const struct group_list *groups, bool included,
                               const struct totals *totals)
{
    int64_t goods = 0;
    int64_t tax = 0;

    for (size_t r = 0; r < COUNT(rates); r++) {
        int64_t base = 0;
        int64_t taxed = 0;
        for (size_t i = 0; i < lines->count + groups->count; i++) {
            const bool is_line = i < lines->count;
            const struct tax_line *line =
                is_line ? lines->items[i].tax_lines.items : groups->items[i - lines->count].tax_lines.items;
            const int64_t price = is_line ? lines->items[i].total.amount : groups->items[i - lines->count].price.amount;
            if (line->rate_basis_points != rates[r].rate_basis_points)
                continue;

            /* A share is what it would be alone, rounded up or down: what comes out even is left as it is. */
            const int64_t whole = included ? 10000 + line->rate_basis_points : 10000;
            const __int128 off = (__int128)line->amount.amount * whole - (__int128)price * line->rate_basis_points;
            ck_assert(off < whole && -off < whole);
            base += price;
            taxed += line->amount.amount;
        }
        ck_assert_int_eq(taxed, tax_of(base, rates[r].rate_basis_points, included));
        tax += taxed;
    }
    for (size_t i = 0; i < lines->count; i++)
        goods += lines->items[i].total.amount;

    ck_assert_int_eq(totals->lines.amount, goods);
    ck_assert_int_eq(totals->delivery.amount, groups->items[0].price.amount);
    ck_assert_int_eq(totals->tax.amount, tax);
    ck_assert_int_eq(totals->total.amount, goods + totals->delivery.amount + (included ? 0 : tax));
}

START_TEST(parts_always_add_up)
{
    static const char *const currencies[] = {"EUR", "JPY", "KWD"};

    for (int cart = 0; cart < 10000; cart++) {
        const bool included = pick(2) == 0;
        const char *currency = currencies[pick(COUNT(currencies))];
        const struct tax_rules rules = rules_for(included);
        struct item items[ITEMS_MAX];
        const size_t count = 1 + (size_t)pick(ITEMS_MAX);
        for (size_t i = 0; i < count; i++)
            items[i] = random_item();
        struct line_list lines = lines_of(items, count, currency);
        struct group_list groups = delivery_for(pick(2000), currency);
        struct totals totals;

        ck_assert_int_eq(totals_compute(&ctx, &rules, "DE", currency, &lines, &groups, &totals), ERR_NONE);

        check_conservation(&lines, &groups, included, &totals);
        arena_clear(ctx.arena);
    }
}
END_TEST

#define PATIENCE_S 60 /* with sanitizers on a busy machine */

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, PATIENCE_S);
    tcase_add_checked_fixture(tests, setup, teardown);
    ADD_TABLE_TEST(tests, tax_is_rounded_once_for_each_rate, answers);
    tcase_add_test(tests, delivery_is_taxed_with_the_goods_of_the_standard_class);
    tcase_add_test(tests, what_comes_out_even_is_left_as_it_is);
    tcase_add_test(tests, nothing_is_taxed_before_the_destination_is_known);
    tcase_add_test(tests, computing_again_does_not_add_up);
    ADD_TABLE_TEST(tests, what_cannot_be_added_up_is_refused, refusals);
    tcase_add_test(tests, rules_without_rates_are_a_fault_of_the_shop);
    tcase_add_test(tests, parts_always_add_up);
}

RUN_SUITE(totals, add_tests)
