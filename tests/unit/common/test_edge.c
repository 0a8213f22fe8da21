/*
 * test_edge - a gateway before a service: passing on, CORS, waiting.
 */
#include "gateway.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "edge_state.h"
#include "pause.h"

START_TEST(a_request_is_passed_on_with_what_it_says_and_who_asks)
{
    web_ask(&front, "POST", "/carts/a%20b/items?x=1&y=%C3%A9",
            GOOD "Content-Type: application/json\r\nIdempotency-Key: k1\r\nIf-Match: \"3\"\r\nPrefer: wait=1\r\n"
                 "Accept: application/json\r\nCookie: a=b\r\ntraceparent: 00-" TRACE "-00f067aa0ba902b7-01\r\n",
            "{\"a\":1}", &reply);

    ck_assert_int_eq(reply.status, 202);
    ck_assert_str_eq(reply.body, "POST /carts/a%20b/items?x=1&y=%C3%A9 role=1 shop=main cart=" CART
                                 " body={\"a\":1} application/json k1 \"3\" wait=1 application/json - -");
    ck_assert_str_eq(reply_header(&reply, "ETag", header), "\"5\"");
    ck_assert_str_eq(reply_header(&reply, "Location", header), "/orders/1");
    ck_assert_str_eq(reply_header(&reply, "Content-Type", header), "text/plain");
    ck_assert_ptr_nonnull(strstr(reply_header(&reply, "traceparent", header), TRACE));
}
END_TEST

START_TEST(a_path_can_be_another_inside)
{
    web_ask(&front, "GET", "/views/a%2Fb?x=1", GOOD, NULL, &reply);

    ck_assert_int_eq(reply.status, 202);
    ck_assert_ptr_nonnull(strstr(reply.body, "GET /inner/a%2Fb/view?x=1 "));
}
END_TEST

START_TEST(what_may_not_stand_in_a_url_harms_nobody)
{
    web_ask(&front, "GET", "/views/a\x01<\">", GOOD, NULL, &reply);
    ck_assert_int_eq(reply.status, 202);
    web_ask(&front, "GET", "/public?x=\x01#y", NULL, NULL, &reply);
    ck_assert_int_eq(reply.status, 202);
}
END_TEST

START_TEST(everybody_is_a_shopper_where_everybody_may_call)
{
    web_ask(&front, "GET", "/public", NULL, NULL, &reply);

    ck_assert_int_eq(reply.status, 202);
    ck_assert_ptr_nonnull(strstr(reply.body, "role=1 "));
}
END_TEST

START_TEST(without_good_credentials_nothing_is_passed_on)
{
    web_ask(&front, "GET", "/conflict", NULL, NULL, &reply);

    ck_assert_int_eq(reply.status, 401);
    ck_assert_ptr_nonnull(strstr(reply.body, "the token is not good"));
    ck_assert_int_eq(atomic_load(&served), 0);
}
END_TEST

START_TEST(a_services_problem_is_ours_with_one_correlation_id)
{
    web_ask(&front, "GET", "/conflict", GOOD, NULL, &reply);

    ck_assert_int_eq(reply.status, 409);
    ck_assert_str_eq(reply_header(&reply, "Content-Type", header), "application/problem+json");
    ck_assert_ptr_nonnull(strstr(reply.body, reply_header(&reply, "Waybill-Correlation-Id", header)));
    web_ask(&front, "GET", "/missing", GOOD, NULL, &reply);
    ck_assert_int_eq(reply.status, 404);
}
END_TEST

START_TEST(a_service_that_does_not_believe_us_is_our_fault)
{
    back.service.identity_keys =
        keys_read(back.arena, "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");

    web_ask(&front, "GET", "/conflict", GOOD, NULL, &reply);
    ck_assert_int_eq(reply.status, 503);
    ck_assert_str_eq(reply_header(&reply, "Retry-After", header), "1");
    web_ask(&front, "GET", "/nobody", GOOD, NULL, &reply);
    ck_assert_int_eq(reply.status, 202);
}
END_TEST

