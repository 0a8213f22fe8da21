/*
 * Sending mail. Taking the task records the attempt before the mail server hears of it; its acceptance is recorded after.
 * So a mail is sent twice only if an attempt stayed unanswered, and then with the same Message-ID.
 */
#include "task.h"

#include <string.h>

#include "json.h"
#include "letter.h"
#include "notification/queries.h"
#include "proto/notification.h"
#include "service.h"
#include "smtp.h"
#include "work_item.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

/* The order's page with the token of its cart: a secret that is made here and stands in nothing but the mail. */
static const char *page_of(struct ctx *ctx, const struct letter *letter)
{
    if (letter->cart_id == NULL)
        return "";
    return arena_printf(ctx->arena, "%s/orders/%s/page?token=%s",
                        config_text(ctx->service->config, "WAYBILL_STOREFRONT_PUBLIC_URL"), letter->order_id,
                        token_for_cart(ctx->arena, ctx->service->token_keys, letter->cart_id));
}

static struct task_answer send_mail(struct ctx *ctx, const struct task *task)
{
    const struct config *config = ctx->service->config;
    struct letter letter = { 0 };
    const char *why = "";

    if (json_decode(ctx, &letter_record, task->body, strlen(task->body), JSON_OPEN, &letter) != ERR_NONE)
        return (struct task_answer){ .outcome = TASK_REFUSED, .why = "the letter cannot be read" };

    const struct mail mail = {
        .from = config_text(config, "WAYBILL_MAIL_FROM"),
        .to = letter.to,
        .message_id = task->key,
        .subject = letter.subject,
        .text = letter_text(ctx->arena, &letter, page_of(ctx, &letter)),
    };
    static const enum task_outcome outcomes[] = {
        [SMTP_ACCEPTED] = TASK_DONE,
        [SMTP_REFUSED] = TASK_REFUSED,
        [SMTP_LATER] = TASK_LATER,
        [SMTP_UNKNOWN] = TASK_UNKNOWN,
    };
    const enum smtp_result result = smtp_send(ctx, config_text(config, "WAYBILL_SMTP_URL"), &mail, &why);
    return (struct task_answer){ .outcome = outcomes[result], .why = why };
}

struct notification {
    struct aggregate head;
    const char *shop;
    const char *message_id;
    const char *template_name;
    const char *subject_id;
    const char *state;
};
static RECORD(notification,
    FIELD_NAMED(notification, head.id, "id"),
    FIELD(notification, shop),
    FIELD(notification, message_id),
    FIELD_NAMED(notification, template_name, "template"),
    FIELD(notification, subject_id),
    FIELD(notification, state),
    FIELD_NAMED(notification, head.version, "version"));

static enum err tell(struct uow *uow, struct notification *notification, const struct task_answer *answer)
{
    if (answer->outcome == TASK_DONE)
        return emit_notification_sent(uow, &notification->head, &(struct notification_sent){
            .notification_id = notification->head.id,
            .shop = notification->shop,
            .subject_id = notification->subject_id,
            .template = notification->template_name,
            .message_id = notification->message_id,
            .channel = "mail",
        });
    work_item_open(uow, "mail_refused", notification->subject_id, answer->why, "note", DAY_MS);
    return emit_notification_failed(uow, &notification->head, &(struct notification_failed){
        .notification_id = notification->head.id,
        .shop = notification->shop,
        .subject_id = notification->subject_id,
        .template = notification->template_name,
        .message_id = notification->message_id,
        .channel = "mail",
        .why = answer->why,
    });
}

static enum err record_answer(struct uow *uow, const struct task *task, const struct task_answer *answer)
{
    struct notification notification;
    const char *state = "unknown";

    TRY(SQL_ONE(uow, notification_lock, notification_record, &notification, .message_id = task->key));
    if (answer->outcome == TASK_DONE || answer->outcome == TASK_REFUSED) {
        state = answer->outcome == TASK_DONE ? "sent" : "failed";
        TRY(tell(uow, &notification, answer));
    }
    SQL(uow, notification_save,
        .id = notification.head.id,
        .state = state,
        .attempts = task->attempt,
        .why = answer->why != NULL ? answer->why : "",
        .version = notification.head.version);
    return ERR_NONE;
}

const struct task_kind notification_tasks[] = {
    {
        .kind = "mail",
        .threads = 2,
        .batch = 20,
        .lease_ms = 120000, /* 20 mails of at most 5 s each */
        .backoff_ms = 1000,
        .backoff_max_ms = 60000,
        .call = send_mail,
        .record = record_answer,
    },
    { NULL },
};
