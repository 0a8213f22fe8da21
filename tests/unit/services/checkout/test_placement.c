/*
 * A placement from start to end: what each step writes down, what the shopper is shown, what is asked of others.
 */
#include "checkout.h"

#include "clock.h"
#include "json.h"
#include "suite.h"
#include "text.h"

#define NOW (INT64_C(1000000) * CLOCK_SECOND)
#define AFTER(s) (NOW + (s)*CLOCK_SECOND)
#define CHECKOUT "00000000-0000-7000-8000-000000000001"
#define GROUP "00000000-0000-7000-8000-000000000002"
#define LINE "00000000-0000-7000-8000-000000000003"

static const struct patience patience = {.deadline_s = 600, .deadline_max_s = 1800, .unknown_max_s = 3600};

static struct ctx ctx;
static struct checkout checkout;

static struct tax_rate rates[] = {{"reduced", 700}, {"standard", 1900}};
static struct delivery_choice deliveries[] = {
    {"first_class", "First class", 390, "2026-11-25", "2026-11-27"},
    {"express", "Express", 590, "2026-11-23", "2026-11-24"},
};
static struct payment_choice payments[] = {
    {"card", "Credit or debit card", "instant", 50, 0},
    {"cash_on_delivery", "Cash on delivery", "instant", 0, 5000},
};
static struct set_addresses addresses = {
    .email = "ada@example.com",
    .billing = {.name = "Ada Example", .line1 = "Torstrasse 1", .city = "Berlin", .country = "DE"},
    .shipping = {.name = "Ada Example", .line1 = "Torstrasse 1", .city = "Berlin", .country = "DE"},
};
static struct cart_line cart_lines[] = {
    {LINE, "CUP-BLUE", "Cup, blue", 2, {1290, "EUR"}, "standard", {2580, "EUR"}},
};
static const struct cart_line_list cart = {.items = cart_lines, .count = COUNT(cart_lines)};

/* A checkout that may be placed, at 2580 + 590. */
static void setup(void)
{
    ctx = (struct ctx){.arena = arena_new(4 << 20)};
    checkout = (struct checkout){
        .head = {.id = CHECKOUT},
        .currency = "EUR",
        .group_id = GROUP,
        .now = NOW,
        .personal = &addresses,
        .delivery_method = "express",
        .method = "card",
        .capture = "instant",
        .offers =
            {
                .rules = {.included = true, .rates = {.items = rates, .count = COUNT(rates)}},
                .deliveries = {.items = deliveries, .count = COUNT(deliveries)},
                .payments = {.items = payments, .count = COUNT(payments)},
            },
    };
    ck_assert_int_eq(checkout_take_lines(&ctx, &cart, "EUR", &checkout.lines), ERR_NONE);
    ck_assert_int_eq(checkout_price(&ctx, &checkout), ERR_NONE);
}

static void teardown(void)
{
    arena_free(ctx.arena);
}

static void step(struct checkout_move move)
{
    struct fsm_move next = fsm_next(&checkout_fsm, (int)checkout.state, (int)move.on, &checkout, &move);

    ck_assert_int_eq(next.outcome, FSM_ACT);
    checkout_apply(&checkout, (enum checkout_state)next.to, &move, &patience);
}

static void place(const char *key)
{
    step((struct checkout_move){.on = ON_PLACE, .key = key, .fingerprint = "f"});
}

static void claim(void)
{
    step((struct checkout_move){.on = ON_STOCK_HELD});
    step((struct checkout_move){.on = ON_CART_LOCKED});
}

static struct placement_view shown(void)
{
    struct placement_view view;

    placement_show(&checkout, ctx.arena, &view);
    return view;
}

