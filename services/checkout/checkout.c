/* What may become of a checkout: pure decisions over struct checkout. */
#include "checkout.h"

#include "clock.h"
#include "text.h"

RECORD_SHARED(earlier_placement, FIELD(earlier_placement, placement, .flags = FIELD_REQUIRED),
              FIELD(earlier_placement, fingerprint, .flags = FIELD_REQUIRED), FIELD(earlier_placement, reason),
              FIELD(earlier_placement, decline_code), FIELD_LIST_OF(earlier_placement, differences, difference_record),
              FIELD_LIST_OF(earlier_placement, shortages, shortage_record));

RECORD_SHARED(checkout, FIELD_NAMED(checkout, head.id, "id"), FIELD(checkout, shop), FIELD(checkout, cart_id),
              FIELD(checkout, cart_version), FIELD(checkout, channel), FIELD(checkout, locale),
              FIELD(checkout, currency), FIELD(checkout, group_id),
              FIELD_AS_ENUM(checkout, state, checkout_state_names), FIELD(checkout, placement), FIELD(checkout, intent),
              FIELD(checkout, tries), FIELD(checkout, winning_intent), FIELD(checkout, cart_locked),
              FIELD(checkout, stock_held), FIELD_AS_TIME(checkout, deadline), FIELD_AS_TIME(checkout, deadline_max),
              FIELD(checkout, key), FIELD(checkout, fingerprint), FIELD(checkout, reason),
              FIELD(checkout, decline_code), FIELD(checkout, redirect_url, .max = 2000),
              FIELD_LIST_OF(checkout, differences, difference_record),
              FIELD_LIST_OF(checkout, shortages, shortage_record), FIELD(checkout, delivery_method),
              FIELD(checkout, method), FIELD(checkout, capture), FIELD(checkout, return_url, .max = 2000),
              FIELD_OPTIONAL_OF(checkout, personal, set_addresses_record, .flags = FIELD_PERSONAL),
              FIELD_LIST_OF(checkout, lines, line_record), FIELD_LIST_OF(checkout, groups, group_record),
              FIELD_OBJECT_OF(checkout, totals, totals_record), FIELD_OBJECT_OF(checkout, rules, tax_rules_record),
              FIELD(checkout, number), FIELD_NAMED(checkout, head.version, "version"), FIELD_AS_TIME(checkout, now),
              FIELD_NAMED(checkout, offers.version, "offers_version"));

bool checkout_is_live(enum checkout_state state)
{
    return state != CHECKOUT_OPEN && state != CHECKOUT_FAILED && state != CHECKOUT_COMPLETED;
}

bool checkout_concerns(const struct checkout *checkout, const struct checkout_move *move)
{
    switch (move->on) {
    case ON_CART_LOCKED:
    case ON_CART_REFUSED:
    case ON_STOCK_HELD:
    case ON_STOCK_REFUSED:
        return move->placement == checkout->placement;
    case ON_ACTION_REQUIRED:
    case ON_AUTHORIZED:
    case ON_DECLINED:
    case ON_UNKNOWN:
        return move->placement == checkout->placement && move->intent == checkout->intent;
    case ON_CLOSED: /* closes every intent up to the one it names */
        return move->placement == checkout->placement && move->intent >= checkout->intent;
    case ON_DEADLINE:
    case ON_ORDER_PLACED:
    case ON_PLACE:
    case ON_PAY:
    case ON_CANCEL:
    case ON_EDIT:
    case CHECKOUT_EVENTS:
        break;
    }
    return true;
}

/* Gives whoever is active the full time again, up to the placement's maximum. */
static void extend(struct checkout *checkout, const struct patience *patience)
{
    const int64_t wanted = checkout->now + patience->deadline_s * CLOCK_SECOND;
    const int64_t deadline = wanted < checkout->deadline_max ? wanted : checkout->deadline_max;

    if (deadline > checkout->deadline)
        checkout->deadline = deadline;
}

/* A new placement inherits nothing of the one before it but the count of intents. */
static void begin_placement(struct checkout *checkout, const struct checkout_move *move,
                            const struct patience *patience)
{
    checkout->placement++;
    checkout->freezes = true;
    checkout->tries = 0;
    checkout->cart_locked = false;
    checkout->stock_held = false;
    checkout->key = move->key;
    checkout->fingerprint = move->fingerprint;
    checkout->reason = NULL;
    checkout->decline_code = NULL;
    checkout->differences = (struct difference_list){0};
    checkout->shortages = (struct shortage_list){0};
    checkout->deadline = 0;
    checkout->deadline_max = checkout->now + patience->deadline_max_s * CLOCK_SECOND;
    extend(checkout, patience);
}

/* Another method, or another try. Who asks for the page that is open already chooses nothing. */
static void choose(struct checkout *checkout, const struct checkout_move *move)
{
    if (checkout->redirect_url != NULL && text_equal(checkout->method, move->method))
        return;
    checkout->method = move->method;
    checkout->capture = move->capture;
    if (move->return_url != NULL)
        checkout->return_url = move->return_url;
}

