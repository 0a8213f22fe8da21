/*
 * desk - lists of what was set aside for people, and what people do about it.
 */
#include "desk.h"

#include <string.h>

#include "common/queries.h"
#include "log.h"
#include "proto/http_operations.h"
#include "service.h"
#include "text.h"
#include "uow.h"

#define CAUSE_MAX 500 /* bytes, as in the contract; a list is read by a reader that insists on it */

/* Makes a row of the table what the back office sees. */
static void show_item(const struct ctx *ctx, struct work_item_view *item)
{
    item->service = ctx->service->name;
    if (strlen(item->cause) > CAUSE_MAX)
        item->cause = arena_copy(ctx->arena, item->cause, utf8_valid_size(item->cause, CAUSE_MAX));
}

static enum err list_work_items(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct work_item_list *list = ret;
    struct page_query page;

    TRY(request_query(ctx, &page_query_record, &page));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, work_item_list, work_item_view_record, &list->items, .after = page.after, .limit = page.limit));
    for (size_t i = 0; i < list->items.count; i++)
        show_item(ctx, &list->items.items[i]);
    if (list->items.count == (size_t)page.limit)
        list->next = list->items.items[page.limit - 1].id;
    return ERR_NONE;
}

/* Why it could not be closed. */
static enum err refuse_close(struct uow *uow, const char *id)
{
    struct ctx *ctx = uow->ctx;
    struct work_item_view item = {0};
    bool found;

    TRY(SQL_MAYBE(uow, work_item_get, work_item_view_record, &item, &found, .id = id));
    if (!found)
        return FAIL(ctx, NOT_FOUND, "there is no work item \"%s\"", id);
    return FAIL(ctx, CONFLICT, "work item \"%s\" was closed already by \"%s\"", id, item.closed_by);
}

static enum err close_work_item(struct ctx *ctx, const void *in, void *ret)
{
    const struct close_work_item *ask = in;
    struct work_item_view *item = ret;
    const char *id;
    bool found;

    TRY(path_id(ctx, "id", &id));
    UNIT_OF_WORK(ctx, uow);
    TRY(SQL_MAYBE(uow, work_item_finish, work_item_view_record, item, &found, .id = id, .by = ctx->caller.name,
                  .how = ask->how));
    if (!found)
        return refuse_close(uow, id);
    show_item(ctx, item);
    TRY(uow_commit(uow));
    log_info(ctx, "work item closed", LOG_TEXT("id", id), LOG_TEXT("kind", item->kind),
             LOG_TEXT("by", ctx->caller.name));
    return ERR_NONE;
}

static enum err list_parked(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct parked_list *list = ret;
    struct page_query page;

    TRY(request_query(ctx, &page_query_record, &page));
    READING(ctx, uow);
    TRY(SQL_MANY(uow, set_aside_list, parked_view_record, &list->items, .limit = page.limit));
    for (size_t i = 0; i < list->items.count; i++)
        list->items.items[i].service = ctx->service->name;
    return ERR_NONE;
}

/* Only asks: the consumer's own thread tries them, which may take long and must not end with this request. */
static enum err retry_parked(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct consumer *consumer = ctx->service->consumer;

    READING(ctx, uow);
    TRY(SQL_ONE(uow, parked_count, retry_report_record, (struct retry_report *)ret));
    if (consumer != NULL)
        consumer_retry_parked(consumer);
    log_info(ctx, "parked messages are tried again", LOG_TEXT("by", ctx->caller.name));
    return ERR_NONE;
}

/* clang-format off */
const struct route desk_routes[] = {
    /* method  path                     who         right    body in                  body out                 status handler */
    { "GET",   "/work-items",           ROLE_STAFF, NULL,    NULL,                    &work_item_list_record,  200,   list_work_items },
    { "POST",  "/work-items/:id/close", ROLE_STAFF, NULL,    &close_work_item_record, &work_item_view_record,  200,   close_work_item },
    { "GET",   "/parked",               ROLE_STAFF, "admin", NULL,                    &parked_list_record,     200,   list_parked },
    { "POST",  "/parked/retry",         ROLE_STAFF, "admin", NULL,                    &retry_report_record,    202,   retry_parked },
    { NULL },
};
/* clang-format on */
