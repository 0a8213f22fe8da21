/*
 * calls - deciding calls to the provider, and what their answers do to the intent.
 *
 * A call is built when it is decided, stored with its task, and sent byte by byte the same, under one key, until the
 * provider's answer is on record: "wb-<payment>-<intent>-<operation>-<number>". A new number is given only to a call
 * whose forerunner has ended and, as a query found, has moved nothing.
 */
#ifndef WAYBILL_PAYMENT_CALLS_H
#define WAYBILL_PAYMENT_CALLS_H

#include "payment.h"
#include "uow.h"

#define CALL_FAILURES_MAX 3        /* then a person decides */
#define CALL_KEY_TTL_S (23 * 3600) /* a provider keeps a key for a day; after that only a query is safe */
#define PAGE_TTL_S 3600            /* a page outlives its placement, so that a late call can still make it */
#define PAGE_TTL_MAX_S (24 * 3600 - 600)
#define PROMISE_TTL_S (7 * 24 * 3600)

const char *call_key(struct arena *arena, const struct payment *payment, const struct intent *intent,
                     enum psp_operation operation, int64_t number);

/* Decides the call that the intent wants, unless it is under way or failed too often. */
void call_what_is_wanted(struct uow *uow, const struct payment *payment, struct intent *intent);

/* Asks how it stands, now. A query that is under way already is enough. */
void call_query(struct uow *uow, const struct payment *payment, struct intent *intent, const char *source);

/* Takes those facts that are about the intent: keeps them, and the provider's ids for the calls to come. Returns
 * whether there was any. */
bool facts_learn(struct uow *uow, struct payment *payment, struct intent *intent, const struct fact_list *facts,
                 const char *source);

/* Takes back the call for a page that checkout gave up, if no copy made it yet: then there is nothing to close. */
enum err close_what_never_left(struct uow *uow, struct payment *payment, struct intent *intent) MUST_USE;

/* What a call's answer does: facts, the end of the call, the next one. */
enum err call_answered(struct uow *uow, struct payment *payment, struct intent *intent, const char *key,
                       const struct psp_call *call, const struct psp_answer *answer) MUST_USE;

#endif
