/* Typed reads and writes of checkouts. */
#include "store.h"

#include <assert.h>

#include "checkout/queries.h"
#include "json.h"
#include "offer_cache.h"
#include "service.h"
#include "text.h"

const struct rows checkout_rows = {&Q_checkouts_lock, &Q_checkouts_lock, &checkout_record};
const struct rows shown_placement_rows = {NULL, &Q_placements_show, &checkout_record};

struct opened {
    const char *id;          /* of the cart */
    const char *checkout_id; /* NULL: it has none */
    int64_t now;
    int64_t offers_version;
};

static RECORD(opened, FIELD(opened, id), FIELD(opened, checkout_id), FIELD_AS_TIME(opened, now),
              FIELD(opened, offers_version));

/* Of two openings at once one inserts; the other looks again. */
const struct constraint checkout_constraints[] = {
    {"checkout_cart_once", ERR_AGAIN, "the checkout was opened at this moment"},
    {NULL},
};

const struct rows opened_rows = {NULL, &Q_checkouts_of_carts, &opened_record};

static bool is_callers(const struct uow *uow, const struct checkout *checkout)
{
    const struct caller *caller = &uow->ctx->caller;

    return text_equal(checkout->cart_id, caller->cart_id) && text_equal(checkout->shop, caller->shop);
}

enum err checkout_lock(struct uow *uow, const char *id, struct checkout *ret, bool *ret_found)
{
    const struct caller *caller = &uow->ctx->caller;

    if (id == NULL)
        return SQL_MAYBE(uow, checkout_lock, checkout_record, ret, ret_found, .shop = caller->shop,
                         .cart_id = caller->cart_id);
    TRY(rows_take_or_ask(uow, &checkout_rows, id, ret, ret_found));
    *ret_found = *ret_found && is_callers(uow, ret);
    return ERR_NONE;
}

enum err checkout_read(struct uow *uow, const char *id, struct checkout *ret, bool *ret_found)
{
    const struct caller *caller = &uow->ctx->caller;

    return SQL_MAYBE(uow, checkout_show, checkout_record, ret, ret_found, .id = id, .shop = caller->shop,
                     .cart_id = caller->cart_id);
}

enum err checkout_read_placement(struct uow *uow, const char *id, struct checkout *ret, bool *ret_found)
{
    TRY(rows_take_or_ask(uow, &shown_placement_rows, id, ret, ret_found));
    *ret_found = *ret_found && is_callers(uow, ret);
    return ERR_NONE;
}

static const char *personal_json(struct uow *uow, const struct set_addresses *personal)
{
    return personal == NULL ? NULL : json_encode(uow->ctx->arena, &set_addresses_record, personal);
}

void checkout_choose(struct uow *uow, const struct checkout *checkout, const struct choice *choice)
{
    SQL(uow, checkout_choose, .id = checkout->head.id, .personal = personal_json(uow, choice->personal),
        .delivery_method = choice->delivery_method, .method = choice->method, .return_url = choice->return_url);
}

enum err checkout_read_offers(struct uow *uow, struct checkout *checkout)
{
    struct offer_cache *cache = uow->ctx->service->own;
    struct arena *arena = uow->ctx->arena;
    const struct offer_key key = {
        .shop = checkout->shop,
        .currency = checkout->currency,
        .country = checkout_destination(checkout),
    };

    if (!offer_cache_find(cache, &key, checkout->offers.version, arena, &checkout->offers)) {
        TRY(SQL_ONE(uow, offers_get, offers_record, &checkout->offers, .shop = key.shop, .currency = key.currency,
                    .country = key.country));
        offer_cache_keep(cache, &key, &checkout->offers);
    }
    offers_date(&checkout->offers, checkout->now, arena);
    return ERR_NONE;
}

enum err checkout_expect(struct uow *uow, const char *id, struct checkout *ret)
{
    bool found;

    TRY(rows_take_or_ask(uow, &checkout_rows, id, ret, &found));
    return found ? ERR_NONE : FAIL(uow->ctx, NOT_FOUND, "checkout \"%s\" was never opened", id);
}

struct due_checkout {
    const char *id;
};

static RECORD(due_checkout, FIELD(due_checkout, id));

enum err checkout_find_overdue(struct uow *uow, struct texts *ret_ids)
{
    struct {
        struct due_checkout *items;
        size_t count;
    } due;

    TRY(SQL_MANY(uow, checkouts_due, due_checkout_record, &due));
    ret_ids->count = due.count;
    ret_ids->items = arena_array(uow->ctx->arena, due.count, sizeof(char *));
    for (size_t i = 0; i < due.count; i++)
        ret_ids->items[i] = due.items[i].id;
    return ERR_NONE;
}

static const char *lines_json(struct uow *uow, const struct checkout *checkout)
{
    return json_encode_list(uow->ctx->arena, &line_record, checkout->lines.items, checkout->lines.count);
}

