/*
 * Machines: looking up moves, finding each kind of defect, drawing.
 */
#include "fsm.h"

#include "suite.h"

enum { PLACED, PAID, CANCELLED };
enum { ON_PAID, ON_FAILED, ON_CANCEL };

static const char *const states[] = {"placed", "paid", "cancelled", NULL};
static const char *const events[] = {"payment_captured", "payment_failed", "cancel", NULL};

#define CANCEL_IS_A_COMMAND (1U << ON_CANCEL)

/* The aggregate is a total, the event an amount. */
static bool covers_total(const void *aggregate, const void *event)
{
    return *(const int *)event >= *(const int *)aggregate;
}

static bool is_late(const void *aggregate, const void *event)
{
    return aggregate == event;
}

#define SOUND_ROWS                                                                                                     \
    {PLACED, ON_PAID, FSM_ACT, PAID, covers_total, "payment covers: the total"},                                       \
        {PLACED, ON_PAID, FSM_WORK_ITEM, 0, NULL, "too little was paid"},                                              \
        {PLACED, ON_FAILED, FSM_ACT, CANCELLED, NULL, "payment was declined"},                                         \
        {PLACED, ON_CANCEL, FSM_ACT, CANCELLED, NULL, "asked in time"}, {PAID, ON_PAID, FSM_IGNORE, 0, NULL, "known"}, \
        {PAID, ON_FAILED, FSM_ACT, PAID, NULL, "counted"},                                                             \
        {CANCELLED, ON_PAID, FSM_WORK_ITEM, 0, NULL, "money for nothing"},                                             \
    {                                                                                                                  \
        CANCELLED, ON_FAILED, FSM_IGNORE, 0, NULL, "cancelled already"                                                 \
    }

#define MACHINE(rows)                                                                                                  \
    {                                                                                                                  \
        .name = "order", .states = states, .events = events, .edges = (rows), .edge_count = COUNT(rows),               \
        .initial = PLACED, .commands = CANCEL_IS_A_COMMAND                                                             \
    }

static const struct fsm_edge sound_rows[] = {SOUND_ROWS};
static const struct fsm sound = MACHINE(sound_rows);

static struct arena *arena;
static struct buf buf;

static void set_up(void)
{
    arena = arena_new((size_t)1 << 16);
    buf_init(&buf, arena, 10000);
}

static void tear_down(void)
{
    arena_free(arena);
}

static const struct {
    int state;
    int event;
    int amount; /* of a total of 100 */
    enum fsm_outcome outcome;
    int to;
    const char *why;
} moves[] = {
    {PLACED, ON_PAID, 100, FSM_ACT, PAID, "payment covers: the total"},
    {PLACED, ON_PAID, 99, FSM_WORK_ITEM, PLACED, "too little was paid"},
    {PLACED, ON_FAILED, 0, FSM_ACT, CANCELLED, "payment was declined"},
    {PAID, ON_PAID, 100, FSM_IGNORE, PAID, "known"},
    {PAID, ON_FAILED, 0, FSM_ACT, PAID, "counted"},
    {PAID, ON_CANCEL, 0, FSM_REFUSE, PAID, "not allowed in this state"},
    {CANCELLED, ON_PAID, 100, FSM_WORK_ITEM, CANCELLED, "money for nothing"},
};

START_TEST(the_first_row_that_holds_decides)
{
    int total = 100;
    struct fsm_move move = fsm_next(&sound, moves[_i].state, moves[_i].event, &total, &moves[_i].amount);

    ck_assert_int_eq(move.outcome, moves[_i].outcome);
    ck_assert_int_eq(move.to, moves[_i].to);
    ck_assert_str_eq(move.why, moves[_i].why);
}
END_TEST

START_TEST(a_sound_machine_has_no_defects)
{
    ck_assert(fsm_check(&sound, &buf));
    ck_assert_str_eq(buf.data, "");
}
END_TEST

