/*
 * pg - one connection to PostgreSQL: opening it with everything prepared, and sending and receiving in a pipeline.
 */
#include "pg.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "pg_inside.h"
#include "text.h"

#define CONNECT_WORDS_MAX 64
#define OPTIONS_MAX 1024
#define TELL_EVERY_MS 5000

#define OWN_QUERY(object, text) const struct query object = {.name = "pg " text, .sql = text, .kind = QUERY_EXEC}
static struct metric round_trips = {.name = "waybill_sql_round_trips_total",
                                    .help = "Times that the database was asked and its answer waited for",
                                    .type = METRIC_COUNTER};

OWN_QUERY(pg_begin, "BEGIN");
OWN_QUERY(pg_commit, "COMMIT");
OWN_QUERY(pg_rollback, "ROLLBACK");
OWN_QUERY(pg_savepoint, "SAVEPOINT message");
OWN_QUERY(pg_release, "RELEASE SAVEPOINT message");
OWN_QUERY(pg_rollback_to, "ROLLBACK TO SAVEPOINT message");
OWN_QUERY(pg_plan_anew, "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"); /* in this transaction */

static const struct query *const own_queries[] = {
    &pg_begin, &pg_commit, &pg_rollback, &pg_savepoint, &pg_release, &pg_rollback_to, &pg_plan_anew, NULL,
};

static const struct {
    const char *word;
    const char *value;
} connect_defaults[] = {
    {"connect_timeout", "3"},
    {"tcp_user_timeout", "5000"},
    {"keepalives_idle", "30"},
    {"client_encoding", "UTF8"},
};

/* A plan is made once for each statement: by default the server would make it anew for the first five calls on each
 * connection, and for some statements at every call. */
static const char session_options[] = "-c statement_timeout=5s -c lock_timeout=2s "
                                      "-c idle_in_transaction_session_timeout=5s -c timezone=UTC -c datestyle=ISO "
                                      "-c plan_cache_mode=force_generic_plan";

/* Notices are for people at psql. */
static void drop_notice(void *of, const char *message)
{
    (void)of;
    (void)message;
}

/* Adds a word unless it is there already; returns whether it was added. */
static bool add_word(const char **words, const char **values, size_t *count, const char *word, const char *value)
{
    for (size_t i = 0; i < *count; i++) {
        if (text_equal(words[i], word))
            return false;
    }
    assert(*count < CONNECT_WORDS_MAX);
    words[*count] = word;
    values[(*count)++] = value;
    return true;
}

PGconn *pg_connect(const char *conninfo, const char *application, const char *options)
{
    const char *words[CONNECT_WORDS_MAX + 1] = {0};
    const char *values[CONNECT_WORDS_MAX + 1] = {0};
    const char *given_options = "";
    char all_options[OPTIONS_MAX];
    size_t count = 0;

    /* The parser's complaint could quote a piece of a password: it is not logged. */
    PQconninfoOption *given = PQconninfoParse(conninfo, NULL);
    if (given == NULL) {
        log_error(NULL, "the address of the database cannot be parsed");
        return NULL;
    }
    for (const PQconninfoOption *option = given; option->keyword != NULL; option++) {
        if (option->val == NULL)
            continue;
        if (text_equal(option->keyword, "options"))
            given_options = option->val;
        else
            add_word(words, values, &count, option->keyword, option->val);
    }
    for (size_t i = 0; i < COUNT(connect_defaults); i++)
        add_word(words, values, &count, connect_defaults[i].word, connect_defaults[i].value);
    add_word(words, values, &count, "application_name", application);

    /* Of a setting that stands there twice the later one counts. */
    int size = snprintf(all_options, sizeof(all_options), "%s %s %s", session_options, given_options, options);
    if (size < 0 || (size_t)size >= sizeof(all_options)) {
        log_error(NULL, "the options in the address of the database are too long");
        PQconninfoFree(given);
        return NULL;
    }
    add_word(words, values, &count, "options", all_options);

    PGconn *pg = PQconnectdbParams(words, values, 0);
    PQconninfoFree(given);
    if (PQstatus(pg) != CONNECTION_OK) {
        log_warning(NULL, "could not connect to the database", LOG_TEXT("why", PQerrorMessage(pg)));
        PQfinish(pg);
        return NULL;
    }
    PQsetNoticeProcessor(pg, drop_notice, NULL);
    return pg;
}

