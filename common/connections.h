/*
 * connections - the open connections of the HTTP server, and a watchdog over their time.
 *
 * The server's own time-out starts anew with each byte; who sends a byte now and then could stay for ever. So each
 * connection has a deadline for what it does now, and the watchdog shuts down those that pass it.
 *
 * Threads: shared; one lock.
 */
#ifndef WAYBILL_CONNECTIONS_H
#define WAYBILL_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct connections;
struct slot;

/* Starts the watchdog over up to `count` connections. NULL if its thread can't start. */
struct connections *connections_new(size_t count);

/* Ends the watchdog. Accepts NULL. */
void connections_free(struct connections *connections);

/* A connection came; it is idle for at most `limit_s`. NULL if there are more than were announced. */
struct slot *connections_open(struct connections *connections, int fd, int limit_s);

/* It is busy with a request, or idle again, for at most `limit_s` (0: no limit). Accepts a NULL slot. */
void connections_mark(struct connections *connections, struct slot *slot, bool busy, int limit_s);

/* It is about to be closed. Accepts a NULL slot. */
void connections_close(struct connections *connections, struct slot *slot);

/* Shuts down those that are idle and have sent nothing, unless they have only just come; tells how many are open. */
size_t connections_shut_idle(struct connections *connections);

#endif
