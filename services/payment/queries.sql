-- Payments: every statement of the service.
--
-- Lock order, everywhere: payments (by id), then what belongs to them. A payment is locked by one statement and read
-- by the next, in one round trip: a statement that waited for the lock would read the intents as before the wait. For a
-- batch both are done at once.

-- name: payment_lock :exec
SELECT id
  FROM payment
 WHERE id = :id::uuid
   FOR UPDATE;

-- name: payments_lock :many
-- The payments of a batch, in the order of their ids.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT id
  FROM payment
 WHERE id = ANY (:keys::text[]::uuid[])
 ORDER BY id
   FOR UPDATE;

-- name: payments_read :many
-- Everything that decides, in one row each, which is there even if the payment isn't: its facts may have come before it.
-- A fact that the provider did not name our payment in belongs to us by the provider's own id. OFFSET 0 keeps the
-- planner from joining the other way round, through the index of all intents that have such an id. A new payment gets a
-- fresh number, should it be a bank transfer.
-- unlimited: one row for each key, at most BATCH_MAX
SELECT asked.key AS id, p.id IS NULL AS is_new, p.shop, p.currency, p.closed_to, p.closed_told, p.closed_placement,
       p.order_number, p.order_intent, p.order_minor, p.order_pay_by, p.cancelled, p.receivable_minor, p.held_minor,
       p.owed_minor, p.version, now() AS now,
       (SELECT coalesce(json_agg(row_to_json(i) ORDER BY i.intent), '[]')
          FROM intent i
         WHERE i.payment_id = asked.id) AS intents,
       (SELECT coalesce(json_agg(row_to_json(f) ORDER BY f.created_at, f.id), '[]')
          FROM (SELECT f.id, f.kind, f.payment_id, f.intent, f.payment_ref, f.refund_ref, f.amount_minor, f.currency,
                       f.code, f.occurred_at, f.created_at
                  FROM psp_fact f
                 WHERE f.payment_id = asked.id
                 UNION ALL
                SELECT f.id, f.kind, i.payment_id, i.intent, f.payment_ref, f.refund_ref, f.amount_minor, f.currency,
                       f.code, f.occurred_at, f.created_at
                  FROM intent i
                 CROSS JOIN LATERAL (SELECT id, kind, payment_ref, refund_ref, amount_minor, currency, code, occurred_at,
                                            created_at
                                       FROM psp_fact
                                      WHERE payment_ref = i.payment_ref
                                        AND payment_id IS NULL
                                     OFFSET 0) f
                 WHERE i.payment_id = asked.id
                 LIMIT 500) f) AS facts,
       CASE WHEN p.id IS NULL THEN nextval('reference_number') END AS reference
  FROM (SELECT key, key::uuid AS id FROM unnest(:keys::text[]) AS key) asked
  LEFT JOIN payment p ON p.id = asked.id;

-- name: reference_next :one
SELECT nextval('reference_number') AS reference;

-- name: payment_add :exec
INSERT INTO payment (id, shop, currency, closed_to, closed_told, closed_placement, receivable_minor, held_minor,
                     owed_minor, version)
VALUES (:id::uuid, :shop::text, :currency::text, :closed_to::bigint, :closed_told::bigint, :closed_placement::bigint,
        :receivable_minor::bigint, :held_minor::bigint, :owed_minor::bigint, :version::bigint);

-- name: payment_save :exec
-- The version guards it, which is null, and refused, if somebody came between after all.
UPDATE payment
   SET currency = :currency::text,
       closed_to = :closed_to::bigint,
       closed_told = :closed_told::bigint,
       closed_placement = :closed_placement::bigint,
       order_number = :order_number::text,
       order_intent = :order_intent::bigint,
       order_minor = :order_minor::bigint,
       order_pay_by = :order_pay_by::timestamptz,
       cancelled = :cancelled::boolean,
       receivable_minor = :receivable_minor::bigint,
       held_minor = :held_minor::bigint,
       owed_minor = :owed_minor::bigint,
       version = CASE version WHEN :was::bigint THEN :version::bigint END,
       updated_at = now()
 WHERE id = :id::uuid;

