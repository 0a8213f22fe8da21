/*
 * pool - connections shared by threads: lent last in, first out, opened when needed, looked at before lending.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "metrics.h"
#include "pg_inside.h"

struct pool {
    struct pool_options options; /* own copies of the texts */
    pthread_mutex_t lock;        /* guards everything below */
    pthread_cond_t freed;
    struct connection *idle;
    int open;     /* idle, borrowed or being opened */
    int borrowed; /* including those being opened */
};

static struct metric open_metric = {
    .name = "waybill_pool_open", .help = "Connections to the database that are open.", .type = METRIC_GAUGE};
static struct metric borrowed_metric = {
    .name = "waybill_pool_borrowed", .help = "Connections to the database that are in use.", .type = METRIC_GAUGE};
static struct metric size_metric = {
    .name = "waybill_pool_size", .help = "Connections that there may be at most.", .type = METRIC_GAUGE};

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        abort();
    return copy;
}

struct pool *pool_new(const struct pool_options *options)
{
    pthread_condattr_t monotonic;

    assert(options->size > 0);
    struct pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        abort();
    pool->options = *options;
    pool->options.conninfo = copy_text(options->conninfo);
    pool->options.application = copy_text(options->application);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->freed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return pool;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    assert(pool->borrowed == 0);
    while (pool->idle != NULL) {
        struct connection *connection = pool->idle;
        pool->idle = connection->next;
        connection_close(connection);
    }
    pthread_cond_destroy(&pool->freed);
    pthread_mutex_destroy(&pool->lock);
    free((char *)pool->options.conninfo);
    free((char *)pool->options.application);
    free(pool);
}

/* A slot for one connection, and an idle connection if there is one. False when none became free in time. */
static bool take_slot(struct pool *pool, const struct timespec *deadline, struct connection **ret)
{
    bool taken = false;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        if (pool->idle != NULL) {
            *ret = pool->idle;
            pool->idle = (*ret)->next;
            taken = true;
        } else if (pool->open < pool->options.size) {
            *ret = NULL;
            pool->open++;
            taken = true;
        }
        if (taken || pthread_cond_timedwait(&pool->freed, &pool->lock, deadline) != 0)
            break;
    }
    if (taken)
        pool->borrowed++;
    pthread_mutex_unlock(&pool->lock);
    return taken;
}

/* Gives a slot back, with its connection, or without one when it was closed or never opened. */
static void free_slot(struct pool *pool, struct connection *connection)
{
    pthread_mutex_lock(&pool->lock);
    pool->borrowed--;
    if (connection != NULL) {
        connection->next = pool->idle;
        pool->idle = connection;
    } else {
        pool->open--;
    }
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
}

static struct timespec deadline_in(int wait_ms)
{
    int64_t us = clock_monotonic() + wait_ms * CLOCK_MS;

    return (struct timespec){.tv_sec = us / CLOCK_SECOND, .tv_nsec = us % CLOCK_SECOND * 1000};
}

enum err pool_borrow(struct ctx *ctx, struct pool *pool, struct connection **ret)
{
    struct timespec deadline = deadline_in(pool->options.wait_ms);
    struct connection *connection;

    /* After the server restarted every idle connection is dead: they are closed one after another. */
    for (;;) {
        if (!take_slot(pool, &deadline, &connection))
            return FAIL(ctx, BUSY, "all connections to the database are in use");
        if (connection == NULL)
            break;
        if (connection_is_healthy(connection)) {
            *ret = connection;
            return ERR_NONE;
        }
        connection_close(connection);
        free_slot(pool, NULL);
    }

    enum err err = connection_new(&pool->options, ret);
    if (err == ERR_NONE)
        return ERR_NONE;
    free_slot(pool, NULL);
    if (err == ERR_BUSY)
        return FAIL(ctx, BUSY, "could not reach the database");
    return FAIL(ctx, INTERNAL, "the database's schema does not fit this program");
}

void pool_return(struct pool *pool, struct connection *connection)
{
    if (connection == NULL)
        return;
    if (connection->broken || connection->begun || PQtransactionStatus(connection->pg) != PQTRANS_IDLE) {
        connection_close(connection);
        connection = NULL;
    }
    free_slot(pool, connection);
}

void pool_count(struct pool *pool, int *ret_open, int *ret_borrowed)
{
    pthread_mutex_lock(&pool->lock);
    *ret_open = pool->open;
    *ret_borrowed = pool->borrowed;
    pthread_mutex_unlock(&pool->lock);
}

static int64_t count_open(void *of)
{
    int open, borrowed;

    pool_count(of, &open, &borrowed);
    return open;
}

static int64_t count_borrowed(void *of)
{
    int open, borrowed;

    pool_count(of, &open, &borrowed);
    return borrowed;
}

void pool_show(struct pool *pool)
{
    metric_set(&size_metric, NULL, NULL, pool->options.size);
    metric_ask(&open_metric, count_open, pool);
    metric_ask(&borrowed_metric, count_borrowed, pool);
}
