/*
 * A payment in its tables: transfers that come in parts or go back by hand, and the books that refuse.
 */
#include "payments.h"

#include <string.h>

#include "http.h"
#include "proto/http_payment.h"
#include "text.h"

extern const struct route payment_routes[];

/* What a clerk asks of a route. */
static enum err clerk_asks(struct ctx *ctx, const char *path, const void *ask, void *ret)
{
    const struct route *route = payment_routes;

    while (!text_equal(route->path, path))
        route++;
    if (ctx->request != NULL)
        ctx->request->route = route;
    ctx->caller = (struct caller){.role = ROLE_STAFF, .shop = "main", .name = "clerk-anna", .rights = "payments"};
    return route->handle(ctx, ask, ret);
}

/* Money on the bank account with the payment's reference; "outcome and what is open". */
static const char *transfer(int64_t amount, const char *currency)
{
    static char text[100];
    struct receipt_view receipt = {0};
    struct book_receipt ask = {.amount = {.amount = amount}, .received_on = "2023-11-14"};
    struct ctx *ctx = ctx_new(service);

    (void)snprintf(ask.amount.currency, sizeof(ask.amount.currency), "%s", currency);
    ask.reference = arena_strdup(ctx->arena, database_text("SELECT reference FROM intent"));
    enum err err = clerk_asks(ctx, "/payments/receipts", &ask, &receipt);
    ck_assert_msg(err == ERR_NONE, "%s", ctx->problem.detail);
    (void)snprintf(text, sizeof(text), "%s %lld", receipt.outcome, (long long)receipt.open_amount.amount);
    ctx_release(ctx);
    return text;
}

/* Money that a clerk says was given back by hand; why not, if the answer is no. */
static enum err send_back(int64_t amount, const char *currency, const char *sent_on, const char **ret_why)
{
    static char why[200];
    struct refund_view refund = {0};
    struct book_refund ask = {.reference = "2023/42", .amount = {.amount = amount}, .sent_on = sent_on};
    struct ctx *ctx = ctx_new(service);

    (void)snprintf(ask.amount.currency, sizeof(ask.amount.currency), "%s", currency);
    ctx->request = &(struct request){.params = {PAYMENT}};
    enum err err = clerk_asks(ctx, "/payments/:checkout_id/refunds", &ask, &refund);
    (void)snprintf(why, sizeof(why), "%s", err == ERR_INVALID ? ctx->problem.errors[0].field : ctx->problem.detail);
    if (err == ERR_NONE)
        ck_assert_int_eq(refund.amount.amount, amount);
    ctx_release(ctx);
    *ret_why = why;
    return err;
}
/* -- transfers -- */

START_TEST(parts_of_a_transfer_add_up)
{
    ask("bank_transfer");
    place("bank_transfer", NOW);

    ck_assert_str_eq(transfer(1000, "EUR"), "differs 2170");
    ck_assert_str_eq(transfer(170, "USD"), "differs 2170"); /* other money is no part of it */
    ck_assert_str_eq(transfer(70, "EUR"), "differs 2100");
    ck_assert_str_eq(state(), "due 0");
    ck_assert_int_eq(open_items("receipt_differs"), 1);
    ck_assert_str_eq(transfer(2100, "EUR"), "matched 0");

    ck_assert_str_eq(state(), "captured 3170");
    ck_assert_int_eq(posted("receivable"), 0);
    ck_assert_int_eq(posted("bank"), 3170 + 170);
    ck_assert_int_eq(posted("bank_unmatched"), -170);
    ck_assert_int_eq(open_items("receipt_differs"), 0);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.payment.captured.v1'"), 1);
}
END_TEST

/* Its number did not come along with the payment, which was there already. */
START_TEST(a_transfer_after_another_try_has_a_number_too)
{
    ask("card");
    HEAR(checkout_payment_asked, .checkout_id = PAYMENT, .shop = "main", .placement = 1, .intent = 2,
         .method = "bank_transfer", .amount = {3170, "EUR"}, .capture = "deferred", .locale = "en", .deadline = NOW);
    ck_assert_str_eq(database_text("SELECT substr(reference, 5, 5) FROM intent WHERE intent = 2"), "WB100");
}
END_TEST

START_TEST(the_whole_is_taken_though_a_part_came_before)
{
    ask("bank_transfer");
    place("bank_transfer", NOW);
    ck_assert_str_eq(transfer(1000, "EUR"), "differs 2170");

    ck_assert_str_eq(transfer(3170, "EUR"), "matched -1000");

    ck_assert_str_eq(state(), "captured 3170");
    ck_assert_int_eq(posted("bank_unmatched"), -1000); /* for a person to send back */
    ck_assert_int_eq(open_items("receipt_differs"), 1);
}
END_TEST

START_TEST(too_much_is_not_taken)
{
    ask("bank_transfer");
    place("bank_transfer", NOW);
    ck_assert_str_eq(transfer(3000, "EUR"), "differs 170");

    ck_assert_str_eq(transfer(171, "EUR"), "differs -1");

    ck_assert_str_eq(state(), "due 0");
    ck_assert_int_eq(posted("bank_unmatched"), -3171);
}
END_TEST

