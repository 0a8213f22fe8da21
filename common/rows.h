/*
 * rows - rows that a batch brings along with its locks, so that a handler finds its aggregate in memory and neither
 * asks nor waits for it. For delivery.c, and for the store functions that handlers call.
 *
 * A row is handed out once, since whoever takes it is about to change it; who has written it may give it back as it is
 * then. One that is not here says nothing about whether it exists: then the database is asked. What is changed without
 * having been read must be taken and dropped.
 *
 * Keys are texts as in the event, and ids as PostgreSQL writes them: an id that is written differently is not here.
 * Lifetime: the unit of work, up to its going back to a point of return.
 */
#ifndef WAYBILL_ROWS_H
#define WAYBILL_ROWS_H

#include "uow.h"

/*
 * A kind of row. Both statements are `:many` with the one parameter `keys::text[]`.
 *
 * `read` gives at most one row for each key, with the key as the column `id`, and runs behind all locks: so it sees
 * what they waited for. It may be the lock itself if it reads nothing but the locked rows' own columns and what never
 * changes: all else a statement that had to wait shows as it was before the wait.
 */
struct rows {
    const struct query *lock; /* locks in the order of the keys; NULL: there is nothing to lock */
    const struct query *read;
    const struct record *record;
};

/* Queues the reading; the rows are there from the next uow_sync() on. Once for each kind, and before anything of it is
 * changed: what is left of an older answer would be stale. */
void rows_bring(struct uow *uow, const struct rows *rows, const struct texts *keys);

/* Takes the row of a key; false if it is not here. */
bool rows_take(struct uow *uow, const struct rows *rows, const char *key, void *ret);

/* Puts a row that was taken back, as it was written now. What it points to must last as long as the unit of work. */
void rows_give_back(struct uow *uow, const struct rows *rows, const void *row);

/* The same as rows_take(), and where it is not here the database is asked by `read`, which locks the row too if it is
 * the lock. */
enum err rows_take_or_ask(struct uow *uow, const struct rows *rows, const char *key, void *ret,
                          bool *ret_found) MUST_USE;

/* The same for what is only looked at: the row stays for whoever comes next. */
enum err rows_see_or_ask(struct uow *uow, const struct rows *rows, const char *key, void *ret,
                         bool *ret_found) MUST_USE;

#endif
