/* Typed reads and writes. */
#include "store.h"

#include "psp-sandbox/queries.h"

RECORD_SHARED(id_row, FIELD(id_row, id));

/* clang-format off */
RECORD_SHARED(session,
    FIELD(session, serial),
    FIELD(session, id),
    FIELD(session, payment_id),
    FIELD(session, status),
    FIELD(session, amount),
    FIELD(session, currency),
    FIELD(session, title),
    FIELD(session, client_reference_id),
    FIELD(session, customer_email),
    FIELD(session, locale),
    FIELD(session, description),
    FIELD(session, success_url),
    FIELD(session, cancel_url),
    FIELD(session, capture_method),
    FIELD(session, multicapture),
    FIELD_AS_JSON(session, metadata),
    FIELD_AS_JSON(session, intent_metadata),
    FIELD(session, intent_id),
    FIELD(session, intent_status),
    FIELD(session, created),
    FIELD(session, expires_at),
    FIELD(session, is_over));

RECORD_SHARED(intent,
    FIELD(intent, serial),
    FIELD(intent, id),
    FIELD(intent, session_id),
    FIELD(intent, session_status),
    FIELD(intent, payment_id),
    FIELD_AS_ENUM(intent, status, intent_status_names),
    FIELD(intent, amount),
    FIELD(intent, capturable),
    FIELD(intent, received),
    FIELD(intent, currency),
    FIELD(intent, capture_method),
    FIELD(intent, description),
    FIELD_AS_JSON(intent, metadata),
    FIELD(intent, challenge),
    FIELD(intent, cancellation_reason),
    FIELD(intent, canceled_at),
    FIELD(intent, created),
    FIELD_NAMED(intent, charge.id, "charge_id"),
    FIELD_NAMED(intent, charge.status, "charge_status"),
    FIELD_NAMED(intent, charge.amount, "charge_amount"),
    FIELD_NAMED(intent, charge.captured, "charge_captured"),
    FIELD_NAMED(intent, charge.refunded, "charge_refunded"),
    FIELD_NAMED(intent, charge.brand, "brand"),
    FIELD_NAMED(intent, charge.last4, "last4"),
    FIELD_NAMED(intent, charge.card, "card"),
    FIELD_NAMED(intent, charge.failure_code, "failure_code"),
    FIELD_NAMED(intent, charge.decline_code, "decline_code"),
    FIELD_NAMED(intent, charge.failure_message, "failure_message"),
    FIELD_NAMED(intent, charge.multicapture, "multicapture"),
    FIELD_NAMED(intent, charge.created, "charge_created"),
    FIELD_NAMED(intent, charge.capture_before, "capture_before"));

RECORD_SHARED(refund,
    FIELD(refund, serial),
    FIELD(refund, id),
    FIELD(refund, payment_id),
    FIELD(refund, intent_id),
    FIELD(refund, charge_id),
    FIELD(refund, amount),
    FIELD(refund, currency),
    FIELD(refund, reason),
    FIELD(refund, status),
    FIELD(refund, failure_reason),
    FIELD_AS_JSON(refund, metadata),
    FIELD(refund, created));
/* clang-format on */

/* --- sessions --- */

const struct rows session_rows = {&Q_sessions_hold, &Q_sessions_get, &session_record};

enum err session_find(struct uow *uow, const char *id, struct session *ret, bool *ret_found)
{
    return rows_see_or_ask(uow, &session_rows, id, ret, ret_found);
}

enum err session_lock(struct uow *uow, const char *id, struct session *ret, bool *ret_found)
{
    *ret_found = rows_take(uow, &session_rows, id, ret);
    if (*ret_found)
        return ERR_NONE;
    query_lock(uow, &Q_sessions_hold, &(struct texts){.items = &id, .count = 1});
    return rows_take_or_ask(uow, &session_rows, id, ret, ret_found);
}

void session_add(struct uow *uow, const struct session *session)
{
    SQL(uow, session_add, .id = session->id, .payment_id = session->payment_id, .amount = session->amount,
        .currency = session->currency, .title = session->title, .client_reference_id = session->client_reference_id,
        .customer_email = session->customer_email, .locale = session->locale, .description = session->description,
        .success_url = session->success_url, .cancel_url = session->cancel_url,
        .capture_method = session->capture_method, .multicapture = session->multicapture, .metadata = session->metadata,
        .intent_metadata = session->intent_metadata, .expires_at = session->expires_at, .created = session->created);
}

void session_save(struct uow *uow, const struct session *session)
{
    SQL(uow, session_save, .id = session->id, .status = session->status, .intent_id = session->intent_id);
}

/* --- intents --- */

enum err intent_find(struct uow *uow, const char *id, struct intent *ret, bool *ret_found)
{
    return SQL_MAYBE(uow, intent_get, intent_record, ret, ret_found, .id = id);
}

enum err intent_lock(struct uow *uow, const char *id, struct intent *ret, bool *ret_found)
{
    SQL(uow, intent_hold, .id = id);
    return intent_find(uow, id, ret, ret_found);
}

enum err intents_find(struct uow *uow, struct texts ids, struct intent_list *ret)
{
    return SQL_MANY(uow, intents_get, intent_record, ret, .ids = ids);
}

void intent_save(struct uow *uow, const struct intent *intent)
{
    SQL(uow, intent_save, .id = intent->id, .session_id = intent->session_id, .payment_id = intent->payment_id,
        .status = intent_status_names[intent->status], .amount = intent->amount, .capturable = intent->capturable,
        .received = intent->received, .currency = intent->currency, .capture_method = intent->capture_method,
        .description = intent->description, .metadata = intent->metadata, .challenge = intent->challenge,
        .charge_id = intent->charge.id, .cancellation_reason = intent->cancellation_reason,
        .canceled_at = intent->canceled_at, .capture_before = intent->charge.capture_before,
        .created = intent->created);
}

void charge_add(struct uow *uow, const struct charge *charge)
{
    SQL(uow, charge_add, .id = charge->id, .intent_id = charge->intent_id, .status = charge->status,
        .amount = charge->amount, .captured = charge->captured, .currency = charge->currency, .brand = charge->brand,
        .last4 = charge->last4, .card = charge->card, .failure_code = charge->failure_code,
        .decline_code = charge->decline_code, .failure_message = charge->failure_message,
        .multicapture = charge->multicapture, .capture_before = charge->capture_before, .created = charge->created);
}

void charge_save(struct uow *uow, const struct charge *charge)
{
    SQL(uow, charge_save, .id = charge->id, .captured = charge->captured, .refunded = charge->refunded);
}

/* --- refunds --- */

enum err refund_find(struct uow *uow, const char *id, struct refund *ret, bool *ret_found)
{
    return SQL_MAYBE(uow, refund_get, refund_record, ret, ret_found, .id = id);
}

void refund_add(struct uow *uow, const struct refund *refund)
{
    SQL(uow, refund_add, .id = refund->id, .payment_id = refund->payment_id, .intent_id = refund->intent_id,
        .charge_id = refund->charge_id, .amount = refund->amount, .currency = refund->currency,
        .reason = refund->reason, .status = refund->status, .metadata = refund->metadata, .created = refund->created);
}
