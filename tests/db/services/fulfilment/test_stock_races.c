/*
 * Many at once on the same shelf: never more than there is, never a deadlock, and one answer where two can't be right.
 */
#include "shelves.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 8
#define CHECKOUTS 30
#define ROUNDS 15

static struct service *service;
static atomic_int turn;
static atomic_int troubles; /* errors that a loop would have to try again after */
static pthread_barrier_t start;
static char ids[ROUNDS * THREADS][64]; /* and at least CHECKOUTS */

static void open_all(void)
{
    service = deliver_open(fulfilment_queries, fulfilment_migrations, THREADS);
    for (int i = 0; i < (int)COUNT(ids); i++)
        (void)snprintf(ids[i], sizeof(ids[i]), "00000000-0000-7000-8000-000000001%03d", i);
}

static void close_all(void)
{
    check_books();
    deliver_close(service);
}

static void run_threads(int count, void *(*work)(void *))
{
    pthread_t threads[THREADS];

    atomic_store(&turn, 0);
    pthread_barrier_init(&start, NULL, (unsigned)count);
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i), 0);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
}

/* Takes one checkout after another, each with its own mix of SKUs, so that rows are wanted in every order. */
static void *claim_in_turn(void *of UNUSED)
{
    pthread_barrier_wait(&start);
    for (int i = atomic_fetch_add(&turn, 1); i < CHECKOUTS; i = atomic_fetch_add(&turn, 1)) {
        if (claim(service, ids[i], 1, 1, i % 3) != ERR_NONE)
            atomic_fetch_add(&troubles, 1);
    }
    return NULL;
}

START_TEST(thirty_claims_at_once_hold_exactly_the_ten_there_are)
{
    count_shelf(service, "CUP", "berlin", 4);
    count_shelf(service, "CUP", "leeds", 6);
    count_shelf(service, "POT", "leeds", 50);
    count_shelf(service, "POT", "newark", 50);

    run_threads(THREADS, claim_in_turn);

    ck_assert_int_eq(atomic_load(&troubles), 0);
    ck_assert_int_eq(database_int("SELECT sum(held) FROM stock WHERE sku = 'CUP'"), 10);
    ck_assert_int_eq(database_int("SELECT count(*) FROM hold WHERE state = 'held'"), 10);
    ck_assert_int_eq(database_int("SELECT count(*) FROM hold WHERE state = 'free'"), CHECKOUTS - 10);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.hold.held.v1'"), 10);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.hold.refused.v1'"),
                     CHECKOUTS - 10);
    ck_assert_int_eq(database_int("SELECT min(on_hand - held - allocated) FROM stock WHERE sku = 'CUP'"), 0);
}
END_TEST

static atomic_int round_now;

static void *claim_the_last(void *of)
{
    const int checkout = atomic_load(&round_now) * THREADS + (int)(intptr_t)of;

    pthread_barrier_wait(&start);
    if (claim(service, ids[checkout], 1, 1, 0) != ERR_NONE)
        atomic_fetch_add(&troubles, 1);
    return NULL;
}

START_TEST(the_last_one_goes_to_exactly_one_of_eight)
{
    for (int round = 0; round < ROUNDS; round++) {
        atomic_store(&round_now, round);
        count_shelf(service, "CUP", "berlin", round + 1);

        run_threads(THREADS, claim_the_last);

        ck_assert_int_eq(atomic_load(&troubles), 0);
        ck_assert_int_eq(database_int("SELECT held FROM stock"), round + 1);
    }
}
END_TEST

/* Claims, failures, orders, cancellations and counts on the same two shelves. */
static void *live(void *of UNUSED)
{
    pthread_barrier_wait(&start);
    for (int i = atomic_fetch_add(&turn, 1); i < CHECKOUTS; i = atomic_fetch_add(&turn, 1)) {
        enum err err = claim(service, ids[i], 1, 1 + i % 2, i % 3);
        if (err == ERR_NONE && i % 3 == 0)
            err = fail_placement(service, ids[i], 1);
        else if (err == ERR_NONE)
            err = place_order(service, ids[i], "card", "instant");
        if (err == ERR_NONE && i % 3 == 1)
            err = cancel_order(service, ids[i]);
        if (err != ERR_NONE)
            atomic_fetch_add(&troubles, 1);
        if (i % 5 == 0)
            count_shelf(service, "CUP", "berlin", 60 + i);
    }
    return NULL;
}

START_TEST(everything_at_once_keeps_the_books)
{
    count_shelf(service, "CUP", "berlin", 60);
    count_shelf(service, "POT", "berlin", 10);
    count_shelf(service, "POT", "leeds", 60);

    run_threads(THREADS, live);

    ck_assert_int_eq(atomic_load(&troubles), 0);
    ck_assert_int_eq(database_int("SELECT sum(held) FROM stock"), 0);
    ck_assert_int_eq(database_int("SELECT count(*) FROM hold WHERE state = 'confirmed'"), 20);
    ck_assert_int_eq(database_int("SELECT count(DISTINCT order_id) FROM shipment WHERE state = 'stopped'"), 10);
    ck_assert_int_eq(database_int("SELECT count(*) FROM work_item"), 0);
}
END_TEST

/* -- ship or stop -- */

static char parcel[64];
static const char *order;
static enum err shipped;
static enum err stopped;

static void *ship_or_stop(void *of)
{
    pthread_barrier_wait(&start);
    if ((intptr_t)of == 0)
        shipped = desk(service, parcel, SHIP);
    else
        stopped = cancel_order(service, order);
    return NULL;
}

START_TEST(a_parcel_is_shipped_or_stopped_but_never_both)
{
    count_shelf(service, "CUP", "berlin", ROUNDS);
    for (int round = 0; round < ROUNDS; round++) {
        order = ids[round];
        ck_assert_int_eq(claim(service, order, 1, 1, 0), ERR_NONE);
        ck_assert_int_eq(place_order(service, order, "cash_on_delivery", "instant"), ERR_NONE);
        (void)snprintf(parcel, sizeof(parcel), "%s", database_text("SELECT id FROM shipment WHERE state = 'planned'"));
        ck_assert_int_eq(desk(service, parcel, RELEASE), ERR_NONE);
        ck_assert_int_eq(desk(service, parcel, PICK), ERR_NONE);
        ck_assert_int_eq(desk(service, parcel, PACK), ERR_NONE);

        run_threads(2, ship_or_stop);

        /* The stop is always heard; the clerk is told if it was too late to ship. */
        ck_assert_int_eq(stopped, ERR_NONE);
        ck_assert_msg(shipped == ERR_NONE || shipped == ERR_CONFLICT, "%s", err_kind(shipped)->name);
        ck_assert_str_eq(database_text("SELECT state FROM shipment ORDER BY id DESC LIMIT 1"),
                         shipped == ERR_NONE ? "shipped" : "stopped");
        check_books();
    }
    const int64_t gone = database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.shipment.shipped.v1'");
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.shipment.stop_refused.v1'"), gone);
    ck_assert_int_eq(database_int("SELECT count(*) FROM outbox WHERE type = 'waybill.shipment.stopped.v1'"),
                     ROUNDS - gone);
    ck_assert_int_eq(database_int("SELECT on_hand FROM stock"), ROUNDS - gone);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, thirty_claims_at_once_hold_exactly_the_ten_there_are);
    tcase_add_test(tests, the_last_one_goes_to_exactly_one_of_eight);
    tcase_add_test(tests, everything_at_once_keeps_the_books);
    tcase_add_test(tests, a_parcel_is_shipped_or_stopped_but_never_both);
}

RUN_SUITE(stock_races, add_tests)
