/*
 * position - where partitions stand.
 */
#include "position.h"

#include "common/queries.h"
#include "text.h"

static RECORD(position, FIELD(position, topic), FIELD(position, partition), FIELD(position, next_offset));

struct position *position_find(const struct positions *positions, const char *topic, int64_t partition)
{
    for (size_t i = 0; i < positions->count; i++)
        if (positions->items[i].partition == partition && text_equal(positions->items[i].topic, topic))
            return &positions->items[i];
    return NULL;
}

/* "topic/partition", as the table's column `place`. */
static struct texts places_of(struct arena *arena, const struct positions *positions)
{
    struct texts places = {arena_array(arena, positions->count, sizeof(const char *)), positions->count};

    for (size_t i = 0; i < positions->count; i++)
        places.items[i] =
            arena_printf(arena, "%s/%lld", positions->items[i].topic, (long long)positions->items[i].partition);
    return places;
}

void positions_ask(struct uow *uow, const struct positions *positions, struct positions *ret_rows)
{
    *ret_rows = (struct positions){0};
    SQL_ASK(uow, position_lock, position_record, ret_rows, .places = places_of(uow->ctx->arena, positions));
}

bool positions_learn(struct positions *positions, const struct positions *rows)
{
    for (size_t i = 0; i < positions->count; i++) {
        struct position *position = &positions->items[i];
        const struct position *row = position_find(rows, position->topic, position->partition);
        if (row == NULL)
            return false;
        position->next_offset = row->next_offset;
    }
    return true;
}

void positions_ensure(struct uow *uow, const struct positions *positions)
{
    struct arena *arena = uow->ctx->arena;
    const char **topics = arena_array(arena, positions->count, sizeof(*topics));
    int64_t *partitions = arena_array(arena, positions->count, sizeof(*partitions));

    for (size_t i = 0; i < positions->count; i++) {
        topics[i] = positions->items[i].topic;
        partitions[i] = positions->items[i].partition;
    }
    SQL(uow, position_ensure, .topics = {topics, positions->count}, .partitions = {partitions, positions->count});
}

enum err positions_lock(struct uow *uow, struct positions *positions)
{
    struct positions rows;

    positions_ask(uow, positions, &rows);
    TRY(uow_sync(uow));
    if (positions_learn(positions, &rows))
        return ERR_NONE;
    positions_ensure(uow, positions);
    positions_ask(uow, positions, &rows);
    TRY(uow_sync(uow));
    if (!positions_learn(positions, &rows))
        return FAIL(uow->ctx, AGAIN, "a partition's position is gone");
    return ERR_NONE;
}

void positions_move(struct uow *uow, const struct positions *positions)
{
    struct arena *arena = uow->ctx->arena;
    int64_t *next_offsets = arena_array(arena, positions->count, sizeof(*next_offsets));

    for (size_t i = 0; i < positions->count; i++)
        next_offsets[i] = positions->items[i].next_offset;
    SQL(uow, position_move, .next_offsets = {next_offsets, positions->count}, .places = places_of(arena, positions));
}
