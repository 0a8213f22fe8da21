/* Messages that fuzzing stumbled over, and every example of proto/, whole and cut off anywhere. */
#include "../../fuzz/fuzz_event.c"

#include "../../fuzz/replay.h"

START_TEST(every_seed_is_survived)
{
    replay_seeds("event");
}
END_TEST

START_TEST(every_example_is_survived_whole_and_cut_off)
{
    static char bytes[1 << 16];

    for (size_t i = 0; examples[i].file != NULL; i++) {
        const size_t size = strlen(examples[i].json);
        ck_assert_uint_lt(size, sizeof(bytes) - 1);
        bytes[0] = (char)i;
        memcpy(bytes + 1, examples[i].json, size);
        for (size_t cut = 1; cut < size; cut += 97)
            replay(bytes, cut);
        replay(bytes, 1 + size);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_seed_is_survived);
    tcase_add_test(tests, every_example_is_survived_whole_and_cut_off);
}

RUN_SUITE(fuzz_event, add_tests)
