/*
 * test_path - from path to route, and percent encoding.
 */
#include "path.h"

#include <string.h>

#include "suite.h"

static const struct route routes[] = {
    {"GET", "/"},
    {"GET", "/carts/mine"},
    {"GET", "/carts/:id"},
    {"POST", "/carts/:cart_id/items"},
    {"PATCH", "/carts/:id/items/:item"},
    {"GET", "/carts/mine/old/items"},
    {"GET", "/a/:b/c/:d/e/:f"},
    {0},
};

static struct arena *arena;
static struct path_tree *tree;

static void start(void)
{
    arena = arena_new(1024 * 1024);
    tree = path_tree_new(arena);
    path_tree_add(tree, routes);
}

static void stop(void)
{
    arena_free(arena);
}

#define LONG_128                                                                                                       \
    "0123456789012345678901234567890123456789012345678901234567890123"                                                 \
    "0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
    const char *method;
    const char *path;
    enum path_found found;
    const char *pattern;
    const char *first;
    const char *second;
} cases[] = {
    {"GET", "/", PATH_FOUND, "/", NULL, NULL},
    {"GET", "/carts/mine", PATH_FOUND, "/carts/mine", NULL, NULL},
    {"GET", "/carts/%6dine", PATH_FOUND, "/carts/mine", NULL, NULL},
    {"GET", "/carts/7", PATH_FOUND, "/carts/:id", "7", NULL},
    {"HEAD", "/carts/7", PATH_FOUND, "/carts/:id", "7", NULL},
    {"GET", "/carts/a%2fb", PATH_FOUND, "/carts/:id", "a/b", NULL},
    {"GET", "/carts/a+b", PATH_FOUND, "/carts/:id", "a+b", NULL},
    {"GET", "/carts/:id", PATH_FOUND, "/carts/:id", ":id", NULL},
    {"POST", "/carts/mine/items", PATH_FOUND, "/carts/:cart_id/items", "mine", NULL},
    {"PATCH", "/carts/7/items/8", PATH_FOUND, "/carts/:id/items/:item", "7", "8"},
    {"GET", "/carts/mine/old/items", PATH_FOUND, "/carts/mine/old/items", NULL, NULL},
    {"GET", "/a/1/c/2/e/3", PATH_FOUND, "/a/:b/c/:d/e/:f", "1", "2"},
    {"GET", "/carts/" LONG_128, PATH_FOUND, "/carts/:id", LONG_128, NULL},
    {"GET", "/carts/" LONG_128 "x", PATH_NONE, NULL, NULL, NULL},
    {"POST", "/carts/7", PATH_METHOD, NULL, NULL, NULL},
    {"HEAD", "/carts/7/items", PATH_METHOD, NULL, NULL, NULL},
    {"GET", "", PATH_NONE, NULL, NULL, NULL},
    {"GET", "*", PATH_NONE, NULL, NULL, NULL},
    {"GET", "carts/7", PATH_NONE, NULL, NULL, NULL},
    {"GET", "http://host/carts/7", PATH_NONE, NULL, NULL, NULL},
    {"GET", "/carts", PATH_NONE, NULL, NULL, NULL},
    {"GET", "/carts/", PATH_NONE, NULL, NULL, NULL},
    {"GET", "/carts/7/", PATH_NONE, NULL, NULL, NULL},
    {"GET", "//", PATH_NONE, NULL, NULL, NULL},
    {"GET", "/carts//items", PATH_NONE, NULL, NULL, NULL},
    {"GET", "/CARTS/7", PATH_NONE, NULL, NULL, NULL},
    {"GET", "/1/2/3/4/5/6/7/8/9/10/11/12", PATH_NONE, NULL, NULL, NULL},
    {"GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13", PATH_NONE, NULL, NULL, NULL},
    {"GET", "/carts/%", PATH_BROKEN, NULL, NULL, NULL},
    {"GET", "/carts/%4", PATH_BROKEN, NULL, NULL, NULL},
    {"GET", "/carts/%4g", PATH_BROKEN, NULL, NULL, NULL},
    {"GET", "/carts/%00", PATH_BROKEN, NULL, NULL, NULL},
    {"GET", "/carts/%ed%a0%80", PATH_BROKEN, NULL, NULL, NULL},
    {"GET", "/carts/\xff", PATH_BROKEN, NULL, NULL, NULL},
};

