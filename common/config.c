/*
 * config - reads and checks the settings once, at start.
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct value {
    const struct setting *setting;
    const char *text;
    int64_t number;
};

struct config {
    struct value *values;
    size_t count;
};

static size_t count_settings(const struct setting *table)
{
    size_t count = 0;

    while (table != NULL && table[count].name != NULL)
        count++;
    return count;
}

/* No range given means any integer. */
static bool has_range(const struct setting *setting)
{
    return setting->least != 0 || setting->most != 0;
}

/* Reads an integer into the value; false with a sentence if it is none or out of range. */
static bool read_integer(struct value *value)
{
    const struct setting *setting = value->setting;
    bool integer = text_to_int(value->text, strlen(value->text), &value->number);

    if (integer && (!has_range(setting) || (value->number >= setting->least && value->number <= setting->most)))
        return true;
    fprintf(stderr, "%s must be an integer", setting->name);
    if (has_range(setting))
        fprintf(stderr, " from %" PRId64 " to %" PRId64, setting->least, setting->most);
    fprintf(stderr, ", but it is \"%s\".\n", value->text);
    return false;
}

/* An empty variable counts as not set: that is what an unset one becomes in compose files and scripts. */
static bool read_setting(struct arena *arena, const struct setting *setting, struct value *value)
{
    const char *text = getenv(setting->name);

    if (text == NULL || *text == '\0')
        text = setting->fallback;
    if (text == NULL) {
        fprintf(stderr, "%s is required: %s.\n", setting->name, setting->help);
        return false;
    }
    *value = (struct value){.setting = setting, .text = arena_strdup(arena, text)};
    return setting->type != SETTING_INT || read_integer(value);
}

struct config *config_read(struct arena *arena, const struct setting *common, const struct setting *own)
{
    const struct setting *const tables[] = {common, own};
    struct config *config = ARENA_NEW(arena, struct config);
    bool good = true;

    config->values = arena_array(arena, count_settings(common) + count_settings(own), sizeof(*config->values));
    for (size_t t = 0; t < COUNT(tables); t++) {
        size_t count = count_settings(tables[t]);
        /* All that is wrong is said at once. */
        for (size_t i = 0; i < count; i++)
            good = read_setting(arena, &tables[t][i], &config->values[config->count++]) && good;
    }
    return good ? config : NULL;
}

static const struct value *find_value(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->count; i++) {
        if (text_equal(config->values[i].setting->name, name))
            return &config->values[i];
    }
    return NULL;
}

const char *config_text(const struct config *config, const char *name)
{
    const struct value *value = find_value(config, name);

    assert(value != NULL);
    return value->text;
}

int64_t config_int(const struct config *config, const char *name)
{
    const struct value *value = find_value(config, name);

    assert(value != NULL && value->setting->type == SETTING_INT);
    return value->number;
}

static void print_setting(FILE *out, const struct setting *setting)
{
    fprintf(out, "  %-32s %s (", setting->name, setting->help);
    if (setting->type == SETTING_INT && has_range(setting))
        fprintf(out, "%" PRId64 " to %" PRId64 "; ", setting->least, setting->most);
    if (setting->type == SETTING_SECRET)
        fprintf(out, "secret; ");
    if (setting->fallback == NULL)
        fprintf(out, "required)\n");
    else if (setting->type == SETTING_SECRET)
        fprintf(out, "has a default)\n");
    else if (*setting->fallback == '\0')
        fprintf(out, "default: empty)\n");
    else
        fprintf(out, "default %s)\n", setting->fallback);
}

void config_help(FILE *out, const struct setting *common, const struct setting *own)
{
    const struct setting *const tables[] = {common, own};

    fprintf(out, "Settings come from the environment; an empty one counts as not set.\n");
    for (size_t t = 0; t < COUNT(tables); t++) {
        size_t count = count_settings(tables[t]);
        for (size_t i = 0; i < count; i++)
            print_setting(out, &tables[t][i]);
    }
}
