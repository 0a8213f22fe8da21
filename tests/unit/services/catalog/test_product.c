/*
 * How a row of an import changes a product, and what of it the storefront shows.
 */
#include "product.h"

#include "id.h"
#include "json.h"
#include "suite.h"
#include "text.h"

static struct arena *arena;
static struct product product;

static void setup(void)
{
    arena = arena_new(8 << 20);
    product = product_new(arena, "main", "cup");
}

static void teardown(void)
{
    arena_free(arena);
}

/* A row for a blue cup at 12.90 EUR. */
static struct import_product_row row(void)
{
    return (struct import_product_row){
        .code = "cup",
        .title = "Cup",
        .tax_class = "standard",
        .sku = "CUP-BLUE",
        .currency = "EUR",
        .price = 1290,
        .active = true,
    };
}

static bool apply(struct import_product_row with)
{
    bool changed;
    const char *cause = product_apply(arena, &product, &with, &changed);

    ck_assert_msg(cause == NULL, "%s", cause);
    return changed;
}

START_TEST(a_new_product_has_an_id_and_nothing_else)
{
    ck_assert(id_is_valid(product.head.id));
    ck_assert_int_eq(product.head.version, 0);
    ck_assert_str_eq(product.shop, "main");
    ck_assert_str_eq(product.code, "cup");
    ck_assert_uint_eq(product.variants.count, 0);
    ck_assert(!product.active);
}
END_TEST

START_TEST(the_first_row_fills_it)
{
    struct import_product_row first = row();
    first.description = "For tea";
    first.weight_grams = 300;

    ck_assert(apply(first));

    ck_assert_str_eq(product.title, "Cup");
    ck_assert_str_eq(product.description, "For tea");
    ck_assert_str_eq(product.tax_class, "standard");
    ck_assert(product.active);
    ck_assert_uint_eq(product.variants.count, 1);
    const struct variant *variant = &product.variants.items[0];
    ck_assert_str_eq(variant->sku, "CUP-BLUE");
    ck_assert_str_eq(variant->title, "Cup"); /* the product's, since it has none of its own */
    ck_assert_int_eq(variant->weight_grams, 300);
    ck_assert(variant->active);
    ck_assert_uint_eq(variant->prices.count, 1);
    ck_assert_int_eq(variant->prices.items[0].amount, 1290);
    ck_assert_str_eq(variant->prices.items[0].currency, "EUR");
}
END_TEST

/* What a second row says beyond the first, and whether that is news. NULL and 0: as in the first row. */
static const struct {
    const char *what;
    struct import_product_row with;
    bool is_inactive;
    bool is_news;
} rows[] = {
    {"the same again", {0}, false, false},
    {"another title", {.title = "Mug"}, false, true},
    {"a description", {.description = "For tea"}, false, true},
    {"another tax class", {.tax_class = "reduced"}, false, true},
    {"a title of the variant", {.variant_title = "Cup, blue"}, false, true},
    {"the title that it has", {.variant_title = "Cup"}, false, false},
    {"another price", {.price = 1490}, false, true},
    {"another currency", {.currency = "USD"}, false, true},
    {"a weight", {.weight_grams = 300}, false, true},
    {"another variant", {.sku = "CUP-RED"}, false, true},
    {"not for sale", {0}, true, true},
};

START_TEST(a_row_is_news_only_if_it_says_something_else)
{
    struct import_product_row second = row();
    ck_assert(apply(row()));
    if (rows[_i].with.title != NULL)
        second.title = rows[_i].with.title;
    if (rows[_i].with.tax_class != NULL)
        second.tax_class = rows[_i].with.tax_class;
    if (rows[_i].with.sku != NULL)
        second.sku = rows[_i].with.sku;
    if (rows[_i].with.currency != NULL)
        second.currency = rows[_i].with.currency;
    if (rows[_i].with.price != 0)
        second.price = rows[_i].with.price;
    second.description = rows[_i].with.description;
    second.variant_title = rows[_i].with.variant_title;
    second.weight_grams = rows[_i].with.weight_grams;
    second.active = !rows[_i].is_inactive;

    ck_assert_msg(apply(second) == rows[_i].is_news, "%s", rows[_i].what);
    ck_assert_msg(!apply(second), "%s, again", rows[_i].what);
}
END_TEST

START_TEST(each_currency_has_its_own_price)
{
    struct import_product_row dollars = row();
    dollars.currency = "USD";
    dollars.price = 1490;

    apply(row());
    apply(dollars);
    dollars.price = 1590;
    apply(dollars);

    const struct price_list *prices = &product.variants.items[0].prices;
    ck_assert_uint_eq(prices->count, 2);
    ck_assert_int_eq(prices->items[0].amount, 1290);
    ck_assert_int_eq(prices->items[1].amount, 1590);
}
END_TEST

START_TEST(a_price_of_nothing_is_a_price)
{
    struct import_product_row given = row();
    given.price = 0;

    ck_assert(apply(given));
    ck_assert(!apply(given));
    ck_assert_uint_eq(product.variants.items[0].prices.count, 1);
    ck_assert_int_eq(product.variants.items[0].prices.items[0].amount, 0);
}
END_TEST

