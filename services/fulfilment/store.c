/* Typed reads and writes of stock, holds and shipments. */
#include "store.h"

#include "fulfilment/queries.h"
#include "json.h"
#include "text.h"

const char *stock_key_of_sku(struct arena *arena, const char *sku)
{
    return arena_printf(arena, "sku:%s", sku);
}

const char *stock_key_of_hold(struct arena *arena, const char *checkout_id)
{
    return arena_printf(arena, "hold:%s", checkout_id);
}

void stock_lock_all(struct uow *uow, const char **keys, size_t count)
{
    query_lock(uow, &Q_stock_lock, &(struct texts){.items = keys, .count = count});
}

void stock_lock_of_shipment(struct uow *uow, const char *shipment_id)
{
    SQL(uow, stock_lock_of_shipment, .id = shipment_id);
}

/* Quantities of stock rows, each row once: two lines may take from the same. */
struct shift {
    const char **skus;
    const char **warehouses;
    int64_t *quantities;
    size_t count;
};

static void shift_add(struct shift *shift, const struct allocation *allocation)
{
    size_t at = 0;

    while (at < shift->count &&
           !(text_equal(shift->skus[at], allocation->sku) && text_equal(shift->warehouses[at], allocation->warehouse)))
        at++;
    shift->skus[at] = allocation->sku;
    shift->warehouses[at] = allocation->warehouse;
    shift->quantities[at] += allocation->quantity;
    if (at == shift->count)
        shift->count++;
}

/* What is in stock of a SKU, in all warehouses and shops. */
struct stocked {
    const char *id;
    struct offer_list offers;
};

struct stocked_list {
    struct stocked *items;
    size_t count;
};

static RECORD(stocked, FIELD(stocked, id), FIELD_LIST_OF(stocked, offers, offer_record));

const struct rows stocked_rows = {NULL, &Q_stock_offers, &stocked_record};

/* What came along of these SKUs is not true any more. */
static void forget_offers(struct uow *uow, const struct shift *shift)
{
    struct stocked none;

    for (size_t i = 0; i < shift->count; i++)
        (void)rows_take(uow, &stocked_rows, shift->skus[i], &none);
}

void stock_shift(struct uow *uow, const struct allocation_list *allocations, int held, int allocated)
{
    struct arena *arena = uow->ctx->arena;
    struct shift shift = {
        .skus = arena_array(arena, allocations->count, sizeof(char *)),
        .warehouses = arena_array(arena, allocations->count, sizeof(char *)),
        .quantities = arena_array(arena, allocations->count, sizeof(int64_t)),
    };

    for (size_t i = 0; i < allocations->count; i++)
        shift_add(&shift, &allocations->items[i]);
    forget_offers(uow, &shift);
    SQL(uow, stock_hold, .skus = {shift.skus, shift.count}, .warehouses = {shift.warehouses, shift.count},
        .quantities = {shift.quantities, shift.count}, .held = held, .allocated = allocated);
}

void stock_leave(struct uow *uow, const struct shipment *shipment, const char *by)
{
    struct arena *arena = uow->ctx->arena;
    const size_t count = shipment->lines.count;
    const char **skus = arena_array(arena, count, sizeof(char *));
    int64_t *quantities = arena_array(arena, count, sizeof(int64_t));
    int64_t *changes = arena_array(arena, count, sizeof(int64_t));

    for (size_t i = 0; i < count; i++) {
        skus[i] = shipment->lines.items[i].sku;
        quantities[i] = shipment->lines.items[i].quantity;
        changes[i] = -quantities[i];
    }
    SQL(uow, stock_ship, .skus = {skus, count}, .quantities = {quantities, count}, .warehouse = shipment->warehouse);
    SQL(uow, stock_move_add, .skus = {skus, count}, .warehouse = shipment->warehouse, .kind = "shipped",
        .quantities = {changes, count}, .cause = arena_printf(arena, "shipment:%s", shipment->head.id), .by = by);
}

void stock_free(struct uow *uow, const struct shipment *shipment)
{
    struct arena *arena = uow->ctx->arena;
    struct allocation_list list = {
        .items = arena_array(arena, shipment->lines.count, sizeof(struct allocation)),
        .count = shipment->lines.count,
    };
    for (size_t i = 0; i < list.count; i++) {
        list.items[i] = (struct allocation){
            .sku = shipment->lines.items[i].sku,
            .warehouse = shipment->warehouse,
            .quantity = shipment->lines.items[i].quantity,
        };
    }
    stock_shift(uow, &list, 0, -1);
}

const struct rows hold_rows = {&Q_holds_lock, &Q_holds_lock, &hold_record};

enum err hold_read(struct uow *uow, const char *id, struct hold *ret, bool *ret_found)
{
    return rows_take_or_ask(uow, &hold_rows, id, ret, ret_found);
}

/* Each SKU once: of those that came along, and asked of the rest. */
static enum err read_stocked(struct uow *uow, const struct claim_line_list *lines, struct stocked_list *ret)
{
    struct arena *arena = uow->ctx->arena;
    struct texts missing = {.items = arena_array(arena, lines->count, sizeof(char *))};
    struct stocked_list asked = {0};

