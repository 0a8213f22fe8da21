/* joint: who waits is served together, in one transaction; a refusal is one's own, a failure everybody's. */
#include "joint.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "database.h"
#include "dispatch.h"
#include "http.h"
#include "pause.h"
#include "suite.h"
#include "task.h"
#include "thing.h"

#define PARTY 4
#define KNOWN_ID 9

struct Q_things_lock {
    struct texts keys;
};
OWN_QUERY(things_lock, QUERY_MANY,
          "SELECT id::text AS id, name, txid_current() AS transaction FROM thing"
          " WHERE id = ANY ($1::text[]::bigint[]) ORDER BY id FOR UPDATE",
          PARAM(things_lock, keys, PARAM_TEXTS));

struct Q_things_read {
    struct texts keys;
};
OWN_QUERY(things_read, QUERY_MANY,
          "SELECT id::text AS id, name, 0::bigint AS transaction FROM thing WHERE id = ANY ($1::text[]::bigint[])",
          PARAM(things_read, keys, PARAM_TEXTS));

struct Q_thing_note {
    int64_t id;
    const char *name;
};
OWN_QUERY(thing_note, QUERY_EXEC, "UPDATE thing SET name = $2::text WHERE id = $1::bigint",
          PARAM(thing_note, id, PARAM_INT), PARAM(thing_note, name, PARAM_TEXT));

static const struct query *const queries[] = {&Q_thing_add, &Q_thing_note, &Q_things_lock, &Q_things_read, NULL};

struct row {
    const char *id;
    const char *name;
    int64_t transaction;
};
static RECORD(row, FIELD(row, id), FIELD(row, name), FIELD(row, transaction));

static const struct rows thing_rows = {&Q_things_lock, &Q_things_read, &row_record};
static const struct rows shown_rows = {NULL, &Q_things_read, &row_record};

/* What a request asks for. */
enum wish {
    ADD,    /* of a thing by its number */
    EXTEND, /* of the known thing's name, by the number */
    LOOK,   /* at it */
    ALONE,  /* to add a thing, but not with others */
    ADD_TASK,
    ADD_TASK_IN_VAIN, /* and then it is refused */
    REFUSED,          /* before anything was sent */
    REFUSED_LATER,    /* after it */
    GIVEN_UP,         /* without a word: the transaction is not committed */
    BREAKING,         /* by a statement that the server refuses */
};

struct ask {
    enum wish wish;
    int64_t number;
};

static struct service *service;
static atomic_bool gate_is_open, gate_is_taken;

/* One who comes, and its thread. */
struct visitor {
    struct ctx *ctx;
    struct ask ask;
    const char *answer;
    bool was_together;
    enum err err;
    pthread_t thread;
};

static struct visitor visitors[PARTY];

static bool join(struct needs *needs, const struct guest *guest)
{
    const struct visitor *visitor = guest->of;

    needs_row(needs, &thing_rows, visitor->ask.wish == EXTEND ? "9" : NULL);
    needs_row(needs, &shown_rows, visitor->ask.wish == LOOK ? "9" : NULL);
    return visitor->ask.wish != ALONE;
}

static enum err extend(struct uow *uow, struct visitor *visitor)
{
    struct row row;
    bool found;

    TRY(rows_take_or_ask(uow, &thing_rows, "9", &row, &found));
    ck_assert(found);
    visitor->answer = arena_printf(uow->ctx->arena, "%s%d", row.name, (int)visitor->ask.number);
    SQL(uow, thing_note, .id = KNOWN_ID, .name = visitor->answer);
    return ERR_NONE;
}

static enum err look(struct uow *uow, struct visitor *visitor)
{
    struct row row;
    bool found;

    TRY(rows_see_or_ask(uow, &shown_rows, "9", &row, &found));
    ck_assert(found);
    visitor->answer = arena_strdup(uow->ctx->arena, row.name);
    return ERR_NONE;
}

static enum err serve_visitor(const struct guest *guest)
{
    struct visitor *visitor = (struct visitor *)guest->of;
    const struct ask *ask = &visitor->ask;

    visitor->was_together = guest->ctx->joint != NULL;
    UNIT_OF_WORK(guest->ctx, uow);
    if (ask->wish == REFUSED)
        return FAIL(guest->ctx, CONFLICT, "not %d", (int)ask->number);
    if (ask->wish == ADD_TASK || ask->wish == ADD_TASK_IN_VAIN)
        task_add(uow, "wave", "s", arena_printf(guest->ctx->arena, "key-%d", (int)ask->number), "{}", 0);
    else if (ask->wish == EXTEND)
        TRY(extend(uow, visitor));
    else if (ask->wish == LOOK)
        TRY(look(uow, visitor));
    else
        SQL(uow, thing_add, .id = ask->wish == BREAKING ? KNOWN_ID : ask->number, .name = "new");
    if (ask->wish == REFUSED_LATER || ask->wish == ADD_TASK_IN_VAIN)
        return FAIL(guest->ctx, CONFLICT, "not %d after all", (int)ask->number);
    return ask->wish == GIVEN_UP ? ERR_NONE : uow_commit(uow);
}

