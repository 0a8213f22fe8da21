/* relay: what is committed is published, in order, by one copy at a time, again after a crash, and never lost. */
#include <string.h>
#include <unistd.h>

#include "bus.h"
#include "clock.h"
#include "metrics.h"
#include "outbox.h"
#include "suite.h"
#include "uow.h"

#define TYPE "waybill.test.pinged.v1"

static struct event_type pinged = {.type = TYPE, .record = &bus_ping_record};
static struct service *service;
static struct arena *arena;
static const char *topic;

static void open_all(void)
{
    database_open_common();
    service = bus_service("relaytest", NULL);
    arena = arena_new(64 << 20);
    topic = bus_topic("told");
    bus_make_topic(service->kafka, topic, 3);
    pinged.topic = topic;
}

static void close_all(void)
{
    relay_stop(service->relay);
    bus_service_free(service);
    arena_free(arena);
    database_close();
}

/* Another copy of the same process. */
static struct service *copy_open(void)
{
    struct service *copy = bus_service("relaytest", NULL);

    bus_make_topic(copy->kafka, topic, 3); /* as each start does: it also looks up the leaders */
    copy->relay = relay_start(copy);
    return copy;
}

static void copy_close(struct service *copy)
{
    relay_stop(copy->relay);
    bus_service_free(copy);
}

static enum err try_tell(struct ctx *ctx, const char *key, int64_t first, int count)
{
    struct aggregate aggregate = {.id = key, .version = first - 1};

    UNIT_OF_WORK(ctx, uow);
    for (int i = 0; i < count; i++)
        TRY(event_emit(uow, &pinged, &aggregate, &(struct ping){.note = key, .number = first + i}));
    return uow_commit(uow);
}

/* Commits events of one key with versions from `first` on. */
static void tell(struct service *by, const char *key, int64_t first, int count)
{
    struct ctx *ctx = ctx_new(by);

    ck_assert_int_eq(try_tell(ctx, key, first, count), ERR_NONE);
    ctx_release(ctx);
}

static void await_published(int64_t count)
{
    database_await("SELECT count(*) FROM outbox", 0);
    database_await("SELECT count(*) FROM outbox_history", count);
}

static const char key_a[] = "00000000-0000-7000-8000-00000000000a";
static const char key_b[] = "00000000-0000-7000-8000-00000000000b";

START_TEST(what_is_committed_is_published_in_order_and_kept)
{
    struct message read[201];
    int64_t last[2] = {0};

    service->relay = relay_start(service);
    for (int i = 0; i < 10; i++) {
        tell(service, key_a, i * 10 + 1, 10);
        tell(service, key_b, i * 10 + 1, 10);
    }
    await_published(200);
    ck_assert_uint_eq(bus_read_all(service->kafka, arena, topic, 200, read, 201), 200);

    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(read[i].sequence, ++last[strcmp(read[i].key, key_b) == 0]);
}
END_TEST

START_TEST(what_was_rolled_back_is_never_published)
{
    struct message read[3];
    struct ctx *ctx = ctx_new(service);
    struct aggregate aggregate = {.id = key_a};
    struct uow uow = {0};

    service->relay = relay_start(service);
    ck_assert_int_eq(uow_open(ctx, UOW_WRITE, &uow), ERR_NONE);
    ck_assert_int_eq(event_emit(&uow, &pinged, &aggregate, &(struct ping){.number = 1}), ERR_NONE);
    uow_close(&uow);
    tell(service, key_b, 1, 1);
    await_published(1);

    ck_assert_uint_eq(bus_read_all(service->kafka, arena, topic, 1, read, 3), 1);
    ck_assert_str_eq(read[0].key, key_b);
    ctx_release(ctx);
}
END_TEST

/* Its moves fail, and when it is stopped it forgets what it has published: as if it had died in between. */
START_TEST(a_relay_that_dies_before_the_move_publishes_the_same_again)
{
    struct message read[5];

    database_run("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'died'; END $$;"
                 " CREATE TRIGGER die BEFORE DELETE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION die()");
    service->relay = relay_start(service);
    tell(service, key_a, 1, 2);
    ck_assert_uint_eq(bus_read_all(service->kafka, arena, topic, 2, read, 5), 2);
    relay_stop(service->relay);
    database_run("DROP TRIGGER die ON outbox");
    service->relay = relay_start(service);
    await_published(2);
    ck_assert_uint_eq(bus_read_all(service->kafka, arena, topic, 4, read, 5), 4);

    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(read[i].sequence, i + 1);
        ck_assert_str_eq(read[i].id, read[i + 2].id);
        ck_assert_str_eq(read[i].body, read[i + 2].body);
        ck_assert_int_eq(read[i].time, read[i + 2].time);
    }
}
END_TEST

