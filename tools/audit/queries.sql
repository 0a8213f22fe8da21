-- What waybill-audit asks. Each statement stands for one service's schema and gives rows of (subject, detail): offenders
-- for a check of one service, facts to be compared for a check of two. Lists of facts are complete on purpose, and sorted by
-- who compares them.

-- ===== every service =====

-- name: outbox_waiting :many
SELECT topic || ' ' || key AS subject, 'event ' || type || ' is not published' AS detail
  FROM outbox
 WHERE created_at < now() - :age_s::bigint * interval '1 second'
 ORDER BY id
 LIMIT 100;

-- name: messages_aside :many
SELECT topic || ' ' || key AS subject, state || ': ' || reason AS detail
  FROM set_aside
 WHERE created_at < now() - :age_s::bigint * interval '1 second'
 ORDER BY id
 LIMIT 100;

-- name: tasks_due :many
SELECT kind || ' ' || subject AS subject, 'attempt ' || attempt || ': ' || why AS detail
  FROM task
 WHERE state IN ('due', 'running')
   AND due_at < now() - :age_s::bigint * interval '1 second'
 ORDER BY due_at
 LIMIT 100;

-- name: versions_with_holes :many
-- What was told of an aggregate is 1, 2, 3 ... as far back as the history goes.
SELECT topic || ' ' || key AS subject,
       'versions ' || min(sequence) || ' to ' || max(sequence) || ', ' || count(DISTINCT sequence) || ' of them' AS detail
  FROM (SELECT topic, key, sequence FROM outbox WHERE topic NOT LIKE '%.snapshot'
         UNION ALL
        SELECT topic, key, sequence FROM outbox_history WHERE topic NOT LIKE '%.snapshot') AS told
 GROUP BY topic, key
HAVING count(DISTINCT sequence) <> max(sequence) - min(sequence) + 1 OR min(sequence) <> 1
 ORDER BY topic, key
 LIMIT 100;

-- name: versions_told :many
-- unlimited: facts to be compared with what listeners have handled
SELECT topic || ' ' || key AS subject, max(sequence)::text AS detail
  FROM (SELECT topic, key, sequence FROM outbox
         UNION ALL
        SELECT topic, key, sequence FROM outbox_history) AS told
 WHERE topic = :topic::text
 GROUP BY topic, key;

-- name: versions_handled :many
-- unlimited: facts to be compared with what was told
SELECT topic || ' ' || key AS subject, sequence::text AS detail
  FROM handled
 WHERE topic = :topic::text;

-- ===== cart =====

-- name: carts_locked :many
-- unlimited: facts
SELECT id::text AS subject, checkout_id || ' ' || placement AS detail
  FROM cart
 WHERE state = 'locked';

-- name: carts_ordered :many
-- unlimited: facts
SELECT id::text AS subject, checkout_id::text AS detail
  FROM cart
 WHERE state = 'ordered';

-- ===== checkout =====

-- name: checkouts_with_cart_locked :many
-- unlimited: facts
SELECT cart_id::text AS subject, id || ' ' || placement AS detail
  FROM checkout
 WHERE cart_locked
   AND state NOT IN ('open', 'failed', 'completed');

-- name: checkouts_completed_by_cart :many
-- unlimited: facts
SELECT cart_id::text AS subject, id::text AS detail
  FROM checkout
 WHERE state = 'completed';

-- name: checkouts_completed :many
-- unlimited: facts
SELECT id::text AS subject,
       (totals -> 'total' ->> 'amount') || ' ' || (totals -> 'total' ->> 'currency') || ' intent ' || winning_intent
           || ' number ' || coalesce(number, '-') AS detail
  FROM checkout
 WHERE state = 'completed';

-- name: checkouts_with_stock_held :many
-- unlimited: facts
SELECT id::text AS subject, placement::text AS detail
  FROM checkout
 WHERE stock_held
   AND state NOT IN ('open', 'failed', 'completed');

-- name: checkouts_past_deadline :many
SELECT id::text AS subject, state || ' since ' || updated_at AS detail
  FROM checkout
 WHERE deadline < now() - :age_s::bigint * interval '1 second'
 ORDER BY deadline
 LIMIT 100;

-- ===== order =====

-- name: orders_placed :many
-- unlimited: facts
SELECT id::text AS subject,
       (totals -> 'total' ->> 'amount') || ' ' || (totals -> 'total' ->> 'currency') || ' intent ' || intent
           || ' number ' || number AS detail
  FROM orders;

-- name: orders_adding_up :many
-- The parts of an order add up to its total.
SELECT id::text AS subject, 'lines, delivery and tax do not make the total' AS detail
  FROM orders
 WHERE (totals -> 'total' ->> 'amount')::bigint
       <> (SELECT coalesce(sum((l -> 'total' ->> 'amount')::bigint), 0) FROM jsonb_array_elements(lines) l)
          + (totals -> 'delivery' ->> 'amount')::bigint
          + CASE WHEN (totals ->> 'tax_included')::boolean THEN 0 ELSE (totals -> 'tax' ->> 'amount')::bigint END
 ORDER BY subject
 LIMIT 100;

