/*
 * uow - one transaction in as few messages and round trips as possible: statements wait in the pipeline until somebody
 * needs an answer.
 *
 * There is no BEGIN and no COMMIT. What is pipelined up to a Sync is one transaction, and the Flush that asks for
 * answers does not end it. So a Sync commits, and in a unit of work that writes there are only three: that of
 * uow_commit(), the one behind a ROLLBACK, and the one behind an error, to which the server has given the transaction
 * up. Points of return need a real block: BEGIN makes one of what was done so far.
 */
#include "uow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "mishap.h"
#include "outbox.h"
#include "pg_inside.h"
#include "service.h"
#include "text.h"

/* Answers are taken in at the latest when so many are outstanding. */
#define PENDING_MAX 200

/* The unit of work that this thread has open: two would wait for each other's locks for ever. */
static _Thread_local const struct uow *open_here;

/* What was found broken there is told by the shared one; each of its requests is then served alone. */
static enum err join(struct ctx *ctx, enum uow_mode mode, struct uow *ret)
{
    assert(open_here == ctx->joint);
    if (ctx->joint->failed != ERR_NONE)
        return FAIL(ctx, AGAIN, "the transaction that it shared has failed");
    *ret = (struct uow){
        .ctx = ctx,
        .joins = ctx->joint,
        .transaction = mode == UOW_WRITE,
        .joined_tasks = tasks_count(ctx->joint),
        .brought = ctx->joint->brought,
    };
    open_here = ret;
    return ERR_NONE;
}

enum err uow_open(struct ctx *ctx, enum uow_mode mode, struct uow *ret)
{
    if (ctx->joint != NULL)
        return join(ctx, mode, ret);
    assert(open_here == NULL);
    memset(ret, 0, sizeof(*ret));
    ret->ctx = ctx;
    ret->pool = ctx->service->pool;
    ret->transaction = mode == UOW_WRITE;
    TRY(pool_borrow(ctx, ret->pool, &ret->connection));
    open_here = ret;
    return ERR_NONE;
}

enum err uow_open_on(struct ctx *ctx, struct connection *connection, enum uow_mode mode, struct uow *ret)
{
    assert(open_here == NULL && !connection->begun);
    memset(ret, 0, sizeof(*ret));
    ret->ctx = ctx;
    ret->transaction = mode == UOW_WRITE;
    ret->connection = connection;
    open_here = ret;
    return ERR_NONE;
}

static void let_go(struct uow *uow)
{
    /* A pool looks at what it gets back; a connection of the caller's own is marked instead. */
    if (uow->pool != NULL)
        pool_return(uow->pool, uow->connection);
    else if (uow->connection->begun) {
        uow->connection->broken = true;
        uow->connection->begun = false;
    }
    uow->connection = NULL;
    open_here = NULL;
}

static enum err fail(struct uow *uow, enum err err)
{
    if (uow->failed == ERR_NONE)
        uow->failed = err;
    return uow->failed;
}

/* A part of a shared transaction ends. What it sent without being done would be committed with the rest. */
static void leave(struct uow *uow)
{
    if (uow->begun && !uow->committed)
        (void)fail(uow->joins, ERR_AGAIN);
    if (!uow->committed)
        tasks_forget(uow->joins, uow->joined_tasks);
    open_here = uow->joins;
    uow->joins = NULL;
}

/* -- the pipeline -- */

static void expect(struct uow *uow, const struct expectation *expectation)
{
    struct expectation *copy = ARENA_NEW(uow->ctx->arena, struct expectation);

    *copy = *expectation;
    if (uow->pending == NULL)
        uow->pending = copy;
    else
        uow->pending_last->next = copy;
    uow->pending_last = copy;
    uow->unread++;
}

static void push(struct uow *uow, const struct expectation *expectation, const void *arguments)
{
    connection_send(uow->connection, expectation->query, query_bind(uow->ctx->arena, expectation->query, arguments));
    expect(uow, expectation);
}

static void push_own(struct uow *uow, const struct query *query)
{
    push(uow, &(const struct expectation){.what = EXPECT_DONE, .query = query}, NULL);
}

static void push_sync(struct uow *uow)
{
    connection_sync(uow->connection);
    expect(uow, &(const struct expectation){.what = EXPECT_SYNC, .query = &pg_commit});
}

static bool is_sync(const struct expectation *expectation)
{
    return expectation->what == EXPECT_SYNC || expectation->what == EXPECT_COMMIT;
}

static bool is_pending(const struct uow *uow, enum expect what)
{
    const struct expectation *each = uow->pending;

    while (each != NULL && each->what != what)
        each = each->next;
    return each != NULL;
}

