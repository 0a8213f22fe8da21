/* Points of return of a unit of work: one message is undone, the others of the batch stay. */
#include "database.h"
#include "outbox.h"
#include "suite.h"
#include "thing.h"
#include "uow.h"

static const struct query *const queries[] = {&Q_thing_add, &Q_thing_rename, NULL};

static struct service *service;
static struct ctx *ctx;

static void open_all(void)
{
    database_open_common();
    database_run(THING_TABLE);
    service = database_service(queries, 2);
    ctx = ctx_new(service);
}

static void close_all(void)
{
    ctx_release(ctx);
    database_service_free(service);
    database_close();
}

static const struct event_type event_said = {"waybill.test.said.v1", "waybill.test", &thing_record, false};

static enum err three_messages(bool fail_softly)
{
    struct aggregate aggregate = {.id = "019aa8e2-0000-7000-8000-000000000001"};

    UNIT_OF_WORK(ctx, uow);
    for (int64_t i = 1; i <= 3; i++) {
        TRY(uow_savepoint(uow));
        SQL(uow, thing_add, .id = i, .name = "a");
        TRY(event_emit(uow, &event_said, &aggregate, &(struct thing){.id = i, .name = "a"}));
        task_add(uow, "say", "thing", arena_printf(ctx->arena, "k-%d", (int)i), "{}", 0);
        if (i == 2 && fail_softly)
            SQL(uow, thing_rename, .id = 77, .name = "c");
        else if (i == 2)
            SQL(uow, thing_add, .id = 1, .name = "b");
        if (uow_sync(uow) != ERR_NONE) {
            TRY(uow_rollback_to_savepoint(uow));
            aggregate.version = 1;
        }
    }
    return uow_commit(uow);
}

START_TEST(one_message_can_be_undone_without_losing_the_batch)
{
    for (int softly = 0; softly <= 1; softly++) {
        database_run("DELETE FROM thing; DELETE FROM outbox; DELETE FROM task");
        ck_assert_int_eq(three_messages(softly), ERR_NONE);
        ck_assert_str_eq(database_text("SELECT string_agg(id::text, ' ' ORDER BY id) FROM thing"), "1 3");
        ck_assert_str_eq(database_text("SELECT string_agg((body::json)->>'id', ' ' ORDER BY id) FROM outbox"), "1 3");
        ck_assert_str_eq(database_text("SELECT string_agg(key, ' ' ORDER BY key) FROM task"), "k-1 k-3");
        ck_assert_str_eq(database_text("SELECT string_agg(sequence::text, ' ' ORDER BY id) FROM outbox"), "1 2");
    }
}
END_TEST

static enum err lose_it(void)
{
    UNIT_OF_WORK(ctx, uow);
    SQL(uow, thing_add, .id = 1, .name = "a");
    TRY(uow_savepoint(uow));
    TRY(uow_sync(uow));
    database_run("SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
                 " WHERE application_name = current_schema()");
    ck_assert_int_eq(uow_rollback_to_savepoint(uow), ERR_BUSY);
    return uow_commit(uow);
}

START_TEST(a_lost_connection_is_busy_here_too)
{
    ck_assert_int_eq(lose_it(), ERR_BUSY);
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing"), 0);
    ck_assert_int_eq(three_messages(false), ERR_NONE);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, one_message_can_be_undone_without_losing_the_batch);
    tcase_add_test(tests, a_lost_connection_is_busy_here_too);
}

RUN_SUITE(savepoint, add_tests)
