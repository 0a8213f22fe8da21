/* Which warehouse sends what. */
#include "sourcing.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "text.h"

RECORD_SHARED(offer, FIELD(offer, sku), FIELD(offer, warehouse), FIELD(offer, available), FIELD(offer, country),
              FIELD(offer, priority), FIELD(offer, shop));

static int compare_offers(const void *left, const void *right)
{
    const struct offer *a = left, *b = right;

    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    const int order = strcmp(a->warehouse, b->warehouse);
    return order != 0 ? order : strcmp(a->sku, b->sku);
}

void offers_sort(struct offer_list *offers)
{
    if (offers->count > 1)
        qsort(offers->items, offers->count, sizeof(*offers->items), compare_offers);
}

/* The work of one sourcing: what is still wanted, what is still there. */
struct work {
    const struct claim_line_list *lines;
    const struct offer_list *offers;
    const char *country;
    int64_t *wanted; /* of each line */
    int64_t *left;   /* of each offer */
    struct allocation_list *ret;
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Sums what is wanted of a SKU over all lines; a cart may have two lines of one SKU. */
static int64_t asked_of(const struct claim_line_list *lines, const char *sku)
{
    int64_t sum = 0;
    for (size_t i = 0; i < lines->count; i++) {
        if (text_equal(lines->items[i].sku, sku))
            sum += lines->items[i].quantity;
    }
    return sum;
}

static int64_t available_of(const struct offer_list *offers, const char *sku)
{
    int64_t sum = 0;
    for (size_t i = 0; i < offers->count; i++) {
        if (text_equal(offers->items[i].sku, sku) && offers->items[i].available > 0)
            sum += offers->items[i].available;
    }
    return sum;
}

/* Lists each SKU that is short, once. */
static void find_shortages(struct arena *arena, const struct claim_line_list *lines, const struct offer_list *offers,
                           struct shortage_list *ret)
{
    ret->items = arena_array(arena, lines->count, sizeof(struct shortage));
    for (size_t i = 0; i < lines->count; i++) {
        const char *sku = lines->items[i].sku;
        bool is_first = true;
        for (size_t before = 0; before < i; before++)
            is_first = is_first && !text_equal(lines->items[before].sku, sku);

        const int64_t asked = asked_of(lines, sku);
        const int64_t available = available_of(offers, sku);
        if (is_first && asked > available)
            ret->items[ret->count++] = (struct shortage){.sku = sku, .asked = asked, .available = available};
    }
}

/* Whether another warehouse has all that is still wanted of a line. */
static bool is_whole_elsewhere(const struct work *work, size_t line, size_t offer)
{
    for (size_t o = 0; o < work->offers->count; o++) {
        if (o != offer && work->left[o] >= work->wanted[line] &&
            text_equal(work->offers->items[o].sku, work->lines->items[line].sku))
            return true;
    }
    return false;
}

/* Allocates from an offer what one line wants of it; only counts, unless `really`. A part of a line is not taken from
 * here while the whole can come from elsewhere. */
static int64_t take_line(struct work *work, size_t line, size_t offer, int64_t left, bool really)
{
    const int64_t taken = smaller(work->wanted[line], left);

    if (taken <= 0 || (taken < work->wanted[line] && is_whole_elsewhere(work, line, offer)))
        return 0;
    if (really) {
        work->wanted[line] -= taken;
        work->ret->items[work->ret->count++] = (struct allocation){
            .line_id = work->lines->items[line].line_id,
            .sku = work->lines->items[line].sku,
            .warehouse = work->offers->items[offer].warehouse,
            .quantity = taken,
        };
    }
    return taken;
}

/* Takes from one warehouse all that it should send of what is wanted, or only counts its pieces. */
static int64_t take_from(struct work *work, const char *warehouse, bool really)
{
    int64_t pieces = 0;

    for (size_t o = 0; o < work->offers->count; o++) {
        int64_t left = work->left[o];
        if (left <= 0 || !text_equal(work->offers->items[o].warehouse, warehouse))
            continue;
        for (size_t i = 0; i < work->lines->count; i++) {
            if (work->wanted[i] > 0 && text_equal(work->lines->items[i].sku, work->offers->items[o].sku))
                left -= take_line(work, i, o, left, really);
        }
        pieces += work->left[o] - left;
        if (really)
            work->left[o] = left;
    }
    return pieces;
}

/* Whether offer a's warehouse is asked before offer b's when both cover the same. */
static bool goes_before(const struct work *work, const struct offer *a, const struct offer *b)
{
    const bool a_is_near = text_equal(a->country, work->country);
    const bool b_is_near = text_equal(b->country, work->country);
    if (a_is_near != b_is_near)
        return a_is_near;
    return a->priority < b->priority;
}

/* Whether an offer is the first of its warehouse. */
static bool is_first_offer(const struct offer_list *offers, size_t offer)
{
    for (size_t o = 0; o < offer; o++) {
        if (text_equal(offers->items[o].warehouse, offers->items[offer].warehouse))
            return false;
    }
    return true;
}

/* The warehouse that would send most of what is left, or NULL when none would send anything. */
static const struct offer *best_warehouse(struct work *work)
{
    const struct offer *best = NULL;
    int64_t best_pieces = 0;

    for (size_t o = 0; o < work->offers->count; o++) {
        const struct offer *offer = &work->offers->items[o];
        if (!is_first_offer(work->offers, o))
            continue;
        const int64_t pieces = take_from(work, offer->warehouse, false);
        if (pieces > best_pieces || (pieces > 0 && pieces == best_pieces && goes_before(work, offer, best))) {
            best = offer;
            best_pieces = pieces;
        }
    }
    return best;
}

void source(struct arena *arena, const struct claim_line_list *lines, const struct offer_list *offers,
            const char *country, struct sourcing *ret)
{
    const struct offer *warehouse;
    const char *names = NULL;
    int count = 0;

    *ret = (struct sourcing){.reason = ""};
    find_shortages(arena, lines, offers, &ret->shortages);
    if (ret->shortages.count > 0)
        return;

    struct work work = {
        .lines = lines,
        .offers = offers,
        .country = country,
        .wanted = arena_array(arena, lines->count, sizeof(int64_t)),
        .left = arena_array(arena, offers->count, sizeof(int64_t)),
        .ret = &ret->allocations,
    };
    ret->allocations.items = arena_array(arena, lines->count + offers->count, sizeof(struct allocation));
    for (size_t i = 0; i < lines->count; i++)
        work.wanted[i] = lines->items[i].quantity;
    for (size_t o = 0; o < offers->count; o++)
        work.left[o] = offers->items[o].available;

    while ((warehouse = best_warehouse(&work)) != NULL) {
        (void)take_from(&work, warehouse->warehouse, true);
        names = names == NULL ? warehouse->warehouse : arena_printf(arena, "%s, %s", names, warehouse->warehouse);
        count++;
    }
    ret->reason = count == 1 ? arena_printf(arena, "%s has everything", names)
                             : arena_printf(arena, "no warehouse has everything: the fewest are %.150s", names);
}