/*
 * A `:one_row` statement is refused by the server itself when it did not change exactly one row. So everything that
 * was pipelined behind it, COMMIT included, is skipped, and nobody has to wait for its answer before going on. The
 * expression gives the server's log the words `JSON object does not contain key "exactly one changed row"`, and us an
 * SQLSTATE that nothing else here uses.
 */
static bool send_prepare(PGconn *pg, const struct query *query)
{
    static const char before[] = "WITH changed AS (";
    static const char after[] = "\nRETURNING 1) SELECT CASE count(*) WHEN 1 THEN NULL ELSE jsonb_path_query_first("
                                "jsonb_build_object('changed', count(*)), 'strict $.\"exactly one changed row\"') END"
                                " FROM changed";

    if (query->kind != QUERY_ONE_ROW)
        return PQsendPrepare(pg, query->name, query->sql, 0, NULL) == 1;

    size_t size = sizeof(before) + strlen(query->sql) + sizeof(after);
    char *sql = malloc(size);
    if (sql == NULL)
        abort();
    (void)snprintf(sql, size, "%s%s%s", before, query->sql, after);
    bool sent = PQsendPrepare(pg, query->name, sql, 0, NULL) == 1;
    free(sql);
    return sent;
}

/* Reads the answer to one PREPARE. */
static enum err check_prepared(struct connection *connection, const struct query *query)
{
    PGresult *result = connection_result(connection);
    if (result == NULL)
        return ERR_BUSY;

    enum err err = ERR_NONE;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
        bool outage = state == NULL || strncmp(state, "57", 2) == 0 || strncmp(state, "55", 2) == 0 ||
                      strncmp(state, "53", 2) == 0;
        err = outage ? ERR_BUSY : ERR_INTERNAL;
        /* The text of a statement is ours and has no values in it, so the server's words may be shown. */
        log_error(NULL, "a statement does not fit the schema", LOG_TEXT("query", query->name), LOG_TEXT("state", state),
                  LOG_TEXT("why", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
    } else if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        err = ERR_INTERNAL;
    }
    PQclear(result);
    return err;
}

/* The n-th list of statements that a connection prepares: its own come first; NULL after the last. */
static const struct query *const *nth_list(const struct pool_options *options, size_t n)
{
    if (n == 0)
        return own_queries;
    return options->queries == NULL ? NULL : options->queries[n - 1];
}

/* Not with each connection that is tried. */
static void tell_not_admitted(void)
{
    static atomic_int_least64_t told_at;
    const int64_t now = clock_monotonic();
    int64_t before = atomic_load(&told_at);

    if ((before == 0 || now - before > TELL_EVERY_MS * CLOCK_MS) &&
        atomic_compare_exchange_strong(&told_at, &before, now))
        log_error(NULL, "the database is not the one that this service left: waybill-restore has to compare it first");
}

/* Reads the answer to the question of admission. */
static enum err check_admission(struct connection *connection)
{
    PGresult *result = connection_result(connection);
    bool answered = result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    bool admitted = answered && text_equal(PQgetvalue(result, 0, 0), "t");

    PQclear(result);
    if (answered && !admitted)
        tell_not_admitted();
    return admitted ? ERR_NONE : ERR_BUSY;
}

/* Prepares all statements in one round trip, and asks whether this is the right place. */
static enum err prepare_all(struct connection *connection, const struct pool_options *options)
{
    const struct query *const *list;

    for (size_t n = 0; (list = nth_list(options, n)) != NULL; n++) {
        for (size_t i = 0; list[i] != NULL; i++) {
            if (!send_prepare(connection->pg, list[i]))
                return ERR_BUSY;
        }
    }
    if (options->admission != NULL &&
        PQsendQueryParams(connection->pg, options->admission->sql, 0, NULL, NULL, NULL, NULL, 0) != 1)
        return ERR_BUSY;
    connection_sync(connection);

    for (size_t n = 0; (list = nth_list(options, n)) != NULL; n++) {
        for (size_t i = 0; list[i] != NULL; i++)
            TRY(check_prepared(connection, list[i]));
    }
    if (options->admission != NULL)
        TRY(check_admission(connection));
    PGresult *result = connection_result(connection);
    bool synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
    return synced ? ERR_NONE : ERR_BUSY;
}

enum err connection_new(const struct pool_options *options, struct connection **ret)
{
    PGconn *pg = pg_connect(options->conninfo, options->application, "");
    if (pg == NULL)
        return ERR_BUSY;

    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        abort();
    connection->pg = pg;

