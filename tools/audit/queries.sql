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
SELECT :topic::text || ' ' || substr(aggregate, length(:topic) + 2) AS subject, sequence::text AS detail
  FROM handled
 WHERE starts_with(aggregate, :topic || '/');

-- ===== cart =====

-- name: cart_lines_wrong :many
SELECT c.id::text AS subject,
       count(*) || ' lines of ' || count(DISTINCT l.sku) || ' SKUs, each of ' || min(l.quantity) || ' to ' || max(l.quantity)
           || ' pieces' AS detail
  FROM cart c, json_to_recordset(c.lines) AS l (sku text, quantity bigint)
 GROUP BY c.id
HAVING count(*) <> count(DISTINCT l.sku)
    OR count(*) > 200
    OR min(l.quantity) < 1
    OR max(l.quantity) > 9999
 ORDER BY c.id
 LIMIT 100;

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
       <> (SELECT coalesce(sum((l -> 'total' ->> 'amount')::bigint), 0) FROM json_array_elements(lines) l)
          + (totals -> 'delivery' ->> 'amount')::bigint
          + CASE WHEN (totals ->> 'tax_included')::boolean THEN 0 ELSE (totals -> 'tax' ->> 'amount')::bigint END
 ORDER BY subject
 LIMIT 100;

-- name: timelines_wrong :many
-- What happened once stands on the timeline once: the placing, and the planning of each shipment.
SELECT o.id::text AS subject,
       t.placed || ' times placed, ' || t.planned || ' shipments planned of ' || s.shipments AS detail
  FROM orders o
 CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE what = 'placed') AS placed,
                            count(*) FILTER (WHERE what = 'shipment_planned') AS planned
                       FROM timeline
                      WHERE order_id = o.id) AS t
 CROSS JOIN LATERAL (SELECT count(*) AS shipments FROM order_shipment WHERE order_id = o.id) AS s
 WHERE t.placed <> 1
    OR t.planned <> s.shipments
 ORDER BY o.id
 LIMIT 100;

