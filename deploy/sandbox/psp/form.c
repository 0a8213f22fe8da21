/* Reading and checking forms. */
#include "form.h"

#include <ctype.h>
#include <string.h>

#include "buf.h"
#include "money.h"
#include "path.h"
#include "text.h"

#define FORM_MAP_MAX ((size_t)256 * 1024) /* all of a form, every byte escaped */

static bool refuse(struct form_error *ret, const char *code, const char *param, const char *message)
{
    *ret = (struct form_error){.code = code, .param = param, .message = message};
    return false;
}

/* --- reading --- */

/* A word, then pairs of brackets with or without something between: a[b][0][]. */
static bool is_name(const char *name)
{
    size_t depth = 0;

    name += strcspn(name, "[]");
    while (*name == '[') {
        name += 1 + strcspn(name + 1, "[]");
        if (*name != ']' || ++depth > FORM_DEPTH_MAX)
            return false;
        name++;
    }
    return *name == '\0';
}

static bool read_pair(struct arena *arena, const char *pair, size_t size, struct form_param *ret,
                      struct form_error *ret_error)
{
    const char *equals = memchr(pair, '=', size);
    size_t name_size = equals != NULL ? (size_t)(equals - pair) : size;

    ret->name = percent_decode(arena, pair, name_size, true);
    ret->value = equals != NULL ? percent_decode(arena, equals + 1, size - name_size - 1, true) : "";
    if (ret->name == NULL || ret->value == NULL)
        return refuse(ret_error, NULL, NULL, "Invalid form: it is not percent-encoded UTF-8.");
    if (ret->name[0] == '\0' || ret->name[0] == '[' || strlen(ret->name) > FORM_NAME_MAX || !is_name(ret->name))
        return refuse(ret_error, NULL, NULL, "Invalid form: it has a parameter whose name cannot be read.");
    if (strlen(ret->value) > FORM_VALUE_MAX)
        return refuse(ret_error, NULL, ret->name,
                      arena_printf(arena, "Invalid string: %s has more than %d bytes.", ret->name, FORM_VALUE_MAX));
    return true;
}

static bool is_list(const char *name)
{
    size_t size = strlen(name);

    return size > 2 && strcmp(name + size - 2, "[]") == 0;
}

bool form_parse(struct arena *arena, const char *bytes, size_t size, struct form *ret, struct form_error *ret_error)
{
    struct form form = {.items = arena_array(arena, FORM_PARAMS_MAX, sizeof(*form.items))};
    const char *end = bytes + size;

    for (const char *at = bytes; at < end;) {
        const char *ampersand = memchr(at, '&', (size_t)(end - at));
        const char *stop = ampersand != NULL ? ampersand : end;
        if (stop > at) {
            struct form_param param;
            if (form.count == FORM_PARAMS_MAX)
                return refuse(ret_error, NULL, NULL, "Invalid form: it has too many parameters.");
            if (!read_pair(arena, at, (size_t)(stop - at), &param, ret_error))
                return false;
            if (!is_list(param.name) && form_text(&form, param.name) != NULL)
                return refuse(ret_error, NULL, param.name,
                              arena_printf(arena, "Invalid form: %s is given twice.", param.name));
            form.items[form.count++] = param;
        }
        at = stop + 1;
    }
    *ret = form;
    return true;
}

/* --- checking --- */

bool form_name_fits(const char *pattern, const char *name)
{
    while (*pattern != '\0') {
        if (*pattern == '#') {
            size_t digits = strspn(name, "0123456789");
            if (digits == 0 || digits > 3)
                return false;
            name += digits;
        } else if (*pattern == '*') {
            size_t size = strcspn(name, "[]");
            if (size == 0)
                return false;
            name += size;
        } else if (strcmp(pattern, "[]") == 0) {
            size_t digits = *name == '[' ? strspn(name + 1, "0123456789") : 0;
            return *name == '[' && digits <= 3 && strcmp(name + 1 + digits, "]") == 0;
        } else if (*pattern != *name++) {
            return false;
        }
        pattern++;
    }
    return *name == '\0';
}

static const struct form_spec *find_spec(const struct form_spec *specs, const char *name)
{
    for (const struct form_spec *spec = specs; spec->name != NULL; spec++) {
        if (form_name_fits(spec->name, name))
            return spec;
    }
    return NULL;
}

static bool is_currency(const char *value)
{
    char upper[4] = "";

    if (strlen(value) != 3)
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (!islower((unsigned char)value[i]))
            return false;
        upper[i] = (char)toupper((unsigned char)value[i]);
    }
    return currency_is_known(upper);
}

/* Placeholders like {CHECKOUT_SESSION_ID} may stand in a URL. */
static bool is_url(const char *value)
{
    return text_has_format(value, TEXT_URL) && strpbrk(value, "<>\"\\^`| ") == NULL;
}

static bool check_number(struct arena *arena, const struct form_spec *spec, const struct form_param *param,
                         struct form_error *ret_error)
{
    int64_t number;

    if (!text_to_int(param->value, strlen(param->value), &number))
        return refuse(ret_error, "parameter_invalid_integer", param->name,
                      arena_printf(arena, "Invalid integer: %s", param->value));
    if (number < spec->least)
        return refuse(ret_error, "parameter_invalid_integer", param->name,
                      arena_printf(arena, "This value must be greater than or equal to %lld.", (long long)spec->least));
    if (number > spec->most)
        return refuse(ret_error, "parameter_invalid_integer", param->name,
                      arena_printf(arena, "This value must be less than or equal to %lld.", (long long)spec->most));
    return true;
}

static bool check_value(struct arena *arena, const struct form_spec *spec, const struct form_param *param,
                        struct form_error *ret_error)
{
    const size_t most = spec->most > 0 ? (size_t)spec->most : FORM_VALUE_MAX;
    const bool is_metadata = strstr(spec->name, "[*]") != NULL;

