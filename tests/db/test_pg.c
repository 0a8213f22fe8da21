/* pg and pool: opening, lending, limits, lost connections, notifications. */
#include <libpq-fe.h>
#include <pthread.h>
#include <string.h>

#include "database.h"
#include "pg.h"
#include "suite.h"

static const struct query select_one = {.name = "select_one", .sql = "SELECT 1 AS one", .kind = QUERY_ONE};
static const struct query no_table = {.name = "no_table", .sql = "SELECT x FROM nowhere", .kind = QUERY_MAYBE};
static const struct query *const good[] = {&select_one, NULL};
static const struct query *const unfit[] = {&select_one, &no_table, NULL};

static struct service *service;
static struct ctx *ctx;

static void open_all(void)
{
    database_open_common();
    service = database_service(good, 2);
    ctx = ctx_new(service);
}

static void close_all(void)
{
    ctx_release(ctx);
    database_service_free(service);
    database_close();
}

static void assert_count(int open, int borrowed)
{
    int found_open, found_borrowed;

    pool_count(service->pool, &found_open, &found_borrowed);
    ck_assert_int_eq(found_open, open);
    ck_assert_int_eq(found_borrowed, borrowed);
}

START_TEST(connections_are_opened_when_needed_and_lent_again)
{
    struct connection *first, *second, *third;

    assert_count(0, 0);
    ck_assert_int_eq(pool_borrow(ctx, service->pool, &first), ERR_NONE);
    ck_assert_int_eq(pool_borrow(ctx, service->pool, &second), ERR_NONE);
    assert_count(2, 2);
    pool_return(service->pool, first);
    pool_return(service->pool, second);
    assert_count(2, 0);
    ck_assert_int_eq(pool_borrow(ctx, service->pool, &third), ERR_NONE);
    ck_assert_ptr_eq(third, second);
    pool_return(service->pool, third);
}
END_TEST

START_TEST(a_pool_that_is_used_up_is_busy)
{
    struct connection *first, *second, *third;

    ck_assert_int_eq(pool_borrow(ctx, service->pool, &first), ERR_NONE);
    ck_assert_int_eq(pool_borrow(ctx, service->pool, &second), ERR_NONE);
    ck_assert_int_eq(pool_borrow(ctx, service->pool, &third), ERR_BUSY);
    ck_assert_str_eq(ctx->problem.detail, "all connections to the database are in use");
    pool_return(service->pool, first);
    ck_assert_int_eq(pool_borrow(ctx, service->pool, &third), ERR_NONE);
    pool_return(service->pool, second);
    pool_return(service->pool, third);
}
END_TEST

static void *give_back_soon(void *connection)
{
    struct timespec pause = {.tv_nsec = 50 * 1000000};

    nanosleep(&pause, NULL);
    pool_return(service->pool, connection);
    return NULL;
}

START_TEST(a_borrower_waits_for_one_that_comes_back_in_time)
{
    struct connection *first, *second, *third;
    pthread_t thread;

    ck_assert_int_eq(pool_borrow(ctx, service->pool, &first), ERR_NONE);
    ck_assert_int_eq(pool_borrow(ctx, service->pool, &second), ERR_NONE);
    pthread_create(&thread, NULL, give_back_soon, first);
    ck_assert_int_eq(pool_borrow(ctx, service->pool, &third), ERR_NONE);
    pthread_join(thread, NULL);
    pool_return(service->pool, second);
    pool_return(service->pool, third);
}
END_TEST

START_TEST(idle_connections_that_the_server_ended_are_replaced)
{
    struct connection *first, *second;

    ck_assert_int_eq(pool_borrow(ctx, service->pool, &first), ERR_NONE);
    ck_assert_int_eq(pool_borrow(ctx, service->pool, &second), ERR_NONE);
    pool_return(service->pool, first);
    pool_return(service->pool, second);
    database_run("SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
                 " WHERE application_name = current_schema()");
    ck_assert_int_eq(pool_borrow(ctx, service->pool, &first), ERR_NONE);
    assert_count(1, 1);
    ck_assert_int_eq(connection_run(ctx, first, "SELECT 1"), ERR_NONE);
    pool_return(service->pool, first);
}
END_TEST

START_TEST(a_connection_returned_in_a_transaction_is_closed)
{
    struct connection *connection;

    ck_assert_int_eq(pool_borrow(ctx, service->pool, &connection), ERR_NONE);
    ck_assert_int_eq(connection_run(ctx, connection, "BEGIN"), ERR_NONE);
    pool_return(service->pool, connection);
    assert_count(0, 0);
}
END_TEST

START_TEST(a_database_that_is_not_there_is_busy)
{
    struct pool *pool = pool_new(&(struct pool_options){
        .conninfo = "host=127.0.0.1 port=1 user=nobody", .application = "waybill-test", .size = 1, .wait_ms = 100});
    struct connection *connection;

    ck_assert_int_eq(pool_borrow(ctx, pool, &connection), ERR_BUSY);
    ck_assert_str_eq(ctx->problem.detail, "could not reach the database");
    ck_assert_int_eq(pool_borrow(ctx, pool, &connection), ERR_BUSY);
    pool_free(pool);
}
END_TEST

