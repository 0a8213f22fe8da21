/*
 * text - what a string must be before it enters: strict UTF-8, formats, comparisons in constant time, base64url, hex.
 */
#ifndef WAYBILL_TEXT_H
#define WAYBILL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "record.h"

/* Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF, no NUL. */
bool utf8_is_valid(const char *bytes, size_t size);

/* How many bytes from the start are strict UTF-8 in whole characters; `size` if all are. */
size_t utf8_valid_size(const char *bytes, size_t size);

/* How many characters valid UTF-8 has. */
size_t utf8_count(const char *bytes, size_t size);

/* Whether the text looks like the format; TEXT_ANY is always true. */
bool text_has_format(const char *text, enum text_format format);

/* What a format asks for, for complaints: "a UUID". */
const char *text_format_name(enum text_format format);

static inline bool text_equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && __builtin_strcmp(a, b) == 0);
}

/* Whether the text is exactly these bytes, which may hold anything, NUL too. */
static inline bool text_is(const char *text, const char *bytes, size_t size)
{
    return __builtin_strlen(text) == size && __builtin_memcmp(text, bytes, size) == 0;
}

/* Whether a space-separated list has the word: text_has_word("orders stock", "stock"). NULL list: false. */
bool text_has_word(const char *list, const char *word);

/* Compares secrets without telling by time where they differ. Lengths may leak. */
bool text_equal_secret(const char *a, const char *b);

/* Base64url without padding. base64url_decode() gives NULL if the text is not exactly that. */
char *base64url_encode(struct arena *arena, const void *bytes, size_t size);
uint8_t *base64url_decode(struct arena *arena, const char *text, size_t *ret_size);

/* Lower-case hex. hex_decode() is false unless the text is exactly 2 * size hex digits. */
char *hex_encode(struct arena *arena, const void *bytes, size_t size);
bool hex_decode(const char *text, uint8_t *ret_bytes, size_t size);

/* Reads a whole decimal integer; false on anything else, overflow included. */
bool text_to_int(const char *text, size_t size, int64_t *ret);

#endif
