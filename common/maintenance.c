/*
 * maintenance - keeps the common tables small: a bounded number of rows at a time, by every copy.
 */
#include "common/queries.h"
#include "consumer.h"
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

const struct timer common_timers[] = {
    {"idempotency_expire", 60 * 1000,      expire_idempotency},
    {"task_expire",        10 * 60 * 1000, expire_tasks      },
    {"inbox_expire",       10 * 60 * 1000, expire_inbox      },
    {"outbox_history",     10 * 60 * 1000, keep_history      },
    {"waiting",            60 * 1000,      waiting_report    },
    {NULL,                 0,              NULL              },
};
