/* The only way an intent's state changes. */
#include "move.h"

#include "calls.h"
#include "clock.h"
#include "log.h"
#include "proto/payment.h"
#include "settings.h"
#include "store.h"
#include "work_item.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))
#define HOUR_MS (3600 * INT64_C(1000))
#define NEWS_MAX 8 /* moves that one set of facts can cause */

static struct money money_in(const struct intent *intent, int64_t amount)
{
    return money_of(amount, intent->currency);
}

/* --- what is said --- */

static enum err say_due(struct uow *uow, struct payment *payment, const struct intent *intent)
{
    return emit_payment_due(uow, &payment->head,
                            &(struct payment_due){
                                .checkout_id = payment->head.id,
                                .shop = payment->shop,
                                .placement = intent->placement,
                                .intent = intent->number,
                                .method = intent->method,
                                .amount = money_in(intent, intent->amount_minor),
                                .reference = intent->reference,
                            });
}

static enum err say_action_required(struct uow *uow, struct payment *payment, const struct intent *intent)
{
    return emit_payment_action_required(uow, &payment->head,
                                        &(struct payment_action_required){
                                            .checkout_id = payment->head.id,
                                            .shop = payment->shop,
                                            .placement = intent->placement,
                                            .intent = intent->number,
                                            .method = intent->method,
                                            .redirect_url = intent->redirect_url,
                                            .expires_at = intent->expires_at,
                                        });
}

static enum err say_authorized(struct uow *uow, struct payment *payment, const struct intent *intent)
{
    return emit_payment_authorized(uow, &payment->head,
                                   &(struct payment_authorized){
                                       .checkout_id = payment->head.id,
                                       .shop = payment->shop,
                                       .placement = intent->placement,
                                       .intent = intent->number,
                                       .method = intent->method,
                                       .amount = money_in(intent, intent->amount_minor),
                                       .capture = intent->capture,
                                       .expires_at = intent->rank == RANK_AUTHORIZED ? intent->expires_at : 0,
                                   });
}

static enum err say_declined(struct uow *uow, struct payment *payment, const struct intent *intent)
{
    return emit_payment_declined(uow, &payment->head,
                                 &(struct payment_declined){
                                     .checkout_id = payment->head.id,
                                     .shop = payment->shop,
                                     .placement = intent->placement,
                                     .intent = intent->number,
                                     .method = intent->method,
                                     .code = intent->decline_code,
                                     .may_retry = true,
                                 });
}

static enum err say_unknown(struct uow *uow, struct payment *payment, const struct intent *intent)
{
    return emit_payment_unknown(uow, &payment->head,
                                &(struct payment_unknown){
                                    .checkout_id = payment->head.id,
                                    .shop = payment->shop,
                                    .placement = intent->placement,
                                    .intent = intent->number,
                                    .operation = psp_operation_names[intent->doubt],
                                });
}

static enum err say_captured(struct uow *uow, struct payment *payment, const struct intent *intent,
                             enum money_source source)
{
    return emit_payment_captured(uow, &payment->head,
                                 &(struct payment_captured){
                                     .checkout_id = payment->head.id,
                                     .shop = payment->shop,
                                     .intent = intent->number,
                                     .method = intent->method,
                                     .amount = money_in(intent, intent->captured_minor),
                                     .captured = money_in(intent, intent->captured_minor),
                                     .source = money_source_names[source],
                                 });
}

static enum err say_capture_failed(struct uow *uow, struct payment *payment, const struct intent *intent,
                                   const char *code)
{
    work_item_open(uow, "capture_failed", payment->head.id, "the money of an order could not be taken", "note",
                   HOUR_MS);
    return emit_payment_capture_failed(uow, &payment->head,
                                       &(struct payment_capture_failed){
                                           .checkout_id = payment->head.id,
                                           .shop = payment->shop,
                                           .intent = intent->number,
                                           .amount = money_in(intent, intent->amount_minor),
                                           .code = code,
                                       });
}

static enum err say_voided(struct uow *uow, struct payment *payment, const struct intent *intent)
{
    return emit_payment_voided(uow, &payment->head,
                               &(struct payment_voided){
                                   .checkout_id = payment->head.id,
                                   .shop = payment->shop,
                                   .intent = intent->number,
                                   .amount = money_in(intent, intent->authorized_minor),
                               });
}

