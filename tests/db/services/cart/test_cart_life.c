/*
 * A cart in its table: the lock of a placement from claim to order, expiry, and what catalog tells.
 */
#include "carts.h"

#define CHECKOUT "00000000-0000-7000-8000-000000000002"

extern const struct timer cart_timers[];

/* What a placement claims: two cups as they were shown, unless told otherwise. */
static void claim(const char *checkout_id, int64_t placement, int64_t quantity, int64_t price)
{
    find_cup();
    struct claim_line lines[] = {{line_id, "CUP", quantity, {price, "EUR"}}};

    HEAR(checkout_claims_asked, .checkout_id = checkout_id, .shop = "main", .cart_id = CART, .placement = placement,
         .currency = "EUR", .lines = {lines, line_id[0] != '\0'});
}

static void fail_placement(int64_t placement)
{
    HEAR(checkout_failed, .checkout_id = CHECKOUT, .shop = "main", .cart_id = CART, .placement = placement,
         .reason = "declined");
}

static void complete(void)
{
    HEAR(checkout_completed, .checkout_id = CHECKOUT, .shop = "main", .cart_id = CART, .placement = 1);
}

static const char *state(void)
{
    return database_text("SELECT concat_ws(' ', state, placement, dead) FROM cart");
}

/* The last event and why. */
static const char *last_told(void)
{
    return database_text("SELECT concat_ws(' ', substr(type, 14), body::jsonb ->> 'reason',"
                         " body::jsonb -> 'differences' -> 0 ->> 'kind') FROM outbox ORDER BY id DESC LIMIT 1");
}

START_TEST(what_catalog_takes_back_is_not_for_sale)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    tell_price(1290, false);

    ck_assert_int_eq(add("CUP", 1, NULL), ERR_INVALID);
    claim(CHECKOUT, 1, 2, 1290);
    ck_assert_str_eq(last_told(), "lock_refused.v1 changed unavailable");
}
END_TEST

/* -- the lock -- */

START_TEST(a_placement_locks_the_cart_and_the_order_keeps_it)
{
    const char *why;
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    claim(CHECKOUT, 1, 2, 1290);
    ck_assert_str_eq(state(), "locked 1 0");
    ck_assert_str_eq(last_told(), "locked.v1");
    claim(CHECKOUT, 1, 2, 1290);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.cart.locked.v1'"), 1);
    ck_assert_int_eq(add("CUP", 1, &why), ERR_CONFLICT);
    ck_assert_str_eq(why, "the cart is locked and cannot be changed");

    complete();
    complete();

    ck_assert_str_eq(state(), "ordered 1 0");
    ck_assert_str_eq(lines(), "CUP 2 1290");
    ck_assert_int_eq(add("CUP", 1, NULL), ERR_CONFLICT);
    claim(OTHER, 2, 2, 1290);
    ck_assert_str_eq(last_told(), "lock_refused.v1 ordered");
    ck_assert_str_eq(state(), "ordered 2 0");
    ck_assert_int_eq(database_int("SELECT count(*) FROM cart WHERE expires_at IS NOT NULL"), 0);
}
END_TEST

START_TEST(a_failed_placement_gives_the_cart_back_and_stays_dead)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    claim(CHECKOUT, 1, 2, 1290);
    fail_placement(1);
    ck_assert_str_eq(state(), "open 1 1");
    ck_assert_str_eq(last_told(), "unlocked.v1");
    fail_placement(1);
    claim(CHECKOUT, 1, 2, 1290);
    ck_assert_str_eq(state(), "open 1 1");
    ck_assert_str_eq(last_told(), "unlocked.v1");
    ck_assert_str_eq(lines(), "CUP 2 1290");
    ck_assert_int_eq(add("CUP", 1, NULL), ERR_NONE);

    claim(CHECKOUT, 2, 3, 1290);
    ck_assert_str_eq(state(), "locked 2 1");
    fail_placement(1);
    ck_assert_str_eq(state(), "locked 2 1");
}
END_TEST

START_TEST(a_release_that_overtook_its_claim_kills_it)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    fail_placement(1);
    claim(CHECKOUT, 1, 2, 1290);

    ck_assert_str_eq(state(), "open 0 1");
}
END_TEST

