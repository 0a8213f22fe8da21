/*
 * id - UUIDv7 as text: time-ordered, unique, not a secret (RFC 9562). Monotonic within a thread.
 */
#ifndef WAYBILL_ID_H
#define WAYBILL_ID_H

#include <stdbool.h>

#include "arena.h"

#define ID_TEXT 37 /* 36 characters and NUL */

/* A new id in the arena. */
char *id_new(struct arena *arena) MUST_USE;

/* Writes a new id. */
void id_make(char text[ID_TEXT]);

/* Whether the text is a UUID in lower-case canonical form. */
bool id_is_valid(const char *text);

/* Ids for tests: 00000000-0000-7000-8000-000000000001, ...2; id_real_again() ends it. */
void id_count_for_test(void);
void id_real_again(void);

#endif
