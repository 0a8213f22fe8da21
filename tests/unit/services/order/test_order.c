/*
 * What an order is made of, what the merchant's process makes of its moves, and how money is booked on it.
 */
#include "order.h"

#include "clock.h"
#include "suite.h"
#include "text.h"

#define ORDER "00000000-0000-7000-8000-000000000001"
#define CART "00000000-0000-7000-8000-000000000002"
#define NOW (INT64_C(1000000) * CLOCK_SECOND)

static struct ctx ctx;

/* clang-format off */
static struct process_status statuses[] = {
    { .on = "placed",   .status = "In Progress", .sub_status = "Incoming" },
    { .on = "released", .status = "In Progress", .sub_status = "In process" },
    { .on = "held",     .status = "On Hold" },
    { .on = "shipped",  .status = "Completed",   .sub_status = "On transit", .mail = "order_shipped" },
};
/* clang-format on */
static const struct process_status_list process = {.items = statuses, .count = COUNT(statuses)};

static struct line lines[] = {
    {.line_id = "00000000-0000-7000-8000-000000000003", .sku = "CUP", .title = "Cup", .quantity = 2},
    {.line_id = "00000000-0000-7000-8000-000000000004", .sku = "POT", .title = "Pot", .quantity = 3},
};

static struct checkout_completed completed(const char *method)
{
    return (struct checkout_completed){
        .checkout_id = ORDER,
        .shop = "main",
        .cart_id = CART,
        .placement = 2,
        .intent = 3,
        .channel = "web",
        .locale = "de-AT",
        .currency = "EUR",
        .method = method,
        .capture = "instant",
        .lines = {.items = lines, .count = COUNT(lines)},
        .totals = {.total = money_of(3170, "EUR")},
        .reference = "WB-REF",
    };
}

static struct order placed(const char *method)
{
    const struct checkout_completed from = completed(method);
    struct order order;

    order_place(&from, "WB-100001", 7, &process, NOW, 0, ctx.arena, &order);
    return order;
}

static void setup(void)
{
    ctx = (struct ctx){.arena = arena_new(1 << 20)};
}

static void teardown(void)
{
    arena_free(ctx.arena);
}

/* -- placing -- */

START_TEST(a_new_order_is_the_checkout_that_completed)
{
    const struct order order = placed("card");

    ck_assert_str_eq(order.head.id, ORDER);
    ck_assert_int_eq(order.head.version, 0);
    ck_assert_str_eq(order.number, "WB-100001");
    ck_assert_str_eq(order.cart_id, CART);
    ck_assert_int_eq(order.intent, 3);
    ck_assert_int_eq(order.kernel, ORDER_PLACED);
    ck_assert_int_eq(order.quantity, 5);
    ck_assert_int_eq(order.total_minor, 3170);
    ck_assert_int_eq(order.placed_at, NOW);
    ck_assert_int_eq(order.process_version, 7);
    ck_assert_str_eq(order.reference, "WB-REF");
    ck_assert_ptr_null(order.hold_reason);
    ck_assert_ptr_null(order.cancel_reason);
}
END_TEST

START_TEST(its_first_status_is_what_the_process_calls_placed)
{
    const struct order order = placed("card");

    ck_assert_str_eq(order.status, "In Progress");
    ck_assert_str_eq(order.sub_status, "Incoming");
}
END_TEST

START_TEST(a_process_without_placed_gets_a_plain_word)
{
    const struct process_status_list none = {0};
    const struct checkout_completed from = completed("card");
    struct order order;

    order_place(&from, "WB-1", 1, &none, NOW, 0, ctx.arena, &order);

    ck_assert_str_eq(order.status, "Placed");
    ck_assert_ptr_null(order.sub_status);
}
END_TEST

static const struct {
    const char *method;
    const char *status;
    int64_t pay_within_s;
} methods[] = {
    {"card", "authorized", 0},
    {"cash_on_delivery", "promised", 0},
    {"bank_transfer", "due", 14 * 24 * 3600},
};

START_TEST(each_method_says_how_money_stands_and_how_long_it_may_stay_out)
{
    const struct order order = placed(methods[_i].method);

    ck_assert_uint_eq(order.payments.count, 1);
    ck_assert_str_eq(order.payments.items[0].status, methods[_i].status);
    ck_assert_int_eq(order.payments.items[0].intent, 3);
    ck_assert(money_equal(order.payments.items[0].amount, money_of(3170, "EUR")));
    ck_assert(money_equal(order.payments.items[0].captured, money_of(0, "EUR")));
    ck_assert(money_equal(order.payments.items[0].refunded, money_of(0, "EUR")));
    ck_assert_int_eq(order_pay_within_s(methods[_i].method), methods[_i].pay_within_s);
}
END_TEST

