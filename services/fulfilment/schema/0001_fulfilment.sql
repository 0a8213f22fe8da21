-- Warehouses, the stock ledger, holds, and shipments.

CREATE SEQUENCE shipment_number START 500001;

CREATE TABLE warehouse (
    code       text        NOT NULL,
    shop       text        NOT NULL,
    name       text        NOT NULL,
    country    text        NOT NULL,
    priority   int         NOT NULL DEFAULT 100, -- the smaller is asked first
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT warehouse_pkey PRIMARY KEY (code)
);

INSERT INTO warehouse (code, shop, name, country, priority) VALUES
    ('berlin', 'main', 'Berlin', 'DE', 10),
    ('leeds',  'main', 'Leeds',  'GB', 20),
    ('newark', 'main', 'Newark', 'US', 30);

-- What lies where, and what of it is spoken for: held by live placements, allocated to open orders.
CREATE TABLE stock (
    sku        text        NOT NULL,
    warehouse  text        NOT NULL,
    shop       text        NOT NULL,
    on_hand    bigint      NOT NULL DEFAULT 0,
    held       bigint      NOT NULL DEFAULT 0,
    allocated  bigint      NOT NULL DEFAULT 0,
    untold     boolean     NOT NULL DEFAULT false, -- changed since the last stock.level
    version    bigint      NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stock_pkey PRIMARY KEY (sku, warehouse),
    CONSTRAINT stock_warehouse FOREIGN KEY (warehouse) REFERENCES warehouse (code),
    CONSTRAINT stock_on_hand_not_negative CHECK (on_hand >= 0),
    CONSTRAINT stock_held_not_negative CHECK (held >= 0),
    CONSTRAINT stock_allocated_not_negative CHECK (allocated >= 0)
) WITH (fillfactor = 50);
CREATE INDEX stock_untold ON stock (sku, warehouse) WHERE untold;

-- Why on_hand is what it is: on_hand = sum of the moves. Rows are only ever added; a cause counts once.
CREATE TABLE stock_move (
    id        bigint      GENERATED ALWAYS AS IDENTITY,
    sku       text        NOT NULL,
    warehouse text        NOT NULL,
    kind      text        NOT NULL,
    quantity  bigint      NOT NULL,
    cause     text        NOT NULL,
    by        text        NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stock_move_pkey PRIMARY KEY (id),
    CONSTRAINT stock_move_once UNIQUE (cause, sku, warehouse),
    CONSTRAINT stock_move_kind CHECK (kind IN ('received', 'counted', 'shipped', 'written_off'))
);
CREATE INDEX stock_move_by_stock ON stock_move (sku, warehouse, id);

-- A placement's claim on stock. The row stays after a release: `dead` is the highest released placement.
CREATE TABLE hold (
    id         uuid        NOT NULL,
    shop       text        NOT NULL,
    state      text        NOT NULL,
    placement  bigint      NOT NULL,
    dead       bigint      NOT NULL,
    reason     text        NOT NULL DEFAULT '',
    version    bigint      NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT hold_pkey PRIMARY KEY (id),
    CONSTRAINT hold_state CHECK (state IN ('free', 'held', 'confirmed'))
);

-- What a hold has taken, from where.
CREATE TABLE hold_line (
    hold_id   uuid   NOT NULL,
    line_id   uuid   NOT NULL,
    sku       text   NOT NULL,
    warehouse text   NOT NULL,
    quantity  bigint NOT NULL,
    CONSTRAINT hold_line_pkey PRIMARY KEY (hold_id, line_id, warehouse),
    CONSTRAINT hold_line_quantity_positive CHECK (quantity > 0)
);

-- What fulfilment must know of an order: how it is paid, whether it is held, where it goes.
CREATE TABLE fulfilment_order (
    id             uuid        NOT NULL,
    shop           text        NOT NULL,
    number         text        NOT NULL,
    method         text        NOT NULL,
    capture        text        NOT NULL,
    total_minor    bigint      NOT NULL,
    hold_reason    text,
    personal       jsonb,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fulfilment_order_pkey PRIMARY KEY (id)
);

-- Money as payment told it. Its own row, since it may be heard before the order is.
CREATE TABLE coverage (
    order_id       uuid   NOT NULL,
    captured_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL DEFAULT 0,
    CONSTRAINT coverage_pkey PRIMARY KEY (order_id)
);

-- What one warehouse sends for one delivery group of an order.
CREATE TABLE shipment (
    id              uuid        NOT NULL,
    shop            text        NOT NULL,
    number          text        NOT NULL,
    order_id        uuid        NOT NULL,
    group_id        uuid        NOT NULL,
    warehouse       text        NOT NULL,
    method          text        NOT NULL,
    state           text        NOT NULL,
    hold_reason     text,
    lines           jsonb       NOT NULL,
    quantity        bigint      NOT NULL,
    reason          text        NOT NULL,
    address         jsonb,
    carrier         text,
    tracking_number text,
    tracking_url    text,
    latest          text,
    shipped_at      timestamptz,
    delivered_at    timestamptz,
    version         bigint      NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT shipment_pkey PRIMARY KEY (id),
    CONSTRAINT shipment_number_once UNIQUE (shop, number),
    CONSTRAINT shipment_warehouse FOREIGN KEY (warehouse) REFERENCES warehouse (code),
    CONSTRAINT shipment_state CHECK (state IN ('planned', 'released', 'picked', 'packed', 'shipped', 'in_transit',
                                               'delivered', 'stopped'))
) WITH (fillfactor = 80);
CREATE INDEX shipment_by_order ON shipment (order_id, id);
CREATE INDEX shipment_open ON shipment (shop, id) WHERE state NOT IN ('delivered', 'stopped');
CREATE UNIQUE INDEX shipment_tracking_once ON shipment (tracking_number) WHERE tracking_number IS NOT NULL;

-- What carriers reported, also of parcels that nobody has shipped here yet.
CREATE TABLE carrier_report (
    event_id        text        NOT NULL,
    tracking_number text        NOT NULL,
    kind            text        NOT NULL,
    at              timestamptz NOT NULL,
    note            text,
    applied         boolean     NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT carrier_report_pkey PRIMARY KEY (event_id),
    CONSTRAINT carrier_report_kind CHECK (kind IN ('in_transit', 'delivered'))
);
CREATE INDEX carrier_report_waiting ON carrier_report (tracking_number) WHERE NOT applied;
