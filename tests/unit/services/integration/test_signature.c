/*
 * test_signature - a webhook counts only with a signature of its own bytes, by a live secret, of about now.
 */
#include "signature.h"

#include <string.h>

#include "suite.h"

/* The known answer was computed by another implementation. Its secret is shorter than ours may be. */
#define KNOWN_TIME 1700000000
#define KNOWN_BODY "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"checkout.session.completed\"}"
#define KNOWN_V1 "670e223f19f12fb09ef0441261722546140dc296175e11939853a461c6642659"
#define WRONG_V1 "770e223f19f12fb09ef0441261722546140dc296175e11939853a461c6642659"
#define EIGHT_WRONG                                                                                                    \
    ",v1=" WRONG_V1 ",v1=" WRONG_V1 ",v1=" WRONG_V1 ",v1=" WRONG_V1 ",v1=" WRONG_V1 ",v1=" WRONG_V1 ",v1=" WRONG_V1    \
    ",v1=" WRONG_V1

static const struct secrets known = {{"whsec_test"}, 1};

static const struct {
    const char *header;
    const char *body;
    int64_t now_s;
    enum signature_verdict verdict;
} cases[] = {
    {"t=1700000000,v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME, SIGNATURE_GOOD},
    {"t=1700000000, v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME, SIGNATURE_GOOD},
    {"v1=" KNOWN_V1 ",t=1700000000", KNOWN_BODY, KNOWN_TIME, SIGNATURE_GOOD},
    {"t=1700000000,v1=" WRONG_V1 ",v1=" KNOWN_V1 ",v0=abc", KNOWN_BODY, KNOWN_TIME, SIGNATURE_GOOD},
    {"t=1700000000,v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME + 300, SIGNATURE_GOOD},
    {"t=1700000000,v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME - 300, SIGNATURE_GOOD},
    {"t=1700000000,v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME + 301, SIGNATURE_STALE},
    {"t=1700000000,v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME - 301, SIGNATURE_STALE},
    {"t=1700000000,v1=" KNOWN_V1, KNOWN_BODY " ", KNOWN_TIME, SIGNATURE_WRONG},
    {"t=1700000000,v1=" KNOWN_V1, "", KNOWN_TIME, SIGNATURE_WRONG},
    {"t=1700000001,v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME, SIGNATURE_WRONG},
    {"t=01700000000,v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME, SIGNATURE_WRONG},
    {"t=1700000000,v1=" WRONG_V1, KNOWN_BODY, KNOWN_TIME, SIGNATURE_WRONG},
    {"t=1700000000,v1=670e", KNOWN_BODY, KNOWN_TIME, SIGNATURE_WRONG},
    {"t=1700000000,v0=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME, SIGNATURE_MALFORMED},
    {"v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME, SIGNATURE_MALFORMED},
    {"t=,v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME, SIGNATURE_MALFORMED},
    {"t=1700000000", KNOWN_BODY, KNOWN_TIME, SIGNATURE_MALFORMED},
    {"t=1700000000,t=1700000000,v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME, SIGNATURE_MALFORMED},
    {"t=-1700000000,v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME, SIGNATURE_MALFORMED},
    {"t=17e8,v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME, SIGNATURE_MALFORMED},
    {"t=1700000000,v1=" KNOWN_V1 ",junk", KNOWN_BODY, KNOWN_TIME, SIGNATURE_MALFORMED},
    {"t=1700000000" EIGHT_WRONG, KNOWN_BODY, KNOWN_TIME, SIGNATURE_WRONG},
    {"t=1700000000" EIGHT_WRONG ",v1=" KNOWN_V1, KNOWN_BODY, KNOWN_TIME, SIGNATURE_MALFORMED},
    {"", KNOWN_BODY, KNOWN_TIME, SIGNATURE_MISSING},
    {NULL, KNOWN_BODY, KNOWN_TIME, SIGNATURE_MISSING},
};

START_TEST(each_header_gets_its_verdict)
{
    struct arena *arena = arena_new(1 << 20);

    enum signature_verdict verdict =
        signature_check(arena, &known, cases[_i].header, cases[_i].body, strlen(cases[_i].body), cases[_i].now_s);

    ck_assert_str_eq(signature_verdict_names[verdict], signature_verdict_names[cases[_i].verdict]);
    arena_free(arena);
}
END_TEST

START_TEST(an_old_secret_counts_while_it_is_listed)
{
    const struct secrets both = {{"whsec_of_today_is_new", "whsec_test"}, 2};
    const struct secrets later = {{"whsec_of_today_is_new"}, 1};
    struct arena *arena = arena_new(1 << 20);
    const char *header = "t=1700000000,v1=" KNOWN_V1;

    ck_assert_int_eq(signature_check(arena, &both, header, KNOWN_BODY, strlen(KNOWN_BODY), KNOWN_TIME), SIGNATURE_GOOD);
    ck_assert_int_eq(signature_check(arena, &later, header, KNOWN_BODY, strlen(KNOWN_BODY), KNOWN_TIME),
                     SIGNATURE_WRONG);
    arena_free(arena);
}
END_TEST

START_TEST(a_body_may_hold_any_bytes)
{
    struct arena *arena = arena_new(1 << 20);

    /* The part before the NUL has another signature than the whole. */
    ck_assert_int_eq(signature_check(arena, &known, "t=1700000000,v1=" KNOWN_V1, KNOWN_BODY "\0x",
                                     sizeof(KNOWN_BODY "\0x") - 1, KNOWN_TIME),
                     SIGNATURE_WRONG);
    arena_free(arena);
}
END_TEST

static const struct {
    const char *text;
    int count; /* -1: refused */
} settings[] = {
    {"whsec_0123456789abcdef", 1},
    {"whsec_0123456789abcdef,whsec_fedcba9876543210", 2},
    {"", -1},
    {"whsec_test", -1},
    {"whsec_0123456789abcdef,", -1},
    {",whsec_0123456789abcdef", -1},
    {"whsec_0123456789abcdef,whsec_1123456789abcdef,whsec_2123456789abcdef", -1},
};

START_TEST(one_or_two_secrets_are_live)
{
    struct arena *arena = arena_new(1 << 20);
    struct secrets secrets;

    bool good = secrets_read(arena, settings[_i].text, &secrets);

    ck_assert_int_eq(good ? (int)secrets.count : -1, settings[_i].count);
    arena_free(arena);
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, each_header_gets_its_verdict, cases);
    tcase_add_test(tests, an_old_secret_counts_while_it_is_listed);
    tcase_add_test(tests, a_body_may_hold_any_bytes);
    ADD_TABLE_TEST(tests, one_or_two_secrets_are_live, settings);
}

RUN_SUITE(signature, add_tests)
