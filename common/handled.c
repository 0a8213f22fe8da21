/*
 * handled - versions and inbox.
 */
#include "handled.h"

#include <assert.h>

#include "common/queries.h"

static RECORD(handled, FIELD(handled, topic), FIELD(handled, key), FIELD(handled, sequence),
              FIELD(handled, parked_from), FIELD(handled, parked_reason));
static RECORD(inbox, FIELD(inbox, source), FIELD(inbox, event_id));

enum err handled_read(struct uow *uow, struct handled_list *keys)
{
    struct arena *arena = uow->ctx->arena;
    const char **topics = arena_array(arena, keys->count, sizeof(*topics));
    const char **texts = arena_array(arena, keys->count, sizeof(*texts));
    struct handled_list rows;

    for (size_t i = 0; i < keys->count; i++) {
        topics[i] = keys->items[i].topic;
        texts[i] = keys->items[i].key;
    }
    TRY(SQL_MANY(uow, handled_get, handled_record, &rows, .topics = {topics, keys->count},
                 .keys = {texts, keys->count}));
    assert(rows.count == keys->count);
    for (size_t i = 0; i < rows.count; i++)
        keys->items[i] = rows.items[i];
    return ERR_NONE;
}

void handled_write(struct uow *uow, const struct handled_list *keys)
{
    struct arena *arena = uow->ctx->arena;
    const char **topics = arena_array(arena, keys->count, sizeof(*topics));
    const char **texts = arena_array(arena, keys->count, sizeof(*texts));
    int64_t *sequences = arena_array(arena, keys->count, sizeof(*sequences));
    size_t count = 0;

    for (size_t i = 0; i < keys->count; i++) {
        if (!keys->items[i].moved)
            continue;
        topics[count] = keys->items[i].topic;
        texts[count] = keys->items[i].key;
        sequences[count++] = keys->items[i].sequence;
    }
    if (count > 0)
        SQL(uow, handled_set, .topics = {topics, count}, .keys = {texts, count}, .sequences = {sequences, count});
}

/* The two columns of a list. */
static void split(struct arena *arena, const struct inbox_list *list, struct texts *ret_sources, struct texts *ret_ids)
{
    *ret_sources = (struct texts){arena_array(arena, list->count, sizeof(const char *)), list->count};
    *ret_ids = (struct texts){arena_array(arena, list->count, sizeof(const char *)), list->count};
    for (size_t i = 0; i < list->count; i++) {
        ret_sources->items[i] = list->items[i].source;
        ret_ids->items[i] = list->items[i].event_id;
    }
}

enum err inbox_read(struct uow *uow, const struct inbox_list *asked, struct inbox_list *ret)
{
    struct texts sources, ids;

    *ret = (struct inbox_list){0};
    if (asked->count == 0)
        return ERR_NONE;
    split(uow->ctx->arena, asked, &sources, &ids);
    return SQL_MANY(uow, inbox_get, inbox_record, ret, .sources = sources, .event_ids = ids);
}

void inbox_write(struct uow *uow, const struct inbox_list *handled)
{
    struct texts sources, ids;

    if (handled->count == 0)
        return;
    split(uow->ctx->arena, handled, &sources, &ids);
    SQL(uow, inbox_add, .sources = sources, .event_ids = ids);
}
