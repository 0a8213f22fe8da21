/*
 * Ids: their form, their order, and counting in tests.
 */
#include "id.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "suite.h"

static void tear_down(void)
{
    clock_set_for_test(0);
    id_real_again();
}

START_TEST(an_id_is_a_uuid_of_version_7)
{
    char id[ID_TEXT];

    for (int i = 0; i < 1000; i++) {
        id_make(id);
        ck_assert(id_is_valid(id));
        ck_assert_int_eq(id[14], '7');
        ck_assert_ptr_nonnull(strchr("89ab", id[19]));
    }
}
END_TEST

START_TEST(an_id_starts_with_the_milliseconds)
{
    char id[ID_TEXT];

    clock_set_for_test(INT64_C(0x0192f3a17c2e) * CLOCK_MS + 999);
    id_make(id);
    ck_assert_mem_eq(id, "0192f3a1-7c2e-7", 15);
}
END_TEST

START_TEST(ids_of_a_thread_only_grow)
{
    char before[ID_TEXT], now[ID_TEXT];

    id_make(before);
    for (int i = 0; i < 200000; i++) {
        id_make(now);
        ck_assert_msg(strcmp(before, now) < 0, "%s then %s", before, now);
        memcpy(before, now, sizeof(now));
    }
}
END_TEST

START_TEST(ids_grow_even_when_the_clock_goes_back)
{
    char before[ID_TEXT], now[ID_TEXT];

    clock_set_for_test(INT64_C(1800000000) * CLOCK_SECOND);
    id_make(before);
    clock_set_for_test(INT64_C(1700000000) * CLOCK_SECOND);
    for (int i = 0; i < 1000; i++) {
        id_make(now);
        ck_assert_int_lt(strcmp(before, now), 0);
        memcpy(before, now, sizeof(now));
    }
}
END_TEST

enum { IDS = 2000, THREADS = 4 };

static char ids[THREADS * IDS][ID_TEXT];

static void *make_ids(void *first)
{
    char(*mine)[ID_TEXT] = first;

    for (int i = 0; i < IDS; i++)
        id_make(mine[i]);
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

START_TEST(threads_never_make_the_same_id)
{
    pthread_t threads[THREADS];

    clock_set_for_test(INT64_C(1800000000) * CLOCK_SECOND);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, make_ids, ids[i * IDS]), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);

    qsort(ids, COUNT(ids), ID_TEXT, by_text);
    for (size_t i = 1; i < COUNT(ids); i++)
        ck_assert_str_ne(ids[i - 1], ids[i]);
}
END_TEST

START_TEST(a_forked_process_makes_other_ids)
{
    char mine[ID_TEXT], others[ID_TEXT];
    int ends[2];

    clock_set_for_test(INT64_C(1800000000) * CLOCK_SECOND);
    id_make(mine);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        id_make(others);
        _exit(write(ends[1], others, sizeof(others)) == sizeof(others) ? 0 : 1);
    }
    id_make(mine);
    ck_assert_int_eq(read(ends[0], others, sizeof(others)), (int)sizeof(others));
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_str_ne(mine, others);
}
END_TEST

static const struct {
    const char *text;
    bool valid;
} texts[] = {
    {"00000000-0000-7000-8000-000000000001", true},
    {"0192f3a1-7c2e-4d4b-9a10-5e6f7a8b9c0d", true}, /* any version */
    {"", false},
    {"0192f3a1", false},
    {"0192f3a1-7c2e-7d4b-9a10-5e6f7a8b9c0", false},
    {"0192f3a1-7c2e-7d4b-9a10-5e6f7a8b9c0d0", false},
    {"0192F3A1-7c2e-7d4b-9a10-5e6f7a8b9c0d", false},
    {"0192f3a1-7c2e-7d4b-9a10-5e6f7a8b9c0g", false},
    {"0192f3a1-7c2e-7d4b-9a105-e6f7a8b9c0d", false},
    {"{192f3a1-7c2e-7d4b-9a10-5e6f7a8b9c0}", false},
};

START_TEST(only_the_canonical_form_is_valid)
{
    ck_assert_int_eq(id_is_valid(texts[_i].text), texts[_i].valid);
}
END_TEST

START_TEST(ids_can_be_counted_in_tests)
{
    struct arena *arena = arena_new(1000);

    id_count_for_test();
    ck_assert_str_eq(id_new(arena), "00000000-0000-7000-8000-000000000001");
    ck_assert_str_eq(id_new(arena), "00000000-0000-7000-8000-000000000002");
    id_count_for_test();
    ck_assert_str_eq(id_new(arena), "00000000-0000-7000-8000-000000000001");
    id_real_again();
    ck_assert_str_ne(id_new(arena), "00000000-0000-7000-8000-000000000002");
    arena_free(arena);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_add_test(tests, an_id_is_a_uuid_of_version_7);
    tcase_add_test(tests, an_id_starts_with_the_milliseconds);
    tcase_add_test(tests, ids_of_a_thread_only_grow);
    tcase_add_test(tests, ids_grow_even_when_the_clock_goes_back);
    tcase_add_test(tests, threads_never_make_the_same_id);
    tcase_add_test(tests, a_forked_process_makes_other_ids);
    ADD_TABLE_TEST(tests, only_the_canonical_form_is_valid, texts);
    tcase_add_test(tests, ids_can_be_counted_in_tests);
}

RUN_SUITE(id, add_tests)
