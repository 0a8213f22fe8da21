/* uow and query: order in the pipeline, questions, errors in the middle and what they mean, reading. */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "database.h"
#include "suite.h"
#include "thing.h"
#include "uow.h"

struct Q_thing_find {
    int64_t id;
};
OWN_QUERY(thing_find, QUERY_MAYBE, "SELECT id, name FROM thing WHERE id >= $1::bigint",
          PARAM(thing_find, id, PARAM_INT));

NO_PARAMS(thing_list, QUERY_MANY, "SELECT id, name FROM thing ORDER BY id LIMIT 100000");
NO_PARAMS(thing_clear, QUERY_EXEC, "DELETE FROM thing");
NO_PARAMS(nap, QUERY_EXEC, "SELECT pg_sleep(60)");
NO_PARAMS(short_patience, QUERY_EXEC, "SELECT set_config('lock_timeout', '50ms', true)");
NO_PARAMS(short_life, QUERY_EXEC, "SELECT set_config('statement_timeout', '50ms', true)");

static const struct query *const queries[] = {
    &Q_thing_add,   &Q_thing_rename, &Q_thing_get,  &Q_thing_find,     &Q_thing_list,
    &Q_thing_clear, &Q_nap,          &Q_short_life, &Q_short_patience, NULL,
};

static struct service *service;
static struct ctx *ctx;

static void open_all(void)
{
    database_open_common();
    database_run(THING_TABLE);
    service = database_service(queries, 4);
    ctx = ctx_new(service);
}

static void close_all(void)
{
    ctx_release(ctx);
    database_service_free(service);
    database_close();
}

/* -- in the pipeline -- */

static enum err add_things(int count)
{
    UNIT_OF_WORK(ctx, uow);
    for (int i = 1; i <= count; i++)
        SQL(uow, thing_add, .id = i, .name = "a");
    return uow_commit(uow);
}

START_TEST(thousands_of_statements_keep_their_order)
{
    ck_assert_int_eq(add_things(5000), ERR_NONE);
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing WHERE id = place"), 5000);
}
END_TEST

static enum err ask_in_between(void)
{
    struct things things;
    struct thing thing;
    int64_t count;
    bool found;

    UNIT_OF_WORK(ctx, uow);
    SQL(uow, thing_add, .id = 1, .name = "one");
    TRY(SQL_ONE(uow, thing_get, thing_record, &thing, .id = 1));
    ck_assert_str_eq(thing.name, "one");
    SQL(uow, thing_rename, .id = 1, .name = "uno");
    SQL(uow, thing_add, .id = 2, .name = "two");
    TRY(SQL_MANY(uow, thing_list, thing_record, &things));
    ck_assert_uint_eq(things.count, 2);
    ck_assert_str_eq(things.items[0].name, "uno");
    ck_assert_str_eq(things.items[1].name, "two");
    TRY(SQL_MAYBE(uow, thing_find, thing_record, &thing, &found, .id = 3));
    ck_assert(!found);
    TRY(SQL_MAYBE(uow, thing_find, thing_record, &thing, &found, .id = 2));
    ck_assert(found && thing.id == 2);
    TRY(SQL_COUNT(uow, thing_clear, &count));
    ck_assert_int_eq(count, 2);
    return uow_commit(uow);
}

START_TEST(questions_see_what_was_queued_before)
{
    ck_assert_int_eq(ask_in_between(), ERR_NONE);
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing"), 0);
}
END_TEST

static enum err ask_twice(void)
{
    struct things before, after;

    UNIT_OF_WORK(ctx, uow);
    SQL(uow, thing_add, .id = 1, .name = "one");
    SQL_ASK(uow, thing_list, thing_record, &before);
    SQL(uow, thing_add, .id = 2, .name = "two");
    SQL_ASK(uow, thing_list, thing_record, &after);
    TRY(uow_sync(uow));
    ck_assert_uint_eq(before.count, 1);
    ck_assert_uint_eq(after.count, 2);
    ck_assert_str_eq(after.items[1].name, "two");
    return uow_commit(uow);
}

START_TEST(several_questions_are_answered_at_once_each_in_its_place)
{
    ck_assert_int_eq(ask_twice(), ERR_NONE);
}
END_TEST

static enum err list_large(size_t *ret_count)
{
    struct things things;

    READING(ctx, uow);
    TRY(SQL_MANY(uow, thing_list, thing_record, &things));
    *ret_count = things.count;
    return ERR_NONE;
}

START_TEST(large_answers_arrive_whole)
{
    size_t count = 0;

    database_run("INSERT INTO thing (id, name) SELECT n, repeat('x', 9) FROM generate_series(1, 50000) n");
    ck_assert_int_eq(list_large(&count), ERR_NONE);
    ck_assert_uint_eq(count, 50000);
}
END_TEST

/* -- errors -- */

