/*
 * test_client - calls to servers that answer, break off, or aren't there.
 */
#include "client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "suite.h"
#include "web.h"

static struct web web;
static struct ctx ctx;
static _Atomic int served;

static enum err show_all(struct ctx *at, const void *in UNUSED, void *ret UNUSED)
{
    size_t size;
    const char *body = request_body(at, &size);
    const char *type = request_header(at, "Content-Type");
    const char *trace = request_header(at, "traceparent");
    const char *expect = request_header(at, "Expect");

    atomic_fetch_add(&served, 1);
    http_etag(at, 3);
    http_header(at, "Location", "/there");
    http_header(at, "Retry-After", "9");
    http_header(at, "Idempotent-Replayed", "true");
    const char *text = arena_printf(at->arena, "%s?%s|%s|%.*s|%s|%s|%s", at->request->path, at->request->query,
                                    type != NULL ? type : "-", (int)size, body, trace != NULL ? trace : "-",
                                    expect != NULL ? expect : "-",
                                    request_header(at, "X-Own") != NULL ? request_header(at, "X-Own") : "-");
    http_text(at, "text/plain", text, strlen(text));
    return ERR_NONE;
}

static enum err send_much(struct ctx *at, const void *in UNUSED, void *ret UNUSED)
{
    char *text = arena_alloc(at->arena, 100000);

    memset(text, 'x', 100000);
    http_text(at, "text/plain", text, 100000);
    return ERR_NONE;
}

static enum err be_slow(struct ctx *at UNUSED, const void *in UNUSED, void *ret UNUSED)
{
    const struct timespec pause = {.tv_nsec = 500000000};
    nanosleep(&pause, NULL);
    return ERR_NONE;
}

static const struct route routes[] = {
    {"POST", "/all/:x", ROLE_NONE, .handle = show_all, .flags = ROUTE_RAW_BODY},
    {"GET", "/all/:x", ROLE_NONE, .handle = show_all, .flags = ROUTE_RAW_BODY},
    {"PUT", "/all/:x", ROLE_NONE, .handle = show_all, .flags = ROUTE_RAW_BODY},
    {"DELETE", "/all/:x", ROLE_NONE, .handle = show_all, .flags = ROUTE_RAW_BODY},
    {"GET", "/much", ROLE_NONE, .handle = send_much},
    {"GET", "/slow", ROLE_NONE, .handle = be_slow},
    {0},
};

static void start(void)
{
    web_start(&web, routes, NULL, NULL);
    ctx = (struct ctx){.arena = arena_new(16 * 1024 * 1024), .service = &web.service};
    trace_start(&ctx, NULL, NULL, NULL);
}

static void stop(void)
{
    arena_free(ctx.arena);
    web_stop(&web);
}

/* A counterpart that takes connections and does the same to each: reads some, writes some, hangs up. */
struct rude {
    int fd;
    int port;
    pthread_t thread;
    int read_first; /* bytes to read before hanging up; 0: none */
    const char *says;
    _Atomic int connections;
    _Atomic int kept; /* second requests of a connection */
};

