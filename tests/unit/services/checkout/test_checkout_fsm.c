/*
 * The placement saga: the table is complete, and walks as the model does.
 */
#include "checkout.h"

#include "clock.h"
#include "suite.h"
#include "text.h"

#define NOW (INT64_C(1000000) * CLOCK_SECOND)

static const struct patience patience = {.deadline_s = 600, .deadline_max_s = 1800, .unknown_max_s = 3600};

START_TEST(every_state_knows_every_event)
{
    struct arena *arena = arena_new(1 << 20);
    struct buf complaints;

    buf_init(&complaints, arena, 1 << 16);
    bool sound = fsm_check(&checkout_fsm, &complaints);

    ck_assert_msg(sound, "%s", complaints.data);
    arena_free(arena);
}
END_TEST

START_TEST(there_is_a_name_for_each_state_and_event)
{
    size_t states = 0;
    size_t events = 0;

    while (checkout_state_names[states] != NULL)
        states++;
    while (checkout_event_names[events] != NULL)
        events++;

    ck_assert_uint_eq(states, CHECKOUT_STATES);
    ck_assert_uint_eq(events, CHECKOUT_EVENTS);
}
END_TEST

#define CART 1u  /* is locked */
#define STOCK 2u /* is held */

/* The table of cases is the saga's (README of the service): what moves, what stays, what is refused. */
static const struct {
    enum checkout_state given;
    unsigned claims;
    enum checkout_event when;
    enum fsm_outcome then;
    enum checkout_state to;
} moves[] = {
    {CHECKOUT_OPEN, 0, ON_PLACE, FSM_ACT, CHECKOUT_CLAIMING},
    {CHECKOUT_FAILED, 0, ON_PLACE, FSM_ACT, CHECKOUT_CLAIMING},
    {CHECKOUT_CLAIMING, 0, ON_PLACE, FSM_REFUSE, CHECKOUT_CLAIMING},
    {CHECKOUT_COMPLETED, CART | STOCK, ON_PLACE, FSM_REFUSE, CHECKOUT_COMPLETED},

    /* Claims before money, whichever comes first. */
    {CHECKOUT_CLAIMING, 0, ON_CART_LOCKED, FSM_ACT, CHECKOUT_CLAIMING},
    {CHECKOUT_CLAIMING, 0, ON_STOCK_HELD, FSM_ACT, CHECKOUT_CLAIMING},
    {CHECKOUT_CLAIMING, STOCK, ON_CART_LOCKED, FSM_ACT, CHECKOUT_PAYING},
    {CHECKOUT_CLAIMING, CART, ON_STOCK_HELD, FSM_ACT, CHECKOUT_PAYING},
    {CHECKOUT_CLAIMING, STOCK, ON_CART_REFUSED, FSM_ACT, CHECKOUT_FAILED},
    {CHECKOUT_CLAIMING, CART, ON_STOCK_REFUSED, FSM_ACT, CHECKOUT_FAILED},
    {CHECKOUT_CLAIMING, CART, ON_DEADLINE, FSM_ACT, CHECKOUT_FAILED},
    {CHECKOUT_CLAIMING, CART, ON_CANCEL, FSM_ACT, CHECKOUT_FAILED},

    /* Money first: once it was asked, giving up goes through closing. */
    {CHECKOUT_PAYING, CART | STOCK, ON_DEADLINE, FSM_ACT, CHECKOUT_CLOSING},
    {CHECKOUT_PAYING, CART | STOCK, ON_CANCEL, FSM_ACT, CHECKOUT_CLOSING},
    {CHECKOUT_ACTION_REQUIRED, CART | STOCK, ON_DEADLINE, FSM_ACT, CHECKOUT_CLOSING},
    {CHECKOUT_ACTION_REQUIRED, CART | STOCK, ON_CANCEL, FSM_ACT, CHECKOUT_CLOSING},
    {CHECKOUT_DECLINED, CART | STOCK, ON_DEADLINE, FSM_ACT, CHECKOUT_CLOSING},
    {CHECKOUT_UNKNOWN, CART | STOCK, ON_CANCEL, FSM_ACT, CHECKOUT_CLOSING},
    {CHECKOUT_SWITCHING, CART | STOCK, ON_DEADLINE, FSM_ACT, CHECKOUT_CLOSING},
    {CHECKOUT_CLOSING, CART | STOCK, ON_CLOSED, FSM_ACT, CHECKOUT_FAILED},
    {CHECKOUT_CLOSING, CART | STOCK, ON_DEADLINE, FSM_ACT, CHECKOUT_FAILED},
    {CHECKOUT_CLOSING, CART | STOCK, ON_CANCEL, FSM_IGNORE, CHECKOUT_CLOSING},

    /* Who decided first has decided: the promise of money crosses with giving up and with changing the method. */
    {CHECKOUT_PAYING, CART | STOCK, ON_AUTHORIZED, FSM_ACT, CHECKOUT_COMPLETED},
    {CHECKOUT_ACTION_REQUIRED, CART | STOCK, ON_AUTHORIZED, FSM_ACT, CHECKOUT_COMPLETED},
    {CHECKOUT_UNKNOWN, CART | STOCK, ON_AUTHORIZED, FSM_ACT, CHECKOUT_COMPLETED},
    {CHECKOUT_SWITCHING, CART | STOCK, ON_AUTHORIZED, FSM_IGNORE, CHECKOUT_SWITCHING},
    {CHECKOUT_CLOSING, CART | STOCK, ON_AUTHORIZED, FSM_IGNORE, CHECKOUT_CLOSING},
    {CHECKOUT_FAILED, 0, ON_AUTHORIZED, FSM_IGNORE, CHECKOUT_FAILED},
    {CHECKOUT_DECLINED, CART | STOCK, ON_AUTHORIZED, FSM_WORK_ITEM, CHECKOUT_DECLINED},
    {CHECKOUT_COMPLETED, CART | STOCK, ON_CANCEL, FSM_REFUSE, CHECKOUT_COMPLETED},
    {CHECKOUT_COMPLETED, CART | STOCK, ON_DEADLINE, FSM_IGNORE, CHECKOUT_COMPLETED},
    {CHECKOUT_COMPLETED, CART | STOCK, ON_PAY, FSM_REFUSE, CHECKOUT_COMPLETED},

    /* Paying: declined keeps the claims, unknown is neither yes nor no, another method closes the open one first. */
    {CHECKOUT_PAYING, CART | STOCK, ON_DECLINED, FSM_ACT, CHECKOUT_DECLINED},
    {CHECKOUT_PAYING, CART | STOCK, ON_UNKNOWN, FSM_ACT, CHECKOUT_UNKNOWN},
    {CHECKOUT_UNKNOWN, CART | STOCK, ON_ACTION_REQUIRED, FSM_ACT, CHECKOUT_ACTION_REQUIRED},
    {CHECKOUT_UNKNOWN, CART | STOCK, ON_DECLINED, FSM_ACT, CHECKOUT_DECLINED},
    {CHECKOUT_DECLINED, CART | STOCK, ON_PAY, FSM_ACT, CHECKOUT_PAYING},
    {CHECKOUT_PAYING, CART | STOCK, ON_PAY, FSM_ACT, CHECKOUT_SWITCHING},
    {CHECKOUT_ACTION_REQUIRED, CART | STOCK, ON_PAY, FSM_ACT, CHECKOUT_SWITCHING},
    {CHECKOUT_SWITCHING, CART | STOCK, ON_PAY, FSM_ACT, CHECKOUT_SWITCHING},
    {CHECKOUT_SWITCHING, CART | STOCK, ON_DECLINED, FSM_IGNORE, CHECKOUT_SWITCHING},
    {CHECKOUT_SWITCHING, CART | STOCK, ON_CLOSED, FSM_ACT, CHECKOUT_PAYING},
    {CHECKOUT_CLAIMING, 0, ON_PAY, FSM_REFUSE, CHECKOUT_CLAIMING},
    {CHECKOUT_CLOSING, CART | STOCK, ON_PAY, FSM_REFUSE, CHECKOUT_CLOSING},

    /* What is placed is frozen. */
    {CHECKOUT_OPEN, 0, ON_EDIT, FSM_ACT, CHECKOUT_OPEN},
    {CHECKOUT_FAILED, 0, ON_EDIT, FSM_ACT, CHECKOUT_FAILED},
    {CHECKOUT_CLAIMING, 0, ON_EDIT, FSM_REFUSE, CHECKOUT_CLAIMING},
    {CHECKOUT_COMPLETED, CART | STOCK, ON_EDIT, FSM_REFUSE, CHECKOUT_COMPLETED},
    {CHECKOUT_OPEN, 0, ON_CANCEL, FSM_REFUSE, CHECKOUT_OPEN},

    {CHECKOUT_COMPLETED, CART | STOCK, ON_ORDER_PLACED, FSM_ACT, CHECKOUT_COMPLETED},
    {CHECKOUT_FAILED, 0, ON_ORDER_PLACED, FSM_WORK_ITEM, CHECKOUT_FAILED},
};

