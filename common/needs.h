/*
 * needs - the rows that several handlers will change or read, named before the first of them runs: locked kind by kind
 * in one order, so that no two transactions wait for each other, and brought along in the same round trip (rows.h).
 */
#ifndef WAYBILL_NEEDS_H
#define WAYBILL_NEEDS_H

#include "rows.h"

struct need;

struct needs {
    struct ctx *ctx; /* whose arena they are in */
    struct need *items;
    size_t count;
    size_t capacity;
};

/* The arena, for keys that must be made. */
struct arena *needs_arena(struct needs *needs);

/* Names one row to lock, or to lock and bring along; a NULL key names none. Rows of one query are locked together,
 * queries in the order of their names. */
void needs_lock(struct needs *needs, const struct query *lock, const char *key);
void needs_row(struct needs *needs, const struct rows *rows, const char *key);

/* Queues the statements: one for each kind. Who brings does so once in a unit of work, before its first handler; the
 * rows are there from the next uow_sync() on. */
void needs_send(struct uow *uow, struct needs *needs, bool brings);

#endif
