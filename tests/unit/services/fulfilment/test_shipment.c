/*
 * The life of a shipment: its table, what money allows, and how allocations become shipments.
 */
#include "shipment.h"

#include "machine.h"
#include "suite.h"
#include "text.h"

static struct arena *arena;

static void setup(void)
{
    arena = arena_new(1 << 20);
}

static void teardown(void)
{
    arena_free(arena);
}

START_TEST(every_state_knows_every_event)
{
    machine_must_be_sound(&shipment_fsm);
}
END_TEST

START_TEST(there_is_a_name_for_each_state_and_event)
{
    machine_must_name(&shipment_fsm, SHIPMENT_STATES, SHIPMENT_EVENTS);
}
END_TEST

/* -- the table, of a shipment that is paid and not held -- */

/* clang-format off */
static const struct {
    enum shipment_state given;
    enum shipment_event when;
    enum fsm_outcome then;
    enum shipment_state to;
} moves[] = {
    /* The desk, step by step. */
    { SHIPMENT_PLANNED,    ON_RELEASE_ASKED,     FSM_ACT,       SHIPMENT_RELEASED },
    { SHIPMENT_RELEASED,   ON_PICK_DONE,         FSM_ACT,       SHIPMENT_PICKED },
    { SHIPMENT_PICKED,     ON_PACK_DONE,         FSM_ACT,       SHIPMENT_PACKED },
    { SHIPMENT_PACKED,     ON_SHIP_DONE,         FSM_ACT,       SHIPMENT_SHIPPED },
    { SHIPMENT_PLANNED,    ON_PICK_DONE,         FSM_REFUSE,    SHIPMENT_PLANNED },
    { SHIPMENT_PLANNED,    ON_SHIP_DONE,         FSM_REFUSE,    SHIPMENT_PLANNED },
    { SHIPMENT_RELEASED,   ON_RELEASE_ASKED,     FSM_REFUSE,    SHIPMENT_RELEASED },
    { SHIPMENT_RELEASED,   ON_SHIP_DONE,         FSM_REFUSE,    SHIPMENT_RELEASED },
    { SHIPMENT_SHIPPED,    ON_SHIP_DONE,         FSM_REFUSE,    SHIPMENT_SHIPPED },
    { SHIPMENT_STOPPED,    ON_RELEASE_ASKED,     FSM_REFUSE,    SHIPMENT_STOPPED },
    { SHIPMENT_STOPPED,    ON_SHIP_DONE,         FSM_REFUSE,    SHIPMENT_STOPPED },

    /* The carrier. */
    { SHIPMENT_SHIPPED,    ON_TRANSIT_REPORTED,  FSM_ACT,       SHIPMENT_IN_TRANSIT },
    { SHIPMENT_SHIPPED,    ON_DELIVERY_REPORTED, FSM_ACT,       SHIPMENT_DELIVERED },
    { SHIPMENT_IN_TRANSIT, ON_TRANSIT_REPORTED,  FSM_ACT,       SHIPMENT_IN_TRANSIT },
    { SHIPMENT_IN_TRANSIT, ON_DELIVERY_REPORTED, FSM_ACT,       SHIPMENT_DELIVERED },
    { SHIPMENT_DELIVERED,  ON_TRANSIT_REPORTED,  FSM_IGNORE,    SHIPMENT_DELIVERED },
    { SHIPMENT_DELIVERED,  ON_DELIVERY_REPORTED, FSM_IGNORE,    SHIPMENT_DELIVERED },
    { SHIPMENT_PACKED,     ON_TRANSIT_REPORTED,  FSM_WORK_ITEM, SHIPMENT_PACKED },
    { SHIPMENT_STOPPED,    ON_DELIVERY_REPORTED, FSM_WORK_ITEM, SHIPMENT_STOPPED },

    /* The order is to be cancelled: in time until the parcel has left. */
    { SHIPMENT_PLANNED,    ON_STOP_ASKED,        FSM_ACT,       SHIPMENT_STOPPED },
    { SHIPMENT_RELEASED,   ON_STOP_ASKED,        FSM_ACT,       SHIPMENT_STOPPED },
    { SHIPMENT_PICKED,     ON_STOP_ASKED,        FSM_ACT,       SHIPMENT_STOPPED },
    { SHIPMENT_PACKED,     ON_STOP_ASKED,        FSM_ACT,       SHIPMENT_STOPPED },
    { SHIPMENT_SHIPPED,    ON_STOP_ASKED,        FSM_IGNORE,    SHIPMENT_SHIPPED },
    { SHIPMENT_IN_TRANSIT, ON_STOP_ASKED,        FSM_IGNORE,    SHIPMENT_IN_TRANSIT },
    { SHIPMENT_DELIVERED,  ON_STOP_ASKED,        FSM_IGNORE,    SHIPMENT_DELIVERED },
    { SHIPMENT_STOPPED,    ON_STOP_ASKED,        FSM_IGNORE,    SHIPMENT_STOPPED },
};

