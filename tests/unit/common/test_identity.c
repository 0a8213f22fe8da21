/*
 * test_identity - signatures of gateways and shoppers' tokens.
 */
#include "identity.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "suite.h"
#include "text.h"

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define CART "0190b3c2-7a10-7000-8000-000000000001"
#define NOW (INT64_C(1700000000) * CLOCK_SECOND)

static struct ctx ctx;
static struct keys *keys;

static void start(void)
{
    ctx = (struct ctx){.arena = arena_new(1024 * 1024)};
    keys = keys_read(ctx.arena, KEY_A);
    clock_set_for_test(NOW);
}

static void stop(void)
{
    clock_set_for_test(0);
    arena_free(ctx.arena);
}

static const struct caller clerk = {.role = ROLE_STAFF, .shop = "main", .name = "clerk-anna", .rights = "orders stock"};

START_TEST(a_caller_arrives_as_it_was_signed)
{
    const char *header = identity_sign(&ctx, keys, &clerk);

    ck_assert_int_eq(identity_verify(&ctx, keys, header), ERR_NONE);
    ck_assert_int_eq(ctx.caller.role, ROLE_STAFF);
    ck_assert_str_eq(ctx.caller.shop, "main");
    ck_assert_str_eq(ctx.caller.name, "clerk-anna");
    ck_assert_str_eq(ctx.caller.rights, "orders stock");
    ck_assert_ptr_null(ctx.caller.cart_id);
}
END_TEST

static const struct {
    int64_t after_s;
    enum err err;
} ages[] = {
    {0, ERR_NONE},  {IDENTITY_TTL_S, ERR_NONE}, {IDENTITY_TTL_S + 6, ERR_UNAUTHENTICATED},
    {-5, ERR_NONE}, {-10, ERR_UNAUTHENTICATED},
};

START_TEST(an_identity_is_good_for_its_time_only)
{
    const char *header = identity_sign(&ctx, keys, &clerk);

    clock_set_for_test(NOW + ages[_i].after_s * CLOCK_SECOND);
    ck_assert_int_eq(identity_verify(&ctx, keys, header), ages[_i].err);
    if (ages[_i].err != ERR_NONE)
        ck_assert_str_eq(ctx.problem.detail, "the Waybill-Identity is not good at this time");
}
END_TEST

START_TEST(a_changed_identity_is_refused_wherever_it_changed)
{
    char *header = arena_strdup(ctx.arena, identity_sign(&ctx, keys, &clerk));

    for (char *at = header; *at != '\0'; at++) {
        char was = *at;
        *at = was == 'A' ? 'B' : 'A';
        ck_assert_int_eq(identity_verify(&ctx, keys, header), ERR_UNAUTHENTICATED);
        ck_assert_int_eq(ctx.caller.role, ROLE_NONE);
        ctx_clear_problem(&ctx);
        *at = was;
    }
    ck_assert_int_eq(identity_verify(&ctx, keys, header), ERR_NONE);
}
END_TEST

static const char *const broken[] = {"", ".", "a", "a.b", "..", "e30.", ".e30", "e30.e30.e30"};

START_TEST(what_is_no_identity_is_refused)
{
    ck_assert_int_eq(identity_verify(&ctx, keys, broken[_i]), ERR_UNAUTHENTICATED);
    ck_assert_str_eq(ctx.problem.detail, "this needs a signed Waybill-Identity");
    ctx_clear_problem(&ctx);
    ck_assert_int_eq(identity_verify(&ctx, keys, NULL), ERR_UNAUTHENTICATED);
}
END_TEST

START_TEST(during_a_change_of_keys_both_verify_and_the_first_signs)
{
    const struct keys *other = keys_read(ctx.arena, KEY_B);
    const struct keys *both = keys_read(ctx.arena, KEY_B "," KEY_A);

    ck_assert_int_eq(identity_verify(&ctx, both, identity_sign(&ctx, keys, &clerk)), ERR_NONE);
    ck_assert_int_eq(identity_verify(&ctx, other, identity_sign(&ctx, both, &clerk)), ERR_NONE);
    ck_assert_int_eq(identity_verify(&ctx, keys, identity_sign(&ctx, both, &clerk)), ERR_UNAUTHENTICATED);
}
END_TEST

static const char *const bad_keys[] = {"",
                                       "00",
                                       KEY_A ",",
                                       "," KEY_A,
                                       KEY_A KEY_B,
                                       KEY_A "," KEY_B "," KEY_A,
                                       "zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"};

START_TEST(what_is_no_key_is_refused)
{
    ck_assert_ptr_null(keys_read(ctx.arena, bad_keys[_i]));
}
END_TEST

START_TEST(a_cart_token_leads_to_its_cart_only)
{
    char *token = arena_strdup(ctx.arena, token_for_cart(ctx.arena, keys, CART));

    ck_assert_uint_eq(strlen(token), 64);
    ck_assert_str_eq(token_read_cart(ctx.arena, keys, token), CART);
    ck_assert_ptr_null(token_read_cart(ctx.arena, keys_read(ctx.arena, KEY_B), token));
    ck_assert_ptr_null(token_read_cart(ctx.arena, keys, NULL));
    ck_assert_ptr_null(token_read_cart(ctx.arena, keys, ""));
    ck_assert_ptr_null(token_read_cart(ctx.arena, keys, arena_printf(ctx.arena, "%sA", token)));
    for (char *at = token; *at != '\0'; at++) {
        char was = *at;
        *at = was == 'x' ? 'y' : 'x';
        ck_assert_ptr_null(token_read_cart(ctx.arena, keys, token));
        *at = was;
    }
}
END_TEST

START_TEST(known_answers_are_met)
{
    static const char message[] =
        "1700000000.{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"checkout.session.completed\"}";

    ck_assert_str_eq(hmac_sha256_hex(ctx.arena, "whsec_test", 10, message, sizeof(message) - 1),
                     "670e223f19f12fb09ef0441261722546140dc296175e11939853a461c6642659");
    /* RFC 4231, case 2; FIPS 180-2. */
    ck_assert_str_eq(hmac_sha256_hex(ctx.arena, "Jefe", 4, "what do ya want for nothing?", 28),
                     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    ck_assert_str_eq(sha256_hex(ctx.arena, "abc", 3),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, a_caller_arrives_as_it_was_signed);
    ADD_TABLE_TEST(tests, an_identity_is_good_for_its_time_only, ages);
    tcase_add_test(tests, a_changed_identity_is_refused_wherever_it_changed);
    ADD_TABLE_TEST(tests, what_is_no_identity_is_refused, broken);
    tcase_add_test(tests, during_a_change_of_keys_both_verify_and_the_first_signs);
    ADD_TABLE_TEST(tests, what_is_no_key_is_refused, bad_keys);
    tcase_add_test(tests, a_cart_token_leads_to_its_cart_only);
    tcase_add_test(tests, known_answers_are_met);
}

RUN_SUITE(identity, add_tests)