static enum err fail_in_the_middle(void)
{
    UNIT_OF_WORK(ctx, uow);
    SQL(uow, thing_add, .id = 1, .name = "a");
    SQL(uow, thing_add, .id = 1, .name = "b");
    SQL(uow, thing_add, .id = 2, .name = "c");
    ck_assert_int_eq(uow_sync(uow), ERR_CONFLICT);
    SQL(uow, thing_add, .id = 3, .name = "d");
    ck_assert_int_eq(uow_sync(uow), ERR_CONFLICT);
    return uow_commit(uow);
}

START_TEST(an_error_in_the_middle_voids_everything)
{
    ck_assert_int_eq(fail_in_the_middle(), ERR_CONFLICT);
    ck_assert_str_eq(ctx->problem.detail, "what is stored does not allow it: thing_pkey");
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing"), 0);
    ck_assert_int_eq(add_things(1), ERR_NONE);
}
END_TEST

static enum err add_named(int64_t id, const char *name)
{
    UNIT_OF_WORK(ctx, uow);
    SQL(uow, thing_add, .id = id, .name = name);
    return uow_commit(uow);
}

START_TEST(errors_in_the_pipeline_of_the_commit_are_told)
{
    static const struct constraint constraints[] = {
        {"other", ERR_INTERNAL, "not this one"},
        {"thing_name_short", ERR_INVALID, "the name is too long"},
        {NULL},
    };

    ck_assert_int_eq(add_named(1, "much too long"), ERR_CONFLICT);
    ck_assert_str_eq(ctx->problem.detail, "what is stored does not allow it: thing_name_short");
    service->constraints = constraints;
    ck_assert_int_eq(add_named(1, "much too long"), ERR_INVALID);
    ck_assert_str_eq(ctx->problem.detail, "the name is too long");
    ck_assert_int_eq(add_named(1, NULL), ERR_INTERNAL);
    ck_assert_str_eq(ctx->problem.detail, "statement thing_add failed with SQLSTATE 23502");
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing"), 0);
}
END_TEST

/* Renames the things from `id` on and adds another, all in the pipeline of the commit. */
static enum err rename_and_add(int64_t id, enum err otherwise)
{
    UNIT_OF_WORK(ctx, uow);
    SQL_OR(uow, otherwise, thing_rename, .id = id, .name = "new");
    SQL(uow, thing_add, .id = 100, .name = "more");
    return uow_commit(uow);
}

START_TEST(one_row_means_one_even_without_waiting_for_the_answer)
{
    database_run("INSERT INTO thing (id, name) VALUES (1, 'a'), (2, 'b')");
    ck_assert_int_eq(rename_and_add(3, ERR_CONFLICT), ERR_CONFLICT);
    ck_assert_str_eq(ctx->problem.detail, "it changed meanwhile, or is not there any more");
    ck_assert_int_eq(rename_and_add(1, ERR_CONFLICT), ERR_CONFLICT);
    ck_assert_int_eq(rename_and_add(3, ERR_NOT_FOUND), ERR_NOT_FOUND);
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing WHERE name IN ('a', 'b')"), 2);
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing"), 2);
    ck_assert_int_eq(rename_and_add(2, ERR_CONFLICT), ERR_NONE);
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing"), 3);
}
END_TEST

static enum err get_missing(void)
{
    struct thing thing;

    UNIT_OF_WORK(ctx, uow);
    SQL(uow, thing_add, .id = 1, .name = "a");
    ck_assert_int_eq(SQL_ONE(uow, thing_get, thing_record, &thing, .id = 2), ERR_NOT_FOUND);
    return uow_commit(uow);
}

START_TEST(a_missing_row_is_not_found_and_stays_so)
{
    ck_assert_int_eq(get_missing(), ERR_NOT_FOUND);
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing"), 0);
}
END_TEST

static enum err find_many(void)
{
    struct thing thing;
    bool found;

    READING(ctx, uow);
    return SQL_MAYBE(uow, thing_find, thing_record, &thing, &found, .id = 0);
}

START_TEST(two_rows_where_one_was_meant_are_a_bug)
{
    database_run("INSERT INTO thing (id, name) VALUES (1, 'a'), (2, 'b')");
    ck_assert_int_eq(find_many(), ERR_INTERNAL);
    ck_assert_str_eq(ctx->problem.detail, "thing_find gave more than one row");
}
END_TEST

static enum err lock_slowly(void)
{
    struct thing thing;

    UNIT_OF_WORK(ctx, uow);
    SQL(uow, short_patience);
    return SQL_ONE(uow, thing_get, thing_record, &thing, .id = 1);
}

static enum err run_slowly(void)
{
    UNIT_OF_WORK(ctx, uow);
    SQL(uow, short_life);
    SQL(uow, nap);
    return uow_commit(uow);
}

