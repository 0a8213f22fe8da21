/*
 * fuzz_path - any bytes as method, path and query.
 *
 * Input: "METHOD path?query".
 */
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "text.h"

#define INPUT_MAX ((size_t)32 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct route routes[] = {
    {"GET", "/"},
    {"GET", "/carts/mine"},
    {"GET", "/carts/:id"},
    {"POST", "/carts/:id/items"},
    {"PATCH", "/carts/:id/items/:item"},
    {"GET", "/:a/:b/:c/:d/:e/:f"},
    {0},
};

/* What was decoded can be encoded, and is the same again. */
static void check_round_trip(struct arena *arena, const char *text)
{
    struct buf buf;

    buf_init(&buf, arena, INPUT_MAX * 3);
    percent_encode(&buf, text);
    const char *again = percent_decode(arena, buf.data, buf.size, true);
    if (again == NULL || strcmp(again, text) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct route *route = NULL;
    const char *params[PATH_PARAMS_MAX] = {0};
    if (size > INPUT_MAX)
        return 0;

    struct arena *arena = arena_new((size_t)16 * 1024 * 1024);
    struct path_tree *tree = path_tree_new(arena);
    path_tree_add(tree, routes);
    char *method = arena_copy(arena, bytes, size);
    char *path = method + strcspn(method, " ");
    if (*path == ' ')
        *path++ = '\0';
    char *query = path + strcspn(path, "?");
    if (*query == '?')
        *query++ = '\0';

    enum path_found found = path_match(tree, arena, method, path, &route, params);
    if ((found == PATH_FOUND) != (route != NULL))
        abort();
    for (size_t i = 0; i < PATH_PARAMS_MAX && params[i] != NULL; i++) {
        if (!utf8_is_valid(params[i], strlen(params[i])) || strlen(params[i]) > HTTP_PARAM_MAX)
            abort();
        check_round_trip(arena, params[i]);
    }
    const char *methods = path_methods(tree, arena, path);
    if ((methods != NULL) != (found == PATH_FOUND || found == PATH_METHOD))
        abort();
    const char *value = query_find(arena, query, "limit");
    if (value != NULL)
        check_round_trip(arena, value);
    (void)query_is_valid(arena, query);
    arena_free(arena);
    return 0;
}
