/*
 * arena - a chain of blocks; allocation moves a mark in the newest one.
 */
#include "arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)16 * 1024)
#define ALIGNMENT _Alignof(max_align_t)
#define ROUNDING_UP (ALIGNMENT - 1)

/* The sanitizer knows only blocks, so we tell it which bytes are handed out, and keep a fence between allocations. */
#ifdef SANITIZED
#include <sanitizer/asan_interface.h>
#define FENCE ALIGNMENT
#define FORBID(memory, size) ASAN_POISON_MEMORY_REGION(memory, size)
#define ALLOW(memory, size) ASAN_UNPOISON_MEMORY_REGION(memory, size)
#else
#define FENCE ((size_t)0)
#define FORBID(memory, size) ((void)0)
#define ALLOW(memory, size) ((void)0)
#endif

struct block {
    struct block *older;
    size_t size;
    size_t used;
    _Alignas(max_align_t) char bytes[];
};

struct arena {
    struct block *newest;
    size_t used;
    size_t limit;
};

static void __attribute__((noreturn)) give_up(const char *why, size_t size)
{
    fprintf(stderr, "arena: %s: %zu bytes\n", why, size);
    abort();
}

struct arena *arena_new(size_t limit)
{
    struct arena *arena = calloc(1, sizeof(*arena));
    if (arena == NULL)
        give_up("out of memory", sizeof(*arena));
    arena->limit = limit;
    return arena;
}

void arena_clear(struct arena *arena)
{
    struct block *block = arena->newest;
    struct block *kept = NULL;

    while (block != NULL) {
        struct block *older = block->older;
        if (kept == NULL && block->size == BLOCK_SIZE)
            kept = block;
        else
            free(block);
        block = older;
    }
    if (kept != NULL) {
        kept->older = NULL;
        kept->used = 0;
        FORBID(kept->bytes, kept->size);
    }
    arena->newest = kept;
    arena->used = 0;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    for (struct block *block = arena->newest; block != NULL;) {
        struct block *older = block->older;
        free(block);
        block = older;
    }
    free(arena);
}

/* A block with room for `size` bytes becomes the newest one. */
static struct block *add_block(struct arena *arena, size_t size)
{
    size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct block *block = malloc(sizeof(*block) + room);
    if (block == NULL)
        give_up("out of memory", room);
    block->size = room;
    block->used = 0;
    FORBID(block->bytes, room);
    block->older = arena->newest;
    arena->newest = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > arena->limit - arena->used)
        give_up("over its limit", arena->limit);

    /* An empty allocation takes room too, so that its pointer is its own. */
    size_t rounded = size == 0 ? ALIGNMENT : (size + FENCE + ROUNDING_UP) & ~ROUNDING_UP;
    if (rounded < size)
        give_up("size overflows", size);

    struct block *block = arena->newest;
    if (block == NULL || rounded > block->size - block->used)
        block = add_block(arena, rounded);

    char *memory = block->bytes + block->used;
    block->used += rounded;
    arena->used += size;
    ALLOW(memory, size);
    return memset(memory, 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t product;
    if (__builtin_mul_overflow(count, size, &product))
        give_up("size overflows", count);
    return arena_alloc(arena, product);
}

char *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
    if (size == SIZE_MAX)
        give_up("size overflows", size);
    char *copy = arena_alloc(arena, size + 1);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_copy(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
    char small[256];
    va_list again;

    va_copy(again, arguments);
    int size = vsnprintf(small, sizeof(small), format, arguments);
    if (size < 0)
        give_up("could not format", sizeof(small));

    char *text = arena_alloc(arena, (size_t)size + 1);
    if ((size_t)size < sizeof(small))
        memcpy(text, small, (size_t)size);
    else
        vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
