/* What the gateways bring: the provider's reports, shoppers who came back, bank receipts, refunds made by
 * hand, and clerks who look. */
#include "http.h"

#include <inttypes.h>
#include <string.h>

#include "calls.h"
#include "clock.h"
#include "facts.h"
#include "id.h"
#include "joint.h"
#include "json.h"
#include "move.h"
#include "payment/queries.h"
#include "proto/http_payment.h"
#include "reference.h"
#include "store.h"
#include "stripe.h"
#include "text.h"
#include "work_item.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))
#define WEBHOOK_MAX (256 * 1024)

static enum err not_found(struct ctx *ctx, const char *id)
{
    return FAIL(ctx, NOT_FOUND, "there is no payment \"%s\"", id);
}

/* --- the provider --- */

/* Most webhooks only repeat an answer: that needs no transaction. */
static enum err read_past(struct ctx *ctx, struct fact_list *facts)
{
    READING(ctx, uow);
    return facts_sift(uow, facts);
}

/* In company every fact must say whose it is. */
static bool needs_payments(struct needs *needs, const struct guest *guest)
{
    const struct fact_list *facts = guest->of;

    for (size_t i = 0; i < facts->count; i++) {
        if (facts->items[i].payment_id == NULL)
            return false;
        needs_row(needs, &payment_rows, facts->items[i].payment_id);
    }
    return true;
}

static enum err take_facts(const struct guest *guest)
{
    struct ctx *ctx = guest->ctx;
    struct fact_list facts = *(const struct fact_list *)guest->of;

    if (ctx->joint == NULL)
        TRY(read_past(ctx, &facts));
    if (facts.count == 0)
        return ERR_NONE;
    UNIT_OF_WORK(ctx, uow);
    TRY(facts_take(uow, &facts, "webhook"));
    return uow_commit(uow);
}

/* An event whose signature the gateway has checked. Answered only once what it says is stored. */
static enum err take_webhook(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct fact_list facts;
    const struct guest guest = {ctx, &facts, needs_payments, take_facts};
    size_t size;
    const char *body = request_body(ctx, &size);

    if (!stripe_read_event(ctx, body, size, &facts)) {
        ctx_clear_problem(ctx);
        return FAIL(ctx, MALFORMED, "the body is not an event of the payment provider");
    }
    if (facts.count == 0)
        return ERR_NONE; /* nothing that concerns us */
    const enum err err = joint_serve(&guest);
    return err == ERR_AGAIN ? take_facts(&guest) : err;
}

static bool join_payment(struct needs *needs, struct ctx *ctx, const void *in UNUSED)
{
    const char *id = path_param(ctx, "checkout_id");

    needs_row(needs, &payment_rows, text_has_format(id, TEXT_UUID) ? id : NULL);
    return true;
}

/* The shopper came back from the page. That proves nothing, so the provider is asked. Location is where they go on. */
static enum err take_return(struct ctx *ctx, const void *in UNUSED, void *ret UNUSED)
{
    struct payment payment = {0};
    const char *onwards = NULL;
    const char *id;
    bool found;

    TRY(path_id(ctx, "checkout_id", &id));
    UNIT_OF_WORK(ctx, uow);
    TRY(payment_lock(uow, id, &payment, &found));
    if (!found || !text_equal(payment.shop, ctx->caller.shop))
        return not_found(ctx, id);
    for (size_t i = 0; i < payment.intents.count; i++) {
        struct intent *intent = &payment.intents.items[i];
        if (intent->state == INTENT_REQUESTED || intent->state == INTENT_UNKNOWN || intent->state == INTENT_PENDING)
            call_query(uow, &payment, intent, "return");
        if (intent->return_url != NULL)
            onwards = intent->return_url;
    }
    if (onwards != NULL)
        http_header(ctx, "Location", onwards);
    return uow_commit(uow);
}

/* --- the bank --- */

/* Whether the text is a day, like 2026-02-28: as a time it must come out as it went in. */
static bool is_day(struct arena *arena, const char *text)
{
    char again[CLOCK_TEXT];
    int64_t us;

    const char *start = arena_printf(arena, "%sT00:00:00Z", text);
    return strlen(text) == 10 && clock_parse(start, strlen(start), &us) && us > 0 &&
           strncmp(clock_format(us, again), text, 10) == 0;
}

