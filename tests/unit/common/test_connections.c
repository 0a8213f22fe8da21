/*
 * test_connections - the watchdog over open connections.
 */
#include "connections.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

static struct connections *connections;
static int pair[2];

static void start(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    connections = connections_new(2);
    ck_assert_ptr_nonnull(connections);
}

static void stop(void)
{
    connections_free(connections);
    close(pair[0]);
    close(pair[1]);
}

static bool is_shut(int wait_ms)
{
    struct pollfd poll_for = {.fd = pair[1], .events = POLLIN};
    char byte;

    return poll(&poll_for, 1, wait_ms) == 1 && recv(pair[1], &byte, 1, MSG_PEEK) == 0;
}

START_TEST(who_drips_bytes_is_shut_at_the_deadline_all_the_same)
{
    connections_open(connections, pair[0], 1);

    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(write(pair[1], "x", 1), 1);
        if (is_shut(100))
            break;
    }
    ck_assert(is_shut(4000));
}
END_TEST

START_TEST(each_request_begins_a_new_time)
{
    struct slot *slot = connections_open(connections, pair[0], 1);

    connections_mark(connections, slot, true, 0);
    ck_assert(!is_shut(2500));
    connections_mark(connections, slot, false, 1);
    ck_assert(is_shut(4000));
}
END_TEST

START_TEST(only_idle_and_silent_connections_are_shut_when_stopping)
{
    struct slot *slot = connections_open(connections, pair[0], 30);

    connections_mark(connections, slot, true, 30);
    ck_assert_uint_eq(connections_shut_idle(connections), 1);
    ck_assert(!is_shut(0));
    connections_mark(connections, slot, false, 30);
    ck_assert_int_eq(write(pair[1], "G", 1), 1);
    ck_assert_uint_eq(connections_shut_idle(connections), 1);
    ck_assert(!is_shut(0));
    char byte;
    ck_assert_int_eq(read(pair[0], &byte, 1), 1);
    ck_assert_uint_eq(connections_shut_idle(connections), 1);
    ck_assert(is_shut(0));
    connections_close(connections, slot);
    ck_assert_uint_eq(connections_shut_idle(connections), 0);
}
END_TEST

START_TEST(one_too_many_is_not_watched)
{
    struct slot *first = connections_open(connections, pair[0], 30);
    ck_assert_ptr_nonnull(connections_open(connections, pair[1], 30));

    ck_assert_ptr_null(connections_open(connections, pair[0], 30));
    connections_mark(connections, NULL, true, 1);
    connections_close(connections, NULL);
    connections_close(connections, first);
    ck_assert_ptr_nonnull(connections_open(connections, pair[0], 30));
}
END_TEST

START_TEST(who_has_just_come_gets_time_to_ask)
{
    struct slot *slot = connections_open(connections, pair[0], 30);

    ck_assert_uint_eq(connections_shut_idle(connections), 1);
    ck_assert(!is_shut(0));
    usleep(350000);
    ck_assert_uint_eq(connections_shut_idle(connections), 1);
    ck_assert(is_shut(0));
    connections_close(connections, slot);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 20);
    tcase_add_test(tests, who_drips_bytes_is_shut_at_the_deadline_all_the_same);
    tcase_add_test(tests, each_request_begins_a_new_time);
    tcase_add_test(tests, only_idle_and_silent_connections_are_shut_when_stopping);
    tcase_add_test(tests, who_has_just_come_gets_time_to_ask);
    tcase_add_test(tests, one_too_many_is_not_watched);
}

RUN_SUITE(connections, add_tests)