static void *be_rude(void *of)
{
    struct rude *rude = of;
    char bytes[4096];

    for (;;) {
        int fd = accept(rude->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        atomic_fetch_add(&rude->connections, 1);
        if (rude->read_first > 0 && recv(fd, bytes, sizeof(bytes), 0) > 0 && rude->says != NULL)
            web_send(fd, rude->says, strlen(rude->says));
        close(fd);
    }
}

/* Answers the first request of a connection, reads the second and hangs up: what libcurl would send again by itself. */
static void *answer_once(void *of)
{
    struct rude *rude = of;
    char bytes[4096];

    for (;;) {
        int fd = accept(rude->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        atomic_fetch_add(&rude->connections, 1);
        if (recv(fd, bytes, sizeof(bytes), 0) > 0) {
            atomic_fetch_add(&served, 1);
            web_send(fd, "HTTP/1.1 204 Fine\r\n\r\n", 21);
        }
        if (recv(fd, bytes, sizeof(bytes), 0) > 0) {
            atomic_fetch_add(&served, 1);
            atomic_fetch_add(&rude->kept, 1);
        }
        close(fd);
    }
}

static void rude_start_with(struct rude *rude, void *(*behave)(void *of))
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rude->fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(rude->fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(rude->fd, 10), 0);
    getsockname(rude->fd, (struct sockaddr *)&address, &size);
    rude->port = ntohs(address.sin_port);
    pthread_create(&rude->thread, NULL, behave, rude);
}

static void rude_start(struct rude *rude)
{
    rude_start_with(rude, be_rude);
}

static void rude_stop(struct rude *rude)
{
    shutdown(rude->fd, SHUT_RDWR);
    pthread_join(rude->thread, NULL);
    close(rude->fd);
}

/* A port where nobody listens. */
static int dead_port(void)
{
    struct rude rude = {.fd = -1};

    rude_start(&rude);
    rude_stop(&rude);
    return rude.port;
}

static struct upstream *upstream_at(int port)
{
    struct upstream *upstream = upstream_new("test", arena_printf(ctx.arena, "http://127.0.0.1:%d/", port));
    ck_assert_ptr_nonnull(upstream);
    return upstream;
}

/* It would align the columns, however far to the right. */
/* clang-format off */
static const struct {
    struct call call;
    const char *text; /* before the trace */
} calls[] = {
    {{.method = "GET", .path = "/all/a%20b?x=1"}, "/all/a%20b?x=1|-||"},
    {{.method = "POST", .path = "/all/a", .body = "{}", .body_size = 2, .content_type = "application/json"},
     "/all/a?|application/json|{}|"},
    {{.method = "POST", .path = "/all/a"}, "/all/a?|-||"},
    {{.method = "PUT", .path = "/all/..", .body = "x", .body_size = 1}, "/all/..?|-|x|"},
    {{.method = "DELETE", .path = "/all/a"}, "/all/a?|-||"},
};
/* clang-format on */

START_TEST(a_call_arrives_as_it_was_made)
{
    struct upstream *upstream = upstream_at(http_port(web.http));
    struct call call = calls[_i].call;
    struct answer answer;

    call.headers[0] = "X-Own: mine";
    call.headers[1] = "X-Bad: a\r\nX-Worse: b";
    ck_assert_int_eq(client_call(&ctx, upstream, &call, &answer), CALL_ANSWERED);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, arena_printf(ctx.arena, "%s%s|-|mine", calls[_i].text, ctx.trace.traceparent));
    ck_assert_str_eq(answer.content_type, "text/plain");
    ck_assert_str_eq(answer.etag, "\"3\"");
    ck_assert_str_eq(answer.location, "/there");
    ck_assert_str_eq(answer.retry_after, "9");
    ck_assert_str_eq(answer.idempotent_replayed, "true");
    upstream_free(upstream);
}
END_TEST

START_TEST(a_call_says_nothing_of_the_one_before)
{
    struct upstream *upstream = upstream_at(http_port(web.http));
    struct answer answer;

    for (size_t before = 0; before < COUNT(calls); before++) {
        struct call first = calls[before].call;
        first.headers[0] = "X-Own: of the first";
        ck_assert_int_eq(client_call(&ctx, upstream, &first, &answer), CALL_ANSWERED);
        ck_assert_int_eq(client_call(&ctx, upstream, &(struct call){.method = "HEAD", .path = "/all/a"}, &answer),
                         CALL_ANSWERED);
        ck_assert_uint_eq(answer.size, 0);
        ck_assert_int_eq(client_call(&ctx, upstream, &calls[_i].call, &answer), CALL_ANSWERED);
        ck_assert_str_eq(answer.body, arena_printf(ctx.arena, "%s%s|-|-", calls[_i].text, ctx.trace.traceparent));
    }
    upstream_free(upstream);
}
END_TEST

START_TEST(a_base_url_may_have_a_path)
{
    struct upstream *upstream =
        upstream_new("test", arena_printf(ctx.arena, "http://127.0.0.1:%d/all/", http_port(web.http)));
    struct answer answer;

    ck_assert_int_eq(client_call(&ctx, upstream, &(struct call){.method = "GET", .path = "/b?c=1"}, &answer),
                     CALL_ANSWERED);
    ck_assert_ptr_eq(strstr(answer.body, "/all/b?c=1|"), answer.body);
    upstream_free(upstream);
}
END_TEST

static const char *const bad_paths[] = {"/all/a HTTP/1.1\r\nX-Own: theirs", "/all/a b", "/all/\n", "/all/\xc3\xa9",
                                        "/all/\x7f"};

