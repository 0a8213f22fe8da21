/* service: what a process says of itself while it starts, runs and stops. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus.h"
#include "clock.h"
#include "suite.h"
#include "web.h"

#define KEY "0000000000000000000000000000000000000000000000000000000000000001"

static const char *const state_names[] = {"open", "shut", NULL};
static const char *const event_names[] = {"closing", NULL};
static const struct fsm unsound = {.name = "door", .states = state_names, .events = event_names};

static enum err say_hello(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    http_text(ctx, "text/plain", "hello", 5);
    return ERR_NONE;
}

static const struct route routes[] = {
    {"GET", "/hello", ROLE_NONE, .handle = say_hello, .status = 200},
    {NULL},
};
static const struct query *const queries[] = {NULL};

static int port;
static pid_t process;

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* Starts the service as a process of its own. */
static void run(struct service *service, const char *database)
{
    char listen_text[32];
    char name[] = "service", *arguments[] = {name, NULL};

    service->name = "servicetest";
    service->purpose = "a test";
    port = free_port();
    snprintf(listen_text, sizeof(listen_text), "127.0.0.1:%d", port);
    setenv("WAYBILL_LISTEN", listen_text, 1);
    setenv("WAYBILL_DATABASE", database, 1);
    setenv("WAYBILL_IDENTITY_KEY", KEY, 1);
    process = fork();
    ck_assert_int_ge(process, 0);
    if (process == 0)
        _exit(service_main(1, arguments, service));
}

/* Tells it to stop and returns its exit status; -1 if it did not end by itself. */
static int end(void)
{
    int status;

    ck_assert_int_eq(kill(process, SIGTERM), 0);
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The status of GET, and its body in `ret`. */
static int get(const char *path, struct reply *ret)
{
    char text[256];
    int size = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    int fd = web_connect(port);

    memset(ret, 0, sizeof(*ret));
    if (fd < 0)
        return 0;
    web_send(fd, text, (size_t)size);
    (void)web_read(fd, "GET", ret);
    close(fd);
    return ret->status;
}

/* Waits until the port is open. */
static void await_listening(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (int i = 0; i < 500; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int refused = connect(fd, (struct sockaddr *)&address, sizeof(address));
        close(fd);
        if (refused == 0)
            return;
        usleep(20 * 1000);
    }
    ck_abort_msg("the service does not listen");
}

static void await_status(const char *path, int status)
{
    static struct reply reply;

    for (int i = 0; i < 500 && get(path, &reply) != status; i++)
        usleep(20 * 1000);
    ck_assert_int_eq(reply.status, status);
}

START_TEST(while_the_database_is_missing_it_is_alive_but_not_ready)
{
    static struct reply reply;
    char nowhere[128];

    snprintf(nowhere, sizeof(nowhere), "host=127.0.0.1 port=%d dbname=none connect_timeout=1", free_port());
    run(&(struct service){.queries = queries, .routes = routes}, nowhere);
    await_listening();
    ck_assert_int_eq(get("/healthz", &reply), 200);
    ck_assert_int_eq(get("/readyz", &reply), 503);
    ck_assert_ptr_nonnull(strstr(reply.body, "database"));
    ck_assert_int_eq(get("/hello", &reply), 503);

    int64_t began = clock_monotonic();
    (void)end();
    ck_assert_int_lt(clock_monotonic() - began, 5 * CLOCK_SECOND);
}
END_TEST

START_TEST(with_all_it_needs_it_is_ready_and_stops_when_told)
{
    static struct reply reply;

    database_open();
    run(&(struct service){.queries = queries, .routes = routes}, database_conninfo());
    await_listening();
    await_status("/readyz", 200);
    ck_assert_int_eq(get("/hello", &reply), 200);
    ck_assert_str_eq(reply.body, "hello");
    database_await("SELECT count(*) FROM relay_lease WHERE expires_at > now()", 1);

    int64_t began = clock_monotonic();
    ck_assert_int_eq(end(), 0);
    ck_assert_int_lt(clock_monotonic() - began, 5 * CLOCK_SECOND);
    ck_assert_int_eq(database_int("SELECT count(*) FROM relay_lease WHERE expires_at > now()"), 0);
    database_close();
}
END_TEST

START_TEST(a_machine_with_a_defect_stops_the_start)
{
    int status;

    run(&(struct service){.routes = routes, .machines = (const struct fsm *const[]){&unsound, NULL}}, "");
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    ck_assert_int_eq(WEXITSTATUS(status), 1);
}
END_TEST

START_TEST(a_missing_setting_stops_the_start)
{
    int status;

    run(&(struct service){.queries = queries, .routes = routes}, "");
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    ck_assert_int_eq(WEXITSTATUS(status), 1);
}
END_TEST

START_TEST(a_process_without_database_and_broker_needs_neither)
{
    run(&(struct service){.routes = routes}, "");
    await_listening();
    await_status("/readyz", 200);
    ck_assert_int_eq(end(), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, while_the_database_is_missing_it_is_alive_but_not_ready);
    tcase_add_test(tests, with_all_it_needs_it_is_ready_and_stops_when_told);
    tcase_add_test(tests, a_machine_with_a_defect_stops_the_start);
    tcase_add_test(tests, a_missing_setting_stops_the_start);
    tcase_add_test(tests, a_process_without_database_and_broker_needs_neither);
}

RUN_SUITE(service, add_tests)