/* Until when money must come is decided by the order, and nowhere else. */
START_TEST(the_order_says_until_when_it_must_be_paid)
{
    ask("bank_transfer");
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE body LIKE '%pay_by%'"), 0);

    place("bank_transfer", NOW + 5 * CLOCK_SECOND);

    ck_assert_int_eq(database_int("SELECT extract(epoch FROM order_pay_by) FROM payment"), NOW / CLOCK_SECOND + 5);
}
END_TEST

/* -- given back by hand -- */

static void pay_and_cancel(void)
{
    ask("bank_transfer");
    place("bank_transfer", NOW);
    ck_assert_str_eq(transfer(3170, "EUR"), "matched 0");
    cancel();
    ck_assert_str_eq(state(), "refunding 3170");
}

START_TEST(a_paid_transfer_that_is_cancelled_goes_back_by_hand)
{
    const char *why;

    pay_and_cancel();
    ck_assert_int_eq(posted("customer_money"), -3170);
    ck_assert_str_eq(database_text("SELECT actions FROM work_item WHERE kind = 'refund_by_hand'"), "book_refund note");

    ck_assert_int_eq(send_back(3170, "EUR", "2023-11-15", &why), ERR_NONE);

    ck_assert_str_eq(state(), "refunded 3170");
    ck_assert_int_eq(database_int("SELECT refunded_minor FROM intent"), 3170);
    ck_assert_int_eq(posted("customer_money"), 0);
    ck_assert_int_eq(posted("bank"), 0);
    ck_assert_str_eq(database_text("SELECT closed_by || ': ' || outcome FROM work_item WHERE kind = 'refund_by_hand'"),
                     "clerk-anna: given back by bank: 2023/42");
    ck_assert_str_eq(database_text("SELECT intent || ' ' || reference || ' ' || amount_minor || ' ' || currency || ' '"
                                   " || sent_on || ' ' || booked_by FROM refund"),
                     "1 2023/42 3170 EUR 2023-11-15 clerk-anna");
    ck_assert_str_eq(database_text("SELECT (body::jsonb -> 'refunded' ->> 'amount') || (body::jsonb ->> 'reason')"
                                   " FROM outbox WHERE type = 'waybill.payment.refunded.v1'"),
                     "3170cancelled");
}
END_TEST

/* clang-format off */
static const struct {
    int64_t amount; const char *currency; const char *sent_on; const char *field;
} wrong_refunds[] = {
    { 3169, "EUR", "2023-11-15", "amount"  },
    { 3171, "EUR", "2023-11-15", "amount"  },
    { 0,    "EUR", "2023-11-15", "amount"  },
    { 3170, "USD", "2023-11-15", "amount"  },
    { 3170, "EUR", "2023-11-31", "sent_on" },
};
/* clang-format on */

START_TEST(a_refund_that_is_not_what_is_owed_changes_nothing)
{
    const char *why;

    pay_and_cancel();
    const int64_t told = database_int("SELECT count(*) FROM outbox");

    ck_assert_int_eq(send_back(wrong_refunds[_i].amount, wrong_refunds[_i].currency, wrong_refunds[_i].sent_on, &why),
                     ERR_INVALID);

    ck_assert_str_eq(why, wrong_refunds[_i].field);
    ck_assert_str_eq(state(), "refunding 3170");
    ck_assert_int_eq(posted("customer_money"), -3170);
    ck_assert_int_eq(open_items("refund_by_hand"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM refund"), 0);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox"), told);
}
END_TEST

