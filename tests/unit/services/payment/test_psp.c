/* psp: what the end of a call means, by where it ended. */
#include "psp.h"

#include "suite.h"

/* clang-format off */
static const struct {
    enum call_result result; int status; bool readable; bool replayed; enum psp_outcome then;
} ends[] = {
    { CALL_NOT_SENT, 0,   false, false, PSP_NOT_SENT  }, /* never "declined" */
    { CALL_UNKNOWN,  0,   false, false, PSP_UNKNOWN   }, /* our time-out, a reset, half an answer */
    { CALL_ANSWERED, 200, true,  false, PSP_DONE      },
    { CALL_ANSWERED, 200, true,  true,  PSP_DONE      }, /* from the record: as good as the first time */
    { CALL_ANSWERED, 201, true,  false, PSP_DONE      },
    { CALL_ANSWERED, 200, false, false, PSP_UNKNOWN   }, /* it may have happened */
    { CALL_ANSWERED, 302, false, false, PSP_UNKNOWN   },
    { CALL_ANSWERED, 400, false, false, PSP_REFUSED   },
    { CALL_ANSWERED, 400, false, true,  PSP_REFUSED   },
    { CALL_ANSWERED, 401, false, false, PSP_LOCKED    },
    { CALL_ANSWERED, 402, false, false, PSP_DECLINED  },
    { CALL_ANSWERED, 402, false, true,  PSP_DECLINED  },
    { CALL_ANSWERED, 403, false, false, PSP_LOCKED    },
    { CALL_ANSWERED, 404, false, false, PSP_REFUSED   },
    { CALL_ANSWERED, 409, false, false, PSP_IN_FLIGHT },
    { CALL_ANSWERED, 422, false, false, PSP_REFUSED   },
    { CALL_ANSWERED, 424, false, false, PSP_UNKNOWN   },
    { CALL_ANSWERED, 424, false, true,  PSP_SPENT     },
    { CALL_ANSWERED, 429, false, false, PSP_SLOWER    },
    { CALL_ANSWERED, 500, false, false, PSP_UNKNOWN   },
    { CALL_ANSWERED, 500, false, true,  PSP_SPENT     }, /* the key only repeats it: ask for the truth */
    { CALL_ANSWERED, 502, false, false, PSP_UNKNOWN   },
    { CALL_ANSWERED, 503, false, false, PSP_UNKNOWN   },
};
/* clang-format on */

START_TEST(a_call_ends_in_one_outcome)
{
    ck_assert_int_eq(psp_outcome(ends[_i].result, ends[_i].status, ends[_i].readable, ends[_i].replayed),
                     ends[_i].then);
}
END_TEST

START_TEST(no_status_but_a_refusal_by_the_bank_is_declined)
{
    for (int status = 100; status < 600; status++) {
        const enum psp_outcome outcome = psp_outcome(CALL_ANSWERED, status, true, false);
        ck_assert_int_eq(outcome == PSP_DECLINED, status == 402);
        ck_assert_int_eq(outcome == PSP_DONE, status / 100 == 2);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, a_call_ends_in_one_outcome, ends);
    tcase_add_test(tests, no_status_but_a_refusal_by_the_bank_is_declined);
}

RUN_SUITE(psp, add_tests)
