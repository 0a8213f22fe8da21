/* idempotency: claim, answer, replay; another body; two at once; what is not kept. */
#include <pthread.h>
#include <string.h>

#include "common/queries.h"
#include "database.h"
#include "http.h"
#include "suite.h"
#include "work_item.h"

struct reply {
    const char *word;
    int64_t number;
};
static RECORD(reply, FIELD(reply, word), FIELD(reply, number));

static const struct route keyed = {.method = "POST", .path = "/x", .out = &reply_record, .status = 201};
static const struct route own_key = {.method = "POST", .path = "/x", .out = &reply_record, .flags = ROUTE_KEY_OWN};

static struct service *service;

/* One request, as the adapter would have made it. */
struct exchange {
    struct ctx *ctx;
    struct request request;
    struct reply reply;
};

static void exchange_open(struct exchange *exchange, const char *key, const char *fingerprint)
{
    *exchange = (struct exchange){.ctx = ctx_new(service)};
    exchange->request = (struct request){.route = &keyed,
                                         .method = "POST",
                                         .path = "/x",
                                         .query = "",
                                         .key = key,
                                         .fingerprint = fingerprint,
                                         .out = &exchange->reply};
    exchange->ctx->caller = (struct caller){.role = ROLE_STAFF, .name = "clerk-anna", .shop = "main"};
    exchange->ctx->request = &exchange->request;
}

static void exchange_close(struct exchange *exchange)
{
    ctx_release(exchange->ctx);
}

static void open_all(void)
{
    database_open_common();
    service = database_service(NULL, 4);
}

static void close_all(void)
{
    database_service_free(service);
    database_close();
}

/* A handler: one work item stands for what a command changes. */
static enum err handle(struct exchange *exchange, const char *subject)
{
    struct ctx *ctx = exchange->ctx;

    UNIT_OF_WORK(ctx, uow);
    work_item_open(uow, "test", subject, "x", "x", 0);
    exchange->reply = (struct reply){.word = "done \"it\"", .number = 7};
    http_header(ctx, "ETag", "\"7\"");
    return uow_commit(uow);
}

static int64_t items(void)
{
    return database_int("SELECT count(*) FROM work_item");
}

START_TEST(the_second_time_gives_the_first_answer_and_changes_nothing)
{
    struct exchange first, second;

    exchange_open(&first, "key-1", "f1");
    ck_assert_int_eq(handle(&first, "a"), ERR_NONE);
    ck_assert(first.request.rendered);
    ck_assert_int_eq(first.request.status, 201);

    exchange_open(&second, "key-1", "f1");
    ck_assert_int_eq(handle(&second, "b"), ERR_REPLAY);
    ck_assert_int_eq(items(), 1);
    ck_assert_int_eq(idempotency_replay(second.ctx), ERR_NONE);
    ck_assert_int_eq(second.request.status, 201);
    ck_assert_str_eq(second.request.content_type, "application/json");
    ck_assert_str_eq(second.request.answer, "{\"word\":\"done \\\"it\\\"\",\"number\":7}");
    ck_assert_uint_eq(second.request.answer_size, first.request.answer_size);
    ck_assert_uint_eq(second.request.header_count, 1);
    ck_assert_str_eq(second.request.headers[0].name, "ETag");
    ck_assert_str_eq(second.request.headers[0].value, "\"7\"");
    ck_assert(second.request.rendered);
    exchange_close(&first);
    exchange_close(&second);
}
END_TEST

START_TEST(another_body_is_invalid)
{
    struct exchange first, second;

    exchange_open(&first, "key-1", "f1");
    ck_assert_int_eq(handle(&first, "a"), ERR_NONE);
    exchange_open(&second, "key-1", "f2");
    ck_assert_int_eq(handle(&second, "b"), ERR_REPLAY);
    ck_assert_int_eq(idempotency_replay(second.ctx), ERR_INVALID);
    ck_assert_str_eq(second.ctx->problem.detail, "this Idempotency-Key was used for another request");
    exchange_close(&first);
    exchange_close(&second);
}
END_TEST

START_TEST(callers_have_their_own_keys)
{
    struct exchange first, second, third;

    exchange_open(&first, "key-1", "f1");
    ck_assert_int_eq(handle(&first, "a"), ERR_NONE);
    exchange_open(&second, "key-1", "f1");
    second.ctx->caller.name = "clerk-bert";
    ck_assert_int_eq(handle(&second, "b"), ERR_NONE);
    exchange_open(&third, "key-1", "f1");
    third.ctx->caller = (struct caller){.role = ROLE_SHOPPER, .cart_id = "c-1"};
    ck_assert_int_eq(handle(&third, "c"), ERR_NONE);
    ck_assert_str_eq(database_text("SELECT string_agg(caller, ' ' ORDER BY caller) FROM idempotency"),
                     "shopper:c-1 staff:clerk-anna staff:clerk-bert");
    exchange_close(&first);
    exchange_close(&second);
    exchange_close(&third);
}
END_TEST

START_TEST(without_a_key_or_with_a_handler_that_keeps_it_nothing_is_recorded)
{
    struct exchange none, own;

    exchange_open(&none, NULL, "f1");
    ck_assert_int_eq(handle(&none, "a"), ERR_NONE);
    exchange_open(&own, "key-1", "f1");
    own.request.route = &own_key;
    ck_assert_int_eq(handle(&own, "b"), ERR_NONE);
    ck_assert_int_eq(items(), 2);
    ck_assert_int_eq(database_int("SELECT count(*) FROM idempotency"), 0);
    exchange_close(&none);
    exchange_close(&own);
}
END_TEST

