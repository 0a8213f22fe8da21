#include "books.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 5000
#define STATEMENT_TIMEOUT "statement_timeout%3D300s"

const char *books_setting(struct arena *arena, const char *service)
{
    char *name = arena_printf(arena, "WAYBILL_%s_DATABASE", service);

    for (char *c = name; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return name;
}

struct pool *books_open(struct arena *arena, const char *tool, const char *service,
                        const struct query *const *const *queries)
{
    const char *name = books_setting(arena, service);
    const char *conninfo = getenv(name);

    if (conninfo == NULL) {
        fprintf(stderr, "%s: %s is not set\n", tool, name);
        return NULL;
    }
    const char joint = strchr(conninfo, '?') != NULL ? '&' : '?';
    return pool_new(&(struct pool_options){
        .conninfo = arena_printf(arena, "%s%coptions=-c%%20%s", conninfo, joint, STATEMENT_TIMEOUT),
        .application = tool,
        .queries = queries,
        .size = 1,
        .wait_ms = WAIT_MS,
    });
}
