-- Orders: every statement of the service. tools/sqlgen.py turns each into a typed query (common/query.h).

-- name: order_starts :many
-- What placing needs: a fresh number, the process that new orders follow, and whether the order is there already; then it
-- needs no number.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT asked.id, o.id IS NOT NULL AS is_placed, CASE WHEN o.id IS NULL THEN 'WB-' || nextval('order_number') END AS number,
       latest.version AS process_version, latest.statuses AS process, now() AS now
  FROM unnest(:keys::text[]) AS asked (id)
  LEFT JOIN orders o ON o.id = asked.id::uuid,
       (SELECT version, statuses FROM process ORDER BY version DESC LIMIT 1) AS latest;

-- name: order_insert :exec
INSERT INTO orders (id, shop, number, cart_id, intent, channel, locale, currency, kernel, status, sub_status,
                    process_version, method, capture, quantity, total_minor, lines, groups, totals, payments, personal,
                    email, reference, pay_by, placed_at, version)
VALUES (:id::uuid, :shop::text, :number::text, :cart_id::uuid, :intent::bigint, :channel::text, :locale::text,
        :currency::text, :kernel::text, :status::text, :sub_status::text, :process_version::bigint, :method::text,
        :capture::text, :quantity::bigint, :total_minor::bigint, :lines::text::json, :groups::text::json,
        :totals::text::json, :payments::text::json, :personal::text::json, lower(:email::text), :reference::text,
        :pay_by::timestamptz, :placed_at::timestamptz, :version::bigint);

-- name: order_lock :maybe
SELECT id, shop, number, cart_id, intent, channel, locale, currency, kernel, status, sub_status, process_version, method,
       capture, total_minor, lines, groups, totals, payments, reference, hold_reason, unsaid, cancel_reason, cancel_by, pay_by,
       placed_at, version,
       (SELECT statuses FROM process p WHERE p.version = orders.process_version) AS process
  FROM orders
 WHERE id = :id::uuid
   AND (:shop::text IS NULL OR shop = :shop)
   AND (:cart_id::uuid IS NULL OR cart_id = :cart_id)
   FOR UPDATE;

-- name: orders_lock :many
-- Locks the orders of a batch, in the order of their ids, before any of its handlers runs. Its columns are those of
-- order_lock; what a process says never changes.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT id, shop, number, cart_id, intent, channel, locale, currency, kernel, status, sub_status, process_version, method,
       capture, total_minor, lines, groups, totals, payments, reference, hold_reason, unsaid, cancel_reason, cancel_by, pay_by,
       placed_at, version,
       (SELECT statuses FROM process p WHERE p.version = orders.process_version) AS process
  FROM orders
 WHERE id = ANY (:keys::text[]::uuid[])
 ORDER BY id
   FOR UPDATE;

-- name: order_save :exec
-- The only statement that changes an order: whoever holds the lock writes what it decided. The version guards it, which is
-- null, and refused, if somebody came between after all.
UPDATE orders
   SET kernel = :kernel::text,
       status = :status::text,
       sub_status = :sub_status::text,
       payments = :payments::text::json,
       hold_reason = :hold_reason::text,
       unsaid = :unsaid::text,
       cancel_reason = :cancel_reason::text,
       cancel_by = :cancel_by::text,
       pay_by = :pay_by::timestamptz,
       version = CASE version WHEN :was::bigint THEN :version::bigint END,
       updated_at = now()
 WHERE id = :id::uuid;

-- name: timeline_add :exec
INSERT INTO timeline (order_id, what, text, by, detail)
VALUES (:order_id::uuid, :what::text, :text::text, :by::text, :detail::text);

-- name: shipment_put :exec
INSERT INTO order_shipment (id, order_id, number, state, warehouse, method, lines)
VALUES (:id::uuid, :order_id::uuid, :number::text, 'planned', :warehouse::text, :method::text, :lines::text::json)
ON CONFLICT (id) DO NOTHING;