START_TEST(money_goes_back_by_hand_once)
{
    const char *why;

    pay_and_cancel();
    ck_assert_int_eq(send_back(3170, "EUR", "2023-11-15", &why), ERR_NONE);

    ck_assert_int_eq(send_back(3170, "EUR", "2023-11-15", &why), ERR_CONFLICT);

    ck_assert_ptr_nonnull(strstr(why, "is refunded: refund booked is not possible"));
    ck_assert_int_eq(posted("bank"), 0);
    ck_assert_int_eq(database_int("SELECT count(*) FROM refund"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.payment.refunded.v1'"), 1);
}
END_TEST

/* Of what was only promised, or stands on an order, nothing goes back by hand. */
START_TEST(what_is_not_owed_is_not_given_back)
{
    const char *why;

    ck_assert_int_eq(send_back(3170, "EUR", "2023-11-15", &why), ERR_NOT_FOUND);
    ask("cash_on_delivery");
    place("cash_on_delivery", NOW);
    ck_assert_int_eq(send_back(3170, "EUR", "2023-11-15", &why), ERR_CONFLICT);
    cancel();

    ck_assert_int_eq(send_back(3170, "EUR", "2023-11-15", &why), ERR_CONFLICT);

    ck_assert_str_eq(state(), "closed 0");
    ck_assert_int_eq(database_int("SELECT count(*) FROM refund"), 0);
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item"), 0);
    ck_assert_int_eq(posted("bank"), 0);
}
END_TEST

/* -- the books -- */

START_TEST(a_payment_is_of_one_currency)
{
    ask("card");

    ck_assert_int_eq(deliver(service, payment_subscriptions, &checkout_payment_asked_type,
                             &(const struct checkout_payment_asked){.checkout_id = PAYMENT,
                                                                    .shop = "main",
                                                                    .placement = 2,
                                                                    .intent = 2,
                                                                    .method = "card",
                                                                    .amount = {3170, "USD"},
                                                                    .capture = "deferred",
                                                                    .locale = "en",
                                                                    .deadline = NOW}),
                     ERR_INVALID);

    ck_assert_int_eq(database_int("SELECT count(*) FROM intent"), 1);
}
END_TEST

/* clang-format off */
static const struct {
    const char *values; /* accounts, subjects, amounts */
    const char *refused_by;
} entries[] = {
    { "'{bank,bank_unmatched}', '{main,x}', '{5,-5}'",                       "" },
    { "'{bank,bank_unmatched}', '{main,x}', '{5,-4}'",                       "ledger_entry_balanced" },
    { "'{bank}', '{main}', '{5}'",                                           "ledger_entry_balanced" },
    { "'{}', '{}', '{}'",                                                    "ledger_entry_balanced" },
    { "'{bank,bank}', '{main,main}', '{0,0}'",                               "ledger_entry_balanced" },
    { "'{bank,bank}', '{main,main}', '{5,-5,NULL}'",                         "ledger_entry_balanced" },
    { "'{bank,bank}', '{main,main,x}', '{5,-5}'",                            "ledger_entry_balanced" },
    { "'{bank,bank}', '{main,NULL}', '{5,-5}'",                              "ledger_entry_balanced" },
    { "'{bank,NULL}', '{main,x}', '{5,-5}'",                                 "ledger_entry_balanced" },
    { "'{bank,bank}', '{a,b}', '{9007199254740992,-9007199254740992}'",      "ledger_entry_balanced" },
    { "'{bank,pocket}', '{main,x}', '{5,-5}'",                               "ledger_account" },
};

static const char *const changes[] = {
    "UPDATE ledger_entry SET amounts = '{6,-6}'",
    "DELETE FROM ledger_entry",
    "TRUNCATE ledger_entry",
    "DELETE FROM payment",
    "TRUNCATE payment",
};
/* clang-format on */

/* Which constraint refuses a statement; "" if it was taken. */
static const char *refusal(const char *statement)
{
    static char text[2000];

    database_run("CREATE OR REPLACE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$"
                 " DECLARE name text; BEGIN EXECUTE statement; RETURN '';"
                 " EXCEPTION WHEN check_violation THEN GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME;"
                 " RETURN name; END; $$");
    (void)snprintf(text, sizeof(text), "SELECT try($$%s$$)", statement);
    return database_text(text);
}

START_TEST(the_books_take_only_what_balances)
{
    char statement[1000];

    (void)snprintf(statement, sizeof(statement),
                   "INSERT INTO ledger_entry (what, cause, currency, accounts, subjects, amounts)"
                   " VALUES ('test', 'test', 'EUR', %s)",
                   entries[_i].values);
    ck_assert_str_eq(refusal(statement), entries[_i].refused_by);
}
END_TEST

START_TEST(the_books_are_never_changed)
{
    ask("bank_transfer");
    place("bank_transfer", NOW);

    ck_assert_str_eq(refusal(changes[_i]), "ledger_append_only");

    ck_assert_int_eq(posted("receivable"), 3170);
}
END_TEST

START_TEST(a_balance_keeps_its_bound)
{
    ask("bank_transfer");
    place("bank_transfer", NOW);

    ck_assert_str_eq(refusal("UPDATE payment SET receivable_minor = -1"), "minor_units_not_negative");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, parts_of_a_transfer_add_up);
    tcase_add_test(tests, a_transfer_after_another_try_has_a_number_too);
    tcase_add_test(tests, the_whole_is_taken_though_a_part_came_before);
    tcase_add_test(tests, too_much_is_not_taken);
    tcase_add_test(tests, the_order_says_until_when_it_must_be_paid);
    tcase_add_test(tests, a_paid_transfer_that_is_cancelled_goes_back_by_hand);
    ADD_TABLE_TEST(tests, a_refund_that_is_not_what_is_owed_changes_nothing, wrong_refunds);
    tcase_add_test(tests, money_goes_back_by_hand_once);
    tcase_add_test(tests, what_is_not_owed_is_not_given_back);
    tcase_add_test(tests, a_payment_is_of_one_currency);
    ADD_TABLE_TEST(tests, the_books_take_only_what_balances, entries);
    ADD_TABLE_TEST(tests, the_books_are_never_changed, changes);
    tcase_add_test(tests, a_balance_keeps_its_bound);
}

RUN_SUITE(payment_life, add_tests)