START_TEST(a_newer_placement_inherits_the_lock_and_another_checkout_does_not)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    claim(CHECKOUT, 1, 2, 1290);
    claim(CHECKOUT, 2, 2, 1290);
    ck_assert_str_eq(state(), "locked 2 0");
    ck_assert_str_eq(last_told(), "locked.v1");

    claim(OTHER, 3, 2, 1290);
    ck_assert_str_eq(last_told(), "lock_refused.v1 locked");
    ck_assert_str_eq(database_text("SELECT state || checkout_id FROM cart"), "locked" CHECKOUT);
    fail_placement(2);
    ck_assert_str_eq(state(), "open 2 2");
}
END_TEST

static const struct {
    int64_t quantity;
    int64_t price;
    const char *told;
} refusals[] = {
    {3, 1290, "lock_refused.v1 changed quantity"},
    {2, 1190, "lock_refused.v1 changed price"},
    {2, 1290, "locked.v1"},
};

START_TEST(only_what_the_shopper_saw_is_locked)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    claim(CHECKOUT, 1, refusals[_i].quantity, refusals[_i].price);

    ck_assert_str_eq(last_told(), refusals[_i].told);
    ck_assert_str_eq(state(), text_equal(refusals[_i].told, "locked.v1") ? "locked 1 0" : "open 1 0");
}
END_TEST

START_TEST(an_empty_cart_is_not_locked)
{
    claim(CHECKOUT, 1, 1, 1290);
    ck_assert_str_eq(last_told(), "lock_refused.v1 empty");
}
END_TEST

/* -- growing old -- */

START_TEST(a_cart_that_nobody_touches_expires)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    deliver_timer(service, cart_timers);
    ck_assert_str_eq(state(), "open 0 0");

    database_run("UPDATE cart SET expires_at = now() - interval '1 second'");
    deliver_timer(service, cart_timers);

    ck_assert_str_eq(state(), "expired 0 0");
    ck_assert_str_eq(lines(), "CUP 2 1290");
    ck_assert_str_eq(last_told(), "expired.v1");
    ck_assert_int_eq(add("CUP", 1, NULL), ERR_CONFLICT);
    claim(CHECKOUT, 1, 2, 1290);
    ck_assert_str_eq(last_told(), "lock_refused.v1 expired");
}
END_TEST

/* It lives for its time to live from the last touch, and at most a sixteenth longer: 3600 s, and 225 s. */
START_TEST(a_touch_moves_the_end_of_a_cart_only_when_it_must)
{
    static const char left[] = "SELECT round(extract(epoch FROM expires_at - updated_at)) FROM cart";

    ck_assert_int_eq(database_int(left), 3825);
    database_run("UPDATE cart SET expires_at = now() + interval '3700 seconds'");
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    ck_assert_int_le(database_int(left), 3700);
    ck_assert_int_ge(database_int(left), 3600);
    database_run("UPDATE cart SET expires_at = now() + interval '3599 seconds'");
    ck_assert_int_eq(add("CUP", 1, NULL), ERR_NONE);

    ck_assert_int_eq(database_int(left), 3825);
}
END_TEST

START_TEST(a_locked_cart_has_no_clock)
{
    ck_assert_int_eq(add("CUP", 2, NULL), ERR_NONE);
    claim(CHECKOUT, 1, 2, 1290);
    ck_assert_int_eq(database_int("SELECT count(*) FROM cart WHERE expires_at IS NOT NULL"), 0);
    fail_placement(1);

    ck_assert_int_eq(database_int("SELECT count(*) FROM cart WHERE expires_at > now()"), 1);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, what_catalog_takes_back_is_not_for_sale);
    tcase_add_test(tests, a_placement_locks_the_cart_and_the_order_keeps_it);
    tcase_add_test(tests, a_failed_placement_gives_the_cart_back_and_stays_dead);
    tcase_add_test(tests, a_release_that_overtook_its_claim_kills_it);
    tcase_add_test(tests, a_newer_placement_inherits_the_lock_and_another_checkout_does_not);
    ADD_TABLE_TEST(tests, only_what_the_shopper_saw_is_locked, refusals);
    tcase_add_test(tests, an_empty_cart_is_not_locked);
    tcase_add_test(tests, a_cart_that_nobody_touches_expires);
    tcase_add_test(tests, a_touch_moves_the_end_of_a_cart_only_when_it_must);
    tcase_add_test(tests, a_locked_cart_has_no_clock);
}

RUN_SUITE(cart_life, add_tests)
