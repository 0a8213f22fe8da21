/*
 * Mails in their tables: what causes them, what became of them, and that it is told once and without holes.
 */
#include <string.h>

#include "deliver.h"
#include "letter.h"
#include "notification/queries.h"
#include "proto/order.h"
#include "suite.h"
#include "task.h"

#define ORDER "00000000-0000-7000-8000-000000000001"
#define CART "00000000-0000-7000-8000-000000000002"
#define EVENT "00000000-0000-7000-8000-000000000003"
#define FIRST "00000000-0000-7000-8000-000000000004"
#define SECOND "00000000-0000-7000-8000-000000000005"

extern const struct subscription notification_subscriptions[];
extern const struct task_kind notification_tasks[];

static const struct setting settings[] = {
    {"WAYBILL_MERCHANT_MAIL", SETTING_TEXT, "merchant@example.com", 0, 0, "merchant"},
    {"WAYBILL_BACKOFFICE_PUBLIC_URL", SETTING_TEXT, "https://desk.example", 0, 0, "desk"},
    {0},
};

static struct service *service;
static struct arena *arena;

static void open_all(void)
{
    arena = arena_new(1 << 20);
    service = deliver_open(notification_queries, notification_migrations, 2);
    service->config = config_read(arena, NULL, settings);
    ck_assert_ptr_nonnull(service->config);
}

static void close_all(void)
{
    deliver_close(service);
    arena_free(arena);
}

