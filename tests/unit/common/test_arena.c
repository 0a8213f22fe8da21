/*
 * Memory that is zeroed, aligned, limited, and dropped at once.
 */
#include "arena.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "suite.h"

#ifdef SANITIZED
#include <sanitizer/asan_interface.h>
#endif

#define LIMIT ((size_t)1 << 20)

static bool is_all(const unsigned char *memory, size_t size, int byte)
{
    for (size_t i = 0; i < size; i++) {
        if (memory[i] != byte)
            return false;
    }
    return true;
}

static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 16 * 1024, 16 * 1024 + 1, 300000};

START_TEST(memory_is_zeroed_and_aligned_whatever_its_size)
{
    struct arena *arena = arena_new(LIMIT);

    for (int round = 0; round < 3; round++) {
        unsigned char *memory = arena_alloc(arena, sizes[_i]);
        ck_assert_uint_eq((uintptr_t)memory % _Alignof(max_align_t), 0);
        ck_assert(is_all(memory, sizes[_i], 0));
        memset(memory, 0xff, sizes[_i]);
    }

    arena_free(arena);
}
END_TEST

START_TEST(a_cleared_arena_gives_zeroed_memory_again)
{
    struct arena *arena = arena_new(LIMIT);

    memset(arena_alloc(arena, 1000), 0xff, 1000);
    memset(arena_alloc(arena, 50000), 0xff, 50000);
    ck_assert_uint_eq(arena_used(arena), 51000);
    arena_clear(arena);
    ck_assert_uint_eq(arena_used(arena), 0);

    ck_assert(is_all(arena_alloc(arena, 1000), 1000, 0));
    arena_free(arena);
}
END_TEST

START_TEST(allocations_do_not_overlap)
{
    struct arena *arena = arena_new(LIMIT);
    unsigned char *all[500];

    for (size_t i = 0; i < COUNT(all); i++) {
        all[i] = arena_alloc(arena, i);
        memset(all[i], (int)(i & 0xff), i);
    }

    for (size_t i = 0; i < COUNT(all); i++)
        ck_assert(is_all(all[i], i, (int)(i & 0xff)));
    ck_assert_ptr_ne(arena_alloc(arena, 0), arena_alloc(arena, 0));
    arena_free(arena);
}
END_TEST

START_TEST(text_is_copied_and_ends_with_nul)
{
    struct arena *arena = arena_new(LIMIT);

    ck_assert_str_eq(arena_copy(arena, "abcdef", 3), "abc");
    ck_assert_str_eq(arena_copy(arena, NULL, 0), "");
    ck_assert_str_eq(arena_strdup(arena, "cup"), "cup");
    ck_assert_ptr_null(arena_strdup(arena, NULL));
    ck_assert_str_eq(arena_printf(arena, "%s is %d", "order", 7), "order is 7");
    arena_free(arena);
}
END_TEST

START_TEST(formatted_text_may_be_long)
{
    struct arena *arena = arena_new(LIMIT);

    for (int width = 254; width < 260; width++)
        ck_assert_uint_eq(strlen(arena_printf(arena, "%*d", width, 1)), (size_t)width);
    ck_assert_uint_eq(strlen(arena_printf(arena, "%9000d", 1)), 9000);
    arena_free(arena);
}
END_TEST

START_TEST(exactly_the_limit_may_be_used)
{
    struct arena *arena = arena_new(100);

    ck_assert_ptr_nonnull(arena_alloc(arena, 60));
    ck_assert_ptr_nonnull(arena_alloc(arena, 40));
    ck_assert_uint_eq(arena_used(arena), 100);
    arena_free(arena);
    arena_free(NULL);
}
END_TEST

START_TEST(going_over_the_limit_aborts)
{
    struct arena *arena = arena_new(100);

    ck_assert_ptr_nonnull(arena_alloc(arena, 60));
    ck_assert_ptr_nonnull(arena_alloc(arena, 41));
}
END_TEST

START_TEST(an_array_whose_size_overflows_aborts)
{
    ck_assert_ptr_nonnull(arena_array(arena_new(SIZE_MAX), SIZE_MAX / 2, 3));
}
END_TEST

START_TEST(a_size_that_overflows_when_rounded_aborts)
{
    ck_assert_ptr_nonnull(arena_alloc(arena_new(SIZE_MAX), SIZE_MAX - 3));
}
END_TEST

#ifdef SANITIZED

START_TEST(a_byte_behind_an_allocation_is_forbidden)
{
    struct arena *arena = arena_new(LIMIT);
    char *memory = arena_alloc(arena, sizes[_i]);

    ck_assert_ptr_nonnull(arena_alloc(arena, 16));
    ck_assert(__asan_address_is_poisoned(memory + sizes[_i]));
    ck_assert(sizes[_i] == 0 || !__asan_address_is_poisoned(memory + sizes[_i] - 1));
    arena_free(arena);
}
END_TEST

START_TEST(what_was_cleared_is_forbidden_until_it_is_handed_out_again)
{
    struct arena *arena = arena_new(LIMIT);
    char *memory = arena_alloc(arena, 100);

    arena_clear(arena);
    ck_assert(__asan_address_is_poisoned(memory));
    ck_assert_ptr_eq(arena_alloc(arena, 50), memory);
    ck_assert(!__asan_address_is_poisoned(memory + 49));
    ck_assert(__asan_address_is_poisoned(memory + 50));
    arena_free(arena);
}
END_TEST

#endif

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, memory_is_zeroed_and_aligned_whatever_its_size, sizes);
    tcase_add_test(tests, a_cleared_arena_gives_zeroed_memory_again);
    tcase_add_test(tests, allocations_do_not_overlap);
    tcase_add_test(tests, text_is_copied_and_ends_with_nul);
    tcase_add_test(tests, formatted_text_may_be_long);
    tcase_add_test(tests, exactly_the_limit_may_be_used);
    tcase_add_test_raise_signal(tests, going_over_the_limit_aborts, SIGABRT);
    tcase_add_test_raise_signal(tests, an_array_whose_size_overflows_aborts, SIGABRT);
    tcase_add_test_raise_signal(tests, a_size_that_overflows_when_rounded_aborts, SIGABRT);
#ifdef SANITIZED
    ADD_TABLE_TEST(tests, a_byte_behind_an_allocation_is_forbidden, sizes);
    tcase_add_test(tests, what_was_cleared_is_forbidden_until_it_is_handed_out_again);
#endif
}

RUN_SUITE(arena, add_tests)
