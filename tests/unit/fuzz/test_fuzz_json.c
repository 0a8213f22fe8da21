/* JSON that fuzzing began with or stumbled over, and the examples of proto/. */
#include "../../fuzz/fuzz_json.c"

#include "../../fuzz/replay.h"
#include "proto/examples.h"

START_TEST(every_seed_is_survived)
{
    replay_seeds("json");
}
END_TEST

START_TEST(every_example_is_survived_as_anything)
{
    for (const struct example *example = examples; example->file != NULL; example++)
        replay(example->json, strlen(example->json));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_seed_is_survived);
    tcase_add_test(tests, every_example_is_survived_as_anything);
}

RUN_SUITE(fuzz_json, add_tests)
