/*
 * Which warehouse sends what: the rule case by case, and what holds for any stock.
 */
#include "sourcing.h"

#include <stdio.h>

#include "buf.h"
#include "suite.h"
#include "text.h"

static struct arena *arena;

static void setup(void)
{
    arena = arena_new(8 << 20);
}

static void teardown(void)
{
    arena_free(arena);
}

/* -- cases -- */

#define LINES_MAX 4
#define OFFERS_MAX 9

/* clang-format off */
static const struct {
    const char *what;
    const char *country;
    struct claim_line lines[LINES_MAX];
    struct offer offers[OFFERS_MAX];
    const char *then; /* "line:warehouse=quantity ..." in the order of the lines, or "short SKU asked/available" */
} cases[] = {
    { "one has everything", "DE",
      { { "1", "CUP", 2 }, { "2", "POT", 1 } },
      { { "CUP", "berlin", 5, "DE", 10 }, { "POT", "berlin", 5, "DE", 10 } },
      "1:berlin=2 2:berlin=1" },
    { "one that has everything goes before a nearer one that has not", "DE",
      { { "1", "CUP", 2 }, { "2", "POT", 1 } },
      { { "CUP", "berlin", 5, "DE", 10 }, { "CUP", "leeds", 5, "GB", 20 }, { "POT", "leeds", 5, "GB", 20 } },
      "1:leeds=2 2:leeds=1" },
    { "the destination's own country first", "GB",
      { { "1", "CUP", 2 } },
      { { "CUP", "berlin", 5, "DE", 10 }, { "CUP", "leeds", 5, "GB", 20 } },
      "1:leeds=2" },
    { "then the priority", "US",
      { { "1", "CUP", 2 } },
      { { "CUP", "leeds", 5, "GB", 20 }, { "CUP", "berlin", 5, "DE", 10 } },
      "1:berlin=2" },
    { "among equals of all the first that is offered", "US",
      { { "1", "CUP", 2 } },
      { { "CUP", "bonn", 5, "DE", 10 }, { "CUP", "berlin", 5, "DE", 10 } },
      "1:bonn=2" },
    { "without a country the priority decides", NULL,
      { { "1", "CUP", 2 } },
      { { "CUP", "leeds", 5, "GB", 20 }, { "CUP", "berlin", 5, "DE", 10 } },
      "1:berlin=2" },
    { "two of three warehouses", "DE",
      { { "1", "CUP", 1 }, { "2", "POT", 1 }, { "3", "CAN", 1 } },
      { { "CUP", "berlin", 1, "DE", 10 }, { "CUP", "leeds", 1, "GB", 20 }, { "POT", "leeds", 1, "GB", 20 },
        { "POT", "newark", 1, "US", 30 }, { "CAN", "newark", 1, "US", 30 }, { "CUP", "newark", 1, "US", 30 } },
      "1:newark=1 2:newark=1 3:newark=1" },
    { "as few as possible", "DE",
      { { "1", "CUP", 1 }, { "2", "POT", 1 }, { "3", "CAN", 1 } },
      { { "CUP", "berlin", 1, "DE", 10 }, { "POT", "leeds", 1, "GB", 20 }, { "CAN", "leeds", 1, "GB", 20 },
        { "CUP", "newark", 1, "US", 30 } },
      "1:berlin=1 2:leeds=1 3:leeds=1" },
    { "a line is split when nobody has all of it", "DE",
      { { "1", "CUP", 5 } },
      { { "CUP", "berlin", 2, "DE", 10 }, { "CUP", "leeds", 2, "GB", 20 }, { "CUP", "newark", 3, "US", 30 } },
      "1:newark=3 1:berlin=2" },
    { "a line is not split when somebody has all of it", "DE",
      { { "1", "CUP", 10 }, { "2", "POT", 5 } },
      { { "CUP", "berlin", 6, "DE", 10 }, { "POT", "berlin", 5, "DE", 10 }, { "CUP", "leeds", 10, "GB", 20 } },
      "1:leeds=10 2:berlin=5" },
    { "nor by a warehouse that has a part of everything", "DE",
      { { "1", "CUP", 10 }, { "2", "POT", 10 } },
      { { "CUP", "berlin", 9, "DE", 10 }, { "POT", "berlin", 9, "DE", 10 }, { "CUP", "leeds", 10, "GB", 20 },
        { "POT", "newark", 10, "US", 30 } },
      "1:leeds=10 2:newark=10" },
    { "two lines of one SKU share what there is", "DE",
      { { "1", "CUP", 2 }, { "2", "CUP", 3 } },
      { { "CUP", "berlin", 2, "DE", 10 }, { "CUP", "leeds", 3, "GB", 20 } },
      "1:leeds=2 2:leeds=1 2:berlin=2" },
    { "two lines of one SKU from one warehouse", "DE",
      { { "1", "CUP", 2 }, { "2", "CUP", 3 } },
      { { "CUP", "berlin", 5, "DE", 10 } },
      "1:berlin=2 2:berlin=3" },
    { "more claimed than there is counts as nothing", "DE",
      { { "1", "CUP", 2 } },
      { { "CUP", "berlin", -3, "DE", 10 }, { "CUP", "leeds", 2, "GB", 20 } },
      "1:leeds=2" },
    { "short of one", "DE",
      { { "1", "CUP", 3 }, { "2", "POT", 1 } },
      { { "CUP", "berlin", 1, "DE", 10 }, { "CUP", "leeds", 1, "GB", 20 }, { "POT", "berlin", 5, "DE", 10 } },
      "short CUP 3/2" },
    { "short of what nobody has", "DE",
      { { "1", "CUP", 3 }, { "2", "POT", 1 } },
      { { "CUP", "berlin", -2, "DE", 10 } },
      "short CUP 3/0 short POT 1/0" },
    { "short of a SKU on two lines is said once", "DE",
      { { "1", "CUP", 2 }, { "2", "POT", 1 }, { "3", "CUP", 2 } },
      { { "CUP", "berlin", 3, "DE", 10 }, { "POT", "berlin", 3, "DE", 10 } },
      "short CUP 4/3" },
};
/* clang-format on */

