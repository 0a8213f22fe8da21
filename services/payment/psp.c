/* What the end of a call to a provider means. */
#include "psp.h"

const char *const psp_operation_names[] = {"nothing", "authorize", "expire", "capture",
                                           "void",    "refund",    "query",  NULL};

RECORD_SHARED(psp_call, FIELD(psp_call, intent), FIELD(psp_call, number), FIELD(psp_call, proves),
              FIELD(psp_call, operation), FIELD(psp_call, source), FIELD(psp_call, method),
              FIELD(psp_call, path, .max = 1000), FIELD(psp_call, form, .max = 8000),
              FIELD(psp_call, also, .max = 1000));

enum psp_outcome psp_outcome(enum call_result result, int status, bool readable, bool replayed)
{
    if (result == CALL_NOT_SENT)
        return PSP_NOT_SENT;
    if (result == CALL_UNKNOWN)
        return PSP_UNKNOWN;
    if (status >= 200 && status < 300)
        return readable ? PSP_DONE : PSP_UNKNOWN;

    switch (status) {
    case 401:
    case 403:
        return PSP_LOCKED;
    case 402:
        return PSP_DECLINED;
    case 409:
        return PSP_IN_FLIGHT;
    case 424: /* something that the provider itself depends on failed: like a fault of its own */
        return replayed ? PSP_SPENT : PSP_UNKNOWN;
    case 429:
        return PSP_SLOWER;
    default:
        break;
    }
    if (status >= 400 && status < 500)
        return PSP_REFUSED;
    if (status >= 500)
        return replayed ? PSP_SPENT : PSP_UNKNOWN; /* an error is kept for the key, and repeated for a day */
    return PSP_UNKNOWN;
}
