/* Checkout Sessions over the API: make, show, list, expire. */
#include <string.h>

#include "api.h"
#include "clock.h"
#include "http.h"
#include "pay.h"
#include "text.h"

#include "psp-sandbox/queries.h"

#define AMOUNT_SMALLEST 50
#define LINES_MAX 100
#define COUNT_MAX 999999

static const struct expandable expandables[] = {
    {"payment_intent", EXPAND_INTENT},
    {"payment_intent.latest_charge", EXPAND_INTENT | EXPAND_CHARGE},
    {"data.payment_intent", EXPAND_INTENT},
    {"data.payment_intent.latest_charge", EXPAND_INTENT | EXPAND_CHARGE},
    {NULL, 0},
};

/* --- making --- */

static const char *line_text(const struct asked *asked, size_t row, const char *rest)
{
    return form_text(&asked->form, arena_printf(asked->ctx->arena, "line_items[%zu]%s", row, rest));
}

/* Whether a line has all it needs; the name of what it lacks. */
static const char *find_missing(struct asked *asked, size_t row)
{
    static const char *const needed[] = {"[price_data][currency]", "[price_data][unit_amount]",
                                         "[price_data][product_data][name]", "[quantity]"};

    for (size_t i = 0; i < COUNT(needed); i++) {
        if (line_text(asked, row, needed[i]) == NULL)
            return arena_printf(asked->ctx->arena, "line_items[%zu]%s", row, needed[i]);
    }
    return NULL;
}

static struct refusal refuse(const char *code, const char *param, const char *message)
{
    return (struct refusal){.code = code, .param = param, .message = message};
}

/* What the lines come to. */
static struct refusal add_lines(struct asked *asked, struct session *session)
{
    struct arena *arena = asked->ctx->arena;
    const size_t rows = form_rows(&asked->form, "line_items");

    if (rows == 0 || rows > LINES_MAX)
        return refuse("parameter_missing", "line_items", "Missing required param: line_items.");
    for (size_t row = 0; row < rows; row++) {
        const char *missing = find_missing(asked, row);
        if (missing != NULL)
            return refuse("parameter_missing", missing, arena_printf(arena, "Missing required param: %s.", missing));
        const char *currency = line_text(asked, row, "[price_data][currency]");
        if (row == 0) {
            session->currency = currency;
            session->title = line_text(asked, row, "[price_data][product_data][name]");
        }
        if (!text_equal(session->currency, currency))
            return refuse(NULL, "line_items", "All line items must have the same currency.");
        /* Both fit their ranges, so the product does not overflow. */
        session->amount +=
            form_int(&asked->form, arena_printf(arena, "line_items[%zu][price_data][unit_amount]", row), 0) *
            form_int(&asked->form, arena_printf(arena, "line_items[%zu][quantity]", row), 0);
    }
    if (session->amount < AMOUNT_SMALLEST)
        return refuse("amount_too_small", "line_items", "The total must be at least 50 of the smallest unit.");
    if (session->amount > AMOUNT_MAX)
        return refuse("amount_too_large", "line_items", "The total must be at most 99999999.");
    return refuse(NULL, NULL, NULL);
}

static struct refusal read_session(struct asked *asked, struct session *ret)
{
    const struct form *form = &asked->form;
    struct arena *arena = asked->ctx->arena;
    const int64_t now = clock_now() / CLOCK_SECOND;