START_TEST(a_placement_goes_from_claims_to_order)
{
    place("k1");
    ck_assert_int_eq(checkout.placement, 1);
    ck_assert_int_eq(checkout.intent, 0);
    ck_assert_int_eq(checkout.deadline, AFTER(600));
    ck_assert_int_eq(checkout.deadline_max, AFTER(1800));
    ck_assert_str_eq(shown().state, "claiming");

    claim();
    ck_assert_int_eq(checkout.intent, 1);
    ck_assert_str_eq(shown().state, "paying");

    step((struct checkout_move){.on = ON_ACTION_REQUIRED, .redirect_url = "https://pay.example.com/1"});
    ck_assert_str_eq(shown().redirect_url, "https://pay.example.com/1");

    step((struct checkout_move){.on = ON_AUTHORIZED});
    ck_assert_int_eq(checkout.winning_intent, 1);
    ck_assert_int_eq(checkout.deadline, 0);
    ck_assert_str_eq(shown().state, "completed");
    ck_assert_ptr_null(shown().redirect_url);

    step((struct checkout_move){.on = ON_ORDER_PLACED, .number = "WB-100001"});
    ck_assert_str_eq(shown().state, "placed");
    ck_assert_str_eq(shown().order->id, CHECKOUT);
    ck_assert_str_eq(shown().order->number, "WB-100001");
    ck_assert_int_eq(shown().order->total.amount, 3170);
}
END_TEST

START_TEST(a_decline_keeps_the_claims_for_another_try)
{
    place("k1");
    claim();
    step((struct checkout_move){.on = ON_DECLINED, .decline_code = "card_declined"});
    ck_assert_str_eq(shown().state, "declined");
    ck_assert_str_eq(shown().decline_code, "card_declined");
    ck_assert(checkout.cart_locked && checkout.stock_held);

    step((struct checkout_move){.on = ON_PAY, .method = "card", .capture = "instant"});

    ck_assert_int_eq(checkout.intent, 2);
    ck_assert_int_eq(checkout.tries, 2);
    ck_assert_ptr_null(shown().decline_code);
}
END_TEST

START_TEST(another_method_gets_its_intent_when_the_old_one_is_closed)
{
    place("k1");
    claim();
    step((struct checkout_move){.on = ON_ACTION_REQUIRED, .redirect_url = "https://pay.example.com/1"});
    step((struct checkout_move){.on = ON_PAY, .method = "cash_on_delivery", .capture = "instant"});
    ck_assert_int_eq(checkout.state, CHECKOUT_SWITCHING);
    ck_assert_int_eq(checkout.intent, 1);
    ck_assert_str_eq(shown().state, "paying");
    ck_assert_ptr_null(shown().redirect_url);

    step((struct checkout_move){.on = ON_CLOSED});

    ck_assert_int_eq(checkout.state, CHECKOUT_PAYING);
    ck_assert_int_eq(checkout.intent, 2);
    ck_assert_str_eq(checkout.method, "cash_on_delivery");
}
END_TEST

START_TEST(giving_up_waits_for_payment_before_it_fails)
{
    place("k1");
    claim();
    checkout.now = AFTER(100);
    step((struct checkout_move){.on = ON_CANCEL});
    ck_assert_str_eq(shown().state, "closing");
    ck_assert_str_eq(shown().reason, "cancelled");
    ck_assert_int_eq(shown().deadline, 0);
    ck_assert_int_eq(checkout.deadline, AFTER(100 + 3600));
    ck_assert(checkout.cart_locked && checkout.stock_held);

    step((struct checkout_move){.on = ON_CLOSED});

    ck_assert_str_eq(shown().state, "failed");
    ck_assert_str_eq(shown().reason, "cancelled");
    ck_assert(!checkout.cart_locked && !checkout.stock_held);
}
END_TEST

START_TEST(claims_go_when_closing_is_not_confirmed)
{
    place("k1");
    claim();
    step((struct checkout_move){.on = ON_DECLINED, .decline_code = "expired"});
    step((struct checkout_move){.on = ON_DEADLINE});
    ck_assert_str_eq(shown().reason, "deadline");

    step((struct checkout_move){.on = ON_DEADLINE});

    ck_assert_str_eq(shown().state, "failed");
    ck_assert_str_eq(shown().reason, "payment_unknown");
    ck_assert_str_eq(shown().decline_code, "expired");
}
END_TEST

