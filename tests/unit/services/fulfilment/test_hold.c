/*
 * A placement's claim on stock: the table, and which placement a claim or a release counts for (rule R2).
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
    enum hold_event when;
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

/* `placement` holds, or held last; `dead` and all before it were released. */
static const struct {
    int64_t placement;
    int64_t dead;
    int64_t asks;
    enum hold_event claim;
    enum hold_event release;
} numbers[] = {
    { 0, 0, 1, ON_CLAIM_NEW,   ON_RELEASE },
    { 1, 0, 1, ON_CLAIM_SAME,  ON_RELEASE },
    { 1, 0, 2, ON_CLAIM_NEW,   ON_RELEASE },
    { 2, 0, 1, ON_CLAIM_STALE, ON_RELEASE_STALE },
    { 1, 1, 1, ON_CLAIM_STALE, ON_RELEASE_STALE },
    { 0, 1, 1, ON_CLAIM_STALE, ON_RELEASE_STALE }, /* the release overtook the claim */
    { 0, 3, 2, ON_CLAIM_STALE, ON_RELEASE_STALE },
    { 0, 1, 2, ON_CLAIM_NEW,   ON_RELEASE },
    { 3, 2, 3, ON_CLAIM_SAME,  ON_RELEASE },
    { 3, 2, 4, ON_CLAIM_NEW,   ON_RELEASE },
};
/* clang-format on */

START_TEST(a_hold_moves_only_along_the_table)
{
    const struct hold hold = {.state = moves[_i].given};

    struct fsm_move next = fsm_next(&hold_fsm, (int)hold.state, (int)moves[_i].when, &hold, NULL);

    ck_assert_int_eq(next.outcome, moves[_i].then);
    ck_assert_str_eq(hold_state_names[next.to], hold_state_names[moves[_i].to]);
}
END_TEST

START_TEST(only_placements_newer_than_every_released_one_count)
{
    const struct hold hold = {.placement = numbers[_i].placement, .dead = numbers[_i].dead};

    ck_assert_int_eq(hold_claim_kind(&hold, numbers[_i].asks), numbers[_i].claim);
    ck_assert_int_eq(hold_release_kind(&hold, numbers[_i].asks), numbers[_i].release);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_state_knows_every_event);
    tcase_add_test(tests, there_is_a_name_for_each_state_and_event);
    ADD_TABLE_TEST(tests, a_hold_moves_only_along_the_table, moves);
    ADD_TABLE_TEST(tests, only_placements_newer_than_every_released_one_count, numbers);
}

RUN_SUITE(hold, add_tests)
