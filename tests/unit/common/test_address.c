/*
 * test_address - networks.
 */
#include "address.h"

#include <arpa/inet.h>
#include <string.h>

#include "suite.h"

static const struct {
    const char *list;
    const char *address;
    bool within;
} cases[] = {
    {"10.0.0.0/8", "10.255.0.1", true},
    {"10.0.0.0/8", "11.0.0.1", false},
    {"192.0.2.7", "192.0.2.7", true},
    {"192.0.2.7", "192.0.2.6", false},
    {"192.0.2.0/23", "192.0.3.1", true},
    {"192.0.2.0/23", "192.0.4.1", false},
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"::/0", "203.0.113.9", true},
    {"::1", "::1", true},
    {"2001:db8::/33", "2001:db8:7fff::1", true},
    {"2001:db8::/33", "2001:db8:8000::1", false},
    {"10.0.0.1,::1,172.16.0.0/12", "172.31.0.1", true},
    {"", "10.0.0.1", false},
};

START_TEST(a_network_has_its_addresses)
{
    struct networks networks;
    struct address address;

    ck_assert(networks_read(cases[_i].list, &networks));
    ck_assert(address_read(cases[_i].address, strlen(cases[_i].address), &address));
    ck_assert_int_eq(networks_have(&networks, &address), cases[_i].within);
}
END_TEST

static const char *const broken[] = {"10.0.0.0/33",
                                     "10.0.0",
                                     "::/129",
                                     "host",
                                     "10.0.0.0/",
                                     "10.0.0.0/-1",
                                     ",",
                                     "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
                                     "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1"};

START_TEST(what_is_no_network_is_refused)
{
    struct networks networks;

    ck_assert(!networks_read(broken[_i], &networks));
}
END_TEST

START_TEST(a_socket_names_the_address_that_its_text_does)
{
    struct sockaddr_in narrow = {.sin_family = AF_INET};
    struct sockaddr_in6 wide = {.sin6_family = AF_INET6};
    struct sockaddr none = {.sa_family = AF_UNIX};
    struct address read, named;

    ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.7", &narrow.sin_addr), 1);
    ck_assert(address_read("192.0.2.7", 9, &read));
    named = address_of((const struct sockaddr *)&narrow);
    ck_assert_mem_eq(&named, &read, sizeof(read));

    ck_assert_int_eq(inet_pton(AF_INET6, "2001:db8::1", &wide.sin6_addr), 1);
    ck_assert(address_read("2001:db8::1", 11, &read));
    named = address_of((const struct sockaddr *)&wide);
    ck_assert_mem_eq(&named, &read, sizeof(read));

    named = address_of(&none);
    ck_assert_mem_eq(&named, &(struct address){{0}}, sizeof(named));
}
END_TEST

START_TEST(a_client_is_an_ipv4_address_or_an_ipv6_network)
{
    struct address address;

    ck_assert(address_read("192.0.2.7", 9, &address));
    ck_assert_uint_eq(address_client_size(&address), 16);
    ck_assert(address_read("::ffff:192.0.2.7", 16, &address));
    ck_assert_uint_eq(address_client_size(&address), 16);
    ck_assert(address_read("2001:db8::1", 11, &address));
    ck_assert_uint_eq(address_client_size(&address), 8);
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, a_network_has_its_addresses, cases);
    ADD_TABLE_TEST(tests, what_is_no_network_is_refused, broken);
    tcase_add_test(tests, a_socket_names_the_address_that_its_text_does);
    tcase_add_test(tests, a_client_is_an_ipv4_address_or_an_ipv6_network);
}

RUN_SUITE(address, add_tests)