START_TEST(a_new_placement_inherits_nothing_but_the_count_of_intents)
{
    struct shortage shortage = {"CUP-BLUE", 2, 1};

    place("k1");
    claim();
    step((struct checkout_move){.on = ON_DECLINED, .decline_code = "expired"});
    step((struct checkout_move){.on = ON_CANCEL});
    step((struct checkout_move){.on = ON_CLOSED});
    checkout.now = AFTER(5000);

    place("k2");
    ck_assert_int_eq(checkout.placement, 2);
    ck_assert_int_eq(checkout.tries, 0);
    ck_assert_int_eq(checkout.deadline, AFTER(5600));
    ck_assert_ptr_null(checkout.decline_code);
    ck_assert_ptr_null(checkout.reason);

    step((struct checkout_move){.on = ON_STOCK_REFUSED, .shortages = {&shortage, 1}});
    ck_assert_str_eq(shown().reason, "out_of_stock");
    ck_assert_uint_eq(shown().shortages.count, 1);

    place("k3");
    ck_assert_uint_eq(shown().shortages.count, 0);
    claim();
    ck_assert_int_eq(checkout.intent, 2);
}
END_TEST

/* Activity gives the full time again, but never more than the maximum, and never less than there was. */
START_TEST(activity_extends_the_deadline_up_to_the_maximum)
{
    place("k1");
    claim();
    checkout.now = AFTER(500);
    step((struct checkout_move){.on = ON_ACTION_REQUIRED, .redirect_url = "https://pay.example.com/1"});
    ck_assert_int_eq(checkout.deadline, AFTER(1100));

    checkout.now = AFTER(700);
    step((struct checkout_move){.on = ON_PAY, .method = "card", .capture = "deferred"});
    ck_assert_int_eq(checkout.state, CHECKOUT_ACTION_REQUIRED);
    ck_assert_str_eq(checkout.redirect_url, "https://pay.example.com/1");
    ck_assert_str_eq(checkout.capture, "instant");
    ck_assert_int_eq(checkout.deadline, AFTER(1300));

    checkout.now = AFTER(1000);
    step((struct checkout_move){.on = ON_DECLINED, .decline_code = "expired"});
    ck_assert_int_eq(checkout.deadline, AFTER(1600));

    checkout.now = AFTER(1500);
    step((struct checkout_move){.on = ON_PAY, .method = "card", .capture = "instant"});
    ck_assert_int_eq(checkout.deadline, AFTER(1800));
}
END_TEST

/* Placement 2, intent 3: what of the past still counts? */
static const struct {
    enum checkout_event on;
    int64_t placement;
    int64_t intent;
    bool then;
} news[] = {
    {ON_CART_LOCKED, 2, 0, true},   {ON_CART_LOCKED, 1, 0, false}, {ON_CART_LOCKED, 3, 0, false},
    {ON_CART_REFUSED, 1, 0, false}, {ON_STOCK_HELD, 1, 0, false},  {ON_STOCK_REFUSED, 2, 0, true},
    {ON_AUTHORIZED, 2, 3, true},    {ON_AUTHORIZED, 2, 2, false},  {ON_AUTHORIZED, 1, 3, false},
    {ON_DECLINED, 2, 2, false},     {ON_UNKNOWN, 2, 2, false},     {ON_ACTION_REQUIRED, 2, 2, false},
    {ON_CLOSED, 2, 3, true},        {ON_CLOSED, 2, 4, true},       {ON_CLOSED, 2, 2, false},
    {ON_CLOSED, 1, 3, false},       {ON_DEADLINE, 0, 0, true},     {ON_ORDER_PLACED, 0, 0, true},
};

START_TEST(news_of_another_placement_or_intent_do_not_count)
{
    const struct checkout now = {.placement = 2, .intent = 3};
    const struct checkout_move move = {.on = news[_i].on, .placement = news[_i].placement, .intent = news[_i].intent};

    ck_assert_int_eq(checkout_concerns(&now, &move), news[_i].then);
}
END_TEST

