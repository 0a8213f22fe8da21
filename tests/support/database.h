/*
 * database - a schema of its own for each test, and looks at it that don't go through the code under test.
 *
 * WAYBILL_TEST_DATABASE says where. Everything here is about one schema at a time, made by database_open() inside of
 * the test (Check forks) and dropped by database_close(). What can't be done fails the test.
 */
#ifndef WAYBILL_DATABASE_H
#define WAYBILL_DATABASE_H

#include <stdint.h>

#include "ctx.h"
#include "query.h"
#include "service.h"

/* Makes an empty schema. */
void database_open(void);

/* Makes a schema with the common tables. */
void database_open_common(void);

/* Drops it. */
void database_close(void);

/* Where it is: a conninfo whose search_path is the schema. */
const char *database_conninfo(void);

/* Runs statements. */
void database_run(const char *sql);

/* The first column of the first row. The text lives until the next call; "" for null or no row. */
const char *database_text(const char *sql);
int64_t database_int(const char *sql);

/* Waits until a question is answered with this number, at most 30 s. */
void database_await(const char *sql, int64_t expected);

/* A service with a pool of `size` connections that know the common statements and `own` (may be NULL). Its sessions'
 * application_name is the schema's name. */
struct service *database_service(const struct query *const *own, int size);
void database_service_free(struct service *service); /* fails the test if a connection was not given back */

#endif
