/* Files of rows that fuzzing began with or stumbled over. */
#include "../../fuzz/fuzz_import.c"

#include "../../fuzz/replay.h"

START_TEST(every_seed_is_survived)
{
    replay_seeds("import");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_seed_is_survived);
}

RUN_SUITE(fuzz_import, add_tests)
