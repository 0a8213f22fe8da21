/*
 * The states of a cart.
 */
#include "cart.h"
#include "machine.h"
#include "suite.h"

START_TEST(every_state_knows_every_event)
{
    machine_must_be_sound(&cart_fsm);
}
END_TEST

START_TEST(there_is_a_name_for_each_state_and_event)
{
    machine_must_name(&cart_fsm, CART_STATES, CART_EVENTS);
}
END_TEST

/* clang-format off */
static const struct {
    enum cart_state given;
    int when;
    enum fsm_outcome then;
    enum cart_state to;
} moves[] = {
    { CART_OPEN,    ON_CLAIM_NEW,     FSM_ACT,       CART_LOCKED },
    { CART_OPEN,    ON_CLAIM_SAME,    FSM_ACT,       CART_LOCKED },
    { CART_OPEN,    ON_CLAIM_STALE,   FSM_IGNORE,    CART_OPEN },
    { CART_OPEN,    ON_RELEASE,       FSM_ACT,       CART_OPEN },
    { CART_OPEN,    ON_RELEASE_STALE, FSM_IGNORE,    CART_OPEN },
    { CART_OPEN,    ON_COMPLETED,     FSM_WORK_ITEM, CART_OPEN },
    { CART_OPEN,    ON_TTL_PASSED,    FSM_ACT,       CART_EXPIRED },
    { CART_OPEN,    ON_CHANGE_ASKED,  FSM_ACT,       CART_OPEN },

    { CART_LOCKED,  ON_CLAIM_NEW,     FSM_ACT,       CART_LOCKED },
    { CART_LOCKED,  ON_CLAIM_SAME,    FSM_IGNORE,    CART_LOCKED },
    { CART_LOCKED,  ON_CLAIM_STALE,   FSM_IGNORE,    CART_LOCKED },
    { CART_LOCKED,  ON_RELEASE,       FSM_ACT,       CART_OPEN },
    { CART_LOCKED,  ON_RELEASE_STALE, FSM_IGNORE,    CART_LOCKED },
    { CART_LOCKED,  ON_COMPLETED,     FSM_ACT,       CART_ORDERED },
    { CART_LOCKED,  ON_TTL_PASSED,    FSM_IGNORE,    CART_LOCKED },
    { CART_LOCKED,  ON_CHANGE_ASKED,  FSM_REFUSE,    CART_LOCKED },

    { CART_ORDERED, ON_CLAIM_NEW,     FSM_ACT,       CART_ORDERED },
    { CART_ORDERED, ON_RELEASE,       FSM_WORK_ITEM, CART_ORDERED },
    { CART_ORDERED, ON_RELEASE_STALE, FSM_IGNORE,    CART_ORDERED },
    { CART_ORDERED, ON_COMPLETED,     FSM_IGNORE,    CART_ORDERED },
    { CART_ORDERED, ON_TTL_PASSED,    FSM_IGNORE,    CART_ORDERED },
    { CART_ORDERED, ON_CHANGE_ASKED,  FSM_REFUSE,    CART_ORDERED },

    { CART_EXPIRED, ON_CLAIM_NEW,     FSM_ACT,       CART_EXPIRED },
    { CART_EXPIRED, ON_RELEASE,       FSM_ACT,       CART_EXPIRED },
    { CART_EXPIRED, ON_COMPLETED,     FSM_WORK_ITEM, CART_EXPIRED },
    { CART_EXPIRED, ON_CHANGE_ASKED,  FSM_REFUSE,    CART_EXPIRED },
};
/* clang-format on */

START_TEST(a_cart_moves_only_along_the_table)
{
    const struct cart cart = {.state = moves[_i].given};

    struct fsm_move next = fsm_next(&cart_fsm, (int)cart.state, moves[_i].when, &cart, NULL);

    ck_assert_int_eq(next.outcome, moves[_i].then);
    ck_assert_str_eq(cart_state_names[next.to], cart_state_names[moves[_i].to]);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_state_knows_every_event);
    tcase_add_test(tests, there_is_a_name_for_each_state_and_event);
    ADD_TABLE_TEST(tests, a_cart_moves_only_along_the_table, moves);
}

RUN_SUITE(cart_fsm, add_tests)
