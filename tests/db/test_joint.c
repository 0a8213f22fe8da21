/* joint: who waits is served together, in one transaction; a refusal is one's own, a failure everybody's. */
#include "joint.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "database.h"
#include "http.h"
#include "needs.h"
#include "pause.h"
#include "suite.h"
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

struct Q_thing_note {
    int64_t id;
    const char *name;
};
OWN_QUERY(thing_note, QUERY_EXEC, "UPDATE thing SET name = $2::text WHERE id = $1::bigint",
          PARAM(thing_note, id, PARAM_INT), PARAM(thing_note, name, PARAM_TEXT));

static const struct query *const queries[] = {&Q_thing_add, &Q_thing_note, &Q_things_lock, NULL};

struct row {
    const char *id;
    const char *name;
    int64_t transaction;
};
static RECORD(row, FIELD(row, id), FIELD(row, name), FIELD(row, transaction));

static const struct rows thing_rows = {&Q_things_lock, &Q_things_lock, &row_record};

/* What a request asks for. */
enum wish {
    ADD,           /* of a thing by its number */
    EXTEND,        /* of the known thing's name, by the number */
    REFUSED,       /* before anything was sent */
    REFUSED_LATER, /* after it */
    GIVEN_UP,      /* without a word: the transaction is not committed */
    BREAKING,      /* by a statement that the server refuses */
};

struct ask {
    enum wish wish;
    int64_t number;
};

struct answer {
    const char *name;
};
static RECORD(answer, FIELD(answer, name));

static struct service *service;
static atomic_bool gate_is_open, gate_is_taken;

static bool join(struct needs *needs, struct ctx *ctx UNUSED, const void *in)
{
    const struct ask *ask = in;

    needs_row(needs, &thing_rows, ask->wish == EXTEND ? "9" : NULL);
    return true;
}

static enum err extend(struct uow *uow, int64_t number, struct answer *ret)
{
    struct row row;
    bool found;

    TRY(rows_take_or_ask(uow, &thing_rows, "9", &row, &found));
    ck_assert(found);
    ret->name = arena_printf(uow->ctx->arena, "%s%d", row.name, (int)number);
    SQL(uow, thing_note, .id = KNOWN_ID, .name = ret->name);
    return ERR_NONE;
}

static enum err handle(struct ctx *ctx, const void *in, void *ret)
{
    const struct ask *ask = in;

    UNIT_OF_WORK(ctx, uow);
    if (ask->wish == REFUSED)
        return FAIL(ctx, CONFLICT, "not %d", (int)ask->number);
    if (ask->wish == EXTEND)
        TRY(extend(uow, ask->number, ret));
    else
        SQL(uow, thing_add, .id = ask->wish == BREAKING ? KNOWN_ID : ask->number, .name = "new");
    if (ask->wish == REFUSED_LATER)
        return FAIL(ctx, CONFLICT, "not %d after all", (int)ask->number);
    return ask->wish == GIVEN_UP ? ERR_NONE : uow_commit(uow);
}

/* Whoever is served alone in front of the party keeps it waiting. */
static enum err wait_at_gate(struct ctx *ctx UNUSED, const void *in UNUSED, void *ret UNUSED)
{
    atomic_store(&gate_is_taken, true);
    while (!atomic_load(&gate_is_open))
        pause_ms(1);
    return ERR_NONE;
}

static const struct route route = {"POST", "/x", .out = &answer_record, .handle = handle, .joins = join};
static const struct route gate_route = {"POST", "/gate", .handle = wait_at_gate, .joins = join};

/* A request and its thread. */
struct guest {
    struct ctx *ctx;
    struct request request;
    struct ask ask;
    struct answer answer;
    enum err err;
    pthread_t thread;
};

static struct guest guests[PARTY];

static void *come(void *of)
{
    struct guest *guest = of;

    guest->err = joint_serve(service->joint, guest->ctx, &guest->ask);
    return NULL;
}

static void start(struct guest *guest, const struct route *to, struct ask ask)
{
    *guest = (struct guest){.ctx = ctx_new(service), .ask = ask};
    guest->request = (struct request){.route = to, .method = "POST", .path = "/x", .query = "", .out = &guest->answer};
    guest->ctx->request = &guest->request;
    ck_assert(joint_may_serve(guest->ctx));
    ck_assert_int_eq(pthread_create(&guest->thread, NULL, come, guest), 0);
}

