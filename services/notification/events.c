/* What notification hears: each cause of a mail becomes a task in the transaction that handles it. */
#include "consumer.h"

#include "json.h"
#include "letter.h"
#include "notification/queries.h"
#include "service.h"
#include "task.h"

/* Decides a mail. The key makes it once per cause, template and recipient. The cause stands first: a key that begins at
 * random is written to another page of its index each time. */
static void post(struct uow *uow, const struct message *message, const char *shop, const char *order_id,
                 const char *template_name, struct letter letter)
{
    struct arena *arena = uow->ctx->arena;

    letter.shop = shop;
    letter.event_id = message->id;
    letter.template_name = template_name;
    const char *key =
        arena_printf(arena, "%s/%s", message->id, letter_message_id(arena, message->id, template_name, letter.to));
    task_add(uow, "mail", order_id, key, json_encode(arena, &letter_record, &letter), 0);
}

static enum err on_order_placed(struct uow *uow, const struct message *message, const void *event)
{
    const struct order_placed *order = event;
    struct ctx *ctx = uow->ctx;
    const struct config *config = ctx->service->config;

    SQL(uow, order_add, .id = order->order_id, .shop = order->shop, .number = order->number, .cart_id = order->cart_id,
        .locale = order->locale, .email = order->personal.email, .name = order->personal.billing.name);
    const struct letter confirmation = letter_confirmation(ctx->arena, order);
    const struct letter merchant = letter_to_merchant(ctx->arena, order, config_text(config, "WAYBILL_MERCHANT_MAIL"),
                                                      config_text(config, "WAYBILL_BACKOFFICE_PUBLIC_URL"));
    post(uow, message, order->shop, order->order_id, "order_confirmation", confirmation);
    post(uow, message, order->shop, order->order_id, "order_to_merchant", merchant);
    return ERR_NONE;
}

struct known_order {
    const char *id, *shop, *number, *cart_id, *locale, *email, *name;
};
static RECORD(known_order, FIELD(known_order, id), FIELD(known_order, shop), FIELD(known_order, number),
              FIELD(known_order, cart_id), FIELD(known_order, locale), FIELD(known_order, email),
              FIELD(known_order, name));

/* The merchant's process decides which status is worth a mail. */
static enum err on_status_changed(struct uow *uow, const struct message *message, const void *event)
{
    const struct order_status_changed *changed = event;
    struct known_order order;
    bool found;

    if (changed->mail == NULL)
        return ERR_NONE;
    TRY(SQL_MAYBE(uow, order_find, known_order_record, &order, &found, .id = changed->order_id));
    if (!found)
        return FAIL(uow->ctx, NOT_FOUND, "order \"%s\" changed before it was placed", changed->order_id);
    struct letter letter = letter_status(uow->ctx->arena, changed, order.email, order.name);
    letter.cart_id = order.cart_id;
    post(uow, message, order.shop, order.id, changed->mail, letter);
    return ERR_NONE;
}

/* clang-format off */
const struct subscription notification_subscriptions[] = {
    { &order_placed_type,           on_order_placed,    LOCKS_NOTHING },
    { &order_status_changed_type,   on_status_changed,  LOCKS_NOTHING },
    { NULL },
};
/* clang-format on */
