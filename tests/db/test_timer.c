/* timer: runs again while more is due, survives failures, stops; and the housekeeping of the common tables. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "clock.h"
#include "common/queries.h"
#include "database.h"
#include "metrics.h"
#include "suite.h"
#include "timer.h"
#include "work_item.h"

static struct service *service;
static atomic_int runs, failures;

static void open_all(void)
{
    database_open_common();
    service = database_service(NULL, 2);
}

static void close_all(void)
{
    database_service_free(service);
    database_close();
}

/* Opens one work item a run, and says that more is due until there are three. */
static enum err open_three(struct uow *uow, bool *ret_more)
{
    int run = atomic_fetch_add(&runs, 1) + 1;

    work_item_open(uow, "timer", arena_printf(uow->ctx->arena, "%d", run), "x", "x", 0);
    *ret_more = run < 3;
    return uow_commit(uow);
}

/* Fails the first two times, after it changed something. */
static enum err fail_twice(struct uow *uow, bool *ret_more)
{
    *ret_more = true;
    work_item_open(uow, "failing", "x", "x", "x", 0);
    if (atomic_fetch_add(&failures, 1) < 2)
        return FAIL(uow->ctx, BUSY, "not now");
    *ret_more = false;
    return uow_commit(uow);
}

START_TEST(a_timer_runs_again_at_once_while_more_is_due)
{
    static const struct timer own[] = {{"three", 1000, open_three}, {NULL}};
    struct timers *timers = timers_start(service, own);

    database_await("SELECT count(*) FROM work_item", 3);
    timers_stop(timers);
    ck_assert_int_eq(atomic_load(&runs), 3);
    ck_assert_int_lt(database_int("SELECT extract(epoch FROM max(created_at) - min(created_at)) * 1000 FROM work_item"),
                     1000);
}
END_TEST

START_TEST(a_run_that_fails_changes_nothing_and_comes_again)
{
    static const struct timer own[] = {{"failing", 30, fail_twice}, {NULL}};
    struct timers *timers = timers_start(service, own);

    database_await("SELECT count(*) FROM work_item", 1);
    timers_stop(timers);
    ck_assert_int_ge(atomic_load(&failures), 3);
}
END_TEST

START_TEST(stopping_does_not_wait_for_the_next_run)
{
    static const struct timer own[] = {{"three", 3600 * 1000, open_three}, {NULL}};
    int64_t began = clock_monotonic();

    timers_stop(timers_start(service, own));
    timers_stop(timers_start(service, NULL));
    timers_stop(NULL);
    ck_assert_int_lt(clock_monotonic() - began, 10 * CLOCK_SECOND);
    ck_assert_int_le(atomic_load(&runs), 3);
}
END_TEST

/* -- housekeeping -- */

static enum err run_once(struct ctx *ctx, const char *name, bool *ret_more)
{
    const struct timer *timer = common_timers;

    while (strcmp(timer->name, name) != 0)
        timer++;
    UNIT_OF_WORK(ctx, uow);
    return timer->run(uow, ret_more);
}

/* Runs a common timer until nothing more is due; returns how often it ran. */
static int run_common(const char *name)
{
    bool more = true;
    int times = 0;

    for (; more; times++) {
        struct ctx *ctx = ctx_new(service);
        ck_assert_int_eq(run_once(ctx, name, &more), ERR_NONE);
        ctx_release(ctx);
    }
    return times;
}

START_TEST(old_idempotency_keys_go_in_chunks)
{
    database_run("INSERT INTO idempotency (caller, key, fingerprint, created_at)"
                 " SELECT 'c', n::text, 'f', now() - interval '25 hours' FROM generate_series(1, 2500) n");
    database_run("INSERT INTO idempotency (caller, key, fingerprint, created_at)"
                 " VALUES ('c', 'young', 'f', now() - interval '23 hours')");
    ck_assert_int_eq(run_common("idempotency_expire"), 3);
    ck_assert_str_eq(database_text("SELECT string_agg(key, ' ') FROM idempotency"), "young");
}
END_TEST

static void check_metrics(const char *lines[])
{
    struct ctx *ctx = ctx_new(service);
    struct buf buf;

    buf_init(&buf, ctx->arena, 100000);
    metrics_write(&buf);
    for (; *lines != NULL; lines++)
        ck_assert_msg(strstr(buf.data, arena_printf(ctx->arena, "\n%s\n", *lines)) != NULL, "no %s in:\n%s", *lines,
                      buf.data);
    ctx_release(ctx);
}

