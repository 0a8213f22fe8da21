-- Fulfilment: every statement of the service.
--
-- Lock order, everywhere: stock rows (by sku, warehouse), then holds, then shipments (by id). Whoever will touch stock
-- locks its rows first, with stock_lock.

-- name: stock_lock :many
-- Locks stock in one order, whatever named it: "sku:<sku>", "hold:<checkout id>", "shipment:<id>".
-- unlimited: a batch has at most BATCH_MAX messages of at most 200 lines
SELECT stock.sku
  FROM stock
  JOIN (SELECT s.sku, s.warehouse
          FROM unnest(:keys::text[]) AS k
          JOIN stock s ON s.sku = CASE WHEN k LIKE 'sku:%' THEN substr(k, 5) END
         UNION
        SELECT l.sku, l.warehouse
          FROM unnest(:keys) AS k
          JOIN hold_line l ON l.hold_id = CASE WHEN k LIKE 'hold:%' THEN substr(k, 6)::uuid END
         UNION
        SELECT l.sku, l.warehouse
          FROM unnest(:keys) AS k
          JOIN shipment ON shipment.id = CASE WHEN k LIKE 'shipment:%' THEN substr(k, 10)::uuid END
          JOIN hold_line l ON l.hold_id = shipment.order_id) AS wanted USING (sku, warehouse)
 ORDER BY stock.sku, stock.warehouse
   FOR UPDATE OF stock;

-- name: stock_available :many
-- What sourcing chooses from.
-- unlimited: the lines of one placement, at most 200 SKUs in a handful of warehouses
SELECT s.sku, s.warehouse, s.on_hand - s.held - s.allocated AS available, w.country, w.priority
  FROM stock s
  JOIN warehouse w ON w.code = s.warehouse
 WHERE s.sku = ANY (:skus::text[])
   AND s.shop = :shop::text
 ORDER BY w.priority, s.warehouse, s.sku;

-- name: stock_hold :exec
-- Moves quantities between free, held and allocated. The rows are locked already.
UPDATE stock
   SET held = stock.held + change.held,
       allocated = stock.allocated + change.allocated,
       untold = true,
       updated_at = now()
  FROM (SELECT sku, warehouse, sum(held) AS held, sum(allocated) AS allocated
          FROM unnest(:skus::text[], :warehouses::text[], :held::bigint[], :allocated::bigint[])
               AS c (sku, warehouse, held, allocated)
         GROUP BY sku, warehouse) AS change
 WHERE stock.sku = change.sku
   AND stock.warehouse = change.warehouse;

-- name: stock_ship :exec
-- The goods left: they are neither on hand nor allocated any more.
UPDATE stock
   SET on_hand = stock.on_hand - change.quantity,
       allocated = stock.allocated - change.quantity,
       untold = true,
       updated_at = now()
  FROM (SELECT sku, sum(quantity) AS quantity
          FROM unnest(:skus::text[], :quantities::bigint[]) AS c (sku, quantity)
         GROUP BY sku) AS change
 WHERE stock.sku = change.sku
   AND stock.warehouse = :warehouse::text;

-- name: stock_move_add :exec
INSERT INTO stock_move (sku, warehouse, kind, quantity, cause, by)
SELECT sku, :warehouse::text, :kind::text, sum(quantity), :cause::text, :by::text
  FROM unnest(:skus::text[], :quantities::bigint[]) AS c (sku, quantity)
 GROUP BY sku;

-- name: stock_ensure :exec
-- A SKU that a warehouse never had gets a row, so that there is something to lock.
INSERT INTO stock (sku, warehouse, shop)
SELECT c.sku, c.warehouse, :shop::text
  FROM unnest(:skus::text[], :warehouses::text[]) AS c (sku, warehouse)
 ORDER BY c.sku, c.warehouse
ON CONFLICT (sku, warehouse) DO NOTHING;

-- name: stock_count_moves :exec
-- Books what a count found more or less. The rows are locked already; one that counts what is known books nothing.
INSERT INTO stock_move (sku, warehouse, kind, quantity, cause, by)
SELECT s.sku, s.warehouse, 'counted', c.counted - s.on_hand, :cause::text, :by::text
  FROM unnest(:skus::text[], :warehouses::text[], :counted::bigint[]) AS c (sku, warehouse, counted)
  JOIN stock s ON s.sku = c.sku AND s.warehouse = c.warehouse
 WHERE s.on_hand <> c.counted;

-- name: stock_count_set :exec
UPDATE stock
   SET on_hand = c.counted,
       untold = true,
       updated_at = now()
  FROM unnest(:skus::text[], :warehouses::text[], :counted::bigint[]) AS c (sku, warehouse, counted)
 WHERE stock.sku = c.sku
   AND stock.warehouse = c.warehouse
   AND stock.on_hand <> c.counted;

