/*
 * pg_error - what an error of the database means here: which kind it is, and words without values.
 */
#include <string.h>

#include "pg_inside.h"
#include "service.h"
#include "text.h"

enum meaning {
    MEANS_CONFLICT, /* a constraint defended itself */
    MEANS_AGAIN,    /* the transaction lost a race */
    MEANS_BUSY,     /* too much load, or a lock was held too long */
    MEANS_LOST,     /* the connection is gone, or of no use any more */
    MEANS_BUG,
};

/* The longest prefix that fits comes first. */
static const struct {
    const char *prefix;
    enum meaning meaning;
} meanings[] = {
    {"23502", MEANS_BUG}, /* not null: a statement of ours forgot a column */
    {"23", MEANS_CONFLICT}, {"40", MEANS_AGAIN},   {"55P03", MEANS_BUSY}, /* lock_timeout */
    {"57014", MEANS_BUSY},                                                /* statement_timeout */
    {"57", MEANS_LOST},                            /* shut down, crashed, starting up, idle for too long */
    {"53", MEANS_BUSY},                            /* out of connections, memory or disk */
    {"08", MEANS_LOST},     {"25P03", MEANS_LOST}, /* idle in a transaction for too long */
    {"25006", MEANS_LOST},                         /* read-only: it is not the primary any more */
    {"0A000", MEANS_LOST}, /* a prepared plan outlived a migration; a new connection prepares anew */
    {"26000", MEANS_LOST},
};

static enum meaning meaning_of(const char *state)
{
    if (state == NULL)
        return MEANS_LOST;
    for (size_t i = 0; i < COUNT(meanings); i++) {
        if (strncmp(state, meanings[i].prefix, strlen(meanings[i].prefix)) == 0)
            return meanings[i].meaning;
    }
    return MEANS_BUG;
}

/* The service's words for a constraint, or the constraint's name. */
static enum err fail_constraint(struct ctx *ctx, const char *name)
{
    const struct constraint *known = ctx->service != NULL ? ctx->service->constraints : NULL;

    for (; known != NULL && known->name != NULL; known++) {
        if (text_equal(known->name, name))
            return err_fail(ctx, known->kind, "%s", known->message);
    }
    return FAIL(ctx, CONFLICT, "what is stored does not allow it: %s", name);
}

enum err connection_fail(struct ctx *ctx, struct connection *connection, const PGresult *result,
                         const struct query *query)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

    switch (connection->broken ? MEANS_LOST : meaning_of(state)) {
    case MEANS_CONFLICT:
        return fail_constraint(ctx, constraint != NULL ? constraint : state);
    case MEANS_AGAIN:
        return FAIL(ctx, AGAIN, "the transaction lost a race");
    case MEANS_BUSY:
        return FAIL(ctx, BUSY, "the database is too busy");
    case MEANS_LOST:
        connection->broken = true;
        return FAIL(ctx, BUSY, "the connection to the database was lost");
    case MEANS_BUG:
        break;
    }
    /* The server's own message may quote values, so it stays out. */
    return FAIL(ctx, INTERNAL, "statement %s failed with SQLSTATE %s", query->name, state);
}
