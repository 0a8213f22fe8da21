/*
 * Stock from the shelf to the parcel: claims, orders, the desk, the carrier, and the books after each step.
 */
#include "shelves.h"

#include <ulfius.h>

#include "http.h"
#include "text.h"

#define ORDER "00000000-0000-7000-8000-000000000001"
#define OTHER "00000000-0000-7000-8000-000000000002"

static struct service *service;

/* Five cups in Berlin, three cups and two pots in Leeds. */
static void open_all(void)
{
    service = deliver_open(fulfilment_queries, fulfilment_migrations, 4);
    count_shelf(service, "CUP", "berlin", 5);
    count_shelf(service, "CUP", "leeds", 3);
    count_shelf(service, "POT", "leeds", 2);
}

static void close_all(void)
{
    check_books();
    deliver_close(service);
}

static char shipment[64];

/* The id of the order's shipment from a warehouse. */
static const char *shipment_from(const char *warehouse)
{
    char sql[128];

    (void)snprintf(sql, sizeof(sql), "SELECT id FROM shipment WHERE warehouse = '%s'", warehouse);
    (void)snprintf(shipment, sizeof(shipment), "%s", database_text(sql));
    ck_assert(id_is_valid(shipment));
    return shipment;
}

static void pay(int64_t intent, int64_t amount)
{
    HEAR(service, payment_captured, .checkout_id = ORDER, .shop = "main", .intent = intent,
         .captured = {amount, "EUR"});
}

/* A paid order of two cups, from Berlin. */
static const char *ordered(void)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);
    ck_assert_int_eq(place_order(service, ORDER, "card", "instant"), ERR_NONE);
    pay(2, 3170);
    return shipment_from("berlin");
}

static void pack(const char *id)
{
    ck_assert_int_eq(desk(service, id, RELEASE), ERR_NONE);
    ck_assert_int_eq(desk(service, id, PICK), ERR_NONE);
    ck_assert_int_eq(desk(service, id, PACK), ERR_NONE);
}

/* -- claims -- */

START_TEST(a_claim_holds_stock)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);

    ck_assert_str_eq(shelves(), "berlin CUP 5/2/0, leeds CUP 3/0/0, leeds POT 2/0/0");
    ck_assert_str_eq(told(), "hold.held.v1");
    ck_assert_str_eq(database_text("SELECT concat_ws('|', state, placement, dead, version) FROM hold"), "held|1|0|1");
}
END_TEST

START_TEST(the_same_claim_again_changes_nothing)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);
    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);

    ck_assert_str_eq(shelves(), "berlin CUP 5/2/0, leeds CUP 3/0/0, leeds POT 2/0/0");
    ck_assert_str_eq(told(), "hold.held.v1");
}
END_TEST

START_TEST(a_line_that_no_warehouse_has_all_of_is_split)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 7, 0), ERR_NONE);

    ck_assert_str_eq(shelves(), "berlin CUP 5/5/0, leeds CUP 3/2/0, leeds POT 2/0/0");
    ck_assert_str_eq(database_text("SELECT reason FROM hold"),
                     "no warehouse has everything: the fewest are berlin, leeds");
}
END_TEST

START_TEST(a_claim_that_cannot_be_met_takes_nothing)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 9, 3), ERR_NONE);

    ck_assert_str_eq(shelves(), "berlin CUP 5/0/0, leeds CUP 3/0/0, leeds POT 2/0/0");
    ck_assert_str_eq(told(), "hold.refused.v1");
    ck_assert_str_eq(database_text("SELECT body::jsonb ->> 'shortages' FROM outbox"),
                     "[{\"sku\": \"CUP\", \"asked\": 9, \"available\": 8}, {\"sku\": \"POT\", \"asked\": 3,"
                     " \"available\": 2}]");
}
END_TEST