#define HEAR(type, ...)                                                                                                \
    deliver_well(service, notification_subscriptions, &type##_type, &(const struct type){__VA_ARGS__})

static void hear_order(void)
{
    HEAR(order_placed, .order_id = ORDER, .shop = "main", .number = "WB-1", .cart_id = CART, .intent = 1,
         .channel = "web", .locale = "en", .currency = "EUR", .placed_at = 1, .method = "bank_transfer",
         .capture = "instant",
         .totals = {.lines = {100, "EUR"}, .delivery = {0, "EUR"}, .tax = {0, "EUR"}, .total = {100, "EUR"}},
         .personal = {.email = "ada@example.com",
                      .billing = {.name = "Ada", .line1 = "1", .city = "Berlin", .country = "DE"}});
}

/* -- what became of mails -- */

static const struct letter letter = {.to = "ada@example.com",
                                     .subject = "Your order",
                                     .text = "Hello",
                                     .shop = "main",
                                     .event_id = EVENT,
                                     .template_name = "order_confirmation"};

static enum err record_in(struct ctx *ctx, const struct task_result *results, size_t count)
{
    UNIT_OF_WORK(ctx, uow);
    TRY(notification_tasks[0].record_all(uow, results, count));
    return uow_commit(uow);
}

/* What the mail server said to the first mail, and to a second one of the same order. */
static void record(enum task_outcome first, enum task_outcome second, int64_t attempt)
{
    const struct task tasks[] = {
        {.id = SECOND,
         .kind = "mail",
         .subject = ORDER,
         .key = EVENT "/2@waybill",
         .attempt = attempt,
         .correlation_id = "two"},
        {.id = FIRST,
         .kind = "mail",
         .subject = ORDER,
         .key = EVENT "/1@waybill",
         .attempt = attempt,
         .correlation_id = "one"},
    };
    const struct task_answer answers[] = {
        {.outcome = second, .detail = (void *)&letter, .why = "said two"},
        {.outcome = first, .detail = (void *)&letter, .why = "said one"},
    };
    const struct task_result results[] = {
        {&tasks[0], &answers[0]},
        {&tasks[1], &answers[1]},
    };
    struct ctx *ctx = ctx_new(service);

    ck_assert_int_eq(record_in(ctx, results, COUNT(results)), ERR_NONE);
    ctx_release(ctx);
}

static const char *rows(void)
{
    return database_text("SELECT string_agg(concat_ws(' ', message_id, state, attempts, version, why), ', '"
                         " ORDER BY message_id) FROM notification");
}

static const char *events(void)
{
    return database_text("SELECT string_agg(concat_ws(' ', right(key, 1), sequence, split_part(type, '.', 3),"
                         " correlation_id), ', ' ORDER BY key, id) FROM outbox");
}

START_TEST(an_order_makes_two_mails_and_a_status_that_asks_for_one_another)
{
    hear_order();
    HEAR(order_status_changed, .order_id = ORDER, .shop = "main", .number = "WB-1", .kernel = "open",
         .status = "Completed", .mail = "order_shipped");
    HEAR(order_status_changed, .order_id = ORDER, .shop = "main", .number = "WB-1", .kernel = "open",
         .status = "Completed");
    ck_assert_str_eq(database_text("SELECT string_agg(concat_ws(' ', body::json->>'to', body::json->>'template_name',"
                                   " body::json->>'shop', body::json->>'cart_id' IS NOT NULL), ', '"
                                   " ORDER BY body::json->>'template_name') FROM task WHERE subject = '" ORDER "'"),
                     "ada@example.com order_confirmation main t, ada@example.com order_shipped main t, "
                     "merchant@example.com order_to_merchant main f");
    ck_assert_int_eq(database_int("SELECT count(*) FROM notification"), 0);
}
END_TEST

START_TEST(what_was_sent_is_told_in_the_journey_that_caused_it)
{
    record(TASK_DONE, TASK_DONE, 1);
    ck_assert_str_eq(rows(), "1@waybill sent 1 1 said one, 2@waybill sent 1 1 said two");
    ck_assert_str_eq(events(), "4 1 sent one, 5 1 sent two");
    ck_assert_str_eq(database_text("SELECT concat_ws(' ', recipient, template, event_id, shop, subject_id)"
                                   " FROM notification WHERE id = '" FIRST "'"),
                     "ada@example.com order_confirmation " EVENT " main " ORDER);
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item"), 0);
}
END_TEST

START_TEST(what_stays_unanswered_is_known_and_not_told)
{
    record(TASK_UNKNOWN, TASK_DONE, 1);
    ck_assert_str_eq(rows(), "1@waybill unknown 1 0 said one, 2@waybill sent 1 1 said two");
    ck_assert_str_eq(events(), "5 1 sent two");
}
END_TEST

START_TEST(an_answer_after_an_unknown_one_counts)
{
    record(TASK_UNKNOWN, TASK_UNKNOWN, 1);
    record(TASK_UNKNOWN, TASK_REFUSED, 2);
    record(TASK_DONE, TASK_UNKNOWN, 3);
    ck_assert_str_eq(rows(), "1@waybill sent 3 1 said one, 2@waybill unknown 3 1 said two");
    ck_assert_str_eq(events(), "4 1 sent one, 5 1 failed two");
}
END_TEST

START_TEST(what_was_refused_needs_a_person_and_may_be_sent_again)
{
    record(TASK_REFUSED, TASK_DONE, 1);
    ck_assert_str_eq(events(), "4 1 failed one, 5 1 sent two");
    ck_assert_str_eq(database_text("SELECT concat_ws(' ', kind, subject, cause) FROM work_item"),
                     "mail_refused " ORDER " said one");
    record(TASK_DONE, TASK_DONE, 2);
    ck_assert_str_eq(rows(), "1@waybill sent 2 2 said one, 2@waybill sent 2 2 said two");
    ck_assert_str_eq(events(), "4 1 failed one, 4 2 sent one, 5 1 sent two, 5 2 sent two");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, an_order_makes_two_mails_and_a_status_that_asks_for_one_another);
    tcase_add_test(tests, what_was_sent_is_told_in_the_journey_that_caused_it);
    tcase_add_test(tests, what_stays_unanswered_is_known_and_not_told);
    tcase_add_test(tests, an_answer_after_an_unknown_one_counts);
    tcase_add_test(tests, what_was_refused_needs_a_person_and_may_be_sent_again);
}

RUN_SUITE(notification_mails, add_tests)