-- name: shipment_set_state :one_row
UPDATE order_shipment
   SET state = :state::text, updated_at = now()
 WHERE id = :id::uuid;

-- name: shipment_set_tracking :one_row
UPDATE order_shipment
   SET state = 'shipped',
       carrier = :carrier::text,
       tracking_number = :tracking_number::text,
       tracking_url = :tracking_url::text,
       latest = :latest::text,
       updated_at = now()
 WHERE id = :id::uuid;

-- name: order_show :maybe
-- For the shopper (cart_id is theirs) and for staff (cart_id is null), who alone read why it is held.
SELECT id, number, shop, kernel, status, sub_status, cart_id, channel, locale, currency, placed_at, lines, groups,
       totals, payments, pay_by, reference AS payment_reference, personal,
       CASE WHEN :cart_id::uuid IS NULL THEN hold_reason END AS hold_reason, cancel_reason, version,
       (SELECT coalesce(json_agg(json_build_object(
                   'id', s.id, 'number', s.number, 'state', s.state, 'warehouse', s.warehouse, 'method', s.method,
                   'carrier', s.carrier, 'tracking_number', s.tracking_number, 'tracking_url', s.tracking_url,
                   'latest', s.latest, 'lines', s.lines) ORDER BY s.id), '[]')
          FROM order_shipment s
         WHERE s.order_id = orders.id) AS shipments
  FROM orders
 WHERE id = :id::uuid
   AND shop = :shop::text
   AND (:cart_id::uuid IS NULL OR cart_id = :cart_id);

-- name: order_search :many
-- plan: each time
SELECT id, number, kernel, status, sub_status, channel, method, currency, quantity, total_minor, placed_at, email,
       hold_reason IS NOT NULL AS held, seen_at IS NULL AS unseen
  FROM orders
 WHERE shop = :shop::text
   AND (:after::uuid IS NULL OR id < :after)
   AND (:number::text IS NULL OR number = :number)
   AND (:kernel::text IS NULL OR kernel = :kernel)
   AND (:status::text IS NULL OR status = :status)
   AND (:email::text IS NULL OR email = lower(:email))
 ORDER BY id DESC
 LIMIT :limit::bigint;

-- name: order_counters :one
SELECT count(*) AS unseen
  FROM orders
 WHERE shop = :shop::text
   AND seen_at IS NULL;

-- name: order_mark_seen :exec
UPDATE orders
   SET seen_at = now()
 WHERE id = :id::uuid
   AND shop = :shop::text
   AND seen_at IS NULL;

-- name: timeline_read :many
SELECT sequence, at, what, text, by, detail
  FROM (SELECT row_number() OVER (ORDER BY id) AS sequence, at, what, text, by, detail
          FROM timeline
         WHERE order_id = :order_id::uuid) AS entry
 WHERE sequence > :after::bigint
   AND EXISTS (SELECT 1
                 FROM orders
                WHERE id = :order_id
                  AND shop = :shop::text
                  AND (:cart_id::uuid IS NULL OR cart_id = :cart_id))
 ORDER BY sequence
 LIMIT :limit::bigint;

-- name: process_latest :one
SELECT version, statuses, created_at AS since, created_by AS by
  FROM process
 ORDER BY version DESC
 LIMIT 1;

-- name: process_add :one_row
-- Two clerks at once: one of them gets the primary key's conflict and reads again.
INSERT INTO process (version, statuses, created_by)
SELECT max(version) + 1, :statuses::text::json, :created_by::text
  FROM process
HAVING max(version) > 0;

-- name: order_pay_by_passed :many
-- Orders whose money did not come in time. SKIP LOCKED: every copy may look at once.
SELECT id
  FROM orders
 WHERE pay_by < now()
 ORDER BY pay_by
 LIMIT 20
   FOR UPDATE SKIP LOCKED;