/* Takes over what happened. */
static void take_note(struct checkout *checkout, const struct checkout_move *move, const struct patience *patience)
{
    switch (move->on) {
    case ON_CART_LOCKED:
        checkout->cart_locked = true;
        break;
    case ON_CART_REFUSED:
        checkout->reason = move->reason;
        checkout->differences = move->differences;
        break;
    case ON_STOCK_HELD:
        checkout->stock_held = true;
        break;
    case ON_STOCK_REFUSED:
        checkout->reason = "out_of_stock";
        checkout->shortages = move->shortages;
        break;
    case ON_ACTION_REQUIRED:
        checkout->redirect_url = move->redirect_url;
        extend(checkout, patience);
        break;
    case ON_AUTHORIZED:
        checkout->winning_intent = checkout->intent;
        break;
    case ON_DECLINED:
        checkout->decline_code = move->decline_code;
        extend(checkout, patience);
        break;
    case ON_DEADLINE:
        checkout->reason = checkout->state == CHECKOUT_CLOSING ? "payment_unknown" : "deadline";
        break;
    case ON_ORDER_PLACED:
        checkout->number = move->number;
        break;
    case ON_PLACE:
        begin_placement(checkout, move, patience);
        break;
    case ON_PAY:
        choose(checkout, move);
        extend(checkout, patience);
        break;
    case ON_CANCEL:
        checkout->reason = "cancelled";
        break;
    case ON_UNKNOWN:
    case ON_CLOSED:
    case ON_EDIT:
    case CHECKOUT_EVENTS:
        break;
    }
}

/* Does what belongs to the state, however it was reached. */
static void enter(struct checkout *checkout, const struct patience *patience)
{
    switch (checkout->state) {
    case CHECKOUT_PAYING:
        checkout->intent++;
        checkout->tries++;
        checkout->decline_code = NULL;
        break;
    case CHECKOUT_CLOSING:
        checkout->deadline = checkout->now + patience->unknown_max_s * CLOCK_SECOND;
        break;
    case CHECKOUT_FAILED:
        checkout->cart_locked = false;
        checkout->stock_held = false;
        checkout->deadline = 0;
        break;
    case CHECKOUT_COMPLETED:
        checkout->deadline = 0;
        break;
    case CHECKOUT_OPEN:
    case CHECKOUT_CLAIMING:
    case CHECKOUT_ACTION_REQUIRED:
    case CHECKOUT_DECLINED:
    case CHECKOUT_UNKNOWN:
    case CHECKOUT_SWITCHING:
    case CHECKOUT_STATES:
        break;
    }
}

void checkout_apply(struct checkout *checkout, enum checkout_state to, const struct checkout_move *move,
                    const struct patience *patience)
{
    const enum checkout_state from = checkout->state;

    take_note(checkout, move, patience);
    checkout->state = to;
    if (to != from)
        enter(checkout, patience);
    if (to != CHECKOUT_ACTION_REQUIRED)
        checkout->redirect_url = NULL;
}

enum err checkout_take_lines(struct ctx *ctx, const struct cart_line_list *from, const char *currency,
                             struct line_list *ret)
{
    enum err err = ERR_NONE;

    ret->count = from->count;
    ret->items = arena_array(ctx->arena, from->count, sizeof(struct line));
    for (size_t i = 0; i < from->count; i++) {
        const struct cart_line *line = &from->items[i];
        struct money total;

        if (!text_equal(line->unit_price.currency, currency) || line->unit_price.amount < 0)
            err = err_field(ctx, arena_printf(ctx->arena, "lines[%zu].unit_price", i), "must be in %s and not negative",
                            currency);
        else if (!money_multiply(line->unit_price, line->quantity, &total) || !money_equal(total, line->total))
            err = err_field(ctx, arena_printf(ctx->arena, "lines[%zu].total", i), "must be quantity times unit_price");
        ret->items[i] = (struct line){
            .line_id = line->line_id,
            .sku = line->sku,
            .title = line->title,
            .quantity = line->quantity,
            .unit_price = line->unit_price,
            .tax_class = line->tax_class,
            .total = line->total,
        };
    }
    return err;
}

static struct texts line_ids(const struct line_list *lines, struct arena *arena)
{
    struct texts ids = {.items = arena_array(arena, lines->count, sizeof(char *)), .count = lines->count};

    for (size_t i = 0; i < lines->count; i++)
        ids.items[i] = lines->items[i].line_id;
    return ids;
}

const char *checkout_destination(const struct checkout *checkout)
{
    return checkout->personal != NULL ? checkout->personal->shipping.country : NULL;
}

enum err checkout_price(struct ctx *ctx, struct checkout *checkout)
{
    const struct delivery_choice *choice = offers_delivery(&checkout->offers, checkout->delivery_method);
    const char *country = checkout_destination(checkout);

