/*
 * query - named SQL: every statement stands in a .sql file and is prepared when a connection opens.
 *
 * tools/sqlgen.py turns
 *
 *     -- name: order_set_state :one_row
 *     -- Moves only if nobody moved it first.
 *     UPDATE orders SET state = :to::text WHERE id = :id::uuid AND version = :version::bigint;
 *
 * into `struct Q_order_set_state { const char *to; const char *id; int64_t version; }` and `Q_order_set_state`, so a
 * parameter that is missing or misspelt does not compile. The first use of each parameter names its type by a cast:
 *
 *     ::text ::uuid ::jsonb ::date    const char * (NULL: null)
 *     ::bigint ::int                  int64_t
 *     ::boolean                       bool
 *     ::timestamptz                   int64_t, microseconds (0: null)
 *     ::text[] ::uuid[]               struct texts
 *     ::bigint[]                      struct ints
 *
 * Kinds: `:exec` any number of rows changed; `:one_row` exactly one row changed, else ERR_CONFLICT; `:maybe` no row or
 * one; `:one` one row, none is ERR_NOT_FOUND; `:many` rows, and the statement has a LIMIT or says `-- unlimited: why`.
 * A `:one_row` statement is refused by the server itself, so nothing that was pipelined behind it takes effect either;
 * it is a plain INSERT, UPDATE or DELETE without WITH and RETURNING.
 *
 * A statement keeps the plan that it got without its arguments: planning anew costs more than most of ours take. Where
 * filters may be left out (`:state::text IS NULL OR state = :state`) that plan would read the whole table; a line
 * `-- plan: each time` below the heading has it planned for its arguments, at every call.
 */
#ifndef WAYBILL_QUERY_H
#define WAYBILL_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

enum query_kind { QUERY_EXEC, QUERY_ONE_ROW, QUERY_MAYBE, QUERY_ONE, QUERY_MANY };

enum param_type { PARAM_TEXT, PARAM_INT, PARAM_BOOL, PARAM_TIME, PARAM_TEXTS, PARAM_INTS };

struct ints {
    const int64_t *items;
    size_t count;
};

struct param {
    const char *name;
    enum param_type type;
    size_t offset; /* in the query's argument struct */
};

#define QUERY_PARAMS_MAX 40

struct query {
    const char *name; /* also the name of the prepared statement */
    const char *sql;  /* with $1, $2, ... */
    enum query_kind kind;
    const struct param *params;
    size_t param_count;
    bool plans_each_time;
};

struct migration {
    int number;
    const char *name;   /* "0001_orders.sql" */
    const char *sha256; /* of the file, hex */
    const char *sql;
};

#endif
