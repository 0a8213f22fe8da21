/*
 * event - what an event is, as generated from proto/ (tools/protogen.py).
 *
 * Each event type has a struct, a record and an `emit_<aggregate>_<event>(uow, aggregate, &event)`. Its aggregate's
 * version goes up by one with every event, under the aggregate's row lock, so that a consumer can prove that it missed
 * nothing (law 4). The store's UPDATE writes the new version.
 */
#ifndef WAYBILL_EVENT_H
#define WAYBILL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctx.h"
#include "record.h"

struct uow;

/* The head of every aggregate that speaks: first member of its struct. */
struct aggregate {
    const char *id;  /* UUID; the events' key and subject */
    int64_t version; /* of the last event that was emitted; 0: none yet */
};

struct event_type {
    const char *type;  /* "waybill.order.placed.v1" */
    const char *topic; /* "waybill.order" */
    const struct record *record;
    bool is_public;   /* part of the promise to ERP and OMS teams */
    bool is_snapshot; /* tells how the aggregate stands: carries its version as sequence without raising it */
};

/* Every event type of proto/, NULL-ended; and the topics, ended by a NULL name. */
extern const struct event_type *const event_types[];
struct topic {
    const char *name;
    int partitions;
    bool compacted;
    int64_t retention_ms;
    const char *emitted_by; /* the only service that writes it */
    bool is_public;         /* has events that are part of the promise to others, who may read it */
};
extern const struct topic event_topics[];

/* Puts an event into the outbox of the unit of work and raises aggregate->version. What emit_*() calls. */
enum err event_emit(struct uow *uow, const struct event_type *type, struct aggregate *aggregate,
                    const void *event) MUST_USE;

/* One message as the consumer loop sees it. */
struct message {
    const char *topic;
    int32_t partition;
    int64_t offset;
    const char *key; /* the aggregate's id */
    const char *id;  /* ce_id */
    const char *type;
    const char *subject;
    int64_t sequence; /* ce_sequence; 0 if the source has none */
    const char *correlation_id;
    const char *causation_id;
    const char *traceparent;
    int64_t time; /* ce_time, microseconds */
    const char *body;
    size_t size;
};

#endif
