/*
 * An order in its tables: what each event and command leaves behind, and what it tells.
 */
#include "orders.h"

/* -- placing -- */

START_TEST(a_completed_checkout_becomes_an_order)
{
    place("card");

    ck_assert_str_eq(database_text("SELECT concat_ws('|', id, shop, number, cart_id, intent, method, quantity,"
                                   " total_minor, email, version) FROM orders"),
                     ORDER "|main|WB-100001|" CART "|1|card|2|3170|ada@example.com|1");
    ck_assert_str_eq(kernel(), "placed");
    ck_assert_str_eq(status(), "In Progress / Incoming");
    ck_assert_str_eq(told(), "order.placed.v1");
    ck_assert_str_eq(timeline(), "1 placed");
    check_versions();
}
END_TEST

START_TEST(handled_twice_it_is_still_one_order)
{
    place("card");
    place("card");

    ck_assert_int_eq(database_int("SELECT count(*) FROM orders"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox"), 2);
    ck_assert_str_eq(timeline(), "1 placed");
}
END_TEST

START_TEST(a_cart_becomes_at_most_one_order)
{
    struct checkout_completed again = completed("card");
    again.checkout_id = OTHER;
    place("card");

    ck_assert_int_ne(deliver(service, order_subscriptions, &checkout_completed_type, &again), ERR_NONE);

    ck_assert_int_eq(database_int("SELECT count(*) FROM orders"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox"), 2);
}
END_TEST

START_TEST(a_snapshot_knows_nothing_of_the_person)
{
    place("card");

    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE topic = 'waybill.order.snapshot'"
                                  " AND body NOT ILIKE '%ada%' AND body NOT ILIKE '%torstrasse%'"),
                     1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE topic = 'waybill.order'"
                                  " AND body::jsonb -> 'personal' ->> 'email' = 'Ada@Example.com'"),
                     1);
}
END_TEST

/* -- a whole life -- */

START_TEST(the_story_of_an_order_is_told_from_placing_to_delivery)
{
    place("card");
    plan(SHIPMENT, "S-1");
    capture(1, 3170);
    release(SHIPMENT);
    ck_assert_str_eq(kernel(), "released");
    HEAR(shipment_picked, .shipment_id = SHIPMENT, .shop = "main", .order_id = ORDER, .by = "clerk-anna");
    HEAR(shipment_packed, .shipment_id = SHIPMENT, .shop = "main", .order_id = ORDER, .by = "clerk-anna");
    ship(SHIPMENT);
    ck_assert_str_eq(kernel(), "shipping");
    ck_assert_str_eq(status(), "Completed / On transit");
    HEAR(shipment_in_transit, .shipment_id = SHIPMENT, .shop = "main", .order_id = ORDER, .at = 1, .note = "Leipzig");
    deliver_parcel(SHIPMENT, 0);

    ck_assert_str_eq(kernel(), "completed");
    ck_assert_str_eq(status(), "Completed / Delivered");
    ck_assert_str_eq(timeline(), "1 placed, 2 shipment_planned, 3 payment_captured, 4 shipment_released,"
                                 " 5 shipment_picked, 6 shipment_packed, 7 shipment_shipped, 8 shipment_in_transit,"
                                 " 9 shipment_delivered");
    ck_assert_str_eq(told(), "order.placed.v1 order.status_changed.v1 order.status_changed.v1"
                             " order.status_changed.v1");
    ck_assert_str_eq(database_text("SELECT string_agg(body::jsonb ->> 'mail', ' ' ORDER BY id) FROM outbox"),
                     "order_shipped order_delivered");
    ck_assert_str_eq(database_text("SELECT concat_ws('|', state, carrier, tracking_number) FROM order_shipment"),
                     "delivered|sandbox|T1");
    check_versions();
}
END_TEST

START_TEST(an_order_of_two_parcels_is_completed_with_the_last)
{
    place("card");
    plan(SHIPMENT, "S-1");
    plan(OTHER, "S-2");
    ship(SHIPMENT);
    ship(OTHER);
    deliver_parcel(OTHER, 1);
    ck_assert_str_eq(kernel(), "shipping");

    deliver_parcel(SHIPMENT, 0);

    ck_assert_str_eq(kernel(), "completed");
    check_versions();
}
END_TEST

START_TEST(what_was_never_placed_is_not_found)
{
    const struct shipment_released event = {.shipment_id = SHIPMENT, .shop = "main", .order_id = NOBODY, .by = "x"};

    ck_assert_int_eq(deliver(service, order_subscriptions, &shipment_released_type, &event), ERR_NOT_FOUND);
}
END_TEST

/* -- cancelling -- */

START_TEST(an_order_is_cancelled_when_fulfilment_has_stopped_all_of_it)
{
    place("card");
    plan(SHIPMENT, "S-1");
    plan(OTHER, "S-2");
    ck_assert_int_eq(ask(CANCEL), ERR_NONE);
    ck_assert_str_eq(kernel(), "cancelling");
    check_versions();
    stop(SHIPMENT, 1);
    ck_assert_str_eq(kernel(), "cancelling");
    stop(OTHER, 0);

    ck_assert_str_eq(kernel(), "cancelled");
    ck_assert_str_eq(status(), "Cancelled");
    ck_assert_str_eq(told(), "order.placed.v1 order.status_changed.v1 order.cancel_asked.v1 order.status_changed.v1"
                             " order.cancelled.v1");
    ck_assert_str_eq(database_text("SELECT body::jsonb ->> 'cancelled_reason' FROM outbox"
                                   " WHERE topic = 'waybill.order.snapshot' ORDER BY id DESC LIMIT 1"),
                     "changed my mind");
    check_versions();
}
END_TEST

START_TEST(cancelling_twice_is_refused_and_told_once)
{
    place("card");
    ck_assert_int_eq(ask(CANCEL), ERR_NONE);

    ck_assert_int_eq(ask(CANCEL), ERR_CONFLICT);

    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.order.cancel_asked.v1'"), 1);
    check_versions();
}
END_TEST

START_TEST(a_parcel_that_left_first_refuses_the_cancellation)
{
    place("card");
    plan(SHIPMENT, "S-1");
    ck_assert_int_eq(ask(CANCEL), ERR_NONE);
    ship(SHIPMENT);
    ck_assert_str_eq(kernel(), "cancelling");
    HEAR(shipment_stop_refused, .shipment_id = SHIPMENT, .shop = "main", .order_id = ORDER, .state = "shipped");

    ck_assert_str_eq(kernel(), "shipping");
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.order.cancel_refused.v1'"), 1);
    ck_assert_int_eq(ask(CANCEL), ERR_CONFLICT);
    check_versions();
}
END_TEST

START_TEST(what_cannot_be_becomes_work_for_a_person)
{
    place("card");
    plan(SHIPMENT, "S-1");
    stop(SHIPMENT, 0);
    ck_assert_str_eq(kernel(), "cancelled");

    deliver_parcel(SHIPMENT, 0);

    ck_assert_str_eq(kernel(), "cancelled");
    ck_assert_str_eq(database_text("SELECT concat_ws('|', kind, subject) FROM work_item"),
                     "order_contradiction|" ORDER);
    check_versions();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_completed_checkout_becomes_an_order);
    tcase_add_test(tests, handled_twice_it_is_still_one_order);
    tcase_add_test(tests, a_cart_becomes_at_most_one_order);
    tcase_add_test(tests, a_snapshot_knows_nothing_of_the_person);
    tcase_add_test(tests, the_story_of_an_order_is_told_from_placing_to_delivery);
    tcase_add_test(tests, an_order_of_two_parcels_is_completed_with_the_last);
    tcase_add_test(tests, what_was_never_placed_is_not_found);
    tcase_add_test(tests, an_order_is_cancelled_when_fulfilment_has_stopped_all_of_it);
    tcase_add_test(tests, cancelling_twice_is_refused_and_told_once);
    tcase_add_test(tests, a_parcel_that_left_first_refuses_the_cancellation);
    tcase_add_test(tests, what_cannot_be_becomes_work_for_a_person);
}

RUN_SUITE(order_life, add_tests)
