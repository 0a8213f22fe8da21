-- The PSP sandbox: every statement. Times leave as seconds since 1970, as Stripe tells them. What writes a row that was
-- locked and read needs no :one_row.

-- == Sessions =========================================================================================================

-- name: session_add :exec
INSERT INTO session (id, payment_id, amount, currency, title, client_reference_id, customer_email, locale, description,
                     success_url, cancel_url, capture_method, multicapture, metadata, intent_metadata, expires_at,
                     created_at)
VALUES (:id::text, :payment_id::text, :amount::bigint, :currency::text, :title::text, :client_reference_id::text,
        :customer_email::text, :locale::text, :description::text, :success_url::text, :cancel_url::text,
        :capture_method::text, :multicapture::boolean, :metadata::jsonb, :intent_metadata::jsonb,
        to_timestamp(:expires_at::bigint), to_timestamp(:created::bigint));

-- name: sessions_get :many
-- unlimited: one row for each key
SELECT id, payment_id, status, amount, currency, title, client_reference_id, customer_email, locale, description,
       success_url, cancel_url, capture_method, multicapture, metadata, intent_metadata, intent_id,
       (SELECT intent.status FROM intent WHERE intent.id = session.intent_id) AS intent_status,
       floor(extract(epoch FROM created_at))::bigint AS created,
       floor(extract(epoch FROM expires_at))::bigint AS expires_at, expires_at <= now() AS is_over
  FROM session
 WHERE id = ANY (:keys::text[]);

-- name: sessions_hold :many
-- The lock; what it guards is read by the next statement, which sees what the lock waited for.
-- unlimited: one row for each key
SELECT id
  FROM session
 WHERE id = ANY (:keys::text[])
 ORDER BY id
   FOR UPDATE;

-- name: sessions_due :many
-- Takes those whose time is over.
SELECT id
  FROM session
 WHERE status = 'open' AND expires_at <= now()
 ORDER BY expires_at
 LIMIT 20
   FOR UPDATE SKIP LOCKED;

-- name: sessions_list :many
-- plan: each time
-- Newest first; with `above`, those right above it in ascending order.
SELECT serial, id, payment_id, status, amount, currency, title, client_reference_id, customer_email, locale, description,
       success_url, cancel_url, capture_method, multicapture, metadata, intent_metadata, intent_id,
       (SELECT intent.status FROM intent WHERE intent.id = session.intent_id) AS intent_status,
       floor(extract(epoch FROM created_at))::bigint AS created,
       floor(extract(epoch FROM expires_at))::bigint AS expires_at, expires_at <= now() AS is_over
  FROM session
 WHERE serial > :above::bigint AND serial < :below::bigint
   AND (:status::text IS NULL OR status = :status)
   AND (:intent_id::text IS NULL OR intent_id = :intent_id)
   AND created_at >= to_timestamp(:from::bigint) AND created_at < to_timestamp(:to::bigint)
 ORDER BY CASE WHEN :above = -1 THEN -serial ELSE serial END
 LIMIT :count::bigint;

-- name: session_place :maybe
SELECT serial
  FROM session
 WHERE id = :id::text;

-- name: session_save :exec
UPDATE session
   SET status = :status::text, intent_id = :intent_id::text
 WHERE id = :id::text;

-- == Intents and charges ==============================================================================================

-- name: intent_get :maybe
SELECT serial, id, session_id, session_status, payment_id, status, amount, capturable, received, currency, capture_method,
       description, metadata, challenge, cancellation_reason, canceled_at, created, charge_id, charge_status,
       charge_amount, charge_captured, charge_refunded, brand, last4, card, failure_code, decline_code, failure_message,
       multicapture, charge_created, capture_before
  FROM intent_now
 WHERE id = :id::text;

