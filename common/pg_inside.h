/*
 * pg_inside - libpq behind a few verbs, for pg.c, pool.c, query.c, uow.c and migrate.c only.
 *
 * A connection is always in pipeline mode and non-blocking: sending only fills a buffer, and whoever waits for an
 * answer sends and receives at once, so that a pipeline of any size can't make both sides wait for each other.
 */
#ifndef WAYBILL_PG_INSIDE_H
#define WAYBILL_PG_INSIDE_H

#include <libpq-fe.h>

#include "pg.h"
#include "uow.h"

#define CONNECTION_PATIENCE_MS 30000 /* without a byte from the server; its own statement_timeout is shorter */

struct connection {
    PGconn *pg;
    bool broken;             /* not to be used again */
    bool begun;              /* a transaction was begun and has not ended */
    struct connection *next; /* in the pool's list of idle ones */
};

/* Statements that every connection has prepared beside the process's own. */
extern const struct query pg_begin, pg_commit, pg_rollback, pg_savepoint, pg_release, pg_rollback_to, pg_plan_anew;

/* What the server says when a `:one_row` statement did not change exactly one row (see pg.c). */
#define SQLSTATE_NOT_ONE_ROW "2203A"

/* Connects with the defaults that conninfo doesn't override; `options` come last and win. NULL, with a log line, if it
 * can't. */
PGconn *pg_connect(const char *conninfo, const char *application, const char *options);

/* Opens a connection with everything prepared. ERR_BUSY: not reachable now. ERR_INTERNAL: a statement doesn't fit the
 * schema. */
enum err connection_new(const struct pool_options *options, struct connection **ret) MUST_USE;

/* Whether an idle connection still lives: nothing unexpected came in. */
bool connection_is_healthy(const struct connection *connection);

/* Queue a prepared statement; end a series that fails as one; ask the server to send what it has. Failure sets
 * `broken`. */
void connection_send(struct connection *connection, const struct query *query, const char *const *values);
void connection_sync(struct connection *connection);
void connection_flush(struct connection *connection);

/* The next answer; PQclear() it. NULL when the connection broke. */
PGresult *connection_result(struct connection *connection);

/* Maps an error result to a kind and says why, without any value in it. Breaks the connection where it must. */
enum err connection_fail(struct ctx *ctx, struct connection *connection, const PGresult *result,
                         const struct query *query);

/* The statement's arguments as texts, in ctx->arena. */
const char *const *query_bind(struct arena *arena, const struct query *query, const void *arguments);

/* One statement in the pipeline whose answer was not read yet. */
enum expect {
    EXPECT_DONE,
    EXPECT_ROW,
    EXPECT_ROWS,
    EXPECT_COUNT,
    EXPECT_CHANGE, /* of one row, else `otherwise` */
    EXPECT_END,    /* of a block, by COMMIT */
    EXPECT_SYNC,
    EXPECT_COMMIT, /* the Sync that commits */
};

struct expectation {
    enum expect what;
    const struct query *query;
    enum err otherwise; /* the kind when not exactly one row changed */
    const struct record *record;
    void *ret; /* struct of the record, struct list or int64_t */
    bool *found;
    struct expectation *next;
};

/* Takes in a good answer: fills what the expectation points to. */
enum err expectation_meet(struct uow *uow, const struct expectation *expectation, const PGresult *result);

/* Queues a statement. Does nothing once the unit of work has failed. */
void uow_send(struct uow *uow, const struct expectation *expectation, const void *arguments);

/* Sends what is queued and reads every answer. The first error also stays in uow->failed. */
enum err uow_wait(struct uow *uow);

#endif
