/*
 * Putting things into a cart, showing it, and comparing it with what the shopper saw.
 */
#include "cart.h"

#include "ctx.h"
#include "id.h"
#include "suite.h"
#include "text.h"

#define CART "00000000-0000-7000-8000-000000000001"
#define LINE "00000000-0000-7000-8000-00000000000a"
#define MORE "00000000-0000-7000-8000-00000000000b"

static struct ctx ctx;
static struct cart cart;
static struct cart_offer cup;

/* A cart with two cups for 12.90 and one pot for 30.00, and cups on offer. */
static void setup(void)
{
    ctx = (struct ctx){.arena = arena_new(4 << 20)};
    cup = (struct cart_offer){"CUP", "Cup, blue", "standard", 1290, true};
    cart = (struct cart){.head = {.id = CART, .version = 3}, .shop = "main", .currency = "EUR", .offer = &cup};
    cart.lines.items = arena_array(ctx.arena, 2, sizeof(struct priced_line));
    cart.lines.items[0] = (struct priced_line){LINE, "CUP", "Cup, blue", 2, 1290, 1290, "standard", true};
    cart.lines.items[1] = (struct priced_line){MORE, "POT", "Pot", 1, 3000, 3000, "standard", true};
    cart.lines.count = 2;
}

static void teardown(void)
{
    arena_free(ctx.arena);
}

static void check_wrong(enum err err, const char *field, const char *message)
{
    ck_assert_int_eq(err, ERR_INVALID);
    ck_assert_uint_eq(ctx.problem.error_count, 1);
    ck_assert_str_eq(ctx.problem.errors[0].field, field);
    ck_assert_str_eq(ctx.problem.errors[0].message, message);
}

/* -- putting -- */

START_TEST(the_first_piece_makes_a_line_with_an_id_of_its_own)
{
    struct priced_line *line;
    cart.lines.count = 0;

    ck_assert_int_eq(cart_put(&ctx, &cart, 3, &line), ERR_NONE);

    ck_assert_uint_eq(cart.lines.count, 1);
    ck_assert(id_is_valid(line->line_id));
    ck_assert_str_eq(line->sku, "CUP");
    ck_assert_str_eq(line->title, "Cup, blue");
    ck_assert_str_eq(line->tax_class, "standard");
    ck_assert_int_eq(line->quantity, 3);
    ck_assert_int_eq(line->price_minor, 1290);
    ck_assert_int_eq(line->shown_minor, 1290);
    ck_assert(line->is_sold);
}
END_TEST

START_TEST(more_of_the_same_adds_up_on_its_line)
{
    struct priced_line *line;

    ck_assert_int_eq(cart_put(&ctx, &cart, 3, &line), ERR_NONE);

    ck_assert_uint_eq(cart.lines.count, 2);
    ck_assert_str_eq(line->line_id, LINE);
    ck_assert_int_eq(line->quantity, 5);
}
END_TEST

START_TEST(what_is_put_is_shown_at_its_price_of_now)
{
    struct priced_line *line;
    cup.price_minor = 1490;
    cart.lines.items[0].is_sold = false;

    ck_assert_int_eq(cart_put(&ctx, &cart, 1, &line), ERR_NONE);

    ck_assert_int_eq(line->price_minor, 1490);
    ck_assert_int_eq(line->shown_minor, 1490);
    ck_assert(line->is_sold);
}
END_TEST

START_TEST(what_nobody_offers_cannot_be_put)
{
    struct priced_line *line;
    cart.offer = NULL;

    check_wrong(cart_put(&ctx, &cart, 1, &line), "sku", "is not sold in EUR");
}
END_TEST

START_TEST(what_is_not_for_sale_any_more_cannot_be_put)
{
    struct priced_line *line;
    cup.active = false;

    check_wrong(cart_put(&ctx, &cart, 1, &line), "sku", "is not sold in EUR");
    ck_assert_int_eq(cart.lines.items[0].quantity, 2);
}
END_TEST

START_TEST(a_line_has_at_most_9999_pieces)
{
    struct priced_line *line;

    ck_assert_int_eq(cart_put(&ctx, &cart, 9997, &line), ERR_NONE);
    ck_assert_int_eq(line->quantity, 9999);
    check_wrong(cart_put(&ctx, &cart, 1, &line), "quantity", "would make 10000 pieces; a line has at most 9999");
    ck_assert_int_eq(cart_find_sku(&cart, "CUP")->quantity, 9999);
}
END_TEST