/* A receipt as it will stand: `ret` is filled but for how it ends. */
static void begin_receipt(struct ctx *ctx, const struct book_receipt *ask, struct receipt_view *ret)
{
    *ret = (struct receipt_view){
        .id = id_new(ctx->arena),
        .reference = ask->reference,
        .amount = ask->amount,
        .received_on = ask->received_on,
        .outcome = RECEIPT_VIEW_OUTCOME_UNKNOWN,
    };
}

/* Transfers with an intent's reference that were not what was due, and wait unmatched. */
struct part {
    const char *id;
    int64_t amount_minor;
};
struct parts {
    struct part *items;
    size_t count;
};
static RECORD(part, FIELD(part, id), FIELD(part, amount_minor));

static bool awaits_transfer(const struct intent *intent)
{
    return intent->state == INTENT_DUE && text_equal(intent->method, PAYMENT_METHOD_BANK_TRANSFER);
}

static int64_t sum_of(const struct parts *parts)
{
    int64_t sum = 0;

    for (size_t i = 0; i < parts->count; i++)
        sum += parts->items[i].amount_minor;
    return sum;
}

/* What is still to come on an intent after this money and `received` before it; below 0: too much came. */
static int64_t still_open(const struct intent *intent, const struct money *amount, int64_t received)
{
    const int64_t due = awaits_transfer(intent) ? intent->amount_minor : 0;
    return due - received - (text_equal(amount->currency, intent->currency) ? amount->amount : 0);
}

/* Money that nothing fits exactly is never booked on a payment by itself. */
static void keep_unmatched(struct uow *uow, const struct receipt_view *receipt)
{
    struct entry entry;

    ledger_unmatched(uow->ctx->arena, receipt->id, receipt->amount, &entry);
    ledger_book(uow, receipt->checkout_id, &entry);
    if (receipt->checkout_id != NULL)
        work_item_open(uow, "receipt_differs", receipt->checkout_id,
                       "a transfer with this payment's reference is not what is due; it is kept unmatched", "note",
                       DAY_MS);
    else
        work_item_open(uow, "receipt_unknown", receipt->id,
                       arena_printf(uow->ctx->arena, "nobody knows whose transfer \"%s\" is", receipt->reference),
                       "note", DAY_MS);
}

static void add_receipt(struct uow *uow, const struct book_receipt *ask, const struct receipt_view *receipt,
                        int64_t intent)
{
    const char *by = uow->ctx->caller.name;

    if (receipt->checkout_id == NULL)
        SQL(uow, receipt_add_unknown, .id = receipt->id, .shop = uow->ctx->caller.shop, .reference = receipt->reference,
            .amount_minor = receipt->amount.amount, .currency = arena_strdup(uow->ctx->arena, receipt->amount.currency),
            .received_on = receipt->received_on, .payer = ask->payer, .booked_by = by);
    else
        SQL(uow, receipt_add, .id = receipt->id, .shop = uow->ctx->caller.shop, .reference = receipt->reference,
            .amount_minor = receipt->amount.amount, .currency = arena_strdup(uow->ctx->arena, receipt->amount.currency),
            .received_on = receipt->received_on, .payer = ask->payer, .outcome = receipt->outcome,
            .payment_id = receipt->checkout_id, .intent = intent, .open_minor = receipt->open_amount.amount,
            .booked_by = by);
}

/* The parts that came before are not unmatched any more: each is taken out, and booked with the whole. */
static void take_parts(struct uow *uow, const struct payment *payment, const struct intent *intent,
                       const struct parts *parts)
{
    struct entry entry;

    for (size_t i = 0; i < parts->count; i++) {
        ledger_matched(uow->ctx->arena, parts->items[i].id, money_of(parts->items[i].amount_minor, intent->currency),
                       &entry);
        ledger_book(uow, payment->head.id, &entry);
    }
    work_item_close(uow, "receipt_differs", payment->head.id, "system", "the parts add up to what was due");
}

/* Books the receipt on the payment with its reference, if it is exactly what is due there, or with the parts before it.
 */
static enum err match(struct uow *uow, const struct intent_key *key, struct receipt_view *receipt)
{
    struct payment payment = {0};
    struct parts parts = {0};
    bool found;

