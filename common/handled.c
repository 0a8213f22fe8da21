/*
 * handled - versions and inbox.
 */
#include "handled.h"

#include <assert.h>

#include "common/queries.h"
#include "text.h"

static RECORD(handled, FIELD(handled, aggregate), FIELD(handled, sequence), FIELD(handled, parks),
              FIELD(handled, parked_from), FIELD(handled, parked_reason));
static RECORD(inbox, FIELD(inbox, source), FIELD(inbox, event_id));

static const char *aggregate_of(struct arena *arena, struct handled *key)
{
    if (key->aggregate == NULL)
        key->aggregate = arena_printf(arena, "%s/%s", key->topic, key->key);
    return key->aggregate;
}

void handled_ask(struct uow *uow, struct handled_list *keys, struct handled_list *ret_rows)
{
    struct arena *arena = uow->ctx->arena;
    struct texts aggregates = {arena_array(arena, keys->count, sizeof(const char *)), keys->count};

    for (size_t i = 0; i < keys->count; i++)
        aggregates.items[i] = aggregate_of(arena, &keys->items[i]);
    *ret_rows = (struct handled_list){0};
    SQL_ASK(uow, handled_get, handled_record, ret_rows, .aggregates = aggregates);
}

/* The row of a key: nearly always that in its own place. */
static const struct handled *find(const struct handled_list *rows, size_t place, const struct handled *key)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct handled *row = &rows->items[(place + i) % rows->count];
        if (text_equal(row->aggregate, key->aggregate))
            return row;
    }
    return NULL;
}

static enum err read_parked(struct uow *uow, struct handled_list *keys)
{
    struct arena *arena = uow->ctx->arena;
    struct texts topics = {arena_array(arena, keys->count, sizeof(const char *)), keys->count};
    struct texts texts = {arena_array(arena, keys->count, sizeof(const char *)), keys->count};
    struct handled_list rows;

    for (size_t i = 0; i < keys->count; i++) {
        topics.items[i] = keys->items[i].topic;
        texts.items[i] = keys->items[i].key;
    }
    TRY(SQL_MANY(uow, handled_parked, handled_record, &rows, .topics = topics, .keys = texts));
    for (size_t i = 0; i < keys->count; i++) {
        const struct handled *row = find(&rows, i, &keys->items[i]);
        if (row == NULL)
            continue;
        keys->items[i].parked_from = row->parked_from;
        keys->items[i].parked_reason = row->parked_reason;
    }
    return ERR_NONE;
}

enum err handled_learn(struct uow *uow, struct handled_list *keys, const struct handled_list *rows)
{
    bool parks = false;

    for (size_t i = 0; i < keys->count; i++) {
        struct handled *key = &keys->items[i];
        const struct handled *row = find(rows, i, key);
        assert(row != NULL);
        key->sequence = row->sequence;
        key->is_new = row->sequence == 0;
        key->parked_from = -1;
        key->parked_reason = "";
        parks = parks || row->parks;
    }
    return parks ? read_parked(uow, keys) : ERR_NONE;
}

enum err handled_read(struct uow *uow, struct handled_list *keys)
{
    struct handled_list rows;

    handled_ask(uow, keys, &rows);
    TRY(uow_sync(uow));
    return handled_learn(uow, keys, &rows);
}

/* Lists the keys that moved, either those that have a row or those that have none. */
static void list_moved(struct arena *arena, struct handled_list *keys, bool is_new, struct texts *ret_aggregates,
                       struct ints *ret_sequences)
{
    int64_t *sequences = arena_array(arena, keys->count, sizeof(*sequences));
    size_t count = 0;

    ret_aggregates->items = arena_array(arena, keys->count, sizeof(const char *));
    for (size_t i = 0; i < keys->count; i++) {
        struct handled *key = &keys->items[i];
        if (!key->moved || key->is_new != is_new)
            continue;
        ret_aggregates->items[count] = aggregate_of(arena, key);
        sequences[count++] = key->sequence;
    }
    ret_aggregates->count = count;
    *ret_sequences = (struct ints){sequences, count};
}

void handled_write(struct uow *uow, struct handled_list *keys)
{
    struct texts aggregates;
    struct ints sequences;

    list_moved(uow->ctx->arena, keys, true, &aggregates, &sequences);
    if (aggregates.count > 0)
        SQL(uow, handled_add, .aggregates = aggregates, .sequences = sequences);
    list_moved(uow->ctx->arena, keys, false, &aggregates, &sequences);
    if (aggregates.count > 0)
        SQL(uow, handled_set, .aggregates = aggregates, .sequences = sequences);
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

void inbox_ask(struct uow *uow, const struct inbox_list *asked, struct inbox_list *ret)
{
    struct texts sources, ids;

    *ret = (struct inbox_list){0};
    if (asked->count == 0)
        return;
    split(uow->ctx->arena, asked, &sources, &ids);
    SQL_ASK(uow, inbox_get, inbox_record, ret, .sources = sources, .event_ids = ids);
}

void inbox_write(struct uow *uow, const struct inbox_list *handled)
{
    struct texts sources, ids;

    if (handled->count == 0)
        return;
    split(uow->ctx->arena, handled, &sources, &ids);
    SQL(uow, inbox_add, .sources = sources, .event_ids = ids);
}
