/*
 * path - a tree of segments; each node knows the routes that end there.
 */
#include "path.h"

#include <assert.h>
#include <string.h>

#include "text.h"

struct node {
    const char *segment; /* NULL: a parameter */
    struct node *next;   /* sibling */
    struct node *children;
    struct node *parameter;
    struct leaf {
        const struct route *route;
        struct leaf *next;
    } * leaves;
};

struct path_tree {
    struct arena *arena;
    struct node root;
};

struct path_tree *path_tree_new(struct arena *arena)
{
    struct path_tree *tree = ARENA_NEW(arena, struct path_tree);
    tree->arena = arena;
    return tree;
}

static struct node *child_named(const struct node *node, const char *segment)
{
    for (struct node *child = node->children; child != NULL; child = child->next) {
        if (strcmp(child->segment, segment) == 0)
            return child;
    }
    return NULL;
}

static struct node *child_for(struct path_tree *tree, struct node *node, const char *segment)
{
    if (segment[0] == ':') {
        if (node->parameter == NULL)
            node->parameter = ARENA_NEW(tree->arena, struct node);
        return node->parameter;
    }
    struct node *child = child_named(node, segment);
    if (child == NULL) {
        child = ARENA_NEW(tree->arena, struct node);
        child->segment = segment;
        child->next = node->children;
        node->children = child;
    }
    return child;
}

static const struct route *route_for(const struct node *node, const char *method)
{
    for (const struct leaf *leaf = node->leaves; leaf != NULL; leaf = leaf->next) {
        if (strcmp(leaf->route->method, method) == 0)
            return leaf->route;
    }
    return NULL;
}

static void add_route(struct path_tree *tree, const struct route *route)
{
    struct node *node = &tree->root;
    size_t params = 0;
    size_t segments = 0;

    assert(route->path[0] == '/');
    for (const char *at = route->path + 1; *at != '\0';) {
        size_t size = strcspn(at, "/");
        assert(size > 0);
        params += *at == ':';
        segments++;
        node = child_for(tree, node, arena_copy(tree->arena, at, size));
        at += size;
        at += *at == '/';
    }
    assert(params <= PATH_PARAMS_MAX && segments <= PATH_SEGMENTS_MAX);
    if (route_for(node, route->method) != NULL)
        return;

    struct leaf *leaf = ARENA_NEW(tree->arena, struct leaf);
    leaf->route = route;
    leaf->next = node->leaves;
    node->leaves = leaf;
}

void path_tree_add(struct path_tree *tree, const struct route *routes)
{
    for (const struct route *route = routes; route != NULL && route->method != NULL; route++)
        add_route(tree, route);
}

/* A request's path, decoded segment by segment, and the values of parameters on the way down. */
struct walk {
    const char *segments[PATH_SEGMENTS_MAX];
    size_t count;
    const char *params[PATH_PARAMS_MAX];
    size_t param_count;
};

static enum path_found split(struct arena *arena, const char *path, struct walk *ret)
{
    if (path[0] != '/')
        return PATH_NONE;
    if (path[1] == '\0')
        return PATH_FOUND;
    for (const char *at = path; *at == '/';) {
        size_t size = strcspn(++at, "/");
        if (size == 0 || ret->count == PATH_SEGMENTS_MAX)
            return PATH_NONE;
        char *segment = percent_decode(arena, at, size, false);
        if (segment == NULL)
            return PATH_BROKEN;
        ret->segments[ret->count++] = segment;
        at += size;
    }
    return PATH_FOUND;
}

/* The node where the path ends and routes do. Goes at most as deep as the tree, which is PATH_SEGMENTS_MAX. */
static const struct node *descend(const struct node *node, struct walk *walk, size_t depth)
{
    if (depth == walk->count)
        return node->leaves != NULL ? node : NULL;

    const char *segment = walk->segments[depth];
    const struct node *child = child_named(node, segment);
    if (child != NULL) {
        const struct node *end = descend(child, walk, depth + 1);
        if (end != NULL)
            return end;
    }
    if (node->parameter == NULL || strlen(segment) > HTTP_PARAM_MAX || walk->param_count == PATH_PARAMS_MAX)
        return NULL;
    walk->params[walk->param_count++] = segment;
    const struct node *end = descend(node->parameter, walk, depth + 1);
    if (end == NULL)
        walk->param_count--;
    return end;
}

