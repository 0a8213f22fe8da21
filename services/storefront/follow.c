/*
 * An order as server-sent events: as it is, and again after each change. Nothing is kept for those who come back; the
 * version that they saw last says whether they missed something.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "identity.h"
#include "json.h"
#include "proto/storefront_api.h"
#include "storefront.h"

#define FOLLOW_MAX_S 900 /* then the browser connects again, maybe to another copy of the gateway */
#define LOOK_TIMEOUT_MS 2000
#define RELOOK_FIRST_MS 200 /* the order hears of its shipment no sooner than we do, so a look may come too early */
#define RELOOKS_MAX 4       /* each waits twice as long */
#define VERSION_MAX 24
#define SUM_SIZE 65 /* hex of SHA-256 */

/* What a stream knows between its pieces. */
struct follow {
    const char *path; /* of the order at its service */
    struct ticket *ticket;
    const struct answer *first; /* looked at before the stream began; NULL once it was sent */
    int64_t until;              /* monotonic */
    int relooks;                /* how often it is worth to look again without news */
    char seen[VERSION_MAX];     /* the version that the client has */
    char sum[SUM_SIZE];         /* of the order that the client has, since not every change raises the version */
};

/* Adds the order as an event if the client doesn't have it like this. */
static bool tell(struct ctx *ctx, struct buf *buf, struct follow *follow, const struct answer *answer)
{
    const char *version = json_find(ctx->arena, answer->body, answer->size, "version");
    const char *sum = sha256_hex(ctx->arena, answer->body, answer->size);

    if (version == NULL || memchr(answer->body, '\n', answer->size) != NULL)
        return false;
    bool is_known =
        strcmp(follow->sum[0] != '\0' ? follow->sum : follow->seen, follow->sum[0] != '\0' ? sum : version) == 0;
    snprintf(follow->sum, sizeof(follow->sum), "%s", sum);
    if (is_known)
        return false;
    snprintf(follow->seen, sizeof(follow->seen), "%s", version);
    buf_printf(buf, "event: order\nid: %s\ndata: ", version);
    buf_add(buf, answer->body, answer->size);
    buf_add_text(buf, "\n\n");
    return true;
}

/* Reads the order. A stream outlives an identity, so each look signs its own, which is gone with the piece. */
static enum err look(struct ctx *ctx, const struct follow *follow, struct answer *ret)
{
    const struct call call = {.method = "GET", .path = follow->path, .timeout_ms = LOOK_TIMEOUT_MS, .repeatable = true};

    ctx->request->identity = NULL;
    enum err err = edge_call(ctx, "order", &call, ret);
    ctx->request->identity = NULL;
    return err;
}

/* Waits for news, or until it is worth to look again. */
static bool wait_for_change(struct follow *follow, int64_t deadline)
{
    int64_t left_ms = (deadline - clock_monotonic()) / CLOCK_MS;
    int64_t pause_ms = (int64_t)RELOOK_FIRST_MS << (RELOOKS_MAX - follow->relooks);

    if (left_ms <= 0)
        return false;
    if (follow->relooks == 0 || pause_ms > left_ms)
        pause_ms = left_ms;
    if (edge_wait(follow->ticket, (int)pause_ms)) {
        follow->relooks = RELOOKS_MAX;
        return true;
    }
    if (follow->relooks == 0)
        return false;
    follow->relooks--;
    return true;
}

static bool next_event(struct ctx *ctx, struct buf *buf, void *state)
{
    struct follow *follow = state;
    struct answer answer;

    if (buf == NULL) {
        edge_unwatch(follow->ticket);
        return false;
    }
    if (follow->first != NULL) {
        bool told = tell(ctx, buf, follow, follow->first);
        follow->first = NULL;
        if (told)
            return true;
    }
    const int64_t deadline = clock_monotonic() + (HTTP_HEARTBEAT_S - 1) * CLOCK_SECOND;
    while (!http_is_stopping(ctx) && clock_monotonic() < deadline) {
        if (!wait_for_change(follow, deadline))
            break;
        enum err err = look(ctx, follow, &answer);
        if (err == ERR_NONE && answer.status != 200)
            return false; /* it is gone; who connects again is told so */
        if (err == ERR_NONE && tell(ctx, buf, follow, &answer))
            return true;
        ctx_clear_problem(ctx);
    }
    return clock_monotonic() < follow->until;
}

enum err order_events(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct follow *follow = ARENA_NEW(ctx->arena, struct follow);
    struct answer *first = ARENA_NEW(ctx->arena, struct answer);
    const char *last_seen = request_header(ctx, "Last-Event-ID");
    const char *id;
    bool found = false;

    TRY(path_id(ctx, "order_id", &id));
    follow->path = arena_printf(ctx->arena, "/orders/%s", id);
    follow->until = clock_monotonic() + FOLLOW_MAX_S * CLOCK_SECOND;
    follow->relooks = RELOOKS_MAX;
    if (last_seen != NULL && strlen(last_seen) < VERSION_MAX)
        snprintf(follow->seen, sizeof(follow->seen), "%s", last_seen);

    follow->ticket = edge_watch(ctx, id, NULL);
    enum err err = read_from(ctx, "order", follow->path, first, &found);
    if (err != ERR_NONE || !found) {
        edge_unwatch(follow->ticket);
        return err;
    }
    follow->first = first;
    http_answer_stream(ctx, "text/event-stream", next_event, follow);
    return ERR_NONE;
}
