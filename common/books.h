/*
 * books - how a tool that looks into many services' databases opens one: WAYBILL_<SERVICE>_DATABASE says where it is.
 */
#ifndef WAYBILL_BOOKS_H
#define WAYBILL_BOOKS_H

#include "arena.h"
#include "macros.h"
#include "pg.h"

/* The setting of a service's database: WAYBILL_PSP_SANDBOX_DATABASE for psp_sandbox. Lives as long as the arena. */
const char *books_setting(struct arena *arena, const char *service) MUST_USE;

/* A pool of one connection, whose statements may take five minutes; for pool_free(). NULL, with a sentence on stderr
 * that begins with the tool's name, when the setting is missing. */
struct pool *books_open(struct arena *arena, const char *tool, const char *service,
                        const struct query *const *const *queries) MUST_USE;

#endif
