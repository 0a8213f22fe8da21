/*
 * product - what is sold, and how a row of an import changes it. Pure.
 */
#ifndef WAYBILL_CATALOG_PRODUCT_H
#define WAYBILL_CATALOG_PRODUCT_H

#include "event.h"
#include "proto/http_catalog.h"
#include "proto/types.h"

#define VARIANTS_MAX 200 /* of a product */
#define PRICES_MAX 50    /* of a variant: one for each currency */

struct product {
    struct aggregate head;
    const char *shop;
    const char *code;
    const char *title;
    const char *description; /* or NULL */
    const char *tax_class;
    bool active;
    struct variant_list variants;
};
struct product_rows {
    struct product *items;
    size_t count;
};

extern const struct record product_record;

/* A product that has nothing yet: what a row with a new code begins with. */
struct product product_new(struct arena *arena, const char *shop, const char *code);

/*
 * Applies one row: one price of one variant. Returns NULL, or what keeps it from being applied; then nothing changed.
 * *ret_changed is false when the row says what is known already. Texts of the row are kept, not copied.
 */
const char *product_apply(struct arena *arena, struct product *product, const struct import_product_row *row,
                          bool *ret_changed);

/* The product as the storefront shows it: what is for sale, and with `currency` only that price. NULL if nothing is
 * left. */
const struct product_view *product_offer(struct arena *arena, const struct product_view *product, const char *currency);

#endif
