/*
 * buf - text that grows by doubling, never past its maximum.
 */
#include "buf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define FIRST_CAPACITY 256

static char nothing[1] = "";

void buf_init(struct buf *buf, struct arena *arena, size_t max)
{
    assert(arena != NULL && max < SIZE_MAX / 2);
    *buf = (struct buf){.arena = arena, .data = nothing, .max = max};
}

void buf_init_fixed(struct buf *buf, char *memory, size_t size)
{
    assert(size > 0);
    *buf = (struct buf){.data = memory, .capacity = size, .max = size - 1};
    memory[0] = '\0';
}

static void grow(struct buf *buf, size_t needed)
{
    size_t capacity = buf->capacity > 0 ? buf->capacity : FIRST_CAPACITY;
    while (capacity < needed)
        capacity *= 2;
    if (capacity > buf->max + 1)
        capacity = buf->max + 1;

    char *data = arena_alloc(buf->arena, capacity);
    memcpy(data, buf->data, buf->size);
    buf->data = data;
    buf->capacity = capacity;
}

/* Room for `size` more bytes and the NUL, to be written by the caller; NULL if they would pass the maximum. */
static char *claim(struct buf *buf, size_t size)
{
    if (buf->overflowed || size > buf->max - buf->size) {
        buf->overflowed = true;
        return NULL;
    }
    if (buf->size + size >= buf->capacity)
        grow(buf, buf->size + size + 1);

    char *room = buf->data + buf->size;
    buf->size += size;
    buf->data[buf->size] = '\0';
    return room;
}

void buf_add(struct buf *buf, const void *bytes, size_t size)
{
    char *room = claim(buf, size);
    if (room != NULL && size > 0)
        memcpy(room, bytes, size);
}

void buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
    char *room = claim(buf, 1);
    if (room != NULL)
        *room = c;
}

void buf_add_int(struct buf *buf, int64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--at] = '-';
    buf_add(buf, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    char small[256];
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(small, sizeof(small), format, arguments);
    va_end(arguments);
    assert(size >= 0);

    char *room = claim(buf, (size_t)size);
    if (room == NULL)
        return;
    if ((size_t)size < sizeof(small)) {
        memcpy(room, small, (size_t)size);
        return;
    }
    va_start(arguments, format);
    vsnprintf(room, (size_t)size + 1, format, arguments);
    va_end(arguments);
}

/* Adds what stands for a character that JSON does not allow in a string. */
static void add_escape(struct buf *buf, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

    if (c == '"' || c == '\\')
        buf_add(buf, (const char[]){'\\', (char)c}, 2);
    else if (c < sizeof(letters) && letters[c] != 0)
        buf_add(buf, (const char[]){'\\', letters[c]}, 2);
    else
        buf_add(buf, (const char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

void buf_add_json(struct buf *buf, const char *text)
{
    buf_add_char(buf, '"');
    for (;;) {
        const char *plain = text;
        while ((unsigned char)*text >= 0x20 && *text != '"' && *text != '\\' && *text != 0x7f)
            text++;
        buf_add(buf, plain, (size_t)(text - plain));
        if (*text == '\0')
            break;
        add_escape(buf, (unsigned char)*text++);
    }
    buf_add_char(buf, '"');
}

void buf_add_html(struct buf *buf, const char *text)
{
    static const char *const entities[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;",
    };

    for (;;) {
        size_t plain = strcspn(text, "&<>\"'");
        buf_add(buf, text, plain);
        text += plain;
        if (*text == '\0')
            return;
        buf_add_text(buf, entities[(unsigned char)*text++]);
    }
}

void buf_clear(struct buf *buf)
{
    buf_cut(buf, 0);
}

void buf_cut(struct buf *buf, size_t size)
{
    assert(size <= buf->size);
    buf->size = size;
    if (buf->capacity > 0)
        buf->data[size] = '\0';
    buf->overflowed = false;
}