-- name: orders_open_lines :many
-- unlimited: facts: what is still owed to customers, by SKU
SELECT sku AS subject, sum(quantity)::text AS detail
  FROM (SELECT l ->> 'sku' AS sku, (l ->> 'quantity')::bigint AS quantity
          FROM orders, jsonb_array_elements(lines) l
         WHERE kernel <> 'cancelled'
         UNION ALL
        SELECT l ->> 'sku', -(l ->> 'quantity')::bigint
          FROM order_shipment s
          JOIN orders o ON o.id = s.order_id AND o.kernel <> 'cancelled',
               jsonb_array_elements(s.lines) l
         WHERE s.state IN ('shipped', 'in_transit', 'delivered')) AS owed
 GROUP BY sku
HAVING sum(quantity) <> 0;

-- name: orders_by_kernel :many
-- unlimited: facts
SELECT id::text AS subject,
       CASE WHEN kernel = 'cancelled' THEN 'cancelled' ELSE 'open or done' END AS detail
  FROM orders
 WHERE kernel <> 'cancelling';

-- name: orders_to_confirm :many
-- unlimited: facts: every order is confirmed to its customer and told to the merchant
SELECT id || ' ' || template AS subject, '1' AS detail
  FROM orders, (VALUES ('order_confirmation'), ('order_to_merchant')) AS t (template);

-- name: shipments_as_heard :many
-- unlimited: facts
SELECT id::text AS subject, CASE state WHEN 'in_transit' THEN 'shipped' ELSE state END AS detail
  FROM order_shipment;

-- name: orders_with_payment :many
-- unlimited: facts
SELECT o.id || ' ' || (p ->> 'intent') AS subject,
       'captured ' || (p -> 'captured' ->> 'amount') || ' refunded ' || (p -> 'refunded' ->> 'amount') AS detail
  FROM orders o, jsonb_array_elements(o.payments) p;

-- ===== fulfilment =====

-- name: stock_against_moves :many
SELECT s.sku || '@' || s.warehouse AS subject,
       'on hand ' || s.on_hand || ', moves add up to ' || coalesce(sum(m.quantity), 0) AS detail
  FROM stock s
  LEFT JOIN stock_move m ON m.sku = s.sku AND m.warehouse = s.warehouse
 GROUP BY s.sku, s.warehouse
HAVING s.on_hand <> coalesce(sum(m.quantity), 0)
 ORDER BY subject
 LIMIT 100;

-- name: stock_against_claims :many
SELECT s.sku || '@' || s.warehouse AS subject,
       'held ' || s.held || ' and allocated ' || s.allocated || ', but claimed ' || coalesce(h.quantity, 0)
           || ' and in open shipments ' || coalesce(a.quantity, 0) AS detail
  FROM stock s
  LEFT JOIN (SELECT l.sku, l.warehouse, sum(l.quantity) AS quantity
               FROM hold_line l
               JOIN hold h ON h.id = l.hold_id AND h.state = 'held'
              GROUP BY l.sku, l.warehouse) AS h ON h.sku = s.sku AND h.warehouse = s.warehouse
  LEFT JOIN (SELECT l ->> 'sku' AS sku, warehouse, sum((l ->> 'quantity')::bigint) AS quantity
               FROM shipment, jsonb_array_elements(lines) l
              WHERE state IN ('planned', 'released', 'picked', 'packed')
              GROUP BY l ->> 'sku', warehouse) AS a ON a.sku = s.sku AND a.warehouse = s.warehouse
 WHERE s.held <> coalesce(h.quantity, 0)
    OR s.allocated <> coalesce(a.quantity, 0)
 ORDER BY subject
 LIMIT 100;

-- name: holds_held :many
-- unlimited: facts
SELECT id::text AS subject, placement::text AS detail
  FROM hold
 WHERE state = 'held';

-- name: stock_allocated :many
-- unlimited: facts
SELECT sku AS subject, sum(allocated)::text AS detail
  FROM stock
 GROUP BY sku
HAVING sum(allocated) <> 0;

-- name: shipments_as_they_are :many
-- unlimited: facts
SELECT id::text AS subject, CASE state WHEN 'in_transit' THEN 'shipped' ELSE state END AS detail
  FROM shipment;

-- name: orders_by_shipments :many
-- unlimited: facts: an order is cancelled exactly when all of its shipments are stopped
SELECT order_id::text AS subject, CASE WHEN bool_and(state = 'stopped') THEN 'cancelled' ELSE 'open or done' END AS detail
  FROM shipment
 GROUP BY order_id;

-- ===== notification =====

-- name: notifications_sent :many
-- unlimited: facts
SELECT subject_id || ' ' || template AS subject, count(*)::text AS detail
  FROM notification
 WHERE template IN ('order_confirmation', 'order_to_merchant')
   AND state = 'sent'
 GROUP BY subject_id, template;
