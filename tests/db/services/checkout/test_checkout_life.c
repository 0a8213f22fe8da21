/*
 * A checkout in its tables: one for a cart, what the shopper chooses, a placement from claims to order, and its
 * repeats.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "checkouts.h"

#define OTHER "00000000-0000-7000-8000-000000000003"

/* -- opening -- */

static atomic_int made;
static pthread_barrier_t begin;

static void *open_one(void *of UNUSED)
{
    struct arena *own = arena_new(1 << 20);

    pthread_barrier_wait(&begin);
    if (call_for(own, CART, "POST", CHECKOUTS, NULL, &snapshot).status == 201)
        atomic_fetch_add(&made, 1);
    arena_free(own);
    return NULL;
}

START_TEST(twenty_openings_at_once_make_one_checkout)
{
    pthread_t threads[THREADS];

    pthread_barrier_init(&begin, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, open_one, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&begin);

    ck_assert_int_eq(atomic_load(&made), 1);
    ck_assert_str_eq(database_text("SELECT concat_ws(' ', count(*), sum(version)) FROM checkout"), "1 1");
    ck_assert_str_eq(last_told("->> 'cart_id'"), "opened.v1 " CART);
}
END_TEST

START_TEST(opening_again_takes_the_newer_snapshot)
{
    struct reply reply = open_checkout();
    ck_assert_int_eq(reply.status, 201);
    ck_assert_int_eq(total(reply), 2580);
    ck_assert_str_eq(member(reply, "totals.tax_included"), "true");

    cup.quantity = 3;
    cup.total.amount = 3870;
    snapshot.cart_version = 4;
    reply = open_checkout();
    ck_assert_int_eq(reply.status, 200);
    ck_assert_int_eq(total(reply), 3870);

    cup.quantity = 1;
    cup.total.amount = 1290;
    snapshot.cart_version = 2;
    ck_assert_int_eq(total(open_checkout()), 3870);
    ck_assert_int_eq(total(call("GET", SHOW, NULL)), 3870);
}
END_TEST

START_TEST(prices_without_tax_say_so_from_the_start)
{
    cup.unit_price = (struct money){1290, "USD"};
    cup.total = (struct money){2580, "USD"};
    snapshot.currency = "USD";
    ck_assert_str_eq(member(open_checkout(), "totals.tax_included"), "false");
}
END_TEST

/* -- choosing -- */

START_TEST(a_refused_choice_changes_nothing)
{
    ck_assert_int_eq(open_checkout().err, ERR_NONE);
    ck_assert_int_eq(call("PUT", DELIVERY, &(struct set_delivery){.method = "express"}).err, ERR_CONFLICT);
    ck_assert_int_eq(call("PUT", ADDRESSES, &berlin).err, ERR_NONE);
    ck_assert_int_eq(call("PUT", DELIVERY, &(struct set_delivery){.method = "express"}).err, ERR_NONE);

    ck_assert_int_eq(call("PUT", DELIVERY, &(struct set_delivery){.method = "pigeon"}).err, ERR_INVALID);
    ck_assert_int_eq(call("PUT", PAYMENT, &(struct set_payment){.method = "cheque"}).err, ERR_INVALID);
    ck_assert_int_eq(
        call("PUT", PAYMENT, &(struct set_payment){.method = "card", .return_url = "https://evil.net/"}).err,
        ERR_INVALID);
    ck_assert_int_eq(call_for(arena, OTHER, "PUT", DELIVERY, NULL, &(struct set_delivery){.method = "first_class"}).err,
                     ERR_NOT_FOUND);

    ck_assert_str_eq(database_text("SELECT concat_ws(' ', delivery_method, method, return_url) FROM checkout"),
                     "express");
}
END_TEST

START_TEST(a_choice_keeps_the_others)
{
    fill_in();
    ck_assert_int_eq(
        call("PUT", PAYMENT, &(struct set_payment){.method = "card", .return_url = "http://localhost/done"}).err,
        ERR_NONE);
    ck_assert_int_eq(call("PUT", DELIVERY, &(struct set_delivery){.method = "express"}).err, ERR_NONE);
    ck_assert_str_eq(database_text("SELECT concat_ws(' ', delivery_method, method, return_url,"
                                   " personal -> 'shipping' ->> 'city') FROM checkout"),
                     "express card http://localhost/done Berlin");

    struct reply reply = call("PUT", PAYMENT, &(struct set_payment){.method = "bank_transfer"});
    ck_assert_str_eq(member(reply, "ready"), "true");
    ck_assert_int_eq(database_int("SELECT count(*) FROM checkout WHERE return_url IS NOT NULL"), 0);
}
END_TEST

START_TEST(what_is_being_placed_cannot_be_chosen_again)
{
    fill_in();
    ck_assert_int_eq(place("k1", TOTAL).err, ERR_NONE);

    struct reply reply = call("PUT", DELIVERY, &(struct set_delivery){.method = "express"});
    ck_assert_int_eq(reply.err, ERR_CONFLICT);
    ck_assert_int_eq(call("PUT", ADDRESSES, &berlin).err, ERR_CONFLICT);

    ck_assert_str_eq(database_text("SELECT delivery_method FROM checkout"), "first_class");
}
END_TEST

/* -- a placement -- */