START_TEST(locked_lines_must_cost_what_was_placed)
{
    struct cart_line other = cart_lines[0];
    bool same;

    ck_assert_int_eq(checkout_take_locked(&ctx, &checkout, "EUR", &cart, &same), ERR_NONE);
    ck_assert(same);

    other.unit_price.amount = 1190;
    other.total.amount = 2380;
    const struct cart_line_list cheaper = {&other, 1};
    ck_assert_int_eq(checkout_take_locked(&ctx, &checkout, "EUR", &cheaper, &same), ERR_NONE);
    ck_assert(!same);
    ck_assert_int_eq(checkout.lines.items[0].total.amount, 2580);
    ck_assert_int_eq(checkout.totals.total.amount, 3170);

    ck_assert_int_eq(checkout_take_locked(&ctx, &checkout, "USD", &cart, &same), ERR_NONE);
    ck_assert(!same);
}
END_TEST

/* The shop changed its prices after the shopper said yes: the placement stays what it was. */
START_TEST(a_placement_is_priced_by_its_own_rates)
{
    bool same;

    checkout.offers.rules.included = false;
    checkout.offers.deliveries.count = 0;
    ck_assert_int_eq(checkout_take_locked(&ctx, &checkout, "EUR", &cart, &same), ERR_NONE);

    ck_assert(same);
    ck_assert_uint_eq(checkout.groups.count, 1);
    ck_assert_str_eq(checkout.groups.items[0].line_ids.items[0], LINE);
}
END_TEST

/* What a move saves beside its state. */
START_TEST(only_placing_and_other_lines_freeze_anew)
{
    struct cart_line renamed = cart_lines[0];
    bool same;

    ck_assert(!checkout.freezes);
    place("k1");
    ck_assert(checkout.freezes);

    checkout.freezes = false; /* saved, and read again */
    ck_assert_int_eq(checkout_take_locked(&ctx, &checkout, "EUR", &cart, &same), ERR_NONE);
    claim();
    ck_assert(!checkout.freezes);

    renamed.title = "Cup, navy";
    ck_assert_int_eq(checkout_take_locked(&ctx, &checkout, "EUR", &(struct cart_line_list){&renamed, 1}, &same),
                     ERR_NONE);
    ck_assert(same);
    ck_assert(checkout.freezes);
    ck_assert_str_eq(checkout.lines.items[0].title, "Cup, navy");
    ck_assert_uint_eq(checkout.lines.items[0].tax_lines.count, 1);
    ck_assert_int_eq(checkout.totals.total.amount, 3170);
}
END_TEST

START_TEST(wrong_lines_name_their_field)
{
    struct cart_line wrong = cart_lines[0];
    struct line_list lines;

    wrong.total.amount = 1;
    ck_assert_int_eq(checkout_take_lines(&ctx, &(struct cart_line_list){&wrong, 1}, "EUR", &lines), ERR_INVALID);
    ck_assert_str_eq(ctx.problem.detail, "lines[0].total must be quantity times unit_price");

    ctx_clear_problem(&ctx);
    ck_assert_int_eq(checkout_take_lines(&ctx, &cart, "USD", &lines), ERR_INVALID);
    ck_assert_str_eq(ctx.problem.detail, "lines[0].unit_price must be in USD and not negative");
}
END_TEST

START_TEST(the_view_says_what_is_missing)
{
    struct checkout_view view;

    checkout_show(&checkout, ctx.arena, &view);
    ck_assert(view.ready);
    ck_assert_uint_eq(view.missing.count, 0);
    ck_assert_str_eq(view.groups.items[0].group_id, GROUP);
    ck_assert_str_eq(view.email, "ada@example.com");

    checkout.personal = NULL;
    checkout.delivery_method = "pigeon";
    checkout.method = NULL;
    ck_assert_int_eq(checkout_price(&ctx, &checkout), ERR_NONE);
    checkout_show(&checkout, ctx.arena, &view);
    ck_assert(!view.ready);
    ck_assert_uint_eq(view.missing.count, 3);
    ck_assert_str_eq(view.missing.items[0], "addresses");
    ck_assert_str_eq(view.missing.items[1], "delivery");
    ck_assert_str_eq(view.missing.items[2], "payment");
    ck_assert_uint_eq(view.groups.count, 0);
    ck_assert_uint_eq(view.lines.items[0].tax_lines.count, 0);
    ck_assert_ptr_null(view.email);
}
END_TEST