    checkout->rules = checkout->offers.rules;
    checkout->groups = (struct group_list){0};
    if (choice != NULL && country != NULL) {
        struct group *group = ARENA_NEW(ctx->arena, struct group);
        *group = (struct group){
            .group_id = checkout->group_id,
            .method = choice->method,
            .label = choice->label,
            .price = money_of(choice->price_minor, checkout->currency),
            .earliest = choice->earliest,
            .latest = choice->latest,
            .country = country,
            .line_ids = line_ids(&checkout->lines, ctx->arena),
        };
        checkout->groups = (struct group_list){.items = group, .count = 1};
    }
    return totals_compute(ctx, &checkout->rules, country, checkout->currency, &checkout->lines, &checkout->groups,
                          &checkout->totals);
}

/* Apart from their taxes, which follow from the rest. */
static bool lines_equal(const struct line_list *a, const struct line_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct line *x = &a->items[i];
        const struct line *y = &b->items[i];
        if (!text_equal(x->line_id, y->line_id) || !text_equal(x->sku, y->sku) || !text_equal(x->title, y->title) ||
            x->quantity != y->quantity || !money_equal(x->unit_price, y->unit_price) ||
            !text_equal(x->tax_class, y->tax_class) || !money_equal(x->total, y->total))
            return false;
    }
    return true;
}

enum err checkout_take_locked(struct ctx *ctx, struct checkout *checkout, const char *currency,
                              const struct cart_line_list *from, bool *ret_same)
{
    struct line_list lines;
    struct totals totals;

    *ret_same = false;
    if (!text_equal(currency, checkout->currency))
        return ERR_NONE;
    TRY(checkout_take_lines(ctx, from, currency, &lines));
    *ret_same = lines_equal(&lines, &checkout->lines);
    if (*ret_same)
        return ERR_NONE;

    /* A copy, since a refused computation must not touch what was placed. */
    struct group_list groups = {.count = checkout->groups.count};
    groups.items = arena_array(ctx->arena, groups.count, sizeof(struct group));
    for (size_t i = 0; i < groups.count; i++) {
        groups.items[i] = checkout->groups.items[i];
        groups.items[i].line_ids = line_ids(&lines, ctx->arena);
    }
    TRY(totals_compute(ctx, &checkout->rules, checkout_destination(checkout), currency, &lines, &groups, &totals));
    if (!money_equal(totals.total, checkout->totals.total))
        return ERR_NONE;

    *ret_same = true;
    checkout->lines = lines;
    checkout->groups = groups;
    checkout->totals = totals;
    checkout->freezes = true;
    return ERR_NONE;
}

struct texts checkout_missing(const struct checkout *checkout, struct arena *arena)
{
    struct texts missing = {.items = arena_array(arena, 3, sizeof(char *))};

    if (checkout->personal == NULL)
        missing.items[missing.count++] = "addresses";
    if (offers_delivery(&checkout->offers, checkout->delivery_method) == NULL)
        missing.items[missing.count++] = "delivery";
    if (offers_payment(&checkout->offers, checkout->method, checkout->totals.total.amount) == NULL)
        missing.items[missing.count++] = "payment";
    return missing;
}

struct personal checkout_personal(const struct checkout *checkout, struct arena *arena)
{
    struct delivery *deliveries = arena_array(arena, checkout->groups.count, sizeof(struct delivery));

    for (size_t i = 0; i < checkout->groups.count; i++) {
        deliveries[i] = (struct delivery){
            .group_id = checkout->groups.items[i].group_id,
            .address = checkout->personal->shipping,
        };
    }
    return (struct personal){
        .email = checkout->personal->email,
        .billing = checkout->personal->billing,
        .deliveries = {.items = deliveries, .count = checkout->groups.count},
    };
}

struct claim_line_list checkout_claim_lines(const struct checkout *checkout, struct arena *arena)
{
    struct claim_line *claims = arena_array(arena, checkout->lines.count, sizeof(struct claim_line));

    for (size_t i = 0; i < checkout->lines.count; i++) {
        const struct line *line = &checkout->lines.items[i];
        claims[i] = (struct claim_line){
            .line_id = line->line_id,
            .sku = line->sku,
            .quantity = line->quantity,
            .unit_price = line->unit_price,
        };
    }
    return (struct claim_line_list){.items = claims, .count = checkout->lines.count};
}

struct claim_group_list checkout_claim_groups(const struct checkout *checkout, struct arena *arena)
{
    struct claim_group *claims = arena_array(arena, checkout->groups.count, sizeof(struct claim_group));

    for (size_t i = 0; i < checkout->groups.count; i++) {
        const struct group *group = &checkout->groups.items[i];
        claims[i] = (struct claim_group){
            .group_id = group->group_id,
            .country = group->country,
            .line_ids = group->line_ids,
        };
    }
    return (struct claim_group_list){.items = claims, .count = checkout->groups.count};
}
