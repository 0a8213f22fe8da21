/* waybill-restore: compares restored databases with the topics, says what they have forgotten, and lets services go on.
 */
#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "books.h"
#include "log.h"
#include "restore.h"
#include "restore/queries.h"
#include "text.h"

#define ARENA_LIMIT (SIZE_MAX / 2) /* what was told in the lost time; only the machine limits it */

static const char help[] = "usage: waybill-restore [--look]\n"
                           "\n"
                           "For when a service waits for waybill-restore: its database went back to an earlier moment, "
                           "or is on another server.\n"
                           "Compares what it knows with what its topics have, says what is forgotten, and lets it go "
                           "on if all services agree.\n"
                           "Reads WAYBILL_<SERVICE>_DATABASE for each service, and how to reach the broker:\n"
                           "\n";

static const char help_end[] = "\n"
                               "  --look   only says what is forgotten\n"
                               "\n"
                               "Ends with 0 when services may go on, 1 when not, 2 when it was called wrongly.\n";

static const struct query *const *const lists[] = {restore_queries, NULL};

static bool is_open(const struct search *search, const char *service)
{
    for (size_t i = 0; i < search->book_count; i++) {
        if (text_equal(search->books[i].service.name, service))
            return true;
    }
    return false;
}

/* A book for each service that tells something. False with a sentence on stderr. */
static bool open_books(struct search *search)
{
    for (const struct topic *topic = event_topics; topic->name != NULL; topic++) {
        if (is_open(search, topic->emitted_by))
            continue;
        assert(search->book_count < BOOKS_MAX);
        struct book *book = &search->books[search->book_count];
        book->service.name = topic->emitted_by;
        book->service.pool = books_open(search->arena, "waybill-restore", topic->emitted_by, lists);
        if (book->service.pool == NULL)
            return false;
        search->book_count++;
    }
    return true;
}

/* A broker that is new has none yet: then nothing can be compared, and nobody has heard anything. */
static bool make_topics(const struct kafka_options *options)
{
    struct kafka *kafka = kafka_new(options);
    bool good = kafka != NULL;

    for (const struct topic *topic = event_topics; good && topic->name != NULL; topic++)
        good = kafka_ensure_topics(kafka, &topic, 1);
    kafka_free(kafka);
    if (!good)
        fprintf(stderr, "waybill-restore: the broker does not answer\n");
    return good;
}

static int restore(struct search *search, bool only_look)
{
    if (!make_topics(&search->kafka) || !search_books(search) || !search_topics(search))
        return 1;
    report(search);
    const bool agreed = search->forgotten == 0 || agree(search);
    if (!agreed)
        printf("Not all services were restored to the same moment: restore the others too, and come back.\n");
    if (!agreed || only_look)
        return agreed ? 0 : 1;
    if (!go_on(search))
        return 1;
    printf("Services may go on.%s\n",
           search->forgotten > 0
               ? " Who listens from outside has heard what is forgotten: versions named above will be "
                 "told anew, with other contents."
               : "");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"look", no_argument, NULL, 'l'}, {"help", no_argument, NULL, 'h'}, {0}};
    struct search search = {.arena = arena_new(ARENA_LIMIT)};
    bool only_look = false;
    int option;
    int status = 2;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        FILE *out = option == 'h' ? stdout : stderr;
        if (option == 'l') {
            only_look = true;
            continue;
        }
        fputs(help, out);
        config_help(out, kafka_settings, NULL);
        fputs(help_end, out);
        arena_free(search.arena);
        return option == 'h' ? 0 : 2;
    }

    log_open("restore", LOG_WARNING);
    const struct config *config = config_read(search.arena, kafka_settings, NULL);
    if (config != NULL) {
        search.kafka = kafka_options_read(config, "restore", "");
        if (open_books(&search))
            status = restore(&search, only_look);
    }
    for (size_t i = 0; i < search.book_count; i++)
        pool_free(search.books[i].service.pool);
    free(search.told);
    arena_free(search.arena);
    return status;
}
