/*
 * handled - what this consumer has done with the keys and events of a batch. For batch.c and set_aside.c.
 *
 * Read and written under the lock of the partition's position, so nobody else decides about the same key at once.
 */
#ifndef WAYBILL_HANDLED_H
#define WAYBILL_HANDLED_H

#include "uow.h"

struct handled {
    const char *topic;
    const char *key;
    const char *aggregate; /* "topic/key", as the table has it; made when it is first needed */
    int64_t sequence;      /* of the last version that was applied; 0: none */
    int64_t parked_from;   /* of the first message of the key that is parked; -1: none is */
    const char *parked_reason;
    bool parks;  /* in an answer: something is parked, of whatever key */
    bool moved;  /* `sequence` is to be written */
    bool is_new; /* and has no row yet, as far as was asked */
    bool drains; /* what is parked may go through now */
};

struct handled_list {
    struct handled *items;
    size_t count;
};

/* Queues the question what is known of the keys; the next uow_sync() fills *ret_rows. */
void handled_ask(struct uow *uow, struct handled_list *keys, struct handled_list *ret_rows);

/* Takes it from the rows. Only where anything is parked at all does it ask once more. */
enum err handled_learn(struct uow *uow, struct handled_list *keys, const struct handled_list *rows) MUST_USE;

/* Fills in what is known of the keys in the list. */
enum err handled_read(struct uow *uow, struct handled_list *keys) MUST_USE;

/* Queues the writing of those that moved. */
void handled_write(struct uow *uow, struct handled_list *keys);

/* An event of a source without versions. */
struct inbox {
    const char *source;
    const char *event_id;
};

struct inbox_list {
    struct inbox *items;
    size_t count;
};

/* Queues the question which of the events were handled before; the next uow_sync() fills *ret. */
void inbox_ask(struct uow *uow, const struct inbox_list *asked, struct inbox_list *ret);
void inbox_write(struct uow *uow, const struct inbox_list *handled);

#endif
