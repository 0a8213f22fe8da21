-- Checkouts: every statement of the service. tools/sqlgen.py turns each into a typed query (common/query.h).

-- name: checkouts_of_carts :many
-- Whether carts have a checkout already, and what a new one is priced by.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT k.cart_id AS id, c.id AS checkout_id, now() AS now, (SELECT version FROM offers_version) AS offers_version
  FROM unnest(:keys::text[]) AS k (cart_id)
  LEFT JOIN checkout c ON c.cart_id = k.cart_id::uuid;

-- name: checkout_insert :exec
-- There is one checkout for a cart: of two openings at once one inserts. That it was opened is its first event.
INSERT INTO checkout (id, cart_id, group_id, cart_version, version, shop, channel, locale, currency, lines)
VALUES (:id::uuid, :cart_id::uuid, :group_id::uuid, :cart_version::bigint, 1, :shop::text, :channel::text, :locale::text,
        :currency::text, :lines::text::json);

-- name: checkout_lock :maybe
-- The one of a cart.
SELECT id, shop, cart_id, cart_version, channel, locale, currency, group_id, state, placement, intent, tries,
       winning_intent, cart_locked, stock_held, deadline, deadline_max, key, fingerprint, reason, decline_code,
       redirect_url, differences, shortages, delivery_method, method, capture, return_url, personal, lines, groups,
       totals, rules, number, version, now() AS now, (SELECT version FROM offers_version) AS offers_version
  FROM checkout
 WHERE cart_id = :cart_id::uuid
   AND shop = :shop::text
   FOR UPDATE;

-- name: checkout_show :maybe
-- To look at, without a lock.
SELECT id, shop, cart_id, locale, currency, group_id, state, placement, deadline, delivery_method, method, personal,
       lines, groups, totals, now() AS now, (SELECT version FROM offers_version) AS offers_version
  FROM checkout
 WHERE id = :id::uuid
   AND cart_id = :cart_id::uuid
   AND shop = :shop::text;

-- name: checkout_choose :exec
-- What the shopper chose; what is null stays. Its row is locked.
UPDATE checkout
   SET personal = coalesce(:personal::text::json, personal),
       delivery_method = coalesce(:delivery_method::text, delivery_method),
       method = coalesce(:method::text, method),
       return_url = CASE WHEN :method IS NULL THEN return_url ELSE :return_url::text END,
       updated_at = now()
 WHERE id = :id::uuid;

-- name: placements_show :many
-- How placements go, without what is bought.
-- unlimited: one row for each key
SELECT id, shop, cart_id, locale, currency, state, placement, intent, tries, winning_intent, cart_locked, stock_held,
       deadline, deadline_max, reason, decline_code, redirect_url, differences, shortages, method, capture, return_url,
       totals, number, version, now() AS now
  FROM checkout
 WHERE id = ANY (:keys::text[]::uuid[]);

-- name: checkouts_lock :many
-- Locks the checkouts of a batch, in the order of their ids, before any of its handlers runs, and brings them whole.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT id, shop, cart_id, cart_version, channel, locale, currency, group_id, state, placement, intent, tries,
       winning_intent, cart_locked, stock_held, deadline, deadline_max, key, fingerprint, reason, decline_code,
       redirect_url, differences, shortages, delivery_method, method, capture, return_url, personal, lines, groups,
       totals, rules, number, version, now() AS now, (SELECT version FROM offers_version) AS offers_version
  FROM checkout
 WHERE id = ANY (:keys::text[]::uuid[])
 ORDER BY id
   FOR UPDATE;

-- name: checkouts_due :many
-- Placements whose deadline passed. SKIP LOCKED: every copy may look at once.
SELECT id
  FROM checkout
 WHERE deadline < now()
 ORDER BY deadline
 LIMIT 20
   FOR UPDATE SKIP LOCKED;

-- name: checkout_refresh :exec
-- Another snapshot of the cart. Its row is locked.
UPDATE checkout
   SET cart_version = :cart_version::bigint,
       channel = :channel::text,
       locale = :locale::text,
       currency = :currency::text,
       lines = :lines::text::json,
       updated_at = now()
 WHERE id = :id::uuid;