    *ret = (struct session){
        .id = psp_id(arena, "cs_test_"),
        .status = "open",
        .client_reference_id = form_text(form, "client_reference_id"),
        .customer_email = form_text(form, "customer_email"),
        .locale = form_text(form, "locale"),
        .description = form_text(form, "payment_intent_data[description]"),
        .success_url = form_text(form, "success_url"),
        .cancel_url = form_text(form, "cancel_url"),
        .capture_method = form_text(form, "payment_intent_data[capture_method]"),
        .multicapture =
            text_equal(form_text(form, "payment_method_options[card][request_multicapture]"), "if_available"),
        .metadata = form_map(arena, form, "metadata"),
        .intent_metadata = form_map(arena, form, "payment_intent_data[metadata]"),
        .payment_id = form_text(form, "payment_intent_data[metadata][payment_id]"),
        .created = now,
        .expires_at = form_int(form, "expires_at", now + SESSION_LONGEST_S),
    };
    if (ret->capture_method == NULL)
        ret->capture_method = "automatic_async";
    if (ret->payment_id == NULL)
        ret->payment_id = form_text(form, "metadata[payment_id]");
    if (ret->payment_id == NULL)
        ret->payment_id = "";
    /* A few seconds are for the way here. */
    if (ret->expires_at < now + SESSION_SHORTEST_S - 10 || ret->expires_at > now + SESSION_LONGEST_S + 10)
        return refuse(
            NULL, "expires_at",
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.");
    return add_lines(asked, ret);
}

static enum err create(struct asked *asked)
{
    struct session session;
    const struct refusal refusal = read_session(asked, &session);
    unsigned expand;

    if (refusal.message != NULL)
        return reply_refusal(asked, &refusal, NULL);
    if (!read_expand(asked, expandables, &expand))
        return ERR_NONE;
    session_add(asked->uow, &session);
    return reply(asked, session_view(asked->ctx->arena, &session, NULL, asked->psp->public_url, expand));
}

/* --- showing --- */

static enum err show(struct asked *asked)
{
    const char *id = path_param(asked->ctx, "id");
    struct session session;
    struct intent intent;
    bool has_intent = false;
    bool found;
    unsigned expand;

    if (!read_expand(asked, expandables, &expand))
        return ERR_NONE;
    TRY(session_find(asked->uow, id, &session, &found));
    if (!found)
        return reply_missing(asked, "checkout.session", id, "session");
    if (expand != 0 && session.intent_id != NULL)
        TRY(intent_find(asked->uow, session.intent_id, &intent, &has_intent));
    return reply(
        asked, session_view(asked->ctx->arena, &session, has_intent ? &intent : NULL, asked->psp->public_url, expand));
}

static enum err find_session_place(struct uow *uow, const char *id, struct place *ret, bool *ret_found)
{
    return SQL_MAYBE(uow, session_place, place_record, ret, ret_found, .id = id);
}

static const struct intent *intent_of(const struct session *session, const struct intent_list *intents)
{
    for (size_t i = 0; i < intents->count; i++) {
        if (text_equal(intents->items[i].id, session->intent_id))
            return &intents->items[i];
    }
    return NULL;
}

static enum err list(struct asked *asked)
{
    struct arena *arena = asked->ctx->arena;
    struct session_list sessions;
    struct intent_list intents = {0};
    struct texts items = {0};
    struct page page;
    unsigned expand;
    bool good;

    if (!read_expand(asked, expandables, &expand))
        return ERR_NONE;
    TRY(read_page(asked, find_session_place, &page, &good));
    if (!good)
        return ERR_NONE;
    TRY(SQL_MANY(asked->uow, sessions_list, session_record, &sessions, .above = page.above, .below = page.below,
                 .status = form_text(&asked->form, "status"), .intent_id = form_text(&asked->form, "payment_intent"),
                 .from = page.from, .to = page.to, .count = page.limit + 1));

    items.items = arena_array(arena, sessions.count, sizeof(char *));
    if (expand != 0) {
        for (size_t i = 0; i < sessions.count; i++) {
            if (sessions.items[i].intent_id != NULL)
                items.items[items.count++] = sessions.items[i].intent_id;
        }
        TRY(intents_find(asked->uow, items, &intents));
    }
    items.count = sessions.count;
    for (size_t i = 0; i < sessions.count; i++)
        items.items[i] = session_view(arena, &sessions.items[i], intent_of(&sessions.items[i], &intents),
                                      asked->psp->public_url, expand);
    return reply_list(asked, &page, items);
}

/* --- expiring --- */

static enum err expire(struct asked *asked)
{
    const char *id = path_param(asked->ctx, "id");
    struct session session;
    bool found;
    unsigned expand;

