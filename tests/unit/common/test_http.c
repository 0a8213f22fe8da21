/*
 * test_http - the adapter on a real socket: sizes, keep-alive, streams, stopping.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "suite.h"
#include "web.h"

#define SMALL_MAX 100

static _Atomic int slow_running;
static _Atomic int released;

static void pause_ms(int ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

static enum err echo(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    size_t size;
    const char *body = request_body(ctx, &size);

    http_text(ctx, "text/plain", arena_copy(ctx->arena, body, size), size);
    return ERR_NONE;
}

static enum err sleep_then_answer(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    atomic_fetch_add(&slow_running, 1);
    pause_ms(400);
    http_text(ctx, "text/plain", http_is_stopping(ctx) ? "stopping" : "slow", http_is_stopping(ctx) ? 8 : 4);
    return ERR_NONE;
}

/* Tells three numbers, with a heart-beat between, then ends. */
static bool count_up(struct ctx *ctx, struct buf *buf, void *state)
{
    int *at = state;

    if (buf == NULL) {
        atomic_fetch_add(&released, 1);
        return false;
    }
    ck_assert_uint_eq(arena_used(ctx->arena), 0);
    if ((*at)++ % 2 == 0)
        buf_printf(buf, "data: %d\n\n", *at);
    return *at < 5;
}

/* Goes on for ever. */
static bool tick(struct ctx *ctx, struct buf *buf, void *state UNUSED)
{
    if (buf == NULL) {
        atomic_fetch_add(&released, 1);
        return false;
    }
    pause_ms(20);
    buf_add_text(buf, "data: tick\n\n");
    return !http_is_stopping(ctx);
}

static enum err stream_numbers(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    http_answer_stream(ctx, "text/event-stream", count_up, ARENA_NEW(ctx->arena, int));
    return ERR_NONE;
}

static enum err stream_ticks(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    http_answer_stream(ctx, "text/event-stream", tick, NULL);
    return ERR_NONE;
}

static enum err stream_then_fail(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    http_answer_stream(ctx, "text/event-stream", tick, NULL);
    return FAIL(ctx, CONFLICT, "changed my mind");
}

static const struct route routes[] = {
    {"POST", "/echo", ROLE_NONE, .handle = echo, .flags = ROUTE_RAW_BODY},
    {"POST", "/small", ROLE_NONE, .handle = echo, .flags = ROUTE_RAW_BODY, .body_max = SMALL_MAX},
    {"GET", "/slow", ROLE_NONE, .handle = sleep_then_answer},
    {"GET", "/numbers", ROLE_NONE, .handle = stream_numbers},
    {"GET", "/ticks", ROLE_NONE, .handle = stream_ticks},
    {"GET", "/regret", ROLE_NONE, .handle = stream_then_fail},
    {0},
};

static struct web web;
static struct reply reply;
static char header[512];
static bool stopped;

static void start(void)
{
    stopped = false;
    web_start(&web, routes, NULL, NULL);
}

static void stop(void)
{
    if (!stopped)
        web_stop(&web);
}

static char *letters(size_t size)
{
    char *text = malloc(size + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', size);
    text[size] = '\0';
    return text;
}

static const struct {
    const char *path;
    size_t size;
    int status;
} sizes[] = {
    {"/small", SMALL_MAX, 200},
    {"/small", SMALL_MAX + 1, 413},
    {"/echo", HTTP_BODY_MAX, 200},
    {"/echo", HTTP_BODY_MAX + 1, 413},
    {"/echo", (size_t)HTTP_BODY_MAX * 3, 413},
};

START_TEST(a_body_over_the_limit_is_refused_not_cut)
{
    char *body = letters(sizes[_i].size);

    web_ask(&web, "POST", sizes[_i].path, NULL, body, &reply);
    ck_assert_int_eq(reply.status, sizes[_i].status);
    if (reply.status == 200)
        ck_assert_uint_eq(reply.size, sizes[_i].size);
    free(body);
}
END_TEST

START_TEST(a_chunked_body_over_the_limit_is_refused)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
    char *chunk = letters(0x4000);
    int fd = web_connect(http_port(web.http));

    web_send(fd, head, sizeof(head) - 1);
    for (int i = 0; i < 8; i++) {
        web_send(fd, "4000\r\n", 6);
        web_send(fd, chunk, 0x4000);
        web_send(fd, "\r\n", 2);
    }
    web_send(fd, "0\r\n\r\n", 5);
    ck_assert(web_read(fd, "POST", &reply));
    ck_assert_int_eq(reply.status, 413);
    ck_assert_ptr_nonnull(strstr(reply.body, "the body may have 65536 bytes at most"));

    /* The connection is still in step. */
    web_send(fd, "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n", 34);
    ck_assert(web_read(fd, "GET", &reply));
    ck_assert_int_eq(reply.status, 200);
    close(fd);
    free(chunk);
}
END_TEST

