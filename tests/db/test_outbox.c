/* outbox and work items: what an event's row holds, its order and version, limits; opening and closing work items. */
#include <string.h>

#include "common/queries.h"
#include "database.h"
#include "id.h"
#include "outbox.h"
#include "suite.h"
#include "work_item.h"

struct said {
    const char *word;
    const char *long_word;
};
static RECORD(said, FIELD(said, word), FIELD(said, long_word));

static const struct event_type said = {"waybill.test.said.v1", "waybill.test", &said_record, true};
static const struct event_type heard = {"waybill.test.heard.v1", "waybill.other", &said_record, false};

static const struct event_type stands = {
    .type = "waybill.test.stands.v1", .topic = "waybill.test.stands", .record = &said_record, .is_snapshot = true};

static struct service *service;
static struct ctx *ctx;

static void open_all(void)
{
    database_open_common();
    service = database_service(NULL, 2);
    ctx = ctx_new(service);
}

static void close_all(void)
{
    ctx_release(ctx);
    database_service_free(service);
    database_close();
}

static enum err say(struct aggregate *aggregate, int times)
{
    UNIT_OF_WORK(ctx, uow);
    for (int i = 0; i < times; i++)
        TRY(event_emit(uow, i % 2 == 0 ? &said : &heard, aggregate,
                       &(struct said){.word = "a \"b\" \\ {c}, \xc3\xa9"}));
    return uow_commit(uow);
}

START_TEST(an_event_becomes_a_row)
{
    struct aggregate aggregate = {.id = "019aa8e2-0000-7000-8000-000000000001", .version = 4};

    trace_start(ctx, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "journey", "cause");
    ck_assert_int_eq(say(&aggregate, 1), ERR_NONE);
    ck_assert_int_eq(aggregate.version, 5);
    ck_assert_str_eq(database_text("SELECT concat_ws('|', topic, key, sequence, type, correlation_id, causation_id)"
                                   " FROM outbox"),
                     "waybill.test|019aa8e2-0000-7000-8000-000000000001|5|waybill.test.said.v1|journey|cause");
    ck_assert_str_eq(database_text("SELECT body FROM outbox"), "{\"word\":\"a \\\"b\\\" \\\\ {c}, \xc3\xa9\"}");
    ck_assert(id_is_valid(database_text("SELECT event_id FROM outbox")));
    ck_assert_str_eq(database_text("SELECT traceparent FROM outbox"), ctx->trace.traceparent);
}
END_TEST

START_TEST(ids_follow_the_order_of_emission_and_versions_are_dense)
{
    struct aggregate aggregate = {.id = "019aa8e2-0000-7000-8000-000000000001"};

    ck_assert_int_eq(say(&aggregate, OUTBOX_EVENTS_MAX), ERR_NONE);
    ck_assert_int_eq(say(&aggregate, 10), ERR_NONE);
    ck_assert_int_eq(aggregate.version, OUTBOX_EVENTS_MAX + 10);
    ck_assert_int_eq(
        database_int("SELECT count(*) FROM (SELECT sequence, row_number() OVER (ORDER BY id) AS n FROM outbox)"
                     " AS o WHERE sequence = n"),
        OUTBOX_EVENTS_MAX + 10);
    ck_assert_int_eq(database_int("SELECT count(DISTINCT event_id) FROM outbox"), OUTBOX_EVENTS_MAX + 10);
}
END_TEST

static enum err say_and_snap(struct aggregate *aggregate)
{
    const struct said word = {.word = "so"};

    UNIT_OF_WORK(ctx, uow);
    TRY(event_emit(uow, &said, aggregate, &word));
    TRY(event_emit(uow, &stands, aggregate, &word));
    TRY(event_emit(uow, &said, aggregate, &word));
    TRY(event_emit(uow, &stands, aggregate, &word));
    return uow_commit(uow);
}