START_TEST(each_path_finds_its_route)
{
    const struct route *route = NULL;
    const char *params[PATH_PARAMS_MAX] = {0};

    ck_assert_int_eq(path_match(tree, arena, cases[_i].method, cases[_i].path, &route, params), cases[_i].found);
    if (cases[_i].found != PATH_FOUND) {
        ck_assert_ptr_null(route);
        return;
    }
    ck_assert_str_eq(route->path, cases[_i].pattern);
    ck_assert_pstr_eq(params[0], cases[_i].first);
    ck_assert_pstr_eq(params[1], cases[_i].second);
}
END_TEST

START_TEST(the_first_of_two_equal_routes_stays)
{
    static const struct route more[] = {{"GET", "/carts/:other", .status = 299}, {"GET", "/new", .status = 299}, {0}};
    const char *params[PATH_PARAMS_MAX];
    const struct route *route;

    path_tree_add(tree, more);
    ck_assert_int_eq(path_match(tree, arena, "GET", "/carts/7", &route, params), PATH_FOUND);
    ck_assert_int_eq(route->status, 0);
    ck_assert_int_eq(path_match(tree, arena, "GET", "/new", &route, params), PATH_FOUND);
    ck_assert_int_eq(route->status, 299);
}
END_TEST

START_TEST(the_methods_of_a_path_are_listed)
{
    ck_assert_str_eq(path_methods(tree, arena, "/carts/7"), "GET, HEAD");
    ck_assert_str_eq(path_methods(tree, arena, "/carts/7/items"), "POST");
    ck_assert_ptr_null(path_methods(tree, arena, "/nothing"));
    ck_assert_ptr_null(path_methods(tree, arena, "/%"));
}
END_TEST

static const struct {
    const char *query;
    const char *name;
    const char *value; /* NULL: absent */
} queries[] = {
    {"a=1&b=2", "b", "2"}, {"a=1&a=2", "a", "1"}, {"a", "a", ""},          {"a=", "a", ""},
    {"&&a=1&", "a", "1"},  {"", "a", NULL},       {"ab=1", "a", NULL},     {"a=x%20y+z", "a", "x y z"},
    {"%61=1", "a", "1"},   {"a==", "a", "="},     {"a=%2526", "a", "%26"}, {"b=%zz&a=1", "a", "1"},
    {"a=%zz", "a", NULL},  {"A=1", "a", NULL},    {"a=%C3%A9", "a", "é"},
};

START_TEST(a_query_gives_its_values)
{
    ck_assert_pstr_eq(query_find(arena, queries[_i].query, queries[_i].name), queries[_i].value);
}
END_TEST

START_TEST(encoding_and_decoding_are_each_others_way_back)
{
    static const char text[] = "a b/c?d&e=é~%+\n\"";
    struct buf buf;

    buf_init(&buf, arena, 1000);
    percent_encode(&buf, text);
    ck_assert_str_eq(buf.data, "a%20b%2Fc%3Fd%26e%3D%C3%A9~%25%2B%0A%22");
    ck_assert_str_eq(percent_decode(arena, buf.data, buf.size, true), text);
    buf_clear(&buf);
    percent_clean(&buf, "/a%20b/\x01<é>#x?y=1|2");
    ck_assert_str_eq(buf.data, "/a%20b/%01%3C%C3%A9%3E%23x?y=1%7C2");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, stop);
    ADD_TABLE_TEST(tests, each_path_finds_its_route, cases);
    tcase_add_test(tests, the_first_of_two_equal_routes_stays);
    tcase_add_test(tests, the_methods_of_a_path_are_listed);
    ADD_TABLE_TEST(tests, a_query_gives_its_values, queries);
    tcase_add_test(tests, encoding_and_decoding_are_each_others_way_back);
}

RUN_SUITE(path, add_tests)
