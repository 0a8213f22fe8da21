/* What the restored services told, and which of it they have forgotten. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "restore.h"
#include "restore/queries.h"
#include "text.h"

#define ASKED_AT_ONCE 20000
#define MARGIN_US (5 * 60 * CLOCK_SECOND) /* a transaction takes less from its beginning to its end */

struct lineage {
    bool is_known;
    int64_t told_at;
};
static RECORD(lineage, FIELD(lineage, is_known), FIELD_AS_TIME(lineage, told_at));

struct place {
    int64_t at; /* from 1 */
};
static RECORD(place, FIELD(place, at));

struct place_list {
    struct place *items;
    size_t count;
};

static int64_t since(const struct book *book)
{
    return book->told_at > MARGIN_US ? book->told_at - MARGIN_US : 0;
}

static bool complain(const struct book *book, const struct ctx *ctx)
{
    fprintf(stderr, "waybill-restore: %s could not be asked: %s\n", book->service.name,
            ctx->problem.detail != NULL ? ctx->problem.detail : "the database does not answer");
    return false;
}

static enum err read_lineage(struct ctx *ctx, struct lineage *ret)
{
    READING(ctx, uow);
    return SQL_ONE(uow, lineage_now, lineage_record, ret);
}

bool search_books(struct search *search)
{
    for (size_t i = 0; i < search->book_count; i++) {
        struct book *book = &search->books[i];
        struct ctx ctx = {.arena = search->arena, .service = &book->service};
        struct lineage lineage;

        if (read_lineage(&ctx, &lineage) != ERR_NONE)
            return complain(book, &ctx);
        book->is_known = lineage.is_known;
        book->told_at = lineage.told_at;
    }
    return true;
}

/* --- topics --- */

static void keep(void *of, const struct message *message)
{
    struct search *search = of;
    struct arena *arena = search->arena;

    if (search->told_count == search->told_room) {
        search->told_room = search->told_room * 2 + 1000;
        search->told = realloc(search->told, search->told_room * sizeof(*search->told));
        if (search->told == NULL)
            abort();
    }
    search->told[search->told_count++] = (struct told){
        .topic = arena_strdup(arena, message->topic),
        .key = arena_strdup(arena, message->key),
        .id = arena_strdup(arena, message->id),
        .type = arena_strdup(arena, message->type),
        .number = json_find(arena, message->body, message->size, "number"),
        .sequence = message->sequence,
        .time = message->time,
    };
}

/* The relay may have been late: it is asked from the time on in which the oldest of them happened. */
static enum err ask_forgotten(struct ctx *ctx, struct texts ids, int64_t oldest, struct place_list *ret)
{
    READING(ctx, uow);
    return SQL_MANY(uow, events_forgotten, place_record, ret, .ids = ids, .since = oldest - MARGIN_US);
}

/* Marks those of the list that the book does not know. */
static bool mark_forgotten(struct search *search, struct book *book, struct told *told, size_t count)
{
    struct ctx ctx = {.arena = search->arena, .service = &book->service};
    const char **ids = arena_array(search->arena, count, sizeof(*ids));
    int64_t oldest = told[0].time;
    struct place_list places;

    for (size_t i = 0; i < count; i++) {
        told[i].by = book;
        ids[i] = told[i].id;
        oldest = told[i].time < oldest ? told[i].time : oldest;
    }
    if (ask_forgotten(&ctx, (struct texts){ids, count}, oldest, &places) != ERR_NONE)
        return complain(book, &ctx);
    for (size_t i = 0; i < places.count; i++)
        told[places.items[i].at - 1].is_forgotten = true;
    book->forgotten += places.count;
    search->forgotten += places.count;
    return true;
}

static void add_ends(struct search *search, const struct kafka_ends *ends)
{
    struct kafka_end *all = arena_array(search->arena, search->ends.count + ends->count, sizeof(*all));

    if (search->ends.count > 0)
        memcpy(all, search->ends.items, search->ends.count * sizeof(*all));
    if (ends->count > 0)
        memcpy(all + search->ends.count, ends->items, ends->count * sizeof(*all));
    search->ends = (struct kafka_ends){all, search->ends.count + ends->count};
}

static bool search_topic(struct search *search, const struct topic *topic, struct book *book)
{
    const size_t first = search->told_count;
    const size_t forgotten = search->forgotten;
    struct kafka_ends ends;

    if (!kafka_scan(&search->kafka, topic->name, since(book), keep, search, search->arena, &ends))
        return false;
    for (size_t at = first; at < search->told_count; at += ASKED_AT_ONCE) {
        const size_t left = search->told_count - at;
        if (!mark_forgotten(search, book, search->told + at, left < ASKED_AT_ONCE ? left : ASKED_AT_ONCE))
            return false;
    }
    if (search->forgotten > forgotten)
        add_ends(search, &ends);
    return true;
}

bool search_topics(struct search *search)
{
    for (const struct topic *topic = event_topics; topic->name != NULL; topic++)
        for (size_t i = 0; i < search->book_count; i++) {
            struct book *book = &search->books[i];
            if (text_equal(book->service.name, topic->emitted_by) && !book->is_known &&
                !search_topic(search, topic, book))
                return false;
        }
    return true;
}

/* --- the report --- */

static int by_aggregate(const void *a, const void *b)
{
    const struct told *one = a, *other = b;
    int order = strcmp(one->topic, other->topic);

    if (order == 0)
        order = strcmp(one->key, other->key);
    return order != 0 ? order : (one->sequence > other->sequence) - (one->sequence < other->sequence);
}

/* "waybill.order.placed.v1" is "placed". */
static const char *short_type(struct arena *arena, const char *type)
{
    char *name = arena_strdup(arena, type);
    char *end = strrchr(name, '.');

    if (end == NULL)
        return type;
    *end = '\0';
    end = strrchr(name, '.');
    return end != NULL ? end + 1 : name;
}

static bool is_same_aggregate(const struct told *one, const struct told *other)
{
    return text_equal(one->topic, other->topic) && text_equal(one->key, other->key);
}

/* Snapshots only repeat what became of an aggregate that is in the list anyway. */
static bool is_listed(const struct told *told)
{
    const struct topic *topic = event_topics;

    while (topic->name != NULL && !text_equal(topic->name, told->topic))
        topic++;
    return told->is_forgotten && !topic->compacted;
}

static bool begins_aggregate(const struct told *first, const struct told *told)
{
    return told == first || !told[-1].is_forgotten || !is_same_aggregate(told, told - 1);
}

void report(struct search *search)
{
    size_t lines = 0;

    if (search->told_count > 0)
        qsort(search->told, search->told_count, sizeof(*search->told), by_aggregate);
    for (const struct told *told = search->told; told < search->told + search->told_count; told++) {
        if (!is_listed(told))
            continue;
        if (begins_aggregate(search->told, told))
            printf("%s%s %s%s%s is known to version %lld; forgotten:", lines++ > 0 ? "\n" : "", told->topic, told->key,
                   told->number != NULL ? " " : "", told->number != NULL ? told->number : "",
                   (long long)told->sequence - 1);
        printf(" %lld %s", (long long)told->sequence, short_type(search->arena, told->type));
    }
    if (lines > 0)
        printf("\n");
    for (size_t i = 0; i < search->book_count; i++) {
        const struct book *book = &search->books[i];
        if (book->is_known)
            printf("%s is on the server that it left\n", book->service.name);
        else
            printf("%s is on another server, or an earlier state of it; events that it has forgotten: %zu\n",
                   book->service.name, book->forgotten);
    }
}
