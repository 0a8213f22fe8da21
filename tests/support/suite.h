/*
 * suite - the main function of a test program: one suite, named after its module, of one test case.
 *
 * Check forks for each test, so one that aborts fails alone. Nothing with threads may be made before the fork.
 */
#ifndef WAYBILL_SUITE_H
#define WAYBILL_SUITE_H

#include <check.h>
#include <stdlib.h>

#include "macros.h"

UNUSED static int suite_run(const char *name, void (*add_tests)(TCase *))
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    add_tests(tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Defines main(): RUN_SUITE(money, add_tests). */
#define RUN_SUITE(module, add_tests)                                                                                   \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        return suite_run(#module, add_tests);                                                                          \
    }

/* Adds a test that runs once for each row of a table; `_i` is the row. */
#define ADD_TABLE_TEST(tests, test, table) tcase_add_loop_test((tests), (test), 0, (int)COUNT(table))

#endif
