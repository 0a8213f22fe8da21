/*
 * test_dispatch - routes, callers, bodies and problems, asked over a real socket.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "identity.h"
#include "suite.h"
#include "web.h"

#define KEY "0190b3c2-7a10-7000"
#define JSON "Content-Type: application/json\r\n"
#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"

struct ask {
    const char *name;
    int64_t count;
};
static RECORD(ask, FIELD(ask, name, .flags = FIELD_REQUIRED, .max = 20), FIELD(ask, count, .least = 1, .most = 9));

struct thing {
    const char *name;
    int64_t count;
};
static RECORD(thing, FIELD(thing, name), FIELD(thing, count));

static _Atomic int races;

static enum err make_thing(struct ctx *ctx, const void *in, void *ret)
{
    const struct ask *ask = in;
    struct thing *thing = ret;

    thing->name = ask->name;
    thing->count = ask->count;
    http_header(ctx, "Location", "/things/1\r\nSet-Cookie: a=b");
    http_etag(ctx, 7);
    return ERR_NONE;
}

struct thing_query {
    const char *color, *after;
    int64_t limit;
};
static RECORD(thing_query, FIELD(thing_query, color, .min = 1, .max = 3),
              FIELD(thing_query, after, .format = TEXT_UUID), FIELD(thing_query, limit, PAGE_LIMIT));

static enum err show_thing(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct thing *thing = ret;
    struct thing_query query;

    TRY(request_query(ctx, &thing_query_record, &query));
    thing->name = arena_printf(ctx->arena, "%s %s", path_param(ctx, "id"), query.color != NULL ? query.color : "none");
    thing->count = query.limit;
    return ERR_NONE;
}

static enum err show_id(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct thing *thing = ret;

    return path_id(ctx, "id", &thing->name);
}

static enum err change_thing(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct thing *thing = ret;

    thing->name = request_fingerprint(ctx);
    return request_if_match(ctx, &thing->count);
}

static enum err fail_inside(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    http_etag(ctx, 1);
    return FAIL(ctx, INTERNAL, "could not open \"/etc/secret\"");
}

static enum err fail_busy(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    return FAIL(ctx, BUSY, "no connection within 500 ms");
}

static enum err fail_conflict(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    ctx->problem.extra = "\"differences\":[1,2]";
    return FAIL(ctx, CONFLICT, "\"cup\" costs more now");
}

static enum err lose_races(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct thing *thing = ret;

    ck_assert_ptr_null(thing->name);
    if (atomic_fetch_sub(&races, 1) > 0) {
        thing->name = "left over";
        http_header(ctx, "X-Left-Over", "yes");
        return FAIL(ctx, AGAIN, "could not serialize");
    }
    thing->name = "won";
    return ERR_NONE;
}

static enum err read_raw(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct thing *thing = ret;
    size_t size;

    const char *body = request_body(ctx, &size);
    thing->name = arena_copy(ctx->arena, body, size);
    thing->count = (int64_t)size;
    return ERR_NONE;
}

static enum err say_nothing(struct ctx *ctx UNUSED, const void *in UNUSED, void *ret UNUSED)
{
    return ERR_NONE;
}

static enum err show_wait(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct thing *thing = ret;

    thing->count = request_wait_s(ctx);
    thing->name = request_key(ctx);
    return ERR_NONE;
}

static enum err show_caller(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct thing *thing = ret;

    thing->name = ctx->caller.shop;
    return ERR_NONE;
}

/* clang-format off */
static const struct route routes[] = {
    {"POST", "/things", ROLE_NONE, NULL, &ask_record, &thing_record, 201, make_thing},
    {"GET", "/things/:id", ROLE_NONE, NULL, NULL, &thing_record, 200, show_thing},
    {"GET", "/ids/:id", ROLE_NONE, NULL, NULL, &thing_record, 200, show_id},
    {"PUT", "/things/:id", ROLE_NONE, NULL, &ask_record, &thing_record, 200, change_thing,
     ROUTE_OPTIONAL_BODY},
    {"GET", "/inside", ROLE_NONE, NULL, NULL, NULL, 200, fail_inside},
    {"GET", "/busy", ROLE_NONE, NULL, NULL, NULL, 200, fail_busy},
    {"GET", "/conflict", ROLE_NONE, NULL, NULL, NULL, 200, fail_conflict},
    {"GET", "/races", ROLE_NONE, NULL, NULL, &thing_record, 200, lose_races},
    {"POST", "/raw", ROLE_NONE, NULL, NULL, &thing_record, 200, read_raw, ROUTE_RAW_BODY},
    {"DELETE", "/things/:id", ROLE_NONE, NULL, NULL, NULL, 0, say_nothing},
    {"POST", "/keyed", ROLE_NONE, NULL, NULL, &thing_record, 200, show_wait, ROUTE_KEY_REQUIRED},
    {"GET", "/mine", ROLE_SHOPPER | ROLE_STAFF, "orders", NULL, &thing_record, 200, show_caller},
    {0},
};
/* clang-format on */

