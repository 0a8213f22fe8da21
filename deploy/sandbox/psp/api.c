/* From a request of the API to its operation, and what may go wrong on the way because somebody asked for it. */
#include "api.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "joint.h"
#include "text.h"

#include "psp-sandbox/queries.h"

#define FORM_TYPE "application/x-www-form-urlencoded"
#define HANG_MS INT64_C(30000)
#define SLOW_MS INT64_C(3000)

/* --- answers --- */

enum err reply(struct asked *asked, const char *body)
{
    asked->status = 200;
    asked->body = body;
    return ERR_NONE;
}

enum err reply_error(struct asked *asked, int status, const struct error_view *error)
{
    asked->status = status;
    asked->body = error_view(asked->ctx->arena, error);
    return ERR_NONE;
}

enum err reply_missing(struct asked *asked, const char *what, const char *id, const char *param)
{
    const char *message = arena_printf(asked->ctx->arena, "No such %s: '%s'", what, id);

    return reply_error(asked, 404,
                       &(struct error_view){"invalid_request_error", "resource_missing", NULL, message, param});
}

enum err reply_refusal(struct asked *asked, const struct refusal *refusal, const struct intent *intent)
{
    return reply_error(asked, 400,
                       &(struct error_view){
                           .type = "invalid_request_error",
                           .code = refusal->code,
                           .message = refusal->message,
                           .param = refusal->param,
                           .payment_intent = intent != NULL ? intent_view(asked->ctx->arena, intent, 0) : NULL,
                       });
}

static void reply_500(struct asked *asked)
{
    (void)reply_error(asked, 500,
                      &(struct error_view){.type = "api_error", .message = "An error occurred on our end."});
}

bool read_expand(struct asked *asked, const struct expandable *known, unsigned *ret)
{
    struct arena *arena = asked->ctx->arena;
    const struct texts wanted = form_list(arena, &asked->form, "expand");

    *ret = 0;
    for (size_t i = 0; i < wanted.count; i++) {
        const struct expandable *each = known;
        while (each->name != NULL && !text_equal(each->name, wanted.items[i]))
            each++;
        if (each->name == NULL) {
            const char *message = arena_printf(arena, "This property cannot be expanded (%s).", wanted.items[i]);
            (void)reply_error(
                asked, 400,
                &(struct error_view){.type = "invalid_request_error", .message = message, .param = "expand"});
            return false;
        }
        *ret |= each->bits;
    }
    return true;
}

/* --- lists --- */

RECORD_SHARED(place, FIELD(place, serial));

static void read_times(const struct form *form, struct page *page)
{
    const int64_t at = form_int(form, "created", -1);

    page->from = form_int(form, "created[gte]", form_int(form, "created[gt]", -1) + 1);
    page->to = form_int(form, "created[lt]", form_int(form, "created[lte]", LIST_TIME_MAX) + 1);
    if (at >= 0) {
        page->from = at;
        page->to = at + 1;
    }
}

enum err read_page(struct asked *asked, find_place find, struct page *ret, bool *ret_good)
{
    const char *after = form_text(&asked->form, "starting_after");
    const char *before = form_text(&asked->form, "ending_before");
    const char *cursor = after != NULL ? after : before;
    struct place place;
    bool found = true;

    *ret = (struct page){.above = -1, .below = INT64_MAX, .limit = form_int(&asked->form, "limit", LIST_LIMIT_DEFAULT)};
    read_times(&asked->form, ret);
    *ret_good = false;
    if (after != NULL && before != NULL)
        return reply_error(
            asked, 400,
            &(struct error_view){.type = "invalid_request_error",
                                 .message = "You can only use one of starting_after and ending_before."});
    if (cursor != NULL) {
        TRY(find(asked->uow, cursor, &place, &found));
        if (!found)
            return reply_missing(asked, "object", cursor, after != NULL ? "starting_after" : "ending_before");
        *(after != NULL ? &ret->below : &ret->above) = place.serial;
    }
    *ret_good = true;
    return ERR_NONE;
}

enum err reply_list(struct asked *asked, const struct page *page, struct texts items)
{
    const bool has_more = items.count > (size_t)page->limit;

    if (has_more)
        items.count = (size_t)page->limit;
    /* What was read upwards is shown newest first all the same. */
    for (size_t i = 0; page->above >= 0 && i < items.count / 2; i++) {
        const char *item = items.items[i];
        items.items[i] = items.items[items.count - 1 - i];
        items.items[items.count - 1 - i] = item;
    }
    return reply(asked, list_view(asked->ctx->arena, asked->operation->path, &items, has_more));
}

/* --- before the operation --- */

