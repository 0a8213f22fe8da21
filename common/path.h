/*
 * path - from a request's path to its route: a tree by segments, and percent encoding.
 *
 * Literal segments win over parameters. A path is split before it is decoded, so %2F is part of a value, and matched
 * after, so %70ing is ping. Empty segments match nothing: "/orders/" is not "/orders".
 *
 * Threads: a tree is immutable after the last path_tree_add().
 */
#ifndef WAYBILL_PATH_H
#define WAYBILL_PATH_H

#include "http.h"

#define PATH_SEGMENTS_MAX 12

struct path_tree;

/* An empty tree in the arena. */
struct path_tree *path_tree_new(struct arena *arena);

/* Adds a table that ends with a NULL method. Of two rows with the same method and path the first one added stays. */
void path_tree_add(struct path_tree *tree, const struct route *routes);

enum path_found {
    PATH_FOUND,
    PATH_NONE,   /* no route has this path */
    PATH_METHOD, /* some have, but not for this method */
    PATH_BROKEN, /* not percent-encoded UTF-8 */
};

/* Finds the route for a method and a path as it was sent. HEAD finds GET. Fills the parameters' values. */
enum path_found path_match(const struct path_tree *tree, struct arena *arena, const char *method, const char *path,
                           const struct route **ret_route, const char *ret_params[PATH_PARAMS_MAX]);

/* The methods of a path for Allow, "GET, HEAD, POST"; NULL if no route has the path. */
const char *path_methods(const struct path_tree *tree, struct arena *arena, const char *path);

/* Decodes %XX, and + as a space if `plus`. NULL unless the result is strict UTF-8 without NUL. */
char *percent_decode(struct arena *arena, const char *text, size_t size, bool plus);

/* Adds text with everything encoded but letters, digits and -._~ */
void percent_encode(struct buf *buf, const char *text);

/* Adds a path or query as it was sent, with what may not stand in a URL encoded. */
void percent_clean(struct buf *buf, const char *text);

/* The value of a name in a query, decoded; NULL if absent or broken. Of several the first. */
const char *query_find(struct arena *arena, const char *query, const char *name);

/* Whether all of the query can be decoded. */
bool query_is_valid(struct arena *arena, const char *query);

#endif
