/* Work items and parked messages: what every service keeps for people, as one list. */
#include <inttypes.h>

#include "backoffice.h"
#include "edge.h"
#include "json.h"
#include "log.h"
#include "proto/backoffice_api.h"

#define LIST_TIMEOUT_MS 2000 /* one that hangs must not hide the others for long */
#define LIST_ANSWER_MAX ((size_t)1024 * 1024)

/* Reads a list of one service. False if there was none to be had: the services that are up are shown anyway. */
static bool read_list(struct ctx *ctx, const char *service, const char *path, const struct record *record, void *ret)
{
    const struct call call = {
        .method = "GET",
        .path = path,
        .timeout_ms = LIST_TIMEOUT_MS,
        .answer_max = LIST_ANSWER_MAX,
        .repeatable = true,
    };
    struct answer answer;

    enum err err = edge_call(ctx, service, &call, &answer);
    if (err == ERR_NONE && answer.status != 200)
        err = FAIL(ctx, INTERNAL, "\"%s\" answered with status %d", service, answer.status);
    if (err == ERR_NONE)
        err = json_decode(ctx, record, answer.body, answer.size, JSON_OPEN, ret);
    if (err == ERR_NONE)
        return true;
    log_warning(ctx, "a service is missing in the list", LOG_TEXT("upstream", service),
                LOG_TEXT("why", ctx->problem.detail));
    ctx_clear_problem(ctx);
    return false;
}

static void add_text(struct arena *arena, struct texts *texts, const char *text)
{
    if (texts->items == NULL)
        texts->items = arena_array(arena, SERVICES_MAX, sizeof(char *));
    texts->items[texts->count++] = text;
}

enum err list_work_items(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct work_item_list *merged = ret;
    struct work_item_list lists[SERVICES_MAX] = {{{0}}};
    struct page_query page;
    size_t count = 0;

    TRY(request_query(ctx, &page_query_record, &page));
    const char *path = arena_printf(ctx->arena, "/work-items?limit=%" PRId64 "%s%s", page.limit,
                                    page.after != NULL ? "&after=" : "", page.after != NULL ? page.after : "");
    for (size_t i = 0; backoffice_services[i] != NULL; i++) {
        if (read_list(ctx, backoffice_services[i], path, &work_item_list_record, &lists[count]))
            count++;
        else
            add_text(ctx->arena, &merged->unreachable, backoffice_services[i]);
    }
    work_items_merge(ctx->arena, lists, count, (size_t)page.limit, merged);
    return ERR_NONE;
}

enum err list_parked(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct parked_list *merged = ret;
    struct parked_list lists[SERVICES_MAX] = {{{0}}};
    struct page_query page;
    size_t count = 0;

    TRY(request_query(ctx, &page_query_record, &page));
    const char *path = arena_printf(ctx->arena, "/parked?limit=%" PRId64, page.limit);
    for (size_t i = 0; backoffice_services[i] != NULL; i++) {
        if (read_list(ctx, backoffice_services[i], path, &parked_list_record, &lists[count]))
            count++;
        else
            add_text(ctx->arena, &merged->unreachable, backoffice_services[i]);
    }
    parked_merge(ctx->arena, lists, count, merged);
    return ERR_NONE;
}

/* Passes the request on to the service that the path names. */
static enum err ask_service(struct ctx *ctx, const char *path)
{
    const char *service = path_param(ctx, "service");
    const char *key = request_key(ctx);
    struct call call = {.method = "POST", .path = path, .repeatable = key != NULL};
    struct answer answer;

    if (!is_service(service))
        return FAIL(ctx, NOT_FOUND, "there is no service \"%s\"", service);
    if (key != NULL)
        call.headers[0] = arena_printf(ctx->arena, "Idempotency-Key: %s", key);
    const char *body = request_body(ctx, &call.body_size);
    if (call.body_size > 0) {
        call.body = body;
        call.content_type = "application/json";
    }
    TRY(edge_call(ctx, service, &call, &answer));
    edge_answer(ctx, &answer);
    return ERR_NONE;
}

enum err close_work_item(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    const char *id;

    TRY(path_id(ctx, "id", &id));
    return ask_service(ctx, arena_printf(ctx->arena, "/work-items/%s/close", id));
}

enum err retry_parked(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    return ask_service(ctx, "/parked/retry");
}