START_TEST(an_address_that_cannot_be_parsed_is_busy_and_not_shown)
{
    struct pool *pool = pool_new(
        &(struct pool_options){.conninfo = "password='secret", .application = "waybill-test", .size = 1, .wait_ms = 1});
    struct connection *connection;

    ck_assert_int_eq(pool_borrow(ctx, pool, &connection), ERR_BUSY);
    ck_assert_ptr_null(strstr(ctx->problem.detail, "secret"));
    pool_free(pool);
}
END_TEST

START_TEST(a_statement_that_does_not_fit_the_schema_is_no_outage)
{
    const struct query *const *lists[] = {unfit, NULL};
    struct pool *pool = pool_new(&(struct pool_options){
        .conninfo = database_conninfo(), .application = "waybill-test", .queries = lists, .size = 1, .wait_ms = 100});
    struct connection *connection;

    ck_assert_int_eq(pool_borrow(ctx, pool, &connection), ERR_INTERNAL);
    ck_assert_str_eq(ctx->problem.detail, "the database's schema does not fit this program");
    pool_free(pool);
}
END_TEST

START_TEST(sessions_have_our_settings_unless_the_address_overrides_them)
{
    static const struct {
        const char *more;
        const char *setting;
        const char *expected;
    } cases[] = {
        {"", "statement_timeout", "5s"},
        {"", "lock_timeout", "2s"},
        {"", "TimeZone", "UTC"},
        {"", "plan_cache_mode", "force_generic_plan"},
        {" options='-c statement_timeout=7s'", "statement_timeout", "7s"},
        {" options='-c statement_timeout=7s'", "lock_timeout", "2s"},
    };
    char address[2048], sql[128];

    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(address, sizeof(address), "%s%s", database_conninfo(), cases[i].more);
        struct connection *connection =
            connection_open(&(struct pool_options){.conninfo = address, .application = "waybill-test"});
        ck_assert_ptr_nonnull(connection);
        snprintf(sql, sizeof(sql), "SELECT 1 / (current_setting('%s') = '%s')::int", cases[i].setting,
                 cases[i].expected);
        ck_assert_int_eq(connection_run(ctx, connection, sql), ERR_NONE);
        connection_close(connection);
    }
}
END_TEST

START_TEST(a_connection_that_is_not_admitted_is_not_used)
{
    static const struct query places[] = {{.sql = "SELECT true"}, {.sql = "SELECT false"}, {.sql = "SELECT no_such"}};
    const bool is_used[] = {true, false, false};

    for (size_t i = 0; i < COUNT(places); i++) {
        struct pool *pool = pool_new(&(struct pool_options){
            .conninfo = database_conninfo(), .application = "waybill-test", .admission = &places[i], .size = 1});
        struct connection *connection = NULL;
        ck_assert_int_eq(pool_borrow(ctx, pool, &connection), is_used[i] ? ERR_NONE : ERR_BUSY);
        pool_return(pool, connection);
        pool_free(pool);
    }
}
END_TEST

START_TEST(notifications_are_heard_and_dropped)
{
    struct connection *connection =
        connection_open(&(struct pool_options){.conninfo = database_conninfo(), .application = "waybill-test"});

    ck_assert_ptr_nonnull(connection);
    ck_assert_int_ge(connection_socket(connection), 0);
    ck_assert_int_eq(connection_run(ctx, connection, "LISTEN waybill_test"), ERR_NONE);
    ck_assert(!connection_take_notifications(connection));
    ck_assert_int_eq(connection_run(ctx, connection, "NOTIFY waybill_test"), ERR_NONE);
    ck_assert(connection_take_notifications(connection));
    ck_assert(!connection_take_notifications(connection));
    connection_close(connection);
}
END_TEST

START_TEST(a_session_command_that_fails_leaves_the_connection_usable)
{
    struct connection *connection;

    ck_assert_int_eq(pool_borrow(ctx, service->pool, &connection), ERR_NONE);
    ck_assert_int_eq(connection_run(ctx, connection, "SELECT 1 / 0"), ERR_INTERNAL);
    ck_assert_str_eq(ctx->problem.detail, "statement a session command failed with SQLSTATE 22012");
    ck_assert_int_eq(connection_run(ctx, connection, "SELECT 1"), ERR_NONE);
    pool_return(service->pool, connection);
    assert_count(1, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, connections_are_opened_when_needed_and_lent_again);
    tcase_add_test(tests, a_pool_that_is_used_up_is_busy);
    tcase_add_test(tests, a_borrower_waits_for_one_that_comes_back_in_time);
    tcase_add_test(tests, idle_connections_that_the_server_ended_are_replaced);
    tcase_add_test(tests, a_connection_returned_in_a_transaction_is_closed);
    tcase_add_test(tests, a_database_that_is_not_there_is_busy);
    tcase_add_test(tests, an_address_that_cannot_be_parsed_is_busy_and_not_shown);
    tcase_add_test(tests, a_statement_that_does_not_fit_the_schema_is_no_outage);
    tcase_add_test(tests, sessions_have_our_settings_unless_the_address_overrides_them);
    tcase_add_test(tests, a_connection_that_is_not_admitted_is_not_used);
    tcase_add_test(tests, notifications_are_heard_and_dropped);
    tcase_add_test(tests, a_session_command_that_fails_leaves_the_connection_usable);
}

RUN_SUITE(pg, add_tests)
