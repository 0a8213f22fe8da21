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
 * Queues the locking of the rows; the next uow_sync() fills *ret_rows. A copy that lost a partition without knowing
 * waits there for the one that has it now, and what is asked behind it sees how far that one came.
 */
void positions_ask(struct uow *uow, const struct positions *positions, struct positions *ret_rows);

/* Takes the offsets from the rows; false if one is missing. */
bool positions_learn(struct positions *positions, const struct positions *rows);

/* Queues the making of rows that are missing. */
void positions_ensure(struct uow *uow, const struct positions *positions);

/* Locks the rows, makes those that are missing, and fills in the offsets. */
enum err positions_lock(struct uow *uow, struct positions *positions) MUST_USE;

/* Queues the writing of the offsets. */
void positions_move(struct uow *uow, const struct positions *positions);

#endif
