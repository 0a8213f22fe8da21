/* Whether all services can go on from here, and how they do. */
#include <stdio.h>

#include "clock.h"
#include "restore.h"
#include "restore/queries.h"

#define TOLD_AGAIN_US (24 * 3600 * CLOCK_SECOND) /* longer than a listener that works lags behind */
#define NUMBERS_AHEAD 1000                       /* given by transactions that told nothing */

struct beyond {
    const char *aggregate;
    int64_t sequence;
};
static RECORD(beyond, FIELD(beyond, aggregate), FIELD(beyond, sequence));

struct beyond_list {
    struct beyond *items;
    size_t count;
};

struct behind {
    int64_t count;
};
static RECORD(behind, FIELD(behind, count));

/* What is forgotten: "topic/key" with the version. */
struct forgotten {
    const char **aggregates;
    int64_t *sequences;
    size_t count;
};

/* Where the topics end in which something is forgotten. */
struct columns {
    const char **topics;
    int64_t *partitions;
    int64_t *offsets;
    size_t count;
};

static struct forgotten list_forgotten(struct search *search)
{
    struct arena *arena = search->arena;
    struct forgotten list = {arena_array(arena, search->forgotten, sizeof(char *)),
                             arena_array(arena, search->forgotten, sizeof(int64_t)), 0};

    for (size_t i = 0; i < search->told_count; i++) {
        const struct told *told = &search->told[i];
        if (!told->is_forgotten)
            continue;
        list.aggregates[list.count] = arena_printf(arena, "%s/%s", told->topic, told->key);
        list.sequences[list.count++] = told->sequence;
    }
    return list;
}

static struct columns list_ends(struct search *search)
{
    struct arena *arena = search->arena;
    const struct kafka_ends *ends = &search->ends;
    struct columns columns = {arena_array(arena, ends->count, sizeof(char *)),
                              arena_array(arena, ends->count, sizeof(int64_t)),
                              arena_array(arena, ends->count, sizeof(int64_t)), ends->count};

    for (size_t i = 0; i < ends->count; i++) {
        columns.topics[i] = ends->items[i].topic;
        columns.partitions[i] = ends->items[i].partition;
        columns.offsets[i] = ends->items[i].offset;
    }
    return columns;
}

static enum err ask(struct ctx *ctx, const struct forgotten *forgotten, const struct columns *ends,
                    struct beyond_list *ret_beyond, struct behind *ret_behind)
{
    READING(ctx, uow);
    TRY(SQL_MANY(uow, handled_beyond, beyond_record, ret_beyond,
                 .aggregates = {forgotten->aggregates, forgotten->count},
                 .sequences = {forgotten->sequences, forgotten->count}));
    return SQL_ONE(uow, positions_before, behind_record, ret_behind, .topics = {ends->topics, ends->count},
                   .partitions = {ends->partitions, ends->count}, .ends = {ends->offsets, ends->count});
}

bool agree(struct search *search)
{
    const struct forgotten forgotten = list_forgotten(search);
    const struct columns ends = list_ends(search);
    bool good = true;

    for (size_t i = 0; i < search->book_count; i++) {
        struct book *book = &search->books[i];
        struct ctx ctx = {.arena = search->arena, .service = &book->service};
        struct beyond_list beyond;
        struct behind behind;

        if (ask(&ctx, &forgotten, &ends, &beyond, &behind) != ERR_NONE) {
            fprintf(stderr, "waybill-restore: %s could not be asked\n", book->service.name);
            return false;
        }
        for (size_t n = 0; n < beyond.count; n++)
            printf("NOT SO: %s has handled version %lld of %s, which was told and is forgotten\n", book->service.name,
                   (long long)beyond.items[n].sequence, beyond.items[n].aggregate);
        if (book->is_known && behind.count > 0)
            printf("NOT SO: %s was not restored, and will hear what is forgotten\n", book->service.name);
        good = good && beyond.count == 0 && !(book->is_known && behind.count > 0);
    }
    return good;
}

static enum err release(struct ctx *ctx, const struct search *search, const struct book *book,
                        const struct columns *ends)
{
    UNIT_OF_WORK(ctx, uow);
    if (search->forgotten > 0) {
        SQL(uow, history_again, .since = book->told_at > TOLD_AGAIN_US ? book->told_at - TOLD_AGAIN_US : 1);
        SQL(uow, positions_end, .topics = {ends->topics, ends->count}, .partitions = {ends->partitions, ends->count},
            .ends = {ends->offsets, ends->count});
        SQL(uow, sequences_ahead, .ahead = (int64_t)search->forgotten + NUMBERS_AHEAD);
    }
    SQL(uow, lineage_accept);
    return uow_commit(uow);
}

bool go_on(struct search *search)
{
    const struct columns ends = list_ends(search);

    for (size_t i = 0; i < search->book_count; i++) {
        struct book *book = &search->books[i];
        struct ctx ctx = {.arena = search->arena, .service = &book->service};

        if (!book->is_known && release(&ctx, search, book, &ends) != ERR_NONE) {
            fprintf(stderr, "waybill-restore: %s cannot go on yet: %s\n", book->service.name,
                    ctx.problem.detail != NULL ? ctx.problem.detail : "the database refused");
            return false;
        }
    }
    return true;
}
