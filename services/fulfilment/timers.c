/* Telling stock levels: at most one event per 100 ms and SKU, however often it changes. */
#include "timer.h"

#include "event.h"
#include "fulfilment/queries.h"
#include "proto/stock.h"

struct untold {
    const char *id; /* "SKU@warehouse" */
    const char *sku;
    const char *warehouse;
    const char *shop;
    int64_t on_hand;
    int64_t held;
    int64_t available;
    int64_t version;
};

static RECORD(untold,
    FIELD(untold, id),
    FIELD(untold, sku),
    FIELD(untold, warehouse),
    FIELD(untold, shop),
    FIELD(untold, on_hand),
    FIELD(untold, held),
    FIELD(untold, available),
    FIELD(untold, version));

#define LEVELS_MAX 200 /* the LIMIT of stock_take_untold */

static enum err tell_levels(struct uow *uow, bool *ret_more)
{
    struct { struct untold *items; size_t count; } levels;
    const char *skus[LEVELS_MAX];
    const char *warehouses[LEVELS_MAX];

    TRY(SQL_MANY(uow, stock_take_untold, untold_record, &levels));
    *ret_more = levels.count == LEVELS_MAX;
    for (size_t i = 0; i < levels.count; i++) {
        const struct untold *level = &levels.items[i];
        struct aggregate head = { .id = level->id, .version = level->version };
        skus[i] = level->sku;
        warehouses[i] = level->warehouse;
        TRY(emit_stock_level(uow, &head, &(struct stock_level){
            .sku = level->sku,
            .warehouse = level->warehouse,
            .shop = level->shop,
            .on_hand = level->on_hand,
            .held = level->held,
            .available = level->available,
        }));
    }
    if (levels.count > 0)
        SQL(uow, stock_told, .skus = { skus, levels.count }, .warehouses = { warehouses, levels.count });
    return uow_commit(uow);
}

const struct timer fulfilment_timers[] = {
    { "tell stock levels", 100, tell_levels },
    { NULL },
};