enum path_found path_match(const struct path_tree *tree, struct arena *arena, const char *method, const char *path,
                           const struct route **ret_route, const char *ret_params[PATH_PARAMS_MAX])
{
    struct walk walk = {0};
    enum path_found found = split(arena, path, &walk);
    if (found != PATH_FOUND)
        return found;

    const struct node *node = descend(&tree->root, &walk, 0);
    if (node == NULL)
        return PATH_NONE;
    *ret_route = route_for(node, method);
    if (*ret_route == NULL && strcmp(method, "HEAD") == 0)
        *ret_route = route_for(node, "GET");
    if (*ret_route == NULL)
        return PATH_METHOD;
    memcpy(ret_params, walk.params, sizeof(walk.params));
    return PATH_FOUND;
}

const char *path_methods(const struct path_tree *tree, struct arena *arena, const char *path)
{
    static const char *const order[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    struct walk walk = {0};
    if (split(arena, path, &walk) != PATH_FOUND)
        return NULL;
    const struct node *node = descend(&tree->root, &walk, 0);
    if (node == NULL)
        return NULL;

    struct buf buf;
    buf_init(&buf, arena, 128);
    for (size_t i = 0; i < COUNT(order); i++) {
        const char *method = strcmp(order[i], "HEAD") == 0 ? "GET" : order[i];
        if (route_for(node, method) == NULL)
            continue;
        if (buf.size > 0)
            buf_add_text(&buf, ", ");
        buf_add_text(&buf, order[i]);
    }
    return buf.data;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

char *percent_decode(struct arena *arena, const char *text, size_t size, bool plus)
{
    char *decoded = arena_alloc(arena, size + 1);
    size_t length = 0;

    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '+' && plus) {
            c = ' ';
        } else if (c == '%') {
            int high = size - i > 2 ? hex_value(text[i + 1]) : -1;
            int low = size - i > 2 ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            c = (char)(high * 16 + low);
            i += 2;
        }
        decoded[length++] = c;
    }
    return utf8_is_valid(decoded, length) ? decoded : NULL;
}

/* Adds text with every byte encoded that isn't in `plain`. */
static void encode_but(struct buf *buf, const char *text, const char *plain)
{
    static const char digits[] = "0123456789ABCDEF";

    for (const char *at = text; *at != '\0';) {
        size_t size = strspn(at, plain);
        buf_add(buf, at, size);
        at += size;
        if (*at != '\0') {
            unsigned char byte = (unsigned char)*at++;
            buf_add(buf, (const char[]){'%', digits[byte >> 4], digits[byte & 15]}, 3);
        }
    }
}

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

void percent_encode(struct buf *buf, const char *text)
{
    encode_but(buf, text, UNRESERVED);
}

void percent_clean(struct buf *buf, const char *text)
{
    encode_but(buf, text, UNRESERVED "%/:@!$&'()*+,;=?[]");
}

/* Takes the next name=value off a query. */
static bool query_next(const char **query, const char **ret_name, size_t *ret_name_size, const char **ret_value,
                       size_t *ret_value_size)
{
    const char *at = *query + strspn(*query, "&");
    if (*at == '\0')
        return false;
    size_t size = strcspn(at, "&");
    const char *equals = memchr(at, '=', size);

    *ret_name = at;
    *ret_name_size = equals != NULL ? (size_t)(equals - at) : size;
    *ret_value = equals != NULL ? equals + 1 : at + size;
    *ret_value_size = (size_t)(at + size - *ret_value);
    *query = at + size;
    return true;
}

const char *query_find(struct arena *arena, const char *query, const char *name)
{
    const char *key, *value;
    size_t key_size, value_size;

    while (query_next(&query, &key, &key_size, &value, &value_size)) {
        const char *decoded = percent_decode(arena, key, key_size, true);
        if (decoded != NULL && strcmp(decoded, name) == 0)
            return percent_decode(arena, value, value_size, true);
    }
    return NULL;
}

bool query_is_valid(struct arena *arena, const char *query)
{
    const char *key, *value;
    size_t key_size, value_size;

    while (query_next(&query, &key, &key_size, &value, &value_size)) {
        if (percent_decode(arena, key, key_size, true) == NULL ||
            percent_decode(arena, value, value_size, true) == NULL)
            return false;
    }
    return true;
}
