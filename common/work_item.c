/*
 * work_item - opening and closing what needs a person.
 */
#include "work_item.h"

#include "common/queries.h"
#include "id.h"

void work_item_open(struct uow *uow, const char *kind, const char *subject, const char *cause, const char *actions,
                    int64_t due_ms)
{
    SQL(uow, work_item_open, .id = id_new(uow->ctx->arena), .kind = kind, .subject = subject, .cause = cause,
        .actions = actions, .due_ms = due_ms);
}

void work_item_close(struct uow *uow, const char *kind, const char *subject, const char *by, const char *how)
{
    SQL(uow, work_item_close, .kind = kind, .subject = subject, .by = by, .how = how);
}