/* A clerk's hold of the shipment, or of its order, keeps every step of the desk back, but not the stop. */
static const struct {
    enum shipment_state given;
    enum shipment_event when;
    const char *here;
    const char *order;
    enum fsm_outcome then;
} holds[] = {
    { SHIPMENT_PLANNED,  ON_RELEASE_ASKED, "broken", NULL,    FSM_REFUSE },
    { SHIPMENT_PLANNED,  ON_RELEASE_ASKED, NULL,     "fraud", FSM_REFUSE },
    { SHIPMENT_RELEASED, ON_PICK_DONE,     "broken", NULL,    FSM_REFUSE },
    { SHIPMENT_RELEASED, ON_PICK_DONE,     NULL,     "fraud", FSM_REFUSE },
    { SHIPMENT_PICKED,   ON_PACK_DONE,     NULL,     "fraud", FSM_REFUSE },
    { SHIPMENT_PACKED,   ON_SHIP_DONE,     "broken", NULL,    FSM_REFUSE },
    { SHIPMENT_PACKED,   ON_SHIP_DONE,     NULL,     "fraud", FSM_REFUSE },
    { SHIPMENT_PACKED,   ON_STOP_ASKED,    "broken", "fraud", FSM_ACT },
    { SHIPMENT_PLANNED,  ON_HOLD_ASKED,    NULL,     NULL,    FSM_ACT },
    { SHIPMENT_PLANNED,  ON_HOLD_ASKED,    NULL,     "fraud", FSM_ACT },
    { SHIPMENT_PLANNED,  ON_HOLD_ASKED,    "broken", NULL,    FSM_REFUSE },
    { SHIPMENT_PACKED,   ON_LIFT_ASKED,    "broken", NULL,    FSM_ACT },
    { SHIPMENT_PACKED,   ON_LIFT_ASKED,    NULL,     "fraud", FSM_REFUSE },
    { SHIPMENT_SHIPPED,  ON_HOLD_ASKED,    NULL,     NULL,    FSM_REFUSE },
    { SHIPMENT_STOPPED,  ON_HOLD_ASKED,    NULL,     NULL,    FSM_REFUSE },
};

static const struct {
    const char *method;
    const char *capture;
    int64_t covered; /* of 3170 */
    bool may_be_released;
    bool may_leave;
} money[] = {
    { "card",             "instant",  0,    false, false },
    { "card",             "instant",  3169, false, false },
    { "card",             "instant",  3170, true,  true },
    { "card",             "instant",  3171, true,  true },
    { "card",             "deferred", 0,    true,  false },
    { "card",             "deferred", 3169, true,  false },
    { "card",             "deferred", 3170, true,  true },
    { "card",             "deferred", -1,   true,  false },
    { "bank_transfer",    "instant",  0,    false, false },
    { "bank_transfer",    "deferred", 0,    false, false }, /* only a card can be taken later */
    { "bank_transfer",    "instant",  3170, true,  true },
    { "cash_on_delivery", "instant",  0,    true,  true },
    { "cash_on_delivery", "deferred", 0,    true,  true },
};
/* clang-format on */

