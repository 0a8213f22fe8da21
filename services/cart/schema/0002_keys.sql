-- The Idempotency-Key that a cart was created under. The answer to it is made anew, since it holds the cart's token, which
-- is stored nowhere.

ALTER TABLE cart ADD COLUMN key text;
ALTER TABLE cart ADD COLUMN fingerprint text;
ALTER TABLE cart ADD CONSTRAINT cart_key_has_fingerprint CHECK ((key IS NULL) = (fingerprint IS NULL));
CREATE UNIQUE INDEX cart_key_once ON cart (shop, key) WHERE key IS NOT NULL;
