/*
 * migrate - brings a schema up to date, one copy at a time, and refuses when what was applied is not what we know.
 */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pg_inside.h"
#include "text.h"

/* Another copy may migrate for a while; a migration itself may take long, but not wait long for a lock. */
#define MIGRATE_OPTIONS "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"

/* One list of migrations: the common ones, or the service's own. */
struct part {
    const char *name;
    const struct migration *migrations;
    size_t count;
};

static bool complain(PGconn *pg, const struct part *part, const char *migration, const char *why)
{
    log_error(NULL, "the schema could not be brought up to date", LOG_TEXT("part", part->name),
              LOG_TEXT("migration", migration), LOG_TEXT("why", why != NULL ? why : PQerrorMessage(pg)));
    return false;
}

/* Runs statements without results. Migrations have no values of clients in them, so the server's words may be logged.
 */
static bool run(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);

    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static bool run_with(PGconn *pg, const char *sql, int count, const char *const *values)
{
    PGresult *result = PQexecParams(pg, sql, count, NULL, values, NULL, NULL, 0);
    bool done = PQresultStatus(result) == PGRES_COMMAND_OK;

    PQclear(result);
    return done;
}

/* What was applied must be the beginning of what we know. Sets how many were. */
static bool check_applied(PGconn *pg, const struct part *part, size_t *ret_applied)
{
    PGresult *result =
        PQexecParams(pg, "SELECT number, name, sha256 FROM schema_migration WHERE part = $1 ORDER BY number", 1, NULL,
                     (const char *const[]){part->name}, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        PQclear(result);
        return complain(pg, part, "", NULL);
    }

    size_t applied = (size_t)PQntuples(result);
    bool good = true;
    for (size_t i = 0; good && i < applied; i++) {
        const char *name = PQgetvalue(result, (int)i, 1);
        int64_t number = 0;
        (void)text_to_int(PQgetvalue(result, (int)i, 0), (size_t)PQgetlength(result, (int)i, 0), &number);
        if (number != (int64_t)i + 1)
            good = complain(pg, part, name, "an earlier migration is missing in the database");
        else if (i >= part->count)
            good = complain(pg, part, name, "it was applied by a newer program and is not known to this one");
        else if (!text_equal(PQgetvalue(result, (int)i, 2), part->migrations[i].sha256))
            good = complain(pg, part, name, "its file was changed after it had been applied");
    }
    PQclear(result);
    *ret_applied = applied;
    return good;
}

static bool check_numbers(PGconn *pg, const struct part *part)
{
    for (size_t i = 0; i < part->count; i++) {
        if (part->migrations[i].number != (int)i + 1)
            return complain(pg, part, part->migrations[i].name, "migrations are numbered 1, 2, 3 without gaps");
    }
    return true;
}

/* One migration and the record of it, in one transaction. */
static bool apply(PGconn *pg, const struct part *part, const struct migration *migration)
{
    char number[16];
    const char *why = NULL;

    (void)snprintf(number, sizeof(number), "%d", migration->number);
    bool done = run(pg, "BEGIN") && run(pg, "SET LOCAL lock_timeout = '10s'") && run(pg, migration->sql);
    if (done && PQtransactionStatus(pg) != PQTRANS_INTRANS) {
        why = "it ends the transaction by itself";
        done = false;
    }
    done = done &&
           run_with(pg, "INSERT INTO schema_migration (part, number, name, sha256) VALUES ($1, $2::int, $3, $4)", 4,
                    (const char *const[]){part->name, number, migration->name, migration->sha256}) &&
           run(pg, "COMMIT");
    if (!done)
        return complain(pg, part, migration->name, why);
    log_info(NULL, "migrated", LOG_TEXT("part", part->name), LOG_TEXT("migration", migration->name));
    return true;
}

static bool migrate_part(PGconn *pg, const struct part *part)
{
    size_t applied = 0;

    if (!check_numbers(pg, part) || !check_applied(pg, part, &applied))
        return false;
    for (size_t i = applied; i < part->count; i++) {
        if (!apply(pg, part, &part->migrations[i]))
            return false;
    }
    return true;
}

/* Waits for other copies, and makes the table that remembers. The lock ends with the connection. */
static bool prepare(PGconn *pg)
{
    static const struct part nothing = {.name = "schema"};

    if (!run(pg, "SELECT pg_advisory_lock(hashtext('migrate'), hashtext(current_schema()))"))
        return complain(pg, &nothing, "", NULL);
    if (!run(pg, "CREATE TABLE IF NOT EXISTS schema_migration ("
                 "    part       text        NOT NULL,"
                 "    number     int         NOT NULL,"
                 "    name       text        NOT NULL,"
                 "    sha256     text        NOT NULL,"
                 "    applied_at timestamptz NOT NULL DEFAULT now(),"
                 "    CONSTRAINT schema_migration_pkey PRIMARY KEY (part, number))"))
        return complain(pg, &nothing, "", NULL);
    return true;
}

bool migrate(const char *conninfo, const struct migration *common, size_t common_count, const struct migration *own,
             size_t own_count)
{
    PGconn *pg = pg_connect(conninfo, "migrate", MIGRATE_OPTIONS);
    if (pg == NULL)
        return false;

    bool done = prepare(pg) && migrate_part(pg, &(const struct part){"common", common, common_count}) &&
                migrate_part(pg, &(const struct part){"own", own, own_count});
    PQfinish(pg);
    return done;
}
