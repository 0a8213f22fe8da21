/* PaymentIntents over the API: show, list, capture, cancel. */
#include "api.h"
#include "pay.h"
#include "text.h"

#include "psp-sandbox/queries.h"

static const struct expandable expandables[] = {
    {"latest_charge", EXPAND_CHARGE},
    {"data.latest_charge", EXPAND_CHARGE},
    {NULL, 0},
};

static enum err show(struct asked *asked)
{
    const char *id = path_param(asked->ctx, "id");
    struct intent intent;
    unsigned expand;
    bool found;

    if (!read_expand(asked, expandables, &expand))
        return ERR_NONE;
    TRY(intent_find(asked->uow, id, &intent, &found));
    if (!found)
        return reply_missing(asked, "payment_intent", id, "intent");
    return reply(asked, intent_view(asked->ctx->arena, &intent, expand));
}

static enum err find_intent_place(struct uow *uow, const char *id, struct place *ret, bool *ret_found)
{
    return SQL_MAYBE(uow, intent_place, place_record, ret, ret_found, .id = id);
}

static enum err list(struct asked *asked)
{
    struct arena *arena = asked->ctx->arena;
    struct intent_list intents;
    struct texts items;
    struct page page;
    unsigned expand;
    bool good;

    if (!read_expand(asked, expandables, &expand))
        return ERR_NONE;
    TRY(read_page(asked, find_intent_place, &page, &good));
    if (!good)
        return ERR_NONE;
    TRY(SQL_MANY(asked->uow, intents_list, intent_record, &intents, .above = page.above, .below = page.below,
                 .from = page.from, .to = page.to, .count = page.limit + 1));
    items = (struct texts){arena_array(arena, intents.count, sizeof(char *)), intents.count};
    for (size_t i = 0; i < intents.count; i++)
        items.items[i] = intent_view(arena, &intents.items[i], expand);
    return reply_list(asked, &page, items);
}

/* Some test cards' banks take back their word. */
static bool capture_is_declined(const struct intent *intent)
{
    const struct card *card = intent->charge.card != NULL ? card_named(intent->charge.card) : NULL;

    return card != NULL && card->capture_fails;
}

static enum err capture(struct asked *asked)
{
    struct arena *arena = asked->ctx->arena;
    const char *id = path_param(asked->ctx, "id");
    const bool final = form_bool(&asked->form, "final_capture", true);
    struct intent intent;
    unsigned expand;
    bool found;

    if (!read_expand(asked, expandables, &expand))
        return ERR_NONE;
    TRY(intent_lock(asked->uow, id, &intent, &found));
    if (!found)
        return reply_missing(asked, "payment_intent", id, "intent");
    const int64_t amount = form_int(&asked->form, "amount_to_capture", intent.capturable);
    const struct refusal refusal = capture_refusal(arena, &intent, amount, final);
    if (refusal.message != NULL)
        return reply_refusal(asked, &refusal, &intent);
    if (capture_is_declined(&intent))
        return reply_error(asked, 402,
                           &(struct error_view){"card_error", "card_declined", "generic_decline",
                                                "Your card was declined.", NULL, intent_view(arena, &intent, 0)});

    struct announcer all = announcer(asked->uow, intent.payment_id, WEBHOOK_NORMAL);
    intent_capture(&intent, amount, final);
    charge_save(asked->uow, &intent.charge);
    intent_save(asked->uow, &intent);
    announce(&all, "charge.captured", charge_view(arena, &intent));
    announce(&all,
             intent.status == INTENT_SUCCEEDED ? "payment_intent.succeeded"
                                               : "payment_intent.amount_capturable_updated",
             intent_view(arena, &intent, 0));
    return reply(asked, intent_view(arena, &intent, expand));
}

static enum err cancel(struct asked *asked)
{
    struct arena *arena = asked->ctx->arena;
    const char *id = path_param(asked->ctx, "id");
    struct intent intent;
    unsigned expand;
    bool found;

    if (!read_expand(asked, expandables, &expand))
        return ERR_NONE;
    TRY(intent_lock(asked->uow, id, &intent, &found));
    if (!found)
        return reply_missing(asked, "payment_intent", id, "intent");
    const struct refusal refusal = cancel_refusal(arena, &intent);
    if (refusal.message != NULL)
        return reply_refusal(asked, &refusal, &intent);
    intent_end(asked->uow, &intent, form_text(&asked->form, "cancellation_reason"));
    return reply(asked, intent_view(arena, &intent, expand));
}

/* clang-format off */
static const struct form_spec show_params[] = {
    { "expand[]", FORM_TEXT, .most = 100 },
    { NULL },
};

static const struct form_spec list_params[] = {
    LIST_PARAMS,
    { NULL },
};

static const struct form_spec capture_params[] = {
    { "amount_to_capture",    FORM_INT, 0, AMOUNT_MAX },
    { "final_capture",        FORM_BOOL },
    { "metadata[*]",          FORM_TEXT },
    { "statement_descriptor", FORM_TEXT, .most = 22 },
    { "expand[]",             FORM_TEXT, .most = 100 },
    { NULL },
};

static const struct form_spec cancel_params[] = {
    { "cancellation_reason", FORM_CHOICE, .choices = "abandoned duplicate fraudulent requested_by_customer" },
    { "expand[]",            FORM_TEXT, .most = 100 },
    { NULL },
};

const struct operation intent_operations[] = {
    { "GET",  "/v1/payment_intents",             OPERATION_QUERY,   list_params,    list    },
    { "GET",  "/v1/payment_intents/:id",         OPERATION_QUERY,   show_params,    show    },
    { "POST", "/v1/payment_intents/:id/capture", OPERATION_CAPTURE, capture_params, capture },
    { "POST", "/v1/payment_intents/:id/cancel",  OPERATION_CANCEL,  cancel_params,  cancel  },
    { NULL },
};
/* clang-format on */
