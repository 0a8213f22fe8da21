/*
 * fuzz_event - any bytes as one of our own messages: by the record of any schema in proto/.
 *
 * Input: a byte that chooses the record, then JSON. Seeds: the examples that stand in proto/, which run.sh writes down.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "proto/examples.h"

#define INPUT_MAX ((size_t)256 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t count_examples(void)
{
    size_t count = 0;

    while (examples[count].file != NULL)
        count++;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct ctx ctx = {0};

    if (size == 0 || size > INPUT_MAX)
        return 0;
    const struct record *record = examples[bytes[0] % count_examples()].record;
    ctx.arena = arena_new((size_t)128 * 1024 * 1024);
    void *event = arena_alloc(ctx.arena, record->size);
    void *again = arena_alloc(ctx.arena, record->size);

    /* What was accepted must be written as text that is accepted again, also where unknown members are errors. */
    if (json_decode(&ctx, record, (const char *)bytes + 1, size - 1, JSON_OPEN, event) == ERR_NONE) {
        const char *text = json_encode(ctx.arena, record, event);
        if (json_decode(&ctx, record, text, strlen(text), JSON_CLOSED, again) != ERR_NONE) {
            fprintf(stderr, "%s: %s: %s\n", record->name, text, ctx.problem.detail);
            abort();
        }
        if (strcmp(json_encode(ctx.arena, record, again), text) != 0)
            abort();
    }
    arena_free(ctx.arena);
    return 0;
}