static enum err handle_badly(struct exchange *exchange)
{
    UNIT_OF_WORK(exchange->ctx, uow);
    work_item_open(uow, "test", "a", "x", "x", 0);
    TRY(uow_sync(uow));
    return FAIL(exchange->ctx, CONFLICT, "no");
}

START_TEST(an_error_frees_the_key)
{
    struct exchange exchange;

    exchange_open(&exchange, "key-1", "f1");
    ck_assert_int_eq(handle_badly(&exchange), ERR_CONFLICT);
    ck_assert_int_eq(database_int("SELECT count(*) FROM idempotency"), 0);
    ck_assert_int_eq(handle(&exchange, "b"), ERR_NONE);
    ck_assert_int_eq(database_int("SELECT count(*) FROM idempotency"), 1);
    exchange_close(&exchange);
}
END_TEST

START_TEST(answers_of_5xx_are_not_kept)
{
    struct exchange exchange;

    exchange_open(&exchange, "key-1", "f1");
    exchange.request.status = 503;
    ck_assert_int_eq(handle(&exchange, "a"), ERR_NONE);
    ck_assert_int_eq(database_int("SELECT count(*) FROM idempotency"), 0);
    exchange_close(&exchange);
}
END_TEST

static enum err do_nothing(struct exchange *exchange)
{
    UNIT_OF_WORK(exchange->ctx, uow);
    http_text(exchange->ctx, "text/plain", "nothing at all", 7);
    return uow_commit(uow);
}

START_TEST(a_command_that_changes_nothing_is_kept_too_and_text_as_it_was)
{
    struct exchange first, second;

    exchange_open(&first, "key-1", "f1");
    ck_assert_int_eq(do_nothing(&first), ERR_NONE);
    exchange_open(&second, "key-1", "f1");
    ck_assert_int_eq(do_nothing(&second), ERR_REPLAY);
    ck_assert_int_eq(idempotency_replay(second.ctx), ERR_NONE);
    ck_assert_str_eq(second.request.answer, "nothing");
    ck_assert_str_eq(second.request.content_type, "text/plain");
    exchange_close(&first);
    exchange_close(&second);
}
END_TEST

START_TEST(a_key_that_expired_in_between_is_busy)
{
    struct exchange exchange;

    exchange_open(&exchange, "key-1", "f1");
    ck_assert_int_eq(idempotency_replay(exchange.ctx), ERR_BUSY);
    exchange_close(&exchange);
}
END_TEST

struct racer {
    pthread_barrier_t *start;
    enum err err;
    char answer[64];
};

static void *race(void *of)
{
    struct racer *racer = of;
    struct exchange exchange;
    char subject[32];

    snprintf(subject, sizeof(subject), "%p", of);
    exchange_open(&exchange, "key-1", "f1");
    pthread_barrier_wait(racer->start);
    racer->err = handle(&exchange, subject);
    if (racer->err == ERR_REPLAY)
        ck_assert_int_eq(idempotency_replay(exchange.ctx), ERR_NONE);
    snprintf(racer->answer, sizeof(racer->answer), "%s", exchange.request.answer);
    exchange_close(&exchange);
    return NULL;
}

START_TEST(of_requests_at_once_with_one_key_one_acts_and_all_answer_the_same)
{
    pthread_t threads[4];
    struct racer racers[COUNT(threads)];
    pthread_barrier_t start;
    int acted = 0;

    for (int round = 0; round < 20; round++) {
        database_run("DELETE FROM idempotency; DELETE FROM work_item");
        pthread_barrier_init(&start, NULL, COUNT(threads));
        for (size_t i = 0; i < COUNT(threads); i++) {
            racers[i] = (struct racer){.start = &start};
            pthread_create(&threads[i], NULL, race, &racers[i]);
        }
        acted = 0;
        for (size_t i = 0; i < COUNT(threads); i++) {
            pthread_join(threads[i], NULL);
            acted += racers[i].err == ERR_NONE;
            ck_assert(racers[i].err == ERR_NONE || racers[i].err == ERR_REPLAY);
            ck_assert_str_eq(racers[i].answer, racers[0].answer);
        }
        pthread_barrier_destroy(&start);
        ck_assert_int_eq(acted, 1);
        ck_assert_int_eq(items(), 1);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, the_second_time_gives_the_first_answer_and_changes_nothing);
    tcase_add_test(tests, another_body_is_invalid);
    tcase_add_test(tests, callers_have_their_own_keys);
    tcase_add_test(tests, without_a_key_or_with_a_handler_that_keeps_it_nothing_is_recorded);
    tcase_add_test(tests, an_error_frees_the_key);
    tcase_add_test(tests, answers_of_5xx_are_not_kept);
    tcase_add_test(tests, a_command_that_changes_nothing_is_kept_too_and_text_as_it_was);
    tcase_add_test(tests, a_key_that_expired_in_between_is_busy);
    tcase_add_test(tests, of_requests_at_once_with_one_key_one_acts_and_all_answer_the_same);
}

RUN_SUITE(idempotency, add_tests)
