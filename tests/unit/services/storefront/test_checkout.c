/*
 * test_checkout - what a cart hands over, which status a placement has, where the browser goes after paying.
 */
#include "checkout.h"

#include <string.h>

#include "suite.h"

/* The table of proto/http/README.md. */
static const struct {
    const char *state;
    int status;
} statuses[] = {
    {"claiming", 202}, {"paying", 202}, {"action_required", 200}, {"declined", 402}, {"unknown", 202},
    {"closing", 202},  {"failed", 409}, {"completed", 202},       {"placed", 201},   {"something_new", 202},
};

START_TEST(each_state_has_its_status)
{
    ck_assert_int_eq(placement_status(statuses[_i].state), statuses[_i].status);
}
END_TEST

START_TEST(every_state_of_the_contract_is_in_the_table)
{
    for (size_t i = 0; placement_view_state_names[i] != NULL; i++) {
        bool found = false;
        for (size_t j = 0; j < COUNT(statuses); j++)
            found |= strcmp(statuses[j].state, placement_view_state_names[i]) == 0;
        ck_assert_msg(found, "%s", placement_view_state_names[i]);
    }
}
END_TEST

static const char *not_sold[] = {"is not for sale any more"};
static const char *dearer[] = {"costs 12.90 EUR, was 11.90 EUR"};

static const struct {
    const char *state;
    size_t lines;
    struct texts changes; /* of the last line */
    enum err err;
    const char *detail;
} carts[] = {
    {"open", 2, {0}, ERR_NONE, NULL},
    {"open", 2, {dearer, 1}, ERR_NONE, NULL},
    {"open", 2, {not_sold, 1}, ERR_INVALID, "lines[1] \"BOOK\" is not for sale any more"},
    {"open", 0, {0}, ERR_CONFLICT, "cart \"c-1\" is empty"},
    {"locked", 2, {0}, ERR_CONFLICT, "a placement of cart \"c-1\" is going on"},
    {"ordered", 2, {0}, ERR_CONFLICT, "cart \"c-1\" became an order already"},
    {"expired", 2, {0}, ERR_CONFLICT, "cart \"c-1\" has expired"},
};

START_TEST(a_cart_is_handed_over_or_refused)
{
    struct ctx ctx = {.arena = arena_new(1 << 20)};
    struct cart_view_line lines[] = {
        {.line_id = "l-1", .sku = "CUP", .quantity = 2, .unit_price = money_of(1290, "EUR")},
        {.line_id = "l-2", .sku = "BOOK", .quantity = 1, .changes = carts[_i].changes},
    };
    const struct cart_view cart = {
        .id = "c-1", .state = carts[_i].state, .version = 4, .currency = "EUR", .lines = {lines, carts[_i].lines}};
    struct open_checkout snapshot = {0};

    enum err err = snapshot_of(&ctx, &cart, &snapshot);

    ck_assert_int_eq(err, carts[_i].err);
    if (err != ERR_NONE) {
        ck_assert_str_eq(ctx.problem.detail, carts[_i].detail);
    } else {
        ck_assert_str_eq(snapshot.cart_id, "c-1");
        ck_assert_int_eq(snapshot.cart_version, 4);
        ck_assert_uint_eq(snapshot.lines.count, 2);
        ck_assert_str_eq(snapshot.lines.items[0].line_id, "l-1");
        ck_assert_int_eq(snapshot.lines.items[0].quantity, 2);
        ck_assert(money_equal(snapshot.lines.items[0].unit_price, money_of(1290, "EUR")));
    }
    arena_free(ctx.arena);
}
END_TEST

static const struct {
    const char *url;
    const char *expected;
} returns[] = {
    {"https://shop.example/thanks", "https://shop.example/thanks?checkout_id=x"},
    {"https://shop.example/thanks?", "https://shop.example/thanks?checkout_id=x"},
    {"https://shop.example/thanks?a=b", "https://shop.example/thanks?a=b&checkout_id=x"},
    {"https://shop.example/thanks?a=b&", "https://shop.example/thanks?a=b&checkout_id=x"},
    {"https://shop.example/#/thanks?a", "https://shop.example/?checkout_id=x#/thanks?a"},
    {"https://shop.example/t?a=b#there", "https://shop.example/t?a=b&checkout_id=x#there"},
};

START_TEST(the_checkout_is_added_to_the_query)
{
    struct arena *arena = arena_new(1 << 20);

    ck_assert_str_eq(return_url_for(arena, returns[_i].url, "x"), returns[_i].expected);
    arena_free(arena);
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, each_state_has_its_status, statuses);
    tcase_add_test(tests, every_state_of_the_contract_is_in_the_table);
    ADD_TABLE_TEST(tests, a_cart_is_handed_over_or_refused, carts);
    ADD_TABLE_TEST(tests, the_checkout_is_added_to_the_query, returns);
}

RUN_SUITE(checkout, add_tests)
