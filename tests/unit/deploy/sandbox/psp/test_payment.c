/* payment: what may be authorized, captured, cancelled and refunded, and how the amounts move. */
#include <string.h>

#include "payment.h"
#include "suite.h"

static struct arena *arena;

static void setup(void)
{
    arena = arena_new(1024 * 1024);
}

static void teardown(void)
{
    arena_free(arena);
}

static struct intent held(bool multicapture)
{
    struct intent intent = {
        .id = "pi_1",
        .session_status = "complete",
        .status = INTENT_REQUIRES_PAYMENT_METHOD,
        .amount = 12500,
        .currency = "eur",
        .capture_method = "manual",
        .charge = {.id = "ch_1", .multicapture = multicapture},
    };

    intent_authorize(&intent);
    return intent;
}

START_TEST(the_machine_is_sound)
{
    struct buf complaints;

    buf_init(&complaints, arena, 4096);
    ck_assert_msg(fsm_check(&intent_fsm, &complaints), "%s", complaints.data);
}
END_TEST

/* Every state and event: where it leads, or that it is refused. */
#define NO (-1)
#define AGAIN INTENT_REQUIRES_PAYMENT_METHOD
#define ASKED INTENT_REQUIRES_ACTION
#define HELD INTENT_REQUIRES_CAPTURE
#define TAKEN INTENT_SUCCEEDED
#define GONE INTENT_CANCELED
/* clang-format off */
static const int moves[INTENT_STATUSES][INTENT_EVENTS] = {
    /*           challenged declined authorized sold   part  last   canceled */
    [AGAIN] = { ASKED,      AGAIN,   HELD,      TAKEN, NO,   NO,    GONE },
    [ASKED] = { ASKED,      AGAIN,   HELD,      TAKEN, NO,   NO,    GONE },
    [HELD]  = { NO,         NO,      NO,        NO,    HELD, TAKEN, GONE },
    [TAKEN] = { NO,         NO,      NO,        NO,    NO,   NO,    NO },
    [GONE]  = { NO,         NO,      NO,        NO,    NO,   NO,    NO },
};
/* clang-format on */

START_TEST(an_intent_moves_only_along_the_table)
{
    for (int event = 0; event < INTENT_EVENTS; event++) {
        struct intent intent = {.status = (enum intent_status)_i};
        bool moved = intent_move(&intent, (enum intent_event)event);

        ck_assert_int_eq(moved, moves[_i][event] != NO);
        ck_assert_int_eq((int)intent.status, moved ? moves[_i][event] : _i);
    }
}
END_TEST

START_TEST(manual_capture_holds_and_automatic_takes)
{
    struct intent intent = held(false);

    ck_assert_int_eq(intent.status, INTENT_REQUIRES_CAPTURE);
    ck_assert_int_eq(intent.capturable, 12500);
    ck_assert_int_eq(intent.received, 0);

    intent = (struct intent){.amount = 500, .capture_method = "automatic_async"};
    intent_authorize(&intent);
    ck_assert_int_eq(intent.status, INTENT_SUCCEEDED);
    ck_assert_int_eq(intent.capturable, 0);
    ck_assert_int_eq(intent.charge.captured, 500);
}
END_TEST

static const struct {
    bool multicapture;
    int64_t captured; /* before, in part */
    int64_t amount;
    bool final;
    const char *param;  /* of the refusal; NULL: none */
    int64_t capturable; /* after */
    enum intent_status status;
} captures[] = {
    {false, 0, 12500, true, NULL, 0, INTENT_SUCCEEDED},
    {false, 0, 1, true, NULL, 0, INTENT_SUCCEEDED}, /* the rest is let go */
    {false, 0, 12501, true, "amount_to_capture", 12500, INTENT_REQUIRES_CAPTURE},
    {false, 0, 0, true, "amount_to_capture", 12500, INTENT_REQUIRES_CAPTURE},
    {false, 0, 7292, false, "final_capture", 12500, INTENT_REQUIRES_CAPTURE},
    {true, 0, 7292, false, NULL, 5208, INTENT_REQUIRES_CAPTURE},
    {true, 7292, 5208, true, NULL, 0, INTENT_SUCCEEDED},
    {true, 7292, 5208, false, NULL, 0, INTENT_SUCCEEDED}, /* nothing is left to capture */
    {true, 7292, 5209, true, "amount_to_capture", 5208, INTENT_REQUIRES_CAPTURE},
    {true, 7292, 0, true, NULL, 0, INTENT_SUCCEEDED},
    {true, 7292, 0, false, "amount_to_capture", 5208, INTENT_REQUIRES_CAPTURE},
};

