/*
 * uow - one unit of work: one transaction, and the events it will announce.
 *
 * A unit of work borrows a connection and opens a transaction. Everything a command changes and every event it emits
 * goes through it, so either all of it happened or none of it. Events are rows in the outbox; the relay publishes them
 * after commit, at least once and in order per key.
 *
 * Statements are pipelined: SQL() only queues, and its error appears at the next SQL_ONE(), SQL_MANY(), uow_sync() or
 * uow_commit(). So a command costs as many round trips as it has questions, plus one to commit.
 *
 * Who serves one of several guests at once (joint.h) gets a unit of work that is a part of theirs: its statements go
 * into the shared transaction, its commit only says that it is done. If it ends without one, and had sent anything, the
 * shared transaction fails.
 *
 * Lifetime: ends with the scope that opened it. Without uow_commit() it rolls back. Never store the pointer.
 * Threads: a unit of work belongs to one thread. A second one in the same thread while the first is open asserts.
 */
#ifndef WAYBILL_UOW_H
#define WAYBILL_UOW_H

#include "ctx.h"
#include "event.h"
#include "pg.h"
#include "query.h"
#include "record.h"

struct uow {
    struct ctx *ctx;
    struct pool *pool;
    struct connection *connection;
    struct outbox_batch *outbox; /* events emitted so far */
    struct task_adds *tasks;     /* and tasks added; those of a part are with the shared one */
    struct brought *brought;     /* rows that came along with a batch's locks (rows.h) */
    struct expectation *pending; /* statements sent, answers not read yet; oldest first */
    struct expectation *pending_last;
    struct uow *joins;   /* the transaction of several guests that this is a part of (joint.h), or NULL */
    size_t joined_tasks; /* ... and how many tasks had been added there before */
    enum err failed;     /* the first error; from then on everything returns it */
    bool transaction;
    bool begun; /* its first statement was sent */
    bool committed;
    bool in_doubt;   /* nobody could learn whether it was committed */
    bool emitted;    /* events were written: the relay is to be woken */
    bool claims_key; /* the request's Idempotency-Key was claimed in this transaction */
    bool in_block;   /* BEGIN was sent */
    bool savepoint;  /* uow_savepoint() was called, when `savepoint_events` events had been emitted */
    size_t savepoint_events;
    size_t unread;         /* how many are pending */
    const char *waits_for; /* what message_waits_for() named, "order:<id>" (consumer.h) */
    bool releases;         /* inside waiting_release() */
};

/* Opens a unit of work named `uow` in this scope, or returns the error from the enclosing function. */
#define UNIT_OF_WORK(ctx, uow)                                                                                         \
    struct uow uow##_ CLEANUP(uow_close) = {0};                                                                        \
    struct uow *uow = &uow##_;                                                                                         \
    TRY(uow_open((ctx), UOW_WRITE, uow))

/* The same without a transaction, for statements that only read, or one that is a transaction by itself. Emitting or
 * committing asserts. */
#define READING(ctx, uow)                                                                                              \
    struct uow uow##_ CLEANUP(uow_close) = {0};                                                                        \
    struct uow *uow = &uow##_;                                                                                         \
    TRY(uow_open((ctx), UOW_READ, uow))

enum uow_mode { UOW_WRITE, UOW_READ };

/* What the macros call. The transaction begins with the first statement. */
enum err uow_open(struct ctx *ctx, enum uow_mode mode, struct uow *ret) MUST_USE;

/* The same on a connection that the caller opened by connection_open() and keeps: for the relay. */
enum err uow_open_on(struct ctx *ctx, struct connection *connection, enum uow_mode mode, struct uow *ret) MUST_USE;
void uow_close(struct uow *uow);

/* Reads all outstanding answers; returns the first error. */
enum err uow_sync(struct uow *uow) MUST_USE;

