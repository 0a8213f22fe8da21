-- The catalogue: every statement of the service.

-- name: products_show :many
SELECT id, code, title, description, tax_class, active, variants
  FROM product
 WHERE shop = :shop::text
   AND active
   AND code > coalesce(:after::text, '')
 ORDER BY code
 LIMIT :limit::bigint;

-- name: product_show :maybe
SELECT id, code, title, description, tax_class, active, variants
  FROM product
 WHERE shop = :shop::text
   AND code = :code::text
   AND active;

-- name: products_lock :many
-- Those of an import's rows that are there already, in the order of their codes.
-- unlimited: at most a product for each row of a chunk
SELECT id, shop, code, title, description, tax_class, active, variants, version
  FROM product
 WHERE shop = :shop::text
   AND code = ANY (:codes::text[])
 ORDER BY code
   FOR UPDATE;

-- name: sku_owners :many
-- unlimited: at most a SKU for each row of a chunk
SELECT s.sku, p.code
  FROM sku s
  JOIN product p ON p.id = s.product_id
 WHERE s.shop = :shop::text
   AND s.sku = ANY (:skus::text[]);

-- name: tax_classes :many
SELECT code
  FROM tax_class
 ORDER BY code
 LIMIT 100;

-- name: products_put :exec
-- Those that an import changed, new or not; those that are there were locked before.
INSERT INTO product (id, shop, code, title, description, tax_class, active, variants, version)
SELECT p.id, :shop::text, p.code, p.title, p.description, p.tax_class, p.active <> 0, p.variants::jsonb, p.version
  FROM unnest(:ids::uuid[], :codes::text[], :titles::text[], :descriptions::text[], :tax_classes::text[],
              :actives::bigint[], :variants::text[], :versions::bigint[])
       AS p (id, code, title, description, tax_class, active, variants, version)
ON CONFLICT (id) DO UPDATE
   SET title = excluded.title,
       description = excluded.description,
       tax_class = excluded.tax_class,
       active = excluded.active,
       variants = excluded.variants,
       version = excluded.version,
       updated_at = now();

-- name: skus_put :exec
INSERT INTO sku (shop, sku, product_id)
SELECT :shop::text, s.sku, s.product_id
  FROM unnest(:skus::text[], :product_ids::uuid[]) AS s (sku, product_id)
ON CONFLICT (shop, sku) DO NOTHING;
