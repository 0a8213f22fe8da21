/*
 * What the provider tells of a payment: promises and whose they are, the same thing by several at once, and money that
 * it gave back by itself.
 */
#include "payments.h"

#include <pthread.h>

#define WEEK_S (7 * 24 * 3600)

/* -- promises -- */

static int64_t promised_until(void)
{
    return database_int("SELECT extract(epoch FROM (body::jsonb ->> 'expires_at')::timestamptz) FROM outbox"
                        " WHERE type = 'waybill.payment.authorized.v1'");
}

START_TEST(a_promise_says_when_it_ends)
{
    ask("card");
    told("pi_1", FACT_AUTHORIZED, 3170, NOW + 60 * CLOCK_SECOND);

    ck_assert_str_eq(state(), "authorized 0");
    ck_assert_int_eq(promised_until(), NOW / CLOCK_SECOND + 60);
}
END_TEST

START_TEST(a_promise_without_an_end_lasts_a_week)
{
    ask("card");
    told("pi_1", FACT_AUTHORIZED, 3170, 0);

    ck_assert_int_eq(promised_until(), NOW / CLOCK_SECOND + WEEK_S);
}
END_TEST

START_TEST(a_payment_of_other_money_lends_no_name)
{
    ask("card");
    told("pi_other", FACT_AUTHORIZED, 9999, NOW);
    ck_assert_str_eq(database_text("SELECT payment_ref FROM intent"), "");
    ck_assert_int_eq(open_items("amount_differs"), 1);

    told("pi_1", FACT_AUTHORIZED, 3170, 0);

    ck_assert_str_eq(database_text("SELECT payment_ref FROM intent"), "pi_1");
    ck_assert_int_eq(promised_until(), NOW / CLOCK_SECOND + WEEK_S);
}
END_TEST

/* -- told by several at once -- */

static enum err told_meanwhile;

static void *tell_completed(void *of UNUSED)
{
    struct ctx *ctx = ctx_new(service);

    told_meanwhile = tell(ctx, "pi_1", FACT_COMPLETED, 3170, 0);
    ctx_release(ctx);
    return NULL;
}

/* The two webhooks of an approval come at the same moment. The second one waits for the first and finds all said. */
START_TEST(what_another_told_meanwhile_is_not_kept)
{
    struct ctx *ctx = ctx_new(service);
    struct fact fact = {.id = "evt_1",
                        .kind = FACT_AUTHORIZED,
                        .payment_id = PAYMENT,
                        .intent = 1,
                        .payment_ref = "pi_1",
                        .amount_minor = 3170,
                        .currency = "EUR",
                        .occurred_at = NOW};
    struct uow first = {0};
    pthread_t thread;

    ask("card");
    ck_assert_int_eq(uow_open(ctx, UOW_WRITE, &first), ERR_NONE);
    ck_assert_int_eq(facts_take(&first, &(struct fact_list){&fact, 1}, "webhook"), ERR_NONE);
    ck_assert_int_eq(uow_sync(&first), ERR_NONE);
    ck_assert_int_eq(pthread_create(&thread, NULL, tell_completed, NULL), 0);
    database_await("SELECT count(*) FROM pg_locks WHERE NOT granted", 1);
    ck_assert_int_eq(uow_commit(&first), ERR_NONE);
    uow_close(&first);
    ctx_release(ctx);
    pthread_join(thread, NULL);

    ck_assert_int_eq(told_meanwhile, ERR_NONE);
    ck_assert_str_eq(state(), "authorized 0");
    ck_assert_str_eq(database_text("SELECT string_agg(kind, ' ') FROM psp_fact"), "authorized");
}
END_TEST

/* -- given back at the provider's desk -- */

static void told_refund(const char *refund_ref, enum fact_kind kind, int64_t amount)
{
    struct ctx *ctx = ctx_new(service);
    struct fact fact = {.id = arena_printf(ctx->arena, "%s:%d", refund_ref, (int)kind),
                        .kind = kind,
                        .payment_id = PAYMENT,
                        .intent = 1,
                        .payment_ref = "pi_1",
                        .refund_ref = refund_ref,
                        .amount_minor = amount,
                        .currency = "EUR",
                        .occurred_at = NOW};

    ck_assert_int_eq(take(ctx, &fact), ERR_NONE);
    ctx_release(ctx);
}

/* At the provider's desk, so that no call of ours tells one refund from the other. */
START_TEST(a_sum_that_is_given_back_twice_is_booked_twice)
{
    ask("card");
    told("pi_1", FACT_AUTHORIZED, 3170, 0);
    place("card", 0);
    told("pi_1", FACT_CAPTURED, 3170, 0);

    told_refund("re_1", FACT_REFUNDED, 100);
    told_refund("re_1", FACT_REFUND_FAILED, 100);
    ck_assert_int_eq(posted("psp_clearing"), 3170);
    told_refund("re_2", FACT_REFUNDED, 100);

    ck_assert_int_eq(database_int("SELECT refunded_minor FROM intent"), 100);
    ck_assert_int_eq(posted("psp_clearing"), 3070);
    ck_assert_int_eq(posted("refunds"), 100);
}
END_TEST

/* The promise was let go, and with it what was held for it. */
START_TEST(money_that_was_taken_after_the_promise_was_let_go_goes_back)
{
    ask("card");
    told("pi_1", FACT_AUTHORIZED, 3170, 0);
    HEAR(checkout_payment_closing, .checkout_id = PAYMENT, .shop = "main", .placement = 1, .intent = 1);
    told("pi_1", FACT_CANCELLED, 3170, 0);
    ck_assert_str_eq(state(), "voided 0");
    ck_assert_int_eq(posted("auth_held"), 0);

    told("pi_1", FACT_CAPTURED, 3170, 0);

    ck_assert_str_eq(state(), "refunding 3170");
    ck_assert_int_eq(posted("auth_held"), 0);
    ck_assert_int_eq(posted("psp_clearing"), 3170);
    ck_assert_int_eq(posted("customer_money"), -3170);
    ck_assert_int_eq(open_items("late_money"), 1);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_promise_says_when_it_ends);
    tcase_add_test(tests, a_promise_without_an_end_lasts_a_week);
    tcase_add_test(tests, a_payment_of_other_money_lends_no_name);
    tcase_add_test(tests, what_another_told_meanwhile_is_not_kept);
    tcase_add_test(tests, a_sum_that_is_given_back_twice_is_booked_twice);
    tcase_add_test(tests, money_that_was_taken_after_the_promise_was_let_go_goes_back);
}

RUN_SUITE(payment_facts, add_tests)
