/* query: every type as a parameter and as a column, nulls, what does not fit, and plans. */
#include <signal.h>
#include <string.h>

#include "database.h"
#include "statements.h"
#include "suite.h"
#include "uow.h"

struct Q_all_types {
    const char *text, *uuid, *jsonb, *date;
    int64_t bigint, small, at;
    bool yes;
    struct texts texts;
    struct ints ints;
};
OWN_QUERY(all_types, QUERY_ONE,
          "SELECT $1::text AS text, $2::uuid AS uuid, $3::jsonb AS raw, $4::date AS date, $5::bigint AS number,"
          " $6::int AS small, $7::boolean AS yes, $8::timestamptz AS at, to_jsonb($9::text[]) AS texts,"
          " to_jsonb($10::bigint[])::text AS ints, 'blue' AS color, $3::jsonb AS inner, $3::jsonb AS maybe,"
          " CASE WHEN $3::jsonb IS NOT NULL THEN jsonb_build_array($3::jsonb, $3::jsonb) END AS list",
          PARAM(all_types, text, PARAM_TEXT), PARAM(all_types, uuid, PARAM_TEXT), PARAM(all_types, jsonb, PARAM_TEXT),
          PARAM(all_types, date, PARAM_TEXT), PARAM(all_types, bigint, PARAM_INT), PARAM(all_types, small, PARAM_INT),
          PARAM(all_types, yes, PARAM_BOOL), PARAM(all_types, at, PARAM_TIME), PARAM(all_types, texts, PARAM_TEXTS),
          PARAM(all_types, ints, PARAM_INTS));

struct Q_color {
    const char *name;
};
OWN_QUERY(color, QUERY_ONE, "SELECT $1::text AS color", PARAM(color, name, PARAM_TEXT));

NO_PARAMS(stray, QUERY_ONE, "SELECT 'red' AS color, 'x' AS stray");

/* How often a statement was planned, with its arguments and without. */
#define PLANS                                                                                                          \
    "SELECT custom_plans || ' anew, ' || generic_plans || ' kept' AS text FROM pg_prepared_statements"                 \
    " WHERE name = $1::text"

struct Q_plans {
    const char *name;
};
OWN_QUERY(plans, QUERY_ONE, PLANS, PARAM(plans, name, PARAM_TEXT));
static const struct query Q_plans_anew = {.name = "plans_anew",
                                          .sql = PLANS,
                                          .kind = QUERY_ONE,
                                          .params = plans_params,
                                          .param_count = COUNT(plans_params),
                                          .plans_each_time = true};

static const struct query *const queries[] = {&Q_all_types, &Q_color, &Q_stray, &Q_plans, &Q_plans_anew, NULL};

static struct service *service;
static struct ctx *ctx;

static void open_all(void)
{
    database_open_common();
    service = database_service(queries, 2);
    ctx = ctx_new(service);
}

static void close_all(void)
{
    ctx_release(ctx);
    database_service_free(service);
    database_close();
}

enum color { RED, BLUE };
static const char *const color_names[] = {"red", "blue", NULL};

struct inner {
    int64_t number;
    const char *word;
};
static RECORD(inner, FIELD(inner, number), FIELD(inner, word));

struct inners {
    struct inner *items;
    size_t count;
};

struct everything {
    const char *text, *uuid, *raw, *date, *ints;
    int64_t number, small, at, absent;
    bool yes;
    enum color color;
    struct texts texts;
    struct inner inner;
    struct inner *maybe;
    struct inners list;
};
static RECORD(everything, FIELD(everything, text), FIELD(everything, uuid), FIELD_AS_JSON(everything, raw),
              FIELD(everything, date), FIELD(everything, ints), FIELD(everything, number), FIELD(everything, small),
              FIELD_AS_TIME(everything, at), FIELD(everything, absent), FIELD(everything, yes),
              FIELD_AS_ENUM(everything, color, color_names), FIELD(everything, texts),
              FIELD_OBJECT_OF(everything, inner, inner_record), FIELD_OPTIONAL_OF(everything, maybe, inner_record),
              FIELD_LIST_OF(everything, list, inner_record));

static enum err read_everything(const struct Q_all_types *given, struct everything *ret)
{
    READING(ctx, uow);
    return query_one(uow, &Q_all_types, given, &everything_record, ret, NULL);
}

