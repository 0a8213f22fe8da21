/*
 * outbox - events of a unit of work, collected while it runs and written at its end.
 */
#include "outbox.h"

#include <assert.h>
#include <string.h>

#include "common/queries.h"
#include "id.h"
#include "json.h"

static struct outbox_event *add_event(struct uow *uow)
{
    struct arena *arena = uow->ctx->arena;

    if (uow->outbox == NULL)
        uow->outbox = ARENA_NEW(arena, struct outbox_batch);
    struct outbox_batch *batch = uow->outbox;
    if (batch->count == batch->capacity) {
        size_t capacity = batch->capacity == 0 ? 8 : batch->capacity * 2;
        struct outbox_event *events = arena_array(arena, capacity, sizeof(*events));
        if (batch->count > 0)
            memcpy(events, batch->events, batch->count * sizeof(*events));
        batch->events = events;
        batch->capacity = capacity;
    }
    return &batch->events[batch->count++];
}

enum err event_emit(struct uow *uow, const struct event_type *type, struct aggregate *aggregate, const void *event)
{
    struct ctx *ctx = uow->ctx;
    const struct trace *trace = &ctx->trace;

    assert(uow->transaction && !uow->committed);
    if (uow->failed != ERR_NONE)
        return uow->failed;
    if (uow->outbox != NULL && uow->outbox->count == OUTBOX_EVENTS_MAX)
        return FAIL(ctx, INTERNAL, "cannot emit more than %d events at once", OUTBOX_EVENTS_MAX);

    const char *body = json_encode(ctx->arena, type->record, event);
    if (strlen(body) > EVENT_BODY_MAX)
        return FAIL(ctx, INTERNAL, "cannot emit %s of \"%s\": its body has more than %d bytes", type->type,
                    aggregate->id, EVENT_BODY_MAX);

    if (!type->is_snapshot)
        aggregate->version++;
    if (aggregate->version < 1)
        return FAIL(ctx, INTERNAL, "cannot emit %s of \"%s\" as version %lld", type->type, aggregate->id,
                    (long long)aggregate->version);
    *add_event(uow) = (struct outbox_event){
        .id = id_new(ctx->arena),
        .type = type,
        .key = arena_strdup(ctx->arena, aggregate->id),
        .sequence = aggregate->version,
        .correlation_id = trace->correlation_id != NULL ? trace->correlation_id : "",
        .causation_id = trace->causation_id != NULL ? trace->causation_id : "",
        .traceparent = arena_strdup(ctx->arena, trace->traceparent),
        .body = body,
    };
    return ERR_NONE;
}

void outbox_write(struct uow *uow)
{
    const struct outbox_batch *batch = uow->outbox;

    uow->emitted |= batch != NULL && batch->count > 0;
    for (size_t i = 0; batch != NULL && i < batch->count; i++) {
        const struct outbox_event *event = &batch->events[i];
        SQL(uow, outbox_add, .event_id = event->id, .topic = event->type->topic, .key = event->key,
            .sequence = event->sequence, .type = event->type->type, .correlation_id = event->correlation_id,
            .causation_id = event->causation_id, .traceparent = event->traceparent, .body = event->body);
    }
}
