/*
 * What a checkout's tables see to by themselves: changes of what the shop offers are seen at once, and what makes no
 * sense is not saved.
 */
#include "checkouts.h"

/* -- what the shop offers -- */

static const char *const offer_changes[] = {
    "UPDATE delivery_method SET price_minor = 490 WHERE country = 'DE' AND currency = 'EUR'",
    "INSERT INTO delivery_method (shop, method, currency, country, price_minor, days_min, days_max, label)"
    " VALUES ('main', 'first_class', 'EUR', '*', 490, 1, 2, 'Ours')",
    "DELETE FROM delivery_method WHERE country = 'DE'",
    "UPDATE price_terms SET tax_included = false WHERE currency = 'EUR'",
    "TRUNCATE delivery_method",
    "UPDATE payment_method SET enabled = false WHERE method = 'bank_transfer'",
};

START_TEST(a_change_of_the_offers_is_seen_at_once)
{
    fill_in();
    ck_assert_str_eq(member(call("GET", SHOW, NULL), "ready"), "true");
    database_run(offer_changes[_i]);

    struct reply reply = call("GET", SHOW, NULL);
    ck_assert(total(reply) != TOTAL || text_equal(member(reply, "ready"), "false"));
    ck_assert_int_ne(place("k1", TOTAL).err, ERR_NONE);
    ck_assert_str_eq(state(), "open 0 0 f f");
}
END_TEST

START_TEST(each_country_has_its_own_offers)
{
    struct set_addresses vienna = berlin;
    vienna.shipping.country = "AT";

    fill_in();
    ck_assert_int_eq(total(call("GET", SHOW, NULL)), TOTAL);
    ck_assert_int_eq(total(call("PUT", ADDRESSES, &vienna)), 2580 + 790);
    ck_assert_int_eq(total(call("PUT", ADDRESSES, &berlin)), TOTAL);
}
END_TEST

START_TEST(deliveries_are_dated_from_today)
{
    struct reply reply;
    fill_in();
    for (int look = 0; look < 2; look++) {
        reply = call("GET", DELIVERIES, NULL);
        const char *expected =
            database_text("SELECT '\"earliest\":\"' || ((now() AT TIME ZONE 'UTC')::date + 2) || '\"'");
        ck_assert_ptr_nonnull(strstr(reply.body, expected));
    }
}
END_TEST

/* -- what the database refuses -- */

START_TEST(every_state_has_its_name_in_the_database)
{
    int count = 0;

    for (; checkout_state_names[count] != NULL; count++)
        ck_assert_int_eq(database_int(arena_printf(arena,
                                                   "SELECT count(*) FROM unnest(enum_range(NULL::checkout_state))"
                                                   " AS name WHERE name::text = '%s'",
                                                   checkout_state_names[count])),
                         1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM unnest(enum_range(NULL::checkout_state))"), count);
}
END_TEST

/* Whoever writes, and without any code of ours. */
START_TEST(nobody_pays_for_what_is_not_held)
{
    static const char *const asking[] = {"paying",    "action_required", "declined", "unknown",
                                         "switching", "closing",         "completed"};

    fill_in();
    for (size_t i = 0; i < COUNT(asking); i++)
        database_run(arena_printf(arena,
                                  "DO $$ BEGIN"
                                  " UPDATE checkout SET state = '%s', cart_locked = true;"
                                  " RAISE 'not refused';"
                                  " EXCEPTION WHEN check_violation THEN NULL; END $$",
                                  asking[i]));
    ck_assert_str_eq(state(), "open 0 0 f f");
}
END_TEST

/* A claiming checkout in version 2, and what might be saved of it. */
static const struct {
    struct checkout checkout;
    int64_t was;
    enum err then;
} saves[] = {
    {{.state = CHECKOUT_CLAIMING, .deadline = 1, .cart_locked = true}, 2, ERR_NONE},
    {{.state = CHECKOUT_FAILED}, 2, ERR_NONE},
    {{.state = CHECKOUT_CLAIMING, .deadline = 1, .cart_locked = true}, 1, ERR_INTERNAL},
    {{.state = CHECKOUT_CLAIMING}, 2, ERR_INTERNAL},
    {{.state = CHECKOUT_FAILED, .deadline = 1}, 2, ERR_INTERNAL},
    {{.state = CHECKOUT_FAILED, .winning_intent = 1}, 2, ERR_INTERNAL},
    {{.state = CHECKOUT_PAYING, .deadline = 1, .cart_locked = true}, 2, ERR_CONFLICT},
    {{.state = CHECKOUT_COMPLETED, .cart_locked = true, .stock_held = true}, 2, ERR_INTERNAL},
    {{.state = CHECKOUT_COMPLETED, .cart_locked = true, .stock_held = true, .winning_intent = 1}, 2, ERR_NONE},
};

static enum err save(struct ctx *ctx, struct checkout *checkout, int64_t was, bool freezes)
{
    UNIT_OF_WORK(ctx, uow);
    checkout->head = (struct aggregate){.id = checkout_id, .version = 2};
    checkout->freezes = freezes;
    checkout->key = "k1";
    checkout_save(uow, checkout, was);
    return uow_commit(uow);
}

START_TEST(a_move_is_saved_only_if_it_makes_sense)
{
    fill_in();
    ck_assert_int_eq(place("k1", TOTAL).err, ERR_NONE);
    for (int freezes = 0; freezes < 2; freezes++) {
        struct checkout checkout = saves[_i].checkout;
        struct ctx *ctx = ctx_new(service);
        database_run("UPDATE checkout SET state = 'claiming', deadline = now() + interval '1 minute', version = 2,"
                     " cart_locked = false, stock_held = false, winning_intent = NULL");

        ck_assert_int_eq(save(ctx, &checkout, saves[_i].was, freezes != 0), saves[_i].then);
        ctx_release(ctx);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    ADD_TABLE_TEST(tests, a_change_of_the_offers_is_seen_at_once, offer_changes);
    tcase_add_test(tests, each_country_has_its_own_offers);
    tcase_add_test(tests, deliveries_are_dated_from_today);
    tcase_add_test(tests, every_state_has_its_name_in_the_database);
    tcase_add_test(tests, nobody_pays_for_what_is_not_held);
    ADD_TABLE_TEST(tests, a_move_is_saved_only_if_it_makes_sense, saves);
}

RUN_SUITE(checkout_rules, add_tests)