START_TEST(a_newer_placement_of_the_cart_inherits_and_chooses_again)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 5, 0), ERR_NONE);
    ck_assert_int_eq(claim(service, ORDER, 2, 4, 1), ERR_NONE);
    ck_assert_str_eq(shelves(), "berlin CUP 5/4/0, leeds CUP 3/0/0, leeds POT 2/1/0");

    /* The older one's failure comes late and is not the newer one's. */
    ck_assert_int_eq(fail_placement(service, ORDER, 1), ERR_NONE);
    ck_assert_str_eq(shelves(), "berlin CUP 5/4/0, leeds CUP 3/0/0, leeds POT 2/1/0");
    ck_assert_str_eq(told(), "hold.held.v1 hold.held.v1");
}
END_TEST

START_TEST(a_newer_placement_that_cannot_be_met_leaves_nothing_held)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 5, 0), ERR_NONE);
    ck_assert_int_eq(claim(service, ORDER, 2, 5, 3), ERR_NONE);

    ck_assert_str_eq(shelves(), "berlin CUP 5/0/0, leeds CUP 3/0/0, leeds POT 2/0/0");
    ck_assert_str_eq(told(), "hold.held.v1 hold.refused.v1");
}
END_TEST

START_TEST(a_failed_placement_lets_go_and_stays_dead)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);
    ck_assert_int_eq(fail_placement(service, ORDER, 1), ERR_NONE);
    ck_assert_str_eq(shelves(), "berlin CUP 5/0/0, leeds CUP 3/0/0, leeds POT 2/0/0");
    ck_assert_int_eq(fail_placement(service, ORDER, 1), ERR_NONE);
    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);

    ck_assert_str_eq(shelves(), "berlin CUP 5/0/0, leeds CUP 3/0/0, leeds POT 2/0/0");
    ck_assert_str_eq(told(), "hold.held.v1 hold.released.v1");
    ck_assert_int_eq(claim(service, ORDER, 2, 2, 0), ERR_NONE);
    ck_assert_str_eq(shelves(), "berlin CUP 5/2/0, leeds CUP 3/0/0, leeds POT 2/0/0");
}
END_TEST

START_TEST(a_release_that_overtook_its_claim_kills_it)
{
    ck_assert_int_eq(fail_placement(service, ORDER, 1), ERR_NONE);
    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);

    ck_assert_str_eq(shelves(), "berlin CUP 5/0/0, leeds CUP 3/0/0, leeds POT 2/0/0");
    ck_assert_str_eq(told(), "");
}
END_TEST

/* -- orders -- */

START_TEST(an_order_turns_what_was_held_into_shipments)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 7, 1), ERR_NONE);
    ck_assert_int_eq(place_order(service, ORDER, "card", "instant"), ERR_NONE);
    ck_assert_int_eq(place_order(service, ORDER, "card", "instant"), ERR_NONE);

    ck_assert_str_eq(shelves(), "berlin CUP 5/0/5, leeds CUP 3/0/2, leeds POT 2/0/1");
    ck_assert_str_eq(told(), "hold.held.v1 shipment.planned.v1 shipment.planned.v1");
    ck_assert_str_eq(database_text("SELECT string_agg(concat_ws(' ', warehouse, state, quantity), ', ' ORDER BY"
                                   " warehouse) FROM shipment"),
                     "berlin planned 5, leeds planned 3");
    ck_assert_int_eq(fail_placement(service, ORDER, 1), ERR_NONE);
    ck_assert_str_eq(shelves(), "berlin CUP 5/0/5, leeds CUP 3/0/2, leeds POT 2/0/1");
    ck_assert_str_eq(database_text("SELECT kind FROM work_item"), "hold_contradiction");
}
END_TEST