-- name: stock_show :many
SELECT sku, warehouse, on_hand, held + allocated AS held, on_hand - held - allocated AS available, updated_at
  FROM stock
 WHERE shop = :shop::text
   AND (:sku::text IS NULL OR sku = :sku)
   AND (:warehouse::text IS NULL OR warehouse = :warehouse)
   AND (sku, warehouse) > (coalesce(:after_sku::text, ''), coalesce(:after_warehouse::text, ''))
 ORDER BY sku, warehouse
 LIMIT :limit::bigint;

-- name: stock_take_untold :many
-- Levels to tell; skips rows that somebody is changing, they stay untold.
SELECT sku || '@' || warehouse AS id, sku, warehouse, shop, on_hand, held + allocated AS held,
       on_hand - held - allocated AS available, version
  FROM stock
 WHERE untold
 ORDER BY sku, warehouse
 LIMIT 200
   FOR UPDATE SKIP LOCKED;

-- name: stock_told :exec
UPDATE stock
   SET untold = false, version = version + 1
 WHERE (sku, warehouse) IN (SELECT c.sku, c.warehouse FROM unnest(:skus::text[], :warehouses::text[]) AS c (sku, warehouse));

-- name: warehouses :many
SELECT code
  FROM warehouse
 WHERE shop = :shop::text
 ORDER BY code
 LIMIT 1000;

-- name: hold_lock :maybe
SELECT id, shop, state, placement, dead, reason, version
  FROM hold
 WHERE id = :id::uuid
   FOR UPDATE;

-- name: hold_add :one_row
INSERT INTO hold (id, shop, state, placement, dead, reason, version)
VALUES (:id::uuid, :shop::text, :state::text, :placement::bigint, :dead::bigint, :reason::text, :version::bigint);

-- name: hold_save :one_row
UPDATE hold
   SET state = :state::text,
       placement = :placement::bigint,
       dead = :dead::bigint,
       reason = :reason::text,
       version = :version::bigint,
       updated_at = now()
 WHERE id = :id::uuid;

-- name: hold_lines :many
-- unlimited: a placement has at most 200 lines
SELECT line_id, sku, warehouse, quantity
  FROM hold_line
 WHERE hold_id = :hold_id::uuid
 ORDER BY line_id, warehouse;

-- name: hold_lines_add :exec
INSERT INTO hold_line (hold_id, line_id, sku, warehouse, quantity)
SELECT :hold_id::uuid, line_id, sku, warehouse, quantity
  FROM unnest(:line_ids::uuid[], :skus::text[], :warehouses::text[], :quantities::bigint[])
       AS l (line_id, sku, warehouse, quantity);

-- name: hold_lines_drop :exec
DELETE FROM hold_line
 WHERE hold_id = :hold_id::uuid;

-- name: order_add :exec
INSERT INTO fulfilment_order (id, shop, number, intent, method, capture, total_minor, personal)
VALUES (:id::uuid, :shop::text, :number::text, :intent::bigint, :method::text, :capture::text, :total_minor::bigint, :personal::jsonb)
ON CONFLICT (id) DO NOTHING;

-- name: order_set_hold :exec
UPDATE fulfilment_order
   SET hold_reason = :reason::text
 WHERE id = :id::uuid;

-- name: coverage_put :exec
INSERT INTO coverage (order_id, intent, captured_minor, refunded_minor)
VALUES (:order_id::uuid, :intent::bigint, :captured_minor::bigint, :refunded_minor::bigint)
ON CONFLICT (order_id, intent) DO UPDATE
   SET captured_minor = greatest(coverage.captured_minor, excluded.captured_minor),
       refunded_minor = greatest(coverage.refunded_minor, excluded.refunded_minor);

-- name: shipment_next_number :one
SELECT 'S-' || nextval('shipment_number') AS number;

-- name: shipment_add :one_row
INSERT INTO shipment (id, shop, number, order_id, group_id, warehouse, method, state, lines, quantity, reason, address,
                      latest, version)
VALUES (:id::uuid, :shop::text, :number::text, :order_id::uuid, :group_id::uuid, :warehouse::text, :method::text,
        'planned', :lines::jsonb, :quantity::bigint, :reason::text, :address::jsonb, :latest::text, :version::bigint);

-- name: shipment_lock :maybe
-- With what its release depends on.
SELECT s.id, s.shop, s.number, s.order_id, s.group_id, s.warehouse, s.method, s.state, s.hold_reason, s.lines, s.quantity,
       s.carrier, s.tracking_number, s.tracking_url, s.latest, s.shipped_at, s.delivered_at, s.version,
       o.number AS order_number, o.method AS payment_method, o.capture, o.total_minor, o.hold_reason AS order_hold_reason,
       coalesce((SELECT c.captured_minor - c.refunded_minor
                   FROM coverage c
                  WHERE c.order_id = o.id AND c.intent = o.intent), 0) AS covered_minor
  FROM shipment s
  JOIN fulfilment_order o ON o.id = s.order_id
 WHERE s.id = :id::uuid
   AND (:shop::text IS NULL OR s.shop = :shop)
   FOR UPDATE OF s;

