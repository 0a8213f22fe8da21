/* uow: when a transaction ends, and how: committed, given up, refused at the commit, cut off, in a block or not. */
#include <string.h>

#include "database.h"
#include "suite.h"
#include "thing.h"
#include "uow.h"

NO_PARAMS(session_id, QUERY_ONE, "SELECT pg_backend_pid() AS id");

struct Q_thing_claim {
    int64_t id;
};
OWN_QUERY(thing_claim, QUERY_EXEC, "INSERT INTO thing (id, name) VALUES ($1::bigint, 'claimed') ON CONFLICT DO NOTHING",
          PARAM(thing_claim, id, PARAM_INT));

static const struct query *const queries[] = {&Q_thing_add,   &Q_thing_get,  &Q_thing_rename,
                                              &Q_thing_claim, &Q_session_id, NULL};

static const bool blocks[] = {false, true};

static struct service *service;
static struct ctx *ctx;

static void open_all(void)
{
    database_open_common();
    database_run(THING_TABLE);
    database_run(
        "CREATE TABLE part (thing bigint CONSTRAINT part_thing REFERENCES thing DEFERRABLE INITIALLY DEFERRED)");
    service = database_service(queries, 2);
    ctx = ctx_new(service);
}

static void close_all(void)
{
    ctx_release(ctx);
    database_service_free(service);
    database_close();
}

static int64_t things(void)
{
    return database_int("SELECT count(*) FROM thing");
}

static int64_t free_things(void)
{
    return database_int("SELECT count(*) FROM (SELECT FROM thing FOR UPDATE SKIP LOCKED) AS free");
}

static int open_connections(void)
{
    int open, borrowed;

    pool_count(service->pool, &open, &borrowed);
    return open;
}

/* Adds a thing, in a block if that is wanted. */
static enum err begin(struct uow *uow, bool in_block)
{
    if (in_block)
        TRY(uow_savepoint(uow));
    SQL(uow, thing_add, .id = 1, .name = "a");
    return ERR_NONE;
}

/* -- committed or given up -- */

static enum err add_and_ask(bool in_block, bool commit)
{
    struct thing thing;

    UNIT_OF_WORK(ctx, uow);
    TRY(begin(uow, in_block));
    TRY(SQL_ONE(uow, thing_get, thing_record, &thing, .id = 2));
    ck_assert_int_eq(things(), 1);
    ck_assert_int_eq(free_things(), 0);
    SQL(uow, thing_rename, .id = 2, .name = "c");
    TRY(uow_sync(uow));
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing WHERE name = 'c'"), 0);
    ck_assert_int_eq(free_things(), 0);
    return commit ? uow_commit(uow) : ERR_NONE;
}

START_TEST(between_round_trips_nobody_sees_it_and_locks_are_held)
{
    database_run("INSERT INTO thing VALUES (2, 'b')");
    ck_assert_int_eq(add_and_ask(blocks[_i], true), ERR_NONE);
    ck_assert_int_eq(free_things(), 2);
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing WHERE name = 'c'"), 1);
}
END_TEST

