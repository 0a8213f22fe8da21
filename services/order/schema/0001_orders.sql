-- Orders, the parcels they hear about, their timeline, and the merchant's process.
--
-- What a single column may hold is a domain's to say: a table's CHECK is read anew for each statement that writes. What
-- SQL never looks into is json, which is stored as it came.

CREATE DOMAIN order_kernel AS text
    CONSTRAINT order_kernel CHECK (VALUE IN ('placed', 'released', 'shipping', 'completed', 'cancelling', 'cancelled'));
CREATE DOMAIN order_total AS bigint
    CONSTRAINT order_total_not_negative CHECK (VALUE >= 0);

CREATE SEQUENCE order_number START 100001;

-- The merchant's process: what each kernel event makes of status and sub-status, and which mail goes out. A new version
-- is a new row; an order keeps the one it was placed under.
CREATE TABLE process (
    version    bigint      NOT NULL,
    statuses   json        NOT NULL,
    created_by text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT process_pkey PRIMARY KEY (version)
);

INSERT INTO process (version, created_by, statuses) VALUES (1, 'system', '[
    {"on": "placed",    "status": "In Progress", "sub_status": "Incoming"},
    {"on": "released",  "status": "In Progress", "sub_status": "In process"},
    {"on": "held",      "status": "On Hold"},
    {"on": "shipped",   "status": "Completed",   "sub_status": "On transit", "mail": "order_shipped"},
    {"on": "delivered", "status": "Completed",   "sub_status": "Delivered",  "mail": "order_delivered"},
    {"on": "cancelled", "status": "Cancelled",   "mail": "order_cancelled"}
]');

-- One row an order; its id is its checkout's. No foreign key to the process, whose one row every order would lock: it is
-- read in the same transaction, and no process is ever deleted.
CREATE TABLE orders (
    id               uuid        NOT NULL,
    shop             text        NOT NULL,
    number           text        NOT NULL,
    cart_id          uuid        NOT NULL,
    intent           bigint      NOT NULL,
    channel          text        NOT NULL,
    locale           text        NOT NULL,
    currency         text        NOT NULL,
    kernel           order_kernel NOT NULL,
    status           text        NOT NULL,
    sub_status       text,
    process_version  bigint      NOT NULL,
    method           text        NOT NULL,
    capture          text        NOT NULL,
    quantity         bigint      NOT NULL,
    total_minor      order_total NOT NULL,
    lines            json        NOT NULL,
    groups           json        NOT NULL,
    totals           json        NOT NULL,
    payments         json        NOT NULL,
    personal         json        NOT NULL,
    email            text        NOT NULL,
    hold_reason      text,
    unsaid           text,
    cancel_reason    text,
    cancel_by        text,
    reference        text,
    pay_by           timestamptz,
    placed_at        timestamptz NOT NULL,
    seen_at          timestamptz,
    version          bigint      NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT orders_number_once UNIQUE (shop, number),
    CONSTRAINT orders_cart_once UNIQUE (cart_id)
) WITH (fillfactor = 80);
CREATE INDEX orders_by_email ON orders (email, id);
CREATE INDEX orders_unseen ON orders (shop) WHERE seen_at IS NULL;
CREATE INDEX orders_pay_by ON orders (pay_by) WHERE pay_by IS NOT NULL;

-- What fulfilment told of the order's shipments: enough to show, never to decide. The foreign key stays: a shipment is
-- written without reading its order, which must be there.
CREATE TABLE order_shipment (
    id              uuid        NOT NULL,
    order_id        uuid        NOT NULL,
    number          text        NOT NULL,
    state           text        NOT NULL,
    warehouse       text        NOT NULL,
    method          text        NOT NULL,
    carrier         text,
    tracking_number text,
    tracking_url    text,
    latest          text,
    lines           json        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT order_shipment_pkey PRIMARY KEY (id),
    CONSTRAINT order_shipment_order FOREIGN KEY (order_id) REFERENCES orders (id)
);
CREATE INDEX order_shipment_by_order ON order_shipment (order_id, id);

-- Every event of an order: who, when, why. Rows are only ever added, under the order's lock or with the order itself: so
-- their ids are in order, and no foreign key is needed.
CREATE TABLE timeline (
    order_id uuid        NOT NULL,
    id       bigint      GENERATED ALWAYS AS IDENTITY,
    at       timestamptz NOT NULL DEFAULT now(),
    what     text        NOT NULL,
    text     text        NOT NULL,
    by       text        NOT NULL,
    detail   text,
    CONSTRAINT timeline_pkey PRIMARY KEY (order_id, id)
);
