/*
 * Holds, the merchant's process, and money: what they leave on an order and what is told of them.
 */
#include "orders.h"

/* -- holding -- */

START_TEST(an_order_is_held_and_let_go)
{
    place("card");
    ck_assert_int_eq(ask(LIFT), ERR_CONFLICT);
    ck_assert_int_eq(ask(HOLD), ERR_NONE);
    ck_assert_int_eq(ask(HOLD), ERR_CONFLICT);
    ck_assert_str_eq(status(), "On Hold");
    ck_assert_str_eq(database_text("SELECT hold_reason FROM orders"), "looks odd");
    ck_assert_int_eq(ask(LIFT), ERR_NONE);

    ck_assert_str_eq(status(), "In Progress / Incoming");
    ck_assert_str_eq(database_text("SELECT hold_reason FROM orders"), "");
    ck_assert_str_eq(timeline(), "1 placed, 2 held, 3 hold_lifted");
    check_versions();
}
END_TEST

/* A merchant need not have a row for each word; what the order was before the hold must still come back. */
START_TEST(an_order_does_not_stay_on_hold_for_want_of_a_word)
{
    database_run("INSERT INTO process (version, created_by, statuses) VALUES (2, 'test', '["
                 "{\"on\": \"placed\", \"status\": \"Open\"}, {\"on\": \"held\", \"status\": \"On Hold\"}]')");
    place("card");
    plan(SHIPMENT, "S-1");
    release(SHIPMENT);
    ck_assert_int_eq(ask(HOLD), ERR_NONE);
    ck_assert_str_eq(status(), "On Hold");

    ck_assert_int_eq(ask(LIFT), ERR_NONE);

    ck_assert_str_eq(kernel(), "released");
    ck_assert_str_eq(status(), "Open");
}
END_TEST

/* Fulfilment released a shipment while a clerk put the order on hold. */
START_TEST(a_release_that_crosses_a_hold_leaves_it_to_be_seen)
{
    place("card");
    plan(SHIPMENT, "S-1");
    ck_assert_int_eq(ask(HOLD), ERR_NONE);
    release(SHIPMENT);
    ck_assert_str_eq(kernel(), "released");
    ck_assert_str_eq(status(), "On Hold");

    ck_assert_int_eq(ask(LIFT), ERR_NONE);

    ck_assert_str_eq(status(), "In Progress / In process");
    check_versions();
}
END_TEST

#define WORDY                                                                                                          \
    "INSERT INTO process (version, created_by, statuses) VALUES (2, 'test', '["                                        \
    "{\"on\": \"placed\", \"status\": \"Open\", \"mail\": \"order_confirmation\"},"                                    \
    " {\"on\": \"paid\", \"status\": \"Paid\", \"mail\": \"order_paid\"},"                                             \
    " {\"on\": \"held\", \"status\": \"On Hold\"}]')"

static int64_t mails(const char *template)
{
    char sql[200];

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM outbox WHERE body::json ->> 'mail' = '%s'", template);
    return database_int(sql);
}

/* What the customer was told before the hold is not told once more. */
START_TEST(an_order_that_is_let_go_repeats_no_mail)
{
    database_run(WORDY);
    place("bank_transfer");
    ck_assert_int_eq(ask(HOLD), ERR_NONE);
    ck_assert_int_eq(ask(LIFT), ERR_NONE);
    ck_assert_str_eq(status(), "Open");
    ck_assert_int_eq(mails("order_confirmation"), 0);

    capture(1, 3170);
    ck_assert_int_eq(ask(HOLD), ERR_NONE);
    ck_assert_int_eq(ask(LIFT), ERR_NONE);
    ck_assert_str_eq(status(), "Paid");
    ck_assert_int_eq(mails("order_paid"), 1);
    check_versions();
}
END_TEST

START_TEST(money_that_came_during_a_hold_is_told_when_it_is_lifted)
{
    database_run(WORDY);
    place("bank_transfer");
    ck_assert_int_eq(ask(HOLD), ERR_NONE);
    capture(1, 3170);
    ck_assert_str_eq(status(), "On Hold");
    ck_assert_int_eq(mails("order_paid"), 0);

    ck_assert_int_eq(ask(LIFT), ERR_NONE);

    ck_assert_str_eq(status(), "Paid");
    ck_assert_int_eq(mails("order_paid"), 1);
    check_versions();
}
END_TEST

START_TEST(an_order_keeps_the_process_it_was_placed_under)
{
    place("card");
    database_run("INSERT INTO process (version, created_by, statuses) VALUES (2, 'test', '["
                 "{\"on\": \"placed\", \"status\": \"Open\"}, {\"on\": \"shipped\", \"status\": \"Gone\"}]')");
    plan(SHIPMENT, "S-1");
    ship(SHIPMENT);

    ck_assert_str_eq(status(), "Completed / On transit");
}
END_TEST

