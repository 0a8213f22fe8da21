/* Placing, paying again and looking how far it is: answered when there is something for the shopper to do. */
#include <string.h>

#include "checkout.h"
#include "clock.h"
#include "json.h"
#include "proto/storefront_api.h"
#include "storefront.h"
#include "text.h"

#define READ_TIMEOUT_MS 2000

int placement_status(const char *state)
{
    static const struct {
        const char *state;
        int status;
    } statuses[] = {
        {PLACEMENT_VIEW_STATE_ACTION_REQUIRED, 200},
        {PLACEMENT_VIEW_STATE_PLACED, 201},
        {PLACEMENT_VIEW_STATE_DECLINED, 402},
        {PLACEMENT_VIEW_STATE_FAILED, 409},
    };

    for (size_t i = 0; i < COUNT(statuses); i++) {
        if (text_equal(statuses[i].state, state))
            return statuses[i].status;
    }
    return 202;
}

/* A request about a placement that may wait. */
struct placing {
    const char *id;        /* of the checkout, and so of the order */
    struct ticket *ticket; /* taken before the first look, so that nothing is missed in between */
    struct call ask;       /* what the shopper asked, as the checkout service gets it */
    bool joins;            /* whether asking again tells how what was asked is going */
    int64_t number;        /* of the placement in the first answer */
    const char *seen;      /* If-None-Match: the ETag of the answer that the shopper has; NULL: none */
};

static void placing_end(struct placing *placing)
{
    edge_unwatch(placing->ticket);
}

/* What changes the answer to a waiting shopper; the steps in between don't. */
static const char *const answers[] = {"waybill.checkout.progressed.v1", "waybill.checkout.failed.v1", NULL};

static enum err placing_begin(struct ctx *ctx, struct placing *ret)
{
    TRY(path_id(ctx, "checkout_id", &ret->id));
    if (request_wait_s(ctx) > 0)
        ret->ticket = edge_watch(ctx, ret->id, answers);
    return ERR_NONE;
}

/* How the placement stands, by a fresh answer. */
struct standing {
    struct answer answer;
    struct placement_view view;
    bool is_placement; /* the answer is one: what follows is known */
    int status;        /* by the table of statuses */
};

static void understand(struct ctx *ctx, struct standing *standing)
{
    const struct answer *answer = &standing->answer;

    standing->is_placement =
        answer->content_type != NULL && strncmp(answer->content_type, "application/json", 16) == 0 &&
        json_decode(ctx, &placement_view_record, answer->body, answer->size, JSON_OPEN, &standing->view) == ERR_NONE;
    ctx_clear_problem(ctx);
    standing->status = standing->is_placement ? placement_status(standing->view.state) : answer->status;
}

static enum err look_with(struct ctx *ctx, const struct call *call, struct standing *ret)
{
    TRY(edge_call(ctx, "checkout", call, &ret->answer));
    understand(ctx, ret);
    return ERR_NONE;
}

/* Reads the placement. When another one began meanwhile, its state is no answer to what was asked: the service, which
 * keeps the key, is asked again. */
static enum err look_again(struct ctx *ctx, const struct placing *placing, struct standing *ret)
{
    const struct call read = {
        .method = "GET",
        .path = arena_printf(ctx->arena, "/checkouts/%s/placement", placing->id),
        .timeout_ms = READ_TIMEOUT_MS,
        .repeatable = true,
    };

    TRY(look_with(ctx, &read, ret));
    if (placing->joins && ret->is_placement && ret->view.placement != placing->number)
        TRY(look_with(ctx, &placing->ask, ret));
    return ERR_NONE;
}

/* Whether the shopper has just this answer already. */
static bool is_seen(const struct placing *placing, const struct standing *standing)
{
    return placing->seen != NULL && text_equal(standing->answer.etag, placing->seen);
}

/* Waits while there is nothing to do but wait, or nothing that the shopper doesn't know. What can't be read now may be
 * read at the next wake: until then the last answer stands. */
static void wait_for_news(struct ctx *ctx, const struct placing *placing, struct standing *standing)
{
    const int64_t deadline = clock_monotonic() + request_wait_s(ctx) * CLOCK_SECOND;
    int64_t left_ms;

    while (standing->is_placement && (standing->status == 202 || is_seen(placing, standing)) &&
           !http_is_stopping(ctx) && (left_ms = (deadline - clock_monotonic()) / CLOCK_MS) > 0) {
        struct standing fresh = {{0}};
        (void)edge_wait(placing->ticket, (int)left_ms); /* the last look, after the time is over, costs little */
        if (look_again(ctx, placing, &fresh) == ERR_NONE && fresh.is_placement)
            *standing = fresh;
        ctx_clear_problem(ctx);
    }
}

/* Passes on what the shopper asked, then waits for what comes of it. */
static enum err ask_and_wait(struct ctx *ctx, const char *verb, bool joins)
{
    struct placing placing CLEANUP(placing_end) = {.joins = joins};
    struct standing standing = {{0}};

    TRY(placing_begin(ctx, &placing));
    placing.ask = (struct call){
        .method = "POST",
        .path = arena_printf(ctx->arena, "/checkouts/%s/%s", placing.id, verb),
        .headers = {arena_printf(ctx->arena, "Idempotency-Key: %s", request_key(ctx))},
        .content_type = "application/json",
        .repeatable = true,
    };
    placing.ask.body = request_body(ctx, &placing.ask.body_size);
    TRY(look_with(ctx, &placing.ask, &standing));
    placing.number = standing.view.placement;
    wait_for_news(ctx, &placing, &standing);

    edge_answer(ctx, &standing.answer);
    if (!standing.is_placement)
        return ERR_NONE;
    http_status(ctx, standing.status);
    if (standing.view.order != NULL)
        http_header(ctx, "Location", arena_printf(ctx->arena, "/orders/%s", placing.id));
    else
        http_header(ctx, "Location", arena_printf(ctx->arena, "/checkouts/%s/placement", placing.id));
    return ERR_NONE;
}

/* The same key and body, in parallel or later, joins: each waits as long as it wants. */
enum err place(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    return ask_and_wait(ctx, "place", true);
}

enum err pay(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    return ask_and_wait(ctx, "payments", false);
}

enum err get_placement(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct placing placing CLEANUP(placing_end) = {0};
    struct standing standing = {{0}};

    TRY(placing_begin(ctx, &placing));
    placing.seen = request_header(ctx, "If-None-Match");
    TRY(look_again(ctx, &placing, &standing));
    wait_for_news(ctx, &placing, &standing);
    if (is_seen(&placing, &standing)) {
        http_status(ctx, 304);
        http_header(ctx, "ETag", standing.answer.etag);
    } else {
        edge_answer(ctx, &standing.answer);
    }
    return ERR_NONE;
}