static struct web web;
static struct reply reply;
static char header[512];

static void start(void)
{
    web_start(&web, routes, NULL, NULL);
}

static void stop(void)
{
    web_stop(&web);
}

/* The reply without the correlation id, which is different each time. */
static const char *problem(void)
{
    char *from = strstr(reply.body, ",\"correlation_id\":\"");

    ck_assert_str_eq(reply_header(&reply, "Content-Type", header), "application/problem+json");
    ck_assert_ptr_nonnull(from);
    char *to = strchr(from + 19, '"') + 1;
    memmove(from, to, strlen(to) + 1);
    return reply.body;
}

/* It would align the columns, however far to the right. */
/* clang-format off */
static const struct {
    const char *method;
    const char *target;
    const char *more;
    const char *body;
    int status;
    const char *text; /* the answer, without its correlation id */
} cases[] = {
    {"GET", "/things/a%20b?color=r%C3%A9d&limit=3", NULL, NULL, 200, "{\"name\":\"a b réd\",\"count\":3}"},
    {"GET", "/%74hings/a%2Fb?color=x+y", NULL, NULL, 200, "{\"name\":\"a/b x y\",\"count\":50}"},
    {"POST", "/things", JSON, "{\"name\":\"cup\",\"count\":2}", 201, "{\"name\":\"cup\",\"count\":2}"},
    {"POST", "/things", "Content-Type: Application/JSON; charset=UTF-8\r\n", "{\"name\":\"cup\"}", 201,
     "{\"name\":\"cup\",\"count\":0}"},
    {"POST", "/raw", "Content-Type: text/csv\r\n", "a;b", 200, "{\"name\":\"a;b\",\"count\":3}"},
    {"GET", "/nothing", NULL, NULL, 404,
     "{\"type\":\"/problems/not_found\",\"title\":\"There is no such thing\",\"status\":404,"
     "\"detail\":\"there is nothing at this path\",\"code\":\"not_found\"}"},
    {"GET", "/things/", NULL, NULL, 404, NULL},
    {"GET", "//things/a", NULL, NULL, 404, NULL},
    {"GET", "/things/%", NULL, NULL, 400,
     "{\"type\":\"/problems/malformed\",\"title\":\"The request cannot be parsed\",\"status\":400,"
     "\"detail\":\"the path is not percent-encoded UTF-8\",\"code\":\"malformed\"}"},
    {"GET", "/things/%ff", NULL, NULL, 400, NULL},
    {"GET", "/things/%00", NULL, NULL, 400, NULL},
    {"GET", "/things/%c0%80", NULL, NULL, 400, NULL},
    {"GET", "/things/a?color=%zz", NULL, NULL, 400,
     "{\"type\":\"/problems/malformed\",\"title\":\"The request cannot be parsed\",\"status\":400,"
     "\"detail\":\"the query is not percent-encoded UTF-8\",\"code\":\"malformed\"}"},
    {"GET", "/things/a?limit=201", NULL, NULL, 422,
     "{\"type\":\"/problems/invalid\",\"title\":\"The request is well-formed but not valid\",\"status\":422,"
     "\"detail\":\"limit must be at most 200\","
     "\"errors\":[{\"field\":\"limit\",\"message\":\"must be at most 200\"}],\"code\":\"invalid\"}"},
    {"GET", "/things/a?limit=&color=&after=0", NULL, NULL, 422,
     "{\"type\":\"/problems/invalid\",\"title\":\"The request is well-formed but not valid\",\"status\":422,"
     "\"detail\":\"color must not be empty\","
     "\"errors\":[{\"field\":\"color\",\"message\":\"must not be empty\"},"
     "{\"field\":\"after\",\"message\":\"must be a UUID\"},"
     "{\"field\":\"limit\",\"message\":\"must be an integer\"}],\"code\":\"invalid\"}"},
    {"GET", "/things/a?limit=99999999999999999999", NULL, NULL, 422, NULL},
    {"GET", "/things/a?limit=-", NULL, NULL, 422, NULL},
    {"GET", "/things/a?limit=007", NULL, NULL, 422, NULL},
    {"GET", "/things/a?color=blue", NULL, NULL, 422, NULL},
    {"PATCH", "/things/a", NULL, NULL, 405,
     "{\"type\":\"/problems/method_not_allowed\",\"title\":\"This method is not allowed here\",\"status\":405,"
     "\"detail\":\"this path does not know the method PATCH\",\"code\":\"method_not_allowed\"}"},
    {"POST", "/things", "Content-Type: text/plain\r\n", "{\"name\":\"cup\"}", 415,
     "{\"type\":\"/problems/unsupported_media_type\",\"title\":\"This media type is not supported\",\"status\":415,"
     "\"detail\":\"the body must be application/json in UTF-8\",\"code\":\"unsupported_media_type\"}"},
    {"POST", "/things", "Content-Type: application/json; charset=latin1\r\n", "{\"name\":\"cup\"}", 415, NULL},
    {"POST", "/things", NULL, "{\"name\":\"cup\"}", 415, NULL},
    {"POST", "/things", JSON, "", 400,
     "{\"type\":\"/problems/malformed\",\"title\":\"The request cannot be parsed\",\"status\":400,"
     "\"detail\":\"this needs a body in JSON\",\"code\":\"malformed\"}"},
    {"POST", "/things", JSON, "{\"name\":", 400, NULL},
    {"POST", "/things", JSON, "{\"name\":\"\xff\"}", 400, NULL},
    {"POST", "/things", JSON, "{\"name\":\"cup\",\"colour\":\"red\"}", 422, NULL},
    {"POST", "/things", JSON, "{\"count\":10}", 422, NULL},
    {"DELETE", "/things/a", JSON, "{}", 400,
     "{\"type\":\"/problems/malformed\",\"title\":\"The request cannot be parsed\",\"status\":400,"
     "\"detail\":\"this takes no body\",\"code\":\"malformed\"}"},
    {"DELETE", "/things/a", NULL, NULL, 204, ""},
    {"GET", "/ids/7", NULL, NULL, 404, NULL},
    {"PUT", "/things/a", NULL, NULL, 422, NULL},
    {"PUT", "/things/a", JSON, "{\"name\":\"cup\"}", 428,
     "{\"type\":\"/problems/precondition_required\",\"title\":\"If-Match is required\",\"status\":428,"
     "\"detail\":\"send the ETag you read as If-Match\",\"code\":\"precondition_required\"}"},
    {"PUT", "/things/a", JSON "If-Match: W/\"7\"\r\n", "{\"name\":\"cup\"}", 412, NULL},
    {"GET", "/inside", NULL, NULL, 500,
     "{\"type\":\"/problems/internal\",\"title\":\"An internal error\",\"status\":500,\"code\":\"internal\"}"},
    {"GET", "/busy", NULL, NULL, 503,
     "{\"type\":\"/problems/busy\",\"title\":\"Try again soon\",\"status\":503,\"code\":\"busy\"}"},
    {"GET", "/conflict", NULL, NULL, 409,
     "{\"type\":\"/problems/conflict\",\"title\":\"The state does not allow this\",\"status\":409,"
     "\"detail\":\"\\\"cup\\\" costs more now\",\"code\":\"conflict\",\"differences\":[1,2]}"},
    {"POST", "/keyed", NULL, NULL, 400,
     "{\"type\":\"/problems/malformed\",\"title\":\"The request cannot be parsed\",\"status\":400,"
     "\"detail\":\"this needs an Idempotency-Key\",\"code\":\"malformed\"}"},
    {"POST", "/keyed", "Idempotency-Key: a b\r\n", NULL, 400, NULL},
    {"POST", "/things", JSON "Idempotency-Key: \327\370\233\r\n", "{\"name\":\"cup\"}", 400, NULL},
    {"POST", "/keyed", "Idempotency-Key: " KEY "\r\nPrefer: respond-async, wait=7\r\n", NULL, 200,
     "{\"name\":\"" KEY "\",\"count\":7}"},
    {"POST", "/keyed", "Idempotency-Key: " KEY "\r\nPrefer: wait=999\r\n", NULL, 200,
     "{\"name\":\"" KEY "\",\"count\":30}"},
    {"POST", "/keyed", "Idempotency-Key: 1\r\n", NULL, 400,
     "{\"type\":\"/problems/malformed\",\"title\":\"The request cannot be parsed\",\"status\":400,"
     "\"detail\":\"without a token the Idempotency-Key must have 16 characters at least\","
     "\"code\":\"malformed\"}"},
    {"GET", "/healthz", NULL, NULL, 200, "alive\n"},
    {"GET", "/problems/busy", NULL, NULL, 200,
     "busy (status 503): Try again soon. The same request may work later; see Retry-After.\n"},
};
/* clang-format on */

