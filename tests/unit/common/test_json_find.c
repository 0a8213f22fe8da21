/*
 * One scalar out of a document of others.
 */
#include <string.h>

#include "json.h"
#include "suite.h"

#define DOCUMENT                                                                                                       \
    "{\"id\":\"evt_1\",\"live\":false,\"amount\":1.50,\"list\":[{\"id\":\"no\"},[{\"data\":1}]],"                      \
    "\"data\":{\"object\":{\"id\":\"pi_1\",\"metadata\":{\"payment_id\":\"p\\u00e4y\",\"none\":null,\"\":\"x\"},"      \
    "\"paid\":true},\"id\":\"d\"},\"tail\":{\"object\":{\"late\":9}},\"twice\":1,\"twice\":2,\"nul\":\"a\\u0000b\","   \
    "\"twin\":{\"x\":1},\"twin\":{\"x\":1}}"

static const struct {
    const char *path;
    const char *text;
} paths[] = {
    {"id", "evt_1"},
    {"live", "false"},
    {"amount", "1.50"},
    {"data.id", "d"},
    {"data.object.id", "pi_1"},
    {"data.object.paid", "true"},
    {"data.object.metadata.payment_id", "p\xc3\xa4y"},
    {"tail.object.late", "9"},
    {"data.object.metadata.none", NULL}, /* null */
    {"data.object.metadata", NULL},      /* an object */
    {"data", NULL},
    {"list", NULL},    /* an array */
    {"list.id", NULL}, /* within an array */
    {"list.data", NULL},
    {"id.id", NULL},            /* below a scalar */
    {"object.id", NULL},        /* not from the top */
    {"data.object.late", NULL}, /* of a neighbour */
    {"tail.object.id", NULL},
    {"data.obj.id", NULL},
    {"i", NULL},
    {"idx", NULL},
    {"missing", NULL},
    {"twice", NULL}, /* which of the two? */
    {"twin.x", NULL},
    {"nul", NULL},
};

START_TEST(the_scalar_at_a_path_is_found)
{
    struct arena *arena = arena_new((size_t)1 << 16);
    const char *text = json_find(arena, DOCUMENT, strlen(DOCUMENT), paths[_i].path);

    if (paths[_i].text == NULL)
        ck_assert_ptr_null(text);
    else
        ck_assert_str_eq(text, paths[_i].text);
    arena_free(arena);
}
END_TEST

static const char *const broken[] = {"",       "{\"id\":\"a\"",     "{\"id\":\"a\"}}",  "[\"id\"]",
                                     "\"id\"", "{\"id\":\"\xff\"}", "[{\"id\":\"a\"}]", "null"};

START_TEST(nothing_is_found_in_a_document_that_is_broken_or_no_object)
{
    struct arena *arena = arena_new((size_t)1 << 16);

    ck_assert_ptr_null(json_find(arena, broken[_i], strlen(broken[_i]), "id"));
    arena_free(arena);
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, the_scalar_at_a_path_is_found, paths);
    ADD_TABLE_TEST(tests, nothing_is_found_in_a_document_that_is_broken_or_no_object, broken);
}

RUN_SUITE(json_find, add_tests)
