/* What cart hears: placements that claim it or let it go, and the catalogue. */
#include "consumer.h"

#include "cart/queries.h"
#include "log.h"
#include "proto/cart.h"
#include "proto/checkout.h"
#include "proto/product.h"
#include "store.h"
#include "text.h"
#include "work_item.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

/* Asks the table; opens a work item when it says so. True: act. */
static bool may_act(struct uow *uow, const struct cart *cart, int on)
{
    const struct fsm_move move = fsm_next(&cart_fsm, (int)cart->state, on, cart, NULL);

    if (move.outcome == FSM_WORK_ITEM)
        work_item_open(uow, "cart_contradiction", cart->head.id, move.why, "note", DAY_MS);
    return move.outcome == FSM_ACT;
}

static enum err refuse(struct uow *uow, struct cart *cart, const struct checkout_claims_asked *asked,
                       const char *reason, const struct difference_list *differences)
{
    return emit_cart_lock_refused(uow, &cart->head,
                                  &(struct cart_lock_refused){
                                      .cart_id = cart->head.id,
                                      .shop = cart->shop,
                                      .checkout_id = asked->checkout_id,
                                      .placement = asked->placement,
                                      .reason = reason,
                                      .differences = differences != NULL ? *differences : (struct difference_list){0},
                                  });
}

/* Locks the cart, if it is what the shopper saw and would pay. */
static enum err lock_for(struct uow *uow, struct cart *cart, const struct checkout_claims_asked *asked)
{
    struct difference_list differences;
    struct cart_line_list lines;
    struct money subtotal;

    /* The number of a checkout that does not have the cart must not outdate that of the one which has it. */
    if (cart->state == CART_LOCKED && !text_equal(cart->checkout_id, asked->checkout_id))
        return refuse(uow, cart, asked, CART_LOCK_REFUSED_REASON_LOCKED, NULL);
    cart->claim.placement = asked->placement;
    if (cart->state == CART_ORDERED)
        return refuse(uow, cart, asked, CART_LOCK_REFUSED_REASON_ORDERED, NULL);
    if (cart->state == CART_EXPIRED)
        return refuse(uow, cart, asked, CART_LOCK_REFUSED_REASON_EXPIRED, NULL);
    if (cart->lines.count == 0)
        return refuse(uow, cart, asked, CART_LOCK_REFUSED_REASON_EMPTY, NULL);
    cart_compare(uow->ctx->arena, cart, &asked->lines, &differences);
    if (differences.count > 0)
        return refuse(uow, cart, asked, CART_LOCK_REFUSED_REASON_CHANGED, &differences);

    TRY(cart_price(uow->ctx, cart, &lines, &subtotal));
    cart->state = CART_LOCKED;
    cart->checkout_id = asked->checkout_id;
    return emit_cart_locked(uow, &cart->head,
                            &(struct cart_locked){
                                .cart_id = cart->head.id,
                                .shop = cart->shop,
                                .checkout_id = asked->checkout_id,
                                .placement = asked->placement,
                                .currency = cart->currency,
                                .lines = lines,
                                .subtotal = subtotal,
                            });
}

static enum err on_claims_asked(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct checkout_claims_asked *asked = event;
    struct cart cart;

    TRY(cart_take(uow, asked->cart_id, asked->shop, &cart));
    const int64_t was = cart.head.version;
    if (!may_act(uow, &cart, (int)claim_asked(cart.claim, asked->placement)))
        return ERR_NONE;
    TRY(lock_for(uow, &cart, asked));
    cart_save(uow, &cart, was);
    return ERR_NONE;
}

static enum err on_checkout_failed(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct checkout_failed *failed = event;
    struct cart cart;

    TRY(cart_take(uow, failed->cart_id, failed->shop, &cart));
    const int64_t was = cart.head.version;
    if (!may_act(uow, &cart, (int)claim_released(cart.claim, failed->placement)))
        return ERR_NONE;
    cart.claim.dead = failed->placement;
    if (cart.state == CART_LOCKED) {
        cart.state = CART_OPEN;
        TRY(emit_cart_unlocked(uow, &cart.head,
                               &(struct cart_unlocked){
                                   .cart_id = cart.head.id,
                                   .shop = cart.shop,
                                   .checkout_id = failed->checkout_id,
                                   .placement = failed->placement,
                               }));
    }
    cart_save(uow, &cart, was);
    return ERR_NONE;
}

static enum err on_checkout_completed(struct uow *uow, const struct message *message UNUSED, const void *event)
{
    const struct checkout_completed *completed = event;
    struct cart cart;

    TRY(cart_take(uow, completed->cart_id, completed->shop, &cart));
    if (!may_act(uow, &cart, ON_COMPLETED))
        return ERR_NONE;
    cart.state = CART_ORDERED;
    cart_save(uow, &cart, cart.head.version);
    return ERR_NONE;
}

/* clang-format off */
const struct subscription cart_subscriptions[] = {
    /* event                        handler                 carts locked and read first, for the whole batch at once */
    { &checkout_claims_asked_type,  on_claims_asked,        TAKES(cart_rows, checkout_claims_asked, cart_id) },
    { &checkout_failed_type,        on_checkout_failed,     TAKES(cart_rows, checkout_failed, cart_id) },
    { &checkout_completed_type,     on_checkout_completed,  TAKES(cart_rows, checkout_completed, cart_id) },
    { &product_changed_type,        NULL,                   LOCKS_NOTHING, .together = offers_replace },
    { NULL },
};
/* clang-format on */
