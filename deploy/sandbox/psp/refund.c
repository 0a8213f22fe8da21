/* Refunds over the API: make, show, list. */
#include "api.h"
#include "clock.h"
#include "text.h"

#include "psp-sandbox/queries.h"

static const struct expandable expandables[] = {
    {"charge", EXPAND_CHARGE},
    {"payment_intent", EXPAND_INTENT},
    {"data.charge", EXPAND_CHARGE},
    {"data.payment_intent", EXPAND_INTENT},
    {NULL, 0},
};

static enum err create(struct asked *asked)
{
    struct arena *arena = asked->ctx->arena;
    const char *id = form_text(&asked->form, "payment_intent");
    struct intent intent;
    unsigned expand;
    bool found;

    if (!read_expand(asked, expandables, &expand))
        return ERR_NONE;
    TRY(intent_lock(asked->uow, id, &intent, &found));
    if (!found)
        return reply_missing(asked, "payment_intent", id, "payment_intent");
    const int64_t left = intent.charge.captured - intent.charge.refunded;
    const int64_t amount = form_int(&asked->form, "amount", left);
    const struct refusal refusal = refund_refusal(arena, &intent, amount);
    if (refusal.message != NULL)
        return reply_refusal(asked, &refusal, NULL);

    const struct refund refund = {
        .id = psp_id(arena, "re_"),
        .payment_id = intent.payment_id,
        .intent_id = intent.id,
        .charge_id = intent.charge.id,
        .amount = amount,
        .currency = intent.currency,
        .reason = form_text(&asked->form, "reason"),
        .status = "succeeded",
        .metadata = form_map(arena, &asked->form, "metadata"),
        .created = clock_now() / CLOCK_SECOND,
    };
    struct announcer all = announcer(asked->uow, intent.payment_id, WEBHOOK_NORMAL);
    intent.charge.refunded += amount;
    charge_save(asked->uow, &intent.charge);
    refund_add(asked->uow, &refund);
    announce(&all, "refund.created", refund_view(arena, &refund, NULL, 0));
    announce(&all, "charge.refunded", charge_view(arena, &intent));
    return reply(asked, refund_view(arena, &refund, &intent, expand));
}

static enum err show(struct asked *asked)
{
    const char *id = path_param(asked->ctx, "id");
    struct refund refund;
    struct intent intent;
    bool has_intent = false;
    unsigned expand;
    bool found;

    if (!read_expand(asked, expandables, &expand))
        return ERR_NONE;
    TRY(refund_find(asked->uow, id, &refund, &found));
    if (!found)
        return reply_missing(asked, "refund", id, "id");
    if (expand != 0)
        TRY(intent_find(asked->uow, refund.intent_id, &intent, &has_intent));
    return reply(asked, refund_view(asked->ctx->arena, &refund, has_intent ? &intent : NULL, expand));
}

static enum err find_refund_place(struct uow *uow, const char *id, struct place *ret, bool *ret_found)
{
    return SQL_MAYBE(uow, refund_place, place_record, ret, ret_found, .id = id);
}

static const struct intent *intent_of(const struct refund *refund, const struct intent_list *intents)
{
    for (size_t i = 0; i < intents->count; i++) {
        if (text_equal(intents->items[i].id, refund->intent_id))
            return &intents->items[i];
    }
    return NULL;
}

static enum err list(struct asked *asked)
{
    struct arena *arena = asked->ctx->arena;
    struct refund_list refunds;
    struct intent_list intents = {0};
    struct texts items = {0};
    struct page page;
    unsigned expand;
    bool good;

    if (!read_expand(asked, expandables, &expand))
        return ERR_NONE;
    TRY(read_page(asked, find_refund_place, &page, &good));
    if (!good)
        return ERR_NONE;
    TRY(SQL_MANY(asked->uow, refunds_list, refund_record, &refunds, .above = page.above, .below = page.below,
                 .intent_id = form_text(&asked->form, "payment_intent"), .charge_id = form_text(&asked->form, "charge"),
                 .from = page.from, .to = page.to, .count = page.limit + 1));
    items = (struct texts){arena_array(arena, refunds.count, sizeof(char *)), refunds.count};
    for (size_t i = 0; i < refunds.count; i++)
        items.items[i] = refunds.items[i].intent_id;
    if (expand != 0)
        TRY(intents_find(asked->uow, items, &intents));
    for (size_t i = 0; i < refunds.count; i++)
        items.items[i] = refund_view(arena, &refunds.items[i], intent_of(&refunds.items[i], &intents), expand);
    return reply_list(asked, &page, items);
}

/* clang-format off */
static const struct form_spec create_params[] = {
    { "payment_intent", FORM_TEXT, .most = 255, .required = true },
    { "amount",         FORM_INT, 1, AMOUNT_MAX },
    { "reason",         FORM_CHOICE, .choices = "duplicate fraudulent requested_by_customer" },
    { "metadata[*]",    FORM_TEXT },
    { "expand[]",       FORM_TEXT, .most = 100 },
    { NULL },
};

static const struct form_spec show_params[] = {
    { "expand[]", FORM_TEXT, .most = 100 },
    { NULL },
};

static const struct form_spec list_params[] = {
    LIST_PARAMS,
    { "payment_intent", FORM_TEXT, .most = 255 },
    { "charge",         FORM_TEXT, .most = 255 },
    { NULL },
};

const struct operation refund_operations[] = {
    { "POST", "/v1/refunds",     OPERATION_REFUND, create_params, create },
    { "GET",  "/v1/refunds",     OPERATION_QUERY,  list_params,   list   },
    { "GET",  "/v1/refunds/:id", OPERATION_QUERY,  show_params,   show   },
    { NULL },
};
/* clang-format on */
