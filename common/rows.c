/*
 * rows - a list for each kind, in which the id of a row that was taken is NULL.
 */
#include "rows.h"

#include <assert.h>
#include <string.h>

#include "text.h"

struct brought {
    const struct rows *rows;
    struct list list;
    struct brought *next;
};

static struct brought *find(const struct uow *uow, const struct rows *rows)
{
    struct brought *brought = uow->brought;

    while (brought != NULL && brought->rows != rows)
        brought = brought->next;
    return brought;
}

void rows_bring(struct uow *uow, const struct rows *rows, const struct texts *keys)
{
    struct brought *brought = ARENA_NEW(uow->ctx->arena, struct brought);

    assert(find(uow, rows) == NULL && !uow->savepoint);
    *brought = (struct brought){.rows = rows, .next = uow->brought};
    uow->brought = brought;
    query_ask(uow, rows->read, keys, rows->record, &brought->list);
}

/* Copies the row of a key; false if it is not here. */
static bool get(const struct uow *uow, const struct rows *rows, const char *key, bool takes, void *ret)
{
    const struct brought *brought = find(uow, rows);
    const struct field *id = record_field(rows->record, "id", strlen("id"));
    const size_t size = rows->record->size;

    assert(key != NULL && id != NULL && id->type == FIELD_TEXT);
    for (size_t i = 0; brought != NULL && i < brought->list.count; i++) {
        char *row = (char *)brought->list.items + i * size;
        const char **row_id = (const char **)(row + id->offset);
        if (!text_equal(*row_id, key))
            continue;
        memcpy(ret, row, size);
        if (takes)
            *row_id = NULL;
        return true;
    }
    return false;
}

bool rows_take(struct uow *uow, const struct rows *rows, const char *key, void *ret)
{
    return get(uow, rows, key, true, ret);
}

void rows_give_back(struct uow *uow, const struct rows *rows, const void *row)
{
    struct brought *brought = find(uow, rows);
    const struct field *id = record_field(rows->record, "id", strlen("id"));
    const size_t size = rows->record->size;

    /* Any place will do that a row was taken from; without one it was asked for, and is again. */
    for (size_t i = 0; brought != NULL && i < brought->list.count; i++) {
        char *place = (char *)brought->list.items + i * size;
        if (*(const char **)(place + id->offset) == NULL) {
            memcpy(place, row, size);
            return;
        }
    }
}

static enum err ask(struct uow *uow, const struct rows *rows, const char *key, void *ret, bool *ret_found)
{
    struct list answer;

    TRY(query_many(uow, rows->read, &(struct texts){.items = &key, .count = 1}, rows->record, &answer));
    *ret_found = answer.count > 0;
    if (*ret_found)
        memcpy(ret, answer.items, rows->record->size);
    return ERR_NONE;
}

enum err rows_take_or_ask(struct uow *uow, const struct rows *rows, const char *key, void *ret, bool *ret_found)
{
    *ret_found = get(uow, rows, key, true, ret);
    return *ret_found ? ERR_NONE : ask(uow, rows, key, ret, ret_found);
}

enum err rows_see_or_ask(struct uow *uow, const struct rows *rows, const char *key, void *ret, bool *ret_found)
{
    *ret_found = get(uow, rows, key, false, ret);
    return *ret_found ? ERR_NONE : ask(uow, rows, key, ret, ret_found);
}