static const char *tell(const struct claim_line_list *lines, const struct sourcing *sourcing)
{
    struct buf text;

    buf_init(&text, arena, 4096);
    for (size_t i = 0; i < sourcing->shortages.count; i++) {
        const struct shortage *shortage = &sourcing->shortages.items[i];
        buf_printf(&text, " short %s %d/%d", shortage->sku, (int)shortage->asked, (int)shortage->available);
    }
    for (size_t i = 0; i < lines->count; i++) {
        for (size_t a = 0; a < sourcing->allocations.count; a++) {
            const struct allocation *allocation = &sourcing->allocations.items[a];
            if (text_equal(allocation->line_id, lines->items[i].line_id))
                buf_printf(&text, " %s:%s=%d", allocation->line_id, allocation->warehouse, (int)allocation->quantity);
        }
    }
    return text.size > 0 ? text.data + 1 : "";
}

START_TEST(the_rule_chooses_warehouses)
{
    struct claim_line_list lines = {.items = (struct claim_line *)cases[_i].lines};
    struct offer_list offers = {.items = (struct offer *)cases[_i].offers};
    struct sourcing sourcing;
    while (lines.count < LINES_MAX && lines.items[lines.count].sku != NULL)
        lines.count++;
    while (offers.count < OFFERS_MAX && offers.items[offers.count].sku != NULL)
        offers.count++;

    source(arena, &lines, &offers, cases[_i].country, &sourcing);

    const char *told = tell(&lines, &sourcing);
    ck_assert_msg(text_equal(told, cases[_i].then), "%s: \"%s\", not \"%s\"", cases[_i].what, told, cases[_i].then);
}
END_TEST

