/*
 * task - adding tasks to a unit of work and taking them back.
 */
#include "task.h"

#include "common/queries.h"
#include "id.h"

void task_add(struct uow *uow, const char *kind, const char *subject, const char *key, const char *body,
              int64_t delay_ms)
{
    const struct trace *trace = &uow->ctx->trace;

    SQL(uow, task_add, .id = id_new(uow->ctx->arena), .kind = kind, .subject = subject, .key = key, .body = body,
        .delay_ms = delay_ms, .correlation_id = trace->correlation_id != NULL ? trace->correlation_id : "",
        .traceparent = trace->traceparent);
    uow->wakes_tasks = true;
}

void task_cancel(struct uow *uow, const char *key)
{
    SQL(uow, task_cancel, .key = key);
}