START_TEST(each_request_gets_its_answer)
{
    web_ask(&web, cases[_i].method, cases[_i].target, cases[_i].more, cases[_i].body, &reply);

    ck_assert_int_eq(reply.status, cases[_i].status);
    if (cases[_i].status >= 400)
        (void)problem();
    if (cases[_i].text != NULL)
        ck_assert_str_eq(reply.body, cases[_i].text);
    ck_assert_str_eq(reply_header(&reply, "X-Content-Type-Options", header), "nosniff");
    ck_assert_str_eq(reply_header(&reply, "Cache-Control", header), "no-store");
    ck_assert_str_ne(reply_header(&reply, "Waybill-Correlation-Id", header), "");
}
END_TEST

START_TEST(a_wrong_method_is_told_which_are_right)
{
    web_ask(&web, "POST", "/things/a", NULL, NULL, &reply);

    ck_assert_int_eq(reply.status, 405);
    ck_assert_str_eq(reply_header(&reply, "Allow", header), "GET, HEAD, PUT, DELETE");
}
END_TEST

START_TEST(a_handler_cannot_be_made_to_write_other_headers)
{
    web_ask(&web, "POST", "/things", JSON, "{\"name\":\"cup\"}", &reply);

    ck_assert_str_eq(reply_header(&reply, "Location", header), "/things/1  Set-Cookie: a=b");
    ck_assert_str_eq(reply_header(&reply, "Set-Cookie", header), "");
    ck_assert_str_eq(reply_header(&reply, "ETag", header), "\"7\"");
}
END_TEST

