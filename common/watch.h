/*
 * watch - who waits for news of an aggregate, woken by what is read from the end of topics. Behind edge_watch().
 *
 * Threads: shared; each stripe of the table has its own lock. At most WATCHERS_MAX tickets hear; more only poll.
 */
#ifndef WAYBILL_WATCH_H
#define WAYBILL_WATCH_H

#include "edge.h"

#define WATCHERS_MAX 4096

struct watch;

/* Starts to read the topics (NULL: none), NULL-ended. NULL if the broker's settings don't work. */
struct watch *watch_new(struct kafka *kafka, const char *const *topics);

/* Nobody may hold a ticket. Accepts NULL. */
void watch_free(struct watch *watch);

/* A ticket for an aggregate. */
struct ticket *watch_for(struct watch *watch, struct ctx *ctx, const char *aggregate_id, const char *const *types);

/* Wakes those who wait for events of this type of the aggregate; NULL: for any. */
void watch_wake(struct watch *watch, const char *aggregate_id, const char *type);

#endif