START_TEST(headers_that_are_too_large_are_refused)
{
    char *value = letters(40000);
    char *more = malloc(41000);

    snprintf(more, 41000, "X-Large: %s\r\n", value);
    web_ask(&web, "GET", "/healthz", more, NULL, &reply);
    ck_assert_int_eq(reply.status, 431);
    free(more);
    free(value);
}
END_TEST

START_TEST(what_is_not_http_is_refused)
{
    int fd = web_connect(http_port(web.http));

    web_send(fd, "\x16\x03\x01 hello\r\n\r\n", 12);
    bool answered = web_read(fd, "GET", &reply);
    ck_assert(!answered || reply.status == 400);
    close(fd);
    web_ask(&web, "GET", "/healthz", NULL, NULL, &reply);
    ck_assert_int_eq(reply.status, 200);
}
END_TEST

START_TEST(requests_of_one_connection_are_answered_in_order)
{
    static const char three[] = "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\na"
                                "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\nb"
                                "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n";
    static const char *const bodies[] = {"a", "b", "alive\n"};
    int fd = web_connect(http_port(web.http));

    web_send(fd, three, sizeof(three) - 1);
    for (size_t i = 0; i < COUNT(bodies); i++) {
        ck_assert(web_read(fd, "GET", &reply));
        ck_assert_str_eq(reply.body, bodies[i]);
        ck_assert_str_eq(reply_header(&reply, "Connection", header), "");
    }
    close(fd);
}
END_TEST

START_TEST(head_is_get_without_the_body)
{
    web_ask(&web, "HEAD", "/healthz", NULL, NULL, &reply);

    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply_header(&reply, "Content-Length", header), "6");
    ck_assert_uint_eq(reply.size, 0);
}
END_TEST

START_TEST(a_stream_beats_while_nothing_happens_and_ends)
{
    web_ask(&web, "GET", "/numbers", NULL, NULL, &reply);

    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply_header(&reply, "Content-Type", header), "text/event-stream");
    ck_assert_str_eq(reply.body, "data: 1\n\n:\n\ndata: 3\n\n:\n\ndata: 5\n\n");
    web_stop(&web);
    stopped = true;
    ck_assert_int_eq(atomic_load(&released), 1);
}
END_TEST

START_TEST(a_stream_whose_client_left_is_released)
{
    int fd = web_connect(http_port(web.http));

    web_send(fd, "GET /ticks HTTP/1.1\r\nHost: t\r\n\r\n", 32);
    ck_assert_int_eq(recv(fd, reply.body, 10, 0), 10);
    close(fd);
    for (int i = 0; i < 500 && atomic_load(&released) == 0; i++)
        pause_ms(10);
    ck_assert_int_eq(atomic_load(&released), 1);
}
END_TEST

START_TEST(a_stream_asked_for_by_head_or_given_up_is_released)
{
    web_ask(&web, "HEAD", "/ticks", NULL, NULL, &reply);
    ck_assert_int_eq(reply.status, 200);
    web_ask(&web, "GET", "/regret", NULL, NULL, &reply);
    ck_assert_int_eq(reply.status, 409);
    web_stop(&web);
    stopped = true;
    ck_assert_int_eq(atomic_load(&released), 2);
}
END_TEST

