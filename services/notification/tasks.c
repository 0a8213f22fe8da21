/*
 * Sending mail. Taking the task records the attempt before the mail server hears of it; its acceptance is recorded
 * after. So a mail is sent twice only if an attempt stayed unanswered, and then with the same Message-ID.
 */
#include "task.h"

#include <string.h>

#include "json.h"
#include "letter.h"
#include "notification/queries.h"
#include "proto/notification.h"
#include "service.h"
#include "smtp.h"
#include "text.h"
#include "work_item.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

/* The order's page with the token of its cart: a secret that is made here and stands in nothing but the mail. */
static const char *page_of(struct ctx *ctx, const struct task *task, const struct letter *letter)
{
    if (letter->cart_id == NULL)
        return "";
    return arena_printf(ctx->arena, "%s/orders/%s/page?token=%s",
                        config_text(ctx->service->config, "WAYBILL_STOREFRONT_PUBLIC_URL"), task->subject,
                        token_for_cart(ctx->arena, ctx->service->token_keys, letter->cart_id));
}

/* It stands in the task's key, behind the cause (events.c). */
static const char *message_id_of(const struct task *task)
{
    return strchr(task->key, '/') + 1;
}

static struct task_answer send_mail(struct ctx *ctx, const struct task *task)
{
    const struct config *config = ctx->service->config;
    struct letter *letter = ARENA_NEW(ctx->arena, struct letter);
    const char *why = "";

    if (json_decode(ctx, &letter_record, task->body, strlen(task->body), JSON_OPEN, letter) != ERR_NONE)
        return (struct task_answer){.outcome = TASK_LATER, .why = "the letter cannot be read"};

    const struct mail mail = {
        .from = config_text(config, "WAYBILL_MAIL_FROM"),
        .to = letter->to,
        .message_id = message_id_of(task),
        .subject = letter->subject,
        .text = letter_text(ctx->arena, letter, page_of(ctx, task, letter)),
    };
    static const enum task_outcome outcomes[] = {
        [SMTP_ACCEPTED] = TASK_DONE,
        [SMTP_REFUSED] = TASK_REFUSED,
        [SMTP_LATER] = TASK_LATER,
        [SMTP_UNKNOWN] = TASK_UNKNOWN,
    };
    const enum smtp_result result = smtp_send(ctx, config_text(config, "WAYBILL_SMTP_URL"), &mail, &why);
    return (struct task_answer){.outcome = outcomes[result], .detail = letter, .why = why};
}

struct notification {
    struct aggregate head;
    const char *message_id;
};
static RECORD(notification, FIELD_NAMED(notification, head.id, "id"),
              FIELD_NAMED(notification, head.version, "version"), FIELD(notification, message_id));
struct notification_list {
    struct notification *items;
    size_t count;
};

/* Writes what became of the mails; each gets a new version if it is told. */
static enum err save(struct uow *uow, const struct task_result *results, size_t count, struct notification_list *ret)
{
    static const char *const states[] = {
        [TASK_DONE] = "sent",
        [TASK_REFUSED] = "failed",
        [TASK_UNKNOWN] = "unknown",
    };
    struct arena *arena = uow->ctx->arena;
    const char **columns[9];
    int64_t *attempts = arena_array(arena, count, sizeof(*attempts));
    int64_t *news = arena_array(arena, count, sizeof(*news));

    for (size_t n = 0; n < COUNT(columns); n++)
        columns[n] = arena_array(arena, count, sizeof(**columns));
    for (size_t i = 0; i < count; i++) {
        const struct task *task = results[i].task;
        const struct task_answer *answer = results[i].answer;
        const struct letter *letter = answer->detail;
        const char *const row[] = {
            message_id_of(task),   task->id,   letter->shop,  letter->event_id,
            letter->template_name, letter->to, task->subject, states[answer->outcome],
            answer->why,
        };
        for (size_t n = 0; n < COUNT(columns); n++)
            columns[n][i] = row[n];
        attempts[i] = task->attempt;
        news[i] = task_is_over(answer->outcome);
    }
    return SQL_MANY(uow, notifications_save, notification_record, ret, .message_ids = {columns[0], count},
                    .ids = {columns[1], count}, .shops = {columns[2], count}, .event_ids = {columns[3], count},
                    .templates = {columns[4], count}, .recipients = {columns[5], count},
                    .subject_ids = {columns[6], count}, .states = {columns[7], count}, .whys = {columns[8], count},
                    .attempts = {attempts, count}, .news = {news, count});
}

static enum err tell(struct uow *uow, struct notification *notification, const struct task_result *result)
{
    const struct letter *letter = result->answer->detail;
    const char *order_id = result->task->subject;

    notification->head.version--; /* it was raised with the row, and is once more with the event */
    if (result->answer->outcome == TASK_DONE)
        return emit_notification_sent(uow, &notification->head,
                                      &(struct notification_sent){
                                          .notification_id = notification->head.id,
                                          .shop = letter->shop,
                                          .subject_id = order_id,
                                          .template = letter->template_name,
                                          .message_id = notification->message_id,
                                          .channel = "mail",
                                      });
    work_item_open(uow, "mail_refused", order_id, result->answer->why, "note", DAY_MS);
    return emit_notification_failed(uow, &notification->head,
                                    &(struct notification_failed){
                                        .notification_id = notification->head.id,
                                        .shop = letter->shop,
                                        .subject_id = order_id,
                                        .template = letter->template_name,
                                        .message_id = notification->message_id,
                                        .channel = "mail",
                                        .why = result->answer->why,
                                    });
}

static struct notification *find(const struct notification_list *list, const char *message_id)
{
    for (size_t i = 0; i < list->count; i++)
        if (text_equal(list->items[i].message_id, message_id))
            return &list->items[i];
    return NULL;
}

static enum err record_answers(struct uow *uow, const struct task_result *results, size_t count)
{
    struct notification_list saved = {.count = 0};

    TRY(save(uow, results, count, &saved));
    for (size_t i = 0; i < count; i++) {
        const char *message_id = message_id_of(results[i].task);
        struct notification *notification = find(&saved, message_id);
        if (notification == NULL)
            return FAIL(uow->ctx, INTERNAL, "mail \"%s\" was not written", message_id);
        if (!task_is_over(results[i].answer->outcome))
            continue;
        task_follow(uow->ctx, results[i].task);
        TRY(tell(uow, notification, &results[i]));
    }
    return ERR_NONE;
}

const struct task_kind notification_tasks[] = {
    {
        .kind = "mail",
        .threads = 2,
        .batch = 50,
        .gather_ms = 50,
        .lease_ms = 120000, /* a mail may take 30 s */
        .backoff_ms = 1000,
        .backoff_max_ms = 60000,
        .call = send_mail,
        .record_all = record_answers,
    },
    {NULL},
};