START_TEST(every_type_goes_there_and_back)
{
    const char *words[] = {"plain", "with \"quotes\", \\ and {braces}", "", "NULL", "\xc3\xa9\n", NULL};
    const int64_t numbers[] = {INT64_MIN, 0, INT64_MAX};
    struct everything row = {.absent = 7};
    struct Q_all_types given = {
        .text = "it's \\ text",
        .uuid = "019aa8e2-0000-7000-8000-000000000001",
        .jsonb = "{\"number\": 5, \"word\": \"five\", \"unknown\": null}",
        .date = "2026-02-28",
        .bigint = -9007199254740991,
        .small = -1,
        .yes = true,
        .at = INT64_C(1795330127123456),
        .texts = {words, 5},
        .ints = {numbers, 3},
    };

    ck_assert_int_eq(read_everything(&given, &row), ERR_NONE);
    ck_assert_str_eq(row.text, given.text);
    ck_assert_str_eq(row.uuid, given.uuid);
    ck_assert_str_eq(row.date, given.date);
    ck_assert_int_eq(row.number, given.bigint);
    ck_assert_int_eq(row.small, -1);
    ck_assert_int_eq(row.at, given.at);
    ck_assert_int_eq(row.absent, 0);
    ck_assert(row.yes);
    ck_assert_int_eq(row.color, BLUE);
    ck_assert_uint_eq(row.texts.count, 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq(row.texts.items[i], words[i]);
    ck_assert_str_eq(row.ints, "[-9223372036854775808, 0, 9223372036854775807]");
    ck_assert_int_eq(row.inner.number, 5);
    ck_assert_str_eq(row.maybe->word, "five");
    ck_assert_uint_eq(row.list.count, 2);
    ck_assert_str_eq(row.list.items[1].word, "five");
    ck_assert_ptr_nonnull(strstr(row.raw, "\"unknown\": null"));
}
END_TEST

START_TEST(nulls_are_zero)
{
    struct everything row = {.text = "x", .small = 9, .yes = true};

    ck_assert_int_eq(read_everything(&(struct Q_all_types){.texts = {NULL, 0}}, &row), ERR_NONE);
    ck_assert_ptr_null(row.text);
    ck_assert_ptr_null(row.raw);
    ck_assert_ptr_null(row.maybe);
    ck_assert_int_eq(row.at, 0);
    ck_assert(!row.yes);
    ck_assert_uint_eq(row.texts.count, 0);
    ck_assert_str_eq(row.ints, "[]");
}
END_TEST

static enum err read_color(const char *name, struct everything *ret)
{
    READING(ctx, uow);
    return SQL_ONE(uow, color, everything_record, ret, .name = name);
}

START_TEST(a_word_that_the_enum_lacks_is_an_internal_error_without_the_word)
{
    struct everything row;

    ck_assert_int_eq(read_color("red", &row), ERR_NONE);
    ck_assert_int_eq(read_color("green", &row), ERR_INTERNAL);
    ck_assert_str_eq(ctx->problem.detail, "column \"color\" of color holds what its record does not know");
}
END_TEST

START_TEST(a_value_that_is_no_uuid_is_not_shown)
{
    struct everything row;

    ck_assert_int_eq(read_everything(&(struct Q_all_types){.uuid = "secret"}, &row), ERR_INTERNAL);
    ck_assert_str_eq(ctx->problem.detail, "statement all_types failed with SQLSTATE 22P02");
}
END_TEST

static enum err read_plans(const struct query *query, const char *name, struct everything *ret)
{
    READING(ctx, uow);
    return query_one(uow, query, &(const struct Q_plans){.name = name}, &everything_record, ret, NULL);
}

START_TEST(a_plan_is_made_once_unless_the_statement_asks_for_more)
{
    struct everything row;

    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(read_plans(&Q_plans, "plans_anew", &row), ERR_NONE);
        ck_assert_int_eq(read_plans(&Q_plans_anew, "plans", &row), ERR_NONE);
    }
    ck_assert_str_eq(row.text, "0 anew, 8 kept");
    ck_assert_int_eq(read_plans(&Q_plans, "plans_anew", &row), ERR_NONE);
    ck_assert_str_eq(row.text, "8 anew, 0 kept");
}
END_TEST

static enum err read_stray(void)
{
    struct everything row;

    READING(ctx, uow);
    return SQL_ONE(uow, stray, everything_record, &row);
}

START_TEST(a_column_that_the_record_lacks_asserts)
{
    (void)!read_stray();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, every_type_goes_there_and_back);
    tcase_add_test(tests, nulls_are_zero);
    tcase_add_test(tests, a_word_that_the_enum_lacks_is_an_internal_error_without_the_word);
    tcase_add_test(tests, a_value_that_is_no_uuid_is_not_shown);
    tcase_add_test(tests, a_plan_is_made_once_unless_the_statement_asks_for_more);
    tcase_add_test_raise_signal(tests, a_column_that_the_record_lacks_asserts, SIGABRT);
}

RUN_SUITE(query, add_tests)