static void *ask_slow(void *of)
{
    web_ask(&web, "GET", "/slow", NULL, NULL, of);
    return NULL;
}

START_TEST(stopping_lets_a_running_request_finish)
{
    pthread_t thread;

    pthread_create(&thread, NULL, ask_slow, &reply);
    while (atomic_load(&slow_running) == 0)
        pause_ms(1);
    int64_t began = clock_monotonic();
    http_stop(web.http, 5000);
    web.http = NULL;
    pthread_join(thread, NULL);

    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.body, "stopping");
    ck_assert_str_eq(reply_header(&reply, "Connection", header), "close");
    ck_assert_int_lt(clock_monotonic() - began, 2 * CLOCK_SECOND);
}
END_TEST

START_TEST(stopping_closes_idle_connections_and_ends_streams)
{
    int idle = web_connect(http_port(web.http));
    int stream = web_connect(http_port(web.http));
    char byte;

    web_send(idle, "GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n", 34);
    ck_assert(web_read(idle, "GET", &reply));
    web_send(stream, "GET /ticks HTTP/1.1\r\nHost: t\r\n\r\n", 32);
    ck_assert_int_eq(recv(stream, reply.body, 10, 0), 10);
    int64_t began = clock_monotonic();
    http_stop(web.http, 5000);
    web.http = NULL;

    ck_assert_int_lt(clock_monotonic() - began, 2 * CLOCK_SECOND);
    ck_assert_int_eq(recv(idle, &byte, 1, 0), 0);
    ck_assert_int_eq(atomic_load(&released), 1);
    close(idle);
    close(stream);
}
END_TEST

static const char *const bad_addresses[] = {"nonsense", "127.0.0.1:port", "192.0.2.1:1", "[::1:80"};

START_TEST(an_address_that_cannot_be_listened_on_stops_the_start)
{
    static const struct setting settings[] = {{"WAYBILL_LISTEN", SETTING_TEXT, "x", 0, 0, "where to listen"}, {0}};
    struct service service = {.name = "test", .routes = routes};

    setenv("WAYBILL_LISTEN", bad_addresses[_i], 1);
    service.config = config_read(web.arena, settings, NULL);
    ck_assert_ptr_null(http_start(&service));
}
END_TEST

static const char *const good_addresses[] = {"127.0.0.1:0", ":0", "localhost:0"};

START_TEST(each_form_of_address_works)
{
    static const struct setting settings[] = {{"WAYBILL_LISTEN", SETTING_TEXT, "x", 0, 0, "where to listen"}, {0}};
    struct service service = web.service;

    setenv("WAYBILL_LISTEN", good_addresses[_i], 1);
    service.config = config_read(web.arena, settings, NULL);
    struct http *http = http_start(&service);
    ck_assert_ptr_nonnull(http);
    ck_assert_int_gt(http_port(http), 0);
    http_stop(http, 100);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 30);
    ADD_TABLE_TEST(tests, a_body_over_the_limit_is_refused_not_cut, sizes);
    tcase_add_test(tests, a_chunked_body_over_the_limit_is_refused);
    tcase_add_test(tests, headers_that_are_too_large_are_refused);
    tcase_add_test(tests, what_is_not_http_is_refused);
    tcase_add_test(tests, requests_of_one_connection_are_answered_in_order);
    tcase_add_test(tests, head_is_get_without_the_body);
    tcase_add_test(tests, a_stream_beats_while_nothing_happens_and_ends);
    tcase_add_test(tests, a_stream_whose_client_left_is_released);
    tcase_add_test(tests, a_stream_asked_for_by_head_or_given_up_is_released);
    tcase_add_test(tests, stopping_lets_a_running_request_finish);
    tcase_add_test(tests, stopping_closes_idle_connections_and_ends_streams);
    ADD_TABLE_TEST(tests, an_address_that_cannot_be_listened_on_stops_the_start, bad_addresses);
    ADD_TABLE_TEST(tests, each_form_of_address_works, good_addresses);
}

RUN_SUITE(http, add_tests)
