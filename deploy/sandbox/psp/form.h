/*
 * form - Stripe's way of sending parameters: `line_items[0][price_data][currency]=eur`. Pure.
 *
 * A form is a flat list of names and values. Each operation lists what it takes; whatever isn't on its list, or is of
 * another type, is refused by name, so a misspelt parameter can't pass. Repeating a name is refused too, except for a
 * list's (`expand[]`).
 */
#ifndef PSP_SANDBOX_FORM_H
#define PSP_SANDBOX_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "record.h"

#define FORM_PARAMS_MAX 200
#define FORM_NAME_MAX 160   /* bytes, decoded */
#define FORM_VALUE_MAX 5000 /* bytes, decoded */
#define FORM_DEPTH_MAX 5    /* pairs of brackets */
#define METADATA_KEYS_MAX 50
#define METADATA_KEY_MAX 40
#define METADATA_VALUE_MAX 500

struct form_param {
    const char *name;
    const char *value;
};

struct form {
    struct form_param *items;
    size_t count;
};

enum form_type {
    FORM_TEXT,
    FORM_INT,
    FORM_BOOL,
    FORM_CHOICE,
    FORM_URL,
    FORM_CURRENCY, /* lower case */
};

/* What an operation takes. In a name # stands for any index, * for any key, and [] at the end for any place in a list.
 */
struct form_spec {
    const char *name; /* NULL ends the list */
    enum form_type type;
    int64_t least, most; /* numbers: the range; texts: bytes at most in `most`, 0: FORM_VALUE_MAX */
    const char *choices; /* FORM_CHOICE: space-separated */
    bool required;       /* only for names without #, * and [] */
};

/* Why a form is refused, in Stripe's words. */
struct form_error {
    const char *code; /* parameter_unknown, parameter_missing ...; NULL where Stripe has none */
    const char *param;
    const char *message;
};

/* Reads a body or a query. False with the reason when it can't be read or is too large. */
bool form_parse(struct arena *arena, const char *bytes, size_t size, struct form *ret, struct form_error *ret_error);

/* Whether it holds only what `specs` lists, of the right types, and all that is required. False with the first reason.
 */
bool form_check(struct arena *arena, const struct form *form, const struct form_spec *specs,
                struct form_error *ret_error);

/* Whether a name is one that the pattern of a spec means. */
bool form_name_fits(const char *pattern, const char *name);

/* Values of a checked form; NULL or the fallback when absent. */
const char *form_text(const struct form *form, const char *name);
int64_t form_int(const struct form *form, const char *name, int64_t fallback);
bool form_bool(const struct form *form, const char *name, bool fallback);

/* The values of `name[]` and `name[0]`, in the order of the form. */
struct texts form_list(struct arena *arena, const struct form *form, const char *name);

/* What stands below `name[...]` as a JSON object of strings: {"payment_id":"..."}. Keys with an empty value are left
 * out. */
const char *form_map(struct arena *arena, const struct form *form, const char *name);

/* One past the largest index below `name[...]`; 0 if there is none. */
size_t form_rows(const struct form *form, const char *name);

#endif
