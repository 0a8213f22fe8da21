/* ledger: every entry balances, and a payment's life leaves nothing where nothing is owed. */
#include "ledger.h"

#include <string.h>

#include "suite.h"
#include "text.h"

#define PAYMENT "00000000-0000-7000-8000-000000000001"
#define TOTAL 12500

static struct arena *arena;
static struct payment payment;
static struct intent intent;

/* What has been booked so far, by account. */
static struct {
    const char *account;
    int64_t balance;
} books[20];

static void begin(const char *method)
{
    arena = arena_new(256 * 1024);
    memset(books, 0, sizeof(books));
    intent = (struct intent){.number = 1, .method = method, .amount_minor = TOTAL, .currency = "EUR"};
    payment = (struct payment){.head = {.id = PAYMENT}, .currency = "EUR"};
}

static int64_t balance(const char *account)
{
    for (size_t i = 0; i < COUNT(books); i++) {
        if (text_equal(books[i].account, account))
            return books[i].balance;
    }
    return 0;
}

static void book(const struct entry *entry)
{
    ck_assert(entry_is_balanced(entry));
    ck_assert_str_eq(entry->currency, "EUR");
    for (size_t i = 0; i < entry->leg_count; i++) {
        size_t row = 0;
        while (books[row].account != NULL && !text_equal(books[row].account, entry->legs[i].account))
            row++;
        books[row].account = entry->legs[i].account;
        books[row].balance += entry->legs[i].amount;
    }
    ledger_balance(&payment, entry);
    ck_assert_int_eq(balance("receivable"), payment.receivable_minor);
    ck_assert_int_eq(balance("auth_held"), payment.held_minor);
    ck_assert_int_eq(balance("customer_money"), -payment.owed_minor);
    ck_assert_int_ge(payment.receivable_minor, 0);
    ck_assert_int_ge(payment.held_minor, 0);
    ck_assert_int_ge(payment.owed_minor, 0);
}

static void authorize(void)
{
    struct entry entry;

    intent.authorized_minor = TOTAL;
    ledger_authorized(arena, &payment, &intent, &entry);
    book(&entry);
}

static void place(void)
{
    struct entry entry;

    payment.order_intent = 1;
    payment.order_minor = TOTAL;
    ledger_placed(arena, &payment, &intent, &entry);
    book(&entry);
}

static void capture(enum money_source source)
{
    struct entry entry;

    intent.captured_minor = TOTAL;
    ledger_captured(arena, &payment, &intent, source, source == SOURCE_PSP ? TOTAL : 0, &entry);
    book(&entry);
}

static void cancel(void)
{
    struct entry entry;

    payment.cancelled = true;
    ledger_cancelled(arena, &payment, &intent, &entry);
    book(&entry);
}

static void void_it(void)
{
    struct entry entry;

    ledger_released(arena, &payment, &intent, &entry);
    book(&entry);
}

static void refund(int64_t amount)
{
    struct entry entry;

    intent.refunded_minor += amount;
    ledger_refunded(arena, &payment, &intent, amount, &entry);
    book(&entry);
}

static void assert_nothing_left(void)
{
    for (size_t i = 0; i < COUNT(books); i++)
        ck_assert_int_eq(books[i].balance, 0);
    arena_free(arena);
}

START_TEST(a_card_that_is_captured_is_owed_by_the_provider)
{
    begin("card");
    authorize();
    ck_assert_int_eq(balance("auth_held"), TOTAL);
    place();
    ck_assert_int_eq(balance("receivable"), TOTAL);
    capture(SOURCE_PSP);

    ck_assert_int_eq(balance("psp_clearing"), TOTAL);
    ck_assert_int_eq(balance("deferred_revenue"), -TOTAL);
    ck_assert_int_eq(balance("receivable"), 0);
    ck_assert_int_eq(balance("auth_held"), 0);
    ck_assert_int_eq(balance("auth_contra"), 0);
    arena_free(arena);
}
END_TEST

START_TEST(a_void_leaves_nothing)
{
    begin("card");
    authorize();
    void_it();
    assert_nothing_left();
}
END_TEST

START_TEST(a_cancelled_order_that_was_only_promised_leaves_nothing)
{
    begin("card");
    authorize();
    place();
    cancel();
    void_it();
    assert_nothing_left();
}
END_TEST

START_TEST(a_cancelled_order_that_was_paid_leaves_nothing_once_it_is_refunded)
{
    begin("card");
    authorize();
    place();
    capture(SOURCE_PSP);
    cancel();
    ck_assert_int_eq(balance("customer_money"), -TOTAL);
    refund(TOTAL);
    assert_nothing_left();
}
END_TEST

START_TEST(a_cancelled_transfer_that_was_paid_leaves_nothing_once_it_is_given_back)
{
    begin("bank_transfer");
    place();
    capture(SOURCE_RECEIPT);
    cancel();
    ck_assert_int_eq(balance("customer_money"), -TOTAL);
    ck_assert_int_eq(balance("bank"), TOTAL);
    refund(TOTAL);
    assert_nothing_left();
}
END_TEST

