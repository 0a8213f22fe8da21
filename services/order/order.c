/* What may become of an order: pure decisions over struct order. */
#include "order.h"

#include <string.h>

#include "ctx.h"
#include "text.h"

RECORD_SHARED(order, FIELD_NAMED(order, head.id, "id"), FIELD(order, shop), FIELD(order, number), FIELD(order, cart_id),
              FIELD(order, intent), FIELD(order, channel), FIELD(order, locale), FIELD(order, currency),
              FIELD_AS_ENUM(order, kernel, order_kernel_names), FIELD(order, status), FIELD(order, sub_status),
              FIELD(order, process_version), FIELD_LIST_OF(order, process, process_status_record), FIELD(order, method),
              FIELD(order, capture), FIELD(order, total_minor), FIELD_LIST_OF(order, lines, line_record),
              FIELD_LIST_OF(order, groups, group_record), FIELD_OBJECT_OF(order, totals, totals_record),
              FIELD_LIST_OF(order, payments, payment_view_record), FIELD(order, reference), FIELD(order, hold_reason),
              FIELD(order, unsaid), FIELD(order, cancel_reason), FIELD(order, cancel_by), FIELD_AS_TIME(order, pay_by),
              FIELD_AS_TIME(order, placed_at), FIELD_NAMED(order, head.version, "version"));

/* What the process may listen to. */
static const char *const process_words[] = {"placed",  "paid",      "released",  "held",
                                            "shipped", "delivered", "cancelled", NULL};

int64_t order_pay_within_s(const char *method)
{
    return text_equal(method, "bank_transfer") ? 14 * 24 * 3600 : 0;
}

/* How a payment stands when its order is placed. */
static const char *payment_status_at_placing(const char *method)
{
    if (text_equal(method, "card"))
        return "authorized";
    return text_equal(method, "cash_on_delivery") ? "promised" : "due";
}

void order_place(const struct checkout_completed *from, const char *number, int64_t process_version,
                 const struct process_status_list *process, int64_t placed_at, int64_t pay_by, struct arena *arena,
                 struct order *ret)
{
    struct payment_view *payment = ARENA_NEW(arena, struct payment_view);
    *payment = (struct payment_view){
        .intent = from->intent,
        .method = from->method,
        .status = payment_status_at_placing(from->method),
        .amount = from->totals.total,
        .captured = money_of(0, from->currency),
        .refunded = money_of(0, from->currency),
    };

    *ret = (struct order){
        .head = {.id = from->checkout_id},
        .shop = from->shop,
        .number = number,
        .cart_id = from->cart_id,
        .intent = from->intent,
        .channel = from->channel,
        .locale = from->locale,
        .currency = from->currency,
        .kernel = ORDER_PLACED,
        .process_version = process_version,
        .process = *process,
        .method = from->method,
        .capture = from->capture,
        .total_minor = from->totals.total.amount,
        .lines = from->lines,
        .groups = from->groups,
        .totals = from->totals,
        .payments = {.items = payment, .count = 1},
        .reference = from->reference,
        .pay_by = pay_by,
        .placed_at = placed_at,
    };
    for (size_t i = 0; i < from->lines.count; i++)
        ret->quantity += from->lines.items[i].quantity;

    const struct process_status *status = process_find(process, "placed");
    ret->status = status != NULL ? status->status : "Placed";
    ret->sub_status = status != NULL ? status->sub_status : NULL;
}

const struct process_status *process_find(const struct process_status_list *process, const char *on)
{
    for (size_t i = 0; i < process->count; i++) {
        if (text_equal(process->items[i].on, on))
            return &process->items[i];
    }
    return NULL;
}

void order_apply(struct order *order, enum order_kernel to, const char *on, struct order_change *ret)
{
    *ret = (struct order_change){
        .previous_kernel = order->kernel,
        .previous_status = order->status,
        .previous_sub_status = order->sub_status,
    };
    order->kernel = to;

    const struct process_status *says = on != NULL ? process_find(&order->process, on) : NULL;
    if (says != NULL) {
        order->status = says->status;
        order->sub_status = says->sub_status;
        ret->mail = says->mail;
    }
    ret->status_changed = order->kernel != ret->previous_kernel || !text_equal(order->status, ret->previous_status) ||
                          !text_equal(order->sub_status, ret->previous_sub_status);
}

const char *order_word(const struct order *order)
{
    const char *kernel = order_kernel_names[order->kernel];

    if (order->kernel == ORDER_PLACED && order_is_paid(order) && process_find(&order->process, "paid") != NULL)
        return "paid";
    return process_find(&order->process, kernel) != NULL ? kernel : "placed";
}

static bool is_listed(const char *const *words, const char *word)
{
    while (*words != NULL && !text_equal(*words, word))
        words++;
    return *words != NULL;
}

enum err process_check(struct ctx *ctx, const struct process_status_list *process)
{
    enum err err = ERR_NONE;

    for (size_t i = 0; i < process->count; i++) {
        const char *on = process->items[i].on;
        if (!is_listed(process_words, on))
            err = err_field(ctx, arena_printf(ctx->arena, "statuses[%zu].on", i),
                            "must be one of placed, paid, released, "
                            "held, shipped, delivered, cancelled");
        else if (process_find(process, on) != &process->items[i])
            err = err_field(ctx, arena_printf(ctx->arena, "statuses[%zu].on", i), "is there twice");
    }
    if (process_find(process, "placed") == NULL)
        err = err_field(ctx, "statuses", "must say what \"placed\" is");
    return err;
}

static struct payment_view *find_payment(struct order *order, int64_t intent)
{
    for (size_t i = 0; i < order->payments.count; i++) {
        if (order->payments.items[i].intent == intent)
            return &order->payments.items[i];
    }
    return NULL;
}

bool order_book_captured(struct order *order, int64_t intent, struct money captured)
{
    struct payment_view *payment = find_payment(order, intent);
    if (payment == NULL)
        return false;

    payment->captured = captured;
    payment->status = captured.amount >= payment->amount.amount ? "paid" : "partly_paid";
    if (captured.amount >= order->total_minor)
        order->pay_by = 0;
    return true;
}

bool order_is_paid(const struct order *order)
{
    int64_t captured = 0;

    for (size_t i = 0; i < order->payments.count; i++)
        captured += order->payments.items[i].captured.amount;
    return captured >= order->total_minor;
}

bool order_book_refunded(struct order *order, int64_t intent, struct money refunded)
{
    struct payment_view *payment = find_payment(order, intent);
    if (payment == NULL)
        return false;

    payment->refunded = refunded;
    payment->status = refunded.amount >= payment->captured.amount ? "refunded" : "partly_refunded";
    return true;
}

bool order_book_voided(struct order *order, int64_t intent)
{
    struct payment_view *payment = find_payment(order, intent);
    if (payment == NULL)
        return false;

    payment->status = payment->captured.amount > 0 ? "paid" : "voided";
    return true;
}
