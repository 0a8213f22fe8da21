/*
 * view - sessions, intents, charges, refunds and events as JSON, as Stripe's API shows them. Pure.
 *
 * Members that Stripe may leave null are written as null.
 */
#ifndef PSP_SANDBOX_VIEW_H
#define PSP_SANDBOX_VIEW_H

#include "payment.h"

/* What is shown whole instead of by its id. */
enum expansion {
    EXPAND_INTENT = 1 << 0,
    EXPAND_CHARGE = 1 << 1,
};

/* `intent` may be NULL where it isn't expanded. */
const char *session_view(struct arena *arena, const struct session *session, const struct intent *intent,
                         const char *public_url, unsigned expand);
const char *intent_view(struct arena *arena, const struct intent *intent, unsigned expand);
const char *charge_view(struct arena *arena, const struct intent *intent);

/* `intent` only where something is expanded. */
const char *refund_view(struct arena *arena, const struct refund *refund, const struct intent *intent, unsigned expand);

/* `object` is the JSON of what it is about; `key` the request's, or NULL. */
struct event_view {
    const char *id;
    const char *type;
    const char *object;
    const char *key;
    int64_t created;
    bool is_delivered_by_webhook;
};
const char *event_view(struct arena *arena, const struct event_view *event);

/* {"object":"list","url":...,"has_more":...,"data":[...]} around items of JSON. */
const char *list_view(struct arena *arena, const char *path, const struct texts *items, bool has_more);

struct error_view {
    const char *type; /* invalid_request_error, card_error, api_error, idempotency_error */
    const char *code;
    const char *decline_code;
    const char *message;
    const char *param;
    const char *payment_intent; /* JSON */
};
const char *error_view(struct arena *arena, const struct error_view *error);

#endif
