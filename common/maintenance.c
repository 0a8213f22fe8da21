/*
 * maintenance - keeps the common tables small: a bounded number of rows at a time, by every copy. And counts what they
 * hold of work to be done, for metrics.
 */
#include "common/queries.h"
#include "consumer.h"
#include "metrics.h"
#include "timer.h"

#define CHUNK 1000 /* the LIMIT of the statements */

/* Ends one chunk; a full one means that more may be due. */
static enum err finish_chunk(struct uow *uow, int64_t deleted, bool *ret_more)
{
    *ret_more = deleted >= CHUNK;
    return uow_commit(uow);
}

/* Answers of keyed requests are kept for 24 hours. */
static enum err expire_idempotency(struct uow *uow, bool *ret_more)
{
    int64_t deleted;

    TRY(SQL_COUNT(uow, idempotency_expire, &deleted));
    return finish_chunk(uow, deleted, ret_more);
}

/* Tasks that are over are kept for 7 days. */
static enum err expire_tasks(struct uow *uow, bool *ret_more)
{
    int64_t deleted;

    TRY(SQL_COUNT(uow, task_expire, &deleted));
    return finish_chunk(uow, deleted, ret_more);
}

/* The inbox is kept for 60 days: longer than any topic or history that could deliver again. */
static enum err expire_inbox(struct uow *uow, bool *ret_more)
{
    int64_t deleted;

    TRY(SQL_COUNT(uow, inbox_expire, &deleted));
    return finish_chunk(uow, deleted, ret_more);
}

/* Partitions of the history: made ahead, dropped after 7 days. */
static enum err keep_history(struct uow *uow, bool *ret_more)
{
    int64_t deleted;

    SQL(uow, outbox_history_keep);
    TRY(SQL_COUNT(uow, outbox_history_rest_expire, &deleted));
    return finish_chunk(uow, deleted, ret_more);
}

/* --- what is to be done --- */

#define GAUGE(object, called, helps)                                                                                   \
    static struct metric object = {.name = (called), .help = (helps), .type = METRIC_GAUGE, .label = "kind"}
GAUGE(tasks_due, "waybill_tasks_due", "Calls to counterparts that should be made now.");
GAUGE(tasks_oldest, "waybill_tasks_oldest_seconds", "For how long the first of them has waited.");
GAUGE(items_open, "waybill_work_items_open", "Open work items.");
GAUGE(items_late, "waybill_work_items_late", "Open work items that are past their time.");

struct backlog {
    const char *kind;
    int64_t count;
    int64_t oldest_s;
    int64_t late;
};
static RECORD(backlog, FIELD(backlog, kind), FIELD(backlog, count), FIELD(backlog, oldest_s), FIELD(backlog, late));
struct backlogs {
    struct backlog *items;
    size_t count;
};

static void show(struct arena *arena, const struct backlogs *backlogs, struct metric *metric, size_t member)
{
    const char **kinds = arena_array(arena, backlogs->count, sizeof(*kinds));
    int64_t *numbers = arena_array(arena, backlogs->count, sizeof(*numbers));

    for (size_t i = 0; i < backlogs->count; i++) {
        kinds[i] = backlogs->items[i].kind;
        numbers[i] = *(const int64_t *)((const char *)&backlogs->items[i] + member);
    }
    metric_set_all(metric, kinds, numbers, backlogs->count);
}

static enum err count_backlog(struct uow *uow, bool *ret_more)
{
    struct arena *arena = uow->ctx->arena;
    struct backlogs tasks, items;

    TRY(SQL_MANY(uow, task_backlog, backlog_record, &tasks));
    TRY(SQL_MANY(uow, work_item_backlog, backlog_record, &items));
    show(arena, &tasks, &tasks_due, offsetof(struct backlog, count));
    show(arena, &tasks, &tasks_oldest, offsetof(struct backlog, oldest_s));
    show(arena, &items, &items_open, offsetof(struct backlog, count));
    show(arena, &items, &items_late, offsetof(struct backlog, late));
    *ret_more = false;
    return uow_commit(uow);
}

const struct timer common_timers[] = {
    {"idempotency_expire", 60 * 1000, expire_idempotency},
    {"task_expire", 10 * 60 * 1000, expire_tasks},
    {"inbox_expire", 10 * 60 * 1000, expire_inbox},
    {"outbox_history", 10 * 60 * 1000, keep_history},
    {"waiting", 60 * 1000, waiting_report},
    {"backlog", 15 * 1000, count_backlog},
    {NULL, 0, NULL},
};
