/* The only way a checkout's state changes. */
#include "move.h"

#include <assert.h>

#include "http.h"
#include "log.h"
#include "service.h"
#include "store.h"
#include "text.h"
#include "work_item.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

#define NOT_CLOSED "payment_not_closed" /* kind of the work item for money that may still come */

static struct patience patience_from_settings(const struct ctx *ctx)
{
    const struct config *config = ctx->service->config;

    return (struct patience){
        .deadline_s = config_int(config, "WAYBILL_PLACEMENT_DEADLINE_S"),
        .deadline_max_s = config_int(config, "WAYBILL_PLACEMENT_MAX_S"),
        .unknown_max_s = config_int(config, "WAYBILL_UNKNOWN_MAX_S"),
    };
}

static enum err ask_claims(struct uow *uow, struct checkout *checkout)
{
    struct arena *arena = uow->ctx->arena;

    return emit_checkout_claims_asked(uow, &checkout->head,
                                      &(struct checkout_claims_asked){
                                          .checkout_id = checkout->head.id,
                                          .shop = checkout->shop,
                                          .cart_id = checkout->cart_id,
                                          .placement = checkout->placement,
                                          .currency = checkout->currency,
                                          .lines = checkout_claim_lines(checkout, arena),
                                          .groups = checkout_claim_groups(checkout, arena),
                                          .deadline = checkout->deadline,
                                      });
}

static enum err ask_payment(struct uow *uow, struct checkout *checkout)
{
    const bool has_page = text_equal(checkout->method, PAYMENT_METHOD_CARD);

    return emit_checkout_payment_asked(uow, &checkout->head,
                                       &(struct checkout_payment_asked){
                                           .checkout_id = checkout->head.id,
                                           .shop = checkout->shop,
                                           .placement = checkout->placement,
                                           .intent = checkout->intent,
                                           .method = checkout->method,
                                           .amount = checkout->totals.total,
                                           .capture = checkout->capture,
                                           .locale = checkout->locale,
                                           .return_url = has_page ? checkout->return_url : NULL,
                                           .deadline = checkout->deadline,
                                       });
}

static enum err ask_closing(struct uow *uow, struct checkout *checkout)
{
    return emit_checkout_payment_closing(uow, &checkout->head,
                                         &(struct checkout_payment_closing){
                                             .checkout_id = checkout->head.id,
                                             .shop = checkout->shop,
                                             .placement = checkout->placement,
                                             .intent = checkout->intent,
                                         });
}

/* This confirms the claims too: no round trip, since nothing can be refused any more (saga rule R7). */
static enum err tell_completed(struct uow *uow, struct checkout *checkout, const struct checkout_move *move)
{
    assert(checkout->personal != NULL); /* it was read with what is bought */
    return emit_checkout_completed(uow, &checkout->head,
                                   &(struct checkout_completed){
                                       .checkout_id = checkout->head.id,
                                       .shop = checkout->shop,
                                       .cart_id = checkout->cart_id,
                                       .placement = checkout->placement,
                                       .intent = checkout->winning_intent,
                                       .channel = checkout->channel,
                                       .locale = checkout->locale,
                                       .currency = checkout->currency,
                                       .method = checkout->method,
                                       .capture = checkout->capture,
                                       .lines = checkout->lines,
                                       .groups = checkout->groups,
                                       .totals = checkout->totals,
                                       .personal = checkout_personal(checkout, uow->ctx->arena),
                                       .reference = move->reference,
                                   });
}

static enum err tell_failed(struct uow *uow, struct checkout *checkout, const char *why)
{
    return emit_checkout_failed(uow, &checkout->head,
                                &(struct checkout_failed){
                                    .checkout_id = checkout->head.id,
                                    .shop = checkout->shop,
                                    .cart_id = checkout->cart_id,
                                    .placement = checkout->placement,
                                    .reason = checkout->reason,
                                    .detail = why,
                                });
}

static enum err tell_progress(struct uow *uow, struct checkout *checkout, const char *state)
{
    return emit_checkout_progressed(uow, &checkout->head,
                                    &(struct checkout_progressed){
                                        .checkout_id = checkout->head.id,
                                        .shop = checkout->shop,
                                        .placement = checkout->placement,
                                        .state = state,
                                    });
}

/* What others must do or may know now that the checkout is in another state. */
static enum err say_entered(struct uow *uow, struct checkout *checkout, const struct checkout_move *move,
                            const char *why)
{
    switch (checkout->state) {
    case CHECKOUT_CLAIMING:
        return ask_claims(uow, checkout);
    case CHECKOUT_PAYING:
        return ask_payment(uow, checkout);
    case CHECKOUT_SWITCHING:
    case CHECKOUT_CLOSING:
        return ask_closing(uow, checkout);
    case CHECKOUT_FAILED:
        return tell_failed(uow, checkout, why);
    case CHECKOUT_COMPLETED:
        return tell_completed(uow, checkout, move);
    case CHECKOUT_ACTION_REQUIRED:
    case CHECKOUT_DECLINED:
    case CHECKOUT_UNKNOWN:
        return tell_progress(uow, checkout, checkout_state_names[checkout->state]);
    case CHECKOUT_OPEN:
    case CHECKOUT_STATES:
        break;
    }
    return ERR_NONE;
}

