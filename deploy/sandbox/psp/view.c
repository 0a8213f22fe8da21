/* Stripe's objects as JSON. */
#include "view.h"

#include "buf.h"
#include "json.h"
#include "text.h"

#define API_VERSION "2026-08-26.dahlia"
#define LIST_VIEW_MAX ((size_t)4 * 1024 * 1024)

/* A text as JSON, or null. */
static const char *quoted(struct arena *arena, const char *text)
{
    struct buf buf;

    if (text == NULL)
        return "null";
    buf_init(&buf, arena, 64 * 1024);
    buf_add_json(&buf, text);
    return buf.data;
}

static const char *number_or_null(struct arena *arena, int64_t number)
{
    return number != 0 ? arena_printf(arena, "%lld", (long long)number) : "null";
}

/* --- charges --- */

struct charge_json {
    const char *id, *object;
    int64_t amount, amount_captured, amount_refunded;
    bool captured;
    int64_t created;
    const char *currency, *failure_code, *failure_message;
    bool livemode;
    const char *metadata;
    bool paid;
    const char *payment_intent, *payment_method_details;
    bool refunded;
    const char *status;
};

/* clang-format off */
static RECORD(charge_json,
    FIELD(charge_json, id),
    FIELD(charge_json, object),
    FIELD(charge_json, amount),
    FIELD(charge_json, amount_captured),
    FIELD(charge_json, amount_refunded),
    FIELD(charge_json, captured),
    FIELD(charge_json, created),
    FIELD(charge_json, currency),
    FIELD_AS_JSON(charge_json, failure_code),
    FIELD_AS_JSON(charge_json, failure_message),
    FIELD(charge_json, livemode),
    FIELD_AS_JSON(charge_json, metadata),
    FIELD(charge_json, paid),
    FIELD(charge_json, payment_intent),
    FIELD_AS_JSON(charge_json, payment_method_details),
    FIELD(charge_json, refunded),
    FIELD(charge_json, status));
/* clang-format on */

const char *charge_view(struct arena *arena, const struct intent *intent)
{
    const struct charge *charge = &intent->charge;
    const bool is_good = text_equal(charge->status, "succeeded");
    const char *details = arena_printf(
        arena,
        "{\"type\":\"card\",\"card\":{\"brand\":%s,\"last4\":%s,\"capture_before\":%s,\"multicapture\":{\"status\":\"%"
        "s\"}}}",
        quoted(arena, charge->brand), quoted(arena, charge->last4),
        is_good && intent->status == INTENT_REQUIRES_CAPTURE ? number_or_null(arena, charge->capture_before) : "null",
        charge->multicapture ? "available" : "unavailable");
    const struct charge_json json = {
        .id = charge->id,
        .object = "charge",
        .amount = charge->amount,
        .amount_captured = charge->captured,
        .amount_refunded = charge->refunded,
        .captured = charge->captured > 0,
        .created = charge->created,
        .currency = intent->currency,
        .failure_code = quoted(arena, charge->failure_code),
        .failure_message = quoted(arena, charge->failure_message),
        .metadata = intent->metadata,
        .paid = is_good,
        .payment_intent = intent->id,
        .payment_method_details = details,
        .refunded = charge->captured > 0 && charge->refunded == charge->captured,
        .status = charge->status,
    };

    return json_encode(arena, &charge_json_record, &json);
}

/* --- intents --- */

struct intent_json {
    const char *id, *object;
    int64_t amount, amount_capturable, amount_received;
    const char *canceled_at, *cancellation_reason, *capture_method;
    int64_t created;
    const char *currency, *description, *last_payment_error, *latest_charge;
    bool livemode;
    const char *metadata, *next_action;
    struct texts payment_method_types;
    const char *status;
};

/* clang-format off */
static RECORD(intent_json,
    FIELD(intent_json, id),
    FIELD(intent_json, object),
    FIELD(intent_json, amount),
    FIELD(intent_json, amount_capturable),
    FIELD(intent_json, amount_received),
    FIELD_AS_JSON(intent_json, canceled_at),
    FIELD_AS_JSON(intent_json, cancellation_reason),
    FIELD(intent_json, capture_method),
    FIELD(intent_json, created),
    FIELD(intent_json, currency),
    FIELD_AS_JSON(intent_json, description),
    FIELD_AS_JSON(intent_json, last_payment_error),
    FIELD_AS_JSON(intent_json, latest_charge),
    FIELD(intent_json, livemode),
    FIELD_AS_JSON(intent_json, metadata),
    FIELD_AS_JSON(intent_json, next_action),
    FIELD(intent_json, payment_method_types),
    FIELD(intent_json, status));