    TRY(payment_lock(uow, key->id, &payment, &found));
    struct intent *intent = payment_find(&payment, key->intent);
    if (awaits_transfer(intent))
        TRY(SQL_MANY(uow, receipt_parts, part_record, &parts, .payment_id = key->id, .intent = key->intent));
    receipt->checkout_id = payment.head.id;
    receipt->open_amount = money_of(still_open(intent, &receipt->amount, sum_of(&parts)), intent->currency);

    const bool is_whole = money_equal(receipt->amount, money_of(intent->amount_minor, intent->currency));
    const bool is_rest = text_equal(receipt->amount.currency, intent->currency) && receipt->open_amount.amount == 0;
    if (!awaits_transfer(intent) || !(is_whole || is_rest)) {
        receipt->outcome = RECEIPT_VIEW_OUTCOME_DIFFERS;
        return ERR_NONE;
    }
    if (!is_whole)
        take_parts(uow, &payment, intent, &parts);
    receipt->outcome = RECEIPT_VIEW_OUTCOME_MATCHED;
    TRY(intent_move(uow, &payment, intent, &(struct move){.on = ON_RECEIPT, .source = SOURCE_RECEIPT}));
    payment_save(uow, &payment);
    return ERR_NONE;
}

static enum err book_receipt(struct ctx *ctx, const void *in, void *ret)
{
    const struct book_receipt *ask = in;
    struct receipt_view *receipt = ret;
    struct intent_key key = {0};
    bool found = false;

    if (ask->amount.amount <= 0)
        return err_field(ctx, "amount.amount", "must be at least 1");
    if (!is_day(ctx->arena, ask->received_on))
        return err_field(ctx, "received_on", "must be a day since 1970, like 2026-02-28");
    begin_receipt(ctx, ask, receipt);
    const char *reference = reference_normal(ctx->arena, ask->reference);

    UNIT_OF_WORK(ctx, uow);
    if (reference_is_valid(reference))
        TRY(SQL_MAYBE(uow, intent_by_reference, intent_key_record, &key, &found, .reference = reference,
                      .shop = ctx->caller.shop));
    if (found)
        TRY(match(uow, &key, receipt));
    if (!text_equal(receipt->outcome, RECEIPT_VIEW_OUTCOME_MATCHED))
        keep_unmatched(uow, receipt);
    add_receipt(uow, ask, receipt, key.intent);
    return uow_commit(uow);
}

/* The intent whose money a person has to give back; if there is none the newest, for which the table refuses. */
static struct intent *intent_to_refund(struct payment *payment)
{
    struct intent *intent = NULL;

    for (size_t i = 0; i < payment->intents.count; i++) {
        intent = &payment->intents.items[i];
        if (intent_returns_by_hand(intent))
            break;
    }
    return intent;
}

static void add_refund(struct uow *uow, const struct refund_view *refund)
{
    SQL(uow, refund_add, .id = refund->id, .payment_id = refund->checkout_id, .intent = refund->intent,
        .reference = refund->reference, .amount_minor = refund->amount.amount,
        .currency = arena_strdup(uow->ctx->arena, refund->amount.currency), .sent_on = refund->sent_on,
        .booked_by = uow->ctx->caller.name);
}

/* Nothing waits any more for the person whom the work item told. */
static void close_by_hand(struct uow *uow, struct payment *payment, const char *reference)
{
    if (!intent_returns_by_hand(intent_to_refund(payment)))
        work_item_close(uow, "refund_by_hand", payment->head.id, uow->ctx->caller.name,
                        arena_printf(uow->ctx->arena, "given back by bank: %s", reference));
}

static enum err book_refund(struct ctx *ctx, const void *in, void *ret)
{
    const struct book_refund *ask = in;
    struct refund_view *refund = ret;
    struct payment payment = {0};
    const char *id;
    bool found;

    TRY(path_id(ctx, "checkout_id", &id));
    if (!is_day(ctx->arena, ask->sent_on))
        return err_field(ctx, "sent_on", "must be a day since 1970, like 2026-02-28");
    UNIT_OF_WORK(ctx, uow);
    TRY(payment_lock(uow, id, &payment, &found));
    struct intent *intent = intent_to_refund(&payment);
    if (!found || intent == NULL || !text_equal(payment.shop, ctx->caller.shop))
        return not_found(ctx, id);