/* What is acknowledged and could not be moved is moved later, without publishing it again. */
START_TEST(a_move_that_fails_is_tried_again)
{
    struct message read[4];

    database_run("CREATE SEQUENCE moves; CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                 " IF nextval('moves') < 3 THEN RAISE EXCEPTION 'died'; END IF; RETURN NULL; END $$;"
                 " CREATE TRIGGER die BEFORE DELETE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION die()");
    service->relay = relay_start(service);
    tell(service, key_a, 1, 2);
    await_published(2);
    tell(service, key_a, 3, 1);
    await_published(3);
    ck_assert_uint_eq(bus_read_all(service->kafka, arena, topic, 3, read, 4), 3);
}
END_TEST

START_TEST(of_two_copies_one_relays_and_the_other_takes_over_when_it_stops)
{
    struct message read[60];
    struct service *first = copy_open();
    database_await("SELECT count(*) FROM relay_lease WHERE epoch = 1 AND expires_at > now()", 1);
    struct service *second = copy_open();

    for (int i = 0; i < 20; i++)
        tell(i % 2 == 0 ? first : second, key_a, i + 1, 1);
    await_published(20);
    ck_assert_int_eq(database_int("SELECT epoch FROM relay_lease"), 1);

    int64_t began = clock_monotonic();
    relay_stop(first->relay);
    first->relay = NULL;
    tell(second, key_a, 21, 1);
    await_published(21);
    ck_assert_int_eq(database_int("SELECT epoch FROM relay_lease"), 2);
    ck_assert_int_lt(clock_monotonic() - began, 2 * CLOCK_SECOND);
    ck_assert_uint_eq(bus_read_all(service->kafka, arena, topic, 21, read, 60), 21);
    copy_close(first);
    copy_close(second);
}
END_TEST

START_TEST(a_commit_in_another_copy_wakes_the_relay)
{
    enum { TIMES = 40 };
    struct service *first = copy_open();
    database_await("SELECT count(*) FROM relay_lease WHERE epoch = 1 AND expires_at > now()", 1);
    struct service *second = copy_open();
    int64_t sum = 0;
    usleep(300 * 1000); /* until the second one listens and knows that it hasn't got the lease */

    for (int i = 0; i < TIMES; i++) {
        int64_t began = clock_monotonic();
        tell(second, key_a, i + 1, 1);
        while (database_int("SELECT count(*) FROM outbox") > 0)
            ck_assert_int_lt(clock_monotonic() - began, CLOCK_SECOND);
        sum += clock_monotonic() - began;
        usleep(10 * 1000);
    }

    printf("from a commit in another copy to the move: %lld us on average\n", (long long)(sum / TIMES));
    ck_assert_int_lt(sum / TIMES, 50 * CLOCK_MS);
    copy_close(first);
    copy_close(second);
}
END_TEST

/* While another copy goes on committing, the relay looks by itself and is called ten times a second. */
START_TEST(copies_call_the_relay_rarely)
{
    enum { TIMES = 60, CALLS = 12 };
    struct service *first = copy_open();
    database_await("SELECT count(*) FROM relay_lease WHERE epoch = 1 AND expires_at > now()", 1);
    struct service *second = copy_open();
    struct ctx *ctx = ctx_new(second);
    struct connection *ear = connection_open(&second->database);
    ck_assert_int_eq(connection_run(ctx, ear, "LISTEN \"waybill_outbox_relaytest\""), ERR_NONE);
    int calls = 0;
    usleep(300 * 1000);

    int64_t began = clock_monotonic();
    for (int i = 0; i < TIMES; i++) {
        tell(second, key_a, i + 1, 1);
        usleep(10 * 1000);
        calls += connection_take_notifications(ear) ? 1 : 0;
    }
    const int64_t tenths = (clock_monotonic() - began) / (100 * CLOCK_MS);

    ck_assert_int_gt(calls, 0);
    ck_assert_int_le(calls, tenths + 1);
    await_published(TIMES);
    connection_close(ear);
    ctx_release(ctx);
    copy_close(first);
    copy_close(second);
}
END_TEST

/* Its first move fails, and before the second one another copy takes the lease: nothing is moved, and when this copy is
 * the relay again it publishes the same again. */
START_TEST(a_relay_that_lost_its_lease_moves_nothing)
{
    struct message read[5];

    database_run("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'died'; END $$;"
                 " CREATE TRIGGER die BEFORE DELETE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION die()");
    service->relay = relay_start(service);
    tell(service, key_a, 1, 1);
    ck_assert_uint_eq(bus_read_all(service->kafka, arena, topic, 1, read, 5), 1);
    database_run("BEGIN; DROP TRIGGER die ON outbox;"
                 " UPDATE relay_lease SET holder = 'another', epoch = epoch + 1, expires_at = now() + interval '2 s';"
                 " COMMIT");
    usleep(800 * 1000);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox"), 1);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox_history"), 0);

    await_published(1);
    ck_assert_int_eq(database_int("SELECT epoch FROM relay_lease"), 3);
    ck_assert_uint_eq(bus_read_all(service->kafka, arena, topic, 2, read, 5), 2);
}
END_TEST

