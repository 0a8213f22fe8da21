/*
 * sourcing - which warehouse sends what: pure, and it can say why.
 *
 * The rule: as few shipments as possible. One warehouse for everything if one has everything; else the warehouse that
 * covers most pieces of what is left, again and again. Among equals the destination's own country goes first, then the
 * warehouse's priority. A line is split over warehouses only when no single one has all that is left to find of it.
 */
#ifndef WAYBILL_SOURCING_H
#define WAYBILL_SOURCING_H

#include "proto/checkout.h"
#include "proto/types.h"

/* What a warehouse has of a SKU. */
struct offer {
    const char *sku;
    const char *warehouse;
    int64_t available;
    const char *country;
    int64_t priority; /* the smaller first */
    const char *shop;
};
struct offer_list {
    struct offer *items;
    size_t count;
};

extern const struct record offer_record;

struct sourcing {
    struct allocation_list allocations;
    struct shortage_list shortages; /* not empty: nothing was allocated */
    const char *reason;
};

/* Sorts them as sourcing wants them: by the warehouse's priority, its code, the SKU. */
void offers_sort(struct offer_list *offers);

/* Chooses for the lines of a placement; `country` is where it goes. The result is in the arena. */
void source(struct arena *arena, const struct claim_line_list *lines, const struct offer_list *offers,
            const char *country, struct sourcing *ret);

#endif
