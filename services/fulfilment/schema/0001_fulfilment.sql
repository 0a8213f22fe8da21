-- Warehouses, the stock ledger, holds, and shipments.
--
-- What a single column may hold is a domain's to say: a table's CHECK is read anew for each statement that writes.

CREATE DOMAIN pieces AS bigint
    CONSTRAINT pieces_not_negative CHECK (VALUE >= 0);
CREATE DOMAIN hold_state AS text
    CONSTRAINT hold_state CHECK (VALUE IN ('free', 'held', 'confirmed'));
CREATE DOMAIN shipment_state AS text
    CONSTRAINT shipment_state CHECK (VALUE IN ('planned', 'released', 'picked', 'packed', 'shipped', 'in_transit',
                                               'delivered', 'stopped'));

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
    sku            text        NOT NULL,
    warehouse      text        NOT NULL,
    shop           text        NOT NULL,
    on_hand        pieces      NOT NULL DEFAULT 0,
    held           pieces      NOT NULL DEFAULT 0,
    allocated      pieces      NOT NULL DEFAULT 0,
    untold_since   timestamptz,                    -- when it first changed after the last stock.level
    told_available bigint      NOT NULL DEFAULT 0, -- what that said can be sold
    version        bigint      NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stock_pkey PRIMARY KEY (sku, warehouse),
    CONSTRAINT stock_warehouse FOREIGN KEY (warehouse) REFERENCES warehouse (code)
) WITH (fillfactor = 50);
CREATE INDEX stock_untold ON stock (sku, warehouse) WHERE untold_since IS NOT NULL;

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

-- A placement's claim on stock and what it has taken: [{line_id, sku, warehouse, quantity}]. The row stays after a
-- release: `dead` is the highest released placement. Once confirmed the shipments own the stock.
CREATE TABLE hold (
    id          uuid        NOT NULL,
    shop        text        NOT NULL,
    state       hold_state  NOT NULL,
    placement   bigint      NOT NULL,
    dead        bigint      NOT NULL,
    reason      text        NOT NULL DEFAULT '',
    allocations json        NOT NULL DEFAULT '[]',
    version     bigint      NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT hold_pkey PRIMARY KEY (id)
) WITH (fillfactor = 60); -- room for its second version: most holds are confirmed within seconds

CREATE VIEW hold_line AS
SELECT hold.id AS hold_id, line.line_id, line.sku, line.warehouse, line.quantity
  FROM hold, json_to_recordset(hold.allocations) AS line (line_id uuid, sku text, warehouse text, quantity bigint);

-- What fulfilment must know of an order: how it is paid, by which intent, and whether it is held.
CREATE TABLE fulfilment_order (
    id             uuid        NOT NULL,
    shop           text        NOT NULL,
    number         text        NOT NULL,
    intent         bigint      NOT NULL,
    method         text        NOT NULL,
    capture        text        NOT NULL,
    total_minor    bigint      NOT NULL,
    hold_reason    text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fulfilment_order_pkey PRIMARY KEY (id)
);

-- Money as payment told it. Its own row, since it may be heard before the order is. It counts for an order only if it came
-- by the intent that the order was placed with: money of a dead intent is given back by payment, and neither its capture
-- nor its refund may decide whether the goods leave.
CREATE TABLE coverage (
    order_id       uuid   NOT NULL,
    intent         bigint NOT NULL,
    captured_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL DEFAULT 0,
    CONSTRAINT coverage_pkey PRIMARY KEY (order_id, intent)
);

-- What one warehouse sends for one delivery group of an order. No foreign key to the warehouse, whose row every shipment
-- would lock: it comes from stock, which has one.
CREATE TABLE shipment (
    id              uuid        NOT NULL,
    shop            text        NOT NULL,
    number          text        NOT NULL,
    order_id        uuid        NOT NULL,
    group_id        uuid        NOT NULL,
    warehouse       text        NOT NULL,
    method          text        NOT NULL,
    state           shipment_state NOT NULL,
    hold_reason     text,
    lines           json        NOT NULL,
    quantity        bigint      NOT NULL,
    reason          text        NOT NULL,
    address         json,
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
    CONSTRAINT shipment_number_once UNIQUE (shop, number)
) WITH (fillfactor = 80);
CREATE INDEX shipment_by_order ON shipment (order_id, id);
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
