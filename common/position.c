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

/* The columns of the list, for unnest(). */
struct columns {
    struct texts topics;
    struct ints partitions;
    struct ints next_offsets;
};

static struct columns columns_of(struct arena *arena, const struct positions *positions)
{
    const char **topics = arena_array(arena, positions->count, sizeof(*topics));
    int64_t *partitions = arena_array(arena, positions->count, sizeof(*partitions));
    int64_t *next_offsets = arena_array(arena, positions->count, sizeof(*next_offsets));

    for (size_t i = 0; i < positions->count; i++) {
        topics[i] = positions->items[i].topic;
        partitions[i] = positions->items[i].partition;
        next_offsets[i] = positions->items[i].next_offset;
    }
    return (struct columns){
        {topics,       positions->count},
        {partitions,   positions->count},
        {next_offsets, positions->count}
    };
}

static enum err lock(struct uow *uow, const struct columns *columns, struct positions *ret)
{
    return SQL_MANY(uow, position_lock, position_record, ret, .topics = columns->topics,
                    .partitions = columns->partitions);
}

enum err positions_lock(struct uow *uow, struct positions *positions)
{
    struct columns columns = columns_of(uow->ctx->arena, positions);
    struct positions rows;

    TRY(lock(uow, &columns, &rows));
    if (rows.count < positions->count) {
        SQL(uow, position_ensure, .topics = columns.topics, .partitions = columns.partitions);
        TRY(lock(uow, &columns, &rows));
    }
    for (size_t i = 0; i < positions->count; i++) {
        struct position *position = &positions->items[i];
        const struct position *row = position_find(&rows, position->topic, position->partition);
        position->next_offset = row == NULL ? 0 : row->next_offset;
    }
    return ERR_NONE;
}

void positions_move(struct uow *uow, const struct positions *positions)
{
    struct columns columns = columns_of(uow->ctx->arena, positions);

    SQL(uow, position_move, .topics = columns.topics, .partitions = columns.partitions,
        .next_offsets = columns.next_offsets);
}