START_TEST(a_cart_has_at_most_200_lines)
{
    struct priced_line *line;
    cart.lines.items = arena_array(ctx.arena, CART_LINES_MAX, sizeof(struct priced_line));
    cart.lines.count = CART_LINES_MAX;
    for (int i = 0; i < CART_LINES_MAX; i++)
        cart.lines.items[i] = (struct priced_line){.line_id = LINE, .sku = arena_printf(ctx.arena, "S%d", i)};

    check_wrong(cart_put(&ctx, &cart, 1, &line), "sku", "would be line 201; a cart has at most 200");

    ctx_clear_problem(&ctx);
    cup.sku = "S199";
    ck_assert_int_eq(cart_put(&ctx, &cart, 1, &line), ERR_NONE);
    ck_assert_uint_eq(cart.lines.count, CART_LINES_MAX);
}
END_TEST

START_TEST(dropping_a_line_keeps_the_others_in_their_order)
{
    struct priced_line *line;
    cup = (struct cart_offer){"CAN", "Can", "standard", 500, true};
    ck_assert_int_eq(cart_put(&ctx, &cart, 1, &line), ERR_NONE);

    cart_drop(&cart, cart_find_line(&cart, MORE));

    ck_assert_uint_eq(cart.lines.count, 2);
    ck_assert_str_eq(cart.lines.items[0].sku, "CUP");
    ck_assert_str_eq(cart.lines.items[1].sku, "CAN");
    ck_assert_ptr_null(cart_find_line(&cart, MORE));
    ck_assert_ptr_null(cart_find_sku(&cart, "POT"));
}
END_TEST

/* -- pricing -- */

static const char *priced(const struct priced_line *line)
{
    return arena_printf(ctx.arena, "%s %d %d %s %s", line->title, (int)line->shown_minor, (int)line->price_minor,
                        line->tax_class, line->is_sold ? "sold" : "not sold");
}

START_TEST(lines_cost_what_is_offered_now)
{
    struct cart_offer offers[] = {
        {"LID", "Lid", "standard", 300, true},
        {"POT", "Pot, large", "reduced", 3500, false},
        {"CUP", "Cup, red", "reduced", 1490, true},
    };
    cart.offers = (struct cart_offer_list){offers, COUNT(offers)};

    cart_apply_offers(&cart, "LID");

    ck_assert_str_eq(priced(&cart.lines.items[0]), "Cup, red 1290 1490 reduced sold");
    ck_assert_str_eq(priced(&cart.lines.items[1]), "Pot, large 3000 3500 reduced not sold");
    ck_assert_ptr_eq(cart.offer, &offers[0]);
}
END_TEST

START_TEST(what_nobody_offers_costs_what_was_shown)
{
    cart.lines.items[0] = (struct priced_line){LINE, "CUP", "Cup, blue", 2, 1290};
    cart.offers = (struct cart_offer_list){0};

    cart_apply_offers(&cart, "CUP");

    ck_assert_str_eq(priced(&cart.lines.items[0]), "Cup, blue 1290 1290 standard not sold");
    ck_assert_ptr_null(cart.offer);
}
END_TEST

START_TEST(who_asks_for_no_sku_gets_no_offer)
{
    cart.offers = (struct cart_offer_list){&cup, 1};

    cart_apply_offers(&cart, NULL);

    ck_assert_ptr_null(cart.offer);
    ck_assert(cart.lines.items[0].is_sold);
}
END_TEST

/* -- showing -- */

START_TEST(a_cart_is_shown_with_its_sums)
{
    struct cart_view view;

    ck_assert_int_eq(cart_render(&ctx, &cart, &view), ERR_NONE);

    ck_assert_str_eq(view.state, "open");
    ck_assert_int_eq(view.version, 3);
    ck_assert_uint_eq(view.lines.count, 2);
    ck_assert(money_equal(view.lines.items[0].unit_price, money_of(1290, "EUR")));
    ck_assert(money_equal(view.lines.items[0].total, money_of(2580, "EUR")));
    ck_assert(money_equal(view.subtotal, money_of(5580, "EUR")));
    ck_assert_uint_eq(view.lines.items[0].changes.count, 0);
    ck_assert_ptr_null(view.token);
}
END_TEST

/* clang-format off */
static const struct {
    int64_t price_minor;
    bool is_sold;
    const char *says; /* NULL: nothing */
} news[] = {
    { 1290, true,  NULL },
    { 1490, true,  "costs 14.90 EUR, was 12.90 EUR" },
    { 1,    true,  "costs 0.01 EUR, was 12.90 EUR" },
    { 1290, false, "is not for sale any more" },
    { 1490, false, "is not for sale any more" },
};
/* clang-format on */