/* One defect each. */
static const struct fsm_edge shadowed[] = {SOUND_ROWS, {PAID, ON_PAID, FSM_IGNORE, 0, NULL, "again"}};
static const struct fsm_edge same_guard[] = {{PLACED, ON_PAID, FSM_IGNORE, 0, covers_total, "first"}, SOUND_ROWS};
static const struct fsm_edge guarded_after[] = {SOUND_ROWS, {PAID, ON_PAID, FSM_ACT, PAID, is_late, "late"}};
static const struct fsm_edge no_reason[] = {SOUND_ROWS, {PAID, ON_CANCEL, FSM_ACT, CANCELLED, NULL, NULL}};
static const struct fsm_edge empty_reason[] = {SOUND_ROWS, {PAID, ON_CANCEL, FSM_ACT, CANCELLED, NULL, ""}};
static const struct fsm_edge no_such_state[] = {SOUND_ROWS, {3, ON_PAID, FSM_IGNORE, 0, NULL, "x"}};
static const struct fsm_edge no_such_event[] = {SOUND_ROWS, {PAID, 3, FSM_IGNORE, 0, NULL, "x"}};
static const struct fsm_edge no_such_target[] = {SOUND_ROWS, {PAID, ON_CANCEL, FSM_ACT, -1, NULL, "x"}};
static const struct fsm_edge missing[] = {
    {PLACED, ON_PAID, FSM_ACT, PAID, NULL, "a"},      {PLACED, ON_FAILED, FSM_ACT, CANCELLED, NULL, "b"},
    {PAID, ON_PAID, FSM_IGNORE, 0, NULL, "c"},        {CANCELLED, ON_PAID, FSM_IGNORE, 0, NULL, "d"},
    {CANCELLED, ON_FAILED, FSM_IGNORE, 0, NULL, "e"},
};
static const struct fsm_edge only_guarded[] = {
    {PLACED, ON_PAID, FSM_ACT, PAID, covers_total, "a"}, {PLACED, ON_FAILED, FSM_ACT, CANCELLED, NULL, "b"},
    {PAID, ON_PAID, FSM_IGNORE, 0, NULL, "c"},           {PAID, ON_FAILED, FSM_IGNORE, 0, NULL, "d"},
    {CANCELLED, ON_PAID, FSM_IGNORE, 0, NULL, "e"},      {CANCELLED, ON_FAILED, FSM_IGNORE, 0, NULL, "f"},
};
/* Paid is reached only from itself and by rows that do not move. */
static const struct fsm_edge unreachable[] = {
    {PLACED, ON_PAID, FSM_IGNORE, PAID, NULL, "a"},
    {PLACED, ON_FAILED, FSM_ACT, CANCELLED, NULL, "b"},
    {PAID, ON_PAID, FSM_ACT, PAID, NULL, "c"},
    {PAID, ON_FAILED, FSM_ACT, CANCELLED, NULL, "d"},
    {CANCELLED, ON_PAID, FSM_WORK_ITEM, PAID, NULL, "e"},
    {CANCELLED, ON_FAILED, FSM_IGNORE, 0, NULL, "f"},
};
static const struct fsm_edge refused[] = {
    {PLACED, ON_PAID, FSM_ACT, PAID, NULL, "a"},    {PLACED, ON_FAILED, FSM_ACT, CANCELLED, NULL, "b"},
    {PAID, ON_PAID, FSM_IGNORE, 0, NULL, "c"},      {PAID, ON_FAILED, FSM_REFUSE, 0, NULL, "d"},
    {CANCELLED, ON_PAID, FSM_IGNORE, 0, NULL, "e"}, {CANCELLED, ON_FAILED, FSM_IGNORE, 0, NULL, "f"},
};

static const struct {
    struct fsm fsm;
    const char *complaints;
} defects[] = {
    {MACHINE(shadowed), "order: paid on payment_captured: the row is shadowed by an earlier one\n"},
    {MACHINE(same_guard), "order: placed on payment_captured: the row is shadowed by an earlier one\n"},
    {MACHINE(guarded_after), "order: paid on payment_captured: the row is shadowed by an earlier one\n"},
    {MACHINE(no_reason), "order: paid on cancel: the row has no reason\n"},
    {MACHINE(empty_reason), "order: paid on cancel: the row has no reason\n"},
    {MACHINE(no_such_state), "order: row 8 names a state or event that does not exist\n"},
    {MACHINE(no_such_event), "order: row 8 names a state or event that does not exist\n"},
    {MACHINE(no_such_target), "order: row 8 names a state or event that does not exist\n"},
    {MACHINE(missing), "order: paid on payment_failed: there is no row\n"},
    {MACHINE(only_guarded), "order: placed on payment_captured: every row has a guard, so none may hold\n"},
    {MACHINE(unreachable), "order: paid cannot be reached\n"},
    {MACHINE(refused), "order: paid on payment_failed: only a command can be refused\n"},
};

START_TEST(each_kind_of_defect_is_found)
{
    ck_assert(!fsm_check(&defects[_i].fsm, &buf));
    ck_assert_str_eq(buf.data, defects[_i].complaints);
}
END_TEST

START_TEST(an_event_that_is_no_command_must_be_listed_in_every_state)
{
    struct fsm fsm = sound;

    fsm.commands = 0;
    ck_assert(!fsm_check(&fsm, &buf));
    ck_assert_str_eq(buf.data, "order: paid on cancel: there is no row\norder: cancelled on cancel: there is no row\n");
}
END_TEST

START_TEST(an_initial_state_that_does_not_exist_is_found)
{
    struct fsm fsm = sound;

    fsm.initial = 3;
    ck_assert(!fsm_check(&fsm, &buf));
    ck_assert_str_eq(buf.data, "order: the initial state does not exist\n");
}
END_TEST

START_TEST(a_machine_is_drawn_for_mermaid)
{
    fsm_draw(&sound, &buf);
    ck_assert_str_eq(buf.data, "stateDiagram-v2\n"
                               "    [*] --> placed\n"
                               "    placed --> paid: payment_captured [payment covers, the total]\n"
                               "    placed --> cancelled: payment_failed\n"
                               "    placed --> cancelled: cancel\n"
                               "    paid --> paid: payment_failed\n"
                               "    paid --> [*]\n"
                               "    cancelled --> [*]\n");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    ADD_TABLE_TEST(tests, the_first_row_that_holds_decides, moves);
    tcase_add_test(tests, a_sound_machine_has_no_defects);
    ADD_TABLE_TEST(tests, each_kind_of_defect_is_found, defects);
    tcase_add_test(tests, an_event_that_is_no_command_must_be_listed_in_every_state);
    tcase_add_test(tests, an_initial_state_that_does_not_exist_is_found);
    tcase_add_test(tests, a_machine_is_drawn_for_mermaid);
}

RUN_SUITE(fsm, add_tests)
