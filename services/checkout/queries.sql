-- Checkouts: every statement of the service. tools/sqlgen.py turns each into a typed query (common/query.h).

-- name: checkout_insert :exec
-- There is one checkout for a cart. Of two openings at once one inserts; both lock the row next.
INSERT INTO checkout (id, shop, cart_id, cart_version, channel, locale, currency, group_id, lines, totals)
VALUES (:id::uuid, :shop::text, :cart_id::uuid, :cart_version::bigint, :channel::text, :locale::text, :currency::text,
        :group_id::uuid, :lines::jsonb, :totals::jsonb)
    ON CONFLICT (shop, cart_id) DO NOTHING;

-- name: checkout_lock :maybe
-- For a shopper's command, with what the shop offers for it. `id` is null when the cart is all that is known; `country`
-- and `currency` are null unless the command changes them; `key` finds an earlier placement that was asked under it.
SELECT c.id, c.shop, c.cart_id, c.cart_version, c.channel, c.locale, c.currency, c.group_id, c.state, c.placement,
       c.intent, c.tries, c.winning_intent, c.cart_locked, c.stock_held, c.deadline, c.deadline_max, c.key,
       c.fingerprint, c.reason, c.decline_code, c.redirect_url, c.differences, c.shortages, c.delivery_method, c.method,
       c.capture, c.return_url, c.personal, c.lines, c.groups, c.totals, c.rules, c.number, c.version, now() AS now,
       offers(c.shop, coalesce(:currency::text, c.currency),
              coalesce(:country::text, c.personal->'shipping'->>'country')) AS offers,
       (SELECT jsonb_strip_nulls(jsonb_build_object(
                   'placement', p.placement, 'fingerprint', p.fingerprint, 'reason', p.reason,
                   'decline_code', p.decline_code, 'differences', p.differences, 'shortages', p.shortages))
          FROM placement p
         WHERE p.checkout_id = c.id
           AND p.key = :key::text) AS earlier
  FROM checkout c
 WHERE c.shop = :shop::text
   AND c.cart_id = :cart_id::uuid
   AND (:id::uuid IS NULL OR c.id = :id)
   FOR UPDATE;

-- name: checkout_show :maybe
-- The same to look at, without a lock.
SELECT c.id, c.shop, c.cart_id, c.cart_version, c.channel, c.locale, c.currency, c.group_id, c.state, c.placement,
       c.intent, c.tries, c.winning_intent, c.cart_locked, c.stock_held, c.deadline, c.deadline_max, c.key,
       c.fingerprint, c.reason, c.decline_code, c.redirect_url, c.differences, c.shortages, c.delivery_method, c.method,
       c.capture, c.return_url, c.personal, c.lines, c.groups, c.totals, c.rules, c.number, c.version, now() AS now,
       offers(c.shop, c.currency, c.personal->'shipping'->>'country') AS offers
  FROM checkout c
 WHERE c.shop = :shop::text
   AND c.cart_id = :cart_id::uuid
   AND c.id = :id::uuid;

-- name: checkout_lock_by_id :maybe
-- For events and deadlines: the placement goes on with what was frozen when it was placed.
SELECT id, shop, cart_id, cart_version, channel, locale, currency, group_id, state, placement, intent, tries,
       winning_intent, cart_locked, stock_held, deadline, deadline_max, key, fingerprint, reason, decline_code,
       redirect_url, differences, shortages, delivery_method, method, capture, return_url, personal, lines, groups,
       totals, rules, number, version, now() AS now
  FROM checkout
 WHERE id = :id::uuid
   FOR UPDATE;

-- name: checkouts_lock :many
-- Locks the checkouts of a batch, in the order of their ids, before any of its handlers runs.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT id
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

-- name: checkout_save :one_row
-- The only statement that moves a checkout: whoever holds the lock writes what it decided, and nobody came between.
UPDATE checkout
   SET state = :state::text,
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
       differences = :differences::jsonb,
       shortages = :shortages::jsonb,
       method = :method::text,
       capture = :capture::text,
       return_url = :return_url::text,
       number = :number::text,
       version = :version::bigint,
       updated_at = now()
 WHERE id = :id::uuid
   AND version = :was::bigint;

-- name: checkout_save_content :one_row
-- What is bought, where it goes, and what it costs. Apart from checkout_save, so that a move does not write it again.
UPDATE checkout
   SET cart_version = :cart_version::bigint,
       channel = :channel::text,
       locale = :locale::text,
       currency = :currency::text,
       delivery_method = :delivery_method::text,
       method = :method::text,
       capture = :capture::text,
       return_url = :return_url::text,
       personal = :personal::jsonb,
       lines = :lines::jsonb,
       groups = :groups::jsonb,
       totals = :totals::jsonb,
       rules = :rules::jsonb,
       updated_at = now()
 WHERE id = :id::uuid
   AND version = :was::bigint;

-- name: placement_add :one_row
INSERT INTO placement (checkout_id, placement, key, fingerprint)
VALUES (:checkout_id::uuid, :placement::bigint, :key::text, :fingerprint::text);

-- name: placement_end :one_row
UPDATE placement
   SET reason = :reason::text,
       decline_code = :decline_code::text,
       differences = :differences::jsonb,
       shortages = :shortages::jsonb,
       ended_at = now()
 WHERE checkout_id = :checkout_id::uuid
   AND placement = :placement::bigint
   AND ended_at IS NULL;
