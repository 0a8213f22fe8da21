-- Carts: every statement of the service.
--
-- A cart is locked by one statement and read by the next, in one round trip: a statement that waited for the lock would
-- read the lines as they were before the wait. What writes a cart that was locked and read needs no :one_row; the version
-- guards it, which is null, and refused, if somebody came between after all.

-- name: cart_lock :exec
SELECT id
  FROM cart
 WHERE id = :id::uuid
   FOR UPDATE;

-- name: carts_lock :many
-- The carts of a batch, in the order of their ids.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT id
  FROM cart
 WHERE id = ANY (:keys::text[]::uuid[])
 ORDER BY id
   FOR UPDATE;

-- name: cart_read :maybe
-- The cart, its lines with what they cost now, and, when a SKU is asked for, its offer.
SELECT c.id, c.shop, c.state, c.channel, c.locale, c.currency, c.checkout_id, c.placement, c.dead, c.version, c.created_at,
       c.updated_at,
       (SELECT coalesce(json_agg(json_build_object(
                   'line_id', l.line_id, 'sku', l.sku, 'title', coalesce(o.title, l.title), 'quantity', l.quantity,
                   'shown_minor', l.shown_minor, 'price_minor', coalesce(o.price_minor, l.shown_minor),
                   'tax_class', coalesce(o.tax_class, 'standard'), 'is_sold', coalesce(o.active, false)) ORDER BY l.line_id), '[]')
          FROM cart_line l
          LEFT JOIN offer o ON o.shop = c.shop AND o.sku = l.sku AND o.currency = c.currency
         WHERE l.cart_id = c.id) AS lines,
       (SELECT json_build_object('sku', o.sku, 'title', o.title, 'tax_class', o.tax_class, 'price_minor', o.price_minor,
                                 'active', o.active)
          FROM offer o
         WHERE o.shop = c.shop
           AND o.sku = :sku::text
           AND o.currency = c.currency) AS offer
  FROM cart c
 WHERE c.id = :id::uuid
   AND c.shop = :shop::text;

-- name: cart_read_head :maybe
-- The cart without its lines: for what they don't matter to.
SELECT id, shop, state, channel, locale, currency, checkout_id, placement, dead, version, created_at, updated_at
  FROM cart
 WHERE id = :id::uuid
   AND shop = :shop::text;

-- name: currency_is_sold :maybe
SELECT currency
  FROM offer
 WHERE shop = :shop::text
   AND currency = :currency::text
   AND active
 LIMIT 1;

-- name: cart_by_key :maybe
SELECT id, shop, channel, locale, currency, fingerprint, created_at
  FROM cart
 WHERE shop = :shop::text
   AND key = :key::text;

-- name: cart_add :exec
INSERT INTO cart (id, shop, state, channel, locale, currency, expires_at, version, key, fingerprint, created_at, updated_at)
VALUES (:id::uuid, :shop::text, 'open', :channel::text, :locale::text, :currency::text,
        now() + (:ttl_s::bigint + :ttl_s / 16) * interval '1 second', :version::bigint, :key::text, :fingerprint::text,
        coalesce(:created_at::timestamptz, now()), coalesce(:created_at, now()));

-- name: cart_save :exec
-- An untouched cart lives for its TTL and at most a sixteenth longer: so a touch mostly moves no index entry.
UPDATE cart
   SET state = :state::text,
       checkout_id = :checkout_id::uuid,
       placement = :placement::bigint,
       dead = :dead::bigint,
       expires_at = CASE WHEN :state <> 'open' THEN NULL
                         WHEN expires_at >= now() + :ttl_s::bigint * interval '1 second' THEN expires_at
                         ELSE now() + (:ttl_s + :ttl_s / 16) * interval '1 second' END,
       version = CASE version WHEN :was::bigint THEN :version::bigint END,
       updated_at = now()
 WHERE id = :id::uuid;

-- name: line_put :exec
INSERT INTO cart_line (cart_id, line_id, sku, title, quantity, shown_minor)
VALUES (:cart_id::uuid, :line_id::uuid, :sku::text, :title::text, :quantity::bigint, :shown_minor::bigint)
ON CONFLICT (cart_id, sku) DO UPDATE
   SET quantity = excluded.quantity,
       shown_minor = excluded.shown_minor;

-- name: line_drop :one_row
DELETE FROM cart_line
 WHERE cart_id = :cart_id::uuid
   AND sku = :sku::text;

-- name: lines_set_shown :exec
-- The shopper has seen these prices now.
UPDATE cart_line l
   SET shown_minor = o.price_minor
  FROM cart c, offer o
 WHERE c.id = :cart_id::uuid
   AND l.cart_id = c.id
   AND o.shop = c.shop
   AND o.sku = l.sku
   AND o.currency = c.currency
   AND l.shown_minor <> o.price_minor;

-- name: cart_search :many
-- plan: each time
SELECT c.id, c.state, c.channel, c.locale, c.currency, c.created_at, c.updated_at,
       coalesce(sum(l.quantity), 0)::bigint AS quantity, coalesce(sum(l.quantity * l.shown_minor), 0)::bigint AS subtotal_minor
  FROM cart c
  LEFT JOIN cart_line l ON l.cart_id = c.id
 WHERE c.shop = :shop::text
   AND (:after::uuid IS NULL OR c.id < :after)
   AND (:state::text IS NULL OR c.state = :state)
 GROUP BY c.id
 ORDER BY c.id DESC
 LIMIT :limit::bigint;

-- name: cart_take_expired :many
SELECT id, shop
  FROM cart
 WHERE expires_at < now()
 ORDER BY expires_at
 LIMIT 50
   FOR UPDATE SKIP LOCKED;

-- name: offers_drop :exec
DELETE FROM offer
 WHERE product_id = :product_id::uuid;

-- name: offer_put :exec
INSERT INTO offer (shop, sku, currency, product_id, title, tax_class, price_minor, active)
SELECT :shop::text, o.sku, o.currency, :product_id::uuid, o.title, :tax_class::text, o.price_minor, o.active = 1
  FROM unnest(:skus::text[], :currencies::text[], :titles::text[], :prices::bigint[], :actives::bigint[])
       AS o (sku, currency, title, price_minor, active)
ON CONFLICT (shop, sku, currency) DO UPDATE
   SET product_id = excluded.product_id,
       title = excluded.title,
       tax_class = excluded.tax_class,
       price_minor = excluded.price_minor,
       active = excluded.active,
       updated_at = now();