/* Serves them together, in the order in which they are given. */
static void serve(const struct ask *asks)
{
    struct guest first;

    atomic_store(&gate_is_open, false);
    atomic_store(&gate_is_taken, false);
    start(&first, &gate_route, (struct ask){0});
    while (!atomic_load(&gate_is_taken))
        pause_ms(1);
    for (int i = 0; i < PARTY; i++) {
        start(&guests[i], &route, asks[i]);
        while (joint_waiting(service->joint) < i + 1)
            pause_ms(1);
    }
    atomic_store(&gate_is_open, true);
    for (int i = 0; i < PARTY; i++)
        ck_assert_int_eq(pthread_join(guests[i].thread, NULL), 0);
    ck_assert_int_eq(pthread_join(first.thread, NULL), 0);
    ctx_release(first.ctx);
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
    service->joint = joint_new(service);
}

static void close_all(void)
{
    for (int i = 0; i < PARTY; i++) {
        if (guests[i].ctx != NULL)
            ctx_release(guests[i].ctx);
    }
    joint_free(service->joint);
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
        ck_assert_int_eq(guests[i].err, ERR_NONE);
        ck_assert(guests[i].request.rendered);
    }
    ck_assert_int_eq(added(), 4);
    ck_assert_int_eq(transactions(), 1);
}
END_TEST

START_TEST(of_one_thing_each_sees_what_those_before_made_of_it)
{
    serve((const struct ask[]){{EXTEND, 1}, {EXTEND, 2}, {ADD, 3}, {EXTEND, 4}});
    ck_assert_int_eq(guests[3].err, ERR_NONE);
    ck_assert_str_eq(guests[0].request.answer, "{\"name\":\"known1\"}");
    ck_assert_str_eq(guests[3].request.answer, "{\"name\":\"known124\"}");
    ck_assert_int_eq(database_int("SELECT count(*) FROM thing WHERE name = 'known124'"), 1);
    ck_assert_int_eq(transactions(), 1);
}
END_TEST

START_TEST(a_refusal_leaves_the_others_alone)
{
    serve((const struct ask[]){{ADD, 1}, {REFUSED, 2}, {EXTEND, 3}, {REFUSED, 4}});
    ck_assert_int_eq(guests[0].err, ERR_NONE);
    ck_assert_int_eq(guests[1].err, ERR_CONFLICT);
    ck_assert_str_eq(guests[1].ctx->problem.detail, "not 2");
    ck_assert_int_eq(guests[2].err, ERR_NONE);
    ck_assert_str_eq(guests[3].ctx->problem.detail, "not 4");
    ck_assert_int_eq(added(), 1);
}
END_TEST

/* What spoils the transaction: nothing of it is kept, and each is to be served alone. */
static const enum wish spoilers[] = {REFUSED_LATER, GIVEN_UP, BREAKING};

START_TEST(after_a_failure_all_are_served_alone)
{
    serve((const struct ask[]){{ADD, 1}, {spoilers[_i], 2}, {ADD, 3}, {REFUSED, 4}});
    for (int i = 0; i < PARTY; i++)
        ck_assert_int_eq(guests[i].err, ERR_AGAIN);
    ck_assert_int_eq(added(), 0);

    /* The next party is as good as any. */
    for (int i = 0; i < PARTY; i++)
        ctx_release(guests[i].ctx);
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
        ck_assert_int_eq(guests[i].err, ERR_BUSY);
        ck_assert_str_eq(guests[i].ctx->problem.detail, "could not learn whether the change was committed");
    }
}
END_TEST

START_TEST(a_key_that_is_to_be_claimed_stays_alone)
{
    struct request request = {.route = &route, .key = "key-1"};
    struct ctx *ctx = ctx_new(service);
    struct route own = route;

    ctx->request = &request;
    ck_assert(!joint_may_serve(ctx));
    own.flags = ROUTE_KEY_OWN;
    request.route = &own;
    ck_assert(joint_may_serve(ctx));
    own.joins = NULL;
    ck_assert(!joint_may_serve(ctx));
    ctx->request = NULL;
    ctx_release(ctx);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, who_waits_shares_a_transaction);
    tcase_add_test(tests, of_one_thing_each_sees_what_those_before_made_of_it);
    tcase_add_test(tests, a_refusal_leaves_the_others_alone);
    ADD_TABLE_TEST(tests, after_a_failure_all_are_served_alone, spoilers);
    tcase_add_test(tests, if_nobody_knows_all_are_told_so);
    tcase_add_test(tests, a_key_that_is_to_be_claimed_stays_alone);
}

RUN_SUITE(joint, add_tests)
