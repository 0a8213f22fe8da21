-- Carts, their lines, and what the catalogue offers.
--
-- What a single column may hold is a domain's to say: a table's CHECK is read anew for each statement that writes.

CREATE DOMAIN cart_state AS text
    CONSTRAINT cart_state CHECK (VALUE IN ('open', 'locked', 'ordered', 'expired'));
CREATE DOMAIN line_quantity AS bigint
    CONSTRAINT line_quantity CHECK (VALUE BETWEEN 1 AND 9999);

-- `key` is the Idempotency-Key that the cart was created under. The answer to it is made anew, since it holds the cart's
-- token, which is stored nowhere.
CREATE TABLE cart (
    id          uuid        NOT NULL,
    shop        text        NOT NULL,
    state       cart_state  NOT NULL,
    channel     text        NOT NULL,
    locale      text        NOT NULL,
    currency    text        NOT NULL,
    checkout_id uuid,                       -- that locked it, last or now
    placement   bigint      NOT NULL DEFAULT 0, -- that locks it, or locked it last
    dead        bigint      NOT NULL DEFAULT 0, -- highest placement that was released
    expires_at  timestamptz,                -- null: never (locked, ordered, expired)
    version     bigint      NOT NULL,
    key         text,
    fingerprint text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT cart_pkey PRIMARY KEY (id)
) WITH (fillfactor = 60); -- room for the versions of a row: a cart is written about five times
CREATE INDEX cart_expires_at ON cart (expires_at) WHERE expires_at IS NOT NULL;
CREATE UNIQUE INDEX cart_key_once ON cart (shop, key) WHERE key IS NOT NULL;

-- A SKU is one line; its id is born here and stays the same in order, shipment and ERP. No foreign key: a line is only
-- written under its cart's lock, and no cart is ever deleted.
CREATE TABLE cart_line (
    cart_id     uuid          NOT NULL,
    line_id     uuid          NOT NULL,
    sku         text          NOT NULL,
    title       text          NOT NULL,
    quantity    line_quantity NOT NULL,
    shown_minor bigint        NOT NULL, -- the unit price that the shopper was shown last
    created_at  timestamptz   NOT NULL DEFAULT now(),
    CONSTRAINT cart_line_pkey PRIMARY KEY (cart_id, sku)
) WITH (fillfactor = 80);

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
