/*
 * The kernel of an order: the table is complete, and moves as money and stock need it.
 */
#include "machine.h"
#include "order.h"
#include "suite.h"

START_TEST(every_state_knows_every_event)
{
    machine_must_be_sound(&order_fsm);
}
END_TEST

START_TEST(there_is_a_name_for_each_state_and_event)
{
    machine_must_name(&order_fsm, ORDER_KERNELS, ORDER_EVENTS);
}
END_TEST

/* clang-format off */
static const struct {
    enum order_kernel given;
    enum order_event when;
    enum fsm_outcome then;
    enum order_kernel to;
} moves[] = {
    /* The usual way, also when parcels are faster than the news of them. */
    { ORDER_PLACED,     ON_SHIPMENT_RELEASED,  FSM_ACT,       ORDER_RELEASED },
    { ORDER_RELEASED,   ON_SHIPMENT_SHIPPED,   FSM_ACT,       ORDER_SHIPPING },
    { ORDER_SHIPPING,   ON_SHIPMENT_DELIVERED, FSM_ACT,       ORDER_COMPLETED },
    { ORDER_PLACED,     ON_SHIPMENT_SHIPPED,   FSM_ACT,       ORDER_SHIPPING },
    { ORDER_PLACED,     ON_SHIPMENT_DELIVERED, FSM_ACT,       ORDER_COMPLETED },
    { ORDER_RELEASED,   ON_SHIPMENT_DELIVERED, FSM_ACT,       ORDER_COMPLETED },
    { ORDER_RELEASED,   ON_SHIPMENT_RELEASED,  FSM_IGNORE,    ORDER_RELEASED },
    { ORDER_SHIPPING,   ON_SHIPMENT_RELEASED,  FSM_IGNORE,    ORDER_SHIPPING },
    { ORDER_SHIPPING,   ON_SHIPMENT_SHIPPED,   FSM_IGNORE,    ORDER_SHIPPING },

    /* Asking to cancel decides nothing: fulfilment does. */
    { ORDER_PLACED,     ON_CANCEL_ASKED,       FSM_ACT,       ORDER_CANCELLING },
    { ORDER_RELEASED,   ON_CANCEL_ASKED,       FSM_ACT,       ORDER_CANCELLING },
    { ORDER_CANCELLING, ON_ALL_STOPPED,        FSM_ACT,       ORDER_CANCELLED },
    { ORDER_CANCELLING, ON_STOP_REFUSED,       FSM_ACT,       ORDER_SHIPPING },
    { ORDER_CANCELLING, ON_SHIPMENT_RELEASED,  FSM_IGNORE,    ORDER_CANCELLING },
    { ORDER_CANCELLING, ON_SHIPMENT_SHIPPED,   FSM_IGNORE,    ORDER_CANCELLING },
    { ORDER_CANCELLING, ON_SHIPMENT_DELIVERED, FSM_ACT,       ORDER_COMPLETED },
    { ORDER_PLACED,     ON_ALL_STOPPED,        FSM_ACT,       ORDER_CANCELLED },
    { ORDER_RELEASED,   ON_ALL_STOPPED,        FSM_ACT,       ORDER_CANCELLED },
    { ORDER_PLACED,     ON_STOP_REFUSED,       FSM_IGNORE,    ORDER_PLACED },

    /* Too late to ask, or asked already. */
    { ORDER_SHIPPING,   ON_CANCEL_ASKED,       FSM_REFUSE,    ORDER_SHIPPING },
    { ORDER_COMPLETED,  ON_CANCEL_ASKED,       FSM_REFUSE,    ORDER_COMPLETED },
    { ORDER_CANCELLING, ON_CANCEL_ASKED,       FSM_REFUSE,    ORDER_CANCELLING },
    { ORDER_CANCELLED,  ON_CANCEL_ASKED,       FSM_REFUSE,    ORDER_CANCELLED },

    /* Money that did not come. */
    { ORDER_PLACED,     ON_PAY_BY_PASSED,      FSM_ACT,       ORDER_CANCELLING },
    { ORDER_RELEASED,   ON_PAY_BY_PASSED,      FSM_ACT,       ORDER_CANCELLING },
    { ORDER_SHIPPING,   ON_PAY_BY_PASSED,      FSM_WORK_ITEM, ORDER_SHIPPING },
    { ORDER_COMPLETED,  ON_PAY_BY_PASSED,      FSM_WORK_ITEM, ORDER_COMPLETED },
    { ORDER_CANCELLING, ON_PAY_BY_PASSED,      FSM_IGNORE,    ORDER_CANCELLING },
    { ORDER_CANCELLED,  ON_PAY_BY_PASSED,      FSM_IGNORE,    ORDER_CANCELLED },

    /* What can't be is for a person. */
    { ORDER_SHIPPING,   ON_ALL_STOPPED,        FSM_WORK_ITEM, ORDER_SHIPPING },
    { ORDER_COMPLETED,  ON_ALL_STOPPED,        FSM_WORK_ITEM, ORDER_COMPLETED },
    { ORDER_CANCELLED,  ON_SHIPMENT_SHIPPED,   FSM_WORK_ITEM, ORDER_CANCELLED },
    { ORDER_CANCELLED,  ON_SHIPMENT_DELIVERED, FSM_WORK_ITEM, ORDER_CANCELLED },
    { ORDER_CANCELLED,  ON_STOP_REFUSED,       FSM_WORK_ITEM, ORDER_CANCELLED },

    /* Late news of what is over. */
    { ORDER_CANCELLED,  ON_SHIPMENT_RELEASED,  FSM_IGNORE,    ORDER_CANCELLED },
    { ORDER_CANCELLED,  ON_ALL_STOPPED,        FSM_IGNORE,    ORDER_CANCELLED },
    { ORDER_COMPLETED,  ON_SHIPMENT_SHIPPED,   FSM_IGNORE,    ORDER_COMPLETED },
    { ORDER_COMPLETED,  ON_SHIPMENT_DELIVERED, FSM_IGNORE,    ORDER_COMPLETED },
    { ORDER_COMPLETED,  ON_STOP_REFUSED,       FSM_IGNORE,    ORDER_COMPLETED },
};