-- name: checkout_save :exec
-- With checkout_freeze the only statement that moves a checkout: whoever holds the lock writes what it decided. The
-- version guards it, which is null, and refused, if somebody came between after all, if a placement would go on without a
-- deadline or keep one when it is over, or if it were completed without a promise of money or the other way round.
UPDATE checkout
   SET state = :state::text::checkout_state,
       intent = :intent::bigint,
       tries = :tries::bigint,
       winning_intent = nullif(:winning_intent::bigint, 0),
       cart_locked = :cart_locked::boolean,
       stock_held = :stock_held::boolean,
       deadline = :deadline::timestamptz,
       reason = :reason::text,
       decline_code = :decline_code::text,
       redirect_url = :redirect_url::text,
       differences = :differences::text::json,
       shortages = :shortages::text::json,
       method = :method::text,
       capture = :capture::text,
       return_url = :return_url::text,
       number = :number::text,
       version = CASE WHEN version = :was::bigint
                       AND (:deadline IS NULL) = (:state IN ('open', 'failed', 'completed'))
                       AND (:winning_intent > 0) = (:state = 'completed')
                      THEN :version::bigint END,
       updated_at = now()
 WHERE id = :id::uuid;

-- name: checkout_freeze :exec
-- The same with what is bought, for how much, and by which placement.
UPDATE checkout
   SET state = :state::text::checkout_state,
       placement = :placement::bigint,
       intent = :intent::bigint,
       tries = :tries::bigint,
       winning_intent = nullif(:winning_intent::bigint, 0),
       cart_locked = :cart_locked::boolean,
       stock_held = :stock_held::boolean,
       deadline = :deadline::timestamptz,
       deadline_max = :deadline_max::timestamptz,
       key = :key::text,
       fingerprint = :fingerprint::text,
       reason = :reason::text,
       decline_code = :decline_code::text,
       redirect_url = :redirect_url::text,
       differences = :differences::text::json,
       shortages = :shortages::text::json,
       method = :method::text,
       capture = :capture::text,
       return_url = :return_url::text,
       number = :number::text,
       totals = :totals::text::json,
       rules = :rules::text::json,
       groups = :groups::text::json,
       lines = :lines::text::json,
       version = CASE WHEN version = :was::bigint
                       AND (:deadline IS NULL) = (:state IN ('open', 'failed', 'completed'))
                       AND (:winning_intent > 0) = (:state = 'completed')
                      THEN :version::bigint END,
       updated_at = now()
 WHERE id = :id::uuid;

-- name: placement_keep :exec
-- How the last placement ended, before the next one takes its place in the checkout.
INSERT INTO placement (checkout_id, key, placement, fingerprint, reason, decline_code, differences, shortages)
SELECT id, key, placement, fingerprint, reason, decline_code, differences, shortages
  FROM checkout
 WHERE id = :id::uuid;

-- name: placement_kept :maybe
SELECT placement, fingerprint, reason, decline_code, differences, shortages
  FROM placement
 WHERE checkout_id = :checkout_id::uuid
   AND key = :key::text;

-- name: offers_get :one
-- Everything that pricing a checkout needs, and the version of it. Without a country there is no tax, and only what is
-- delivered everywhere is offered.
SELECT (SELECT version FROM offers_version) AS version,
       json_build_object(
           'included', coalesce((SELECT tax_included
                                   FROM price_terms
                                  WHERE shop IN (:shop::text, '*') AND currency = :currency::text
                                  ORDER BY shop = '*'
                                  LIMIT 1), true),
           'rates', (SELECT coalesce(json_agg(json_build_object(
                                'tax_class', rate.tax_class, 'rate_basis_points', rate.rate_basis_points)
                                ORDER BY rate.tax_class), '[]')
                       FROM (SELECT DISTINCT ON (tax_class) tax_class, rate_basis_points
                               FROM tax_rate
                              WHERE shop IN (:shop, '*') AND country IN (:country::text, 'default')
                                AND :country IS NOT NULL
                              ORDER BY tax_class, country = 'default', shop = '*') rate)) AS rules,
       (SELECT coalesce(json_agg(json_build_object(
                   'method', way.method, 'label', way.label, 'price_minor', way.price_minor,
                   'days_min', way.days_min, 'days_max', way.days_max)
                   ORDER BY way.price_minor, way.method), '[]')
          FROM (SELECT DISTINCT ON (method) method, label, price_minor, days_min, days_max, enabled
                  FROM delivery_method
                 WHERE shop IN (:shop, '*') AND currency = :currency AND country IN (:country, '*')
                 ORDER BY method, shop = '*', country = '*') way
         WHERE way.enabled) AS deliveries,
       (SELECT coalesce(json_agg(json_build_object(
                   'method', way.method, 'label', way.label, 'capture', way.capture,
                   'least_minor', way.least_minor, 'most_minor', coalesce(way.most_minor, 0))
                   ORDER BY way.place, way.method), '[]')
          FROM (SELECT DISTINCT ON (method) method, label, capture, place, least_minor, most_minor, enabled
                  FROM payment_method
                 WHERE shop IN (:shop, '*') AND currency = :currency
                 ORDER BY method, shop = '*') way
         WHERE way.enabled) AS payments;