    enum err err = ERR_BUSY;
    if (PQsetnonblocking(pg, 1) == 0 && PQenterPipelineMode(pg) == 1)
        err = prepare_all(connection, options);
    if (err != ERR_NONE) {
        connection_close(connection);
        return err;
    }
    *ret = connection;
    return ERR_NONE;
}

struct connection *connection_open(const struct pool_options *options)
{
    struct connection *connection = NULL;

    return connection_new(options, &connection) == ERR_NONE ? connection : NULL;
}

void connection_close(struct connection *connection)
{
    if (connection == NULL)
        return;
    PQfinish(connection->pg);
    free(connection);
}

int connection_socket(const struct connection *connection)
{
    return connection->broken || PQstatus(connection->pg) != CONNECTION_OK ? -1 : PQsocket(connection->pg);
}

bool connection_is_healthy(const struct connection *connection)
{
    int socket = connection_socket(connection);
    if (socket < 0)
        return false;

    /* An idle connection has nothing to say but that it ends. */
    struct pollfd waiting = {.fd = socket, .events = POLLIN};
    return poll(&waiting, 1, 0) == 0;
}

void connection_send(struct connection *connection, const struct query *query, const char *const *values)
{
    if (connection->broken)
        return;
    if (PQsendQueryPrepared(connection->pg, query->name, (int)query->param_count, values, NULL, NULL, 0) != 1)
        connection->broken = true;
}

void connection_sync(struct connection *connection)
{
    metric_add(&round_trips, NULL, NULL, 1);
    if (!connection->broken && PQpipelineSync(connection->pg) != 1)
        connection->broken = true;
}

void connection_flush(struct connection *connection)
{
    metric_add(&round_trips, NULL, NULL, 1);
    if (!connection->broken && PQsendFlushRequest(connection->pg) != 1)
        connection->broken = true;
}

/* Sends and receives until PQgetResult() would not block. False when the connection broke. */
static bool wait_for_answer(struct connection *connection)
{
    for (;;) {
        int unsent = PQflush(connection->pg);
        if (unsent < 0)
            return false;
        if (!PQisBusy(connection->pg))
            return true;

        struct pollfd waiting = {.fd = PQsocket(connection->pg), .events = POLLIN};
        if (unsent > 0)
            waiting.events |= POLLOUT;
        int ready = poll(&waiting, 1, CONNECTION_PATIENCE_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        if ((waiting.revents & ~POLLOUT) != 0 && PQconsumeInput(connection->pg) != 1)
            return false;
    }
}

PGresult *connection_result(struct connection *connection)
{
    PGresult *result = NULL;

    if (connection->broken)
        return NULL;
    if (wait_for_answer(connection))
        result = PQgetResult(connection->pg);
    if (result == NULL || PQstatus(connection->pg) != CONNECTION_OK) {
        connection->broken = true;
        return result;
    }
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
        return result;

    /* Each statement's answer ends with a NULL. */
    for (;;) {
        if (!wait_for_answer(connection)) {
            connection->broken = true;
            return result;
        }
        PGresult *more = PQgetResult(connection->pg);
        if (more == NULL)
            return result;
        PQclear(more);
    }
}

enum err connection_run(struct ctx *ctx, struct connection *connection, const char *sql)
{
    static const struct query nameless = {.name = "a session command"};
    enum err err = ERR_NONE;

    if (!connection->broken && PQsendQueryParams(connection->pg, sql, 0, NULL, NULL, NULL, NULL, 0) != 1)
        connection->broken = true;
    connection_sync(connection);

    for (;;) {
        PGresult *result = connection_result(connection);
        ExecStatusType status = PQresultStatus(result);
        if (result == NULL || status == PGRES_FATAL_ERROR)
            err = connection_fail(ctx, connection, result, &nameless);
        PQclear(result);
        if (status == PGRES_PIPELINE_SYNC || connection->broken)
            return err;
    }
}

bool connection_take_notifications(struct connection *connection)
{
    bool any = false;

    if (connection->broken || PQconsumeInput(connection->pg) != 1) {
        connection->broken = true;
        return false;
    }
    PGnotify *notification;
    while ((notification = PQnotifies(connection->pg)) != NULL) {
        PQfreemem(notification);
        any = true;
    }
    return any;
}

bool database_answers(const char *conninfo)
{
    return PQping(conninfo) == PQPING_OK;
}
