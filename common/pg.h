/*
 * pg - connections to PostgreSQL, and a pool of them. libpq is known here and where pg_inside.h is included.
 *
 * Every connection has all of the process's queries prepared before anybody sees it, so a statement that does not fit
 * the schema stops the start. A pool opens connections when they are needed, up to its size; a borrower waits at most
 * `wait_ms` and then gets ERR_BUSY, which a client sees as 503 with Retry-After. A connection that broke is closed and
 * replaced by the next borrower.
 *
 * Threads: a pool is shared by all threads; a connection belongs to whoever borrowed it.
 */
#ifndef WAYBILL_PG_H
#define WAYBILL_PG_H

#include <stdbool.h>
#include <stddef.h>

#include "ctx.h"
#include "query.h"

struct pool;
struct connection;

struct pool_options {
    const char *conninfo;                      /* a libpq URI or key=value text; never logged */
    const char *application;                   /* shown in pg_stat_activity */
    const struct query *const *const *queries; /* NULL-ended list of NULL-ended lists */
    const struct query *admission; /* a question that must give true, or a new connection is not used; NULL: none */
    int size;                      /* connections at most */
    int wait_ms;                   /* a borrower's patience */
};

/* A pool without connections yet. Never NULL. */
struct pool *pool_new(const struct pool_options *options);

/* Closes all connections; none may be borrowed. Accepts NULL. */
void pool_free(struct pool *pool);

/* Borrows a connection. ERR_BUSY: none became free in time, or the database can't be reached. */
enum err pool_borrow(struct ctx *ctx, struct pool *pool, struct connection **ret) MUST_USE;

/* Gives it back. In a transaction, or broken, it is rolled back or closed. Accepts NULL. */
void pool_return(struct pool *pool, struct connection *connection);

/* How many connections are open and how many are borrowed. */
void pool_count(struct pool *pool, int *ret_open, int *ret_borrowed);

/* Shows that as metrics from now on: for the process's own pool, while it lives. */
void pool_show(struct pool *pool);

/* Whether a server answers there and takes connections; says nothing about passwords and schemas, and logs nothing. */
bool database_answers(const char *conninfo);

/* A connection outside any pool, for LISTEN and leases; same preparation. NULL when the database can't be reached. */
struct connection *connection_open(const struct pool_options *options);
void connection_close(struct connection *connection);

/* The socket, to poll for notifications; -1 if broken. */
int connection_socket(const struct connection *connection);

/* Runs one statement without parameters outside of any unit of work: LISTEN, NOTIFY, SET. */
enum err connection_run(struct ctx *ctx, struct connection *connection, const char *sql) MUST_USE;

/* Takes in what arrived and drops pending notifications; true if there was any. */
bool connection_take_notifications(struct connection *connection);

/* What breaking a named constraint means for a client. A service lists those that its handlers don't check beforehand;
 * the others are ERR_CONFLICT with the constraint's name. */
struct constraint {
    const char *name; /* NULL ends the list */
    enum err kind;
    const char *message;
};

/*
 * Brings a schema up to date: applies, one transaction each and under an advisory lock, the migrations that it has not
 * seen. A changed checksum, a hole, or a number that this program doesn't know stops with false and a log line.
 */
bool migrate(const char *conninfo, const struct migration *common, size_t common_count, const struct migration *own,
             size_t own_count) MUST_USE;

#endif
