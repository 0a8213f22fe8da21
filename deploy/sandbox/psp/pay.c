/* Paying, being refused, expiring. */
#include "pay.h"

#include <string.h>

#include "clock.h"
#include "text.h"
#include "timer.h"
#include "view.h"

#include "psp-sandbox/queries.h"

#define DAY_S (INT64_C(24) * 3600)
#define SESSION_EVERY_MS 1000
#define LAPSE_EVERY_MS 10000
#define KEYS_EVERY_MS 60000

static int64_t now_s(void)
{
    return clock_now() / CLOCK_SECOND;
}

/* --- the intent of a session --- */

/* A session gets its intent when the first card is tried, as at Stripe. */
static enum err open_intent(struct uow *uow, struct payment *payment)
{
    struct session *session = &payment->session;
    struct intent *intent = &payment->intent;
    bool found;

    if (session->intent_id != NULL)
        return intent_lock(uow, session->intent_id, intent, &found);
    *intent = (struct intent){
        .id = psp_id(uow->ctx->arena, "pi_"),
        .session_id = session->id,
        .session_status = session->status,
        .payment_id = session->payment_id,
        .status = INTENT_REQUIRES_PAYMENT_METHOD,
        .amount = session->amount,
        .currency = session->currency,
        .capture_method = session->capture_method,
        .description = session->description,
        .metadata = session->intent_metadata,
        .created = now_s(),
    };
    session->intent_id = intent->id;
    announce(&payment->announcer, "payment_intent.created", intent_view(uow->ctx->arena, intent, 0));
    return ERR_NONE;
}

static void new_charge(struct payment *payment, struct arena *arena, const struct card *card, const char *brand,
                       const char *last4)
{
    struct intent *intent = &payment->intent;

    intent->charge = (struct charge){
        .id = psp_id(arena, "ch_"),
        .intent_id = intent->id,
        .currency = intent->currency,
        .amount = intent->amount,
        .brand = brand,
        .last4 = last4,
        .card = card->name,
        .multicapture =
            payment->session.multicapture && !card->one_capture && text_equal(intent->capture_method, "manual"),
        .created = now_s(),
        .capture_before = now_s() + HOLD_DAYS * DAY_S,
    };
}

/* --- what the issuer says --- */

static void decline(struct uow *uow, struct payment *payment, const char *code, const char *decline_code,
                    const char *message)
{
    struct intent *intent = &payment->intent;

    intent->charge.failure_code = code;
    intent->charge.decline_code = decline_code;
    intent->charge.failure_message = message;
    intent_decline(intent);
    intent_save(uow, intent);
    charge_add(uow, &intent->charge);
    session_save(uow, &payment->session);
    announce(&payment->announcer, "payment_intent.payment_failed", intent_view(uow->ctx->arena, intent, 0));
}

static void authorize(struct uow *uow, struct payment *payment)
{
    struct arena *arena = uow->ctx->arena;
    struct intent *intent = &payment->intent;
    struct session *session = &payment->session;

    intent_authorize(intent);
    session->status = intent->session_status = "complete";
    intent_save(uow, intent);
    charge_add(uow, &intent->charge);
    session_save(uow, session);
    announce(&payment->announcer,
             intent->status == INTENT_SUCCEEDED ? "payment_intent.succeeded"
                                                : "payment_intent.amount_capturable_updated",
             intent_view(arena, intent, 0));
    announce(&payment->announcer, "checkout.session.completed",
             session_view(arena, session, intent, psp_of(uow->ctx)->public_url, 0));
}

static void challenge(struct uow *uow, struct payment *payment, const struct card *card)
{
    struct intent *intent = &payment->intent;

    if (!intent_move(intent, ON_CHALLENGED))
        return;
    intent->challenge = card->name;
    intent_save(uow, intent);
    session_save(uow, &payment->session);
    announce(&payment->announcer, "payment_intent.requires_action", intent_view(uow->ctx->arena, intent, 0));
}

/* --- the shopper --- */

/* Locks the session. *ret_open is false if nothing can be paid any more; then *ret_paid says why. */
static enum err open_session(struct uow *uow, const char *id, struct payment *payment, enum paid *ret_paid,
                             bool *ret_found, bool *ret_open)
{
    struct session *session = &payment->session;

    *ret_open = false;
    TRY(session_lock(uow, id, session, ret_found));
    if (!*ret_found)
        return ERR_NONE;
    if (text_equal(session->status, "complete"))
        *ret_paid = PAID;
    else if (text_equal(session->status, "expired") || session->is_over)
        *ret_paid = PAY_OVER;
    else
        *ret_open = true;
    return ERR_NONE;
}

enum err session_pay(struct ctx *ctx, const char *session_id, const char *digits, struct payment *ret,
                     enum paid *ret_paid, bool *ret_found)
{
    const struct card *card = card_find(digits);
    const char *last4 = arena_strdup(ctx->arena, digits + strlen(digits) - 4);
    bool open;