START_TEST(a_snapshot_carries_the_version_without_raising_it)
{
    struct aggregate aggregate = {.id = "019aa8e2-0000-7000-8000-000000000001", .version = 6};

    ck_assert_int_eq(say_and_snap(&aggregate), ERR_NONE);

    ck_assert_int_eq(aggregate.version, 8);
    ck_assert_str_eq(database_text("SELECT string_agg(sequence::text, ' ' ORDER BY id) FROM outbox"), "7 7 8 8");
}
END_TEST

START_TEST(too_many_events_are_refused)
{
    struct aggregate aggregate = {.id = "019aa8e2-0000-7000-8000-000000000001"};

    ck_assert_int_eq(say(&aggregate, OUTBOX_EVENTS_MAX + 1), ERR_INTERNAL);
    ck_assert_str_eq(ctx->problem.detail, "cannot emit more than 2000 events at once");
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox"), 0);
}
END_TEST

static enum err say_much(size_t size)
{
    struct aggregate aggregate = {.id = "019aa8e2-0000-7000-8000-000000000001"};
    char *much = arena_alloc(ctx->arena, size + 1);

    memset(much, 'x', size);
    UNIT_OF_WORK(ctx, uow);
    TRY(event_emit(uow, &said, &aggregate, &(struct said){.long_word = much}));
    return uow_commit(uow);
}

START_TEST(a_body_may_be_large_but_not_too_large)
{
    ck_assert_int_eq(say_much(EVENT_BODY_MAX - 100), ERR_NONE);
    ck_assert_int_eq(say_much(EVENT_BODY_MAX), ERR_INTERNAL);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox"), 1);
}
END_TEST

static enum err say_and_forget(void)
{
    struct aggregate aggregate = {.id = "019aa8e2-0000-7000-8000-000000000001"};

    UNIT_OF_WORK(ctx, uow);
    return event_emit(uow, &said, &aggregate, &(struct said){.word = "a"});
}

START_TEST(what_is_not_committed_is_not_told)
{
    ck_assert_int_eq(say_and_forget(), ERR_NONE);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox"), 0);
}
END_TEST

static enum err ask_for_help(const char *cause)
{
    UNIT_OF_WORK(ctx, uow);
    work_item_open(uow, "refund", "o-1", cause, "retry close", 60000);
    return uow_commit(uow);
}

static enum err help(const char *by)
{
    UNIT_OF_WORK(ctx, uow);
    work_item_close(uow, "refund", "o-1", by, "done by hand");
    return uow_commit(uow);
}

START_TEST(one_work_item_of_a_kind_and_subject_is_open_at_a_time)
{
    ck_assert_int_eq(help("nobody"), ERR_NONE);
    ck_assert_int_eq(ask_for_help("first"), ERR_NONE);
    ck_assert_int_eq(ask_for_help("second"), ERR_NONE);
    ck_assert_str_eq(database_text("SELECT string_agg(cause, ' ') FROM work_item"), "first");
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item WHERE due_at = created_at + interval '1 minute'"), 1);
    ck_assert_int_eq(help("clerk-anna"), ERR_NONE);
    ck_assert_str_eq(database_text("SELECT closed_by || ' ' || outcome FROM work_item"), "clerk-anna done by hand");
    ck_assert_int_eq(ask_for_help("third"), ERR_NONE);
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item"), 2);
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item WHERE closed_at IS NULL"), 1);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, an_event_becomes_a_row);
    tcase_add_test(tests, ids_follow_the_order_of_emission_and_versions_are_dense);
    tcase_add_test(tests, a_snapshot_carries_the_version_without_raising_it);
    tcase_add_test(tests, too_many_events_are_refused);
    tcase_add_test(tests, a_body_may_be_large_but_not_too_large);
    tcase_add_test(tests, what_is_not_committed_is_not_told);
    tcase_add_test(tests, one_work_item_of_a_kind_and_subject_is_open_at_a_time);
}

RUN_SUITE(outbox, add_tests)