START_TEST(a_path_that_is_not_encoded_is_not_sent)
{
    struct upstream *upstream = upstream_at(http_port(web.http));
    const struct call call = {.method = "GET", .path = bad_paths[_i], .repeatable = true};
    struct answer answer;

    atomic_store(&served, 0);
    ck_assert_int_eq(client_call(&ctx, upstream, &call, &answer), CALL_NOT_SENT);
    ck_assert_int_eq(atomic_load(&served), 0);
    upstream_free(upstream);
}
END_TEST

START_TEST(a_head_has_no_body)
{
    struct upstream *upstream = upstream_at(http_port(web.http));
    struct answer answer;

    ck_assert_int_eq(client_call(&ctx, upstream, &(struct call){.method = "HEAD", .path = "/all/a"}, &answer),
                     CALL_ANSWERED);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.size, 0);
    upstream_free(upstream);
}
END_TEST

START_TEST(an_answer_over_the_limit_is_unknown)
{
    struct upstream *upstream = upstream_at(http_port(web.http));
    struct answer answer;
    struct call call = {.method = "GET", .path = "/much", .answer_max = 100000};

    ck_assert_int_eq(client_call(&ctx, upstream, &call, &answer), CALL_ANSWERED);
    ck_assert_uint_eq(answer.size, 100000);
    call.answer_max = 99999;
    ck_assert_int_eq(client_call(&ctx, upstream, &call, &answer), CALL_UNKNOWN);
    ck_assert_int_eq(answer.status, 0);
    upstream_free(upstream);
}
END_TEST

START_TEST(no_answer_in_time_is_unknown)
{
    struct upstream *upstream = upstream_at(http_port(web.http));
    struct answer answer;

    ck_assert_int_eq(
        client_call(&ctx, upstream, &(struct call){.method = "GET", .path = "/slow", .timeout_ms = 100}, &answer),
        CALL_UNKNOWN);
    upstream_free(upstream);
}
END_TEST

START_TEST(where_nobody_listens_nothing_was_sent)
{
    struct upstream *upstream = upstream_at(dead_port());
    struct answer answer;

    ck_assert_int_eq(client_call(&ctx, upstream, &(struct call){.method = "POST", .path = "/all/a"}, &answer),
                     CALL_NOT_SENT);
    upstream_free(upstream);
}
END_TEST

static const struct {
    struct rude rude;
    bool repeatable;
    int connections; /* at most one for what may not be repeated */
} rudes[] = {
    {{.read_first = 1}, false, 1},
    {{.read_first = 1}, true, 2},
    {{.read_first = 1, .says = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}, false, 1},
    {{.read_first = 1, .says = "HTTP/1.1 200 OK\r\nContent-Le"}, false, 1},
    {{.read_first = 1, .says = "nonsense\r\n\r\n"}, false, 1},
};

START_TEST(a_call_that_broke_off_is_unknown_and_not_made_twice)
{
    struct rude rude = {.read_first = rudes[_i].rude.read_first, .says = rudes[_i].rude.says};
    struct answer answer;
    struct call call = {.method = "POST", .path = "/all/a", .repeatable = rudes[_i].repeatable};

    rude_start(&rude);
    struct upstream *upstream = upstream_at(rude.port);
    ck_assert_int_eq(client_call(&ctx, upstream, &call, &answer), CALL_UNKNOWN);
    ck_assert_int_eq(atomic_load(&rude.connections), rudes[_i].connections);
    upstream_free(upstream);
    rude_stop(&rude);
}
END_TEST

START_TEST(a_kept_connection_that_dies_does_not_repeat_a_call_by_itself)
{
    struct rude rude = {0};
    struct answer answer;
    struct call call = {.method = "POST", .path = "/all/a"};

    rude_start_with(&rude, answer_once);
    struct upstream *upstream = upstream_at(rude.port);
    ck_assert_int_eq(client_call(&ctx, upstream, &call, &answer), CALL_ANSWERED);
    ck_assert_int_eq(answer.status, 204);
    ck_assert_int_eq(client_call(&ctx, upstream, &call, &answer), CALL_UNKNOWN);
    ck_assert_int_eq(atomic_load(&served), 2);
    upstream_free(upstream);
    rude_stop(&rude);
}
END_TEST