/* clang-format on */

static const char *last_error(struct arena *arena, const struct intent *intent)
{
    const struct charge *charge = &intent->charge;

    if (intent->status != INTENT_REQUIRES_PAYMENT_METHOD || charge->failure_code == NULL)
        return "null";
    return arena_printf(arena, "{\"type\":\"card_error\",\"code\":%s,\"decline_code\":%s,\"message\":%s,\"charge\":%s}",
                        quoted(arena, charge->failure_code), quoted(arena, charge->decline_code),
                        quoted(arena, charge->failure_message), quoted(arena, charge->id));
}

const char *intent_view(struct arena *arena, const struct intent *intent, unsigned expand)
{
    const char *card = "card";
    const bool whole = (expand & EXPAND_CHARGE) != 0 && intent->charge.id != NULL;
    const struct intent_json json = {
        .id = intent->id,
        .object = "payment_intent",
        .amount = intent->amount,
        .amount_capturable = intent->capturable,
        .amount_received = intent->received,
        .canceled_at = number_or_null(arena, intent->canceled_at),
        .cancellation_reason = quoted(arena, intent->cancellation_reason),
        .capture_method = intent->capture_method,
        .created = intent->created,
        .currency = intent->currency,
        .description = quoted(arena, intent->description),
        .last_payment_error = last_error(arena, intent),
        .latest_charge = whole ? charge_view(arena, intent) : quoted(arena, intent->charge.id),
        .metadata = intent->metadata,
        .next_action = intent->status == INTENT_REQUIRES_ACTION ? "{\"type\":\"use_stripe_sdk\"}" : "null",
        .payment_method_types = {.items = &card, .count = 1},
        .status = intent_status_names[intent->status],
    };

    return json_encode(arena, &intent_json_record, &json);
}

/* --- sessions --- */

struct session_json {
    const char *id, *object;
    int64_t amount_subtotal, amount_total;
    const char *cancel_url, *client_reference_id;
    int64_t created;
    const char *currency, *customer_email;
    int64_t expires_at;
    bool livemode;
    const char *locale, *metadata, *mode, *payment_intent;
    struct texts payment_method_types;
    const char *payment_status, *status, *success_url, *ui_mode, *url;
};

/* clang-format off */
static RECORD(session_json,
    FIELD(session_json, id),
    FIELD(session_json, object),
    FIELD(session_json, amount_subtotal),
    FIELD(session_json, amount_total),
    FIELD_AS_JSON(session_json, cancel_url),
    FIELD_AS_JSON(session_json, client_reference_id),
    FIELD(session_json, created),
    FIELD(session_json, currency),
    FIELD_AS_JSON(session_json, customer_email),
    FIELD(session_json, expires_at),
    FIELD(session_json, livemode),
    FIELD_AS_JSON(session_json, locale),
    FIELD_AS_JSON(session_json, metadata),
    FIELD(session_json, mode),
    FIELD_AS_JSON(session_json, payment_intent),
    FIELD(session_json, payment_method_types),
    FIELD(session_json, payment_status),
    FIELD(session_json, status),
    FIELD(session_json, success_url),
    FIELD(session_json, ui_mode),
    FIELD_AS_JSON(session_json, url));
/* clang-format on */

const char *session_view(struct arena *arena, const struct session *session, const struct intent *intent,
                         const char *public_url, unsigned expand)
{
    const char *card = "card";
    const bool is_open = text_equal(session->status, "open");
    const char *url = is_open ? arena_printf(arena, "%s/pay/%s", public_url, session->id) : NULL;
    const bool whole = (expand & EXPAND_INTENT) != 0 && intent != NULL;
    const char *status = intent != NULL ? intent_status_names[intent->status] : session->intent_status;
    const struct session_json json = {
        .id = session->id,
        .object = "checkout.session",
        .amount_subtotal = session->amount,
        .amount_total = session->amount,
        .cancel_url = quoted(arena, session->cancel_url),
        .client_reference_id = quoted(arena, session->client_reference_id),
        .created = session->created,
        .currency = session->currency,
        .customer_email = quoted(arena, session->customer_email),
        .expires_at = session->expires_at,
        .locale = quoted(arena, session->locale),
        .metadata = session->metadata,
        .mode = "payment",
        .payment_intent = whole ? intent_view(arena, intent, expand) : quoted(arena, session->intent_id),
        .payment_method_types = {.items = &card, .count = 1},
        .payment_status = text_equal(status, "succeeded") ? "paid" : "unpaid",
        .status = session->status,
        .success_url = session->success_url,
        .ui_mode = "hosted_page",
        .url = quoted(arena, url),
    };

    return json_encode(arena, &session_json_record, &json);
}

