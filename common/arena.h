/*
 * arena - memory that lives as long as one request, message or task, and dies with it.
 *
 * Nothing is freed one by one: arena_free() or arena_clear() drops everything at once. Memory is zeroed and never
 * NULL. Going over the arena's limit, or out of memory, aborts the process: bodies and lists are limited at the edge,
 * so that is a bug, not a load (docs/adr/0005).
 *
 * Threads: an arena belongs to one thread at a time.
 */
#ifndef WAYBILL_ARENA_H
#define WAYBILL_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "macros.h"

struct arena;

/* A new arena that may hold up to `limit` bytes. Free it with arena_free(). */
struct arena *arena_new(size_t limit);

/* Drops everything allocated from the arena; it can be used again. Keeps one block to avoid needless malloc. */
void arena_clear(struct arena *arena);

/* Drops the arena and everything in it. Accepts NULL. */
void arena_free(struct arena *arena);

/* Zeroed memory, aligned for any type. A size of 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size) MUST_USE;

/* Zeroed memory for `count` elements; overflow of the product aborts. */
void *arena_array(struct arena *arena, size_t count, size_t size) MUST_USE;

/* A NUL-terminated copy of `size` bytes. */
char *arena_copy(struct arena *arena, const void *bytes, size_t size) MUST_USE;

/* A copy of a string; NULL gives NULL. */
char *arena_strdup(struct arena *arena, const char *text) MUST_USE;

/* A formatted string. */
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF(2, 3) MUST_USE;
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments) PRINTF(2, 0) MUST_USE;

/* Bytes handed out since the arena was made or cleared. */
size_t arena_used(const struct arena *arena);

/* Allocates a zeroed struct: ARENA_NEW(arena, struct order). */
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

#endif
