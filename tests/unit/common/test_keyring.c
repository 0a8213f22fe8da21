/*
 * test_keyring - the list of keys is read strictly, and a key finds its holder only whole.
 */
#include "keyring.h"

#include <string.h>

#include "suite.h"

#define KEY_A "aaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbb"

static const struct {
    const char *text;
    int count; /* -1: refused */
    const char *why;
} lists[] = {
    {"", 0, NULL},
    {"clerk-anna:orders stock:" KEY_A, 1, NULL},
    {"clerk-anna:orders stock:" KEY_A ",erp:catalog:" KEY_B, 2, NULL},
    {"nobody::" KEY_A, 1, NULL},
    {"erp:catalog:key:with:colons:" KEY_A, 1, NULL},
    {"clerk-anna", -1, "an entry is not name:rights:key"},
    {"clerk-anna:" KEY_A, -1, "an entry is not name:rights:key"},
    {":orders:" KEY_A, -1, "a name is not a word of 1 to 60 letters, digits and ._-"},
    {"anna smith:orders:" KEY_A, -1, "a name is not a word of 1 to 60 letters, digits and ._-"},
    {"anna:Orders:" KEY_A, -1, "rights are not lower-case words with single spaces between"},
    {"anna:orders  stock:" KEY_A, -1, "rights are not lower-case words with single spaces between"},
    {"anna: orders:" KEY_A, -1, "rights are not lower-case words with single spaces between"},
    {"anna:orders :" KEY_A, -1, "rights are not lower-case words with single spaces between"},
    {"anna:orders:aaaaaaaaaaaaaaa", -1, "a key is not 16 to 256 visible ASCII characters"},
    {"anna:orders:aaaaaaaa aaaaaaaaa", -1, "a key is not 16 to 256 visible ASCII characters"},
    {"anna:orders:" KEY_A ",bert:stock:" KEY_A, -1, "two entries have the same key"},
    {"anna:orders:" KEY_A ",,", -1, "an entry is not name:rights:key"},
};

START_TEST(a_list_is_read_or_refused_without_quoting_it)
{
    struct arena *arena = arena_new(1 << 20);
    const char *why = NULL;

    const struct keyring *keyring = keyring_read(arena, lists[_i].text, &why);

    if (lists[_i].count < 0) {
        ck_assert_ptr_null(keyring);
        ck_assert_str_eq(why, lists[_i].why);
    } else {
        ck_assert_ptr_nonnull(keyring);
        ck_assert_int_eq((int)keyring->count, lists[_i].count);
    }
    arena_free(arena);
}
END_TEST

static const struct {
    const char *key;
    const char *name; /* NULL: nobody's */
} keys[] = {
    {KEY_A, "anna"}, {KEY_B, "erp"},    {NULL, NULL},      {"", NULL},
    {"a", NULL},     {KEY_A "a", NULL}, {KEY_A " ", NULL}, {"Aaaaaaaaaaaaaaaa", NULL},
};

START_TEST(a_key_finds_its_holder)
{
    struct arena *arena = arena_new(1 << 20);
    const char *why = NULL;
    const struct keyring *keyring = keyring_read(arena, "anna:orders stock:" KEY_A ",erp:catalog:" KEY_B, &why);

    const struct key_holder *holder = keyring_find(keyring, arena, keys[_i].key);

    if (keys[_i].name == NULL) {
        ck_assert_ptr_null(holder);
    } else {
        ck_assert_ptr_nonnull(holder);
        ck_assert_str_eq(holder->name, keys[_i].name);
    }
    arena_free(arena);
}
END_TEST

START_TEST(a_key_is_kept_as_a_hash_only)
{
    struct arena *arena = arena_new(1 << 20);
    const char *why = NULL;

    const struct keyring *keyring = keyring_read(arena, "anna:orders stock:" KEY_A, &why);

    ck_assert_str_eq(keyring->holders[0].rights, "orders stock");
    ck_assert_int_eq((int)strlen(keyring->holders[0].hash), 64);
    ck_assert_ptr_null(strstr(keyring->holders[0].hash, KEY_A));
    arena_free(arena);
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, a_list_is_read_or_refused_without_quoting_it, lists);
    ADD_TABLE_TEST(tests, a_key_finds_its_holder, keys);
    tcase_add_test(tests, a_key_is_kept_as_a_hash_only);
}

RUN_SUITE(keyring, add_tests)
