/* migrate: order, repetition, refusals, two copies at once. */
#include <pthread.h>

#include "database.h"
#include "suite.h"

static const struct migration first = {1, "0001_a.sql", "aaaa", "CREATE TABLE a (x int); INSERT INTO a VALUES (1);"};
static const struct migration second = {2, "0002_b.sql", "bbbb", "ALTER TABLE a ADD COLUMN y int DEFAULT 2;"};
static const struct migration changed = {1, "0001_a.sql", "cccc", "CREATE TABLE a (x bigint);"};
static const struct migration broken = {2, "0002_b.sql", "bbbb", "INSERT INTO a VALUES (2); SELECT nothing;"};
static const struct migration ending = {2, "0002_b.sql", "bbbb", "INSERT INTO a VALUES (2); COMMIT;"};
static const struct migration third = {3, "0003_c.sql", "dddd", "SELECT 1;"};
static const struct migration slow = {1, "0001_a.sql", "aaaa", "CREATE TABLE a (x int); SELECT pg_sleep(0.3);"};

static bool migrate_own(const struct migration *list, size_t count)
{
    return migrate(database_conninfo(), NULL, 0, list, count);
}

START_TEST(migrations_are_applied_once_and_in_order)
{
    const struct migration list[] = {first, second};

    ck_assert(migrate_own(list, 1));
    ck_assert(migrate_own(list, 2));
    ck_assert(migrate_own(list, 2));
    ck_assert_int_eq(database_int("SELECT y FROM a"), 2);
    ck_assert_str_eq(database_text("SELECT string_agg(part || number || name || sha256, ' ' ORDER BY number)"
                                   " FROM schema_migration"),
                     "own10001_a.sqlaaaa own20002_b.sqlbbbb");
}
END_TEST

START_TEST(common_and_own_are_numbered_apart)
{
    const struct migration own = {1, "0001_z.sql", "eeee", "CREATE TABLE z AS SELECT x FROM a;"};

    ck_assert(migrate(database_conninfo(), &first, 1, &own, 1));
    ck_assert_int_eq(database_int("SELECT x FROM z"), 1);
}
END_TEST

START_TEST(a_changed_file_is_refused)
{
    ck_assert(migrate_own(&first, 1));
    ck_assert(!migrate_own(&changed, 1));
    ck_assert_int_eq(database_int("SELECT count(*) FROM schema_migration WHERE sha256 = 'aaaa'"), 1);
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
    const struct migration list[] = {first, second};

    ck_assert(migrate_own(list, 2));
    ck_assert(!migrate_own(list, 1));
}
END_TEST

START_TEST(holes_are_refused)
{
    const struct migration list[] = {first, third};
    const struct migration whole[] = {first, second, third};

    ck_assert(!migrate_own(list, 2));
    ck_assert(migrate_own(whole, 3));
    database_run("DELETE FROM schema_migration WHERE number = 2");
    ck_assert(!migrate_own(whole, 3));
}
END_TEST

START_TEST(a_migration_that_fails_leaves_nothing_behind)
{
    const struct migration bad[] = {first, broken};
    const struct migration good[] = {first, second};

    ck_assert(!migrate_own(bad, 2));
    ck_assert_int_eq(database_int("SELECT count(*) FROM a"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM schema_migration"), 1);
    ck_assert(migrate_own(good, 2));
}
END_TEST

START_TEST(a_migration_may_not_end_its_transaction)
{
    const struct migration list[] = {first, ending};

    ck_assert(!migrate_own(list, 2));
    ck_assert_int_eq(database_int("SELECT count(*) FROM schema_migration"), 1);
}
END_TEST

static void *migrate_slowly(void *ret)
{
    const struct migration list[] = {slow, second};

    *(bool *)ret = migrate_own(list, 2);
    return NULL;
}

START_TEST(copies_that_start_together_wait_for_each_other)
{
    pthread_t threads[4];
    bool done[COUNT(threads)] = {false};

    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_create(&threads[i], NULL, migrate_slowly, &done[i]);
    for (size_t i = 0; i < COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        ck_assert(done[i]);
    }
    ck_assert_int_eq(database_int("SELECT count(*) FROM schema_migration"), 2);
}
END_TEST

START_TEST(without_a_database_or_a_schema_it_says_no)
{
    char conninfo[2048];

    ck_assert(!migrate("host=127.0.0.1 port=1", &first, 1, NULL, 0));
    snprintf(conninfo, sizeof(conninfo), "%s options='-c search_path=nowhere'", database_conninfo());
    ck_assert(!migrate(conninfo, &first, 1, NULL, 0));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, database_open, database_close);
    tcase_add_test(tests, migrations_are_applied_once_and_in_order);
    tcase_add_test(tests, common_and_own_are_numbered_apart);
    tcase_add_test(tests, a_changed_file_is_refused);
    tcase_add_test(tests, a_newer_schema_is_refused);
    tcase_add_test(tests, holes_are_refused);
    tcase_add_test(tests, a_migration_that_fails_leaves_nothing_behind);
    tcase_add_test(tests, a_migration_may_not_end_its_transaction);
    tcase_add_test(tests, copies_that_start_together_wait_for_each_other);
    tcase_add_test(tests, without_a_database_or_a_schema_it_says_no);
}

RUN_SUITE(migrate, add_tests)
