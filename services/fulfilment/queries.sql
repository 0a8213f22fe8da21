-- Fulfilment: every statement of the service.
--
-- Lock order, everywhere: holds (by id), then stock rows (by sku, warehouse), then shipments (by id). Whoever will touch
-- stock locks its rows first, in one statement. What writes a row that was locked and read needs no :one_row.

-- name: holds_lock :many
-- The holds of a batch, in the order of their ids.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT id, shop, state, placement, dead, reason, allocations, version
  FROM hold
 WHERE id = ANY (:keys::text[]::uuid[])
 ORDER BY id
   FOR UPDATE;

-- name: stock_lock :many
-- Locks the stock of SKUs in one order, whatever named them: "sku:<sku>", or "hold:<checkout id>" for what it has taken.
-- unlimited: a batch has at most BATCH_MAX messages of at most 200 lines
SELECT sku
  FROM stock
 WHERE sku = ANY (ARRAY(SELECT substr(k, 5)
                          FROM unnest(:keys::text[]) AS k
                         WHERE k LIKE 'sku:%'
                         UNION ALL
                        SELECT a ->> 'sku'
                          FROM unnest(:keys) AS k
                          JOIN hold ON hold.id = CASE WHEN k LIKE 'hold:%' THEN substr(k, 6)::uuid END,
                               json_array_elements(hold.allocations) a))
 ORDER BY sku, warehouse
   FOR UPDATE;

-- name: stock_lock_of_shipment :exec
-- Which SKUs a shipment sends, and from where, never changes.
SELECT sku
  FROM stock
 WHERE warehouse = (SELECT warehouse FROM shipment WHERE id = :id::uuid)
   AND sku = ANY (ARRAY(SELECT l ->> 'sku' FROM shipment, json_array_elements(lines) l WHERE id = :id))
 ORDER BY sku
   FOR UPDATE;

-- name: stock_hold :exec
-- Moves quantities between free, held and allocated: +1, 0 or -1 times each. The rows are locked already, and each is
-- named once. What goes from held to allocated changes nothing that is told.
UPDATE stock
   SET held = stock.held + :held::bigint * change.quantity,
       allocated = stock.allocated + :allocated::bigint * change.quantity,
       untold_since = CASE WHEN :held + :allocated = 0 THEN stock.untold_since
                           ELSE coalesce(stock.untold_since, now()) END,
       updated_at = now()
  FROM unnest(:skus::text[], :warehouses::text[], :quantities::bigint[]) AS change (sku, warehouse, quantity)
 WHERE stock.sku = change.sku
   AND stock.warehouse = change.warehouse;

-- name: stock_ship :exec
-- The goods left: they are neither on hand nor allocated any more.
UPDATE stock
   SET on_hand = stock.on_hand - change.quantity,
       allocated = stock.allocated - change.quantity,
       untold_since = coalesce(stock.untold_since, now()),
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
       untold_since = coalesce(stock.untold_since, now()),
       updated_at = now()
  FROM unnest(:skus::text[], :warehouses::text[], :counted::bigint[]) AS c (sku, warehouse, counted)
 WHERE stock.sku = c.sku
   AND stock.warehouse = c.warehouse
   AND stock.on_hand <> c.counted;

-- name: stock_show :many
-- plan: each time
SELECT sku, warehouse, on_hand, held + allocated AS held, on_hand - held - allocated AS available, updated_at
  FROM stock
 WHERE shop = :shop::text
   AND (:sku::text IS NULL OR sku = :sku)
   AND (:warehouse::text IS NULL OR warehouse = :warehouse)
   AND (sku, warehouse) > (coalesce(:after_sku::text, ''), coalesce(:after_warehouse::text, ''))
 ORDER BY sku, warehouse
 LIMIT :limit::bigint;

-- name: stock_tell :many
-- Takes levels to tell: those that changed a second ago or longer, so each is told at most once per second; and at once
-- those that are sold out, or back, since they were last told. Skips rows that somebody is changing; they stay untold.
WITH due AS MATERIALIZED (
    SELECT sku, warehouse
      FROM stock
     WHERE untold_since IS NOT NULL
       AND (untold_since <= now() - interval '1 second'
            OR (on_hand - held - allocated > 0) <> (told_available > 0))
     ORDER BY sku, warehouse
     LIMIT 200
       FOR UPDATE SKIP LOCKED)
UPDATE stock
   SET untold_since = NULL,
       told_available = on_hand - held - allocated,
       version = version + 1
  FROM due
 WHERE stock.sku = due.sku
   AND stock.warehouse = due.warehouse
RETURNING stock.sku || '@' || stock.warehouse AS id, stock.sku, stock.warehouse, shop, on_hand, held + allocated AS held,
          told_available AS available, version;

-- name: warehouses :many
SELECT code
  FROM warehouse
 WHERE shop = :shop::text
 ORDER BY code
 LIMIT 1000;

-- name: stock_offers :many
-- What sourcing chooses from, by SKU.
-- unlimited: a batch has at most BATCH_MAX messages of at most 200 lines
SELECT s.sku AS id,
       json_agg(json_build_object('sku', s.sku, 'warehouse', s.warehouse, 'shop', s.shop,
                                  'available', s.on_hand - s.held - s.allocated, 'country', w.country,
                                  'priority', w.priority)) AS offers
  FROM stock s
  JOIN warehouse w ON w.code = s.warehouse
 WHERE s.sku = ANY (:keys::text[])
 GROUP BY s.sku;

-- name: hold_add :exec
INSERT INTO hold (id, shop, state, placement, dead, reason, allocations, version)
VALUES (:id::uuid, :shop::text, :state::text, :placement::bigint, :dead::bigint, :reason::text, :allocations::text::json,
        :version::bigint);

-- name: hold_save :exec
UPDATE hold
   SET state = :state::text,
       placement = :placement::bigint,
       dead = :dead::bigint,
       reason = :reason::text,
       allocations = :allocations::text::json,
       version = :version::bigint,
       updated_at = now()
 WHERE id = :id::uuid;

-- name: order_add :exec
INSERT INTO fulfilment_order (id, shop, number, intent, method, capture, total_minor)
VALUES (:id::uuid, :shop::text, :number::text, :intent::bigint, :method::text, :capture::text, :total_minor::bigint)
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

-- name: shipment_numbers :many
-- A fresh number for the first shipment of each order.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT asked.id, 'S-' || nextval('shipment_number') AS number
  FROM unnest(:keys::text[]) AS asked (id);

-- name: shipment_add :exec
INSERT INTO shipment (id, shop, number, order_id, group_id, warehouse, method, state, lines, quantity, reason, address,
                      latest, version)
VALUES (:id::uuid, :shop::text, :number::text, :order_id::uuid, :group_id::uuid, :warehouse::text, :method::text,
        'planned', :lines::text::json, :quantity::bigint, :reason::text, :address::text::json, :latest::text, :version::bigint);

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

-- name: shipment_save :exec
-- The version guards it, which is null, and refused, if somebody came between.
UPDATE shipment
   SET state = :state::text,
       hold_reason = :hold_reason::text,
       carrier = :carrier::text,
       tracking_number = :tracking_number::text,
       tracking_url = :tracking_url::text,
       shipped_at = :shipped_at::timestamptz,
       delivered_at = :delivered_at::timestamptz,
       version = CASE version WHEN :was::bigint THEN :version::bigint END,
       updated_at = now()
 WHERE id = :id::uuid;

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
-- plan: each time
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
