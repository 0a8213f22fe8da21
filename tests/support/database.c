/*
 * database - a schema of its own for each test.
 */
#include "database.h"

#include <check.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/queries.h"
#include "joint.h"
#include "pg.h"

#define AWAIT_MS 30000 /* longer than it takes Kafka to give up a silent member, and to look for topics again */
#define LISTS 3

static PGconn *looker; /* this process's own connection */
static char schema[64];
static char conninfo[2048];
static char text[4096];

static const struct query *const *lists[LISTS];

/* The address as key='value' pairs, whatever form it had, with the schema as search_path. */
static void write_conninfo(const char *given)
{
    size_t size = 0;

    PQconninfoOption *options = PQconninfoParse(given, NULL);
    ck_assert_msg(options != NULL, "WAYBILL_TEST_DATABASE cannot be parsed");
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (option->val == NULL || strcmp(option->keyword, "options") == 0)
            continue;
        size += (size_t)snprintf(conninfo + size, sizeof(conninfo) - size, "%s='", option->keyword);
        for (const char *c = option->val; *c != '\0'; c++)
            size += (size_t)snprintf(conninfo + size, sizeof(conninfo) - size, "%s%c",
                                     *c == '\'' || *c == '\\' ? "\\" : "", *c);
        size += (size_t)snprintf(conninfo + size, sizeof(conninfo) - size, "' ");
    }
    PQconninfoFree(options);
    (void)snprintf(conninfo + size, sizeof(conninfo) - size, "options='-c search_path=%s'", schema);
}

void database_open(void)
{
    char sql[256];
    const char *given = getenv("WAYBILL_TEST_DATABASE");

    ck_assert_msg(given != NULL, "WAYBILL_TEST_DATABASE is not set");
    (void)snprintf(schema, sizeof(schema), "test_%d", (int)getpid());
    write_conninfo(given);
    looker = PQconnectdb(conninfo);
    ck_assert_msg(PQstatus(looker) == CONNECTION_OK, "%s", PQerrorMessage(looker));
    (void)snprintf(sql, sizeof(sql),
                   "SET client_min_messages = warning; DROP SCHEMA IF EXISTS %s CASCADE; CREATE SCHEMA %s", schema,
                   schema);
    database_run(sql);
}

void database_open_common(void)
{
    size_t count = 0;

    database_open();
    while (common_migrations[count].name != NULL)
        count++;
    ck_assert(migrate(conninfo, common_migrations, count, NULL, 0));
}

void database_close(void)
{
    char sql[128];

    (void)snprintf(sql, sizeof(sql), "DROP SCHEMA %s CASCADE", schema);
    database_run(sql);
    PQfinish(looker);
    looker = NULL;
}

const char *database_conninfo(void)
{
    return conninfo;
}

void database_run(const char *sql)
{
    PGresult *result = PQexec(looker, sql);
    ExecStatusType status = PQresultStatus(result);

    ck_assert_msg(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", sql, PQerrorMessage(looker));
    PQclear(result);
}

const char *database_text(const char *sql)
{
    PGresult *result = PQexec(looker, sql);

    ck_assert_msg(PQresultStatus(result) == PGRES_TUPLES_OK, "%s: %s", sql, PQerrorMessage(looker));
    (void)snprintf(text, sizeof(text), "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return text;
}

int64_t database_int(const char *sql)
{
    return strtoll(database_text(sql), NULL, 10);
}

void database_await(const char *sql, int64_t expected)
{
    int64_t found = 0;

    for (int ms = 0; ms < AWAIT_MS; ms += 10) {
        found = database_int(sql);
        if (found == expected)
            return;
        usleep(10000);
    }
    ck_abort_msg("%s gave %lld, not %lld", sql, (long long)found, (long long)expected);
}

struct service *database_service(const struct query *const *own, int size)
{
    struct service *service = calloc(1, sizeof(*service));

    ck_assert(service != NULL);
    lists[0] = common_queries;
    lists[1] = own;
    service->name = "test";
    service->shop = "main";
    service->pool = pool_new(&(struct pool_options){
        .conninfo = conninfo, .application = schema, .queries = lists, .size = size, .wait_ms = 200});
    service->joint = joint_new(service);
    return service;
}

void database_service_free(struct service *service)
{
    int open, borrowed;

    pool_count(service->pool, &open, &borrowed);
    ck_assert_msg(borrowed == 0, "%d connections were not given back", borrowed);
    joint_free(service->joint);
    pool_free(service->pool);
    free(service);
}
