/* Telling stock levels: at most one event per second and SKU, but at once when something is sold out or back. */
#include "timer.h"

#include "event.h"
#include "fulfilment/queries.h"
#include "proto/stock.h"

#define TELL_MS 200    /* what "at once" means here */
#define LEVELS_MAX 200 /* the LIMIT of stock_tell */

struct level {
    const char *id; /* "SKU@warehouse" */
    const char *sku;
    const char *warehouse;
    const char *shop;
    int64_t on_hand;
    int64_t held;
    int64_t available;
    int64_t version; /* of the event */
};

static RECORD(level, FIELD(level, id), FIELD(level, sku), FIELD(level, warehouse), FIELD(level, shop),
              FIELD(level, on_hand), FIELD(level, held), FIELD(level, available), FIELD(level, version));

static enum err tell_levels(struct uow *uow, bool *ret_more)
{
    struct {
        struct level *items;
        size_t count;
    } levels;

    TRY(SQL_MANY(uow, stock_tell, level_record, &levels));
    *ret_more = levels.count == LEVELS_MAX;
    for (size_t i = 0; i < levels.count; i++) {
        const struct level *level = &levels.items[i];
        struct aggregate head = {.id = level->id, .version = level->version - 1};
        TRY(emit_stock_level(uow, &head,
                             &(struct stock_level){
                                 .sku = level->sku,
                                 .warehouse = level->warehouse,
                                 .shop = level->shop,
                                 .on_hand = level->on_hand,
                                 .held = level->held,
                                 .available = level->available,
                             }));
    }
    return uow_commit(uow);
}

const struct timer fulfilment_timers[] = {
    {"tell stock levels", TELL_MS, tell_levels},
    {NULL},
};
