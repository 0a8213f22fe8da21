-- Carts: every statement of the service.
--
-- A statement that waited for a cart's lock reads its row as it is then, and everything else as it was before the wait.
-- So the lines stand in the row, and one statement locks and reads a cart; which offers it asks for follows from the lines
-- after the wait, and what they say may be a moment old, as any price that a shopper sees. What writes a cart that was
-- locked and read needs no :one_row; the version guards it, which is null, and refused, if somebody came between after all.

-- name: cart_lock :maybe
-- The cart under its lock, with what is offered of the SKUs on its lines and of the one that is asked for.
SELECT c.id, c.shop, c.state, c.channel, c.locale, c.currency, c.checkout_id, c.placement, c.dead, c.version, c.created_at,
       c.updated_at, c.lines,
       (SELECT json_agg(json_build_object('sku', o.sku, 'title', o.title, 'tax_class', o.tax_class,
                                          'price_minor', o.price_minor, 'active', o.active))
          FROM offer o
         WHERE o.shop = c.shop
           AND o.sku = ANY (ARRAY(SELECT l ->> 'sku' FROM json_array_elements(c.lines) l) || :sku::text)
           AND o.currency = c.currency) AS offers
  FROM cart c
 WHERE c.id = :id::uuid
   AND c.shop = :shop::text
   FOR UPDATE;

-- name: carts_lock :many
-- The carts of a batch, in the order of their ids.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT id
  FROM cart
 WHERE id = ANY (:keys::text[]::uuid[])
 ORDER BY id
   FOR UPDATE;

-- name: carts_read :many
-- Carts, priced.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT c.id, c.shop, c.state, c.channel, c.locale, c.currency, c.checkout_id, c.placement, c.dead, c.version, c.created_at,
       c.updated_at, c.lines,
       (SELECT json_agg(json_build_object('sku', o.sku, 'title', o.title, 'tax_class', o.tax_class,
                                          'price_minor', o.price_minor, 'active', o.active))
          FROM offer o
         WHERE o.shop = c.shop
           AND o.sku = ANY (ARRAY(SELECT l ->> 'sku' FROM json_array_elements(c.lines) l))
           AND o.currency = c.currency) AS offers
  FROM cart c
 WHERE c.id = ANY (:keys::text[]::uuid[]);

-- name: sku_offers_read :many
-- What is offered of SKUs, in each currency. Keys are shop and SKU with a unit separator between them.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT k.key AS id,
       json_agg(json_build_object('sku', o.sku, 'title', o.title, 'tax_class', o.tax_class, 'currency', o.currency,
                                  'price_minor', o.price_minor, 'active', o.active)) AS offers
  FROM unnest(:keys::text[]) AS k (key)
  JOIN offer o ON o.shop = split_part(k.key, E'\x1f', 1)
              AND o.sku = split_part(k.key, E'\x1f', 2)
 GROUP BY k.key;

-- name: sold_currencies_read :many
-- Which currencies anything is sold in. Keys are shop and currency with a unit separator between them.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT k.key AS id
  FROM unnest(:keys::text[]) AS k (key)
 WHERE EXISTS (SELECT
                 FROM offer o
                WHERE o.shop = split_part(k.key, E'\x1f', 1)
                  AND o.currency = split_part(k.key, E'\x1f', 2)
                  AND o.active);

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
-- Without :lines they stay. An untouched cart lives for its TTL and at most a sixteenth longer: so a touch mostly moves no
-- index entry.
UPDATE cart
   SET state = :state::text,
       checkout_id = :checkout_id::uuid,
       placement = :placement::bigint,
       dead = :dead::bigint,
       expires_at = CASE WHEN :state <> 'open' THEN NULL
                         WHEN expires_at >= now() + :ttl_s::bigint * interval '1 second' THEN expires_at
                         ELSE now() + (:ttl_s + :ttl_s / 16) * interval '1 second' END,
       version = CASE version WHEN :was::bigint THEN :version::bigint END,
       updated_at = now(),
       lines = coalesce(:lines::text::json, lines)
 WHERE id = :id::uuid;

-- name: cart_save_shown :exec
-- The shopper has seen these prices now: no new version. If somebody changed the lines since they were read, what was seen
-- is told once more.
UPDATE cart
   SET lines = :lines::text::json
 WHERE id = :id::uuid
   AND version = :version::bigint;

-- name: cart_search :many
-- plan: each time
SELECT c.id, c.state, c.channel, c.locale, c.currency, c.created_at, c.updated_at, l.quantity, l.subtotal_minor
  FROM cart c
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(quantity), 0)::bigint AS quantity,
              coalesce(sum(quantity * shown_minor), 0)::bigint AS subtotal_minor
         FROM json_to_recordset(c.lines) AS line (quantity bigint, shown_minor bigint)) l
 WHERE c.shop = :shop::text
   AND (:after::uuid IS NULL OR c.id < :after)
   AND (:state::text IS NULL OR c.state = :state)
 ORDER BY c.id DESC
 LIMIT :limit::bigint;

-- name: cart_take_expired :many
SELECT id, shop
  FROM cart
 WHERE expires_at < now()
 ORDER BY expires_at
 LIMIT 50
   FOR UPDATE SKIP LOCKED;

-- name: offers_replace :exec
WITH offered AS (
    SELECT DISTINCT ON (o.shop, o.sku, o.currency)
           o.shop, o.sku, o.currency, o.product_id, o.title, o.tax_class, o.price_minor, o.active = 1 AS active
      FROM unnest(:shops::text[], :skus::text[], :currencies::text[], :products::uuid[], :titles::text[],
                  :tax_classes::text[], :prices::bigint[], :actives::bigint[])
           WITH ORDINALITY AS o (shop, sku, currency, product_id, title, tax_class, price_minor, active, nth)
     ORDER BY o.shop, o.sku, o.currency, o.nth DESC
), dropped AS (
    DELETE FROM offer
     WHERE product_id = ANY (:product_ids::uuid[])
       AND (shop, sku, currency) NOT IN (SELECT shop, sku, currency FROM offered)
)
INSERT INTO offer (shop, sku, currency, product_id, title, tax_class, price_minor, active)
SELECT shop, sku, currency, product_id, title, tax_class, price_minor, active
  FROM offered
ON CONFLICT (shop, sku, currency) DO UPDATE
   SET product_id = excluded.product_id,
       title = excluded.title,
       tax_class = excluded.tax_class,
       price_minor = excluded.price_minor,
       active = excluded.active,
       updated_at = now();
