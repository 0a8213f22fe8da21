-- Products with their variants and prices.

CREATE TABLE product (
    id          uuid        NOT NULL,
    shop        text        NOT NULL,
    code        text        NOT NULL,
    title       text        NOT NULL,
    description text,
    tax_class   text        NOT NULL,
    active      boolean     NOT NULL,
    variants    jsonb       NOT NULL, -- as in the event: sku, title, prices, weight_grams, active
    version     bigint      NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT product_pkey PRIMARY KEY (id),
    CONSTRAINT product_code_once UNIQUE (shop, code)
);

-- A SKU belongs to one product, for ever.
CREATE TABLE sku (
    shop       text        NOT NULL,
    sku        text        NOT NULL,
    product_id uuid        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sku_pkey PRIMARY KEY (shop, sku),
    CONSTRAINT sku_product FOREIGN KEY (product_id) REFERENCES product (id) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE tax_class (
    code text NOT NULL,
    CONSTRAINT tax_class_pkey PRIMARY KEY (code)
);
INSERT INTO tax_class VALUES ('standard'), ('reduced'), ('zero');
