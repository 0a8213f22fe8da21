/*
 * needs - a list of keys, sorted by statement.
 */
#include "needs.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pg.h"

struct need {
    const struct query *query;
    const struct rows *rows; /* whose rows it brings along, or NULL */
    bool is_behind;          /* it only reads, behind all locks */
    const char *key;
};

struct arena *needs_arena(struct needs *needs)
{
    return needs->ctx->arena;
}

static void add(struct needs *needs, struct need need)
{
    if (need.query == NULL || need.key == NULL)
        return;
    if (needs->count == needs->capacity) {
        needs->capacity = needs->capacity * 2 + 16;
        struct need *items = arena_array(needs->ctx->arena, needs->capacity, sizeof(*items));
        if (needs->count > 0)
            memcpy(items, needs->items, needs->count * sizeof(*items));
        needs->items = items;
    }
    needs->items[needs->count++] = need;
}

void needs_lock(struct needs *needs, const struct query *lock, const char *key)
{
    add(needs, (struct need){.query = lock, .key = key});
}

void needs_row(struct needs *needs, const struct rows *rows, const char *key)
{
    if (rows->lock != rows->read)
        needs_lock(needs, rows->lock, key);
    add(needs, (struct need){rows->read, rows, rows->lock != rows->read, key});
}

static int compare(const void *left, const void *right)
{
    const struct need *a = left, *b = right;

    if (a->is_behind != b->is_behind)
        return a->is_behind ? 1 : -1;
    int order = strcmp(a->query->name, b->query->name);
    if (order == 0 && a->is_behind && a->rows != b->rows) /* what is locked is kept apart from what is looked at */
        order = (uintptr_t)a->rows < (uintptr_t)b->rows ? -1 : 1;
    return order != 0 ? order : strcmp(a->key, b->key);
}

static bool go_together(const struct need *a, const struct need *b)
{
    return a->query == b->query && (!a->is_behind || a->rows == b->rows);
}

/* Queues one statement for the first needs, which are of one query; returns how many. */
static size_t send_first(struct uow *uow, const struct need *needs, size_t count, bool brings)
{
    struct texts keys = {.items = arena_array(uow->ctx->arena, count, sizeof(const char *))};
    const struct rows *rows = NULL;
    size_t i = 0;

    for (; i < count && go_together(&needs[i], &needs[0]); i++) {
        if (keys.count == 0 || strcmp(keys.items[keys.count - 1], needs[i].key) != 0)
            keys.items[keys.count++] = needs[i].key;
        if (needs[i].rows != NULL)
            rows = needs[i].rows;
    }
    if (brings && rows != NULL)
        rows_bring(uow, rows, &keys);
    else if (!needs[0].is_behind)
        query_lock(uow, needs[0].query, &keys);
    return i;
}

void needs_send(struct uow *uow, struct needs *needs, bool brings)
{
    assert(!brings || uow->brought == NULL);
    if (needs->count == 0)
        return;
    qsort(needs->items, needs->count, sizeof(*needs->items), compare);
    for (size_t i = 0; i < needs->count;)
        i += send_first(uow, &needs->items[i], needs->count - i, brings);
}