START_TEST(a_capture_is_at_most_what_is_held)
{
    struct intent intent = held(captures[_i].multicapture);

    if (captures[_i].captured > 0)
        intent_capture(&intent, captures[_i].captured, false);
    struct refusal refusal = capture_refusal(arena, &intent, captures[_i].amount, captures[_i].final);
    ck_assert_int_eq(refusal.message != NULL, captures[_i].param != NULL);
    ck_assert_pstr_eq(refusal.param, captures[_i].param);
    if (refusal.message == NULL)
        intent_capture(&intent, captures[_i].amount, captures[_i].final);

    ck_assert_int_eq(intent.capturable, captures[_i].capturable);
    ck_assert_int_eq(intent.status, captures[_i].status);
    ck_assert_int_eq(intent.received, intent.charge.captured);
    ck_assert_int_le(intent.received + intent.capturable, intent.amount);
}
END_TEST

START_TEST(only_a_held_payment_can_be_captured)
{
    for (int status = 0; status < INTENT_STATUSES; status++) {
        struct intent intent = {.status = (enum intent_status)status, .capturable = 100};
        struct refusal refusal = capture_refusal(arena, &intent, 100, true);

        if (status == INTENT_REQUIRES_CAPTURE)
            ck_assert_ptr_null(refusal.message);
        else
            ck_assert_str_eq(refusal.code, "payment_intent_unexpected_state");
    }
}
END_TEST

START_TEST(a_cancelled_payment_holds_nothing)
{
    struct intent intent = held(false);

    ck_assert_ptr_null(cancel_refusal(arena, &intent).message);
    intent_cancel(&intent, "abandoned", 17);
    ck_assert_int_eq(intent.status, INTENT_CANCELED);
    ck_assert_int_eq(intent.capturable, 0);
    ck_assert_int_eq(intent.canceled_at, 17);
    ck_assert_str_eq(intent.cancellation_reason, "abandoned");
    ck_assert_str_eq(cancel_refusal(arena, &intent).code, "payment_intent_unexpected_state");
}
END_TEST

START_TEST(a_payment_whose_page_is_open_cannot_be_cancelled)
{
    struct intent intent = {.status = INTENT_REQUIRES_PAYMENT_METHOD, .session_status = "open"};

    ck_assert_ptr_nonnull(cancel_refusal(arena, &intent).message);
    intent.session_status = "expired";
    ck_assert_ptr_null(cancel_refusal(arena, &intent).message);
}
END_TEST

START_TEST(a_captured_payment_cannot_be_cancelled)
{
    struct intent intent = held(false);

    intent_capture(&intent, 12500, true);
    ck_assert_ptr_nonnull(cancel_refusal(arena, &intent).message);
}
END_TEST

static const struct {
    int64_t captured;
    int64_t refunded;
    int64_t amount;
    const char *message; /* how the refusal begins; NULL: none */
} refunds[] = {
    {10000, 0, 10000, NULL},
    {10000, 8000, 2000, NULL},
    {10000, 8000, 2001, "Refund amount (2001) is greater than unrefunded amount on charge (2000)"},
    {10000, 10000, 1, "Charge ch_1 has already been refunded."},
    {0, 0, 1, "This PaymentIntent (pi_1) does not have a successful charge to refund."},
};

START_TEST(a_refund_is_at_most_what_was_captured)
{
    struct intent intent = held(false);

    intent.charge.captured = refunds[_i].captured;
    intent.charge.refunded = refunds[_i].refunded;
    ck_assert_pstr_eq(refund_refusal(arena, &intent, refunds[_i].amount).message, refunds[_i].message);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_machine_is_sound);
    tcase_add_loop_test(tests, an_intent_moves_only_along_the_table, 0, INTENT_STATUSES);
    tcase_add_test(tests, manual_capture_holds_and_automatic_takes);
    ADD_TABLE_TEST(tests, a_capture_is_at_most_what_is_held, captures);
    tcase_add_test(tests, only_a_held_payment_can_be_captured);
    tcase_add_test(tests, a_cancelled_payment_holds_nothing);
    tcase_add_test(tests, a_payment_whose_page_is_open_cannot_be_cancelled);
    tcase_add_test(tests, a_captured_payment_cannot_be_cancelled);
    ADD_TABLE_TEST(tests, a_refund_is_at_most_what_was_captured, refunds);
}

RUN_SUITE(payment, add_tests)
