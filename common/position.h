/*
 * position - where the partitions of a batch stand, as locked rows. For batch.c, set_aside.c and consumer.c.
 */
#ifndef WAYBILL_POSITION_H
#define WAYBILL_POSITION_H

#include "uow.h"

struct position {
    const char *topic;
    int64_t partition;
    int64_t next_offset; /* the first one that was not handled yet */
};

struct positions {
    struct position *items;
    size_t count;
};

/* The position of a partition in the list, or NULL. */
struct position *position_find(const struct positions *positions, const char *topic, int64_t partition);

/*
 * Locks the rows, makes those that are missing, and fills in the offsets. A copy that lost a partition without knowing
 * waits here for the one that has it now, and then sees how far that one came.
 */
enum err positions_lock(struct uow *uow, struct positions *positions) MUST_USE;

/* Queues the writing of the offsets. */
void positions_move(struct uow *uow, const struct positions *positions);

#endif
