/*
 * buf - text that grows in an arena up to a stated maximum.
 *
 * A buffer can't be made without a maximum. Text that would pass it is dropped, with all that follows, and `overflowed`
 * is set, so a writer checks once at the end. The content is always NUL-terminated.
 */
#ifndef WAYBILL_BUF_H
#define WAYBILL_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

struct buf {
    struct arena *arena;
    char *data;
    size_t size;
    size_t capacity;
    size_t max;
    bool overflowed;
};

/* An empty buffer whose text may reach `max` bytes. */
void buf_init(struct buf *buf, struct arena *arena, size_t max);

/* An empty buffer over the caller's memory, for text of up to size - 1 bytes; needs no arena. */
void buf_init_fixed(struct buf *buf, char *memory, size_t size);

void buf_add(struct buf *buf, const void *bytes, size_t size);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
void buf_add_int(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF(2, 3);

/* Adds text as a quoted JSON string. The text must be valid UTF-8 (utf8_is_valid() in text.h). */
void buf_add_json(struct buf *buf, const char *text);

/* Adds text with the five characters that matter in HTML escaped. */
void buf_add_html(struct buf *buf, const char *text);

/* Makes the buffer empty again; keeps its memory. */
void buf_clear(struct buf *buf);

/* Goes back to an earlier `size` and forgets an overflow after it. */
void buf_cut(struct buf *buf, size_t size);

#endif