START_TEST(an_order_without_a_hold_is_not_shipped)
{
    ck_assert_int_eq(place_order(service, ORDER, "card", "instant"), ERR_NOT_FOUND);
    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);
    ck_assert_int_eq(fail_placement(service, ORDER, 1), ERR_NONE);
    ck_assert_int_eq(place_order(service, ORDER, "card", "instant"), ERR_NONE);

    ck_assert_int_eq(database_int("SELECT count(*) FROM shipment"), 0);
    ck_assert_str_eq(database_text("SELECT kind FROM work_item"), "hold_contradiction");
}
END_TEST

START_TEST(the_desk_sends_a_shipment_step_by_step)
{
    const char *id = ordered();

    ck_assert_int_eq(desk(service, id, PICK), ERR_CONFLICT);
    pack(id);
    ck_assert_str_eq(shelves(), "berlin CUP 5/0/2, leeds CUP 3/0/0, leeds POT 2/0/0");
    ck_assert_int_eq(desk(service, id, SHIP), ERR_NONE);
    ck_assert_int_eq(desk(service, id, SHIP), ERR_CONFLICT);

    ck_assert_str_eq(shelves(), "berlin CUP 3/0/0, leeds CUP 3/0/0, leeds POT 2/0/0");
    ck_assert_str_eq(told(), "hold.held.v1 shipment.planned.v1 shipment.released.v1 shipment.picked.v1"
                             " shipment.packed.v1 shipment.shipped.v1");
    ck_assert_int_eq(database_int("SELECT quantity FROM stock_move WHERE kind = 'shipped'"), -2);
}
END_TEST

START_TEST(nothing_is_released_before_its_money_and_nothing_leaves_before_it_was_taken)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);
    ck_assert_int_eq(place_order(service, ORDER, "card", "deferred"), ERR_NONE);
    const char *id = shipment_from("berlin");
    pack(id);
    ck_assert_int_eq(desk(service, id, SHIP), ERR_CONFLICT);
    pay(2, 3169);
    ck_assert_int_eq(desk(service, id, SHIP), ERR_CONFLICT);
    pay(2, 3170);
    ck_assert_int_eq(desk(service, id, SHIP), ERR_NONE);
}
END_TEST

/* The shopper changed the method while the first one's money was on its way: that money goes back by itself. */
START_TEST(only_money_of_the_orders_own_intent_counts)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);
    ck_assert_int_eq(place_order(service, ORDER, "bank_transfer", "instant"), ERR_NONE);
    const char *id = shipment_from("berlin");
    pay(1, 3170);
    ck_assert_int_eq(desk(service, id, RELEASE), ERR_CONFLICT);

    HEAR(service, payment_refunded, .checkout_id = ORDER, .shop = "main", .intent = 1, .refunded = {3170, "EUR"});
    pay(2, 3170);

    ck_assert_int_eq(desk(service, id, RELEASE), ERR_NONE);
}
END_TEST

START_TEST(money_may_be_heard_of_before_the_order)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);
    pay(2, 3170);
    ck_assert_int_eq(place_order(service, ORDER, "card", "instant"), ERR_NONE);

    ck_assert_int_eq(desk(service, shipment_from("berlin"), RELEASE), ERR_NONE);
}
END_TEST

START_TEST(money_that_went_back_does_not_count)
{
    const char *id = ordered();

    HEAR(service, payment_refunded, .checkout_id = ORDER, .shop = "main", .intent = 2, .refunded = {1, "EUR"});

    ck_assert_int_eq(desk(service, id, RELEASE), ERR_CONFLICT);
}
END_TEST

START_TEST(a_hold_of_the_shipment_or_its_order_stops_the_desk)
{
    const char *id = ordered();

    ck_assert_int_eq(desk(service, id, KEEP_BACK), ERR_NONE);
    ck_assert_int_eq(desk(service, id, KEEP_BACK), ERR_CONFLICT);
    ck_assert_int_eq(desk(service, id, RELEASE), ERR_CONFLICT);
    ck_assert_int_eq(desk(service, id, LET_GO), ERR_NONE);
    HEAR(service, order_held, .order_id = ORDER, .shop = "main", .reason = "looks odd");
    ck_assert_int_eq(desk(service, id, RELEASE), ERR_CONFLICT);
    ck_assert_int_eq(desk(service, id, LET_GO), ERR_CONFLICT);
    HEAR(service, order_hold_lifted, .order_id = ORDER, .shop = "main");
    ck_assert_int_eq(desk(service, id, RELEASE), ERR_NONE);
}
END_TEST