START_TEST(pay_by_is_kept_as_it_was_given)
{
    const struct checkout_completed from = completed("bank_transfer");
    struct order order;

    order_place(&from, "WB-1", 1, &process, NOW, NOW + 5, ctx.arena, &order);

    ck_assert_int_eq(order.pay_by, NOW + 5);
}
END_TEST

/* -- the merchant's process -- */

/* clang-format off */
static const struct {
    enum order_kernel to;
    const char *on;
    const char *status;
    const char *sub_status;
    const char *mail;
    bool changed;
} applied[] = {
    { ORDER_RELEASED,   "released",  "In Progress", "In process", NULL,            true },
    { ORDER_SHIPPING,   "shipped",   "Completed",   "On transit", "order_shipped", true },
    { ORDER_PLACED,     "held",      "On Hold",     NULL,         NULL,            true },
    { ORDER_PLACED,     "placed",    "In Progress", "Incoming",   NULL,            false },
    { ORDER_COMPLETED,  "delivered", "In Progress", "Incoming",   NULL,            true },  /* no row: only the kernel */
    { ORDER_PLACED,     "paid",      "In Progress", "Incoming",   NULL,            false }, /* nothing to see */
    { ORDER_CANCELLING, NULL,        "In Progress", "Incoming",   NULL,            true },
};
/* clang-format on */

START_TEST(the_process_names_a_move_and_asks_for_its_mail)
{
    struct order order = placed("card");
    struct order_change change;

    order_apply(&order, applied[_i].to, applied[_i].on, &change);

    ck_assert_int_eq(order.kernel, applied[_i].to);
    ck_assert_str_eq(order.status, applied[_i].status);
    ck_assert_pstr_eq(order.sub_status, applied[_i].sub_status);
    ck_assert_pstr_eq(change.mail, applied[_i].mail);
    ck_assert_int_eq(change.status_changed, applied[_i].changed);
    ck_assert_int_eq(change.previous_kernel, ORDER_PLACED);
    ck_assert_str_eq(change.previous_status, "In Progress");
    ck_assert_str_eq(change.previous_sub_status, "Incoming");
}
END_TEST

START_TEST(a_mail_alone_changes_no_status)
{
    struct order order = placed("card");
    struct order_change change;

    order_apply(&order, ORDER_SHIPPING, "shipped", &change);
    order_apply(&order, ORDER_SHIPPING, "shipped", &change);

    ck_assert_str_eq(change.mail, "order_shipped");
    ck_assert(!change.status_changed);
}
END_TEST

START_TEST(what_the_process_does_not_list_has_no_row)
{
    ck_assert_ptr_eq(process_find(&process, "held"), &statuses[2]);
    ck_assert_ptr_null(process_find(&process, "delivered"));
    ck_assert_ptr_null(process_find(&process, "Placed"));
}
END_TEST

#define WORDS "must be one of placed, paid, released, held, shipped, delivered, cancelled"

static const struct {
    const char *on[8];
    size_t count;
    const char *field;
    const char *message;
} processes[] = {
    {{"placed"}, 1, NULL, NULL},
    {{"placed", "paid", "released", "held", "shipped", "delivered", "cancelled"}, 7, NULL, NULL},
    {{"shipped", "placed"}, 2, NULL, NULL},
    {{"placed", "lost"}, 2, "statuses[1].on", WORDS},
    {{"Placed", "placed"}, 2, "statuses[0].on", WORDS},
    {{"placed", "shipped", "placed"}, 3, "statuses[2].on", "is there twice"},
    {{"shipped"}, 1, "statuses", "must say what \"placed\" is"},
    {{0}, 0, "statuses", "must say what \"placed\" is"},
};

START_TEST(a_process_that_cannot_work_is_refused_word_for_word)
{
    struct process_status items[8] = {0};
    for (size_t i = 0; i < processes[_i].count; i++)
        items[i] = (struct process_status){.on = processes[_i].on[i], .status = "Any"};

    enum err err = process_check(&ctx, &(struct process_status_list){items, processes[_i].count});

    if (processes[_i].field == NULL) {
        ck_assert_int_eq(err, ERR_NONE);
        return;
    }
    ck_assert_int_eq(err, ERR_INVALID);
    ck_assert_uint_eq(ctx.problem.error_count, 1);
    ck_assert_str_eq(ctx.problem.errors[0].field, processes[_i].field);
    ck_assert_str_eq(ctx.problem.errors[0].message, processes[_i].message);
}
END_TEST

