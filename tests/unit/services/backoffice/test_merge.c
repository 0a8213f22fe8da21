/*
 * test_merge - lists of services become one list, in one order, without a gap between its pages.
 */
#include "backoffice.h"

#include <string.h>

#include "suite.h"

#define A "01920c5e-0000-7000-8000-00000000000a"
#define B "01920c5e-0000-7000-8000-00000000000b"
#define C "01920c5e-0000-7000-8000-00000000000c"
#define D "01920c5e-0000-7000-8000-00000000000d"

static struct work_item_view of_cart[] = {{.service = "cart", .id = A}, {.service = "cart", .id = D}};
static struct work_item_view of_payment[] = {{.service = "payment", .id = B}, {.service = "payment", .id = C}};

static const struct {
    size_t limit;
    const char *next_of_cart; /* its list goes on */
    const char *ids;          /* the last letters */
    const char *next;
} pages[] = {
    {4, NULL, "abcd", NULL}, {9, NULL, "abcd", NULL}, {3, NULL, "abc", C},
    {1, NULL, "a", A},       {4, D, "abcd", D},       {2, D, "ab", B},
};

START_TEST(work_items_are_merged_by_id)
{
    struct arena *arena = arena_new(1 << 20);
    const struct work_item_list lists[] = {
        {.items = {of_payment, 2}},
        {.items = {of_cart, 2}, .next = pages[_i].next_of_cart},
    };
    struct work_item_list merged = {{0}};

    work_items_merge(arena, lists, COUNT(lists), pages[_i].limit, &merged);

    ck_assert_uint_eq(merged.items.count, strlen(pages[_i].ids));
    for (size_t i = 0; i < merged.items.count; i++)
        ck_assert_int_eq(merged.items.items[i].id[35], pages[_i].ids[i]);
    ck_assert_pstr_eq(merged.next, pages[_i].next);
    arena_free(arena);
}
END_TEST

START_TEST(nothing_merges_to_nothing)
{
    struct arena *arena = arena_new(1 << 20);
    struct work_item_list merged = {{0}};
    struct parked_list parked = {{0}};

    work_items_merge(arena, NULL, 0, 50, &merged);
    parked_merge(arena, NULL, 0, &parked);

    ck_assert_uint_eq(merged.items.count, 0);
    ck_assert_ptr_null(merged.next);
    ck_assert_uint_eq(parked.items.count, 0);
    arena_free(arena);
}
END_TEST

START_TEST(parked_messages_are_merged_by_time)
{
    struct arena *arena = arena_new(1 << 20);
    struct parked_view of_order[] = {{.service = "order", .id = 1, .created_at = 10},
                                     {.service = "order", .id = 2, .created_at = 30}};
    struct parked_view of_checkout[] = {{.service = "checkout", .id = 8, .created_at = 30},
                                        {.service = "checkout", .id = 9, .created_at = 30}};
    const struct parked_list lists[] = {{.items = {of_order, 2}}, {.items = {of_checkout, 2}}};
    const int64_t expected[] = {1, 8, 9, 2};
    struct parked_list merged = {{0}};

    parked_merge(arena, lists, COUNT(lists), &merged);

    ck_assert_uint_eq(merged.items.count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        ck_assert_int_eq(merged.items.items[i].id, expected[i]);
    arena_free(arena);
}
END_TEST

START_TEST(only_services_with_a_desk_are_known)
{
    ck_assert(is_service("order"));
    ck_assert(is_service("notification"));
    ck_assert(!is_service("storefront"));
    ck_assert(!is_service(""));
    ck_assert(!is_service("order/.."));
}
END_TEST

static void add_tests(TCase *tests)
{
    ADD_TABLE_TEST(tests, work_items_are_merged_by_id, pages);
    tcase_add_test(tests, nothing_merges_to_nothing);
    tcase_add_test(tests, parked_messages_are_merged_by_time);
    tcase_add_test(tests, only_services_with_a_desk_are_known);
}

RUN_SUITE(merge, add_tests)
