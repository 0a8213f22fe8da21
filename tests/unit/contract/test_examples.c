/*
 * Every example in proto/ says what its schema says: it decodes with its record and comes out again as it went in.
 *
 * Each event example is also decoded with members of tomorrow added, which listeners must ignore; each HTTP body with
 * one, which must be an error that names it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ctx.h"
#include "event.h"
#include "json.h"
#include "proto/examples.h"

#define MEMORY_MAX ((size_t)4 * 1024 * 1024)

static struct arena *arena;
static struct ctx ctx;

static void setup(void)
{
    arena = arena_new(MEMORY_MAX);
    ctx = (struct ctx){.arena = arena};
}

static void teardown(void)
{
    arena_free(arena);
}

/* Decodes into a fresh struct; NULL if it can't be. */
static void *decode(const struct example *example, const char *json)
{
    enum json_mode mode = example->closed ? JSON_CLOSED : JSON_OPEN;
    void *value = arena_alloc(arena, example->record->size);

    return json_decode(&ctx, example->record, json, strlen(json), mode, value) == ERR_NONE ? value : NULL;
}

static const char *first_complaint(void)
{
    const struct problem *problem = &ctx.problem;

    if (problem->error_count > 0)
        return arena_printf(arena, "%s %s", problem->errors[0].field, problem->errors[0].message);
    return problem->detail != NULL ? problem->detail : "no complaint";
}

START_TEST(example_comes_out_as_it_went_in)
{
    const struct example *example = &examples[_i];
    const void *value = decode(example, example->json);

    ck_assert_msg(value != NULL, "%s does not decode: %s", example->file, first_complaint());
    ck_assert_str_eq(json_encode(arena, example->record, value), example->canonical);
    value = decode(example, example->canonical);
    ck_assert_msg(value != NULL, "%s does not decode again: %s", example->file, first_complaint());
    ck_assert_str_eq(json_encode(arena, example->record, value), example->canonical);
}
END_TEST

START_TEST(unknown_member_is_ignored_in_events_and_named_in_bodies)
{
    const struct example *example = &examples[_i];
    const char *rest = example->json + 1;
    const char *json = arena_printf(arena, "{\"of_tomorrow\":[{}]%s%s", *rest == '}' ? "" : ",", rest);
    const void *value = decode(example, json);

    if (example->closed) {
        ck_assert_msg(value == NULL, "%s takes an unknown member", example->file);
        ck_assert_ptr_nonnull(strstr(first_complaint(), "of_tomorrow"));
    } else {
        ck_assert_msg(value != NULL, "%s: %s", example->file, first_complaint());
        ck_assert_str_eq(json_encode(arena, example->record, value), example->canonical);
    }
}
END_TEST

START_TEST(empty_object_misses_what_is_required)
{
    const struct example *example = &examples[_i];
    bool required = false;

    for (size_t i = 0; i < example->record->count; i++)
        required = required || (example->record->fields[i].flags & FIELD_REQUIRED) != 0;
    ck_assert_msg((decode(example, "{}") == NULL) == required, "%s", example->file);
}
END_TEST

START_TEST(every_event_type_has_an_example)
{
    for (size_t i = 0; event_types[i] != NULL; i++) {
        size_t found = 0;
        for (const struct example *example = examples; example->file != NULL; example++)
            found += example->record == event_types[i]->record;
        ck_assert_msg(found > 0, "%s has none", event_types[i]->type);
    }
}
END_TEST

START_TEST(every_event_type_has_a_topic_and_a_name_of_its_own)
{
    for (size_t i = 0; event_types[i] != NULL; i++) {
        bool found = false;
        for (const struct topic *topic = event_topics; topic->name != NULL; topic++)
            found = found || strcmp(topic->name, event_types[i]->topic) == 0;
        ck_assert_msg(found, "%s has no topic", event_types[i]->type);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(event_types[j]->type, event_types[i]->type);
    }
}
END_TEST

START_TEST(topics_have_partitions_and_an_end)
{
    for (const struct topic *topic = event_topics; topic->name != NULL; topic++) {
        ck_assert_int_gt(topic->partitions, 0);
        ck_assert_msg(topic->compacted == (topic->retention_ms < 0), "%s", topic->name);
    }
}
END_TEST

int main(void)
{
    int count = 0;

    while (examples[count].file != NULL)
        count++;

    TCase *each = tcase_create("each example");
    tcase_add_checked_fixture(each, setup, teardown);
    tcase_add_loop_test(each, example_comes_out_as_it_went_in, 0, count);
    tcase_add_loop_test(each, unknown_member_is_ignored_in_events_and_named_in_bodies, 0, count);
    tcase_add_loop_test(each, empty_object_misses_what_is_required, 0, count);

    TCase *all = tcase_create("all");
    tcase_add_test(all, every_event_type_has_an_example);
    tcase_add_test(all, every_event_type_has_a_topic_and_a_name_of_its_own);
    tcase_add_test(all, topics_have_partitions_and_an_end);

    Suite *suite = suite_create("contract");
    suite_add_tcase(suite, each);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