START_TEST(what_changed_since_it_was_shown_is_said)
{
    struct cart_view view;
    cart.lines.items[0].price_minor = news[_i].price_minor;
    cart.lines.items[0].is_sold = news[_i].is_sold;

    ck_assert_int_eq(cart_render(&ctx, &cart, &view), ERR_NONE);

    ck_assert_uint_eq(view.lines.items[0].changes.count, news[_i].says != NULL);
    if (news[_i].says != NULL)
        ck_assert_str_eq(view.lines.items[0].changes.items[0], news[_i].says);
    ck_assert_uint_eq(view.lines.items[1].changes.count, 0);
}
END_TEST

START_TEST(a_price_is_news_once_and_only_a_price)
{
    cart.lines.items[0].is_sold = false;
    ck_assert(!cart_set_shown(&cart));

    cart.lines.items[0].price_minor = 1490;
    ck_assert(cart_set_shown(&cart));
    ck_assert_int_eq(cart.lines.items[0].shown_minor, 1490);
    ck_assert_int_eq(cart.lines.items[1].shown_minor, 3000);
    ck_assert(!cart_set_shown(&cart));
}
END_TEST

/* clang-format off */
static const struct {
    int64_t first_price;
    int64_t first_quantity;
    int64_t second_price;
    const char *names; /* the line that passes what can be counted; NULL: none */
} sums[] = {
    { MONEY_MAX - 3000, 1, 3000, NULL },
    { MONEY_MAX,        1, 0,    NULL },
    { MONEY_MAX,        1, 1,    "POT" },
    { MONEY_MAX / 2,    2, 2,    "POT" },
    { MONEY_MAX / 2,    3, 0,    "CUP" },
    { MONEY_MAX,     9999, 0,    "CUP" },
};
/* clang-format on */

START_TEST(a_sum_that_cannot_be_counted_names_its_line)
{
    struct cart_line_list lines;
    struct cart_view view;
    struct money subtotal;
    cart.lines.items[0].price_minor = cart.lines.items[0].shown_minor = sums[_i].first_price;
    cart.lines.items[0].quantity = sums[_i].first_quantity;
    cart.lines.items[1].price_minor = cart.lines.items[1].shown_minor = sums[_i].second_price;

    enum err shown = cart_render(&ctx, &cart, &view);
    enum err locked = cart_price(&ctx, &cart, &lines, &subtotal);

    ck_assert_int_eq(shown, sums[_i].names != NULL ? ERR_INVALID : ERR_NONE);
    ck_assert_int_eq(locked, shown);
    if (sums[_i].names == NULL)
        ck_assert_int_eq(subtotal.amount, MONEY_MAX);
    else
        ck_assert_str_eq(
            ctx.problem.errors[0].message,
            arena_printf(ctx.arena, "of \"%s\" makes the cart dearer than can be counted", sums[_i].names));
}
END_TEST

START_TEST(the_lines_of_a_lock_are_those_of_the_cart_at_their_price_of_now)
{
    struct cart_line_list lines;
    struct money subtotal;
    cart.lines.items[0].price_minor = 1490;

    ck_assert_int_eq(cart_price(&ctx, &cart, &lines, &subtotal), ERR_NONE);

    ck_assert_uint_eq(lines.count, 2);
    ck_assert_str_eq(lines.items[0].line_id, LINE);
    ck_assert(money_equal(lines.items[0].unit_price, money_of(1490, "EUR")));
    ck_assert(money_equal(lines.items[0].total, money_of(2980, "EUR")));
    ck_assert(money_equal(subtotal, money_of(5980, "EUR")));
}
END_TEST

/* -- comparing -- */

/* What differs, as text: "CUP price 12.90 EUR > 14.90 EUR; ..." */
static const char *differences(struct claim_line *shown, size_t count)
{
    struct difference_list list;
    struct buf text;

    cart_compare(ctx.arena, &cart, &(struct claim_line_list){shown, count}, &list);
    buf_init(&text, ctx.arena, 4096);
    buf_add_text(&text, "");
    for (size_t i = 0; i < list.count; i++) {
        const struct difference *each = &list.items[i];
        buf_printf(&text, "%s%s %s %s > %s", i > 0 ? "; " : "", each->sku, each->kind, each->was, each->now);
    }
    return text.size > 0 ? text.data : "";
}

/* What the shopper was shown: both lines of the cart. */
static struct claim_line *seen(void)
{
    struct claim_line *shown = arena_array(ctx.arena, 3, sizeof(*shown));

    shown[0] = (struct claim_line){LINE, "CUP", 2, money_of(1290, "EUR")};
    shown[1] = (struct claim_line){MORE, "POT", 1, money_of(3000, "EUR")};
    return shown;
}