/* Whoever is served alone in front of the party keeps it waiting. */
static enum err wait_at_gate(const struct guest *guest UNUSED)
{
    atomic_store(&gate_is_taken, true);
    while (!atomic_load(&gate_is_open))
        pause_ms(1);
    return ERR_NONE;
}

static void *come(void *of)
{
    struct visitor *visitor = of;
    const struct guest guest = {visitor->ctx, visitor, join, serve_visitor};

    visitor->err = joint_serve(&guest);
    return NULL;
}

static void *come_first(void *of)
{
    const struct guest guest = {.ctx = of, .serve = wait_at_gate};

    ck_assert_int_eq(joint_serve(&guest), ERR_NONE);
    return NULL;
}

/* Serves them together, in the order in which they are given. */
static void serve(const struct ask *asks)
{
    struct ctx *ctx = ctx_new(service);
    pthread_t first;

    atomic_store(&gate_is_open, false);
    atomic_store(&gate_is_taken, false);
    ck_assert_int_eq(pthread_create(&first, NULL, come_first, ctx), 0);
    while (!atomic_load(&gate_is_taken))
        pause_ms(1);
    for (int i = 0; i < PARTY; i++) {
        visitors[i] = (struct visitor){.ctx = ctx_new(service), .ask = asks[i]};
        ck_assert_int_eq(pthread_create(&visitors[i].thread, NULL, come, &visitors[i]), 0);
        while (joint_waiting(service->joint) < i + 1)
            pause_ms(1);
    }
    atomic_store(&gate_is_open, true);
    for (int i = 0; i < PARTY; i++)
        ck_assert_int_eq(pthread_join(visitors[i].thread, NULL), 0);
    ck_assert_int_eq(pthread_join(first, NULL), 0);
    ctx_release(ctx);
}

static bool name_nothing(struct needs *needs UNUSED, struct ctx *ctx UNUSED, const void *in UNUSED)
{
    return true;
}

static void open_all(void)
{
    database_open_common();
    database_run(THING_TABLE
                 "INSERT INTO thing VALUES (9, 'known');"
                 "CREATE TABLE writes (xid bigint DEFAULT txid_current());"
                 "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                 " INSERT INTO writes DEFAULT VALUES; RETURN NULL; END $$;"
                 "CREATE TRIGGER note AFTER INSERT OR UPDATE ON thing FOR EACH ROW EXECUTE FUNCTION note()");
    service = database_service(queries, 2);
}

static void close_all(void)
{
    for (int i = 0; i < PARTY; i++) {
        if (visitors[i].ctx != NULL)
            ctx_release(visitors[i].ctx);
    }
    database_service_free(service);
    database_close();
}

static int64_t added(void)
{
    return database_int("SELECT count(*) FROM thing WHERE name = 'new'");
}

static int64_t transactions(void)
{
    return database_int("SELECT count(DISTINCT xid) FROM writes");
}

START_TEST(who_waits_shares_a_transaction)
{
    serve((const struct ask[]){{ADD, 1}, {ADD, 2}, {ADD, 3}, {ADD, 4}});
    for (int i = 0; i < PARTY; i++) {
        ck_assert_int_eq(visitors[i].err, ERR_NONE);
        ck_assert(visitors[i].was_together);
    }
    ck_assert_int_eq(added(), 4);
    ck_assert_int_eq(transactions(), 1);
}
END_TEST

START_TEST(of_one_thing_each_sees_what_those_before_made_of_it)
{
    serve((const struct ask[]){{EXTEND, 1}, {EXTEND, 2}, {ADD, 3}, {EXTEND, 4}});
    ck_assert_int_eq(visitors[3].err, ERR_NONE);
    ck_assert_str_eq(visitors[0].answer, "known1");
    ck_assert_str_eq(visitors[3].answer, "known124");
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing WHERE name = 'known124'"), 1);
    ck_assert_int_eq(transactions(), 1);
}
END_TEST

START_TEST(who_only_looks_sees_what_was_before)
{
    serve((const struct ask[]){{EXTEND, 1}, {LOOK, 0}, {EXTEND, 3}, {LOOK, 0}});
    ck_assert_str_eq(visitors[1].answer, "known");
    ck_assert_str_eq(visitors[2].answer, "known13");
    ck_assert_str_eq(visitors[3].answer, "known");
    ck_assert_int_eq(transactions(), 1);
}
END_TEST

