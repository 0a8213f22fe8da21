/*
 * json_find - one scalar out of a document whose shape is not ours.
 */
#include <assert.h>
#include <string.h>

#include "json.h"
#include "json_parse.h"

#define FIND_DEPTH_MAX 64 /* others nest deeper than we do */
#define FIND_NAMES_MAX 16 /* in a path */

struct name {
    const char *text;
    size_t size;
};

struct search {
    struct arena *arena;
    struct name names[FIND_NAMES_MAX]; /* the path */
    size_t name_count;
    size_t depth;   /* of open objects and arrays */
    size_t matched; /* how many of them, from the outermost, are objects on the path */
    bool here;      /* the value that comes now belongs to the next name of the path */
    size_t found;   /* how often the path led to a value; twice is no answer */
    const char *result;
};

static void on_key(struct search *search, const struct json_token *token)
{
    if (search->matched == 0 || search->matched != search->depth)
        return;
    const struct name *name = &search->names[search->matched - 1];
    search->here = token->size == name->size && memcmp(token->text, name->text, name->size) == 0;
}

static void on_begin(struct search *search, const struct json_token *token)
{
    bool on_path = search->depth == 0 || search->here;

    search->here = false;
    search->depth++;
    if (!on_path)
        return;
    if (search->matched == search->name_count)
        search->found++;
    else if (token->kind == JSON_OBJECT_BEGIN)
        search->matched++;
}

static void on_end(struct search *search)
{
    if (search->matched == search->depth)
        search->matched--;
    search->depth--;
}

static void on_scalar(struct search *search, const struct json_token *token)
{
    bool wanted = search->here && search->matched == search->name_count;

    search->here = false;
    if (!wanted)
        return;
    search->found++;
    if (token->kind == JSON_TRUE || token->kind == JSON_FALSE)
        search->result = token->kind == JSON_TRUE ? "true" : "false";
    else if (token->kind != JSON_NULL && token->flaw == NULL)
        search->result = arena_copy(search->arena, token->text, token->size);
}

static void visit(void *self, const struct json_token *token)
{
    struct search *search = self;

    switch (token->kind) {
    case JSON_KEY:
        on_key(search, token);
        return;
    case JSON_OBJECT_BEGIN:
    case JSON_ARRAY_BEGIN:
        on_begin(search, token);
        return;
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
        on_end(search);
        return;
    case JSON_NULL:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NUMBER:
    case JSON_TEXT:
        on_scalar(search, token);
        return;
    }
}

const char *json_find(struct arena *arena, const char *bytes, size_t size, const char *path)
{
    struct search search = {.arena = arena};
    struct json_fault fault;

    for (;;) {
        size_t length = strcspn(path, ".");
        assert(length > 0 && search.name_count < FIND_NAMES_MAX);
        search.names[search.name_count++] = (struct name){path, length};
        if (path[length] == '\0')
            break;
        path += length + 1;
    }
    if (!json_parse(bytes, size, FIND_DEPTH_MAX, visit, &search, &fault))
        return NULL;
    return search.found == 1 ? search.result : NULL;
}