START_TEST(a_running_placement_is_neither_ready_nor_missing_anything)
{
    struct checkout_view view;

    place("k1");
    claim();
    step((struct checkout_move){.on = ON_UNKNOWN});
    checkout_show(&checkout, ctx.arena, &view);

    ck_assert_str_eq(view.state, "paying");
    ck_assert(!view.ready);
    ck_assert_uint_eq(view.missing.count, 0);
    ck_assert_int_eq(view.deadline, AFTER(600));
}
END_TEST

static const struct {
    const char *state;
    int status;
} statuses[] = {
    {"claiming", 202}, {"paying", 202}, {"unknown", 202}, {"closing", 202},         {"completed", 202},
    {"declined", 402}, {"failed", 409}, {"placed", 201},  {"action_required", 200},
};

START_TEST(each_state_has_its_status)
{
    ck_assert_int_eq(placement_status(&(struct placement_view){.state = statuses[_i].state}), statuses[_i].status);
}
END_TEST

/* Who repeats an old request hears how it ended, in the bytes that were sent then. */
START_TEST(a_failed_placement_reads_the_same_for_ever)
{
    struct difference difference = {LINE, "CUP-BLUE", "price", "12.90 EUR", "13.90 EUR"};
    struct placement_view view;

    place("k1");
    step((struct checkout_move){.on = ON_CART_REFUSED, .reason = "cart_changed", .differences = {&difference, 1}});
    view = shown();
    const char *then = json_encode(ctx.arena, &placement_view_record, &view);
    struct earlier_placement earlier = {
        .placement = 1,
        .reason = checkout.reason,
        .differences = checkout.differences,
    };

    place("k2");
    placement_show_earlier(CHECKOUT, &earlier, &view);

    ck_assert_str_eq(json_encode(ctx.arena, &placement_view_record, &view), then);
}
END_TEST

START_TEST(events_carry_what_others_need)
{
    struct personal personal = checkout_personal(&checkout, ctx.arena);
    struct claim_line_list lines = checkout_claim_lines(&checkout, ctx.arena);
    struct claim_group_list groups = checkout_claim_groups(&checkout, ctx.arena);

    ck_assert_str_eq(personal.email, "ada@example.com");
    ck_assert_uint_eq(personal.deliveries.count, 1);
    ck_assert_str_eq(personal.deliveries.items[0].group_id, GROUP);
    ck_assert_str_eq(personal.deliveries.items[0].address.city, "Berlin");
    ck_assert_uint_eq(lines.count, 1);
    ck_assert_int_eq(lines.items[0].quantity, 2);
    ck_assert_int_eq(lines.items[0].unit_price.amount, 1290);
    ck_assert_uint_eq(groups.count, 1);
    ck_assert_str_eq(groups.items[0].country, "DE");
    ck_assert_str_eq(groups.items[0].line_ids.items[0], LINE);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_placement_goes_from_claims_to_order);
    tcase_add_test(tests, a_decline_keeps_the_claims_for_another_try);
    tcase_add_test(tests, another_method_gets_its_intent_when_the_old_one_is_closed);
    tcase_add_test(tests, giving_up_waits_for_payment_before_it_fails);
    tcase_add_test(tests, claims_go_when_closing_is_not_confirmed);
    tcase_add_test(tests, a_new_placement_inherits_nothing_but_the_count_of_intents);
    tcase_add_test(tests, activity_extends_the_deadline_up_to_the_maximum);
    ADD_TABLE_TEST(tests, news_of_another_placement_or_intent_do_not_count, news);
    tcase_add_test(tests, locked_lines_must_cost_what_was_placed);
    tcase_add_test(tests, a_placement_is_priced_by_its_own_rates);
    tcase_add_test(tests, only_placing_and_other_lines_freeze_anew);
    tcase_add_test(tests, wrong_lines_name_their_field);
    tcase_add_test(tests, the_view_says_what_is_missing);
    tcase_add_test(tests, a_running_placement_is_neither_ready_nor_missing_anything);
    ADD_TABLE_TEST(tests, each_state_has_its_status, statuses);
    tcase_add_test(tests, a_failed_placement_reads_the_same_for_ever);
    tcase_add_test(tests, events_carry_what_others_need);
}

RUN_SUITE(placement, add_tests)