START_TEST(when_no_copy_can_be_reached_it_is_busy)
{
    start_again("WAYBILL_BACK_URL", "http://127.0.0.1:1,http://127.0.0.1:2");

    web_ask(&front, "POST", "/carts/1/items", GOOD, NULL, &reply);

    ck_assert_int_eq(reply.status, 503);
    ck_assert_str_eq(reply_header(&reply, "Retry-After", header), "1");
    ck_assert_ptr_nonnull(strstr(reply.body, "\"code\":\"busy\""));
    ck_assert_ptr_null(strstr(reply.body, "back"));
}
END_TEST

START_TEST(a_copy_that_is_gone_is_not_noticed)
{
    start_again("WAYBILL_BACK_URL", arena_printf(back.arena, "http://127.0.0.1:1,%s", web_url(&back)));

    for (int i = 0; i < 10; i++) {
        web_ask(&front, "POST", "/carts/1/items", GOOD, NULL, &reply);
        ck_assert_int_eq(reply.status, 202);
    }
    ck_assert_int_eq(atomic_load(&served), 10);
}
END_TEST

static const struct {
    const char *origins;
    const char *origin;
    const char *allowed;
} origins[] = {
    {"", "https://shop.example", ""},
    {"https://shop.example", "https://shop.example", "https://shop.example"},
    {"https://a.example, https://shop.example", "https://shop.example", "https://shop.example"},
    {"https://shop.example", "https://shop.example.evil", ""},
    {"https://shop.example", "null", ""},
    {"*", "https://any.example", "https://any.example"},
};

START_TEST(a_browser_may_call_from_listed_origins)
{
    start_again("WAYBILL_CORS_ORIGINS", origins[_i].origins);
    const char *line = arena_printf(front.arena, "Origin: %s\r\n", origins[_i].origin);

    web_ask(&front, "GET", "/public", line, NULL, &reply);
    ck_assert_int_eq(reply.status, 202);
    ck_assert_str_eq(reply_header(&reply, "Access-Control-Allow-Origin", header), origins[_i].allowed);
    ck_assert_str_eq(reply_header(&reply, "Access-Control-Allow-Credentials", header), "");

    line = arena_printf(front.arena,
                        "Origin: %s\r\nAccess-Control-Request-Method: POST\r\n"
                        "Access-Control-Request-Headers: authorization, idempotency-key\r\n",
                        origins[_i].origin);
    web_ask(&front, "OPTIONS", "/carts/1/items", line, NULL, &reply);
    ck_assert_int_eq(reply.status, 204);
    ck_assert_str_eq(reply_header(&reply, "Allow", header), "POST");
    ck_assert_str_eq(reply_header(&reply, "Access-Control-Allow-Origin", header), origins[_i].allowed);
    if (origins[_i].allowed[0] != '\0')
        ck_assert_str_eq(reply_header(&reply, "Access-Control-Allow-Headers", header),
                         "authorization, idempotency-key");
}
END_TEST

START_TEST(the_document_and_the_page_are_served)
{
    web_ask(&front, "GET", "/openapi.json", NULL, NULL, &reply);
    ck_assert_str_eq(reply.body, "{\"openapi\":\"3.1.0\"}");
    ck_assert_str_eq(reply_header(&reply, "Content-Security-Policy", header),
                     "default-src 'none'; frame-ancestors 'none'");
    web_ask(&front, "GET", "/", NULL, NULL, &reply);
    ck_assert_str_eq(reply.body, "<!doctype html><title>API</title>");
    ck_assert_str_eq(reply_header(&reply, "Content-Type", header), "text/html; charset=utf-8");
    ck_assert_str_eq(reply_header(&reply, "X-Frame-Options", header), "DENY");
    ck_assert_str_eq(reply_header(&reply, "Referrer-Policy", header), "no-referrer");
    web_ask(&back, "GET", "/openapi.json", NULL, NULL, &reply);
    ck_assert_int_eq(reply.status, 404);
}
END_TEST

static _Atomic bool answered;

static void *ask_news(void *of)
{
    web_ask(&front, "GET", "/news/" CART, GOOD "Prefer: wait=20\r\n", NULL, of);
    atomic_store(&answered, true);
    return NULL;
}

