/*
 * Finding fields.
 */
#include "record.h"

#include <string.h>

#include "sample.h"
#include "suite.h"

START_TEST(a_field_is_found_by_its_whole_name)
{
    const struct field *field = record_field(&sample_record, "total!", 5);

    ck_assert_ptr_nonnull(field);
    ck_assert_str_eq(field->name, "total");
    ck_assert_int_eq(field->type, FIELD_MONEY);
    ck_assert_uint_eq(field->offset, offsetof(struct sample, total));
}
END_TEST

static const char *const strangers[] = {"", "tota", "totals", "Total", "nothing"};

START_TEST(another_name_finds_nothing)
{
    ck_assert_ptr_null(record_field(&sample_record, strangers[_i], strlen(strangers[_i])));
}
END_TEST

START_TEST(a_name_with_a_nul_finds_nothing)
{
    static const char name[] = "tags\0and what lies behind";

    ck_assert_ptr_null(record_field(&sample_record, name, sizeof(name) - 1));
    ck_assert_ptr_nonnull(record_field(&sample_record, name, 4));
}
END_TEST

START_TEST(types_come_from_the_struct)
{
    ck_assert_int_eq(record_field(&sample_record, "id", 2)->type, FIELD_TEXT);
    ck_assert_int_eq(record_field(&sample_record, "points", 6)->type, FIELD_INT);
    ck_assert_int_eq(record_field(&sample_record, "gift", 4)->type, FIELD_BOOL);
    ck_assert_int_eq(record_field(&sample_record, "tags", 4)->type, FIELD_TEXTS);
    ck_assert_uint_eq(sample_record.size, sizeof(struct sample));
    ck_assert_str_eq(sample_record.name, "sample");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_field_is_found_by_its_whole_name);
    ADD_TABLE_TEST(tests, another_name_finds_nothing, strangers);
    tcase_add_test(tests, a_name_with_a_nul_finds_nothing);
    tcase_add_test(tests, types_come_from_the_struct);
}

RUN_SUITE(record, add_tests)