/* -- stopping -- */

START_TEST(an_order_that_is_cancelled_in_time_frees_its_stock)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 7, 1), ERR_NONE);
    ck_assert_int_eq(place_order(service, ORDER, "cash_on_delivery", "instant"), ERR_NONE);
    pack(shipment_from("leeds"));

    ck_assert_int_eq(cancel_order(service, ORDER), ERR_NONE);
    ck_assert_int_eq(cancel_order(service, ORDER), ERR_NONE);

    ck_assert_str_eq(shelves(), "berlin CUP 5/0/0, leeds CUP 3/0/0, leeds POT 2/0/0");
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.shipment.stopped.v1'"), 2);
    ck_assert_str_eq(database_text("SELECT string_agg(body::jsonb ->> 'open_shipments', ' ' ORDER BY id) FROM outbox"),
                     "1 0");
    ck_assert_int_eq(desk(service, shipment_from("leeds"), SHIP), ERR_CONFLICT);
}
END_TEST

START_TEST(one_parcel_that_left_refuses_the_stop_of_all)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 7, 1), ERR_NONE);
    ck_assert_int_eq(place_order(service, ORDER, "cash_on_delivery", "instant"), ERR_NONE);
    const char *id = shipment_from("leeds");
    pack(id);
    ck_assert_int_eq(desk(service, id, SHIP), ERR_NONE);

    ck_assert_int_eq(cancel_order(service, ORDER), ERR_NONE);

    ck_assert_str_eq(shelves(), "berlin CUP 5/0/5, leeds CUP 1/0/0, leeds POT 1/0/0");
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.shipment.stop_refused.v1'"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.shipment.stopped.v1'"), 0);
}
END_TEST

/* -- the shelves -- */

START_TEST(a_count_books_the_difference_and_leaves_claims)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 4, 0), ERR_NONE);
    count_shelf(service, "CUP", "berlin", 3);
    count_shelf(service, "CUP", "berlin", 3);
    count_shelf(service, "CUP", "newark", 1);

    ck_assert_str_eq(shelves(), "berlin CUP 3/4/0, leeds CUP 3/0/0, leeds POT 2/0/0, newark CUP 1/0/0");
    ck_assert_str_eq(database_text("SELECT string_agg(concat_ws(' ', warehouse, kind, quantity, by), ', ' ORDER BY id)"
                                   " FROM stock_move WHERE sku = 'CUP'"),
                     "berlin counted 5 clerk-anna: inventory, leeds counted 3 clerk-anna: inventory,"
                     " berlin counted -2 clerk-anna: inventory, newark counted 1 clerk-anna: inventory");

    /* More is claimed in Berlin than lies there, so it offers nothing. */
    ck_assert_int_eq(claim(service, OTHER, 1, 5, 0), ERR_NONE);
    ck_assert_str_eq(database_text("SELECT body::jsonb -> 'shortages' -> 0 ->> 'available' FROM outbox"
                                   " ORDER BY id DESC LIMIT 1"),
                     "4");
}
END_TEST

static enum err import_text(struct ctx *ctx, const char *text, struct import_report *ret)
{
    struct _u_map headers;
    struct _u_request ulfius = {.map_header = &headers};
    struct request request = {.ulfius = &ulfius, .body = text, .body_size = strlen(text)};

    ck_assert_int_eq(u_map_init(&headers), U_OK);
    ck_assert_int_eq(u_map_put(&headers, "Content-Type", "text/csv"), U_OK);
    ctx->request = &request;
    *ret = (struct import_report){0};
    enum err err = import_stock(ctx, NULL, ret);
    ck_assert_int_eq(u_map_clean(&headers), U_OK);
    return err;
}