static const struct {
    enum order_kernel given;
    const char *hold_reason;
    enum order_event when;
    enum fsm_outcome then;
} holds[] = {
    { ORDER_PLACED,     NULL,    ON_HOLD_ASKED, FSM_ACT },
    { ORDER_PLACED,     "fraud", ON_HOLD_ASKED, FSM_REFUSE },
    { ORDER_PLACED,     "fraud", ON_LIFT_ASKED, FSM_ACT },
    { ORDER_PLACED,     NULL,    ON_LIFT_ASKED, FSM_REFUSE },
    { ORDER_RELEASED,   NULL,    ON_HOLD_ASKED, FSM_ACT },
    { ORDER_RELEASED,   "fraud", ON_HOLD_ASKED, FSM_REFUSE },
    { ORDER_RELEASED,   "fraud", ON_LIFT_ASKED, FSM_ACT },
    { ORDER_RELEASED,   NULL,    ON_LIFT_ASKED, FSM_REFUSE },
    { ORDER_SHIPPING,   NULL,    ON_HOLD_ASKED, FSM_REFUSE },
    { ORDER_SHIPPING,   "fraud", ON_LIFT_ASKED, FSM_REFUSE },
    { ORDER_CANCELLING, NULL,    ON_HOLD_ASKED, FSM_REFUSE },
    { ORDER_CANCELLED,  NULL,    ON_HOLD_ASKED, FSM_REFUSE },
    { ORDER_COMPLETED,  NULL,    ON_HOLD_ASKED, FSM_REFUSE },

    /* A held order can be cancelled. */
    { ORDER_PLACED,     "fraud", ON_CANCEL_ASKED, FSM_ACT },
};
/* clang-format on */

START_TEST(an_order_moves_only_along_the_table)
{
    const struct order order = {.kernel = moves[_i].given};

    struct fsm_move next = fsm_next(&order_fsm, (int)order.kernel, (int)moves[_i].when, &order, NULL);

    ck_assert_int_eq(next.outcome, moves[_i].then);
    ck_assert_str_eq(order_kernel_names[next.to], order_kernel_names[moves[_i].to]);
}
END_TEST

START_TEST(an_order_is_held_once_and_lifted_once)
{
    const struct order order = {.kernel = holds[_i].given, .hold_reason = holds[_i].hold_reason};

    struct fsm_move next = fsm_next(&order_fsm, (int)order.kernel, (int)holds[_i].when, &order, NULL);

    ck_assert_int_eq(next.outcome, holds[_i].then);
    if (holds[_i].when != ON_CANCEL_ASKED)
        ck_assert_int_eq(next.to, holds[_i].given);
}
END_TEST

START_TEST(nothing_leads_out_of_what_is_over)
{
    static const enum order_kernel over[] = {ORDER_COMPLETED, ORDER_CANCELLED};

    for (size_t i = 0; i < COUNT(over); i++) {
        const struct order order = {.kernel = over[i]};
        for (int on = 0; on < ORDER_EVENTS; on++)
            ck_assert_int_ne(fsm_next(&order_fsm, (int)over[i], on, &order, NULL).outcome, FSM_ACT);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_state_knows_every_event);
    tcase_add_test(tests, there_is_a_name_for_each_state_and_event);
    ADD_TABLE_TEST(tests, an_order_moves_only_along_the_table, moves);
    ADD_TABLE_TEST(tests, an_order_is_held_once_and_lifted_once, holds);
    tcase_add_test(tests, nothing_leads_out_of_what_is_over);
}

RUN_SUITE(order_fsm, add_tests)