-- name: intent_put :exec
-- The only statement that writes an intent, under its payment's lock. What was asked never changes.
INSERT INTO intent (payment_id, intent, placement, method, state, amount_minor, currency, capture, authorized_minor,
                    captured_minor, refunded_minor, rank, mismatched, operation, stalled, calls, failures, doubt,
                    queries, asks, ask_at, alarm_at, locale, return_url, reference, page_ref, payment_ref,
                    redirect_url, expires_at, decline_code, refund_reason)
VALUES (:payment_id::uuid, :intent::bigint, :placement::bigint, :method::text, :state::text, :amount_minor::bigint,
        :currency::text, :capture::text, :authorized_minor::bigint, :captured_minor::bigint, :refunded_minor::bigint,
        :rank::text, :mismatched::boolean, :operation::text, :stalled::boolean, :calls::bigint, :failures::bigint,
        :doubt::text, :queries::bigint, :asks::bigint, :ask_at::timestamptz, :alarm_at::timestamptz, :locale::text,
        :return_url::text, :reference::text, :page_ref::text, :payment_ref::text,
        :redirect_url::text, :expires_at::timestamptz, :decline_code::text, :refund_reason::text)
    ON CONFLICT (payment_id, intent) DO UPDATE
   SET state = excluded.state,
       authorized_minor = excluded.authorized_minor,
       captured_minor = excluded.captured_minor,
       refunded_minor = excluded.refunded_minor,
       rank = excluded.rank,
       mismatched = excluded.mismatched,
       operation = excluded.operation,
       stalled = excluded.stalled,
       calls = excluded.calls,
       failures = excluded.failures,
       doubt = excluded.doubt,
       queries = excluded.queries,
       asks = excluded.asks,
       ask_at = excluded.ask_at,
       alarm_at = excluded.alarm_at,
       page_ref = excluded.page_ref,
       payment_ref = excluded.payment_ref,
       redirect_url = excluded.redirect_url,
       expires_at = excluded.expires_at,
       decline_code = excluded.decline_code,
       refund_reason = excluded.refund_reason,
       updated_at = now();

-- name: call_withdraw :maybe
-- Takes back a call that no copy has made yet: a row means that provably nothing left. A repeat that waits may have.
UPDATE task
   SET state = 'cancelled', updated_at = now()
 WHERE key = :key::text
   AND state = 'due'
   AND attempt = 0
RETURNING id;

-- name: fact_add :exec
INSERT INTO psp_fact (psp, id, kind, payment_id, intent, payment_ref, refund_ref, amount_minor, currency, code, source,
                      occurred_at)
VALUES (:psp::text, :id::text, :kind::text, :payment_id::uuid, :intent::bigint, :payment_ref::text, :refund_ref::text,
        :amount_minor::bigint, :currency::text, :code::text, :source::text, :occurred_at::timestamptz)
    ON CONFLICT (psp, id) DO NOTHING;

-- name: facts_new :many
-- Which of these the provider has not told before, and whose they are: by our own id if the provider carries it, else
-- by the provider's. How the intent stands is read without a lock.
-- unlimited: the facts of one webhook or one poll
SELECT told.id, coalesce(told.payment_id, i.payment_id) AS payment_id,
       coalesce(nullif(told.intent, 0), i.intent) AS intent, i.state, i.rank, i.amount_minor, i.currency, i.page_ref,
       i.payment_ref
  FROM unnest(:ids::text[], :payment_ids::uuid[], :intents::bigint[], :payment_refs::text[])
       AS told (id, payment_id, intent, payment_ref)
  LEFT JOIN LATERAL (SELECT payment_id, intent, state, rank, amount_minor, currency, page_ref, payment_ref
                       FROM intent
                      WHERE told.payment_id IS NULL
                        AND payment_ref = told.payment_ref
                      UNION ALL
                     SELECT payment_id, intent, state, rank, amount_minor, currency, page_ref, payment_ref
                       FROM intent
                      WHERE payment_id = told.payment_id
                        AND intent = told.intent
                      LIMIT 1) i ON true
 WHERE NOT EXISTS (SELECT 1 FROM psp_fact f WHERE f.psp = :psp::text AND f.id = told.id)
 ORDER BY payment_id, told.id;