static enum err say_refunded(struct uow *uow, struct payment *payment, const struct intent *intent, int64_t amount)
{
    return emit_payment_refunded(uow, &payment->head,
                                 &(struct payment_refunded){
                                     .checkout_id = payment->head.id,
                                     .shop = payment->shop,
                                     .intent = intent->number,
                                     .amount = money_in(intent, amount),
                                     .refunded = money_in(intent, intent->refunded_minor),
                                     .reason = intent->refund_reason,
                                 });
}

/* --- what a move does --- */

/* Money of an intent that was over: given up or given back by itself, and somebody should know why it came. */
static void report_late(struct uow *uow, const struct payment *payment, enum intent_state from)
{
    if (from == INTENT_DECLINED || from == INTENT_CLOSED || from == INTENT_VOIDED)
        work_item_open(uow, "late_money", payment->head.id,
                       "money came of an intent that was over; it goes back by itself", "note", DAY_MS);
}

static void book_authorized(struct uow *uow, struct payment *payment, struct intent *intent)
{
    struct entry entry;

    if (intent->authorized_minor > 0)
        return;
    intent->authorized_minor = intent->amount_minor;
    ledger_authorized(uow->ctx->arena, payment, intent, &entry);
    payment_book(uow, payment, &entry);
}

/* Money is here. A promise that is heard of only now is told first: it is what checkout waits for. */
static enum err take_money(struct uow *uow, struct payment *payment, struct intent *intent, enum intent_state from,
                           enum money_source source)
{
    const bool is_held = source == SOURCE_PSP && from != INTENT_VOIDED;
    struct entry entry;

    if (is_held)
        book_authorized(uow, payment, intent);
    intent->captured_minor = intent->amount_minor;
    ledger_captured(uow->ctx->arena, payment, intent, source, is_held ? intent->amount_minor : 0, &entry);
    payment_book(uow, payment, &entry);
    if (from == INTENT_REQUESTED || from == INTENT_UNKNOWN || from == INTENT_PENDING)
        TRY(say_authorized(uow, payment, intent));
    report_late(uow, payment, from);
    return say_captured(uow, payment, intent, source);
}

/* The provider can't take it any more. */
static enum err end_it(struct uow *uow, struct payment *payment, struct intent *intent, enum intent_state from,
                       const char *code)
{
    struct entry entry;

    if (intent->state == INTENT_DECLINED) {
        intent->decline_code = code != NULL ? code : "declined";
        return say_declined(uow, payment, intent);
    }
    if (intent->state != INTENT_VOIDED)
        return ERR_NONE;
    ledger_released(uow->ctx->arena, payment, intent, &entry);
    payment_book(uow, payment, &entry);
    if (from != INTENT_VOIDING && intent_pays_order(payment, intent) && !payment->cancelled)
        TRY(say_capture_failed(uow, payment, intent, "authorization_expired"));
    return say_voided(uow, payment, intent);
}

static enum err give_back(struct uow *uow, struct payment *payment, struct intent *intent, enum intent_state from,
                          int64_t refunded)
{
    const int64_t amount = refunded - intent->refunded_minor;
    struct entry entry;

    intent->refunded_minor = refunded;
    if (from == INTENT_CAPTURED) {
        intent->refund_reason = "provider";
        work_item_open(uow, "refund_at_provider", payment->head.id,
                       "money was given back at the provider's desk, not by us", "note", DAY_MS);
    }
    ledger_refunded(uow->ctx->arena, payment, intent, amount, &entry);
    payment_book(uow, payment, &entry);
    if (amount > 0)
        return say_refunded(uow, payment, intent, amount);

    intent->operation = PSP_NOTHING;
    intent->failures = CALL_FAILURES_MAX;
    work_item_open(uow, "refund_failed", payment->head.id, "what was given back came back: the customer has nothing",
                   "note", DAY_MS);
    return ERR_NONE;
}

/* Nobody knows: told once, asked again and again, and in the end a person is told. */
static enum err doubt(struct uow *uow, struct payment *payment, struct intent *intent, enum psp_operation operation)
{
    if (intent->doubt != PSP_NOTHING)
        return ERR_NONE;
    intent->doubt = operation;
    intent->asks = 0;
    intent->ask_at = payment->now + ask_pause_ms(0) * CLOCK_MS;
    intent->alarm_at = payment->now + payment_settings(uow->ctx)->unknown_max_ms * CLOCK_MS;
    return say_unknown(uow, payment, intent);
}