/* The server is through with everything before the Sync, and outside of a block with the transaction. */
static void take_sync(struct uow *uow, const struct expectation *expectation)
{
    if (!is_sync(expectation)) {
        uow->connection->broken = true;
        return;
    }
    if (!uow->in_block)
        uow->connection->begun = false;
    uow->committed = uow->failed == ERR_NONE && expectation->what == EXPECT_COMMIT;
}

static enum err fail_in_doubt(struct uow *uow)
{
    uow->in_doubt = true;
    return FAIL(uow->ctx, BUSY, "could not learn whether the change was committed");
}

/* What one answer means. After the first error the rest is only read off. */
static void take_answer(struct uow *uow, const struct expectation *expectation, const PGresult *result)
{
    const char *state;

    switch ((int)PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        take_sync(uow, expectation);
        return;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        if (uow->failed == ERR_NONE)
            uow->failed = expectation_meet(uow, expectation, result);
        return;
    case PGRES_PIPELINE_ABORTED:
        assert(uow->failed != ERR_NONE);
        return;
    default:
        break;
    }

    state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (uow->failed == ERR_NONE) {
        if (expectation->otherwise != ERR_NONE && expectation->query->kind == QUERY_ONE_ROW &&
            text_equal(state, SQLSTATE_NOT_ONE_ROW))
            uow->failed = err_fail(uow->ctx, expectation->otherwise, "it changed meanwhile, or is not there any more");
        else
            uow->failed = connection_fail(uow->ctx, uow->connection, result, expectation->query);
        /* A server that is shut down may have committed before it says so. */
        if (uow->connection->broken && (expectation->what == EXPECT_END || expectation->what == EXPECT_COMMIT))
            uow->failed = fail_in_doubt(uow);
    }
    /* The server skips everything up to the next Sync; without one it would never answer again. */
    if (!is_pending(uow, EXPECT_SYNC) && !is_pending(uow, EXPECT_COMMIT))
        push_sync(uow);
}

static enum err lose_connection(struct uow *uow)
{
    bool committing = is_pending(uow, EXPECT_COMMIT);

    uow->connection->broken = true;
    uow->connection->begun = false;
    uow->pending = uow->pending_last = NULL;
    uow->unread = 0;
    if (uow->failed != ERR_NONE)
        return uow->failed;
    return fail(uow, committing ? fail_in_doubt(uow) : FAIL(uow->ctx, BUSY, "the connection to the database was lost"));
}

/* Reads every outstanding answer. The caller has made sure that the server sends them. */
static enum err read_pending(struct uow *uow)
{
    while (uow->pending != NULL) {
        struct expectation *expectation = uow->pending;
        PGresult *result = connection_result(uow->connection);
        if (result == NULL)
            return lose_connection(uow);
        /* What fails at the commit itself is told before the answer to its Sync. */
        bool is_last = !is_sync(expectation) || PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        take_answer(uow, expectation, result);
        PQclear(result);
        if (uow->connection->broken)
            return lose_connection(uow);
        if (!is_last)
            continue;
        uow->pending = expectation->next;
        uow->unread--;
    }
    uow->pending_last = NULL;
    return uow->failed;
}

/* Outside of a transaction a Sync after each series keeps one statement's failure from the next. */
enum err uow_wait(struct uow *uow)
{
    if (uow->joins != NULL && uow->failed == ERR_NONE && uow_wait(uow->joins) != ERR_NONE)
        return fail(uow, FAIL(uow->ctx, AGAIN, "the transaction that it shared has failed"));
    if (uow->failed != ERR_NONE || uow->pending == NULL)
        return uow->failed;
    if (uow->transaction)
        connection_flush(uow->connection);
    else
        push_sync(uow);
    return read_pending(uow);
}

enum err uow_sync(struct uow *uow)
{
    return uow_wait(uow);
}

/* The claim of the request's Idempotency-Key travels with the first statement. */
static void begin(struct uow *uow)
{
    if (!uow->transaction || uow->begun)
        return;
    uow->begun = uow->connection->begun = true;
    idempotency_claim(uow);
}

void uow_send(struct uow *uow, const struct expectation *expectation, const void *arguments)
{
    if (uow->failed != ERR_NONE)
        return;
    if (uow->joins != NULL) {
        uow->begun = true;
        uow_send(uow->joins, expectation, arguments); /* a failure shows at the next wait, or at the shared commit */
        return;
    }
    assert(uow->connection != NULL);
    begin(uow);
    assert(uow->begun == uow->connection->begun); /* else what follows an error would be a transaction of its own */
    if (expectation->query->plans_each_time)
        push_own(uow, &pg_plan_anew);
    push(uow, expectation, arguments);
    if (uow->unread >= PENDING_MAX)
        (void)uow_wait(uow); /* the error stays in uow->failed */
}

/* -- the end -- */

