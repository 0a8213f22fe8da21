/* report: the signature, against an answer computed elsewhere. */
#include "carrier.h"
#include "suite.h"

START_TEST(the_signature_is_built_like_stripes)
{
    static const char body[] = "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"checkout.session.completed\"}";
    struct arena *arena = arena_new(64 * 1024);

    ck_assert_str_eq(report_signature(arena, "whsec_test", 1700000000, body, sizeof(body) - 1),
                     "t=1700000000,v1=670e223f19f12fb09ef0441261722546140dc296175e11939853a461c6642659");
    arena_free(arena);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, the_signature_is_built_like_stripes);
}

RUN_SUITE(report, add_tests)
