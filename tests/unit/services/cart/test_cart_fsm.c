/*
 * The states of a cart, and which placement a claim or a release counts for (rule R2).
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
    enum cart_event when;
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

/* `placement` has the cart, or had it last; `dead` and all before it were released. */
static const struct {
    int64_t placement;
    int64_t dead;
    int64_t asks;
    enum cart_event claim;
    enum cart_event release;
} numbers[] = {
    { 0, 0, 1, ON_CLAIM_NEW,   ON_RELEASE },       /* a fresh cart */
    { 1, 0, 1, ON_CLAIM_SAME,  ON_RELEASE },       /* held by it */
    { 1, 0, 2, ON_CLAIM_NEW,   ON_RELEASE },       /* a newer one inherits; its failure ends the older too */
    { 2, 0, 1, ON_CLAIM_STALE, ON_RELEASE_STALE }, /* an older one comes late */
    { 1, 1, 1, ON_CLAIM_STALE, ON_RELEASE_STALE }, /* its release came first, or twice */
    { 0, 1, 1, ON_CLAIM_STALE, ON_RELEASE_STALE }, /* released before it was ever claimed */
    { 0, 2, 1, ON_CLAIM_STALE, ON_RELEASE_STALE },
    { 1, 1, 2, ON_CLAIM_NEW,   ON_RELEASE },
    { 3, 2, 3, ON_CLAIM_SAME,  ON_RELEASE },
    { 3, 2, 2, ON_CLAIM_STALE, ON_RELEASE_STALE },
};
/* clang-format on */

START_TEST(a_cart_moves_only_along_the_table)
{
    const struct cart cart = {.state = moves[_i].given};

    struct fsm_move next = fsm_next(&cart_fsm, (int)cart.state, (int)moves[_i].when, &cart, NULL);

    ck_assert_int_eq(next.outcome, moves[_i].then);
    ck_assert_str_eq(cart_state_names[next.to], cart_state_names[moves[_i].to]);
}
END_TEST

START_TEST(only_placements_newer_than_every_released_one_count)
{
    const struct cart cart = {.placement = numbers[_i].placement, .dead = numbers[_i].dead};

    ck_assert_int_eq(cart_claim_kind(&cart, numbers[_i].asks), numbers[_i].claim);
    ck_assert_int_eq(cart_release_kind(&cart, numbers[_i].asks), numbers[_i].release);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_state_knows_every_event);
    tcase_add_test(tests, there_is_a_name_for_each_state_and_event);
    ADD_TABLE_TEST(tests, a_cart_moves_only_along_the_table, moves);
    ADD_TABLE_TEST(tests, only_placements_newer_than_every_released_one_count, numbers);
}

RUN_SUITE(cart_fsm, add_tests)