-- name: intents_to_ask :many
-- Intents whose truth is to be asked for now. The payment is what is locked, as everywhere.
SELECT i.payment_id AS id, i.intent
  FROM intent i
  JOIN payment p ON p.id = i.payment_id
 WHERE i.ask_at <= now()
 ORDER BY i.ask_at
 LIMIT 20
   FOR UPDATE OF p SKIP LOCKED;

-- name: intents_to_tell :many
-- Intents that nobody knows the state of for too long.
SELECT i.payment_id AS id, i.intent
  FROM intent i
  JOIN payment p ON p.id = i.payment_id
 WHERE i.alarm_at <= now()
 ORDER BY i.alarm_at
 LIMIT 20
   FOR UPDATE OF p SKIP LOCKED;

-- name: intent_told :exec
UPDATE intent
   SET alarm_at = NULL
 WHERE payment_id = :id::uuid
   AND intent = :intent::bigint;

-- name: intent_by_reference :maybe
SELECT i.payment_id AS id, i.intent
  FROM intent i
  JOIN payment p ON p.id = i.payment_id
 WHERE i.reference = :reference::text
   AND p.shop = :shop::text;

-- name: receipt_parts :many
-- What came with an intent's reference, in its currency, and was not what is due.
SELECT r.id, r.amount_minor
  FROM receipt r
  JOIN intent i ON i.payment_id = r.payment_id AND i.intent = r.intent AND i.currency = r.currency
 WHERE r.payment_id = :payment_id::uuid
   AND r.intent = :intent::bigint
   AND r.outcome = 'differs'
 ORDER BY r.id
 LIMIT 1000;

-- name: receipt_add :exec
INSERT INTO receipt (id, shop, reference, amount_minor, currency, received_on, payer, outcome, payment_id, intent,
                     open_minor, booked_by)
VALUES (:id::uuid, :shop::text, :reference::text, :amount_minor::bigint, :currency::text, :received_on::date,
        :payer::text, :outcome::text, :payment_id::uuid, :intent::bigint, :open_minor::bigint, :booked_by::text);

-- name: receipt_add_unknown :exec
INSERT INTO receipt (id, shop, reference, amount_minor, currency, received_on, payer, outcome, booked_by)
VALUES (:id::uuid, :shop::text, :reference::text, :amount_minor::bigint, :currency::text, :received_on::date,
        :payer::text, 'unknown', :booked_by::text);

-- name: refund_add :exec
INSERT INTO refund (id, payment_id, intent, reference, amount_minor, currency, sent_on, booked_by)
VALUES (:id::uuid, :payment_id::uuid, :intent::bigint, :reference::text, :amount_minor::bigint, :currency::text,
        :sent_on::date, :booked_by::text);

-- name: ledger_book :exec
-- One entry with its postings. A second one for the same cause is refused.
INSERT INTO ledger_entry (payment_id, what, cause, currency, accounts, subjects, amounts)
VALUES (:payment_id::uuid, :what::text, :cause::text, :currency::text, :accounts::text[], :subjects::text[],
        :amounts::bigint[]);

