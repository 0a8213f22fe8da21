/* rows: taken once, asked for where they are not, and new where another transaction had them locked. */
#include "rows.h"

#include <pthread.h>

#include "database.h"
#include "statements.h"
#include "suite.h"

#define SHELF_A "019aa8e2-0000-7000-8000-00000000000a"
#define SHELF_B "019aa8e2-0000-7000-8000-00000000000b"
#define SHELF_C "019aa8e2-0000-7000-8000-00000000000c"

#define SHELF "SELECT id, name, (SELECT count(*) FROM item WHERE shelf_id = shelf.id) AS items FROM shelf"
#define THESE " WHERE id = ANY ($1::text[]::uuid[]) ORDER BY id"

struct Q_shelves_lock {
    struct texts keys;
};
OWN_QUERY(shelves_lock, QUERY_MANY, "SELECT id FROM shelf" THESE " FOR UPDATE", PARAM(shelves_lock, keys, PARAM_TEXTS));

struct Q_shelves_read {
    struct texts keys;
};
OWN_QUERY(shelves_read, QUERY_MANY, SHELF THESE, PARAM(shelves_read, keys, PARAM_TEXTS));

struct Q_shelves_lock_and_read {
    struct texts keys;
};
OWN_QUERY(shelves_lock_and_read, QUERY_MANY, SHELF THESE " FOR UPDATE",
          PARAM(shelves_lock_and_read, keys, PARAM_TEXTS));

struct Q_shelf_rename {
    const char *id;
    const char *name;
};
OWN_QUERY(shelf_rename, QUERY_EXEC, "UPDATE shelf SET name = $2::text WHERE id = $1::uuid",
          PARAM(shelf_rename, id, PARAM_TEXT), PARAM(shelf_rename, name, PARAM_TEXT));

static const struct query *const queries[] = {&Q_shelves_lock, &Q_shelves_read, &Q_shelves_lock_and_read,
                                              &Q_shelf_rename, NULL};

struct shelf {
    const char *id;
    const char *name;
    int64_t items;
};
static RECORD(shelf, FIELD(shelf, id), FIELD(shelf, name), FIELD(shelf, items));

static const struct rows shelf_rows = {&Q_shelves_lock, &Q_shelves_read, &shelf_record};
static const struct rows other_rows = {&Q_shelves_lock_and_read, &Q_shelves_lock_and_read, &shelf_record};

static struct service *service;
static struct ctx *ctx;

static void open_all(void)
{
    database_open_common();
    database_run("CREATE TABLE shelf (id uuid PRIMARY KEY, name text);"
                 "CREATE TABLE item (shelf_id uuid);"
                 "INSERT INTO shelf VALUES ('" SHELF_A "', 'a'), ('" SHELF_B "', 'b'), ('" SHELF_C "', 'c');"
                 "INSERT INTO item VALUES ('" SHELF_A "')");
    service = database_service(queries, 2);
    ctx = ctx_new(service);
}

static void close_all(void)
{
    ctx_release(ctx);
    database_service_free(service);
    database_close();
}

/* Locks and brings shelves A and B, as a batch does. */
static enum err bring(struct uow *uow, const struct rows *rows)
{
    const struct texts keys = {(const char *[]){SHELF_A, SHELF_B}, 2};

    if (rows->lock != rows->read)
        query_lock(uow, rows->lock, &keys);
    rows_bring(uow, rows, &keys);
    return uow_sync(uow);
}

static enum err take_each(void)
{
    struct shelf shelf;

    UNIT_OF_WORK(ctx, uow);
    ck_assert(!rows_take(uow, &shelf_rows, SHELF_A, &shelf));
    TRY(bring(uow, &shelf_rows));
    ck_assert(rows_take(uow, &shelf_rows, SHELF_A, &shelf));
    ck_assert_str_eq(shelf.name, "a");
    ck_assert_int_eq(shelf.items, 1);
    ck_assert(!rows_take(uow, &shelf_rows, SHELF_A, &shelf));
    ck_assert(!rows_take(uow, &shelf_rows, SHELF_C, &shelf));
    ck_assert(!rows_take(uow, &shelf_rows, "019AA8E2-0000-7000-8000-00000000000B", &shelf));
    ck_assert(!rows_take(uow, &other_rows, SHELF_B, &shelf));
    ck_assert(rows_take(uow, &shelf_rows, SHELF_B, &shelf));
    ck_assert_str_eq(shelf.name, "b");
    return uow_commit(uow);
}

START_TEST(a_row_is_taken_once_under_its_own_key)
{
    ck_assert_int_eq(take_each(), ERR_NONE);
}
END_TEST

static enum err ask_for_the_rest(void)
{
    struct shelf shelf;
    bool found;

    UNIT_OF_WORK(ctx, uow);
    TRY(bring(uow, &shelf_rows));
    TRY(rows_take_or_ask(uow, &shelf_rows, SHELF_A, &shelf, &found));
    ck_assert(found);
    SQL(uow, shelf_rename, .id = SHELF_A, .name = "ours");
    TRY(rows_take_or_ask(uow, &shelf_rows, SHELF_A, &shelf, &found));
    ck_assert(found);
    ck_assert_str_eq(shelf.name, "ours");
    TRY(rows_take_or_ask(uow, &shelf_rows, SHELF_C, &shelf, &found));
    ck_assert(found);
    ck_assert_str_eq(shelf.name, "c");
    TRY(rows_take_or_ask(uow, &shelf_rows, "019aa8e2-0000-7000-8000-00000000000d", &shelf, &found));
    ck_assert(!found);
    return uow_commit(uow);
}