enum err checkout_add(struct uow *uow, struct checkout *checkout, bool *ret_added)
{
    struct opened opened;
    bool found;

    TRY(rows_see_or_ask(uow, &opened_rows, checkout->cart_id, &opened, &found));
    *ret_added = found && opened.checkout_id == NULL;
    if (!*ret_added)
        return ERR_NONE;
    checkout->now = opened.now;
    checkout->offers.version = opened.offers_version;
    SQL(uow, checkout_insert, .id = checkout->head.id, .shop = checkout->shop, .cart_id = checkout->cart_id,
        .cart_version = checkout->cart_version, .channel = checkout->channel, .locale = checkout->locale,
        .currency = checkout->currency, .group_id = checkout->group_id, .lines = lines_json(uow, checkout));
    return ERR_NONE;
}

void checkout_refresh(struct uow *uow, const struct checkout *checkout)
{
    SQL(uow, checkout_refresh, .id = checkout->head.id, .cart_version = checkout->cart_version,
        .channel = checkout->channel, .locale = checkout->locale, .currency = checkout->currency,
        .lines = lines_json(uow, checkout));
}

/* Empty for most, and then null: nothing to write, to read and to parse. */
static const char *differences_json(struct uow *uow, const struct difference_list *list)
{
    return list->count == 0 ? NULL : json_encode_list(uow->ctx->arena, &difference_record, list->items, list->count);
}

static const char *shortages_json(struct uow *uow, const struct shortage_list *list)
{
    return list->count == 0 ? NULL : json_encode_list(uow->ctx->arena, &shortage_record, list->items, list->count);
}

static void freeze(struct uow *uow, const struct checkout *checkout, int64_t was)
{
    struct arena *arena = uow->ctx->arena;

    assert(checkout->key != NULL); /* it was read with what is bought */
    SQL(uow, checkout_freeze, .id = checkout->head.id, .state = checkout_state_names[checkout->state],
        .placement = checkout->placement, .intent = checkout->intent, .tries = checkout->tries,
        .winning_intent = checkout->winning_intent, .cart_locked = checkout->cart_locked,
        .stock_held = checkout->stock_held, .deadline = checkout->deadline, .deadline_max = checkout->deadline_max,
        .key = checkout->key, .fingerprint = checkout->fingerprint, .reason = checkout->reason,
        .decline_code = checkout->decline_code, .redirect_url = checkout->redirect_url,
        .differences = differences_json(uow, &checkout->differences),
        .shortages = shortages_json(uow, &checkout->shortages), .method = checkout->method,
        .capture = checkout->capture, .return_url = checkout->return_url, .number = checkout->number,
        .totals = json_encode(arena, &totals_record, &checkout->totals),
        .rules = json_encode(arena, &tax_rules_record, &checkout->rules),
        .groups = json_encode_list(arena, &group_record, checkout->groups.items, checkout->groups.count),
        .lines = lines_json(uow, checkout), .version = checkout->head.version, .was = was);
}

/* Of a batch's messages several are often about one checkout: its cart was locked and its stock is held. */
static void give_back(struct uow *uow, const struct checkout *checkout)
{
    struct checkout saved = *checkout;

    saved.freezes = false;
    rows_give_back(uow, &checkout_rows, &saved);
}

void checkout_save(struct uow *uow, const struct checkout *checkout, int64_t was)
{
    give_back(uow, checkout);
    if (checkout->freezes) {
        freeze(uow, checkout, was);
        return;
    }
    SQL(uow, checkout_save, .id = checkout->head.id, .state = checkout_state_names[checkout->state],
        .intent = checkout->intent, .tries = checkout->tries, .winning_intent = checkout->winning_intent,
        .cart_locked = checkout->cart_locked, .stock_held = checkout->stock_held, .deadline = checkout->deadline,
        .reason = checkout->reason, .decline_code = checkout->decline_code, .redirect_url = checkout->redirect_url,
        .differences = differences_json(uow, &checkout->differences),
        .shortages = shortages_json(uow, &checkout->shortages), .method = checkout->method,
        .capture = checkout->capture, .return_url = checkout->return_url, .number = checkout->number,
        .version = checkout->head.version, .was = was);
}

void placement_keep(struct uow *uow, const struct checkout *checkout)
{
    SQL(uow, placement_keep, .id = checkout->head.id);
}

enum err placement_find(struct uow *uow, const struct checkout *checkout, const char *key,
                        struct earlier_placement *ret, bool *ret_found)
{
    *ret_found = false;
    if (checkout->placement <= 1)
        return ERR_NONE;
    return SQL_MAYBE(uow, placement_kept, earlier_placement_record, ret, ret_found, .checkout_id = checkout->head.id,
                     .key = key);
}