START_TEST(what_is_given_up_after_an_answer_never_was)
{
    database_run("INSERT INTO thing VALUES (2, 'b')");
    ck_assert_int_eq(add_and_ask(blocks[_i], false), ERR_NONE);
    ck_assert_int_eq(free_things(), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing WHERE name = 'b'"), 1);
    ck_assert_int_eq(open_connections(), 1);
    ck_assert_int_eq(add_and_ask(blocks[_i], true), ERR_NONE);
    ck_assert_int_eq(open_connections(), 1);
}
END_TEST

static enum err add(bool in_block, bool commit)
{
    UNIT_OF_WORK(ctx, uow);
    TRY(begin(uow, in_block));
    return commit ? uow_commit(uow) : ERR_NONE;
}

START_TEST(what_goes_out_of_scope_never_was)
{
    ck_assert_int_eq(add(blocks[_i], false), ERR_NONE);
    ck_assert_int_eq(things(), 0);
    ck_assert_int_eq(add(blocks[_i], true), ERR_NONE);
    ck_assert_int_eq(things(), 1);
    ck_assert_int_eq(open_connections(), 1);
}
END_TEST

static enum err fail_after_an_answer(bool in_block)
{
    UNIT_OF_WORK(ctx, uow);
    TRY(begin(uow, in_block));
    TRY(uow_sync(uow));
    SQL(uow, thing_add, .id = 1, .name = "b");
    SQL(uow, thing_add, .id = 2, .name = "c");
    ck_assert_int_eq(uow_sync(uow), ERR_CONFLICT);
    SQL(uow, thing_add, .id = 3, .name = "d");
    return uow_commit(uow);
}

START_TEST(after_an_error_nothing_is_left_and_the_connection_is_good)
{
    ck_assert_int_eq(fail_after_an_answer(blocks[_i]), ERR_CONFLICT);
    ck_assert_int_eq(things(), 0);
    ck_assert_int_eq(add(blocks[_i], true), ERR_NONE);
    ck_assert_int_eq(things(), 1);
    ck_assert_int_eq(open_connections(), 1);
}
END_TEST

static enum err do_nothing(void)
{
    UNIT_OF_WORK(ctx, uow);
    return uow_commit(uow);
}

START_TEST(nothing_to_do_commits_too)
{
    ck_assert_int_eq(do_nothing(), ERR_NONE);
    ck_assert_int_eq(open_connections(), 1);
}
END_TEST

START_TEST(a_constraint_checked_at_commit_is_told)
{
    database_run("CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                 " INSERT INTO part VALUES (99); RETURN NEW; END $$;"
                 "CREATE TRIGGER spoil AFTER INSERT ON thing FOR EACH ROW EXECUTE FUNCTION spoil()");
    ck_assert_int_eq(add(blocks[_i], true), ERR_CONFLICT);
    ck_assert_str_eq(ctx->problem.detail, "what is stored does not allow it: part_thing");
    ck_assert_int_eq(things(), 0);
    database_run("DROP TRIGGER spoil ON thing");
    ck_assert_int_eq(add(blocks[_i], true), ERR_NONE);
    ck_assert_int_eq(open_connections(), 1);
}
END_TEST

/* -- claimed -- */

/* What is pipelined behind the claim is all there is, or an answer comes in between. */
static enum err claim(bool ask)
{
    UNIT_OF_WORK(ctx, uow);
    SQL_CLAIM(uow, ERR_REPLAY, thing_claim, .id = 7);
    SQL(uow, thing_add, .id = 8, .name = "behind");
    if (ask)
        TRY(uow_sync(uow));
    return uow_commit(uow);
}

START_TEST(who_comes_second_changes_nothing)
{
    ck_assert_int_eq(claim(blocks[_i]), ERR_NONE);
    database_run("DELETE FROM thing WHERE id = 8");
    ck_assert_int_eq(claim(blocks[_i]), ERR_REPLAY);
    ck_assert_int_eq(things(), 1);
    database_run("DELETE FROM thing");
    ck_assert_int_eq(claim(blocks[_i]), ERR_NONE);
    ck_assert_int_eq(things(), 2);
    ck_assert_int_eq(open_connections(), 1);
}
END_TEST

/* -- cut off -- */

static enum err lose_it(bool in_block, bool at_commit)
{
    struct thing session;
    char sql[128];

    UNIT_OF_WORK(ctx, uow);
    TRY(begin(uow, in_block));
    TRY(SQL_ONE(uow, session_id, thing_record, &session));
    snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%lld, 2000)", (long long)session.id);
    database_run(sql);
    if (!at_commit)
        return uow_sync(uow) == ERR_NONE ? SQL_ONE(uow, session_id, thing_record, &session) : ERR_INTERNAL;
    return uow_commit(uow);
}

START_TEST(a_lost_connection_is_busy_and_the_next_one_works)
{
    ck_assert_int_eq(lose_it(blocks[_i], false), ERR_BUSY);
    ck_assert_str_eq(ctx->problem.detail, "the connection to the database was lost");
    ck_assert_int_eq(lose_it(blocks[_i], true), ERR_BUSY);
    ck_assert_int_eq(things(), 0);
    ck_assert_int_eq(add(blocks[_i], true), ERR_NONE);
}
END_TEST

/* The server ends the session while it commits. Whether it did, it doesn't say. */
START_TEST(a_commit_that_is_cut_off_is_unknown)
{
    database_run("CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                 " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
                 "CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON thing DEFERRABLE INITIALLY DEFERRED"
                 " FOR EACH ROW EXECUTE FUNCTION cut()");
    ck_assert_int_eq(add(blocks[_i], true), ERR_BUSY);
    ck_assert_str_eq(ctx->problem.detail, "could not learn whether the change was committed");
    database_run("DROP TRIGGER cut ON thing");
    ck_assert_int_eq(add(blocks[_i], true), ERR_NONE);
    ck_assert_int_eq(things(), 1);
}
END_TEST

START_TEST(a_connection_lost_while_it_was_idle_costs_nothing)
{
    ck_assert_int_eq(add(false, true), ERR_NONE);
    database_run("DELETE FROM thing; SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
                 " WHERE application_name = current_schema()");
    ck_assert_int_eq(add(false, true), ERR_NONE);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    ADD_TABLE_TEST(tests, between_round_trips_nobody_sees_it_and_locks_are_held, blocks);
    ADD_TABLE_TEST(tests, what_is_given_up_after_an_answer_never_was, blocks);
    ADD_TABLE_TEST(tests, what_goes_out_of_scope_never_was, blocks);
    ADD_TABLE_TEST(tests, after_an_error_nothing_is_left_and_the_connection_is_good, blocks);
    tcase_add_test(tests, nothing_to_do_commits_too);
    ADD_TABLE_TEST(tests, a_constraint_checked_at_commit_is_told, blocks);
    ADD_TABLE_TEST(tests, who_comes_second_changes_nothing, blocks);
    ADD_TABLE_TEST(tests, a_lost_connection_is_busy_and_the_next_one_works, blocks);
    ADD_TABLE_TEST(tests, a_commit_that_is_cut_off_is_unknown, blocks);
    tcase_add_test(tests, a_connection_lost_while_it_was_idle_costs_nothing);
}

RUN_SUITE(commit, add_tests)
