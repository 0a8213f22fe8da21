/*
 * statements - named SQL of a test's own, in the shape that tools/sqlgen.py gives to queries.sql.
 *
 *     struct Q_thing_get {
 *         int64_t id;
 *     };
 *     OWN_QUERY(thing_get, QUERY_ONE, "SELECT name FROM thing WHERE id = $1::bigint", PARAM(thing_get, id, PARAM_INT));
 */
#ifndef WAYBILL_STATEMENTS_H
#define WAYBILL_STATEMENTS_H

#include <stddef.h>

#include "query.h"

/* clang-format off: it takes the braces for blocks. */

/* The statement; its struct stands above it. */
#define OWN_QUERY(tag, query_kind, text, ...)                                                                          \
    static const struct param tag##_params[] = {__VA_ARGS__};                                                          \
    static const struct query Q_##tag = {#tag, text, query_kind, tag##_params, COUNT(tag##_params)}

/* One parameter, a member of the struct. */
#define PARAM(tag, member, type)                                                                                       \
    {                                                                                                                  \
#member, type, offsetof(struct Q_##tag, member)                                                                \
    }

/* A statement without parameters, with its struct. */
#define NO_PARAMS(tag, query_kind, text)                                                                               \
    struct Q_##tag {                                                                                                   \
        char none_;                                                                                                    \
    };                                                                                                                 \
    static const struct query Q_##tag = {#tag, text, query_kind, NULL, 0}

/* clang-format on */

#endif
