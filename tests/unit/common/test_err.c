/*
 * Kinds of errors, and what is recorded about one.
 */
#include "err.h"

#include <signal.h>
#include <string.h>

#include "ctx.h"
#include "suite.h"

static struct ctx ctx;

static void set_up(void)
{
    memset(&ctx, 0, sizeof(ctx));
    ctx.arena = arena_new((size_t)1 << 20);
}

static void tear_down(void)
{
    arena_free(ctx.arena);
}

static const struct {
    enum err kind;
    int status;
    bool retryable;
    const char *name;
} kinds[] = {
    {ERR_MALFORMED, 400, false, "malformed"},
    {ERR_NOT_FOUND, 404, false, "not_found"},
    {ERR_CONFLICT, 409, false, "conflict"},
    {ERR_INVALID, 422, false, "invalid"},
    {ERR_BUSY, 503, true, "busy"},
    {ERR_AGAIN, 503, true, "again"},
    {ERR_ABSENT, 404, true, "absent"},
};

START_TEST(a_kind_carries_its_consequence)
{
    const struct err_kind *kind = err_kind(kinds[_i].kind);

    ck_assert_int_eq(kind->status, kinds[_i].status);
    ck_assert_int_eq(kind->retryable, kinds[_i].retryable);
    ck_assert_str_eq(kind->name, kinds[_i].name);
}
END_TEST

START_TEST(every_kind_has_a_row_and_a_name_of_its_own)
{
    for (enum err a = ERR_NONE + 1; a < ERR_COUNT_; a++) {
        ck_assert_str_ne(err_kind(a)->title, "");
        for (enum err b = a + 1; b < ERR_COUNT_; b++)
            ck_assert_str_ne(err_kind(a)->name, err_kind(b)->name);
    }
}
END_TEST

START_TEST(no_error_has_no_row)
{
    (void)err_kind(ERR_NONE);
}
END_TEST

START_TEST(a_failure_says_why)
{
    enum err err = FAIL(&ctx, CONFLICT, "could not reserve \"%s\": %d asked, %d left", "cup", 2, 1);

    ck_assert_int_eq(err, ERR_CONFLICT);
    ck_assert_int_eq(ctx.problem.kind, ERR_CONFLICT);
    ck_assert_str_eq(ctx.problem.detail, "could not reserve \"cup\": 2 asked, 1 left");
}
END_TEST

START_TEST(wrong_fields_are_listed_and_the_first_is_the_detail)
{
    ck_assert_int_eq(err_field(&ctx, "name", "is required"), ERR_INVALID);
    ck_assert_int_eq(err_field(&ctx, "count", "must be at least %d", 1), ERR_INVALID);

    ck_assert_int_eq(ctx.problem.kind, ERR_INVALID);
    ck_assert_str_eq(ctx.problem.detail, "name is required");
    ck_assert_uint_eq(ctx.problem.error_count, 2);
    ck_assert_str_eq(ctx.problem.errors[1].field, "count");
    ck_assert_str_eq(ctx.problem.errors[1].message, "must be at least 1");
}
END_TEST

START_TEST(the_list_of_wrong_fields_is_limited)
{
    for (int i = 0; i < FIELD_ERRORS_MAX + 5; i++)
        ck_assert_int_eq(err_field(&ctx, "name", "is wrong"), ERR_INVALID);
    ck_assert_uint_eq(ctx.problem.error_count, FIELD_ERRORS_MAX);
}
END_TEST

START_TEST(another_kind_of_failure_has_no_wrong_fields)
{
    (void)err_field(&ctx, "name", "is required");
    (void)FAIL(&ctx, BUSY, "try later");
    ck_assert_uint_eq(ctx.problem.error_count, 0);

    (void)err_field(&ctx, "age", "is required");
    ck_assert_uint_eq(ctx.problem.error_count, 1);
    ck_assert_str_eq(ctx.problem.detail, "age is required");
}
END_TEST

START_TEST(a_problem_can_be_forgotten)
{
    (void)err_field(&ctx, "name", "is required");
    ctx_clear_problem(&ctx);
    ck_assert_int_eq(ctx.problem.kind, ERR_NONE);
    ck_assert_ptr_null(ctx.problem.detail);
    ck_assert_uint_eq(ctx.problem.error_count, 0);
}
END_TEST

static enum err try_twice(enum err first, enum err second)
{
    TRY(first);
    TRY(second);
    return ERR_NONE;
}

START_TEST(try_returns_the_first_error)
{
    ck_assert_int_eq(try_twice(ERR_NONE, ERR_NONE), ERR_NONE);
    ck_assert_int_eq(try_twice(ERR_BUSY, ERR_CONFLICT), ERR_BUSY);
    ck_assert_int_eq(try_twice(ERR_NONE, ERR_CONFLICT), ERR_CONFLICT);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    ADD_TABLE_TEST(tests, a_kind_carries_its_consequence, kinds);
    tcase_add_test(tests, every_kind_has_a_row_and_a_name_of_its_own);
    tcase_add_test_raise_signal(tests, no_error_has_no_row, SIGABRT);
    tcase_add_test(tests, a_failure_says_why);
    tcase_add_test(tests, wrong_fields_are_listed_and_the_first_is_the_detail);
    tcase_add_test(tests, the_list_of_wrong_fields_is_limited);
    tcase_add_test(tests, another_kind_of_failure_has_no_wrong_fields);
    tcase_add_test(tests, a_problem_can_be_forgotten);
    tcase_add_test(tests, try_returns_the_first_error);
}

RUN_SUITE(err, add_tests)