/* --- refunds --- */

struct refund_json {
    const char *id, *object;
    int64_t amount;
    const char *charge;
    int64_t created;
    const char *currency, *failure_reason, *metadata, *payment_intent, *reason, *status;
};

/* clang-format off */
static RECORD(refund_json,
    FIELD(refund_json, id),
    FIELD(refund_json, object),
    FIELD(refund_json, amount),
    FIELD_AS_JSON(refund_json, charge),
    FIELD(refund_json, created),
    FIELD(refund_json, currency),
    FIELD(refund_json, failure_reason),
    FIELD_AS_JSON(refund_json, metadata),
    FIELD_AS_JSON(refund_json, payment_intent),
    FIELD_AS_JSON(refund_json, reason),
    FIELD(refund_json, status));
/* clang-format on */

const char *refund_view(struct arena *arena, const struct refund *refund, const struct intent *intent, unsigned expand)
{
    const bool whole_intent = intent != NULL && (expand & EXPAND_INTENT) != 0;
    const bool whole_charge = intent != NULL && (expand & EXPAND_CHARGE) != 0;
    const struct refund_json json = {
        .id = refund->id,
        .object = "refund",
        .amount = refund->amount,
        .charge = whole_charge ? charge_view(arena, intent) : quoted(arena, refund->charge_id),
        .created = refund->created,
        .currency = refund->currency,
        .failure_reason = refund->failure_reason,
        .metadata = refund->metadata,
        .payment_intent = whole_intent ? intent_view(arena, intent, 0) : quoted(arena, refund->intent_id),
        .reason = quoted(arena, refund->reason),
        .status = refund->status,
    };

    return json_encode(arena, &refund_json_record, &json);
}

/* --- events, lists, errors --- */

struct event_json {
    const char *id, *object, *api_version;
    int64_t created;
    const char *data;
    bool livemode;
    int64_t pending_webhooks;
    const char *request, *type;
};

/* clang-format off */
static RECORD(event_json,
    FIELD(event_json, id),
    FIELD(event_json, object),
    FIELD(event_json, api_version),
    FIELD(event_json, created),
    FIELD_AS_JSON(event_json, data),
    FIELD(event_json, livemode),
    FIELD(event_json, pending_webhooks),
    FIELD_AS_JSON(event_json, request),
    FIELD(event_json, type));

static RECORD(error_view,
    FIELD(error_view, code),
    FIELD(error_view, decline_code),
    FIELD(error_view, message),
    FIELD(error_view, param),
    FIELD_AS_JSON(error_view, payment_intent),
    FIELD(error_view, type));
/* clang-format on */

const char *event_view(struct arena *arena, const struct event_view *event)
{
    const struct event_json json = {
        .id = event->id,
        .object = "event",
        .api_version = API_VERSION,
        .created = event->created,
        .data = arena_printf(arena, "{\"object\":%s}", event->object),
        .pending_webhooks = event->is_delivered_by_webhook ? 1 : 0,
        .request = arena_printf(arena, "{\"id\":null,\"idempotency_key\":%s}", quoted(arena, event->key)),
        .type = event->type,
    };

    return json_encode(arena, &event_json_record, &json);
}

const char *list_view(struct arena *arena, const char *path, const struct texts *items, bool has_more)
{
    struct buf buf;

    buf_init(&buf, arena, LIST_VIEW_MAX);
    buf_printf(&buf, "{\"object\":\"list\",\"url\":%s,\"has_more\":%s,\"data\":[", quoted(arena, path),
               has_more ? "true" : "false");
    for (size_t i = 0; i < items->count; i++) {
        if (i > 0)
            buf_add_char(&buf, ',');
        buf_add_text(&buf, items->items[i]);
    }
    buf_add_text(&buf, "]}");
    return buf.data;
}

const char *error_view(struct arena *arena, const struct error_view *error)
{
    return arena_printf(arena, "{\"error\":%s}", json_encode(arena, &error_view_record, error));
}