/* -- money -- */

START_TEST(money_that_does_not_come_cancels_the_order)
{
    place("bank_transfer");
    ck_assert_int_eq(database_int("SELECT round(extract(epoch FROM pay_by - placed_at)) FROM orders"), 14 * 24 * 3600);
    deliver_timer(service, order_timers);
    ck_assert_str_eq(kernel(), "placed");

    database_run("UPDATE orders SET pay_by = now() - interval '1 second'");
    deliver_timer(service, order_timers);

    ck_assert_str_eq(kernel(), "cancelling");
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.order.cancel_asked.v1'"), 1);
    deliver_timer(service, order_timers);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.order.cancel_asked.v1'"), 1);
    check_versions();
}
END_TEST

START_TEST(money_that_came_ends_the_deadline)
{
    place("bank_transfer");
    capture(1, 3169);
    ck_assert_int_eq(database_int("SELECT count(*) FROM orders WHERE pay_by IS NOT NULL"), 1);
    capture(1, 3170);

    ck_assert_int_eq(database_int("SELECT count(*) FROM orders WHERE pay_by IS NOT NULL"), 0);
    ck_assert_str_eq(database_text("SELECT payments -> 0 ->> 'status' FROM orders"), "paid");
    check_versions();
}
END_TEST

START_TEST(the_deadline_of_an_order_that_was_shipped_on_trust_is_for_a_person)
{
    place("bank_transfer");
    plan(SHIPMENT, "S-1");
    ship(SHIPMENT);
    database_run("UPDATE orders SET pay_by = now() - interval '1 second'");

    deliver_timer(service, order_timers);

    ck_assert_str_eq(kernel(), "shipping");
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item WHERE kind = 'order_contradiction'"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM orders WHERE pay_by IS NOT NULL"), 0);
}
END_TEST

START_TEST(money_of_a_dead_intent_is_not_on_the_order)
{
    place("card");
    capture(2, 3170);
    HEAR(payment_refunded, .checkout_id = ORDER, .shop = "main", .intent = 2, .amount = {3170, "EUR"},
         .refunded = {3170, "EUR"}, .reason = "late");

    ck_assert_str_eq(database_text("SELECT payments -> 0 ->> 'status' FROM orders"), "authorized");
    ck_assert_str_eq(timeline(), "1 placed");
}
END_TEST

START_TEST(money_of_a_checkout_that_failed_is_nobodys_order)
{
    capture(1, 3170);
    ck_assert_int_eq(database_int("SELECT count(*) FROM orders"), 0);
}
END_TEST

/* The process may have words for money: it speaks when all of it has come, and not after parcels have left. */
START_TEST(the_process_hears_of_paid_once_all_money_is_there)
{
    database_run("INSERT INTO process (version, created_by, statuses) VALUES (2, 'test', '["
                 "{\"on\": \"placed\", \"status\": \"Open\"},"
                 " {\"on\": \"paid\", \"status\": \"Paid\", \"mail\": \"order_paid\"}]')");
    place("bank_transfer");
    capture(1, 1000);
    ck_assert_str_eq(status(), "Open");
    capture(1, 3170);
    ck_assert_str_eq(status(), "Paid");
    ck_assert_str_eq(kernel(), "placed");
    ck_assert_str_eq(told(), "order.placed.v1 order.status_changed.v1");
    capture(1, 3170);

    ck_assert_str_eq(told(), "order.placed.v1 order.status_changed.v1");
    check_versions();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, an_order_is_held_and_let_go);
    tcase_add_test(tests, an_order_does_not_stay_on_hold_for_want_of_a_word);
    tcase_add_test(tests, a_release_that_crosses_a_hold_leaves_it_to_be_seen);
    tcase_add_test(tests, an_order_that_is_let_go_repeats_no_mail);
    tcase_add_test(tests, money_that_came_during_a_hold_is_told_when_it_is_lifted);
    tcase_add_test(tests, an_order_keeps_the_process_it_was_placed_under);
    tcase_add_test(tests, money_that_does_not_come_cancels_the_order);
    tcase_add_test(tests, money_that_came_ends_the_deadline);
    tcase_add_test(tests, the_deadline_of_an_order_that_was_shipped_on_trust_is_for_a_person);
    tcase_add_test(tests, money_of_a_dead_intent_is_not_on_the_order);
    tcase_add_test(tests, money_of_a_checkout_that_failed_is_nobodys_order);
    tcase_add_test(tests, the_process_hears_of_paid_once_all_money_is_there);
}

RUN_SUITE(order_process, add_tests)