-- name: shipments_lock :many
-- All shipments of an order, in the order of their ids.
-- unlimited: an order has at most a shipment for each line
SELECT s.id, s.shop, s.number, s.order_id, s.group_id, s.warehouse, s.method, s.state, s.hold_reason, s.lines, s.quantity,
       s.carrier, s.tracking_number, s.tracking_url, s.latest, s.shipped_at, s.delivered_at, s.version,
       o.number AS order_number, o.method AS payment_method, o.capture, o.total_minor, o.hold_reason AS order_hold_reason,
       coalesce((SELECT c.captured_minor - c.refunded_minor
                   FROM coverage c
                  WHERE c.order_id = o.id AND c.intent = o.intent), 0) AS covered_minor
  FROM shipment s
  JOIN fulfilment_order o ON o.id = s.order_id
 WHERE s.order_id = :order_id::uuid
 ORDER BY s.id
   FOR UPDATE OF s;

-- name: family_lock :many
-- All shipments of the order that a shipment belongs to: for whoever must know whether it is the last one.
-- unlimited: an order has at most a shipment for each line
SELECT id
  FROM shipment
 WHERE order_id = (SELECT order_id FROM shipment WHERE id = :id::uuid)
 ORDER BY id
   FOR UPDATE;

-- name: shipment_save :one_row
UPDATE shipment
   SET state = :state::text,
       hold_reason = :hold_reason::text,
       carrier = :carrier::text,
       tracking_number = :tracking_number::text,
       tracking_url = :tracking_url::text,
       shipped_at = :shipped_at::timestamptz,
       delivered_at = :delivered_at::timestamptz,
       version = :version::bigint,
       updated_at = now()
 WHERE id = :id::uuid
   AND version = :was::bigint;

-- name: shipment_show :maybe
SELECT s.id, s.shop, s.number, s.order_id, s.group_id, s.warehouse, s.method, s.state,
       coalesce(s.hold_reason, o.hold_reason) IS NOT NULL AS held, coalesce(s.hold_reason, o.hold_reason) AS hold_reason,
       s.lines, s.reason, s.address, s.carrier, s.tracking_number, s.tracking_url, s.latest, s.created_at, s.updated_at,
       s.shipped_at, s.delivered_at, s.version,
       o.method = 'cash_on_delivery' OR o.capture = 'deferred' AND o.method = 'card'
           OR coalesce((SELECT c.captured_minor - c.refunded_minor
                          FROM coverage c
                         WHERE c.order_id = o.id AND c.intent = o.intent), 0) >= o.total_minor AS covered
  FROM shipment s
  JOIN fulfilment_order o ON o.id = s.order_id
 WHERE s.id = :id::uuid
   AND s.shop = :shop::text;

-- name: shipment_list :many
SELECT s.id, s.number, s.order_id, s.warehouse, s.method, s.state, s.quantity, s.latest, s.created_at,
       coalesce(s.hold_reason, o.hold_reason) IS NOT NULL AS held,
       o.method = 'cash_on_delivery' OR o.capture = 'deferred' AND o.method = 'card'
           OR coalesce((SELECT c.captured_minor - c.refunded_minor
                          FROM coverage c
                         WHERE c.order_id = o.id AND c.intent = o.intent), 0) >= o.total_minor AS covered
  FROM shipment s
  JOIN fulfilment_order o ON o.id = s.order_id
 WHERE s.shop = :shop::text
   AND (:after::uuid IS NULL OR s.id > :after)
   AND (:state::text IS NULL OR s.state = :state)
   AND (:warehouse::text IS NULL OR s.warehouse = :warehouse)
   AND (:order_id::uuid IS NULL OR s.order_id = :order_id)
 ORDER BY s.id
 LIMIT :limit::bigint;

-- name: report_add :exec
INSERT INTO carrier_report (event_id, tracking_number, kind, at, note)
VALUES (:event_id::text, :tracking_number::text, :kind::text, :at::timestamptz, :note::text)
ON CONFLICT (event_id) DO NOTHING;

-- name: report_take :many
-- The reports of a parcel that were not applied yet, as they happened; marks them applied.
-- unlimited: a carrier sends a handful for each parcel
WITH taken AS (
    UPDATE carrier_report
       SET applied = true
     WHERE tracking_number = :tracking_number::text
       AND NOT applied
    RETURNING event_id, kind, at, note
)
SELECT event_id, kind, at, note
  FROM taken
 ORDER BY kind = 'delivered', at, event_id;

-- name: shipment_by_tracking :maybe
SELECT id
  FROM shipment
 WHERE tracking_number = :tracking_number::text
   AND shop = :shop::text;

-- name: paper_read :maybe
-- What the picklist and the packing slip print.
SELECT s.number, o.number AS order_number, w.name AS warehouse, s.method, s.state, s.lines, s.address, s.latest
  FROM shipment s
  JOIN fulfilment_order o ON o.id = s.order_id
  JOIN warehouse w ON w.code = s.warehouse
 WHERE s.id = :id::uuid
   AND s.shop = :shop::text;
