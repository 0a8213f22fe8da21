/* How a checkout and its placement look to the shopper. */
#include "checkout.h"

#include "text.h"

/* Shoppers see one word for everything between the claims and the end; the placement's view tells more. */
static const char *state_word(enum checkout_state state)
{
    switch (state) {
    case CHECKOUT_ACTION_REQUIRED:
    case CHECKOUT_DECLINED:
    case CHECKOUT_UNKNOWN:
    case CHECKOUT_SWITCHING:
        return checkout_state_names[CHECKOUT_PAYING];
    case CHECKOUT_OPEN:
    case CHECKOUT_CLAIMING:
    case CHECKOUT_PAYING:
    case CHECKOUT_CLOSING:
    case CHECKOUT_FAILED:
    case CHECKOUT_COMPLETED:
    case CHECKOUT_STATES:
        break;
    }
    return checkout_state_names[state];
}

/* While closing, the deadline is ours and payment's; the shopper waits for nothing. */
static int64_t shown_deadline(const struct checkout *checkout)
{
    return checkout->state == CHECKOUT_CLOSING ? 0 : checkout->deadline;
}

void checkout_show(const struct checkout *checkout, struct arena *arena, struct checkout_view *ret)
{
    const bool may_place = checkout->state == CHECKOUT_OPEN || checkout->state == CHECKOUT_FAILED;

    *ret = (struct checkout_view){
        .id = checkout->head.id,
        .cart_id = checkout->cart_id,
        .state = state_word(checkout->state),
        .placement = checkout->placement,
        .currency = checkout->currency,
        .locale = checkout->locale,
        .lines = checkout->lines,
        .groups = checkout->groups,
        .totals = checkout->totals,
        .method = checkout->method,
        .deadline = shown_deadline(checkout),
    };
    if (checkout->personal != NULL) {
        ret->email = checkout->personal->email;
        ret->billing = &checkout->personal->billing;
        ret->shipping = &checkout->personal->shipping;
    }
    if (may_place)
        ret->missing = checkout_missing(checkout, arena);
    ret->ready = may_place && ret->missing.count == 0;
}

static const char *placement_word(const struct checkout *checkout)
{
    if (checkout->state == CHECKOUT_SWITCHING)
        return PLACEMENT_VIEW_STATE_PAYING;
    if (checkout->number != NULL)
        return PLACEMENT_VIEW_STATE_PLACED;
    return checkout_state_names[checkout->state];
}

void placement_show(const struct checkout *checkout, struct arena *arena, struct placement_view *ret)
{
    const enum checkout_state state = checkout->state;
    const bool failed = state == CHECKOUT_FAILED;

    *ret = (struct placement_view){
        .checkout_id = checkout->head.id,
        .placement = checkout->placement,
        .state = placement_word(checkout),
        .redirect_url = checkout->redirect_url,
        .decline_code = failed || state == CHECKOUT_DECLINED ? checkout->decline_code : NULL,
        .reason = failed || state == CHECKOUT_CLOSING ? checkout->reason : NULL,
        .differences = checkout->differences,
        .shortages = checkout->shortages,
        .deadline = shown_deadline(checkout),
    };
    if (checkout->number != NULL) {
        ret->order = ARENA_NEW(arena, struct placed_order);
        *ret->order = (struct placed_order){
            .id = checkout->head.id,
            .number = checkout->number,
            .total = checkout->totals.total,
        };
    }
}

void placement_show_earlier(const char *checkout_id, const struct earlier_placement *earlier,
                            struct placement_view *ret)
{
    *ret = (struct placement_view){
        .checkout_id = checkout_id,
        .placement = earlier->placement,
        .state = PLACEMENT_VIEW_STATE_FAILED, /* otherwise nothing could have been placed after it */
        .decline_code = earlier->decline_code,
        .reason = earlier->reason,
        .differences = earlier->differences,
        .shortages = earlier->shortages,
    };
}

int placement_status(const struct placement_view *view)
{
    static const struct {
        const char *state;
        int status;
    } statuses[] = {
        {PLACEMENT_VIEW_STATE_ACTION_REQUIRED, 200},
        {PLACEMENT_VIEW_STATE_PLACED, 201},
        {PLACEMENT_VIEW_STATE_DECLINED, 402},
        {PLACEMENT_VIEW_STATE_FAILED, 409},
    };

    for (size_t i = 0; i < COUNT(statuses); i++) {
        if (text_equal(view->state, statuses[i].state))
            return statuses[i].status;
    }
    return 202; /* still working */
}
