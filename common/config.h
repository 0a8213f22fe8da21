/*
 * config - settings from the environment, described by a table from which --help and the docs come.
 *
 * Each process has the common settings and its own; a name that isn't set takes its fallback, a required one without
 * a value or a value that doesn't fit stops the start with a sentence that names it. Secrets are never printed.
 */
#ifndef WAYBILL_CONFIG_H
#define WAYBILL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "arena.h"
#include "macros.h"

enum setting_type { SETTING_TEXT, SETTING_INT, SETTING_SECRET };

struct setting {
    const char *name; /* WAYBILL_DATABASE */
    enum setting_type type;
    const char *fallback; /* NULL: required */
    int64_t least, most;  /* SETTING_INT: the range, both ends allowed */
    const char *help;     /* one line, with the unit */
};

struct config; /* the values, immutable after config_read() */

/* Reads NULL-name-ended tables (either may be NULL) from the environment; NULL with a sentence on stderr when something
 * is wrong. */
struct config *config_read(struct arena *arena, const struct setting *common, const struct setting *own) MUST_USE;

/* The value of a listed setting; another name asserts. Lives as long as the arena. */
const char *config_text(const struct config *config, const char *name);
int64_t config_int(const struct config *config, const char *name);

/* Prints both tables for --help. */
void config_help(FILE *out, const struct setting *common, const struct setting *own);

#endif