-- name: payment_show :maybe
SELECT p.id AS checkout_id, p.shop, p.currency,
       (SELECT coalesce(sum(i.captured_minor), 0)::bigint FROM intent i WHERE i.payment_id = p.id) AS captured_minor,
       (SELECT coalesce(sum(i.refunded_minor), 0)::bigint FROM intent i WHERE i.payment_id = p.id) AS refunded_minor,
       (SELECT coalesce(json_agg(json_build_object(
                   'placement', i.placement, 'intent', i.intent, 'method', i.method,
                   'status', CASE WHEN i.doubt <> 'nothing' THEN 'unknown' ELSE i.state END,
                   'amount', json_build_object('amount', i.amount_minor, 'currency', i.currency), 'capture', i.capture,
                   'captured', json_build_object('amount', i.captured_minor, 'currency', i.currency),
                   'refunded', json_build_object('amount', i.refunded_minor, 'currency', i.currency),
                   'reference', i.reference, 'psp_reference', coalesce(i.payment_ref, i.page_ref),
                   'decline_code', i.decline_code, 'pay_by', CASE WHEN i.state = 'due' AND i.intent = p.order_intent THEN p.order_pay_by END,
                   'expires_at', CASE WHEN i.state = 'pending' THEN i.expires_at END,
                   'created_at', i.created_at, 'updated_at', i.updated_at)
                   ORDER BY i.intent), '[]')
          FROM intent i
         WHERE i.payment_id = p.id) AS intents,
       (SELECT coalesce(json_agg(json_build_object(
                   'id', r.id, 'reference', r.reference,
                   'amount', json_build_object('amount', r.amount_minor, 'currency', r.currency),
                   'received_on', r.received_on, 'outcome', r.outcome, 'checkout_id', r.payment_id,
                   'open_amount', json_build_object('amount', r.open_minor, 'currency', p.currency))
                   ORDER BY r.id), '[]')
          FROM (SELECT id, reference, amount_minor, currency, received_on, outcome, payment_id, open_minor
                  FROM receipt
                 WHERE payment_id = p.id
                 ORDER BY id
                 LIMIT 200) r) AS receipts,
       (SELECT coalesce(json_agg(json_build_object(
                   'id', r.id, 'checkout_id', r.payment_id, 'intent', r.intent, 'reference', r.reference,
                   'amount', json_build_object('amount', r.amount_minor, 'currency', r.currency),
                   'sent_on', r.sent_on)
                   ORDER BY r.intent), '[]')
          FROM (SELECT id, payment_id, intent, reference, amount_minor, currency, sent_on
                  FROM refund
                 WHERE payment_id = p.id
                 ORDER BY intent
                 LIMIT 200) r) AS refunds
  FROM payment p
 WHERE p.id = :id::uuid
   AND p.shop = :shop::text;

-- name: ledger_show :maybe
SELECT p.id AS checkout_id, p.currency,
       (SELECT coalesce(json_agg(json_build_object(
                   'sequence', e.sequence, 'at', e.created_at, 'what', e.what, 'cause', e.cause,
                   'postings', (SELECT json_agg(json_build_object(
                                           'account', concat_ws(':', l.account, nullif(l.subject, '')),
                                           'amount', json_build_object('amount', l.amount, 'currency', e.currency))
                                           ORDER BY l.line)
                                  FROM unnest(e.accounts, e.subjects, e.amounts)
                                           WITH ORDINALITY AS l (account, subject, amount, line)))
                   ORDER BY e.sequence), '[]')
          FROM (SELECT id, created_at, what, cause, currency, accounts, subjects, amounts,
                       row_number() OVER (ORDER BY id) AS sequence
                  FROM ledger_entry
                 WHERE payment_id = p.id
                 ORDER BY id
                 LIMIT 500) e) AS entries
  FROM payment p
 WHERE p.id = :id::uuid
   AND p.shop = :shop::text;

-- name: poll_take :maybe
-- Only one copy polls; the others find the row locked, or not due.
SELECT since, newest, after, polls
  FROM psp_poll
 WHERE psp = :psp::text
   AND due_at <= now()
   FOR UPDATE SKIP LOCKED;

-- name: poll_rest :exec
UPDATE psp_poll
   SET due_at = now() + :pause_ms::bigint * interval '1 millisecond', updated_at = now()
 WHERE psp = :psp::text;

-- name: poll_save :exec
-- Where the list was read to. Conditional on the poll's number, so that a late answer changes nothing.
UPDATE psp_poll
   SET since = :since::timestamptz,
       newest = :newest::timestamptz,
       after = :after::text,
       polls = polls + 1,
       due_at = CASE WHEN :after IS NULL THEN due_at ELSE now() END,
       updated_at = now()
 WHERE psp = :psp::text
   AND polls = :poll::bigint;
