/*
 * fuzz_json - any bytes into json, by a record with a field of every type.
 *
 * Seeds: seeds/json, and the examples that stand in proto/.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "sample.h"

#define INPUT_MAX ((size_t)64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What was accepted must be written as text that is accepted again, and written the same. */
static void check_round_trip(struct ctx *ctx, const struct sample *sample)
{
    struct sample again;

    const char *text = json_encode(ctx->arena, &sample_record, sample);
    enum err err = json_decode(ctx, &sample_record, text, strlen(text), JSON_CLOSED, &again);
    if (err != ERR_NONE) {
        fprintf(stderr, "%s: %s\n", text, ctx->problem.detail);
        abort();
    }
    if (strcmp(json_encode(ctx->arena, &sample_record, &again), text) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *text = (const char *)bytes;
    struct ctx ctx = {0};
    struct sample sample;
    struct list list;
    struct texts texts;

    if (size > INPUT_MAX)
        return 0;
    ctx.arena = arena_new((size_t)64 * 1024 * 1024);
    enum err closed = json_decode(&ctx, &sample_record, text, size, JSON_CLOSED, &sample);
    if (closed == ERR_NONE)
        check_round_trip(&ctx, &sample);
    else if (ctx.problem.kind != closed || ctx.problem.detail == NULL)
        abort();

    /* What is not JSON in one mode is not JSON in any. */
    enum err open = json_decode(&ctx, &sample_record, text, size, JSON_OPEN, &sample);
    if ((open == ERR_MALFORMED) != (closed == ERR_MALFORMED))
        abort();
    (void)!json_decode_list(&ctx, &sample_line_record, text, size, &list);
    (void)!json_decode_texts(&ctx, text, size, &texts);
    (void)json_find(ctx.arena, text, size, "data.object.id");
    arena_free(ctx.arena);
    return 0;
}