START_TEST(while_the_broker_is_down_events_stay_and_their_age_is_told)
{
    struct buf metrics;
    struct kafka *good = service->kafka;

    service->kafka = kafka_new(&(struct kafka_options){.brokers = "127.0.0.1:1", .client_id = "relaytest"});
    service->relay = relay_start(service);
    tell(service, key_a, 1, 3);
    sleep(6);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox"), 3);
    ck_assert_int_eq(database_int("SELECT count(*) FROM relay_lease WHERE epoch = 1 AND expires_at > now()"), 1);
    buf_init(&metrics, arena, 1 << 20);
    metrics_write(&metrics);
    const char *age = strstr(metrics.data, "\nwaybill_outbox_oldest_seconds ");
    ck_assert_ptr_nonnull(age);
    ck_assert_int_ge(strtol(age + strlen("\nwaybill_outbox_oldest_seconds "), NULL, 10), 4);

    relay_stop(service->relay);
    kafka_free(service->kafka);
    service->kafka = good;
    service->relay = relay_start(service);
    await_published(3);
}
END_TEST

/* A try takes nearly as long as the lease; with the pause after it, longer. So it is renewed in between. */
START_TEST(the_lease_stays_put_while_the_broker_is_away)
{
    struct service *first = bus_service("relaytest", NULL);
    kafka_free(first->kafka);
    first->kafka = kafka_new(&(struct kafka_options){.brokers = "127.0.0.1:1", .client_id = "relaytest"});
    first->relay = relay_start(first);
    database_await("SELECT count(*) FROM relay_lease WHERE epoch = 1 AND expires_at > now()", 1);
    struct service *second = copy_open();

    tell(first, key_a, 1, 1);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(database_int("SELECT count(*) FROM relay_lease"
                                      " WHERE epoch = 1 AND expires_at > now() + interval '1 second'"),
                         1);
        usleep(100 * 1000);
    }
    copy_close(first);
    await_published(1);
    copy_close(second);
}
END_TEST

START_TEST(what_is_committed_while_it_stops_is_published_or_stays)
{
    struct message read[60];

    service->relay = relay_start(service);
    database_await("SELECT count(*) FROM relay_lease WHERE epoch = 1", 1);
    tell(service, key_a, 1, 50);
    relay_stop(service->relay);
    service->relay = NULL;

    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox"), 0);
    ck_assert_int_eq(database_int("SELECT count(*) FROM relay_lease WHERE expires_at <= now()"), 1);
    ck_assert_uint_eq(bus_read_all(service->kafka, arena, topic, 50, read, 60), 50);
}
END_TEST

START_TEST(a_lost_connection_is_opened_anew)
{
    static const char session[] = "SELECT coalesce(min(pid), 0) FROM pg_stat_activity"
                                  " WHERE application_name = 'relaytest' AND query NOT LIKE '%pg_stat_activity%'";
    struct message read[3];

    service->relay = relay_start(service);
    database_await("SELECT count(*) FROM relay_lease WHERE epoch = 1", 1);
    int64_t before = database_int(session);
    ck_assert_int_ne(before, 0);
    database_run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'relaytest'");
    usleep(50 * 1000);
    tell(service, key_a, 1, 1);
    await_published(1);

    int64_t after = database_int(session);
    ck_assert(after != 0 && after != before);
    ck_assert_uint_eq(bus_read_all(service->kafka, arena, topic, 1, read, 3), 1);
    ck_assert_str_eq(read[0].key, key_a);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, what_is_committed_is_published_in_order_and_kept);
    tcase_add_test(tests, what_was_rolled_back_is_never_published);
    tcase_add_test(tests, a_relay_that_dies_before_the_move_publishes_the_same_again);
    tcase_add_test(tests, a_move_that_fails_is_tried_again);
    tcase_add_test(tests, of_two_copies_one_relays_and_the_other_takes_over_when_it_stops);
    tcase_add_test(tests, a_commit_in_another_copy_wakes_the_relay);
    tcase_add_test(tests, copies_call_the_relay_rarely);
    tcase_add_test(tests, a_relay_that_lost_its_lease_moves_nothing);
    tcase_add_test(tests, while_the_broker_is_down_events_stay_and_their_age_is_told);
    tcase_add_test(tests, the_lease_stays_put_while_the_broker_is_away);
    tcase_add_test(tests, what_is_committed_while_it_stops_is_published_or_stays);
    tcase_add_test(tests, a_lost_connection_is_opened_anew);
}

RUN_SUITE(relay, add_tests)
