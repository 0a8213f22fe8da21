/*
 * Which placement a claim or a release counts for (rule R2).
 */
#include "claim.h"

#include "suite.h"

/* `placement` has it, or had it last; `dead` and all before it were released. */
static const struct {
    struct claim given;
    int64_t placement;
    enum claim_event asked;
    enum claim_event released;
} cases[] = {
    {{0, 0}, 1, ON_CLAIM_NEW, ON_RELEASE},         /* nobody has had it */
    {{1, 0}, 1, ON_CLAIM_SAME, ON_RELEASE},        /* has it */
    {{1, 0}, 2, ON_CLAIM_NEW, ON_RELEASE},         /* a newer one inherits; its failure ends the older too */
    {{2, 0}, 1, ON_CLAIM_STALE, ON_RELEASE_STALE}, /* an older one comes late */
    {{1, 1}, 1, ON_CLAIM_STALE, ON_RELEASE_STALE}, /* its release came first, or twice */
    {{0, 1}, 1, ON_CLAIM_STALE, ON_RELEASE_STALE}, /* released before it was ever asked for */
    {{0, 3}, 2, ON_CLAIM_STALE, ON_RELEASE_STALE}, {{0, 1}, 2, ON_CLAIM_NEW, ON_RELEASE},
    {{1, 1}, 2, ON_CLAIM_NEW, ON_RELEASE},         {{3, 2}, 2, ON_CLAIM_STALE, ON_RELEASE_STALE},
    {{3, 2}, 3, ON_CLAIM_SAME, ON_RELEASE},        {{3, 2}, 4, ON_CLAIM_NEW, ON_RELEASE},
};

START_TEST(only_placements_newer_than_every_released_one_count)
{
    ck_assert_int_eq(claim_asked(cases[_i].given, cases[_i].placement), cases[_i].asked);
    ck_assert_int_eq(claim_released(cases[_i].given, cases[_i].placement), cases[_i].released);
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, only_placements_newer_than_every_released_one_count, cases);
}

RUN_SUITE(claim, add_tests)