START_TEST(what_a_row_leaves_out_stays)
{
    struct import_product_row full = row();
    full.description = "For tea";
    full.variant_title = "Cup, blue";
    full.weight_grams = 300;
    apply(full);

    ck_assert(!apply(row()));

    ck_assert_str_eq(product.description, "For tea");
    ck_assert_str_eq(product.variants.items[0].title, "Cup, blue");
    ck_assert_int_eq(product.variants.items[0].weight_grams, 300);
}
END_TEST

START_TEST(a_product_is_for_sale_while_one_of_its_variants_is)
{
    struct import_product_row red = row();
    red.sku = "CUP-RED";
    struct import_product_row gone = row();
    gone.active = false;

    apply(row());
    apply(red);
    apply(gone);
    ck_assert(product.active);
    red.active = false;
    apply(red);
    ck_assert(!product.active);
    apply(row());
    ck_assert(product.active);
}
END_TEST

START_TEST(there_is_a_limit_of_variants)
{
    struct import_product_row next = row();
    bool changed;

    for (int i = 0; i < VARIANTS_MAX; i++) {
        next.sku = arena_printf(arena, "CUP-%d", i);
        ck_assert(apply(next));
    }
    next.sku = "CUP-MORE";
    next.title = "Mug";
    ck_assert_str_eq(product_apply(arena, &product, &next, &changed), "the product has too many variants");
    ck_assert(!changed);
    ck_assert_uint_eq(product.variants.count, VARIANTS_MAX);
    ck_assert_str_eq(product.title, "Cup");

    next.sku = "CUP-0";
    ck_assert(apply(next));
}
END_TEST

START_TEST(there_is_a_limit_of_prices)
{
    struct import_product_row next = row();
    bool changed;

    for (int i = 0; i < PRICES_MAX; i++) {
        next.currency = arena_printf(arena, "C%02d", i);
        ck_assert(apply(next));
    }
    next.currency = "USD";
    next.title = "Mug";
    ck_assert_str_eq(product_apply(arena, &product, &next, &changed), "the variant has too many prices");
    ck_assert(!changed);
    ck_assert_str_eq(product.title, "Cup");

    next.currency = "C00";
    next.price = 1;
    ck_assert(apply(next));
}
END_TEST

/* -- what is shown -- */

static struct price euros[] = {{1290, "EUR"}, {1490, "USD"}};
static struct price dollars[] = {{1490, "USD"}};

/* clang-format off */
static struct variant shown[] = {
    { .sku = "BOTH",    .prices = { euros, 2 },   .active = true },
    { .sku = "DOLLARS", .prices = { dollars, 1 }, .active = true },
    { .sku = "GONE",    .prices = { euros, 2 },   .active = false },
    { .sku = "FREE",    .prices = { NULL, 0 },    .active = true },
};

static const struct {
    const char *currency;
    const char *skus;
    size_t prices; /* of each */
} offers[] = {
    { NULL,  "BOTH DOLLARS", 0 },
    { "EUR", "BOTH",         1 },
    { "USD", "BOTH DOLLARS", 1 },
    { "GBP", NULL,           0 },
};
/* clang-format on */

START_TEST(only_what_is_for_sale_in_the_currency_is_shown)
{
    const struct product_view view = {.code = "cup", .variants = {shown, COUNT(shown)}};

    const struct product_view *offer = product_offer(arena, &view, offers[_i].currency);

    ck_assert_uint_eq(view.variants.count, COUNT(shown));
    if (offers[_i].skus == NULL) {
        ck_assert_ptr_null(offer);
        return;
    }
    const char *skus = NULL;
    for (size_t i = 0; i < offer->variants.count; i++) {
        const struct variant *variant = &offer->variants.items[i];
        skus = skus == NULL ? variant->sku : arena_printf(arena, "%s %s", skus, variant->sku);
        if (offers[_i].currency != NULL) {
            ck_assert_uint_eq(variant->prices.count, offers[_i].prices);
            ck_assert_str_eq(variant->prices.items[0].currency, offers[_i].currency);
        }
    }
    ck_assert_str_eq(skus, offers[_i].skus);
}
END_TEST

START_TEST(without_a_currency_all_prices_are_shown)
{
    const struct product_view view = {.code = "cup", .variants = {shown, COUNT(shown)}};

    ck_assert_uint_eq(product_offer(arena, &view, NULL)->variants.items[0].prices.count, 2);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_new_product_has_an_id_and_nothing_else);
    tcase_add_test(tests, the_first_row_fills_it);
    ADD_TABLE_TEST(tests, a_row_is_news_only_if_it_says_something_else, rows);
    tcase_add_test(tests, each_currency_has_its_own_price);
    tcase_add_test(tests, a_price_of_nothing_is_a_price);
    tcase_add_test(tests, what_a_row_leaves_out_stays);
    tcase_add_test(tests, a_product_is_for_sale_while_one_of_its_variants_is);
    tcase_add_test(tests, there_is_a_limit_of_variants);
    tcase_add_test(tests, there_is_a_limit_of_prices);
    ADD_TABLE_TEST(tests, only_what_is_for_sale_in_the_currency_is_shown, offers);
    tcase_add_test(tests, without_a_currency_all_prices_are_shown);
}

RUN_SUITE(product, add_tests)
