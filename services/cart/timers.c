/* Carts that nobody touched for their whole life are put away. */
#include "timer.h"

#include "cart/queries.h"
#include "proto/cart.h"
#include "store.h"

struct old_cart {
    const char *id;
    const char *shop;
};
static RECORD(old_cart, FIELD(old_cart, id), FIELD(old_cart, shop));

static enum err expire(struct uow *uow, const struct old_cart *old)
{
    struct cart cart;

    TRY(cart_take(uow, old->id, old->shop, &cart));
    const int64_t was = cart.head.version;
    if (fsm_next(&cart_fsm, (int)cart.state, ON_TTL_PASSED, &cart, NULL).outcome != FSM_ACT)
        return ERR_NONE;
    cart.state = CART_EXPIRED;
    TRY(emit_cart_expired(uow, &cart.head, &(struct cart_expired){.cart_id = cart.head.id, .shop = cart.shop}));
    cart_save(uow, &cart, was);
    return ERR_NONE;
}

static enum err expire_carts(struct uow *uow, bool *ret_more)
{
    struct {
        struct old_cart *items;
        size_t count;
    } old;

    TRY(SQL_MANY(uow, cart_take_expired, old_cart_record, &old));
    for (size_t i = 0; i < old.count; i++)
        TRY(expire(uow, &old.items[i]));
    *ret_more = old.count > 0;
    return uow_commit(uow);
}

const struct timer cart_timers[] = {
    {"expire carts", 1000, expire_carts},
    {NULL},
};