    UNIT_OF_WORK(ctx, uow);
    TRY(open_session(uow, session_id, ret, ret_paid, ret_found, &open));
    if (!open)
        return ERR_NONE;
    ret->announcer = announcer(uow, ret->session.payment_id, card->webhook);
    TRY(open_intent(uow, ret));
    switch (card->answer) {
    case CARD_APPROVES:
        new_charge(ret, ctx->arena, card, card_brand(digits), last4);
        authorize(uow, ret);
        *ret_paid = PAID;
        break;
    case CARD_DECLINES:
        new_charge(ret, ctx->arena, card, card_brand(digits), last4);
        decline(uow, ret, card->code, card->decline_code, card->message);
        *ret_paid = PAY_AGAIN;
        break;
    case CARD_CHALLENGES:
        challenge(uow, ret, card);
        *ret_paid = PAY_CHALLENGED;
        break;
    }
    return uow_commit(uow);
}

enum err session_answer(struct ctx *ctx, const char *session_id, bool yes, struct payment *ret, enum paid *ret_paid,
                        bool *ret_found)
{
    const struct card *card;
    bool open;

    UNIT_OF_WORK(ctx, uow);
    TRY(open_session(uow, session_id, ret, ret_paid, ret_found, &open));
    if (!open)
        return ERR_NONE;
    *ret_paid = PAY_NOT_ASKED;
    if (ret->session.intent_id == NULL)
        return ERR_NONE;
    ret->announcer = announcer(uow, ret->session.payment_id, WEBHOOK_NORMAL);
    TRY(open_intent(uow, ret));
    card = ret->intent.challenge != NULL ? card_named(ret->intent.challenge) : NULL;
    if (ret->intent.status != INTENT_REQUIRES_ACTION || card == NULL)
        return ERR_NONE;

    new_charge(ret, ctx->arena, card, card_brand(card->number), card->number + strlen(card->number) - 4);
    *ret_paid = PAY_AGAIN;
    if (!yes) {
        decline(uow, ret, "payment_intent_authentication_failure", NULL,
                "We are unable to authenticate your payment method. Please choose a different payment method.");
    } else if (card->declines_after) {
        decline(uow, ret, card->code, card->decline_code, card->message);
    } else {
        authorize(uow, ret);
        *ret_paid = PAID;
    }
    return uow_commit(uow);
}

/* --- the end --- */

void intent_end(struct uow *uow, struct intent *intent, const char *reason)
{
    const char *view;
    struct announcer all = announcer(uow, intent->payment_id, WEBHOOK_NORMAL);

    intent_cancel(intent, reason, now_s());
    intent_save(uow, intent);
    view = intent_view(uow->ctx->arena, intent, 0);
    announce(&all, "payment_intent.canceled", view);
    if (text_equal(reason, "expired"))
        announce(&all, "charge.expired", charge_view(uow->ctx->arena, intent));
}

enum err session_expire(struct uow *uow, struct session *session)
{
    struct announcer all = announcer(uow, session->payment_id, WEBHOOK_NORMAL);
    struct intent intent;
    bool found = false;

    session->status = "expired";
    session_save(uow, session);
    if (session->intent_id != NULL)
        TRY(intent_lock(uow, session->intent_id, &intent, &found));
    if (found)
        intent_end(uow, &intent, "automatic");
    announce(&all, "checkout.session.expired",
             session_view(uow->ctx->arena, session, found ? &intent : NULL, psp_of(uow->ctx)->public_url, 0));
    return ERR_NONE;
}

/* --- timers --- */

static enum err expire_sessions(struct uow *uow, bool *ret_more)
{
    struct id_list due;
    struct session session;
    bool found;

    TRY(SQL_MANY(uow, sessions_due, id_row_record, &due));
    for (size_t i = 0; i < due.count; i++) {
        TRY(session_find(uow, due.items[i].id, &session, &found));
        if (found)
            TRY(session_expire(uow, &session));
    }
    *ret_more = due.count > 0;
    return uow_commit(uow);
}

static enum err lapse_authorizations(struct uow *uow, bool *ret_more)
{
    struct id_list due;
    struct intent intent;
    bool found;

    TRY(SQL_MANY(uow, intents_lapsed, id_row_record, &due));
    for (size_t i = 0; i < due.count; i++) {
        TRY(intent_find(uow, due.items[i].id, &intent, &found));
        if (found)
            intent_end(uow, &intent, "expired");
    }
    *ret_more = due.count > 0;
    return uow_commit(uow);
}

static enum err forget(struct uow *uow, bool *ret_more)
{
    int64_t keys, requests;

    TRY(SQL_COUNT(uow, keyed_answers_expire, &keys));
    TRY(SQL_COUNT(uow, api_requests_expire, &requests));
    *ret_more = keys + requests >= 1000;
    return uow_commit(uow);
}

const struct timer psp_timers[] = {
    {"sessions_expire", SESSION_EVERY_MS, expire_sessions},
    {"intents_lapse", LAPSE_EVERY_MS, lapse_authorizations},
    {"forget", KEYS_EVERY_MS, forget},
    {NULL, 0, NULL},
};
