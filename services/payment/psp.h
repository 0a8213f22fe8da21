/*
 * psp - what a payment provider is asked, and what its answer means, in our words. stripe.h speaks the provider's.
 *
 * Every call ends in exactly one outcome, told by where it failed: only what provably never left counts as not sent,
 * and only the provider's own words count as a refusal. Whatever else went wrong may have happened, and is unknown.
 */
#ifndef WAYBILL_PAYMENT_PSP_H
#define WAYBILL_PAYMENT_PSP_H

#include "client.h"
#include "fold.h"

enum psp_operation {
    PSP_NOTHING,
    PSP_AUTHORIZE, /* make the page on which the shopper promises the money */
    PSP_EXPIRE,    /* close that page */
    PSP_CAPTURE,
    PSP_VOID,
    PSP_REFUND,
    PSP_QUERY, /* tell the truth */
    PSP_OPERATIONS
};

extern const char *const psp_operation_names[];

enum psp_outcome {
    PSP_DONE,      /* the answer says how it stands now */
    PSP_DECLINED,  /* the bank says no */
    PSP_REFUSED,   /* our request is wrong there: provably nothing happened */
    PSP_LOCKED,    /* the provider doesn't accept our key: nothing happened, and somebody must look */
    PSP_NOT_SENT,  /* provably nothing reached it */
    PSP_IN_FLIGHT, /* the same call is being worked on: the same key again after a pause */
    PSP_SLOWER,    /* too many calls: the same key again, later */
    PSP_UNKNOWN,   /* it may have happened */
    PSP_SPENT,     /* the key only repeats an error on record: its truth is found by a query, never by the key */
};

/* The outcome of a call. `readable`: a 2xx whose body was understood. */
enum psp_outcome psp_outcome(enum call_result result, int status, bool readable, bool replayed);

/* A call as it was decided; stored with its task and sent byte by byte the same however often. */
struct psp_call {
    int64_t intent;
    int64_t number; /* of the decided calls of the intent; in its key */
    bool proves;    /* a query: no call is under way, so what it doesn't find isn't there */
    const char *operation;
    const char *source; /* of what it finds: "answer", "query", "return" */
    const char *method;
    const char *path;
    const char *form; /* NULL: none */
    const char *also; /* a query's second question, or NULL */
};

extern const struct record psp_call_record;

/* What came of it. */
struct psp_answer {
    enum psp_outcome outcome;
    bool found;       /* a query: the provider knows the page or the payment */
    const char *code; /* why not, as the provider says it; or NULL */
    struct fact_list facts;
};

#endif
