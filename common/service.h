/*
 * service - a process: its table of contents, its start, its threads and its end.
 *
 * main() of each process hands its tables to service_main(), which reads the settings, migrates the schema, prepares
 * all statements, makes the topics it needs, starts relay, consumer, tasks, timers and HTTP (those that it has), waits
 * for SIGTERM or SIGINT, and stops them in order: not ready, HTTP drained, consumer and tasks finished, relay flushed,
 * pool closed. What a process needs and isn't there yet (database, broker) is waited for, with a line each 5 s.
 *
 * Every process answers /healthz (alive, depends on nothing), /readyz (able to do its work) and /metrics.
 */
#ifndef WAYBILL_SERVICE_H
#define WAYBILL_SERVICE_H

#include <stdbool.h>

#include "buf.h"
#include "config.h"
#include "consumer.h"
#include "fsm.h"
#include "http.h"
#include "identity.h"
#include "outbox.h"
#include "pg.h"
#include "task.h"
#include "timer.h"

struct kafka;
struct edge;
struct joint;

struct service {
    /* What it is: tables, NULL-ended or ended by a NULL name; NULL where it has none. */
    const char *name;
    const char *purpose; /* one line for --help */
    const struct setting *settings;
    const struct query *const *queries;   /* NULL: no database */
    const struct migration *migrations;   /* ended by a NULL name */
    const struct constraint *constraints; /* own words for broken constraints, ended by a NULL name */
    const struct fsm *const *machines;
    const struct route *routes;
    const struct subscription *subscriptions;
    const struct task_kind *tasks;
    const struct timer *timers;
    struct edge *edge; /* gateways only (edge.h) */
    bool leads;        /* a saga: it asks and others answer, so its rounds come between theirs (pace.h) */
    bool sandbox;      /* stands in for a counterpart: has no broker and no identities of ours */
    bool uses_tokens;  /* signs or reads shoppers' tokens: WAYBILL_TOKEN_KEY is required, else it is not read */
    bool (*start)(struct service *service); /* after the settings, before any thread; false stops the start */
    void *own;                              /* what start() made */

    /* What it has while it runs; immutable after the start. */
    struct arena *arena;
    struct config *config;
    const char *shop;
    struct keys *identity_keys;
    struct keys *token_keys;      /* NULL unless uses_tokens */
    struct pool_options database; /* how connections are opened */
    struct pool *pool;
    struct kafka *kafka;
    struct relay *relay;
    struct consumer *consumer;
    struct task_runner *task_runner;
    struct timers *timer_threads;
    struct http *http;
    struct joint *joint; /* NULL without a database */

    /* What the start still waits for: "database", "broker"; NULL once all is there. HTTP answers before that, but only
     * the probes' routes are called; the others answer 503. */
    const char *_Atomic missing;
    int64_t started_at; /* monotonic */
};

/* Runs the process; returns its exit status. */
int service_main(int argc, char **argv, struct service *service);

/* Whether the process can do its work now, for /readyz; if not, what is missing is added as words: "database broker".
 */
bool service_is_ready(struct service *service, struct buf *ret_missing);

/* A ctx for work that the service does by itself: role SYSTEM, its own arena, a new trace. Release with ctx_release().
 */
struct ctx *ctx_new(struct service *service);
void ctx_release(struct ctx *ctx);

/* Drops what it holds, for the next piece of work: empty arena, no problem, a new trace. */
void ctx_clear(struct ctx *ctx);

/* Starts a trace, or continues the one in a traceparent header (a broken one starts anew). */
void trace_start(struct ctx *ctx, const char *traceparent, const char *correlation_id, const char *causation_id);

#endif