/*
 * Writes tasks and outbox, commits, wakes the task runner and the relay. After an error the work is rolled back and
 * `uow` may only go out of scope. If the answer to the commit was lost the outcome is unknown: ERR_BUSY; the caller
 * repeats with the same key.
 */
enum err uow_commit(struct uow *uow) MUST_USE;

/* Queues a statement that gives no rows. */
#define SQL(uow, query, ...) query_send((uow), &Q_##query, &(const struct Q_##query){__VA_ARGS__})

/* The same for a `:one_row` statement whose refusal is another kind than ERR_CONFLICT. */
#define SQL_OR(uow, otherwise, query, ...)                                                                             \
    query_send_or((uow), &Q_##query, &(const struct Q_##query){__VA_ARGS__}, (otherwise))

/* Runs a `:one` or `:maybe` statement and fills `ret` by column names; columns the record lacks assert, members that
 * have no column stay zero. `:one` without a row is ERR_NOT_FOUND; `:maybe` sets *ret_found. */
#define SQL_ONE(uow, query, row_record, ret, ...)                                                                      \
    query_one((uow), &Q_##query, &(const struct Q_##query){__VA_ARGS__}, &(row_record), (ret), NULL)
#define SQL_MAYBE(uow, query, row_record, ret, ret_found, ...)                                                         \
    query_one((uow), &Q_##query, &(const struct Q_##query){__VA_ARGS__}, &(row_record), (ret), (ret_found))

/* Runs a `:many` statement; the list's items are structs of the record. `ret_list` is any struct { T *items; size_t
 * count; }. */
#define SQL_MANY(uow, query, row_record, ret_list, ...)                                                                \
    query_many((uow), &Q_##query, &(const struct Q_##query){__VA_ARGS__}, &(row_record), (struct list *)(ret_list))

/* The same without waiting: the next uow_sync() or question fills the list, which must live until then. So several
 * questions cost one round trip, and each sees what the locks of those before it waited for. */
#define SQL_ASK(uow, query, row_record, ret_list, ...)                                                                 \
    query_ask((uow), &Q_##query, &(const struct Q_##query){__VA_ARGS__}, &(row_record), (struct list *)(ret_list))

/* Queues an `:exec` statement that changes one row unless somebody else was rightly first: then the unit of work fails
 * with `otherwise`. Told apart here and not by the server, whose log would show an error; uow_commit() waits for it. */
#define SQL_CLAIM(uow, otherwise, query, ...)                                                                          \
    query_claim((uow), &Q_##query, &(const struct Q_##query){__VA_ARGS__}, (otherwise))

/* Runs an `:exec` statement now and tells how many rows it changed. */
#define SQL_COUNT(uow, query, ret_count, ...)                                                                          \
    query_count((uow), &Q_##query, &(const struct Q_##query){__VA_ARGS__}, (ret_count))

void query_send(struct uow *uow, const struct query *query, const void *arguments);

/* Queues a `:many` statement with the one parameter `keys::text[]` for the locks it takes; its rows are not read. */
void query_lock(struct uow *uow, const struct query *query, const struct texts *keys);
void query_send_or(struct uow *uow, const struct query *query, const void *arguments, enum err otherwise);
void query_claim(struct uow *uow, const struct query *query, const void *arguments, enum err otherwise);
void query_ask(struct uow *uow, const struct query *query, const void *arguments, const struct record *record,
               struct list *ret);
enum err query_one(struct uow *uow, const struct query *query, const void *arguments, const struct record *record,
                   void *ret, bool *ret_found) MUST_USE;
enum err query_many(struct uow *uow, const struct query *query, const void *arguments, const struct record *record,
                    struct list *ret) MUST_USE;
enum err query_count(struct uow *uow, const struct query *query, const void *arguments, int64_t *ret_count) MUST_USE;

/* Points of return for the consumer loop only: undo what one message did without losing the batch. */
enum err uow_savepoint(struct uow *uow) MUST_USE;
enum err uow_rollback_to_savepoint(struct uow *uow) MUST_USE;

#endif
