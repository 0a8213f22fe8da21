/*
 * connections - an array of slots; the watchdog looks at all of them each second.
 */
#include "connections.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "clock.h"

#define NEW_MS 300 /* within which a connection that came is given time to ask */

struct slot {
    struct slot *next_free;
    int fd; /* -1: free */
    bool busy;
    int64_t deadline;  /* monotonic, microseconds; 0: none */
    int64_t opened_at; /* monotonic, until its first request; then 0 */
};

struct connections {
    pthread_mutex_t lock; /* over everything below */
    pthread_cond_t stop;
    bool stopping;
    pthread_t watchdog;
    struct slot *free;
    size_t open;
    size_t count;
    struct slot slots[];
};

static int64_t deadline_in(int limit_s)
{
    return limit_s > 0 ? clock_monotonic() + limit_s * CLOCK_SECOND : 0;
}

static void shut_overdue(struct connections *connections)
{
    int64_t now = clock_monotonic();

    for (size_t i = 0; i < connections->count; i++) {
        struct slot *slot = &connections->slots[i];
        if (slot->fd >= 0 && slot->deadline > 0 && now > slot->deadline)
            (void)shutdown(slot->fd, SHUT_RDWR); /* one that is closed already is as good */
    }
}

static void *watch(void *of)
{
    struct connections *connections = of;

    pthread_mutex_lock(&connections->lock);
    while (!connections->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec++;
        if (pthread_cond_timedwait(&connections->stop, &connections->lock, &until) == ETIMEDOUT)
            shut_overdue(connections);
    }
    pthread_mutex_unlock(&connections->lock);
    return NULL;
}

struct connections *connections_new(size_t count)
{
    struct connections *connections = calloc(1, sizeof(*connections) + count * sizeof(struct slot));
    if (connections == NULL)
        abort();

    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&connections->stop, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&connections->lock, NULL);
    connections->count = count;
    for (size_t i = count; i-- > 0;) {
        connections->slots[i] = (struct slot){.next_free = connections->free, .fd = -1};
        connections->free = &connections->slots[i];
    }
    if (pthread_create(&connections->watchdog, NULL, watch, connections) == 0)
        return connections;
    pthread_cond_destroy(&connections->stop);
    pthread_mutex_destroy(&connections->lock);
    free(connections);
    return NULL;
}

void connections_free(struct connections *connections)
{
    if (connections == NULL)
        return;
    pthread_mutex_lock(&connections->lock);
    connections->stopping = true;
    pthread_cond_signal(&connections->stop);
    pthread_mutex_unlock(&connections->lock);
    pthread_join(connections->watchdog, NULL);
    pthread_cond_destroy(&connections->stop);
    pthread_mutex_destroy(&connections->lock);
    free(connections);
}

struct slot *connections_open(struct connections *connections, int fd, int limit_s)
{
    pthread_mutex_lock(&connections->lock);
    struct slot *slot = connections->free;
    if (slot != NULL) {
        connections->free = slot->next_free;
        connections->open++;
        *slot = (struct slot){.fd = fd, .deadline = deadline_in(limit_s), .opened_at = clock_monotonic()};
    }
    pthread_mutex_unlock(&connections->lock);
    return slot;
}

void connections_mark(struct connections *connections, struct slot *slot, bool busy, int limit_s)
{
    if (slot == NULL)
        return;
    pthread_mutex_lock(&connections->lock);
    slot->busy = busy;
    slot->deadline = deadline_in(limit_s);
    slot->opened_at = 0;
    pthread_mutex_unlock(&connections->lock);
}

void connections_close(struct connections *connections, struct slot *slot)
{
    if (slot == NULL)
        return;
    pthread_mutex_lock(&connections->lock);
    *slot = (struct slot){.next_free = connections->free, .fd = -1};
    connections->free = slot;
    connections->open--;
    pthread_mutex_unlock(&connections->lock);
}

/* Who has just come is about to ask. */
static bool is_new(const struct slot *slot)
{
    return slot->opened_at > 0 && clock_monotonic() - slot->opened_at < NEW_MS * CLOCK_MS;
}

size_t connections_shut_idle(struct connections *connections)
{
    char byte;

    pthread_mutex_lock(&connections->lock);
    for (size_t i = 0; i < connections->count; i++) {
        struct slot *slot = &connections->slots[i];
        if (slot->fd < 0 || slot->busy || is_new(slot))
            continue;
        /* A request that is already here is served: its sender couldn't know. */
        if (recv(slot->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
            (void)shutdown(slot->fd, SHUT_RDWR); /* one that is closed already is as good */
    }
    size_t open = connections->open;
    pthread_mutex_unlock(&connections->lock);
    return open;
}