-- name: intents_get :many
-- unlimited: one row for each id asked for
SELECT serial, id, session_id, session_status, payment_id, status, amount, capturable, received, currency, capture_method,
       description, metadata, challenge, cancellation_reason, canceled_at, created, charge_id, charge_status,
       charge_amount, charge_captured, charge_refunded, brand, last4, card, failure_code, decline_code, failure_message,
       multicapture, charge_created, capture_before
  FROM intent_now
 WHERE id = ANY (:ids::text[]);

-- name: intent_hold :exec
-- Locked after its session, if that is locked at all.
SELECT id
  FROM intent
 WHERE id = :id::text
   FOR UPDATE;

-- name: intents_lapsed :many
-- Authorizations that nobody captured in time.
SELECT id
  FROM intent
 WHERE status = 'requires_capture' AND capture_before <= now()
 ORDER BY capture_before
 LIMIT 20
   FOR UPDATE SKIP LOCKED;

-- name: intents_list :many
-- plan: each time
-- Newest first; with `above`, those right above it in ascending order.
SELECT serial, id, session_id, session_status, payment_id, status, amount, capturable, received, currency, capture_method,
       description, metadata, challenge, cancellation_reason, canceled_at, created, charge_id, charge_status,
       charge_amount, charge_captured, charge_refunded, brand, last4, card, failure_code, decline_code, failure_message,
       multicapture, charge_created, capture_before
  FROM intent_now
 WHERE serial > :above::bigint AND serial < :below::bigint
   AND created_at >= to_timestamp(:from::bigint) AND created_at < to_timestamp(:to::bigint)
 ORDER BY CASE WHEN :above = -1 THEN -serial ELSE serial END
 LIMIT :count::bigint;

-- name: intent_place :maybe
SELECT serial
  FROM intent
 WHERE id = :id::text;

-- name: intent_save :exec
-- A new one too: when it is made what came of its first card is known.
INSERT INTO intent (id, session_id, payment_id, status, amount, capturable, received, currency, capture_method,
                    description, metadata, challenge, charge_id, cancellation_reason, canceled_at, capture_before,
                    created_at)
VALUES (:id::text, :session_id::text, :payment_id::text, :status::text, :amount::bigint, :capturable::bigint,
        :received::bigint, :currency::text, :capture_method::text, :description::text, :metadata::jsonb,
        :challenge::text, :charge_id::text, :cancellation_reason::text,
        to_timestamp(nullif(:canceled_at::bigint, 0)), to_timestamp(nullif(:capture_before::bigint, 0)),
        to_timestamp(:created::bigint))
    ON CONFLICT (id) DO UPDATE
   SET status = excluded.status, capturable = excluded.capturable, received = excluded.received,
       challenge = excluded.challenge, charge_id = excluded.charge_id,
       cancellation_reason = excluded.cancellation_reason, canceled_at = excluded.canceled_at,
       capture_before = excluded.capture_before;

-- name: charge_add :exec
INSERT INTO charge (id, intent_id, status, amount, captured, currency, brand, last4, card, failure_code, decline_code,
                    failure_message, multicapture, capture_before, created_at)
VALUES (:id::text, :intent_id::text, :status::text, :amount::bigint, :captured::bigint, :currency::text, :brand::text,
        :last4::text, :card::text, :failure_code::text, :decline_code::text, :failure_message::text,
        :multicapture::boolean, to_timestamp(:capture_before::bigint), to_timestamp(:created::bigint));

-- name: charge_save :exec
UPDATE charge
   SET captured = :captured::bigint, refunded = :refunded::bigint
 WHERE id = :id::text;

-- == Refunds ==========================================================================================================

-- name: refund_add :exec
INSERT INTO refund (id, payment_id, intent_id, charge_id, amount, currency, reason, status, metadata,
                    created_at)
VALUES (:id::text, :payment_id::text, :intent_id::text, :charge_id::text, :amount::bigint, :currency::text,
        :reason::text, :status::text, :metadata::jsonb, to_timestamp(:created::bigint));