static void open_mismatch(struct uow *uow, const struct payment *payment)
{
    work_item_open(uow, "amount_differs", payment->head.id,
                   "the provider speaks of another amount or currency than it was asked for", "note", HOUR_MS);
}

static enum err follow(struct uow *uow, struct payment *payment, struct intent *intent, enum intent_state from,
                       const struct move *move)
{
    switch (move->on) {
    case ON_ASKED:
        if (intent->state == INTENT_DUE)
            return say_due(uow, payment, intent);
        return intent->state == INTENT_AUTHORIZED ? say_authorized(uow, payment, intent) : ERR_NONE;
    case ON_PAGE:
        return intent->state == INTENT_PENDING ? say_action_required(uow, payment, intent) : ERR_NONE;
    case ON_AUTHORIZED:
        book_authorized(uow, payment, intent);
        report_late(uow, payment, from);
        return intent->state == INTENT_AUTHORIZED ? say_authorized(uow, payment, intent) : ERR_NONE;
    case ON_CAPTURED:
        return take_money(uow, payment, intent, from, SOURCE_PSP);
    case ON_RECEIPT:
        return take_money(uow, payment, intent, from, SOURCE_RECEIPT);
    case ON_DELIVERED: /* a delivery that captures a card only asks for it */
        return intent->state == INTENT_CAPTURED ? take_money(uow, payment, intent, from, SOURCE_CARRIER) : ERR_NONE;
    case ON_ENDED:
        return end_it(uow, payment, intent, from, move->code);
    case ON_PART_REFUNDED:
    case ON_REFUNDED:
    case ON_REFUND_FAILED:
    case ON_SENT_BACK:
        return give_back(uow, payment, intent, from, move->refunded_minor);
    case ON_NO_ANSWER:
        return doubt(uow, payment, intent, move->operation);
    case ON_MISMATCH:
        open_mismatch(uow, payment);
        return doubt(uow, payment, intent, PSP_AUTHORIZE);
    case ON_REFUSED: /* of an order that is gone nobody misses it */
        return payment->cancelled ? ERR_NONE : say_capture_failed(uow, payment, intent, move->code);
    case ON_CLOSE:
    case ON_PLACED:
    case ON_PACKED:
    case ON_CANCELLED:
    case INTENT_EVENTS:
        break;
    }
    return ERR_NONE;
}

/* A new state is a new question: what was in doubt is answered, or doesn't matter any more. */
static void begin_state(struct uow *uow, const struct payment *payment, struct intent *intent, enum intent_event on)
{
    intent->failures = 0;
    /* Where nothing is wanted a call that is still repeated doesn't matter; while given up or unknown it does. */
    if (intent_wants(intent) == PSP_NOTHING && intent->state != INTENT_UNKNOWN && intent->state != INTENT_CLOSING) {
        intent->operation = PSP_NOTHING;
        intent->stalled = false;
    }
    if (intent->state != INTENT_UNKNOWN) {
        intent->doubt = PSP_NOTHING;
        intent->ask_at = 0;
        intent->alarm_at = 0;
    }
    if (intent->state == INTENT_PENDING) /* the net under everything: once the page has ended, its end is known */
        intent->ask_at = intent->expires_at + 60 * CLOCK_SECOND;
    if (intent->state == INTENT_REFUNDING && on != ON_REFUND_FAILED) {
        intent->refund_reason = payment->cancelled && intent_pays_order(payment, intent) ? "cancelled" : "late";
        if (intent_returns_by_hand(intent))
            work_item_open(uow, "refund_by_hand", payment->head.id,
                           "money that did not come through the provider has to be given back", "book_refund note",
                           DAY_MS);
    }
}

enum err intent_move(struct uow *uow, struct payment *payment, struct intent *intent, const struct move *move)
{
    const struct fsm_move next = fsm_next(&intent_fsm, (int)intent->state, (int)move->on, intent, payment);
    const enum intent_state from = intent->state;

