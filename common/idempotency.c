/*
 * idempotency - one answer per Idempotency-Key and caller: claimed, stored and replayed with the transaction itself.
 */
#include <assert.h>
#include <string.h>

#include "common/queries.h"
#include "http.h"
#include "json.h"
#include "uow.h"

#define HEADERS_JSON_MAX 8192

static RECORD(http_header, FIELD(http_header, name), FIELD(http_header, value, .max = HEADERS_JSON_MAX));

/* The record of a key, as it stands in the table. */
struct replay {
    const char *fingerprint;
    int64_t status;
    const char *content_type;
    const char *headers;
    const char *answer;
};

static RECORD(replay, FIELD(replay, fingerprint), FIELD(replay, status), FIELD(replay, content_type),
              FIELD(replay, headers), FIELD(replay, answer));

/* Whose key it is: two callers may use the same one. */
static const char *caller_text(const struct ctx *ctx)
{
    const struct caller *caller = &ctx->caller;
    const char *who = caller->cart_id != NULL ? caller->cart_id : caller->name != NULL ? caller->name : "";

    switch (caller->role) {
    case ROLE_SHOPPER:
        return arena_printf(ctx->arena, "shopper:%s", who);
    case ROLE_STAFF:
        return arena_printf(ctx->arena, "staff:%s", who);
    case ROLE_PARTNER:
        return arena_printf(ctx->arena, "partner:%s", who);
    case ROLE_SYSTEM:
        return arena_printf(ctx->arena, "system:%s", who);
    case ROLE_NONE:
        break;
    }
    return arena_printf(ctx->arena, "none:%s", who);
}

bool idempotency_is_due(const struct uow *uow)
{
    const struct request *request = uow->ctx->request;

    return uow->transaction && request != NULL && request->key != NULL && !request->key_claimed &&
           (request->route->flags & ROUTE_KEY_OWN) == 0;
}

void idempotency_claim(struct uow *uow)
{
    struct ctx *ctx = uow->ctx;

    if (!idempotency_is_due(uow))
        return;
    uow->claims_key = true;
    ctx->request->key_claimed = true;
    SQL_CLAIM(uow, ERR_REPLAY, idempotency_claim, .caller = caller_text(ctx), .key = ctx->request->key,
              .fingerprint = request_fingerprint(ctx));
}

void idempotency_store(struct uow *uow)
{
    struct ctx *ctx = uow->ctx;
    struct request *request = ctx->request;

    if (!uow->claims_key || uow->failed != ERR_NONE)
        return;
    http_render(ctx);

    /* What may come out differently next time is not kept: the key is free again. */
    if (request->status >= 500 || request->stream != NULL) {
        SQL(uow, idempotency_drop, .caller = caller_text(ctx), .key = request->key);
        return;
    }
    SQL(uow, idempotency_store, .caller = caller_text(ctx), .key = request->key, .status = request->status,
        .content_type = request->content_type,
        .headers = json_encode_list(ctx->arena, &http_header_record, request->headers, request->header_count),
        .answer = request->answer == NULL ? NULL : arena_copy(ctx->arena, request->answer, request->answer_size));
}

static enum err replay_headers(struct ctx *ctx, const char *json)
{
    struct list list = {0};

    TRY(json_decode_list(ctx, &http_header_record, json, strlen(json), &list));
    const struct http_header *headers = list.items;
    for (size_t i = 0; i < list.count; i++)
        http_header(ctx, headers[i].name, headers[i].value);
    return ERR_NONE;
}

enum err idempotency_replay(struct ctx *ctx)
{
    struct request *request = ctx->request;
    struct replay replay = {0};
    bool found = false;

    assert(request->key != NULL);
    READING(ctx, uow);
    TRY(SQL_MAYBE(uow, idempotency_get, replay_record, &replay, &found, .caller = caller_text(ctx),
                  .key = request->key));

    /* It expired in between, or its transaction did not keep an answer: the caller tries anew. */
    if (!found || replay.status == 0)
        return FAIL(ctx, BUSY, "the request with this Idempotency-Key has no answer on record");
    if (strcmp(replay.fingerprint, request_fingerprint(ctx)) != 0)
        return FAIL(ctx, INVALID, "this Idempotency-Key was used for another request");

    request->status = (int)replay.status;
    request->header_count = 0;
    request->stream = NULL;
    if (replay.headers != NULL)
        TRY(replay_headers(ctx, replay.headers));
    request->content_type = replay.content_type;
    request->answer = replay.answer;
    request->answer_size = replay.answer == NULL ? 0 : strlen(replay.answer);
    request->rendered = true;
    return ERR_NONE;
}