static struct shipment paid(enum shipment_state state)
{
    return (struct shipment){
        .state = state, .payment_method = "card", .capture = "instant", .total_minor = 1, .covered_minor = 1};
}

START_TEST(a_shipment_moves_only_along_the_table)
{
    const struct shipment shipment = paid(moves[_i].given);

    struct fsm_move next = fsm_next(&shipment_fsm, (int)shipment.state, (int)moves[_i].when, &shipment, NULL);

    ck_assert_int_eq(next.outcome, moves[_i].then);
    ck_assert_str_eq(shipment_state_names[next.to], shipment_state_names[moves[_i].to]);
}
END_TEST

START_TEST(a_hold_keeps_the_desk_back)
{
    struct shipment shipment = paid(holds[_i].given);
    shipment.hold_reason = holds[_i].here;
    shipment.order_hold_reason = holds[_i].order;

    struct fsm_move next = fsm_next(&shipment_fsm, (int)shipment.state, (int)holds[_i].when, &shipment, NULL);

    ck_assert_int_eq(next.outcome, holds[_i].then);
    ck_assert_int_eq(shipment_is_held(&shipment), holds[_i].here != NULL || holds[_i].order != NULL);
}
END_TEST

START_TEST(money_lets_work_begin_and_parcels_leave)
{
    struct shipment shipment = {
        .state = SHIPMENT_PLANNED,
        .payment_method = money[_i].method,
        .capture = money[_i].capture,
        .total_minor = 3170,
        .covered_minor = money[_i].covered,
    };

    ck_assert_int_eq(shipment_may_be_released(&shipment), money[_i].may_be_released);
    ck_assert_int_eq(shipment_may_leave(&shipment), money[_i].may_leave);

    /* The table asks the same. */
    struct fsm_move release = fsm_next(&shipment_fsm, SHIPMENT_PLANNED, ON_RELEASE_ASKED, &shipment, NULL);
    struct fsm_move ship = fsm_next(&shipment_fsm, SHIPMENT_PACKED, ON_SHIP_DONE, &shipment, NULL);
    ck_assert_int_eq(release.outcome, money[_i].may_be_released ? FSM_ACT : FSM_REFUSE);
    ck_assert_int_eq(ship.outcome, money[_i].may_leave ? FSM_ACT : FSM_REFUSE);
}
END_TEST

START_TEST(delivered_and_stopped_is_over)
{
    for (int state = 0; state < SHIPMENT_STATES; state++) {
        const struct shipment shipment = {.state = (enum shipment_state)state};
        ck_assert_int_eq(shipment_is_over(&shipment), state == SHIPMENT_DELIVERED || state == SHIPMENT_STOPPED);
    }
}
END_TEST

static const struct {
    const char *carrier;
    const char *url;
} carriers[] = {
    {"sandbox", "https://carrier.example/track/1Z%9"},
    {"dhl", "https://www.dhl.com/global-en/home/tracking.html?tracking-id=1Z%9"},
    {"ups", "https://www.ups.com/track?tracknum=1Z%9"},
    {"royal_mail", "https://www.royalmail.com/track-your-item#/tracking-results/1Z%9"},
    {"pigeon", NULL},
};

START_TEST(a_carrier_known_here_has_a_page_for_its_parcels)
{
    ck_assert_pstr_eq(tracking_url(arena, carriers[_i].carrier, "1Z%9"), carriers[_i].url);
}
END_TEST

/* -- planning -- */