static bool is_admitted(struct asked *asked)
{
    static const char scheme[] = "Bearer ";
    const char *given = request_header(asked->ctx, "Authorization");
    const char *message = "Invalid API Key provided.";

    if (given == NULL)
        message = "You did not provide an API key. Provide it in the Authorization header, using Bearer auth.";
    else if (strncasecmp(given, scheme, sizeof(scheme) - 1) == 0 &&
             text_equal_secret(given + sizeof(scheme) - 1, asked->psp->key))
        return true;
    (void)reply_error(asked, 401, &(struct error_view){.type = "invalid_request_error", .message = message});
    return false;
}

static bool is_form(const char *type)
{
    const size_t size = sizeof(FORM_TYPE) - 1;

    return type != NULL && strncasecmp(type, FORM_TYPE, size) == 0 &&
           (type[size] == '\0' || type[size] == ';' || type[size] == ' ');
}

static bool read_form(struct asked *asked)
{
    struct ctx *ctx = asked->ctx;
    const bool is_get = text_equal(asked->operation->method, "GET");
    size_t size = strlen(ctx->request->query);
    const char *bytes = ctx->request->query;
    struct form_error error;

    if (!is_get && size > 0) {
        error = (struct form_error){.message = "Parameters of a POST stand in its body."};
    } else if (!is_get && !is_form(request_header(ctx, "Content-Type"))) {
        error = (struct form_error){.message = "The Content-Type must be " FORM_TYPE ", also without a body."};
    } else {
        if (!is_get)
            bytes = request_body(ctx, &size);
        if (form_parse(ctx->arena, bytes, size, &asked->form, &error) &&
            form_check(ctx->arena, &asked->form, asked->operation->params, &error))
            return true;
    }
    (void)reply_error(asked, 400,
                      &(struct error_view){"invalid_request_error", error.code, NULL, error.message, error.param});
    return false;
}

/* --- the operation, and its answer on record --- */

struct kept {
    const char *id; /* the key */
    const char *fingerprint;
    int64_t status;
    const char *body;
};
static RECORD(kept, FIELD(kept, id), FIELD(kept, fingerprint), FIELD(kept, status), FIELD(kept, body));

static const struct rows kept_rows = {NULL, &Q_keyed_answers_get, &kept_record};

static const char *group_name(const struct asked *asked)
{
    return operation_names[asked->operation->group];
}

/* Lists the request. */
static void list_request(struct asked *asked)
{
    const struct request *request = asked->ctx->request;
    const bool is_get = text_equal(asked->operation->method, "GET");
    size_t size;
    const char *body = request_body(asked->ctx, &size);
    const char *params = is_get ? request->query : arena_copy(asked->ctx->arena, body, utf8_valid_size(body, size));

    SQL(asked->uow, api_request_add, .operation = group_name(asked), .method = asked->operation->method,
        .path = request->path, .params = params, .key = request_header(asked->ctx, "Idempotency-Key"),
        .status = asked->hangs ? 0 : asked->status, .replayed = asked->replayed,
        .fault = fault_mode_names[asked->fault.mode]);
}

/* A request that ends before its operation began: no key keeps that answer. */
static enum err end_early(struct asked *asked)
{
    UNIT_OF_WORK(asked->ctx, uow);
    asked->uow = uow;
    list_request(asked);
    return uow_commit(uow);
}

static enum err replay(struct asked *asked, const struct kept *kept)
{
    struct ctx *ctx = asked->ctx;

    if (text_equal(kept->fingerprint, request_fingerprint(ctx))) {
        asked->status = (int)kept->status;
        asked->body = kept->body;
        asked->replayed = true;
        return ERR_NONE;
    }
    const char *message = arena_printf(
        ctx->arena,
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        "Try using a key other than '%s' if you meant to execute a different request.",
        asked->key);
    return reply_error(asked, 400, &(struct error_view){.type = "idempotency_error", .message = message});
}

static enum err run(struct asked *asked)
{
    if (asked->fault.mode == FAULT_ERROR_500_BEFORE) {
        reply_500(asked);
        return ERR_NONE;
    }
    if (asked->fault.mode == FAULT_DECLINED)
        return reply_error(
            asked, 402,
            &(struct error_view){"card_error", "card_declined", "generic_decline", "Your card was declined."});
    TRY(asked->operation->run(asked));
    if (asked->fault.mode == FAULT_ERROR_500_AFTER)
        reply_500(asked);
    return ERR_NONE;
}

static bool name_key(struct needs *needs, const struct guest *guest)
{
    const struct asked *asked = guest->of;

    needs_row(needs, &kept_rows, asked->key);
    return true;
}

static enum err execute_once(const struct guest *guest)
{
    struct asked *asked = (struct asked *)guest->of;
    struct ctx *ctx = guest->ctx;
    struct kept kept = {0};
    bool any; /* always */

