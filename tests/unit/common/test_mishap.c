/* mishap: a process dies where and when it was told to, and nowhere else. */
#include "mishap.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

/* How often a process with this setting can pass the point, at most 5 times. */
static int passes(const char *setting, enum mishap_point point)
{
    int told[2];
    int status, count = 0;
    char one;

    ck_assert_int_eq(pipe(told), 0);
    const pid_t child = fork();
    if (child == 0) {
        setenv("WAYBILL_TEST_DIE_AT", setting, 1);
        for (int i = 0; i < 5; i++) {
            mishap(point);
            if (write(told[1], "x", 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(told[1]);
    while (read(told[0], &one, 1) == 1)
        count++;
    close(told[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(count == 5 ? WIFEXITED(status) : WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return count;
}

START_TEST(it_dies_the_nth_time)
{
    ck_assert_int_eq(passes("before_commit:1", MISHAP_BEFORE_COMMIT), 0);
    ck_assert_int_eq(passes("after_commit:3", MISHAP_AFTER_COMMIT), 2);
    ck_assert_int_eq(passes("after_publish:5", MISHAP_AFTER_PUBLISH), 4);
    ck_assert_int_eq(passes("before_call:2", MISHAP_BEFORE_CALL), 1);
    ck_assert_int_eq(passes("after_call:2", MISHAP_AFTER_CALL), 1);
}
END_TEST

START_TEST(and_not_elsewhere)
{
    ck_assert_int_eq(passes("before_commit:1", MISHAP_AFTER_COMMIT), 5);
    ck_assert_int_eq(passes("before_commit:6", MISHAP_BEFORE_COMMIT), 5);
    ck_assert_int_eq(passes("somewhere:1", MISHAP_BEFORE_COMMIT), 5);
    ck_assert_int_eq(passes("before:1", MISHAP_BEFORE_COMMIT), 5);
    ck_assert_int_eq(passes("before_commit", MISHAP_BEFORE_COMMIT), 5);
    ck_assert_int_eq(passes("before_commit:x", MISHAP_BEFORE_COMMIT), 5);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, it_dies_the_nth_time);
    tcase_add_test(tests, and_not_elsewhere);
}

RUN_SUITE(mishap, add_tests)