START_TEST(what_is_to_be_done_is_counted_by_kind)
{
    database_run("INSERT INTO task (id, kind, subject, key, body, state, due_at, lease_until)"
                 " SELECT gen_random_uuid(), kind, 's', n::text, '', state, now() + due * interval '1 s',"
                 "        now() + lease * interval '1 s'"
                 "   FROM (VALUES (1, 'mail', 'due', -30, NULL), (2, 'mail', 'due', -90, NULL),"
                 "                (3, 'mail', 'due', 90, NULL), (4, 'mail', 'done', -900, NULL),"
                 "                (5, 'call', 'running', -900, -20), (6, 'call', 'running', -900, 20))"
                 "        AS t (n, kind, state, due, lease)");
    database_run("INSERT INTO work_item (id, kind, subject, cause, actions, due_at, closed_at)"
                 " SELECT gen_random_uuid(), kind, n::text, '', '', now() + due * interval '1 s', closed::timestamptz"
                 "   FROM (VALUES (1, 'a', -5, NULL), (2, 'a', 5, NULL), (3, 'b', 5, NULL), (4, 'b', -5, 'yesterday'))"
                 "        AS t (n, kind, due, closed)");
    ck_assert_int_eq(run_common("backlog"), 1);
    check_metrics((const char *[]){
        "waybill_tasks_due{kind=\"mail\"} 2", "waybill_tasks_due{kind=\"call\"} 1",
        "waybill_tasks_oldest_seconds{kind=\"mail\"} 90", "waybill_tasks_oldest_seconds{kind=\"call\"} 20",
        "waybill_work_items_open{kind=\"a\"} 2", "waybill_work_items_open{kind=\"b\"} 1",
        "waybill_work_items_late{kind=\"a\"} 1", "waybill_work_items_late{kind=\"b\"} 0", NULL});

    database_run("UPDATE task SET state = 'done'; UPDATE work_item SET closed_at = now()");
    ck_assert_int_eq(run_common("backlog"), 1);
    check_metrics(
        (const char *[]){"waybill_tasks_due{kind=\"mail\"} 0", "waybill_tasks_oldest_seconds{kind=\"mail\"} 0",
                         "waybill_work_items_open{kind=\"a\"} 0", "waybill_work_items_late{kind=\"a\"} 0", NULL});
}
END_TEST

START_TEST(old_tasks_go_when_they_are_over)
{
    database_run(
        "INSERT INTO task (id, kind, subject, key, body, state, due_at, updated_at)"
        " SELECT gen_random_uuid(), 'k', 's', state || age, '{}', state, now(), now() - age * interval '1 day'"
        "   FROM unnest('{due,running,done,refused,cancelled}'::text[]) AS state, unnest('{6,8}'::int[]) AS age");
    ck_assert_int_eq(run_common("task_expire"), 1);
    ck_assert_str_eq(database_text("SELECT string_agg(key, ' ' ORDER BY key) FROM task"),
                     "cancelled6 done6 due6 due8 refused6 running6 running8");
}
END_TEST

START_TEST(the_inbox_is_kept_for_two_months)
{
    database_run("INSERT INTO inbox VALUES ('erp', 'old', now() - interval '61 days'),"
                 " ('erp', 'young', now() - interval '59 days')");
    run_common("inbox_expire");
    ck_assert_str_eq(database_text("SELECT string_agg(event_id, ' ') FROM inbox"), "young");
}
END_TEST

static void add_history(int id, const char *when)
{
    char sql[256];

    snprintf(sql, sizeof(sql),
             "INSERT INTO outbox_history VALUES (%d, gen_random_uuid(), 't', 'k', 1, 'y', '', '', '', '{}', %s)", id,
             when);
    database_run(sql);
}

START_TEST(the_history_has_partitions_ahead_and_none_that_are_old)
{
    add_history(1, "now()"); /* before there is a partition: rests in the default one */
    add_history(2, "now() - interval '9 days'");
    database_run("CREATE TABLE outbox_history_y2020m01d01 PARTITION OF outbox_history"
                 " FOR VALUES FROM ('2020-01-01Z') TO ('2020-01-02Z')");
    add_history(3, "'2020-01-01T12:00Z'");
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(run_common("outbox_history"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM pg_inherits WHERE inhparent = 'outbox_history'::regclass"), 4);
    ck_assert_str_eq(database_text("SELECT string_agg(id::text, ' ') FROM outbox_history"), "1");
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox_history WHERE tableoid::regclass::text ="
                                  " to_char(now() AT TIME ZONE 'UTC', '\"outbox_history_y\"YYYY\"m\"MM\"d\"DD')"),
                     1);
    add_history(4, "now() + interval '2 days'");
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox_history_rest"), 0);
}
END_TEST

static void *keep_history(void *of)
{
    *(int *)of = run_common("outbox_history");
    return NULL;
}

START_TEST(what_a_relay_adds_meanwhile_is_waited_for_and_moved)
{
    pthread_t thread;
    int result = 0;

    database_run("BEGIN");
    add_history(1, "now()");
    ck_assert_int_eq(pthread_create(&thread, NULL, keep_history, &result), 0);
    database_await("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))",
                   1);
    database_run("COMMIT");
    pthread_join(thread, NULL);
    ck_assert_int_eq(result, 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox_history"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox_history_rest"), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_timer_runs_again_at_once_while_more_is_due);
    tcase_add_test(tests, a_run_that_fails_changes_nothing_and_comes_again);
    tcase_add_test(tests, stopping_does_not_wait_for_the_next_run);
    tcase_add_test(tests, old_idempotency_keys_go_in_chunks);
    tcase_add_test(tests, what_is_to_be_done_is_counted_by_kind);
    tcase_add_test(tests, old_tasks_go_when_they_are_over);
    tcase_add_test(tests, the_inbox_is_kept_for_two_months);
    tcase_add_test(tests, the_history_has_partitions_ahead_and_none_that_are_old);
    tcase_add_test(tests, what_a_relay_adds_meanwhile_is_waited_for_and_moved);
}

RUN_SUITE(timer, add_tests)