START_TEST(it_says_why)
{
    struct claim_line line[] = {{"1", "CUP", 3}};
    struct offer offers[] = {{"CUP", "berlin", 2, "DE", 10}, {"CUP", "leeds", 9, "GB", 20}};
    const struct claim_line_list lines = {line, 1};
    struct sourcing sourcing;

    source(arena, &lines, &(struct offer_list){offers, 2}, "DE", &sourcing);
    ck_assert_str_eq(sourcing.reason, "leeds has everything");

    offers[1].available = 1;
    source(arena, &lines, &(struct offer_list){offers, 2}, "DE", &sourcing);
    ck_assert_str_eq(sourcing.reason, "no warehouse has everything: the fewest are berlin, leeds");

    offers[1].available = 0;
    source(arena, &lines, &(struct offer_list){offers, 2}, "DE", &sourcing);
    ck_assert_uint_eq(sourcing.allocations.count, 0);
    ck_assert_str_eq(sourcing.reason, "");
}
END_TEST

/* -- what holds for any stock -- */

#define ROUNDS 5000

static const char *const skus[] = {"A", "B", "C", "D", "E", "F"};
static const char *const warehouses[] = {"berlin", "leeds", "newark", "osaka"};
static const char *const countries[] = {"DE", "GB", "US", "JP"};

static uint64_t random_state = 88172645463325252;

static int64_t pick(int64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int64_t)(random_state % (uint64_t)below);
}

static int64_t sum_of(const struct allocation_list *list, const char *line_id, const char *sku, const char *warehouse)
{
    int64_t sum = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct allocation *each = &list->items[i];
        if ((line_id == NULL || text_equal(each->line_id, line_id)) && (sku == NULL || text_equal(each->sku, sku)) &&
            (warehouse == NULL || text_equal(each->warehouse, warehouse)))
            sum += each->quantity;
    }
    return sum;
}

/* Whether any one warehouse has so many. */
static bool is_somewhere(const struct offer_list *offers, const char *sku, int64_t quantity)
{
    for (size_t i = 0; i < offers->count; i++) {
        if (text_equal(offers->items[i].sku, sku) && offers->items[i].available >= quantity)
            return true;
    }
    return false;
}

static bool has_everything(const struct claim_line_list *lines, const struct offer_list *offers, const char *warehouse)
{
    for (size_t i = 0; i < lines->count; i++) {
        int64_t asked = 0;
        int64_t available = 0;
        for (size_t j = 0; j < lines->count; j++)
            asked += text_equal(lines->items[j].sku, lines->items[i].sku) ? lines->items[j].quantity : 0;
        for (size_t o = 0; o < offers->count; o++) {
            if (text_equal(offers->items[o].sku, lines->items[i].sku) &&
                text_equal(offers->items[o].warehouse, warehouse))
                available = offers->items[o].available;
        }
        if (asked > available)
            return false;
    }
    return true;
}

static size_t warehouses_in(const struct allocation_list *list)
{
    size_t count = 0;

    for (size_t w = 0; w < COUNT(warehouses); w++)
        count += sum_of(list, NULL, NULL, warehouses[w]) > 0;
    return count;
}

static void check_allocations(const struct claim_line_list *lines, const struct offer_list *offers,
                              const struct allocation_list *list, bool skus_differ)
{
    ck_assert_uint_le(list->count, lines->count + offers->count);
    for (size_t i = 0; i < list->count; i++)
        ck_assert_int_gt(list->items[i].quantity, 0);
    for (size_t i = 0; i < lines->count; i++) {
        const struct claim_line *line = &lines->items[i];
        size_t parts = 0;
        for (size_t a = 0; a < list->count; a++)
            parts += text_equal(list->items[a].line_id, line->line_id);
        ck_assert_int_eq(sum_of(list, line->line_id, line->sku, NULL), line->quantity);
        ck_assert(parts == 1 || !skus_differ || !is_somewhere(offers, line->sku, line->quantity));
    }
    for (size_t o = 0; o < offers->count; o++) {
        const struct offer *offer = &offers->items[o];
        const int64_t most = offer->available > 0 ? offer->available : 0;
        ck_assert_int_le(sum_of(list, NULL, offer->sku, offer->warehouse), most);
    }
    for (size_t w = 0; w < COUNT(warehouses); w++)
        ck_assert(!has_everything(lines, offers, warehouses[w]) || warehouses_in(list) == 1);
}