START_TEST(an_import_books_what_differs_and_the_same_file_again_nothing)
{
    const char *text = "sku,warehouse,on_hand\nCUP,berlin,5\nCUP,leeds,10\nNEW,newark,4\nCUP,mars,1\nPOT,leeds,-1\n";
    struct import_report report;
    struct ctx *ctx = clerk(service);

    ck_assert_int_eq(import_text(ctx, text, &report), ERR_NONE);
    ck_assert_int_eq(report.applied, 2);
    ck_assert_int_eq(report.unchanged, 1);
    ck_assert_int_eq(report.failed, 2);
    ck_assert_int_eq(report.rows.items[0].row, 4);
    ck_assert_str_eq(report.rows.items[0].field, "warehouse");
    ck_assert_int_eq(report.rows.items[1].row, 5);
    ck_assert_str_eq(shelves(), "berlin CUP 5/0/0, leeds CUP 10/0/0, leeds POT 2/0/0, newark NEW 4/0/0");
    ck_assert_int_eq(database_int("SELECT count(*) FROM stock_move WHERE cause LIKE 'import:%'"), 2);

    ctx_clear(ctx);
    ctx->caller = (struct caller){.role = ROLE_PARTNER, .shop = "main", .name = "erp"};
    ck_assert_int_eq(import_text(ctx, text, &report), ERR_NONE);
    ck_assert_int_eq(report.applied, 0);
    ck_assert_int_eq(report.unchanged, 3);
    ck_assert_int_eq(database_int("SELECT count(*) FROM stock_move WHERE cause LIKE 'import:%'"), 2);
    ctx_release(ctx);
}
END_TEST

START_TEST(an_import_of_many_chunks_counts_every_row)
{
    struct import_report report;
    struct ctx *ctx = clerk(service);
    struct buf text;

    buf_init(&text, ctx->arena, 1 << 20);
    buf_add_text(&text, "sku,warehouse,on_hand\n");
    for (int i = 0; i < 1201; i++)
        buf_printf(&text, "SKU-%d,berlin,%d\n", i, 1 + i % 7);
    ck_assert_int_eq(import_text(ctx, text.data, &report), ERR_NONE);

    ck_assert_int_eq(report.applied, 1201);
    ck_assert_int_eq(report.failed, 0);
    ck_assert_int_eq(database_int("SELECT count(*) FROM stock WHERE sku LIKE 'SKU-%'"), 1201);
    ck_assert_int_eq(database_int("SELECT count(DISTINCT cause) FROM stock_move WHERE cause LIKE 'import:%'"), 3);
    ctx_release(ctx);
}
END_TEST

/* Runs the timer and gives the levels told so far, "SKU@warehouse|version|available". */
static const char *levels_told(void)
{
    deliver_timer(service, &fulfilment_timers[0]);
    return database_text("SELECT coalesce(string_agg(concat_ws('|', key, sequence, body::jsonb ->> 'available'), ' '"
                         " ORDER BY key, sequence), '') FROM outbox WHERE topic = 'waybill.stock'");
}

static void a_second_passes(void)
{
    database_run("UPDATE stock SET untold_since = untold_since - interval '1 second'");
}

#define FIRST "CUP@berlin|1|5 CUP@leeds|1|3 POT@leeds|1|2"

START_TEST(what_an_order_takes_over_from_its_hold_is_not_told_again)
{
    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);
    a_second_passes();
    ck_assert_str_eq(levels_told(), "CUP@berlin|1|3 CUP@leeds|1|3 POT@leeds|1|2");

    ck_assert_int_eq(place_order(service, ORDER, "card", "instant"), ERR_NONE);
    a_second_passes();
    ck_assert_str_eq(levels_told(), "CUP@berlin|1|3 CUP@leeds|1|3 POT@leeds|1|2");
}
END_TEST