-- name: refund_get :maybe
SELECT serial, id, payment_id, intent_id, charge_id, amount, currency, reason, status, failure_reason, metadata,
       floor(extract(epoch FROM created_at))::bigint AS created
  FROM refund
 WHERE id = :id::text;

-- name: refunds_list :many
-- plan: each time
SELECT serial, id, payment_id, intent_id, charge_id, amount, currency, reason, status, failure_reason, metadata,
       floor(extract(epoch FROM created_at))::bigint AS created
  FROM refund
 WHERE serial > :above::bigint AND serial < :below::bigint
   AND (:intent_id::text IS NULL OR intent_id = :intent_id)
   AND (:charge_id::text IS NULL OR charge_id = :charge_id)
   AND created_at >= to_timestamp(:from::bigint) AND created_at < to_timestamp(:to::bigint)
 ORDER BY CASE WHEN :above = -1 THEN -serial ELSE serial END
 LIMIT :count::bigint;

-- name: refund_place :maybe
SELECT serial
  FROM refund
 WHERE id = :id::text;

-- name: refund_fail :exec
UPDATE refund
   SET status = 'failed', failure_reason = :reason::text
 WHERE id = :id::text;

-- == Events and webhooks ==============================================================================================

-- name: event_add :exec
INSERT INTO event (id, type, payment_id, body, created_at)
VALUES (:id::text, :type::text, :payment_id::text, :body::text, to_timestamp(:created::bigint));

-- name: event_get :maybe
SELECT serial, id, type, body
  FROM event
 WHERE id = :id::text;

-- name: events_list :many
-- plan: each time
SELECT serial, id, type, body
  FROM event
 WHERE serial > :above::bigint AND serial < :below::bigint
   AND (cardinality(:types::text[]) = 0 OR type = ANY (:types))
   AND (:delivered::text IS NULL
        OR (:delivered = 'false') = EXISTS (SELECT FROM delivery_now WHERE event_id = event.id AND state <> 'delivered'))
   AND created_at >= to_timestamp(:from::bigint) AND created_at < to_timestamp(:to::bigint)
 ORDER BY CASE WHEN :above = -1 THEN -serial ELSE serial END
 LIMIT :count::bigint;

-- name: event_place :maybe
SELECT serial
  FROM event
 WHERE id = :id::text;

-- name: delivery_add :exec
INSERT INTO delivery (id, event_id, state)
VALUES (:id::text, :event_id::text, :state::text);

-- name: deliveries_held :many
-- Takes what is held, in the order in which it happened.
SELECT delivery.serial, delivery.event_id, event.body
  FROM delivery
  JOIN event ON event.id = delivery.event_id
 WHERE delivery.state = 'held'
 ORDER BY delivery.serial
 LIMIT 1000
   FOR UPDATE OF delivery SKIP LOCKED;

-- name: delivery_drop :exec
DELETE FROM delivery
 WHERE serial = :serial::bigint;

-- name: deliveries_count :one
SELECT (SELECT count(*) FROM delivery WHERE state = 'held') AS held,
       (SELECT count(*) FROM task WHERE kind = 'webhook' AND state IN ('due', 'running')) AS due;

-- name: deliveries_show :many
-- plan: each time
SELECT delivery_now.serial, delivery_now.event_id, event.type, event.payment_id, delivery_now.state,
       delivery_now.attempts, delivery_now.last_status, delivery_now.created_at, delivery_now.delivered_at
  FROM delivery_now
  JOIN event ON event.id = delivery_now.event_id
 WHERE delivery_now.serial > :after::bigint AND (:payment_id::text IS NULL OR event.payment_id = :payment_id)
 ORDER BY delivery_now.serial
 LIMIT :count::bigint;

-- == Idempotency keys and requests ====================================================================================

-- name: keyed_answers_get :many
-- A row for each key; without a status if it is new.
-- unlimited: one row for each key
SELECT asked.key AS id, kept.fingerprint, kept.status, kept.body
  FROM unnest(:keys::text[]) AS asked (key)
  LEFT JOIN keyed_answer AS kept ON kept.key = asked.key AND kept.created_at > now() - interval '24 hours';