START_TEST(a_problem_drops_the_etag_and_a_busy_one_says_when)
{
    web_ask(&web, "GET", "/inside", NULL, NULL, &reply);
    ck_assert_str_eq(reply_header(&reply, "ETag", header), "");
    ck_assert_str_eq(reply_header(&reply, "Retry-After", header), "");

    web_ask(&web, "GET", "/busy", NULL, NULL, &reply);
    ck_assert_str_eq(reply_header(&reply, "Retry-After", header), "1");
}
END_TEST

START_TEST(a_lost_race_is_run_again_from_the_start)
{
    atomic_store(&races, 2);

    web_ask(&web, "GET", "/races", NULL, NULL, &reply);

    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.body, "{\"name\":\"won\",\"count\":0}");
    ck_assert_str_eq(reply_header(&reply, "X-Left-Over", header), "");
}
END_TEST

START_TEST(a_race_lost_again_and_again_is_busy)
{
    atomic_store(&races, 100);

    web_ask(&web, "GET", "/races", NULL, NULL, &reply);

    ck_assert_int_eq(reply.status, 503);
    ck_assert_int_eq(atomic_load(&races), 96);
    ck_assert_ptr_nonnull(strstr(reply.body, "\"code\":\"busy\""));
}
END_TEST

START_TEST(a_trace_goes_on_and_a_stranger_cannot_choose_the_correlation_id)
{
    web_ask(&web, "GET", "/things/a",
            "traceparent: 00-" TRACE "-00f067aa0ba902b7-01\r\nWaybill-Correlation-Id: chosen\r\n", NULL, &reply);

    ck_assert_ptr_nonnull(strstr(reply_header(&reply, "traceparent", header), TRACE));
    ck_assert_str_ne(reply_header(&reply, "Waybill-Correlation-Id", header), "chosen");
}
END_TEST

START_TEST(a_gateway_may_choose_the_correlation_id)
{
    const char *more =
        arena_printf(web.arena, "%sWaybill-Correlation-Id: c-1\r\n", web_identity(&web, ROLE_PARTNER, NULL));

    web_ask(&web, "GET", "/mine", more, NULL, &reply);

    ck_assert_int_eq(reply.status, 403);
    ck_assert_ptr_nonnull(strstr(reply.body, "\"correlation_id\":\"c-1\""));
}
END_TEST

START_TEST(a_gateway_gets_no_headers_that_it_has_for_its_own_answer)
{
    static const char *const names[] = {"X-Content-Type-Options", "Cache-Control", "Waybill-Correlation-Id",
                                        "traceparent"};

    web_ask(&web, "GET", "/mine", web_identity(&web, ROLE_SHOPPER, NULL), NULL, &reply);

    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.body, "{\"name\":\"main\",\"count\":0}");
    for (size_t i = 0; i < COUNT(names); i++)
        ck_assert_str_eq(reply_header(&reply, names[i], header), "");
}
END_TEST

