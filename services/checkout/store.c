/* Typed reads and writes of checkouts. */
#include "store.h"

#include "checkout/queries.h"
#include "json.h"

enum err checkout_lock(struct uow *uow, const struct checkout_ask *ask, struct checkout *ret, bool *ret_found)
{
    const struct caller *caller = &uow->ctx->caller;

    return SQL_MAYBE(uow, checkout_lock, checkout_record, ret, ret_found,
                     .id = ask->id,
                     .shop = caller->shop,
                     .cart_id = caller->cart_id,
                     .key = ask->key,
                     .country = ask->country,
                     .currency = ask->currency);
}

enum err checkout_read(struct uow *uow, const char *id, struct checkout *ret, bool *ret_found)
{
    const struct caller *caller = &uow->ctx->caller;

    return SQL_MAYBE(uow, checkout_show, checkout_record, ret, ret_found,
                     .id = id, .shop = caller->shop, .cart_id = caller->cart_id);
}

enum err checkout_expect(struct uow *uow, const char *id, struct checkout *ret)
{
    bool found;

    TRY(SQL_MAYBE(uow, checkout_lock_by_id, checkout_record, ret, &found, .id = id));
    if (!found)
        return FAIL(uow->ctx, NOT_FOUND, "checkout \"%s\" was never opened", id);
    return ERR_NONE;
}

struct due_checkout {
    const char *id;
};

static RECORD(due_checkout, FIELD(due_checkout, id));

enum err checkout_find_overdue(struct uow *uow, struct texts *ret_ids)
{
    struct { struct due_checkout *items; size_t count; } due;

    TRY(SQL_MANY(uow, checkouts_due, due_checkout_record, &due));
    ret_ids->count = due.count;
    ret_ids->items = arena_array(uow->ctx->arena, due.count, sizeof(char *));
    for (size_t i = 0; i < due.count; i++)
        ret_ids->items[i] = due.items[i].id;
    return ERR_NONE;
}

void checkout_add(struct uow *uow, const struct checkout *checkout)
{
    struct arena *arena = uow->ctx->arena;

    SQL(uow, checkout_insert,
        .id = checkout->head.id,
        .shop = checkout->shop,
        .cart_id = checkout->cart_id,
        .cart_version = checkout->cart_version,
        .channel = checkout->channel,
        .locale = checkout->locale,
        .currency = checkout->currency,
        .group_id = checkout->group_id,
        .lines = json_encode_list(arena, &line_record, checkout->lines.items, checkout->lines.count),
        .totals = json_encode(arena, &totals_record, &checkout->totals));
}

static const char *differences_json(struct uow *uow, const struct checkout *checkout)
{
    return json_encode_list(uow->ctx->arena, &difference_record, checkout->differences.items,
                            checkout->differences.count);
}

static const char *shortages_json(struct uow *uow, const struct checkout *checkout)
{
    return json_encode_list(uow->ctx->arena, &shortage_record, checkout->shortages.items, checkout->shortages.count);
}

void checkout_save(struct uow *uow, const struct checkout *checkout, int64_t was)
{
    SQL(uow, checkout_save,
        .id = checkout->head.id,
        .state = checkout_state_names[checkout->state],
        .placement = checkout->placement,
        .intent = checkout->intent,
        .tries = checkout->tries,
        .winning_intent = checkout->winning_intent,
        .cart_locked = checkout->cart_locked,
        .stock_held = checkout->stock_held,
        .deadline = checkout->deadline,
        .deadline_max = checkout->deadline_max,
        .key = checkout->key,
        .fingerprint = checkout->fingerprint,
        .reason = checkout->reason,
        .decline_code = checkout->decline_code,
        .redirect_url = checkout->redirect_url,
        .differences = differences_json(uow, checkout),
        .shortages = shortages_json(uow, checkout),
        .method = checkout->method,
        .capture = checkout->capture,
        .return_url = checkout->return_url,
        .number = checkout->number,
        .version = checkout->head.version,
        .was = was);
}

void checkout_save_content(struct uow *uow, const struct checkout *checkout, int64_t was)
{
    struct arena *arena = uow->ctx->arena;

    SQL(uow, checkout_save_content,
        .id = checkout->head.id,
        .cart_version = checkout->cart_version,
        .channel = checkout->channel,
        .locale = checkout->locale,
        .currency = checkout->currency,
        .delivery_method = checkout->delivery_method,
        .method = checkout->method,
        .capture = checkout->capture,
        .return_url = checkout->return_url,
        .personal = checkout->personal == NULL ? NULL
                                               : json_encode(arena, &set_addresses_record, checkout->personal),
        .lines = json_encode_list(arena, &line_record, checkout->lines.items, checkout->lines.count),
        .groups = json_encode_list(arena, &group_record, checkout->groups.items, checkout->groups.count),
        .totals = json_encode(arena, &totals_record, &checkout->totals),
        .rules = json_encode(arena, &tax_rules_record, &checkout->rules),
        .was = was);
}

void placement_begin(struct uow *uow, const struct checkout *checkout)
{
    SQL(uow, placement_add,
        .checkout_id = checkout->head.id,
        .placement = checkout->placement,
        .key = checkout->key,
        .fingerprint = checkout->fingerprint);
}

void placement_end(struct uow *uow, const struct checkout *checkout)
{
    SQL(uow, placement_end,
        .checkout_id = checkout->head.id,
        .placement = checkout->placement,
        .reason = checkout->reason,
        .decline_code = checkout->decline_code,
        .differences = differences_json(uow, checkout),
        .shortages = shortages_json(uow, checkout));
}
