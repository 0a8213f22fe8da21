-- The carrier's own truth: which parcels it was given, and what it reported.

CREATE TABLE parcel (
    tracking_number text        NOT NULL,
    note            text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT parcel_pkey PRIMARY KEY (tracking_number)
);

-- One sending of a report. The same event may be sent several times: then it has several rows with one event_id.
CREATE TABLE report (
    serial          bigint      GENERATED ALWAYS AS IDENTITY,
    id              uuid        NOT NULL,
    event_id        text        NOT NULL,
    tracking_number text        NOT NULL,
    kind            text        NOT NULL,
    body            text        NOT NULL,
    state           text        NOT NULL DEFAULT 'due',
    attempts        bigint      NOT NULL DEFAULT 0,
    last_status     int         NOT NULL DEFAULT 0,
    delivered_at    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT report_pkey PRIMARY KEY (id),
    CONSTRAINT report_kind CHECK (kind IN ('in_transit', 'delivered')),
    CONSTRAINT report_state CHECK (state IN ('due', 'delivered', 'given_up'))
);
CREATE UNIQUE INDEX report_serial ON report (serial);
CREATE INDEX report_by_parcel ON report (tracking_number);