START_TEST(without_an_identity_nobody_is_let_in)
{
    web_ask(&web, "GET", "/mine", NULL, NULL, &reply);

    ck_assert_int_eq(reply.status, 401);
    ck_assert_str_eq(problem(), "{\"type\":\"/problems/unauthenticated\",\"title\":\"Who you are is missing or not "
                                "valid\",\"status\":401,\"detail\":\"this needs a signed Waybill-Identity\","
                                "\"code\":\"unauthenticated\"}");
    ck_assert_str_eq(reply_header(&reply, "WWW-Authenticate", header), "Bearer");
}
END_TEST

START_TEST(roles_and_rights_are_asked_for)
{
    web_ask(&web, "GET", "/mine", web_identity(&web, ROLE_PARTNER, NULL), NULL, &reply);
    ck_assert_int_eq(reply.status, 403);
    web_ask(&web, "GET", "/mine", web_identity(&web, ROLE_STAFF, "stock"), NULL, &reply);
    ck_assert_int_eq(reply.status, 403);
    ck_assert_ptr_nonnull(strstr(reply.body, "this needs the right \\\"orders\\\""));
    web_ask(&web, "GET", "/mine", web_identity(&web, ROLE_STAFF, "stock orders"), NULL, &reply);
    ck_assert_int_eq(reply.status, 200);
    web_ask(&web, "GET", "/mine", web_identity(&web, ROLE_STAFF, "admin"), NULL, &reply);
    ck_assert_int_eq(reply.status, 200);
}
END_TEST

START_TEST(an_expired_identity_is_refused)
{
    int64_t now = clock_now();

    clock_set_for_test(now - 120 * CLOCK_SECOND);
    const char *old = web_identity(&web, ROLE_SHOPPER, NULL);
    clock_set_for_test(0);
    web_ask(&web, "GET", "/mine", old, NULL, &reply);

    ck_assert_int_eq(reply.status, 401);
}
END_TEST

START_TEST(the_fingerprint_tells_requests_apart)
{
    char first[256], second[256];

    web_ask(&web, "PUT", "/things/a", JSON "If-Match: \"3\"\r\n", "{\"name\":\"cup\"}", &reply);
    ck_assert_int_eq(reply.status, 200);
    snprintf(first, sizeof(first), "%.250s", reply.body);
    web_ask(&web, "PUT", "/things/a", JSON "If-Match: \"3\"\r\n", "{\"name\":\"cup\"}", &reply);
    ck_assert_str_eq(reply.body, first);
    web_ask(&web, "PUT", "/things/a", JSON "If-Match: \"3\"\r\n", "{\"name\":\"mug\"}", &reply);
    snprintf(second, sizeof(second), "%.250s", reply.body);
    ck_assert_str_ne(second, first);
}
END_TEST

START_TEST(requests_are_counted_by_pattern)
{
    web_ask(&web, "GET", "/things/a", NULL, NULL, &reply);
    web_ask(&web, "GET", "/metrics", NULL, NULL, &reply);

    ck_assert_ptr_nonnull(strstr(reply.body, "waybill_http_requests_total{route=\"/things/:id\",status=\"200\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(reply.body, "waybill_http_request_duration_seconds_count{route=\"/things/:id\"} 1\n"));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 20);
    ADD_TABLE_TEST(tests, each_request_gets_its_answer, cases);
    tcase_add_test(tests, a_wrong_method_is_told_which_are_right);
    tcase_add_test(tests, a_handler_cannot_be_made_to_write_other_headers);
    tcase_add_test(tests, a_problem_drops_the_etag_and_a_busy_one_says_when);
    tcase_add_test(tests, a_lost_race_is_run_again_from_the_start);
    tcase_add_test(tests, a_race_lost_again_and_again_is_busy);
    tcase_add_test(tests, a_trace_goes_on_and_a_stranger_cannot_choose_the_correlation_id);
    tcase_add_test(tests, a_gateway_may_choose_the_correlation_id);
    tcase_add_test(tests, a_gateway_gets_no_headers_that_it_has_for_its_own_answer);
    tcase_add_test(tests, without_an_identity_nobody_is_let_in);
    tcase_add_test(tests, roles_and_rights_are_asked_for);
    tcase_add_test(tests, an_expired_identity_is_refused);
    tcase_add_test(tests, the_fingerprint_tells_requests_apart);
    tcase_add_test(tests, requests_are_counted_by_pattern);
}

RUN_SUITE(dispatch, add_tests)
