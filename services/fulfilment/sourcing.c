/* Which warehouse sends what. */
#include "sourcing.h"

#include "arena.h"
#include "text.h"

/* The work of one sourcing: what is still wanted, what is still there. */
struct work {
    struct arena *arena;
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
            ret->items[ret->count++] = (struct shortage){ .sku = sku, .asked = asked, .available = available };
    }
}

/* How many of the pieces still wanted a warehouse could send. */
static int64_t covers(const struct work *work, const char *warehouse)
{
    int64_t pieces = 0;

    for (size_t o = 0; o < work->offers->count; o++) {
        int64_t wanted = 0;
        if (!text_equal(work->offers->items[o].warehouse, warehouse))
            continue;
        for (size_t i = 0; i < work->lines->count; i++) {
            if (text_equal(work->lines->items[i].sku, work->offers->items[o].sku))
                wanted += work->wanted[i];
        }
        pieces += smaller(wanted, work->left[o] > 0 ? work->left[o] : 0);
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

/* The warehouse that covers most of what is left, or NULL when none covers anything. */
static const struct offer *best_warehouse(const struct work *work)
{
    const struct offer *best = NULL;
    int64_t best_pieces = 0;

    for (size_t o = 0; o < work->offers->count; o++) {
        const struct offer *offer = &work->offers->items[o];
        const int64_t pieces = covers(work, offer->warehouse);
        if (pieces == 0 || (best != NULL && text_equal(best->warehouse, offer->warehouse)))
            continue;
        if (best == NULL || pieces > best_pieces || (pieces == best_pieces && goes_before(work, offer, best))) {
            best = offer;
            best_pieces = pieces;
        }
    }
    return best;
}

/* Takes from one warehouse all that it has of what is wanted. */
static void take_from(struct work *work, const char *warehouse)
{
    for (size_t i = 0; i < work->lines->count; i++) {
        const struct claim_line *line = &work->lines->items[i];
        for (size_t o = 0; o < work->offers->count; o++) {
            const struct offer *offer = &work->offers->items[o];
            if (!text_equal(offer->warehouse, warehouse) || !text_equal(offer->sku, line->sku))
                continue;
            const int64_t taken = smaller(work->wanted[i], work->left[o] > 0 ? work->left[o] : 0);
            if (taken == 0)
                continue;
            work->wanted[i] -= taken;
            work->left[o] -= taken;
            work->ret->items[work->ret->count++] = (struct allocation){
                .line_id = line->line_id,
                .sku = line->sku,
                .warehouse = warehouse,
                .quantity = taken,
            };
        }
    }
}

void source(struct arena *arena, const struct claim_line_list *lines, const struct offer_list *offers,
            const char *country, struct sourcing *ret)
{
    const struct offer *warehouse;
    const char *names = NULL;
    int count = 0;

    *ret = (struct sourcing){ .reason = "" };
    find_shortages(arena, lines, offers, &ret->shortages);
    if (ret->shortages.count > 0)
        return;

    struct work work = {
        .arena = arena,
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
        take_from(&work, warehouse->warehouse);
        names = names == NULL ? warehouse->warehouse : arena_printf(arena, "%s, %s", names, warehouse->warehouse);
        count++;
    }
    ret->reason = count == 1 ? arena_printf(arena, "%s has everything", names)
                             : arena_printf(arena, "no warehouse has everything: the fewest are %.150s", names);
}
