/* Lists of services become one list. */
#include <stdlib.h>
#include <string.h>

#include "backoffice.h"
#include "text.h"

const char *const backoffice_services[] = {
    "catalog", "cart", "checkout", "payment", "order", "fulfilment", "notification", NULL,
};

bool is_service(const char *name)
{
    for (const char *const *service = backoffice_services; *service != NULL; service++) {
        if (text_equal(*service, name))
            return true;
    }
    return false;
}

/* Ids are UUIDv7: their order is that of time. */
static int compare_items(const void *left, const void *right)
{
    const struct work_item_view *a = left, *b = right;
    return strcmp(a->id, b->id);
}

void work_items_merge(struct arena *arena, const struct work_item_list *lists, size_t count, size_t limit,
                      struct work_item_list *ret)
{
    size_t total = 0;
    bool more = false;

    for (size_t i = 0; i < count; i++) {
        total += lists[i].items.count;
        more |= lists[i].next != NULL;
    }
    ret->items.items = arena_array(arena, total, sizeof(struct work_item_view));
    ret->items.count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < lists[i].items.count; j++)
            ret->items.items[ret->items.count++] = lists[i].items.items[j];
    }
    qsort(ret->items.items, total, sizeof(struct work_item_view), compare_items);
    if (total > limit) {
        ret->items.count = limit;
        more = true;
    }
    ret->next = more && ret->items.count > 0 ? ret->items.items[ret->items.count - 1].id : NULL;
}

/* By the time of setting aside; of one moment by service and number, so that the order is always the same. */
static int compare_parked(const void *left, const void *right)
{
    const struct parked_view *a = left, *b = right;

    if (a->created_at != b->created_at)
        return a->created_at < b->created_at ? -1 : 1;
    int order = strcmp(a->service, b->service);
    if (order != 0)
        return order;
    return a->id < b->id ? -1 : a->id > b->id;
}

void parked_merge(struct arena *arena, const struct parked_list *lists, size_t count, struct parked_list *ret)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += lists[i].items.count;
    ret->items.items = arena_array(arena, total, sizeof(struct parked_view));
    ret->items.count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < lists[i].items.count; j++)
            ret->items.items[ret->items.count++] = lists[i].items.items[j];
    }
    qsort(ret->items.items, total, sizeof(struct parked_view), compare_parked);
    if (total > LIST_MAX)
        ret->items.count = LIST_MAX;
}