START_TEST(a_placement_becomes_an_order)
{
    fill_in();
    struct reply reply = place("k1", TOTAL);
    ck_assert_int_eq(reply.err, ERR_NONE);
    ck_assert_int_eq(reply.status, 202);
    ck_assert_str_eq(state(), "claiming 1 0 f f waits");
    ck_assert_str_eq(last_told("-> 'lines' -> 0 ->> 'sku'"), "claims_asked.v1 CUP");

    lock_cart(1);
    ck_assert_str_eq(state(), "claiming 1 0 t f waits");
    hold_stock(1);
    ck_assert_str_eq(state(), "paying 1 1 t t waits");
    ck_assert_str_eq(last_told("-> 'amount' ->> 'amount'"), arena_printf(arena, "payment_asked.v1 %d", TOTAL));
    ck_assert_str_eq(member(call("GET", PLACEMENT, NULL), "state"), "paying");

    promise_money(1, 1);
    ck_assert_str_eq(state(), "completed 1 1 t t 1");
    ck_assert_str_eq(last_told("-> 'personal' ->> 'email'"), "completed.v1 ada@example.com");
    ck_assert_str_eq(last_told("-> 'lines' -> 0 -> 'tax_lines' -> 0 ->> 'rate_basis_points'"), "completed.v1 1900");
    ck_assert_str_eq(last_told("-> 'groups' -> 0 ->> 'label'"), "completed.v1 First class");

    HEAR(order_placed, .order_id = checkout_id, .number = "WB-1");
    ck_assert_str_eq(state(), "completed 1 1 t t 1 WB-1");
    ck_assert_str_eq(last_told("->> 'state'"), "progressed.v1 placed");
    reply = call("GET", PLACEMENT, NULL);
    ck_assert_str_eq(member(reply, "order.number"), "WB-1");
    ck_assert_str_eq(member(reply, "order.total.amount"), arena_printf(arena, "%d", TOTAL));
    ck_assert_int_eq(total(call("GET", SHOW, NULL)), TOTAL);
    ck_assert_int_eq(call("POST", CANCEL, NULL).err, ERR_CONFLICT);
}
END_TEST

START_TEST(the_title_that_cart_locked_is_sold)
{
    fill_in();
    ck_assert_int_eq(place("k1", TOTAL).err, ERR_NONE);
    hold_stock(1);
    cup.title = "Cup, navy";
    lock_cart(1);
    ck_assert_str_eq(state(), "paying 1 1 t t waits");

    promise_money(1, 1);
    ck_assert_str_eq(last_told("-> 'lines' -> 0 ->> 'title'"), "completed.v1 Cup, navy");
}
END_TEST

START_TEST(lines_that_cost_something_else_are_not_sold)
{
    fill_in();
    ck_assert_int_eq(place("k1", TOTAL).err, ERR_NONE);
    cup.unit_price.amount = 1190;
    cup.total.amount = 2380;
    lock_cart(1);

    ck_assert_str_eq(state(), "failed 1 0 f f cart_changed");
    ck_assert_str_eq(last_told("->> 'reason'"), "failed.v1 cart_changed");
    ck_assert_str_eq(database_text("SELECT lines -> 0 -> 'total' ->> 'amount' FROM checkout"), "2580");
}
END_TEST

START_TEST(a_placement_that_nobody_pays_ends_at_its_deadline)
{
    fill_in();
    ck_assert_int_eq(place("k1", TOTAL).err, ERR_NONE);
    lock_cart(1);
    hold_stock(1);
    deliver_timer(service, checkout_timers);
    ck_assert_str_eq(state(), "paying 1 1 t t waits");

    database_run("UPDATE checkout SET deadline = now() - interval '1 second'");
    deliver_timer(service, checkout_timers);
    ck_assert_str_eq(state(), "closing 1 1 t t waits deadline");

    HEAR(payment_closed, .checkout_id = checkout_id, .placement = 1, .intent = 1);
    ck_assert_str_eq(state(), "failed 1 1 f f deadline");
}
END_TEST

/* Who repeats an old request hears how it ended, in the bytes that were sent then. */
START_TEST(a_repeat_of_an_earlier_placement_never_places_again)
{
    fill_in();
    ck_assert_int_eq(place("k1", TOTAL).err, ERR_NONE);
    refuse_cart(1);
    struct reply first = place("k1", TOTAL);
    ck_assert_int_eq(first.status, 409);
    ck_assert_int_eq(place("k2", TOTAL).status, 202);
    refuse_cart(2);
    ck_assert_int_eq(place("k3", TOTAL).status, 202);

    struct reply late = place("k1", TOTAL);
    ck_assert_int_eq(late.status, 409);
    ck_assert_str_eq(late.body, first.body);
    ck_assert_int_eq(place("k1", TOTAL + 1).err, ERR_INVALID);
    ck_assert_int_eq(place("k3", TOTAL).status, 202);
    ck_assert_int_eq(place("k4", TOTAL).err, ERR_CONFLICT);

    ck_assert_str_eq(state(), "claiming 3 0 f f waits");
    ck_assert_str_eq(database_text("SELECT string_agg(key || placement || reason, ' ' ORDER BY key) FROM placement"),
                     "k11cart_expired k22cart_expired");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, twenty_openings_at_once_make_one_checkout);
    tcase_add_test(tests, opening_again_takes_the_newer_snapshot);
    tcase_add_test(tests, prices_without_tax_say_so_from_the_start);
    tcase_add_test(tests, a_refused_choice_changes_nothing);
    tcase_add_test(tests, a_choice_keeps_the_others);
    tcase_add_test(tests, what_is_being_placed_cannot_be_chosen_again);
    tcase_add_test(tests, a_placement_becomes_an_order);
    tcase_add_test(tests, the_title_that_cart_locked_is_sold);
    tcase_add_test(tests, lines_that_cost_something_else_are_not_sold);
    tcase_add_test(tests, a_placement_that_nobody_pays_ends_at_its_deadline);
    tcase_add_test(tests, a_repeat_of_an_earlier_placement_never_places_again);
}

RUN_SUITE(checkout_life, add_tests)
