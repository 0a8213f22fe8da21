/*
 * webhook - events: recorded in the transaction of what happened, and sent as the mode of the hour says.
 */
#ifndef PSP_SANDBOX_WEBHOOK_H
#define PSP_SANDBOX_WEBHOOK_H

#include "psp.h"
#include "uow.h"

#define LATE_MS INT64_C(10000)
#define SHUFFLED_MS INT64_C(3000)
#define ANNOUNCEMENTS_MAX 4 /* in one change */

/* What one change tells. */
struct announcer {
    struct uow *uow;
    const char *payment_id;
    const char *key; /* of the request that changed it, or NULL */
    enum webhook_mode mode;
    int64_t delay_ms;

    size_t count;
    struct {
        const char *id; /* of the delivery */
        const char *body;
    } first[ANNOUNCEMENTS_MAX]; /* to be sent before the page answers */
    size_t first_count;
};

/* `card` is the mode of the card that was used; WEBHOOK_NORMAL: the mode of the process holds. */
struct announcer announcer(struct uow *uow, const char *payment_id, enum webhook_mode card);

/* Records an event about an object (JSON) and plans its webhooks. */
void announce(struct announcer *announcer, const char *type, const char *object);

/* After the commit: sends what is to arrive before the page answers. */
void announce_first(struct ctx *ctx, const struct announcer *announcer);

/* Plans a webhook of an event that is on record. */
void webhook_plan(struct uow *uow, const char *event_id, const char *body, int64_t delay_ms);

/* The value of Stripe-Signature for a body sent at a time (seconds). */
const char *webhook_signature(struct arena *arena, const char *secret, int64_t at, const char *body, size_t size);

#endif
