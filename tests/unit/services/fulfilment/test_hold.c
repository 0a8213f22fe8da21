/*
 * A placement's claim on stock: the table.
 */
#include "hold.h"
#include "machine.h"
#include "suite.h"

START_TEST(every_state_knows_every_event)
{
    machine_must_be_sound(&hold_fsm);
}
END_TEST

START_TEST(there_is_a_name_for_each_state_and_event)
{
    machine_must_name(&hold_fsm, HOLD_STATES, HOLD_EVENTS);
}
END_TEST

/* clang-format off */
static const struct {
    enum hold_state given;
    int when;
    enum fsm_outcome then;
    enum hold_state to;
} moves[] = {
    { HOLD_FREE,      ON_CLAIM_NEW,     FSM_ACT,       HOLD_HELD },
    { HOLD_FREE,      ON_CLAIM_SAME,    FSM_ACT,       HOLD_HELD },
    { HOLD_FREE,      ON_CLAIM_STALE,   FSM_IGNORE,    HOLD_FREE },
    { HOLD_FREE,      ON_CONFIRM,       FSM_WORK_ITEM, HOLD_FREE },
    { HOLD_FREE,      ON_RELEASE,       FSM_ACT,       HOLD_FREE },
    { HOLD_FREE,      ON_RELEASE_STALE, FSM_IGNORE,    HOLD_FREE },
    { HOLD_HELD,      ON_CLAIM_NEW,     FSM_ACT,       HOLD_HELD },
    { HOLD_HELD,      ON_CLAIM_SAME,    FSM_IGNORE,    HOLD_HELD },
    { HOLD_HELD,      ON_CLAIM_STALE,   FSM_IGNORE,    HOLD_HELD },
    { HOLD_HELD,      ON_CONFIRM,       FSM_ACT,       HOLD_CONFIRMED },
    { HOLD_HELD,      ON_RELEASE,       FSM_ACT,       HOLD_FREE },
    { HOLD_HELD,      ON_RELEASE_STALE, FSM_IGNORE,    HOLD_HELD },
    { HOLD_CONFIRMED, ON_CLAIM_NEW,     FSM_WORK_ITEM, HOLD_CONFIRMED },
    { HOLD_CONFIRMED, ON_CLAIM_SAME,    FSM_IGNORE,    HOLD_CONFIRMED },
    { HOLD_CONFIRMED, ON_CLAIM_STALE,   FSM_IGNORE,    HOLD_CONFIRMED },
    { HOLD_CONFIRMED, ON_CONFIRM,       FSM_IGNORE,    HOLD_CONFIRMED },
    { HOLD_CONFIRMED, ON_RELEASE,       FSM_WORK_ITEM, HOLD_CONFIRMED },
    { HOLD_CONFIRMED, ON_RELEASE_STALE, FSM_IGNORE,    HOLD_CONFIRMED },
};
/* clang-format on */

START_TEST(a_hold_moves_only_along_the_table)
{
    const struct hold hold = {.state = moves[_i].given};

    struct fsm_move next = fsm_next(&hold_fsm, (int)hold.state, moves[_i].when, &hold, NULL);

    ck_assert_int_eq(next.outcome, moves[_i].then);
    ck_assert_str_eq(hold_state_names[next.to], hold_state_names[moves[_i].to]);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_state_knows_every_event);
    tcase_add_test(tests, there_is_a_name_for_each_state_and_event);
    ADD_TABLE_TEST(tests, a_hold_moves_only_along_the_table, moves);
}

RUN_SUITE(hold, add_tests)
