/*
 * thing - a table and its statements, for tests of units of work.
 */
#ifndef WAYBILL_THING_H
#define WAYBILL_THING_H

#include "record.h"
#include "statements.h"

#define THING_TABLE                                                                                                    \
    "CREATE TABLE thing (id bigint CONSTRAINT thing_pkey PRIMARY KEY,"                                                 \
    " name text NOT NULL CONSTRAINT thing_name_short CHECK (length(name) < 10),"                                       \
    " place serial);"

struct thing {
    int64_t id;
    const char *name;
};
static RECORD(thing, FIELD(thing, id), FIELD(thing, name));

struct things {
    struct thing *items;
    size_t count;
};

struct Q_thing_add {
    int64_t id;
    const char *name;
};
OWN_QUERY(thing_add, QUERY_EXEC, "INSERT INTO thing (id, name) VALUES ($1::bigint, $2::text)",
          PARAM(thing_add, id, PARAM_INT), PARAM(thing_add, name, PARAM_TEXT));

struct Q_thing_rename {
    int64_t id;
    const char *name;
};
OWN_QUERY(thing_rename, QUERY_ONE_ROW, "UPDATE thing SET name = $2::text WHERE id >= $1::bigint -- a comment",
          PARAM(thing_rename, id, PARAM_INT), PARAM(thing_rename, name, PARAM_TEXT));

struct Q_thing_get {
    int64_t id;
};
OWN_QUERY(thing_get, QUERY_ONE, "SELECT id, name FROM thing WHERE id = $1::bigint FOR UPDATE",
          PARAM(thing_get, id, PARAM_INT));

#endif