    const struct money owed = money_of(intent->captured_minor - intent->refunded_minor, intent->currency);
    if (intent_returns_by_hand(intent) && !money_equal(ask->amount, owed))
        return err_field(ctx, "amount", "must be what is owed: %" PRId64 " %s", owed.amount, owed.currency);
    TRY(intent_move(uow, &payment, intent,
                    &(struct move){.on = ON_SENT_BACK, .refunded_minor = intent->captured_minor}));
    *refund = (struct refund_view){
        .id = id_new(ctx->arena),
        .checkout_id = id,
        .intent = intent->number,
        .reference = ask->reference,
        .amount = owed,
        .sent_on = ask->sent_on,
    };
    payment_save(uow, &payment);
    add_refund(uow, refund);
    close_by_hand(uow, &payment, ask->reference);
    return uow_commit(uow);
}

/* --- clerks --- */

struct payment_row {
    const char *checkout_id;
    const char *shop;
    const char *currency;
    int64_t captured_minor;
    int64_t refunded_minor;
    struct intent_view_list intents;
    struct receipt_view_list receipts;
    struct refund_view_list refunds;
};

static RECORD(payment_row, FIELD(payment_row, checkout_id), FIELD(payment_row, shop), FIELD(payment_row, currency),
              FIELD(payment_row, captured_minor), FIELD(payment_row, refunded_minor),
              FIELD_LIST_OF(payment_row, intents, intent_view_record),
              FIELD_LIST_OF(payment_row, receipts, receipt_view_record),
              FIELD_LIST_OF(payment_row, refunds, refund_view_record));

static enum err show_payment(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct payment_detail_view *view = ret;
    struct payment_row row = {0};
    const char *id;
    bool found;

    TRY(path_id(ctx, "checkout_id", &id));
    READING(ctx, uow);
    TRY(SQL_MAYBE(uow, payment_show, payment_row_record, &row, &found, .id = id, .shop = ctx->caller.shop));
    if (!found || row.intents.count == 0)
        return not_found(ctx, id); /* a tombstone is none */
    *view = (struct payment_detail_view){
        .checkout_id = row.checkout_id,
        .shop = row.shop,
        .currency = row.currency,
        .captured = money_of(row.captured_minor, row.currency),
        .refunded = money_of(row.refunded_minor, row.currency),
        .intents = row.intents,
        .receipts = row.receipts,
        .refunds = row.refunds,
    };
    return ERR_NONE;
}

static enum err show_ledger(struct ctx *ctx, const void *in UNUSED, void *ret)
{
    struct ledger_view *view = ret;
    const char *id;
    bool found;

    TRY(path_id(ctx, "checkout_id", &id));
    READING(ctx, uow);
    TRY(SQL_MAYBE(uow, ledger_show, ledger_view_record, view, &found, .id = id, .shop = ctx->caller.shop));
    if (!found || view->currency[0] == '\0')
        return not_found(ctx, id);
    return ERR_NONE;
}

/* clang-format off */
const struct route payment_routes[] = {
    /* method  path                              who           right       body in               body out
     * status handler       flags */
    { "POST",  "/facts/psp",                     ROLE_PARTNER, NULL,       NULL,                 NULL,                        204,   take_webhook, ROUTE_RAW_BODY, WEBHOOK_MAX },
    { "POST",  "/facts/return/:checkout_id",     ROLE_SHOPPER, NULL,       NULL,                 NULL,                        204,   take_return, .joins = join_payment },
    { "POST",  "/payments/receipts",             ROLE_STAFF,   "payments", &book_receipt_record, &receipt_view_record,        201,   book_receipt, ROUTE_KEY_REQUIRED },
    { "GET",   "/payments/:checkout_id",         ROLE_STAFF,   "payments", NULL,                 &payment_detail_view_record, 200,   show_payment },
    { "GET",   "/payments/:checkout_id/ledger",  ROLE_STAFF,   "payments", NULL,                 &ledger_view_record,         200,   show_ledger },
    { "POST",  "/payments/:checkout_id/refunds", ROLE_STAFF,   "payments", &book_refund_record,  &refund_view_record,         201,   book_refund, ROUTE_KEY_REQUIRED },
    { NULL },
};
/* clang-format on */
