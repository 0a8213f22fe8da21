-- Carts, their lines, and what the catalogue offers.

CREATE TABLE cart (
    id          uuid        NOT NULL,
    shop        text        NOT NULL,
    state       text        NOT NULL,
    channel     text        NOT NULL,
    locale      text        NOT NULL,
    currency    text        NOT NULL,
    checkout_id uuid,                       -- that locked it, last or now
    placement   bigint      NOT NULL DEFAULT 0, -- that locks it, or locked it last
    dead        bigint      NOT NULL DEFAULT 0, -- highest placement that was released
    expires_at  timestamptz,                -- null: never (locked, ordered, expired)
    version     bigint      NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT cart_pkey PRIMARY KEY (id),
    CONSTRAINT cart_state CHECK (state IN ('open', 'locked', 'ordered', 'expired'))
) WITH (fillfactor = 80);
CREATE INDEX cart_expires_at ON cart (expires_at) WHERE expires_at IS NOT NULL;

-- A SKU is one line; its id is born here and stays the same in order, shipment and ERP.
CREATE TABLE cart_line (
    cart_id     uuid        NOT NULL,
    line_id     uuid        NOT NULL,
    sku         text        NOT NULL,
    title       text        NOT NULL,
    quantity    bigint      NOT NULL,
    shown_minor bigint      NOT NULL, -- the unit price that the shopper was shown last
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT cart_line_pkey PRIMARY KEY (cart_id, line_id),
    CONSTRAINT cart_line_sku_once UNIQUE (cart_id, sku),
    CONSTRAINT cart_line_cart FOREIGN KEY (cart_id) REFERENCES cart (id),
    CONSTRAINT cart_line_quantity CHECK (quantity BETWEEN 1 AND 9999)
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