static enum err say(struct uow *uow, struct checkout *checkout, enum checkout_state from,
                    const struct checkout_move *move, const char *why)
{
    if (checkout->state != from)
        return say_entered(uow, checkout, move, why);
    if (move->on == ON_ACTION_REQUIRED) /* another page */
        return tell_progress(uow, checkout, CHECKOUT_PROGRESSED_STATE_ACTION_REQUIRED);
    if (move->on == ON_ORDER_PLACED)
        return tell_progress(uow, checkout, CHECKOUT_PROGRESSED_STATE_PLACED);
    return ERR_NONE;
}

/* Whether this very placement let its claims go before payment was sure. */
static bool lacks_closing(const struct checkout *checkout)
{
    return checkout->state == CHECKOUT_FAILED && text_equal(checkout->reason, "payment_unknown");
}

/* What needs a person, or does not any more: the late answer may come when the checkout was placed anew already. */
static void mind_money(struct uow *uow, const struct checkout *checkout, enum checkout_state from,
                       const struct checkout_move *move, const char *why)
{
    const bool is_current = checkout_concerns(checkout, move);

    if (from == CHECKOUT_CLOSING && move->on == ON_DEADLINE)
        work_item_open(uow, NOT_CLOSED, checkout->head.id, why, "note", DAY_MS);
    if (move->on == ON_CLOSED && (is_current ? from == CHECKOUT_FAILED : !lacks_closing(checkout)))
        work_item_close(uow, NOT_CLOSED, checkout->head.id, "system", "payment is sure now that no money can come");
}

static enum err refuse(struct uow *uow, const struct checkout *checkout, enum checkout_event on)
{
    struct ctx *ctx = uow->ctx;
    const bool is_too_late = checkout->state == CHECKOUT_COMPLETED && on == ON_CANCEL;
    const enum err err = FAIL(ctx, CONFLICT, "checkout \"%s\" is %s: %s is not possible%s", checkout->head.id,
                              checkout_state_names[checkout->state], checkout_event_names[on],
                              is_too_late ? ", but the order may be cancelled" : "");

    if (checkout->placement > 0) {
        const char *link = checkout->number != NULL
                               ? arena_printf(ctx->arena, "/orders/%s", checkout->head.id)
                               : arena_printf(ctx->arena, "/checkouts/%s/placement", checkout->head.id);
        ctx->problem.extra = arena_printf(ctx->arena, "\"placement\":\"%s\"", link);
        http_header(ctx, "Location", link);
    }
    return err;
}

enum err checkout_allow(struct uow *uow, const struct checkout *checkout, const struct checkout_move *move)
{
    const struct fsm_move next = fsm_next(&checkout_fsm, (int)checkout->state, (int)move->on, checkout, move);
    return next.outcome == FSM_REFUSE ? refuse(uow, checkout, move->on) : ERR_NONE;
}

static void log_ignored(const struct ctx *ctx, const struct checkout *checkout, const struct checkout_move *move,
                        const char *why)
{
    log_debug(ctx, "move ignored", LOG_TEXT("checkout_id", checkout->head.id),
              LOG_TEXT("on", checkout_event_names[move->on]), LOG_TEXT("why", why));
}

enum err checkout_move(struct uow *uow, struct checkout *checkout, const struct checkout_move *move)
{
    const struct patience patience = patience_from_settings(uow->ctx);
    const enum checkout_state from = checkout->state;
    const int64_t was = checkout->head.version;

    const struct fsm_move next = fsm_next(&checkout_fsm, (int)from, (int)move->on, checkout, move);
    mind_money(uow, checkout, from, move, next.why);
    if (!checkout_concerns(checkout, move)) {
        log_ignored(uow->ctx, checkout, move, "about another placement or intent");
        return ERR_NONE;
    }
    switch (next.outcome) {
    case FSM_REFUSE:
        return refuse(uow, checkout, move->on);
    case FSM_IGNORE:
        log_ignored(uow->ctx, checkout, move, next.why);
        return ERR_NONE;
    case FSM_WORK_ITEM:
        work_item_open(uow, "checkout_contradiction", checkout->head.id, next.why, "note", DAY_MS);
        return ERR_NONE;
    case FSM_ACT:
        break;
    }
    if (move->on == ON_PLACE && checkout->placement > 0)
        placement_keep(uow, checkout);
    checkout_apply(checkout, (enum checkout_state)next.to, move, &patience);
    TRY(say(uow, checkout, from, move, next.why));
    checkout_save(uow, checkout, was);
    return ERR_NONE;
}