-- name: orders_open_lines :many
-- unlimited: facts: what is still owed to customers, by SKU
SELECT sku AS subject, sum(quantity)::text AS detail
  FROM (SELECT l ->> 'sku' AS sku, (l ->> 'quantity')::bigint AS quantity
          FROM orders, json_array_elements(lines) l
         WHERE kernel <> 'cancelled'
         UNION ALL
        SELECT l ->> 'sku', -(l ->> 'quantity')::bigint
          FROM order_shipment s
          JOIN orders o ON o.id = s.order_id AND o.kernel <> 'cancelled',
               json_array_elements(s.lines) l
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
  FROM orders o, json_array_elements(o.payments) p;

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
               FROM shipment, json_array_elements(lines) l
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

-- ===== payment =====

-- name: ledger_out_of_balance :many
SELECT currency AS subject, 'all postings add up to ' || sum(amount) AS detail
  FROM ledger_posting
 GROUP BY currency
HAVING sum(amount) <> 0
 ORDER BY currency
 LIMIT 100;

-- name: ledger_balances_wrong :many
SELECT b.account || ' ' || b.subject AS subject,
       'kept as ' || b.balance || ' ' || b.currency || ', postings add up to ' || coalesce(sum(p.amount), 0) AS detail
  FROM ledger_balance b
  LEFT JOIN ledger_posting p ON p.account = b.account AND p.subject = b.subject AND p.currency = b.currency
 GROUP BY b.account, b.subject, b.currency, b.balance
HAVING b.balance <> coalesce(sum(p.amount), 0)
 ORDER BY subject
 LIMIT 100;

-- name: intents_unsettled :many
-- Nothing is left half-way: no call under way, nothing unknown, nothing on its way back.
SELECT payment_id || ' ' || intent AS subject, state || ', ' || operation || ' under way' AS detail
  FROM intent
 WHERE state IN ('requested', 'unknown', 'capturing', 'closing', 'voiding', 'refunding')
 ORDER BY subject
 LIMIT 100;

-- name: money_without_order :many
SELECT i.payment_id || ' ' || i.intent AS subject,
       i.state || ', kept ' || i.captured_minor - i.refunded_minor || ' ' || i.currency AS detail
  FROM intent i
  JOIN payment p ON p.id = i.payment_id
 WHERE (i.captured_minor > i.refunded_minor OR i.state IN ('authorized', 'captured'))
   AND (p.order_intent <> i.intent OR p.cancelled)
   AND i.state NOT IN ('refunded')
 ORDER BY subject
 LIMIT 100;

-- name: orders_without_money :many
-- A live order's intent holds money, or a promise that its method allows.
SELECT p.id || ' ' || p.order_intent AS subject, coalesce(i.method || ' ' || i.state, 'no intent') AS detail
  FROM payment p
  LEFT JOIN intent i ON i.payment_id = p.id AND i.intent = p.order_intent
 WHERE p.order_intent > 0
   AND NOT p.cancelled
   AND (i.state IS NULL
        OR i.method = 'card' AND i.state NOT IN ('captured') AND NOT (i.capture = 'deferred' AND i.state = 'authorized')
        OR i.method <> 'card' AND i.state NOT IN ('due', 'captured'))
 ORDER BY subject
 LIMIT 100;

-- name: payments_of_orders :many
-- unlimited: facts
SELECT p.id || ' ' || p.order_intent AS subject,
       'captured ' || i.captured_minor || ' refunded ' || i.refunded_minor AS detail
  FROM payment p
  JOIN intent i ON i.payment_id = p.id AND i.intent = p.order_intent
 WHERE p.order_intent > 0;

-- name: payments_by_number :many
-- unlimited: facts
SELECT id::text AS subject, order_number || CASE WHEN cancelled THEN ' cancelled' ELSE '' END AS detail
  FROM payment
 WHERE order_number IS NOT NULL;

-- name: orders_by_number :many
-- unlimited: facts
SELECT id::text AS subject, number || CASE WHEN kernel = 'cancelled' THEN ' cancelled' ELSE '' END AS detail
  FROM orders;

-- name: pages_open :many
-- unlimited: facts: a hosted page is open only for a placement that waits for it
SELECT payment_id::text AS subject, 'intent ' || intent AS detail
  FROM intent
 WHERE state = 'pending';

-- name: checkouts_paying :many
-- unlimited: facts
SELECT id::text AS subject, 'intent ' || intent AS detail
  FROM checkout
 WHERE state = 'action_required';

-- name: money_moved :many
-- unlimited: facts: what came and went through the provider, by intent
SELECT payment_id || ' ' || intent AS subject,
       'captured ' || captured_minor || ' refunded ' || refunded_minor || ' ' || currency AS detail
  FROM intent
 WHERE method = 'card'
   AND captured_minor > 0;

-- name: money_promised :many
-- unlimited: facts: promises of the provider that a live order stands on
SELECT i.payment_id || ' ' || i.intent AS subject, i.amount_minor || ' ' || i.currency AS detail
  FROM intent i
  JOIN payment p ON p.id = i.payment_id
 WHERE i.method = 'card'
   AND i.amount_minor > 0
   AND i.state IN ('authorized', 'capturing')
   AND p.order_intent = i.intent
   AND NOT p.cancelled;

-- ===== the payment provider's sandbox =====
-- Amounts as it has them: in ISO 4217's minor units but for currencies that nothing is sold in.

-- name: psp_money_moved :many
-- unlimited: facts
SELECT s.payment_id || ' ' || (s.intent_metadata ->> 'intent') AS subject,
       'captured ' || sum(c.captured) || ' refunded ' || sum(c.refunded) || ' ' || upper(s.currency) AS detail
  FROM session s
  JOIN intent i ON i.session_id = s.id
  JOIN charge c ON c.intent_id = i.id
 WHERE c.captured > 0
 GROUP BY s.payment_id, s.intent_metadata ->> 'intent', s.currency;

-- name: psp_money_held :many
-- unlimited: facts
SELECT s.payment_id || ' ' || (s.intent_metadata ->> 'intent') AS subject,
       sum(i.capturable) || ' ' || upper(s.currency) AS detail
  FROM session s
  JOIN intent i ON i.session_id = s.id
 WHERE i.capturable > 0
 GROUP BY s.payment_id, s.intent_metadata ->> 'intent', s.currency;

-- name: psp_pages_open :many
-- unlimited: facts: one row a page, so that two pages of one intent are not taken for one
SELECT payment_id AS subject, 'intent ' || (intent_metadata ->> 'intent') AS detail
  FROM session
 WHERE status = 'open'
   AND expires_at > now();
