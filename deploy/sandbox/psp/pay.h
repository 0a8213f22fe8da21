/*
 * pay - what the shopper, the clock and the bank do to a session and its payment, with the events that tell of it.
 */
#ifndef PSP_SANDBOX_PAY_H
#define PSP_SANDBOX_PAY_H

#include "store.h"
#include "webhook.h"

enum paid {
    PAID,           /* now or before: the session is complete */
    PAY_AGAIN,      /* the card was refused; another one may be tried */
    PAY_CHALLENGED, /* the holder is asked */
    PAY_OVER,       /* the session has expired */
    PAY_NOT_ASKED,  /* an answer to a challenge that isn't there */
};

struct payment {
    struct session session;
    struct intent intent;
    struct announcer announcer; /* to send what comes first */
};

/* A card is tried. `digits` is a whole number; only its end is kept. *ret_found is false if there is no such session.
 */
enum err session_pay(struct ctx *ctx, const char *session_id, const char *digits, struct payment *ret,
                     enum paid *ret_paid, bool *ret_found) MUST_USE;

/* The holder of the challenged card says yes or no. */
enum err session_answer(struct ctx *ctx, const char *session_id, bool yes, struct payment *ret, enum paid *ret_paid,
                        bool *ret_found) MUST_USE;

/* An open, locked session ends without a payment, and so does its intent. */
enum err session_expire(struct uow *uow, struct session *session) MUST_USE;

/* An authorization ends: a command or time. The intent is locked and may be cancelled. */
void intent_end(struct uow *uow, struct intent *intent, const char *reason);

#endif