/* Ends the transaction, whatever state it is in, and reads off what is outstanding. */
static void roll_back(struct uow *uow)
{
    struct connection *connection = uow->connection;

    /* The answers don't matter any more, nor does their memory: an expectation that isn't met is not filled. */
    (void)fail(uow, ERR_AGAIN);

    /* When a statement fails, the ROLLBACK behind it in the pipeline is skipped; the second one is not. Outside of a
     * block BEGIN makes one: the server's log would call a bare ROLLBACK a mistake. */
    for (int times = 0; times < 2 && connection->begun && !connection->broken; times++) {
        if (!uow->in_block)
            push_own(uow, &pg_begin);
        push_own(uow, &pg_rollback);
        push_sync(uow);
        (void)read_pending(uow);
        if (!connection->broken && PQtransactionStatus(connection->pg) == PQTRANS_IDLE)
            connection->begun = false;
    }
    if (uow->pending != NULL && !connection->broken) {
        push_sync(uow);
        (void)read_pending(uow);
    }
}

void uow_close(struct uow *uow)
{
    if (uow->joins != NULL) {
        leave(uow);
        return;
    }
    if (uow->connection == NULL)
        return;
    if (uow->connection->begun || uow->pending != NULL)
        roll_back(uow);
    if (uow->claims_key)
        uow->ctx->request->key_claimed = false;
    let_go(uow);
}

/* After the commit: whoever waits for what was written is told. */
static void tell(struct uow *uow)
{
    struct service *service = uow->ctx->service;

    if (uow->emitted && service->relay != NULL)
        relay_wake(service->relay);
    tasks_wake(uow);
}

/* In a block a COMMIT in front of the Sync ends it. */
static void push_commit(struct uow *uow)
{
    if (uow->in_block)
        push(uow, &(const struct expectation){.what = EXPECT_END, .query = &pg_commit}, NULL);
    connection_sync(uow->connection);
    expect(uow, &(const struct expectation){.what = EXPECT_COMMIT, .query = &pg_commit});
}

/* The shared commit comes when all its guests are done. */
static enum err commit_joined(struct uow *uow)
{
    assert(!idempotency_is_due(uow));
    outbox_write(uow);
    uow->joins->emitted |= uow->emitted;
    uow->committed = true;
    leave(uow);
    return ERR_NONE;
}

enum err uow_commit(struct uow *uow)
{
    assert(uow->transaction && !uow->committed);
    if (uow->failed != ERR_NONE)
        return uow->failed;
    if (uow->joins != NULL)
        return commit_joined(uow);

    if (idempotency_is_due(uow))
        begin(uow);
    /* What only we can judge must be known before the commit. */
    if (is_pending(uow, EXPECT_CHANGE))
        TRY(uow_wait(uow));
    tasks_write(uow);
    outbox_write(uow);
    idempotency_store(uow);
    assert(uow->failed != ERR_NONE || uow->begun == uow->connection->begun);
    if (uow->failed == ERR_NONE && uow->begun) {
        mishap(MISHAP_BEFORE_COMMIT);
        push_commit(uow);
        (void)read_pending(uow);
    } else {
        uow->committed = uow->failed == ERR_NONE; /* there was nothing to do */
    }
    if (!uow->committed)
        return uow->failed;

    /* What is committed stays so, even if the connection was lost right after the server had said it. */
    if (uow->failed != ERR_NONE)
        ctx_clear_problem(uow->ctx);
    uow->failed = ERR_NONE;
    uow->connection->begun = false;
    mishap(MISHAP_AFTER_COMMIT);
    let_go(uow);
    tell(uow);
    return ERR_NONE;
}

/* -- points of return -- */

enum err uow_savepoint(struct uow *uow)
{
    if (uow->failed != ERR_NONE)
        return uow->failed;
    assert(uow->transaction);
    begin(uow);
    tasks_write(uow);
    if (!uow->in_block)
        push_own(uow, &pg_begin);
    uow->in_block = true;

    /* Savepoints would pile up: the last one is given up for the new one. */
    if (uow->savepoint)
        push_own(uow, &pg_release);
    push_own(uow, &pg_savepoint);
    uow->savepoint = true;
    uow->savepoint_events = uow->outbox != NULL ? uow->outbox->count : 0;
    return ERR_NONE;
}

enum err uow_rollback_to_savepoint(struct uow *uow)
{
    assert(uow->savepoint);
    (void)fail(uow, ERR_AGAIN); /* answers of what is undone don't matter */
    push_sync(uow);
    (void)read_pending(uow);
    if (uow->connection->broken) {
        uow->failed = ERR_BUSY;
        return FAIL(uow->ctx, BUSY, "the connection to the database was lost");
    }

    uow->failed = ERR_NONE;
    if (uow->outbox != NULL)
        uow->outbox->count = uow->savepoint_events;
    tasks_forget(uow, 0);
    uow->brought = NULL; /* what was given back may be undone */
    push_own(uow, &pg_rollback_to);
    return uow_wait(uow);
}