START_TEST(a_refusal_leaves_the_others_alone)
{
    serve((const struct ask[]){{ADD, 1}, {REFUSED, 2}, {EXTEND, 3}, {REFUSED, 4}});
    ck_assert_int_eq(visitors[0].err, ERR_NONE);
    ck_assert_int_eq(visitors[1].err, ERR_CONFLICT);
    ck_assert_str_eq(visitors[1].ctx->problem.detail, "not 2");
    ck_assert_int_eq(visitors[2].err, ERR_NONE);
    ck_assert_str_eq(visitors[3].ctx->problem.detail, "not 4");
    ck_assert_int_eq(added(), 1);
}
END_TEST

/* What spoils the transaction: nothing of it is kept, and each is to be served alone. */
static const enum wish spoilers[] = {REFUSED_LATER, GIVEN_UP, BREAKING};

START_TEST(after_a_failure_all_are_served_alone)
{
    serve((const struct ask[]){{ADD, 1}, {spoilers[_i], 2}, {ADD, 3}, {REFUSED, 4}});
    for (int i = 0; i < PARTY; i++)
        ck_assert_int_eq(visitors[i].err, ERR_AGAIN);
    ck_assert_int_eq(added(), 0);

    /* The next party is as good as any. */
    for (int i = 0; i < PARTY; i++)
        ctx_release(visitors[i].ctx);
    serve((const struct ask[]){{ADD, 1}, {ADD, 2}, {ADD, 3}, {ADD, 4}});
    ck_assert_int_eq(added(), 4);
}
END_TEST

START_TEST(if_nobody_knows_all_are_told_so)
{
    database_run("CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                 " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
                 "CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON thing DEFERRABLE INITIALLY DEFERRED"
                 " FOR EACH ROW EXECUTE FUNCTION cut()");
    serve((const struct ask[]){{ADD, 1}, {ADD, 2}, {ADD, 3}, {ADD, 4}});
    for (int i = 0; i < PARTY; i++) {
        ck_assert_int_eq(visitors[i].err, ERR_BUSY);
        ck_assert_str_eq(visitors[i].ctx->problem.detail, "could not learn whether the change was committed");
    }
}
END_TEST

START_TEST(who_does_not_join_is_left_out)
{
    serve((const struct ask[]){{ADD, 1}, {ALONE, 2}, {ADD, 3}, {ADD, 4}});
    ck_assert_int_eq(visitors[1].err, ERR_AGAIN);
    ck_assert_int_eq(added(), 3);
    ck_assert_int_eq(transactions(), 1);
}
END_TEST

START_TEST(tasks_of_all_are_written_once_but_for_those_of_the_refused)
{
    serve((const struct ask[]){{ADD_TASK, 1}, {ADD_TASK_IN_VAIN, 2}, {ADD, 3}, {ADD_TASK, 4}});
    ck_assert_int_eq(visitors[1].err, ERR_CONFLICT);
    ck_assert_int_eq(visitors[3].err, ERR_NONE);
    ck_assert_int_eq(added(), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM task WHERE key IN ('key-1', 'key-4') AND state = 'due'"), 2);
    ck_assert_int_eq(database_int("SELECT count(*) FROM task"), 2);
    ck_assert_int_eq(database_int("SELECT count(DISTINCT xmin::text) FROM task"), 1);
}
END_TEST

START_TEST(a_key_that_is_to_be_claimed_stays_alone)
{
    struct request request = {.route = &(struct route){.joins = name_nothing}, .key = "key-1"};
    struct ctx *ctx = ctx_new(service);

    ctx->request = &request;
    ck_assert(!request_may_join(ctx));
    request.key = NULL;
    ck_assert(request_may_join(ctx));
    request.key = "key-1";
    request.route = &(struct route){.joins = name_nothing, .flags = ROUTE_KEY_OWN};
    ck_assert(request_may_join(ctx));
    request.route = &(struct route){.flags = ROUTE_KEY_OWN};
    ck_assert(!request_may_join(ctx));
    ctx->request = NULL;
    ctx_release(ctx);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, who_waits_shares_a_transaction);
    tcase_add_test(tests, of_one_thing_each_sees_what_those_before_made_of_it);
    tcase_add_test(tests, who_only_looks_sees_what_was_before);
    tcase_add_test(tests, a_refusal_leaves_the_others_alone);
    ADD_TABLE_TEST(tests, after_a_failure_all_are_served_alone, spoilers);
    tcase_add_test(tests, if_nobody_knows_all_are_told_so);
    tcase_add_test(tests, who_does_not_join_is_left_out);
    tcase_add_test(tests, tasks_of_all_are_written_once_but_for_those_of_the_refused);
    tcase_add_test(tests, a_key_that_is_to_be_claimed_stays_alone);
}

RUN_SUITE(joint, add_tests)