static struct line lines[] = {
    {.line_id = "1", .sku = "CUP", .title = "Cup", .quantity = 3},
    {.line_id = "2", .sku = "POT", .title = "Pot", .quantity = 1},
    {.line_id = "3", .sku = "CAN", .title = "Can", .quantity = 1},
};
static const char *first_ids[] = {"1", "2"};
static const char *second_ids[] = {"3"};
static struct group groups[] = {
    {.group_id = "home", .method = "first_class", .latest = "2026-11-27", .line_ids = {first_ids, 2}},
    {.group_id = "work", .method = "express", .latest = "2026-11-24", .line_ids = {second_ids, 1}},
};
static struct delivery deliveries[] = {
    {.group_id = "work", .address = {.city = "Leeds"}},
    {.group_id = "home", .address = {.city = "Berlin"}},
};

/* What was planned, as text: "home@berlin(first_class, Berlin) CUP=2 POT=1; ..." */
static const char *plan(struct allocation *allocations, size_t count, size_t group_count)
{
    const struct order_placed order = {
        .lines = {lines, COUNT(lines)},
        .groups = {groups, group_count},
        .personal.deliveries = {deliveries, COUNT(deliveries)},
    };
    struct planned_shipment_list list;
    struct buf text;

    plan_shipments(arena, &order, &(struct allocation_list){allocations, count}, &list);
    buf_init(&text, arena, 4096);
    for (size_t i = 0; i < list.count; i++) {
        const struct planned_shipment *each = &list.items[i];
        int64_t quantity = 0;
        buf_printf(&text, "%s%s@%s(%s, %s)", i > 0 ? "; " : "", each->group_id, each->warehouse, each->method,
                   each->address->city);
        for (size_t l = 0; l < each->lines.count; l++) {
            quantity += each->lines.items[l].quantity;
            buf_printf(&text, " %s=%d", each->lines.items[l].title, (int)each->lines.items[l].quantity);
        }
        ck_assert_int_eq(each->quantity, quantity);
    }
    return text.data;
}

START_TEST(each_group_and_warehouse_is_a_shipment)
{
    struct allocation allocations[] = {
        {"1", "CUP", "berlin", 2},
        {"1", "CUP", "leeds", 1},
        {"2", "POT", "berlin", 1},
        {"3", "CAN", "berlin", 1},
    };

    ck_assert_str_eq(plan(allocations, COUNT(allocations), 2),
                     "home@berlin(first_class, Berlin) Cup=2 Pot=1; home@leeds(first_class, Berlin) Cup=1; "
                     "work@berlin(express, Leeds) Can=1");
}
END_TEST

START_TEST(a_line_that_no_group_names_goes_with_the_first)
{
    struct allocation allocations[] = {{"3", "CAN", "leeds", 1}, {"1", "CUP", "leeds", 3}};

    ck_assert_str_eq(plan(allocations, COUNT(allocations), 1), "home@leeds(first_class, Berlin) Can=1 Cup=3");
}
END_TEST

START_TEST(a_line_that_the_order_does_not_have_goes_by_its_sku)
{
    struct allocation allocations[] = {{"9", "LID", "leeds", 1}};

    ck_assert_str_eq(plan(allocations, COUNT(allocations), 1), "home@leeds(first_class, Berlin) LID=1");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, every_state_knows_every_event);
    tcase_add_test(tests, there_is_a_name_for_each_state_and_event);
    ADD_TABLE_TEST(tests, a_shipment_moves_only_along_the_table, moves);
    ADD_TABLE_TEST(tests, a_hold_keeps_the_desk_back, holds);
    ADD_TABLE_TEST(tests, money_lets_work_begin_and_parcels_leave, money);
    tcase_add_test(tests, delivered_and_stopped_is_over);
    ADD_TABLE_TEST(tests, a_carrier_known_here_has_a_page_for_its_parcels, carriers);
    tcase_add_test(tests, each_group_and_warehouse_is_a_shipment);
    tcase_add_test(tests, a_line_that_no_group_names_goes_with_the_first);
    tcase_add_test(tests, a_line_that_the_order_does_not_have_goes_by_its_sku);
}

RUN_SUITE(shipment, add_tests)