START_TEST(what_is_not_here_or_was_taken_is_asked_for)
{
    ck_assert_int_eq(ask_for_the_rest(), ERR_NONE);
}
END_TEST

static enum err bring_and_give_up(void)
{
    UNIT_OF_WORK(ctx, uow);
    TRY(bring(uow, &shelf_rows));
    return ERR_AGAIN;
}

static enum err find_nothing(void)
{
    struct shelf shelf;

    UNIT_OF_WORK(ctx, uow);
    ck_assert(!rows_take(uow, &shelf_rows, SHELF_A, &shelf));
    return uow_commit(uow);
}

START_TEST(a_row_does_not_outlive_its_unit_of_work)
{
    ck_assert_int_eq(bring_and_give_up(), ERR_AGAIN);
    ck_assert_int_eq(find_nothing(), ERR_NONE);
}
END_TEST

static enum err give_back(void)
{
    struct shelf shelf, asked;
    bool found;

    UNIT_OF_WORK(ctx, uow);
    TRY(bring(uow, &shelf_rows));
    ck_assert(rows_take(uow, &shelf_rows, SHELF_A, &shelf));
    shelf.name = "new";
    rows_give_back(uow, &shelf_rows, &shelf);
    ck_assert(rows_take(uow, &shelf_rows, SHELF_A, &shelf));
    ck_assert_str_eq(shelf.name, "new");
    ck_assert(!rows_take(uow, &shelf_rows, SHELF_A, &shelf));

    /* What never came along has no place here. */
    ck_assert(rows_take(uow, &shelf_rows, SHELF_B, &shelf));
    rows_give_back(uow, &shelf_rows, &shelf);
    TRY(rows_take_or_ask(uow, &other_rows, SHELF_C, &asked, &found));
    rows_give_back(uow, &other_rows, &asked);
    ck_assert(!rows_take(uow, &other_rows, SHELF_C, &asked));
    return uow_commit(uow);
}

START_TEST(what_is_given_back_is_there_again)
{
    ck_assert_int_eq(give_back(), ERR_NONE);
}
END_TEST

static enum err go_back(void)
{
    struct shelf shelf;
    bool found;

    UNIT_OF_WORK(ctx, uow);
    TRY(bring(uow, &shelf_rows));
    TRY(uow_savepoint(uow));
    ck_assert(rows_take(uow, &shelf_rows, SHELF_A, &shelf));
    shelf.name = "undone";
    SQL(uow, shelf_rename, .id = SHELF_A, .name = shelf.name);
    rows_give_back(uow, &shelf_rows, &shelf);
    TRY(uow_rollback_to_savepoint(uow));
    TRY(rows_take_or_ask(uow, &shelf_rows, SHELF_A, &shelf, &found));
    ck_assert_str_eq(shelf.name, "a");
    ck_assert_int_eq(database_int("SELECT count(*) FROM (SELECT FROM shelf FOR UPDATE SKIP LOCKED) AS free"), 1);
    return uow_commit(uow);
}

START_TEST(locks_outlive_a_point_of_return_and_rows_do_not)
{
    ck_assert_int_eq(go_back(), ERR_NONE);
}
END_TEST

struct waiting {
    const struct rows *rows;
    struct shelf shelf;
    char name[10];
    enum err err;
};

static enum err take_in(struct ctx *own, struct waiting *waiting)
{
    UNIT_OF_WORK(own, uow);
    TRY(bring(uow, waiting->rows));
    ck_assert(rows_take(uow, waiting->rows, SHELF_A, &waiting->shelf));
    snprintf(waiting->name, sizeof(waiting->name), "%s", waiting->shelf.name);
    return uow_commit(uow);
}

static void *take_in_thread(void *of)
{
    struct waiting *waiting = of;
    struct ctx *own = ctx_new(service);

    waiting->err = take_in(own, waiting);
    ctx_release(own);
    return NULL;
}

/* The last one is why a kind whose rows have children is read behind its lock. */
static const struct {
    const struct rows *rows;
    int items;
} waits[] = {{&shelf_rows, 2}, {&other_rows, 1}};

START_TEST(a_row_that_was_waited_for_is_as_new_as_the_lock_and_its_children_only_behind_it)
{
    struct waiting waiting = {.rows = waits[_i].rows};
    pthread_t thread;

    database_run("BEGIN; UPDATE shelf SET name = 'new' WHERE id = '" SHELF_A "';"
                 "INSERT INTO item VALUES ('" SHELF_A "')");
    ck_assert_int_eq(pthread_create(&thread, NULL, take_in_thread, &waiting), 0);
    database_await("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))",
                   1);
    database_run("COMMIT");
    pthread_join(thread, NULL);
    ck_assert_int_eq(waiting.err, ERR_NONE);
    ck_assert_str_eq(waiting.name, "new");
    ck_assert_int_eq(waiting.shelf.items, waits[_i].items);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_row_is_taken_once_under_its_own_key);
    tcase_add_test(tests, what_is_not_here_or_was_taken_is_asked_for);
    tcase_add_test(tests, a_row_does_not_outlive_its_unit_of_work);
    tcase_add_test(tests, locks_outlive_a_point_of_return_and_rows_do_not);
    tcase_add_test(tests, what_is_given_back_is_there_again);
    ADD_TABLE_TEST(tests, a_row_that_was_waited_for_is_as_new_as_the_lock_and_its_children_only_behind_it, waits);
}

RUN_SUITE(rows, add_tests)