    if (*param->value == '\0' && !is_metadata)
        return refuse(ret_error, "parameter_invalid_empty", param->name,
                      arena_printf(arena, "You passed an empty string for '%s'.", param->name));
    switch (spec->type) {
    case FORM_TEXT:
        if (strlen(param->value) > most)
            return refuse(
                ret_error, NULL, param->name,
                arena_printf(arena, "Invalid string: %s must have at most %zu characters.", param->name, most));
        return true;
    case FORM_INT:
        return check_number(arena, spec, param, ret_error);
    case FORM_BOOL:
        if (!text_equal(param->value, "true") && !text_equal(param->value, "false"))
            return refuse(ret_error, NULL, param->name, arena_printf(arena, "Invalid boolean: %s", param->value));
        return true;
    case FORM_CHOICE:
        if (strchr(param->value, ' ') != NULL || !text_has_word(spec->choices, param->value))
            return refuse(ret_error, NULL, param->name,
                          arena_printf(arena, "Invalid %s: must be one of %s", param->name, spec->choices));
        return true;
    case FORM_URL:
        if (!is_url(param->value))
            return refuse(ret_error, "url_invalid", param->name, "Not a valid URL");
        return true;
    case FORM_CURRENCY:
        if (!is_currency(param->value))
            return refuse(ret_error, NULL, param->name,
                          arena_printf(arena, "Invalid currency: %s. It must be a lower-case ISO code.", param->value));
        return true;
    }
    return false;
}

/* Metadata has limits of its own. */
static bool check_metadata(struct arena *arena, const struct form_param *param, size_t *count,
                           struct form_error *ret_error)
{
    const char *open = strrchr(param->name, '[');

    if (++*count > METADATA_KEYS_MAX)
        return refuse(ret_error, NULL, param->name,
                      arena_printf(arena, "You can only have %d metadata keys.", METADATA_KEYS_MAX));
    if (strlen(open) - 2 > METADATA_KEY_MAX)
        return refuse(ret_error, NULL, param->name,
                      arena_printf(arena, "Metadata keys must be at most %d characters.", METADATA_KEY_MAX));
    if (strlen(param->value) > METADATA_VALUE_MAX)
        return refuse(ret_error, NULL, param->name,
                      arena_printf(arena, "Metadata values must be at most %d characters.", METADATA_VALUE_MAX));
    return true;
}

bool form_check(struct arena *arena, const struct form *form, const struct form_spec *specs,
                struct form_error *ret_error)
{
    size_t metadata = 0;

    for (size_t i = 0; i < form->count; i++) {
        const struct form_param *param = &form->items[i];
        const struct form_spec *spec = find_spec(specs, param->name);
        if (spec == NULL)
            return refuse(ret_error, "parameter_unknown", param->name,
                          arena_printf(arena, "Received unknown parameter: %s", param->name));
        if (!check_value(arena, spec, param, ret_error))
            return false;
        if (strstr(spec->name, "[*]") != NULL && !check_metadata(arena, param, &metadata, ret_error))
            return false;
    }
    for (const struct form_spec *spec = specs; spec->name != NULL; spec++) {
        if (spec->required && form_text(form, spec->name) == NULL)
            return refuse(ret_error, "parameter_missing", spec->name,
                          arena_printf(arena, "Missing required param: %s.", spec->name));
    }
    return true;
}

/* --- values --- */

const char *form_text(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++) {
        if (strcmp(form->items[i].name, name) == 0)
            return form->items[i].value;
    }
    return NULL;
}

int64_t form_int(const struct form *form, const char *name, int64_t fallback)
{
    const char *text = form_text(form, name);
    int64_t number;

    return text != NULL && text_to_int(text, strlen(text), &number) ? number : fallback;
}

bool form_bool(const struct form *form, const char *name, bool fallback)
{
    const char *text = form_text(form, name);

    return text != NULL ? text_equal(text, "true") : fallback;
}

struct texts form_list(struct arena *arena, const struct form *form, const char *name)
{
    struct texts texts = {.items = arena_array(arena, form->count, sizeof(char *))};
    const char *pattern = arena_printf(arena, "%s[]", name);

    for (size_t i = 0; i < form->count; i++) {
        if (form_name_fits(pattern, form->items[i].name))
            texts.items[texts.count++] = form->items[i].value;
    }
    return texts;
}

const char *form_map(struct arena *arena, const struct form *form, const char *name)
{
    const size_t size = strlen(name);
    struct buf buf;

    buf_init(&buf, arena, FORM_MAP_MAX);
    for (size_t i = 0; i < form->count; i++) {
        const struct form_param *param = &form->items[i];
        if (strncmp(param->name, name, size) != 0 || param->name[size] != '[' || param->value[0] == '\0')
            continue;
        const char *key = param->name + size + 1;
        buf_add_char(&buf, buf.size == 0 ? '{' : ',');
        buf_add_json(&buf, arena_copy(arena, key, strcspn(key, "]")));
        buf_add_char(&buf, ':');
        buf_add_json(&buf, param->value);
    }
    buf_add_text(&buf, buf.size == 0 ? "{}" : "}");
    return buf.data;
}

size_t form_rows(const struct form *form, const char *name)
{
    const size_t size = strlen(name);
    size_t rows = 0;
    int64_t index;

    for (size_t i = 0; i < form->count; i++) {
        const char *at = form->items[i].name;
        if (strncmp(at, name, size) != 0 || at[size] != '[')
            continue;
        at += size + 1;
        if (text_to_int(at, strcspn(at, "]"), &index) && (size_t)index + 1 > rows)
            rows = (size_t)index + 1;
    }
    return rows;
}