START_TEST(allocations_add_up_and_never_pass_what_there_is)
{
    int short_ones = 0;

    for (int round = 0; round < ROUNDS; round++) {
        struct claim_line line[6];
        struct offer offer[COUNT(skus) * COUNT(warehouses)];
        struct claim_line_list lines = {line, 1 + (size_t)pick(6)};
        struct offer_list offers = {.items = offer};
        struct sourcing sourcing;
        bool skus_differ = pick(2) == 0;
        int64_t asked = 0;
        int64_t covered = 0;

        arena_clear(arena);
        for (size_t i = 0; i < lines.count; i++) {
            const char *sku = skus[skus_differ ? (int64_t)i : pick(COUNT(skus))];
            line[i] = (struct claim_line){arena_printf(arena, "%zu", i), sku, 1 + pick(8)};
            asked += line[i].quantity;
        }
        for (size_t s = 0; s < COUNT(skus); s++) {
            for (size_t w = 0; w < COUNT(warehouses); w++) {
                if (pick(5) > 0)
                    offer[offers.count++] = (struct offer){skus[s], warehouses[w], pick(16) - 2, countries[w], pick(3)};
            }
        }

        source(arena, &lines, &offers, countries[pick(COUNT(countries))], &sourcing);

        covered = sum_of(&sourcing.allocations, NULL, NULL, NULL);
        if (sourcing.shortages.count > 0) {
            short_ones++;
            ck_assert_int_eq(covered, 0);
            for (size_t i = 0; i < sourcing.shortages.count; i++) {
                ck_assert_int_gt(sourcing.shortages.items[i].asked, sourcing.shortages.items[i].available);
                for (size_t j = 0; j < i; j++)
                    ck_assert_str_ne(sourcing.shortages.items[i].sku, sourcing.shortages.items[j].sku);
            }
        } else {
            ck_assert_int_eq(covered, asked);
            check_allocations(&lines, &offers, &sourcing.allocations, skus_differ);
        }
    }
    /* The stocks are such that both happen often. */
    ck_assert_int_gt(short_ones, ROUNDS / 20);
    ck_assert_int_lt(short_ones, ROUNDS * 19 / 20);
}
END_TEST

/* It runs under the locks of every SKU in the cart. The test's time-out is the proof that a full cart is no matter. */
START_TEST(the_largest_cart_is_sourced_many_times_a_second)
{
    struct claim_line line[200];
    struct offer offer[600];
    struct sourcing sourcing;

    for (int i = 0; i < 200; i++) {
        char *sku = arena_printf(arena, "A-SKU-OF-SOME-LENGTH-%d", i);
        line[i] = (struct claim_line){arena_printf(arena, "%d", i), sku, 4};
        for (int w = 0; w < 3; w++)
            offer[3 * i + w] = (struct offer){sku, warehouses[w], w == i % 3 ? 3 : 1, countries[w], w};
    }
    for (int round = 0; round < 20; round++)
        source(arena, &(struct claim_line_list){line, 200}, &(struct offer_list){offer, 600}, "DE", &sourcing);

    ck_assert_int_eq(sum_of(&sourcing.allocations, NULL, NULL, NULL), 800);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    ADD_TABLE_TEST(tests, the_rule_chooses_warehouses, cases);
    tcase_add_test(tests, it_says_why);
    tcase_add_test(tests, allocations_add_up_and_never_pass_what_there_is);
    tcase_add_test(tests, the_largest_cart_is_sourced_many_times_a_second);
}

RUN_SUITE(sourcing, add_tests)
