/*
 * test_edge_limits - how often a gateway lets an address or a caller ask, and whose address that is.
 */
#include "address.h"
#include "clock.h"
#include "edge_state.h"
#include "gateway.h"

static int ask_often(const char *more, int times)
{
    int refused = 0;

    for (int i = 0; i < times; i++) {
        web_ask(&front, "GET", "/public", more, NULL, &reply);
        refused += reply.status == 429;
    }
    return refused;
}

START_TEST(one_address_is_limited)
{
    start_again("WAYBILL_RATE_ADDRESS", "2");

    ck_assert_int_gt(ask_often(NULL, 20), 0);
    while (ask_often(NULL, 1) == 0)
        continue;
    ck_assert_str_eq(reply_header(&reply, "Retry-After", header), "1");
    ck_assert_ptr_nonnull(strstr(reply.body, "\"code\":\"too_many_requests\""));
    web_ask(&front, "GET", "/healthz", NULL, NULL, &reply);
    ck_assert_int_eq(reply.status, 200);
}
END_TEST

START_TEST(one_caller_is_limited_and_others_are_not)
{
    int refused = 0;
    start_again("WAYBILL_RATE_TOKEN", "2");

    for (int i = 0; i < 20; i++) {
        web_ask(&front, "POST", "/carts/1/items", GOOD, NULL, &reply);
        refused += reply.status == 429;
    }
    ck_assert_int_gt(refused, 0);
    web_ask(&front, "POST", "/carts/1/items", "Authorization: Bearer better\r\n", NULL, &reply);
    ck_assert_int_eq(reply.status, 202);
    ck_assert_int_eq(ask_often(NULL, 20), 0);
}
END_TEST

START_TEST(the_usual_limits_let_two_hundred_shoppers_share_an_address)
{
    ck_assert_int_eq(ask_often(NULL, 1000), 0);
}
END_TEST

static const struct {
    const char *proxy;
    const char *forwarded;
    const char *address;
} forwarded[] = {
    {"", "X-Forwarded-For: 203.0.113.9\r\n", "127.0.0.1"},
    {"10.0.0.0/8", "X-Forwarded-For: 203.0.113.9\r\n", "127.0.0.1"},
    {"127.0.0.0/8", "X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9"},
    {"127.0.0.1", "X-Forwarded-For: 192.0.2.1, 203.0.113.9\r\n", "203.0.113.9"},
    {"127.0.0.1", "X-Forwarded-For: 2001:db8::1\r\n", "2001:db8::1"},
    {"127.0.0.1", "X-Forwarded-For: unknown\r\n", "127.0.0.1"},
    {"127.0.0.1", NULL, "127.0.0.1"},
};

/* Takes all that an address may ask, an hour ahead of the clock: nothing comes back while the test runs. */
static void use_up(const char *text)
{
    const int64_t later = clock_monotonic() + 3600 * CLOCK_SECOND;
    struct address address;
    int wait_s;

    ck_assert(address_read(text, strlen(text), &address));
    while (limiter_take(edge.state->by_address, address.bytes, address_client_size(&address), later, &wait_s))
        continue;
}

START_TEST(only_a_trusted_proxy_is_believed)
{
    start_again("WAYBILL_TRUSTED_PROXY", forwarded[_i].proxy);

    use_up("198.51.100.1");
    web_ask(&front, "GET", "/public", forwarded[_i].forwarded, NULL, &reply);
    ck_assert_int_eq(reply.status, 202);
    use_up(forwarded[_i].address);
    web_ask(&front, "GET", "/public", forwarded[_i].forwarded, NULL, &reply);
    ck_assert_int_eq(reply.status, 429);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, one_address_is_limited);
    tcase_add_test(tests, one_caller_is_limited_and_others_are_not);
    tcase_add_test(tests, the_usual_limits_let_two_hundred_shoppers_share_an_address);
    ADD_TABLE_TEST(tests, only_a_trusted_proxy_is_believed, forwarded);
}

RUN_SUITE(edge_limits, add_tests)
