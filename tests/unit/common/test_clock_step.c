/* clock_step: whoever writes the file steps the clock of a running process; without one it is right. */
#include "clock_step.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "suite.h"

#define HOUR_S INT64_C(3600)

static char path[] = "/tmp/waybill-clock-XXXXXX";

static void step(int64_t hours)
{
    const int64_t us = hours * HOUR_S * CLOCK_SECOND;
    const int file = open(path, O_WRONLY);

    ck_assert_int_eq(write(file, &us, sizeof(us)), sizeof(us));
    close(file);
}

/* By how many hours clock_now() is ahead; a minute more or less is no matter. */
static int64_t hours_ahead(void)
{
    const int64_t ahead_s = clock_now() / CLOCK_SECOND - time(NULL);

    return (ahead_s + (ahead_s < 0 ? -60 : 60)) / HOUR_S;
}

/* The first question finds the file, so each test asks in a process of its own. */
static int status_of_child(const char *file, int (*ask)(void))
{
    int status;

    const pid_t child = fork();
    if (child == 0) {
        setenv("WAYBILL_TEST_CLOCK", file, 1);
        _exit(ask());
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

static int ask_while_it_steps(void)
{
    const int64_t begun = clock_monotonic();

    if (hours_ahead() != 2)
        return 1;
    step(-25);
    if (hours_ahead() != -25)
        return 2;
    step(0);
    return hours_ahead() == 0 && clock_monotonic() - begun < HOUR_S * CLOCK_SECOND ? 0 : 3;
}

static int ask_once(void)
{
    return (int)hours_ahead();
}

START_TEST(it_steps_while_it_runs)
{
    close(mkstemp(path));
    step(2);
    const int status = status_of_child(path, ask_while_it_steps);
    unlink(path);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_a_broken_test)
{
    const int status = status_of_child("/nowhere/at/all", ask_once);

    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

START_TEST(without_a_file_it_is_right)
{
    ck_assert_int_eq(hours_ahead(), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, it_steps_while_it_runs);
    tcase_add_test(tests, a_file_that_is_not_there_is_a_broken_test);
    tcase_add_test(tests, without_a_file_it_is_right);
}

RUN_SUITE(clock_step, add_tests)