START_TEST(a_checkout_moves_only_along_the_table)
{
    struct checkout checkout = {
        .state = moves[_i].given,
        .cart_locked = (moves[_i].claims & CART) != 0,
        .stock_held = (moves[_i].claims & STOCK) != 0,
        .method = "card",
        .now = NOW,
        .deadline = NOW + 1,
    };
    struct checkout_move move = {.on = moves[_i].when, .method = "bank_transfer"};

    struct fsm_move next = fsm_next(&checkout_fsm, (int)checkout.state, (int)move.on, &checkout, &move);

    ck_assert_int_eq(next.outcome, moves[_i].then);
    ck_assert_str_eq(checkout_state_names[next.to], checkout_state_names[moves[_i].to]);
}
END_TEST

/* Another try needs time, a try that is left, and while one is open another method. */
static const struct {
    enum checkout_state given;
    int64_t tries;
    int64_t seconds_left;
    const char *method;
    enum fsm_outcome then;
} tries[] = {
    {CHECKOUT_DECLINED, 1, 1, "card", FSM_ACT},
    {CHECKOUT_DECLINED, TRIES_MAX - 1, 1, "card", FSM_ACT},
    {CHECKOUT_DECLINED, TRIES_MAX, 1, "card", FSM_REFUSE},
    {CHECKOUT_DECLINED, 1, 0, "card", FSM_REFUSE},
    {CHECKOUT_DECLINED, 1, -1, "bank_transfer", FSM_REFUSE},
    {CHECKOUT_ACTION_REQUIRED, 1, 1, "card", FSM_ACT},
    {CHECKOUT_ACTION_REQUIRED, TRIES_MAX, -1, "card", FSM_ACT},
    {CHECKOUT_ACTION_REQUIRED, 1, 1, "bank_transfer", FSM_ACT},
    {CHECKOUT_ACTION_REQUIRED, TRIES_MAX, 1, "bank_transfer", FSM_REFUSE},
    {CHECKOUT_UNKNOWN, 1, 0, "bank_transfer", FSM_REFUSE},
};