START_TEST(a_level_is_told_a_second_after_it_changed_with_all_that_changed_meanwhile)
{
    ck_assert_str_eq(levels_told(), FIRST);

    ck_assert_int_eq(claim(service, ORDER, 1, 2, 0), ERR_NONE);
    ck_assert_str_eq(levels_told(), FIRST);
    a_second_passes();
    ck_assert_int_eq(fail_placement(service, ORDER, 1), ERR_NONE);
    ck_assert_int_eq(claim(service, OTHER, 1, 1, 0), ERR_NONE);
    ck_assert_str_eq(levels_told(), "CUP@berlin|1|5 CUP@berlin|2|4 CUP@leeds|1|3 POT@leeds|1|2");
    a_second_passes();
    ck_assert_str_eq(levels_told(), "CUP@berlin|1|5 CUP@berlin|2|4 CUP@leeds|1|3 POT@leeds|1|2");
}
END_TEST

START_TEST(what_is_sold_out_or_back_is_told_at_once)
{
    ck_assert_str_eq(levels_told(), FIRST);

    ck_assert_int_eq(claim(service, ORDER, 1, 0, 2), ERR_NONE);
    ck_assert_str_eq(levels_told(), FIRST " POT@leeds|2|0");
    ck_assert_int_eq(fail_placement(service, ORDER, 1), ERR_NONE);
    ck_assert_str_eq(levels_told(), FIRST " POT@leeds|2|0 POT@leeds|3|2");
    ck_assert_int_eq(claim(service, OTHER, 1, 0, 1), ERR_NONE);
    ck_assert_str_eq(levels_told(), FIRST " POT@leeds|2|0 POT@leeds|3|2");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_claim_holds_stock);
    tcase_add_test(tests, the_same_claim_again_changes_nothing);
    tcase_add_test(tests, a_line_that_no_warehouse_has_all_of_is_split);
    tcase_add_test(tests, a_claim_that_cannot_be_met_takes_nothing);
    tcase_add_test(tests, a_newer_placement_of_the_cart_inherits_and_chooses_again);
    tcase_add_test(tests, a_newer_placement_that_cannot_be_met_leaves_nothing_held);
    tcase_add_test(tests, a_failed_placement_lets_go_and_stays_dead);
    tcase_add_test(tests, a_release_that_overtook_its_claim_kills_it);
    tcase_add_test(tests, an_order_turns_what_was_held_into_shipments);
    tcase_add_test(tests, an_order_without_a_hold_is_not_shipped);
    tcase_add_test(tests, the_desk_sends_a_shipment_step_by_step);
    tcase_add_test(tests, nothing_is_released_before_its_money_and_nothing_leaves_before_it_was_taken);
    tcase_add_test(tests, only_money_of_the_orders_own_intent_counts);
    tcase_add_test(tests, money_may_be_heard_of_before_the_order);
    tcase_add_test(tests, money_that_went_back_does_not_count);
    tcase_add_test(tests, a_hold_of_the_shipment_or_its_order_stops_the_desk);
    tcase_add_test(tests, an_order_that_is_cancelled_in_time_frees_its_stock);
    tcase_add_test(tests, one_parcel_that_left_refuses_the_stop_of_all);
    tcase_add_test(tests, a_count_books_the_difference_and_leaves_claims);
    tcase_add_test(tests, an_import_books_what_differs_and_the_same_file_again_nothing);
    tcase_add_test(tests, an_import_of_many_chunks_counts_every_row);
    tcase_add_test(tests, what_an_order_takes_over_from_its_hold_is_not_told_again);
    tcase_add_test(tests, a_level_is_told_a_second_after_it_changed_with_all_that_changed_meanwhile);
    tcase_add_test(tests, what_is_sold_out_or_back_is_told_at_once);
}

RUN_SUITE(stock_life, add_tests)