    UNIT_OF_WORK(ctx, uow);
    asked->uow = uow;
    asked->replayed = false;
    if (asked->key != NULL)
        TRY(rows_take_or_ask(uow, &kept_rows, asked->key, &kept, &any));
    if (kept.status != 0) {
        TRY(replay(asked, &kept));
    } else {
        TRY(run(asked));
        if (asked->key != NULL)
            SQL(uow, keyed_answer_put, .key = asked->key, .fingerprint = request_fingerprint(ctx),
                .status = asked->status, .body = asked->body);
    }
    if (ctx->joint != NULL)
        asked->body = arena_strdup(ctx->arena, asked->body); /* it may be the shared transaction's */
    list_request(asked);
    return uow_commit(uow);
}

static enum err execute(struct asked *asked)
{
    const struct guest guest = {asked->ctx, asked, name_key, execute_once};
    const enum err err = joint_serve(&guest);

    return err == ERR_AGAIN ? execute_once(&guest) : err;
}

/* --- faults --- */

static enum err serve_faulty(struct asked *asked)
{
    switch (asked->fault.mode) {
    case FAULT_SLOW:
        psp_sleep(asked->ctx, asked->fault.delay_ms > 0 ? asked->fault.delay_ms : SLOW_MS);
        return execute(asked);
    case FAULT_TIME_OUT_BEFORE:
        reply_500(asked);
        asked->hangs = true;
        return end_early(asked);
    case FAULT_TIME_OUT_AFTER:
        asked->hangs = true;
        return execute(asked);
    case FAULT_TOO_MANY:
        (void)reply_error(asked, 429,
                          &(struct error_view){"invalid_request_error", "rate_limit", NULL, "Too many requests."});
        return end_early(asked);
    case FAULT_NONE:
    case FAULT_ERROR_500_BEFORE:
    case FAULT_ERROR_500_AFTER:
    case FAULT_GARBAGE_AFTER:
    case FAULT_WRONG_AMOUNT:
    case FAULT_DECLINED:
    case FAULT_MODES:
        break;
    }
    return execute(asked);
}

static enum err serve(struct asked *asked)
{
    if (!is_admitted(asked) || !read_form(asked))
        return end_early(asked);
    if (asked->key != NULL && !psp_enter(asked->psp, asked->key)) {
        (void)reply_error(asked, 409,
                          &(struct error_view){"idempotency_error", "idempotency_key_in_use", NULL,
                                               "There is currently another in-progress request using this key."});
        return end_early(asked);
    }
    asked->fault = psp_take_fault(asked->psp, asked->operation->group);
    enum err err = serve_faulty(asked);
    if (asked->key != NULL)
        psp_leave(asked->psp, asked->key);
    return err;
}

/* Changes the first digit behind every "amount...": of the text on the wire only. */
static const char *bend_amounts(struct arena *arena, const char *body)
{
    char *bent = arena_strdup(arena, body);

    for (char *at = strstr(bent, "\"amount"); at != NULL; at = strstr(at, "\"amount")) {
        at += strcspn(at, ":");
        if (at[0] == ':' && isdigit((unsigned char)at[1]))
            at[1] = at[1] == '9' ? '1' : (char)(at[1] + 1);
    }
    return bent;
}

static const struct operation *find_operation(const struct route *route)
{
    const struct operation *const tables[] = {session_operations, intent_operations, refund_operations,
                                              event_operations};

    for (size_t i = 0; i < COUNT(tables); i++) {
        for (const struct operation *each = tables[i]; each->method != NULL; each++) {
            if (text_equal(each->method, route->method) && text_equal(each->path, route->path))
                return each;
        }
    }
    assert(!"a route of the API without an operation");
    return NULL;
}

enum err api_handle(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct asked asked = {.ctx = ctx, .psp = psp_of(ctx), .operation = find_operation(ctx->request->route)};

    asked.key = request_key(ctx);
    TRY(serve(&asked));
    if (asked.hangs)
        psp_sleep(ctx, asked.fault.delay_ms > 0 ? asked.fault.delay_ms : HANG_MS);
    if (asked.fault.mode == FAULT_GARBAGE_AFTER)
        asked.body = "<html>not what you expected";
    else if (asked.fault.mode == FAULT_WRONG_AMOUNT)
        asked.body = bend_amounts(ctx->arena, asked.body);

    http_status(ctx, asked.status);
    if (asked.replayed)
        http_header(ctx, "Idempotent-Replayed", "true");
    if (asked.key != NULL)
        http_header(ctx, "Idempotency-Key", asked.key);
    http_header(ctx, "Request-Id", psp_id(ctx->arena, "req_"));
    http_text(ctx, "application/json", asked.body, strlen(asked.body));
    return ERR_NONE;
}