START_TEST(what_the_last_call_sent_does_not_count_for_the_next)
{
    struct rude rude = {.read_first = 1, .says = "HTTP/1.1 204 Fine\r\n\r\n"};
    const struct call call = {.method = "POST", .path = "/all/a"};
    struct answer answer;

    rude_start(&rude);
    struct upstream *upstream = upstream_at(rude.port);
    ck_assert_int_eq(client_call(&ctx, upstream, &call, &answer), CALL_ANSWERED);
    rude_stop(&rude);
    ck_assert_int_eq(client_call(&ctx, upstream, &call, &answer), CALL_NOT_SENT);
    upstream_free(upstream);
}
END_TEST

START_TEST(a_dead_copy_is_left_out_for_a_while)
{
    const char *urls =
        arena_printf(ctx.arena, "http://127.0.0.1:%d,http://127.0.0.1:%d", dead_port(), http_port(web.http));
    struct upstream *upstream = upstream_new("test", urls);
    struct answer answer;

    for (int i = 0; i < 20; i++) {
        struct call call = {.method = "POST", .path = "/all/a"};
        ck_assert_int_eq(client_call(&ctx, upstream, &call, &answer), CALL_ANSWERED);
    }
    ck_assert_int_eq(atomic_load(&served), 20);
    upstream_free(upstream);
}
END_TEST

START_TEST(connections_are_kept)
{
    struct rude rude = {0};
    struct answer answer;

    rude_start_with(&rude, answer_once);
    struct upstream *upstream = upstream_at(rude.port);
    client_call(&ctx, upstream, &(struct call){.method = "GET", .path = "/", .repeatable = false}, &answer);
    client_call(&ctx, upstream, &(struct call){.method = "GET", .path = "/", .repeatable = false}, &answer);
    ck_assert_int_eq(atomic_load(&rude.kept), 1);
    upstream_free(upstream);
    rude_stop(&rude);
}
END_TEST

static void *call_often(void *of)
{
    struct ctx own = {.arena = arena_new(16 * 1024 * 1024)};
    struct answer answer;

    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(client_call(&own, of, &(struct call){.method = "GET", .path = "/all/a"}, &answer),
                         CALL_ANSWERED);
        ck_assert_int_eq(answer.status, 200);
        arena_clear(own.arena);
    }
    arena_free(own.arena);
    return NULL;
}

START_TEST(threads_share_an_upstream)
{
    struct upstream *upstream = upstream_at(http_port(web.http));
    pthread_t threads[8];

    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_create(&threads[i], NULL, call_often, upstream);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&served), 8 * 200);
    upstream_free(upstream);
}
END_TEST

static const char *const broken[] = {"",        ",",          "host:80",    "ftp://host",
                                     "http://", "http://a,b", "http://a b", "http://a:1,,http://b:1"};

START_TEST(a_list_that_is_none_is_refused)
{
    ck_assert_ptr_null(upstream_new("test", broken[_i]));
}
END_TEST

START_TEST(a_form_is_encoded)
{
    struct buf buf;

    buf_init(&buf, ctx.arena, 1000);
    form_add(&buf, "metadata[id]", "a b&c=é");
    form_add_int(&buf, "amount", -1999);
    ck_assert_str_eq(buf.data, "metadata%5Bid%5D=a%20b%26c%3D%C3%A9&amount=-1999");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 30);
    ADD_TABLE_TEST(tests, a_call_arrives_as_it_was_made, calls);
    ADD_TABLE_TEST(tests, a_call_says_nothing_of_the_one_before, calls);
    tcase_add_test(tests, a_base_url_may_have_a_path);
    ADD_TABLE_TEST(tests, a_path_that_is_not_encoded_is_not_sent, bad_paths);
    tcase_add_test(tests, a_head_has_no_body);
    tcase_add_test(tests, an_answer_over_the_limit_is_unknown);
    tcase_add_test(tests, no_answer_in_time_is_unknown);
    tcase_add_test(tests, where_nobody_listens_nothing_was_sent);
    ADD_TABLE_TEST(tests, a_call_that_broke_off_is_unknown_and_not_made_twice, rudes);
    tcase_add_test(tests, a_kept_connection_that_dies_does_not_repeat_a_call_by_itself);
    tcase_add_test(tests, what_the_last_call_sent_does_not_count_for_the_next);
    tcase_add_test(tests, a_dead_copy_is_left_out_for_a_while);
    tcase_add_test(tests, connections_are_kept);
    tcase_add_test(tests, threads_share_an_upstream);
    ADD_TABLE_TEST(tests, a_list_that_is_none_is_refused, broken);
    tcase_add_test(tests, a_form_is_encoded);
}

RUN_SUITE(client, add_tests)