START_TEST(news_of_an_aggregate_wakes_who_waits_for_it)
{
    pthread_t thread;
    int64_t began = clock_monotonic();

    pthread_create(&thread, NULL, ask_news, &reply);
    while (atomic_load(&served) == 0)
        pause_ms(1);
    pause_ms(50);
    watch_wake(edge.state->watch, "0190b3c2-7a10-7000-8000-000000000009", NULL);
    pause_ms(50);
    ck_assert(!atomic_load(&answered));
    watch_wake(edge.state->watch, CART, NULL);
    pthread_join(thread, NULL);
    ck_assert_str_eq(reply.body, "news");
    ck_assert_int_lt(clock_monotonic() - began, CLOCK_SECOND);
}
END_TEST

static enum err look_then_wait(struct ctx *ctx)
{
    struct ticket *first = edge_watch(ctx, CART, NULL);
    struct ticket *second = edge_watch(ctx, CART, NULL);

    watch_wake(edge.state->watch, CART, NULL);
    ck_assert(edge_wait(first, 0));
    ck_assert(!edge_wait(first, 0));
    ck_assert(edge_wait(second, 10000));
    ck_assert(!edge_wait(second, 10));
    edge_unwatch(first);
    edge_unwatch(second);
    edge_unwatch(NULL);
    return ERR_NONE;
}

START_TEST(what_happens_before_the_wait_is_not_missed)
{
    struct request request = {.http = front.http};
    struct ctx ctx = {.arena = front.arena, .service = &front.service, .request = &request};

    ck_assert_int_eq(look_then_wait(&ctx), ERR_NONE);
}
END_TEST

START_TEST(stopping_ends_waits)
{
    pthread_t thread;

    pthread_create(&thread, NULL, ask_news, &reply);
    while (atomic_load(&served) == 0)
        pause_ms(1);
    int64_t began = clock_monotonic();
    http_stop(front.http, 5000);
    front.http = NULL;
    pthread_join(thread, NULL);
    ck_assert_int_lt(clock_monotonic() - began, 3 * CLOCK_SECOND);
    ck_assert_int_eq(reply.status, 200);
}
END_TEST

START_TEST(who_cannot_hear_looks_again_each_second)
{
    int64_t began = clock_monotonic();

    web_ask(&front, "GET", "/news/" CART, GOOD "Prefer: wait=20\r\n", NULL, &reply);
    ck_assert_str_eq(reply.body, "news");
    ck_assert_int_lt(clock_monotonic() - began, 3 * CLOCK_SECOND);
    ck_assert_int_ge(clock_monotonic() - began, CLOCK_SECOND);
}
END_TEST

static const struct {
    const char *name;
    const char *value;
} wrong[] = {
    {"WAYBILL_TRUSTED_PROXY", "everyone"},
    {"WAYBILL_BACK_URL", "back:80"},
};

START_TEST(a_wrong_setting_stops_the_start)
{
    struct service service = front.service;
    struct edge other = edge;

    setenv(wrong[_i].name, wrong[_i].value, 1);
    service.edge = &other;
    other.state = NULL;
    service.config = config_read(front.arena, NULL, settings);
    ck_assert(!edge_start(&service));
    ck_assert_ptr_null(other.state);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_request_is_passed_on_with_what_it_says_and_who_asks);
    tcase_add_test(tests, a_path_can_be_another_inside);
    tcase_add_test(tests, what_may_not_stand_in_a_url_harms_nobody);
    tcase_add_test(tests, everybody_is_a_shopper_where_everybody_may_call);
    tcase_add_test(tests, without_good_credentials_nothing_is_passed_on);
    tcase_add_test(tests, a_services_problem_is_ours_with_one_correlation_id);
    tcase_add_test(tests, a_service_that_does_not_believe_us_is_our_fault);
    tcase_add_test(tests, when_no_copy_can_be_reached_it_is_busy);
    tcase_add_test(tests, a_copy_that_is_gone_is_not_noticed);
    ADD_TABLE_TEST(tests, a_browser_may_call_from_listed_origins, origins);
    tcase_add_test(tests, the_document_and_the_page_are_served);
    tcase_add_test(tests, news_of_an_aggregate_wakes_who_waits_for_it);
    tcase_add_test(tests, what_happens_before_the_wait_is_not_missed);
    tcase_add_test(tests, stopping_ends_waits);
    tcase_add_test(tests, who_cannot_hear_looks_again_each_second);
    ADD_TABLE_TEST(tests, a_wrong_setting_stops_the_start, wrong);
}

RUN_SUITE(edge, add_tests)