START_TEST(all_that_is_wrong_with_a_process_is_said_at_once)
{
    struct process_status items[] = {{.on = "lost"}, {.on = "paid"}, {.on = "paid"}};

    enum err err = process_check(&ctx, &(struct process_status_list){items, COUNT(items)});

    ck_assert_int_eq(err, ERR_INVALID);
    ck_assert_uint_eq(ctx.problem.error_count, 3);
}
END_TEST

/* -- money -- */

static const struct {
    int64_t captured;
    const char *status;
    bool is_due;
} captures[] = {
    {1, "partly_paid", true},
    {3169, "partly_paid", true},
    {3170, "paid", false},
    {3171, "paid", false},
};

START_TEST(money_that_covers_the_total_ends_the_deadline)
{
    struct order order = placed("bank_transfer");
    order.pay_by = NOW;

    ck_assert(order_book_captured(&order, 3, money_of(captures[_i].captured, "EUR")));

    ck_assert_str_eq(order.payments.items[0].status, captures[_i].status);
    ck_assert_int_eq(order.payments.items[0].captured.amount, captures[_i].captured);
    ck_assert_int_eq(order.pay_by != 0, captures[_i].is_due);
}
END_TEST

static const struct {
    int64_t captured;
    int64_t refunded;
    const char *status;
} refunds[] = {
    {3170, 1, "partly_refunded"},
    {3170, 3169, "partly_refunded"},
    {3170, 3170, "refunded"},
    {1000, 1000, "refunded"},
};

START_TEST(money_given_back_is_counted_against_what_was_taken)
{
    struct order order = placed("card");

    ck_assert(order_book_captured(&order, 3, money_of(refunds[_i].captured, "EUR")));
    ck_assert(order_book_refunded(&order, 3, money_of(refunds[_i].refunded, "EUR")));

    ck_assert_str_eq(order.payments.items[0].status, refunds[_i].status);
    ck_assert_int_eq(order.payments.items[0].refunded.amount, refunds[_i].refunded);
}
END_TEST

START_TEST(a_promise_given_up_is_voided_unless_money_was_taken)
{
    struct order order = placed("card");

    ck_assert(order_book_voided(&order, 3));
    ck_assert_str_eq(order.payments.items[0].status, "voided");

    order = placed("card");
    ck_assert(order_book_captured(&order, 3, money_of(100, "EUR")));
    ck_assert(order_book_voided(&order, 3));
    ck_assert_str_eq(order.payments.items[0].status, "paid");
}
END_TEST

START_TEST(money_of_another_intent_is_not_the_orders)
{
    struct order order = placed("bank_transfer");
    order.pay_by = NOW;

    ck_assert(!order_book_captured(&order, 2, money_of(3170, "EUR")));
    ck_assert(!order_book_refunded(&order, 4, money_of(3170, "EUR")));
    ck_assert(!order_book_voided(&order, 1));

    ck_assert_str_eq(order.payments.items[0].status, "due");
    ck_assert_int_eq(order.payments.items[0].captured.amount, 0);
    ck_assert_int_eq(order.pay_by, NOW);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_new_order_is_the_checkout_that_completed);
    tcase_add_test(tests, its_first_status_is_what_the_process_calls_placed);
    tcase_add_test(tests, a_process_without_placed_gets_a_plain_word);
    ADD_TABLE_TEST(tests, each_method_says_how_money_stands_and_how_long_it_may_stay_out, methods);
    tcase_add_test(tests, pay_by_is_kept_as_it_was_given);
    ADD_TABLE_TEST(tests, the_process_names_a_move_and_asks_for_its_mail, applied);
    tcase_add_test(tests, a_mail_alone_changes_no_status);
    tcase_add_test(tests, what_the_process_does_not_list_has_no_row);
    ADD_TABLE_TEST(tests, a_process_that_cannot_work_is_refused_word_for_word, processes);
    tcase_add_test(tests, all_that_is_wrong_with_a_process_is_said_at_once);
    ADD_TABLE_TEST(tests, money_that_covers_the_total_ends_the_deadline, captures);
    ADD_TABLE_TEST(tests, money_given_back_is_counted_against_what_was_taken, refunds);
    tcase_add_test(tests, a_promise_given_up_is_voided_unless_money_was_taken);
    tcase_add_test(tests, money_of_another_intent_is_not_the_orders);
}

RUN_SUITE(order, add_tests)