-- name: keyed_answer_put :exec
INSERT INTO keyed_answer (key, fingerprint, status, body)
VALUES (:key::text, :fingerprint::text, :status::int, :body::text)
    ON CONFLICT (key) DO UPDATE
   SET fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body, created_at = now();

-- name: keyed_answers_forget :exec
DELETE FROM keyed_answer;

-- name: keyed_answers_expire :exec
DELETE FROM keyed_answer
 WHERE key IN (SELECT key
                 FROM keyed_answer
                WHERE created_at < now() - interval '24 hours'
                LIMIT 1000
                  FOR UPDATE SKIP LOCKED);

-- name: api_request_add :exec
INSERT INTO api_request (operation, method, path, params, idempotency_key, status, replayed, fault)
VALUES (:operation::text, :method::text, :path::text, :params::text, :key::text, :status::int, :replayed::boolean,
        :fault::text);

-- name: api_requests_show :many
-- plan: each time
SELECT serial, operation, method, path, params, idempotency_key, status, replayed, fault, created_at
  FROM api_request
 WHERE serial > :after::bigint AND (:operation::text IS NULL OR operation = :operation)
 ORDER BY serial
 LIMIT :count::bigint;

-- name: api_requests_expire :exec
DELETE FROM api_request
 WHERE serial IN (SELECT serial
                    FROM api_request
                   WHERE created_at < now() - interval '7 days'
                   ORDER BY serial
                   LIMIT 1000);

-- == The book =========================================================================================================

-- name: book_show :many
-- plan: each time
SELECT session.serial, session.payment_id, session.id AS session, session.status AS session_status,
       coalesce(intent.id, '') AS payment_intent, coalesce(intent.status, 'none') AS status,
       upper(session.currency) AS currency, session.amount,
       CASE WHEN charge.status = 'succeeded' THEN charge.amount ELSE 0 END AS authorized,
       coalesce(charge.captured, 0) AS captured, coalesce(charge.refunded, 0) AS refunded,
       CASE WHEN charge.status = 'succeeded' THEN charge.amount - charge.captured - intent.capturable ELSE 0 END
           AS cancelled,
       coalesce(intent.capturable, 0) AS held, coalesce(intent.cancellation_reason, '') AS cancellation_reason,
       (SELECT count(*) FROM charge AS try WHERE try.intent_id = intent.id) AS tries,
       (SELECT count(*) FROM refund WHERE refund.intent_id = intent.id AND refund.status = 'succeeded') AS refunds,
       session.created_at
  FROM session
  LEFT JOIN intent ON intent.session_id = session.id
  LEFT JOIN charge ON charge.id = intent.charge_id
 WHERE session.serial > :after::bigint AND (:payment_id::text IS NULL OR session.payment_id = :payment_id)
 ORDER BY session.serial
 LIMIT :count::bigint;

-- name: book_totals :many
-- plan: each time
SELECT upper(session.currency) AS currency, count(*) AS sessions,
       coalesce(sum(charge.amount) FILTER (WHERE charge.status = 'succeeded'), 0)::bigint AS authorized,
       coalesce(sum(charge.captured), 0)::bigint AS captured, coalesce(sum(charge.refunded), 0)::bigint AS refunded,
       coalesce(sum(charge.amount - charge.captured - intent.capturable)
                FILTER (WHERE charge.status = 'succeeded'), 0)::bigint AS cancelled,
       coalesce(sum(intent.capturable), 0)::bigint AS held
  FROM session
  LEFT JOIN intent ON intent.session_id = session.id
  LEFT JOIN charge ON charge.id = intent.charge_id
 WHERE :payment_id::text IS NULL OR session.payment_id = :payment_id
 GROUP BY session.currency
 ORDER BY session.currency
 LIMIT 200;