START_TEST(tries_are_counted_and_end_with_the_deadline)
{
    struct checkout checkout = {
        .state = tries[_i].given,
        .tries = tries[_i].tries,
        .method = "card",
        .now = NOW,
        .deadline = NOW + tries[_i].seconds_left * CLOCK_SECOND,
    };
    struct checkout_move move = {.on = ON_PAY, .method = tries[_i].method};

    struct fsm_move next = fsm_next(&checkout_fsm, (int)checkout.state, ON_PAY, &checkout, &move);

    ck_assert_int_eq(next.outcome, tries[_i].then);
}
END_TEST

/* Walks like checkout_move() does, without the world around it. */
static void step(struct checkout *checkout, const struct checkout_move *move)
{
    if (!checkout_concerns(checkout, move))
        return;
    struct fsm_move next = fsm_next(&checkout_fsm, (int)checkout->state, (int)move->on, checkout, move);
    if (next.outcome == FSM_ACT)
        checkout_apply(checkout, (enum checkout_state)next.to, move, &patience);
}

static uint64_t random_state = 88172645463325252;

static int64_t pick(int64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int64_t)(random_state % (uint64_t)below);
}

/* Any order of any events, late and foreign ones too: what the table's constraints promise holds after each. */
START_TEST(nothing_breaks_the_promises_in_any_order)
{
    static const char *const methods[] = {"card", "bank_transfer", "cash_on_delivery"};

    for (int walk = 0; walk < 1000; walk++) {
        struct checkout checkout = {.method = "card", .now = NOW};
        for (int i = 0; i < 60; i++) {
            const struct checkout before = checkout;
            checkout.now += pick(100) * CLOCK_SECOND;
            step(&checkout, &(struct checkout_move){
                                .on = (enum checkout_event)pick(CHECKOUT_EVENTS),
                                .placement = checkout.placement - (pick(4) == 0),
                                .intent = checkout.intent - (pick(4) == 0),
                                .reason = "cart_changed",
                                .decline_code = "card_declined",
                                .redirect_url = "https://pay.example.com/1",
                                .method = methods[pick(3)],
                                .capture = "instant",
                                .key = "k",
                                .fingerprint = "f",
                                .number = "WB-1",
                            });

            const bool open = checkout.state <= CHECKOUT_CLAIMING || checkout.state == CHECKOUT_FAILED;
            ck_assert(open || (checkout.cart_locked && checkout.stock_held));
            ck_assert((checkout.deadline != 0) == checkout_is_live(checkout.state));
            ck_assert((checkout.redirect_url != NULL) == (checkout.state == CHECKOUT_ACTION_REQUIRED));
            ck_assert((checkout.winning_intent != 0) == (checkout.state == CHECKOUT_COMPLETED));
            ck_assert(checkout.state != CHECKOUT_FAILED || checkout.reason != NULL);
            ck_assert(checkout.number == NULL || checkout.state == CHECKOUT_COMPLETED);
            ck_assert(checkout.placement >= before.placement && checkout.intent >= before.intent);
            ck_assert(checkout.tries <= TRIES_MAX);
            ck_assert(before.state != CHECKOUT_COMPLETED || checkout.state == CHECKOUT_COMPLETED);
        }
    }
}
END_TEST

#define PATIENCE_S 60 /* with sanitizers on a busy machine */

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, PATIENCE_S);
    tcase_add_test(tests, every_state_knows_every_event);
    tcase_add_test(tests, there_is_a_name_for_each_state_and_event);
    ADD_TABLE_TEST(tests, a_checkout_moves_only_along_the_table, moves);
    ADD_TABLE_TEST(tests, tries_are_counted_and_end_with_the_deadline, tries);
    tcase_add_test(tests, nothing_breaks_the_promises_in_any_order);
}

RUN_SUITE(checkout_fsm, add_tests)