    switch (next.outcome) {
    case FSM_REFUSE:
        return FAIL(uow->ctx, CONFLICT, "payment \"%s\" is %s: %s is not possible", payment->head.id,
                    intent_state_names[intent->state], intent_event_names[move->on]);
    case FSM_IGNORE:
        log_debug(uow->ctx, "move ignored", LOG_TEXT("payment_id", payment->head.id), LOG_INT("intent", intent->number),
                  LOG_TEXT("on", intent_event_names[move->on]), LOG_TEXT("why", next.why));
        return ERR_NONE;
    case FSM_WORK_ITEM:
        if (move->on == ON_MISMATCH)
            open_mismatch(uow, payment);
        else
            work_item_open(uow, "payment_contradiction", payment->head.id, next.why, "note", HOUR_MS);
        return move->on == ON_PLACED ? say_capture_failed(uow, payment, intent, "not_authorized") : ERR_NONE;
    case FSM_ACT:
        break;
    }
    intent->state = (enum intent_state)next.to;
    intent->touched = true;
    if (intent->state != from)
        begin_state(uow, payment, intent, move->on);
    TRY(follow(uow, payment, intent, from, move));
    call_what_is_wanted(uow, payment, intent);
    return ERR_NONE;
}

/* What the facts show beside how far the money is. */
static void look_around(struct uow *uow, const struct payment *payment, struct intent *intent,
                        const struct verdict *verdict)
{
    const bool waits = intent->state == INTENT_REQUESTED || intent->state == INTENT_UNKNOWN ||
                       intent->state == INTENT_PENDING || intent->state == INTENT_CLOSING;
    const int64_t soon = payment->now + ask_pause_ms(intent->asks) * CLOCK_MS;

    if (verdict->mismatched)
        open_mismatch(uow, payment);
    if (verdict->several)
        work_item_open(uow, "several_payments", payment->head.id,
                       "the provider made more than one payment of one intent", "note", HOUR_MS);
    /* The shopper is done, and the news of how it went may be lost. */
    if (verdict->completed && waits && (intent->ask_at == 0 || intent->ask_at > soon)) {
        intent->ask_at = soon;
        intent->touched = true;
    }
    if (verdict->refund_failed && intent->state == INTENT_REFUNDING && verdict->refunding_minor == 0) {
        intent->operation = PSP_NOTHING;
        intent->failures = CALL_FAILURES_MAX;
        intent->touched = true;
        work_item_open(uow, "refund_failed", payment->head.id, "the money can't be given back the way it came", "note",
                       DAY_MS);
    }
}

enum err intent_settle(struct uow *uow, struct payment *payment, struct intent *intent)
{
    struct verdict verdict;
    struct move move = {.source = SOURCE_PSP};

    facts_fold(&payment->facts, intent->number, intent->amount_minor, intent->currency, &verdict);
    for (int news = 0; news < NEWS_MAX && intent_news(intent, &verdict, &move.on); news++) {
        move.code = verdict.code;
        move.refunded_minor = verdict.refunded_minor;
        if (move.on == ON_MISMATCH)
            intent->mismatched = true;
        else if (verdict.rank > intent->rank)
            intent->rank = verdict.rank;
        intent->touched = true;
        TRY(intent_move(uow, payment, intent, &move));
    }
    look_around(uow, payment, intent, &verdict);
    return ERR_NONE;
}

enum err payment_close(struct uow *uow, struct payment *payment, int64_t placement, int64_t number)
{
    if (number > payment->closed_to)
        payment->closed_to = number;
    if (number == payment->closed_to) {
        payment->closed_placement = placement;
        payment->closed_told = 0; /* asked again is told again */
        payment->touched = true;
    }
    for (size_t i = 0; i < payment->intents.count; i++) {
        struct intent *intent = &payment->intents.items[i];
        if (intent->number > number)
            continue;
        TRY(intent_move(uow, payment, intent, &(struct move){.on = ON_CLOSE}));
        TRY(close_what_never_left(uow, payment, intent));
    }
    return ERR_NONE;
}

enum err payment_tell_closed(struct uow *uow, struct payment *payment)
{
    if (!payment_owes_closed(payment))
        return ERR_NONE;
    payment->closed_told = payment->closed_to;
    return emit_payment_closed(uow, &payment->head,
                               &(struct payment_closed){
                                   .checkout_id = payment->head.id,
                                   .shop = payment->shop,
                                   .placement = payment->closed_placement,
                                   .intent = payment->closed_to,
                               });
}