    *ret = (struct stocked_list){.items = arena_array(arena, lines->count, sizeof(*ret->items))};
    for (size_t i = 0; i < lines->count; i++) {
        const char *sku = lines->items[i].sku;
        size_t before = 0;
        while (!text_equal(lines->items[before].sku, sku))
            before++;
        if (before < i)
            continue;
        if (rows_take(uow, &stocked_rows, sku, &ret->items[ret->count]))
            ret->count++;
        else
            missing.items[missing.count++] = sku;
    }
    if (missing.count > 0)
        TRY(SQL_MANY(uow, stock_offers, stocked_record, &asked, .keys = missing));
    for (size_t i = 0; i < asked.count; i++)
        ret->items[ret->count++] = asked.items[i];
    return ERR_NONE;
}

enum err hold_read_with_offers(struct uow *uow, const char *id, const char *shop, const struct claim_line_list *lines,
                               struct hold *ret, bool *ret_found)
{
    struct offer_list offers = {0};
    struct stocked_list stocked;
    size_t count = 0;

    *ret = (struct hold){0};
    TRY(hold_read(uow, id, ret, ret_found));
    TRY(read_stocked(uow, lines, &stocked));
    for (size_t i = 0; i < stocked.count; i++)
        count += stocked.items[i].offers.count;
    offers.items = arena_array(uow->ctx->arena, count, sizeof(struct offer));
    for (size_t i = 0; i < stocked.count; i++) {
        for (size_t o = 0; o < stocked.items[i].offers.count; o++) {
            if (text_equal(stocked.items[i].offers.items[o].shop, shop))
                offers.items[offers.count++] = stocked.items[i].offers.items[o];
        }
    }
    offers_sort(&offers);
    ret->offers = offers;
    return ERR_NONE;
}

void hold_save(struct uow *uow, const struct hold *hold, bool is_new)
{
    const char *allocations =
        json_encode_list(uow->ctx->arena, &allocation_record, hold->allocations.items, hold->allocations.count);

    if (is_new)
        SQL(uow, hold_add, .id = hold->head.id, .shop = hold->shop, .state = hold_state_names[hold->state],
            .placement = hold->claim.placement, .dead = hold->claim.dead, .reason = hold->reason,
            .allocations = allocations, .version = hold->head.version);
    else
        SQL(uow, hold_save, .id = hold->head.id, .state = hold_state_names[hold->state],
            .placement = hold->claim.placement, .dead = hold->claim.dead, .reason = hold->reason,
            .allocations = allocations, .version = hold->head.version);
}

enum err shipment_lock(struct uow *uow, const char *id, const char *shop, struct shipment *ret, bool *ret_found)
{
    return SQL_MAYBE(uow, shipment_lock, shipment_record, ret, ret_found, .id = id, .shop = shop);
}

struct family_member {
    const char *id;
};
static RECORD(family_member, FIELD(family_member, id));

enum err shipment_lock_family(struct uow *uow, const char *id)
{
    struct {
        struct family_member *items;
        size_t count;
    } family;
    return SQL_MANY(uow, family_lock, family_member_record, &family, .id = id);
}

enum err shipments_of_order(struct uow *uow, const char *order_id, struct shipment_list_of_order *ret)
{
    return SQL_MANY(uow, shipments_lock, shipment_record, ret, .order_id = order_id);
}

struct fresh_number {
    const char *id; /* the order's */
    const char *number;
};
static RECORD(fresh_number, FIELD(fresh_number, id), FIELD(fresh_number, number));

const struct rows shipment_number_rows = {NULL, &Q_shipment_numbers, &fresh_number_record};

enum err shipment_number(struct uow *uow, const char *order_id, const char **ret)
{
    struct fresh_number fresh;
    bool found; /* always */

    TRY(rows_take_or_ask(uow, &shipment_number_rows, order_id, &fresh, &found));
    *ret = fresh.number;
    return ERR_NONE;
}

void shipment_add(struct uow *uow, const struct shipment *shipment, const char *reason, const struct address *address)
{
    struct arena *arena = uow->ctx->arena;

    SQL(uow, shipment_add, .id = shipment->head.id, .shop = shipment->shop, .number = shipment->number,
        .order_id = shipment->order_id, .group_id = shipment->group_id, .warehouse = shipment->warehouse,
        .method = shipment->method,
        .lines = json_encode_list(arena, &shipment_line_record, shipment->lines.items, shipment->lines.count),
        .quantity = shipment->quantity, .reason = reason,
        .address = address != NULL ? json_encode(arena, &address_record, address) : NULL, .latest = shipment->latest,
        .version = shipment->head.version);
}

void shipment_save(struct uow *uow, const struct shipment *shipment, int64_t was)
{
    SQL(uow, shipment_save, .id = shipment->head.id, .state = shipment_state_names[shipment->state],
        .hold_reason = shipment->hold_reason, .carrier = shipment->carrier,
        .tracking_number = shipment->tracking_number, .tracking_url = shipment->tracking_url,
        .shipped_at = shipment->shipped_at, .delivered_at = shipment->delivered_at, .version = shipment->head.version,
        .was = was);
}
