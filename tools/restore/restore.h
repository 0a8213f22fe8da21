/*
 * restore - after a database went back to an earlier moment: what was told since, and is forgotten; and how services go
 * on from there.
 *
 * The topics are the witness: an event of a service's own topic that neither its outbox nor its history has was told by
 * a transaction that is lost. If all services went back to the same moment, nobody has handled what is forgotten, and
 * all may go on: positions are moved behind it, what was known is told once more, and no number is given twice.
 */
#ifndef WAYBILL_RESTORE_H
#define WAYBILL_RESTORE_H

#include "kafka_scan.h"
#include "service.h"
#include "uow.h"

#define BOOKS_MAX 32

/* A service's database. */
struct book {
    struct service service; /* only its name and pool are used */
    bool is_known;          /* it is the one that the service left */
    int64_t told_at;        /* when it last told something; 0: never, as far as it knows */
    size_t forgotten;       /* events */
};

/* An event that was found in a topic. */
struct told {
    struct book *by;
    const char *topic;
    const char *key;
    const char *id;
    const char *type;
    const char *number; /* of an order; NULL if it tells none */
    int64_t sequence;
    int64_t time;
    bool is_forgotten;
};

struct search {
    struct arena *arena;
    struct kafka_options kafka;
    struct book books[BOOKS_MAX];
    size_t book_count;
    struct told *told; /* what the restored services told since shortly before they stop knowing */
    size_t told_count;
    size_t told_room;
    size_t forgotten;
    struct kafka_ends ends; /* of the topics in which something is forgotten */
};

/* Asks the books; false with a sentence on stderr when one can't be asked. */
bool search_books(struct search *search);

/* Reads the topics of the restored ones, and finds what they have forgotten. */
bool search_topics(struct search *search);

/* Prints what is forgotten, by aggregate. */
void report(struct search *search);

/* Whether all books agree that it never happened; prints who does not. */
bool agree(struct search *search);

/* Has the restored ones go on. False with a sentence on stderr; then it may be done again. */
bool go_on(struct search *search);

#endif
