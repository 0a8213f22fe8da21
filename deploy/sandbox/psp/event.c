/* Events over the API, for shops that lost webhooks. */
#include "api.h"
#include "event_row.h"
#include "text.h"

#include "psp-sandbox/queries.h"

RECORD_SHARED(event_row, FIELD(event_row, serial), FIELD(event_row, id), FIELD(event_row, type),
              FIELD(event_row, body));

struct event_row_list {
    struct event_row *items;
    size_t count;
};

/* An event is shown as it was sent, so nothing in it can be expanded. */
static const struct expandable expandables[] = {
    {NULL, 0},
};

static enum err show(struct asked *asked)
{
    const char *id = path_param(asked->ctx, "id");
    struct event_row event;
    bool found;

    TRY(SQL_MAYBE(asked->uow, event_get, event_row_record, &event, &found, .id = id));
    if (!found)
        return reply_missing(asked, "event", id, "id");
    return reply(asked, event.body);
}

static enum err find_event_place(struct uow *uow, const char *id, struct place *ret, bool *ret_found)
{
    return SQL_MAYBE(uow, event_place, place_record, ret, ret_found, .id = id);
}

static enum err list(struct asked *asked)
{
    struct arena *arena = asked->ctx->arena;
    const char *type = form_text(&asked->form, "type");
    struct texts types = form_list(arena, &asked->form, "types");
    struct event_row_list events;
    struct texts items;
    struct page page;
    unsigned expand;
    bool good;

    if (!read_expand(asked, expandables, &expand))
        return ERR_NONE;
    if (type != NULL && types.count > 0)
        return reply_error(asked, 400,
                           &(struct error_view){.type = "invalid_request_error",
                                                .message = "You may pass either type or types, but not both.",
                                                .param = "type"});
    if (type != NULL)
        types = (struct texts){&type, 1};
    TRY(read_page(asked, find_event_place, &page, &good));
    if (!good)
        return ERR_NONE;
    TRY(SQL_MANY(asked->uow, events_list, event_row_record, &events, .above = page.above, .below = page.below,
                 .types = types, .delivered = form_text(&asked->form, "delivery_success"), .from = page.from,
                 .to = page.to, .count = page.limit + 1));
    items = (struct texts){arena_array(arena, events.count, sizeof(char *)), events.count};
    for (size_t i = 0; i < events.count; i++)
        items.items[i] = events.items[i].body;
    return reply_list(asked, &page, items);
}

/* clang-format off */
static const struct form_spec show_params[] = {
    { NULL },
};

static const struct form_spec list_params[] = {
    LIST_PARAMS,
    { "type",             FORM_TEXT, .most = 100 },
    { "types[]",          FORM_TEXT, .most = 100 },
    { "delivery_success", FORM_BOOL },
    { NULL },
};

const struct operation event_operations[] = {
    { "GET", "/v1/events",     OPERATION_QUERY, list_params, list },
    { "GET", "/v1/events/:id", OPERATION_QUERY, show_params, show },
    { NULL },
};
/* clang-format on */