    if (!read_expand(asked, expandables, &expand))
        return ERR_NONE;
    TRY(session_lock(asked->uow, id, &session, &found));
    if (!found)
        return reply_missing(asked, "checkout.session", id, "session");
    if (!text_equal(session.status, "open")) {
        const char *message = arena_printf(asked->ctx->arena,
                                           "Only Checkout Sessions with a status in [\"open\"] can be expired. This "
                                           "Checkout Session has a status of `%s`.",
                                           session.status);
        const struct refusal refusal = {NULL, NULL, message};
        return reply_refusal(asked, &refusal, NULL);
    }
    TRY(session_expire(asked->uow, &session));
    return reply(asked, session_view(asked->ctx->arena, &session, NULL, asked->psp->public_url, 0));
}

/* --- what they take --- */

/* clang-format off */
static const struct form_spec create_params[] = {
    { "mode",                                               FORM_CHOICE, .choices = "payment", .required = true },
    { "ui_mode",                                            FORM_CHOICE, .choices = "hosted_page" },
    { "success_url",                                        FORM_URL, .most = 5000, .required = true },
    { "cancel_url",                                         FORM_URL, .most = 5000 },
    { "client_reference_id",                                FORM_TEXT, .most = 200 },
    { "customer_email",                                     FORM_TEXT, .most = 512 },
    { "locale",                                             FORM_TEXT, .most = 10 },
    { "currency",                                           FORM_CURRENCY },
    { "submit_type",                                        FORM_CHOICE, .choices = "auto pay book donate" },
    { "expires_at",                                         FORM_INT, .most = INT64_C(99999999999) },
    { "payment_method_types[]",                             FORM_CHOICE, .choices = "card" },
    { "payment_method_options[card][request_multicapture]", FORM_CHOICE, .choices = "if_available never" },
    { "payment_method_options[card][request_three_d_secure]", FORM_CHOICE, .choices = "any automatic challenge" },
    { "line_items[#][quantity]",                            FORM_INT, 1, COUNT_MAX },
    { "line_items[#][price_data][currency]",                FORM_CURRENCY },
    { "line_items[#][price_data][unit_amount]",             FORM_INT, 0, AMOUNT_MAX },
    { "line_items[#][price_data][product_data][name]",      FORM_TEXT, .most = 250 },
    { "line_items[#][price_data][product_data][description]", FORM_TEXT, .most = 500 },
    { "metadata[*]",                                        FORM_TEXT },
    { "payment_intent_data[metadata][*]",                   FORM_TEXT },
    { "payment_intent_data[capture_method]",                FORM_CHOICE, .choices = "automatic automatic_async manual" },
    { "payment_intent_data[description]",                   FORM_TEXT, .most = 1000 },
    { "payment_intent_data[receipt_email]",                 FORM_TEXT, .most = 512 },
    { "payment_intent_data[statement_descriptor]",          FORM_TEXT, .most = 22 },
    { "payment_intent_data[statement_descriptor_suffix]",   FORM_TEXT, .most = 22 },
    { "expand[]",                                           FORM_TEXT, .most = 100 },
    { NULL },
};

static const struct form_spec expand_params[] = {
    { "expand[]", FORM_TEXT, .most = 100 },
    { NULL },
};

static const struct form_spec list_params[] = {
    LIST_PARAMS,
    { "status",         FORM_CHOICE, .choices = "open complete expired" },
    { "payment_intent", FORM_TEXT, .most = 255 },
    { NULL },
};

const struct operation session_operations[] = {
    { "POST", "/v1/checkout/sessions",            OPERATION_CREATE_SESSION, create_params, create },
    { "GET",  "/v1/checkout/sessions",            OPERATION_QUERY,          list_params,   list   },
    { "GET",  "/v1/checkout/sessions/:id",        OPERATION_QUERY,          expand_params, show   },
    { "POST", "/v1/checkout/sessions/:id/expire", OPERATION_EXPIRE,         expand_params, expire },
    { NULL },
};
/* clang-format on */
