-- Carts with their lines, and what the catalogue offers.
--
-- What a single column may hold is a domain's to say: a table's CHECK is read anew for each statement that writes.

CREATE DOMAIN cart_state AS text
    CONSTRAINT cart_state CHECK (VALUE IN ('open', 'locked', 'ordered', 'expired'));

-- `key` is the Idempotency-Key that the cart was created under. The answer to it is made anew, since it holds the cart's
-- token, which is stored nowhere.
--
-- A SKU is one line of `lines`: [{line_id, sku, title, quantity, shown_minor}], in the order in which they were put. The
-- line's id is born here and stays the same in order, shipment and ERP; shown_minor is the unit price that the shopper was
-- shown last.
--
-- What never changes comes first and the lines last: when a cart moves, PostgreSQL logs only what lies between.
CREATE TABLE cart (
    id          uuid        NOT NULL,
    shop        text        NOT NULL,
    channel     text        NOT NULL,
    locale      text        NOT NULL,
    currency    text        NOT NULL,
    key         text,
    fingerprint text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    version     bigint      NOT NULL,
    placement   bigint      NOT NULL DEFAULT 0, -- that locks it, or locked it last
    dead        bigint      NOT NULL DEFAULT 0, -- highest placement that was released
    expires_at  timestamptz,                -- null: never (locked, ordered, expired)
    checkout_id uuid,                       -- that locked it, last or now
    state       cart_state  NOT NULL,
    lines       json        NOT NULL DEFAULT '[]',
    CONSTRAINT cart_pkey PRIMARY KEY (id)
) WITH (fillfactor = 40); -- a cart grows, from 220 bytes to 520 with two lines, and is written about five times
CREATE INDEX cart_expires_at ON cart (expires_at) WHERE expires_at IS NOT NULL;
CREATE UNIQUE INDEX cart_key_once ON cart (shop, key) WHERE key IS NOT NULL;

-- What can be bought, for how much, in which currency: heard from catalog.
CREATE TABLE offer (
    shop        text        NOT NULL,
    sku         text        NOT NULL,
    currency    text        NOT NULL,
    product_id  uuid        NOT NULL,
    title       text        NOT NULL,
    tax_class   text        NOT NULL,
    price_minor bigint      NOT NULL,
    active      boolean     NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT offer_pkey PRIMARY KEY (shop, sku, currency)
);
CREATE INDEX offer_by_product ON offer (product_id);