START_TEST(locks_and_statements_that_take_too_long_are_busy)
{
    database_run("INSERT INTO thing (id, name) VALUES (1, 'a')");
    database_run("BEGIN; SELECT 1 FROM thing FOR UPDATE");
    ck_assert_int_eq(lock_slowly(), ERR_BUSY);
    ck_assert_str_eq(ctx->problem.detail, "the database is too busy");
    database_run("ROLLBACK");
    ck_assert_int_eq(run_slowly(), ERR_BUSY);
}
END_TEST

struct two_locks {
    int64_t first, second;
    pthread_barrier_t *both;
    enum err err;
};

static enum err lock_both(struct ctx *of, const struct two_locks *locks)
{
    struct thing thing;

    UNIT_OF_WORK(of, uow);
    TRY(SQL_ONE(uow, thing_get, thing_record, &thing, .id = locks->first));
    pthread_barrier_wait(locks->both);
    TRY(SQL_ONE(uow, thing_get, thing_record, &thing, .id = locks->second));
    return uow_commit(uow);
}

static void *lock_in_thread(void *of)
{
    struct two_locks *locks = of;
    struct ctx *own = ctx_new(service);

    locks->err = lock_both(own, locks);
    ctx_release(own);
    return NULL;
}

START_TEST(the_loser_of_a_deadlock_may_try_again)
{
    pthread_t thread;
    pthread_barrier_t both;

    database_run("INSERT INTO thing (id, name) VALUES (1, 'a'), (2, 'b')");
    pthread_barrier_init(&both, NULL, 2);
    struct two_locks there = {1, 2, &both, ERR_NONE};
    struct two_locks here = {2, 1, &both, ERR_NONE};
    pthread_create(&thread, NULL, lock_in_thread, &there);
    lock_in_thread(&here);
    pthread_join(thread, NULL);
    ck_assert((here.err == ERR_AGAIN && there.err == ERR_NONE) || (here.err == ERR_NONE && there.err == ERR_AGAIN));
}
END_TEST

/* -- reading -- */

static enum err read_twice(void)
{
    struct thing thing;

    READING(ctx, uow);
    TRY(SQL_ONE(uow, thing_get, thing_record, &thing, .id = 1));
    database_run("UPDATE thing SET name = 'b' WHERE id = 1"); /* would wait for ever if a lock were held */
    TRY(SQL_ONE(uow, thing_get, thing_record, &thing, .id = 1));
    ck_assert_str_eq(thing.name, "b");
    return ERR_NONE;
}

START_TEST(reading_holds_no_transaction)
{
    database_run("INSERT INTO thing (id, name) VALUES (1, 'a'); SET statement_timeout = '2s'");
    ck_assert_int_eq(read_twice(), ERR_NONE);
}
END_TEST

static enum err commit_reading(void)
{
    READING(ctx, uow);
    return uow_commit(uow);
}

START_TEST(committing_a_reading_asserts)
{
    (void)!commit_reading();
}
END_TEST

static enum err open_inside(void)
{
    UNIT_OF_WORK(ctx, uow);
    return add_things(1);
}

START_TEST(a_second_unit_of_work_in_the_thread_asserts)
{
    (void)!open_inside();
}
END_TEST

static enum err one_after_the_other(void)
{
    UNIT_OF_WORK(ctx, uow);
    SQL(uow, thing_add, .id = 50, .name = "a");
    TRY(uow_commit(uow));
    return add_things(1);
}

START_TEST(after_the_commit_another_one_may_open)
{
    ck_assert_int_eq(one_after_the_other(), ERR_NONE);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, thousands_of_statements_keep_their_order);
    tcase_add_test(tests, questions_see_what_was_queued_before);
    tcase_add_test(tests, several_questions_are_answered_at_once_each_in_its_place);
    tcase_add_test(tests, large_answers_arrive_whole);
    tcase_add_test(tests, an_error_in_the_middle_voids_everything);
    tcase_add_test(tests, errors_in_the_pipeline_of_the_commit_are_told);
    tcase_add_test(tests, one_row_means_one_even_without_waiting_for_the_answer);
    tcase_add_test(tests, a_missing_row_is_not_found_and_stays_so);
    tcase_add_test(tests, two_rows_where_one_was_meant_are_a_bug);
    tcase_add_test(tests, locks_and_statements_that_take_too_long_are_busy);
    tcase_add_test(tests, the_loser_of_a_deadlock_may_try_again);
    tcase_add_test(tests, reading_holds_no_transaction);
    tcase_add_test(tests, after_the_commit_another_one_may_open);
    tcase_add_test_raise_signal(tests, committing_a_reading_asserts, SIGABRT);
    tcase_add_test_raise_signal(tests, a_second_unit_of_work_in_the_thread_asserts, SIGABRT);
}

RUN_SUITE(uow, add_tests)