START_TEST(a_cart_is_the_same_in_any_order_of_its_lines)
{
    struct claim_line *shown = seen();
    const struct claim_line first = shown[0];

    ck_assert_str_eq(differences(shown, 2), "");
    shown[0] = shown[1];
    shown[1] = first;
    ck_assert_str_eq(differences(shown, 2), "");
}
END_TEST

START_TEST(another_price_is_a_difference)
{
    cart.lines.items[0].price_minor = 1490;
    ck_assert_str_eq(differences(seen(), 2), "CUP price 12.90 EUR > 14.90 EUR");
}
END_TEST

START_TEST(another_currency_is_another_price)
{
    cart.currency = "USD";
    ck_assert_str_eq(differences(seen(), 1), "CUP price 12.90 EUR > 12.90 USD; POT added 0 > 1");
}
END_TEST

START_TEST(another_quantity_is_a_difference)
{
    cart.lines.items[0].quantity = 5;
    ck_assert_str_eq(differences(seen(), 2), "CUP quantity 2 > 5");
}
END_TEST

START_TEST(a_line_that_is_gone_is_missing)
{
    cart_drop(&cart, &cart.lines.items[0]);
    ck_assert_str_eq(differences(seen(), 2), "CUP missing 2 > 0");
}
END_TEST

START_TEST(a_line_that_was_not_shown_was_added)
{
    ck_assert_str_eq(differences(seen(), 1), "POT added 0 > 1");
    ck_assert_str_eq(differences(seen(), 0), "CUP added 0 > 2; POT added 0 > 1");
}
END_TEST

START_TEST(the_same_sku_on_another_line_is_not_the_same)
{
    struct claim_line *shown = seen();
    shown[0].line_id = CART;

    ck_assert_str_eq(differences(shown, 2), "CUP missing 2 > 0; CUP added 0 > 2");
}
END_TEST

START_TEST(what_is_not_for_sale_is_unavailable)
{
    cart.lines.items[1].is_sold = false;
    ck_assert_str_eq(differences(seen(), 2), "POT unavailable for sale > not for sale");
}
END_TEST

START_TEST(all_differences_of_a_line_fit_the_list)
{
    for (size_t i = 0; i < 2; i++) {
        cart.lines.items[i].is_sold = false;
        cart.lines.items[i].quantity = 7;
        cart.lines.items[i].price_minor = 1;
    }
    ck_assert_str_eq(differences(seen(), 2),
                     "CUP unavailable for sale > not for sale; CUP quantity 2 > 7; CUP price 12.90 EUR > 0.01 EUR; "
                     "POT unavailable for sale > not for sale; POT quantity 1 > 7; POT price 30.00 EUR > 0.01 EUR");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_first_piece_makes_a_line_with_an_id_of_its_own);
    tcase_add_test(tests, more_of_the_same_adds_up_on_its_line);
    tcase_add_test(tests, what_is_put_is_shown_at_its_price_of_now);
    tcase_add_test(tests, what_nobody_offers_cannot_be_put);
    tcase_add_test(tests, what_is_not_for_sale_any_more_cannot_be_put);
    tcase_add_test(tests, a_line_has_at_most_9999_pieces);
    tcase_add_test(tests, a_cart_has_at_most_200_lines);
    tcase_add_test(tests, dropping_a_line_keeps_the_others_in_their_order);
    tcase_add_test(tests, lines_cost_what_is_offered_now);
    tcase_add_test(tests, what_nobody_offers_costs_what_was_shown);
    tcase_add_test(tests, who_asks_for_no_sku_gets_no_offer);
    tcase_add_test(tests, a_cart_is_shown_with_its_sums);
    ADD_TABLE_TEST(tests, what_changed_since_it_was_shown_is_said, news);
    tcase_add_test(tests, a_price_is_news_once_and_only_a_price);
    ADD_TABLE_TEST(tests, a_sum_that_cannot_be_counted_names_its_line, sums);
    tcase_add_test(tests, the_lines_of_a_lock_are_those_of_the_cart_at_their_price_of_now);
    tcase_add_test(tests, a_cart_is_the_same_in_any_order_of_its_lines);
    tcase_add_test(tests, another_price_is_a_difference);
    tcase_add_test(tests, another_currency_is_another_price);
    tcase_add_test(tests, another_quantity_is_a_difference);
    tcase_add_test(tests, a_line_that_is_gone_is_missing);
    tcase_add_test(tests, a_line_that_was_not_shown_was_added);
    tcase_add_test(tests, the_same_sku_on_another_line_is_not_the_same);
    tcase_add_test(tests, what_is_not_for_sale_is_unavailable);
    tcase_add_test(tests, all_differences_of_a_line_fit_the_list);
}

RUN_SUITE(cart, add_tests)