START_TEST(money_taken_while_its_order_was_cancelled_is_the_customers)
{
    begin("card");
    authorize();
    place();
    cancel();
    capture(SOURCE_PSP);
    ck_assert_int_eq(balance("customer_money"), -TOTAL);
    refund(TOTAL);
    assert_nothing_left();
}
END_TEST

START_TEST(money_without_an_order_is_the_customers)
{
    begin("card");
    authorize();
    capture(SOURCE_PSP);
    ck_assert_int_eq(balance("customer_money"), -TOTAL);
    refund(4000);
    refund(TOTAL - 4000);
    assert_nothing_left();
}
END_TEST

START_TEST(money_that_came_before_its_order_settles_it)
{
    begin("card");
    authorize();
    capture(SOURCE_PSP);
    place();
    ck_assert_int_eq(balance("receivable"), 0);
    ck_assert_int_eq(balance("customer_money"), 0);
    cancel();
    refund(TOTAL);
    assert_nothing_left();
}
END_TEST

START_TEST(a_refund_that_came_back_is_owed_again)
{
    begin("card");
    authorize();
    place();
    capture(SOURCE_PSP);
    cancel();
    refund(TOTAL);
    refund(-TOTAL);
    ck_assert_int_eq(balance("customer_money"), -TOTAL);
    ck_assert_int_eq(balance("psp_clearing"), TOTAL);
    refund(TOTAL);
    assert_nothing_left();
}
END_TEST

START_TEST(a_refund_of_a_standing_order_is_told_apart_from_its_sale)
{
    begin("card");
    authorize();
    place();
    capture(SOURCE_PSP);
    refund(500);
    ck_assert_int_eq(balance("refunds"), 500);
    ck_assert_int_eq(balance("deferred_revenue"), -TOTAL);
    cancel();
    ck_assert_int_eq(balance("refunds"), 0);
    ck_assert_int_eq(balance("customer_money"), 500 - TOTAL);
    refund(TOTAL - 500);
    assert_nothing_left();
}
END_TEST

static const struct {
    const char *method;
    enum money_source source;
    const char *account;
} offline[] = {
    {"bank_transfer", SOURCE_RECEIPT, "bank"},
    {"cash_on_delivery", SOURCE_CARRIER, "carrier_cod"},
};

START_TEST(money_that_comes_later_settles_what_is_owed)
{
    begin(offline[_i].method);
    place();
    ck_assert_int_eq(balance("receivable"), TOTAL);
    capture(offline[_i].source);
    ck_assert_int_eq(balance("receivable"), 0);
    ck_assert_int_eq(balance(offline[_i].account), TOTAL);
    arena_free(arena);
}
END_TEST

START_TEST(a_transfer_that_nobody_knows_is_kept_apart)
{
    struct entry entry;

    begin("bank_transfer");
    ledger_unmatched(arena, "00000000-0000-7000-8000-000000000009", money_of(77, "EUR"), &entry);
    book(&entry);
    ck_assert_int_eq(balance("bank"), 77);
    ck_assert_int_eq(balance("bank_unmatched"), -77);
    ck_assert_str_eq(entry.cause, "receipt:00000000-0000-7000-8000-000000000009");
    arena_free(arena);
}
END_TEST

START_TEST(an_entry_that_does_not_add_up_is_noticed)
{
    const struct entry one = {.legs = {{"bank", "main", 1}}, .leg_count = 1};
    const struct entry odd = {.legs = {{"bank", "main", 2}, {"refunds", "", -1}}, .leg_count = 2};
    const struct entry nil = {.legs = {{"bank", "main", 0}, {"refunds", "", 0}}, .leg_count = 2};

    ck_assert(!entry_is_balanced(&one));
    ck_assert(!entry_is_balanced(&odd));
    ck_assert(!entry_is_balanced(&nil));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_card_that_is_captured_is_owed_by_the_provider);
    tcase_add_test(tests, a_void_leaves_nothing);
    tcase_add_test(tests, a_cancelled_order_that_was_only_promised_leaves_nothing);
    tcase_add_test(tests, a_cancelled_order_that_was_paid_leaves_nothing_once_it_is_refunded);
    tcase_add_test(tests, a_cancelled_transfer_that_was_paid_leaves_nothing_once_it_is_given_back);
    tcase_add_test(tests, money_taken_while_its_order_was_cancelled_is_the_customers);
    tcase_add_test(tests, money_without_an_order_is_the_customers);
    tcase_add_test(tests, money_that_came_before_its_order_settles_it);
    tcase_add_test(tests, a_refund_that_came_back_is_owed_again);
    tcase_add_test(tests, a_refund_of_a_standing_order_is_told_apart_from_its_sale);
    ADD_TABLE_TEST(tests, money_that_comes_later_settles_what_is_owed, offline);
    tcase_add_test(tests, a_transfer_that_nobody_knows_is_kept_apart);
    tcase_add_test(tests, an_entry_that_does_not_add_up_is_noticed);
}

RUN_SUITE(ledger, add_tests)
