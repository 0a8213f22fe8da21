-- The sandbox's own truth about money, which tests compare with the shop's books.

-- A page where a shopper pays.
CREATE TABLE session (
    serial              bigint      GENERATED ALWAYS AS IDENTITY,
    id                  text        NOT NULL,
    payment_id          text        NOT NULL,
    status              text        NOT NULL DEFAULT 'open',
    amount              bigint      NOT NULL,
    currency            text        NOT NULL,
    title               text        NOT NULL,
    client_reference_id text,
    customer_email      text,
    locale              text,
    description         text,
    success_url         text        NOT NULL,
    cancel_url          text,
    capture_method      text        NOT NULL,
    multicapture        boolean     NOT NULL,
    metadata            jsonb       NOT NULL,
    intent_metadata     jsonb       NOT NULL,
    intent_id           text,
    expires_at          timestamptz NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT session_pkey PRIMARY KEY (id),
    CONSTRAINT session_status CHECK (status IN ('open', 'complete', 'expired'))
);
CREATE UNIQUE INDEX session_serial ON session (serial);
CREATE INDEX session_created ON session (created_at);
CREATE INDEX session_payment ON session (payment_id);
CREATE INDEX session_intent ON session (intent_id);
CREATE INDEX session_due ON session (expires_at) WHERE status = 'open';

-- The payment of a session, from the first card that was tried. No foreign keys here and below: an intent is only made and
-- changed under its session's lock or its own, a charge under its intent's, and none of them is ever deleted.
CREATE TABLE intent (
    serial              bigint      GENERATED ALWAYS AS IDENTITY,
    id                  text        NOT NULL,
    session_id          text        NOT NULL,
    payment_id          text        NOT NULL,
    status              text        NOT NULL,
    amount              bigint      NOT NULL,
    capturable          bigint      NOT NULL DEFAULT 0,
    received            bigint      NOT NULL DEFAULT 0,
    currency            text        NOT NULL,
    capture_method      text        NOT NULL,
    description         text,
    metadata            jsonb       NOT NULL,
    challenge           text,
    charge_id           text,
    cancellation_reason text,
    canceled_at         timestamptz,
    capture_before      timestamptz,
    created_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT intent_pkey PRIMARY KEY (id),
    CONSTRAINT intent_session_once UNIQUE (session_id),
    CONSTRAINT intent_amounts CHECK (capturable >= 0 AND received >= 0 AND received + capturable <= amount)
);
CREATE UNIQUE INDEX intent_serial ON intent (serial);
CREATE INDEX intent_payment ON intent (payment_id);
CREATE INDEX intent_created ON intent (created_at);
CREATE INDEX intent_lapses ON intent (capture_before) WHERE status = 'requires_capture';

-- Every try of a card; of the number only the last four digits are kept.
CREATE TABLE charge (
    id              text        NOT NULL,
    intent_id       text        NOT NULL,
    status          text        NOT NULL,
    amount          bigint      NOT NULL,
    captured        bigint      NOT NULL DEFAULT 0,
    refunded        bigint      NOT NULL DEFAULT 0,
    currency        text        NOT NULL,
    brand           text        NOT NULL,
    last4           text        NOT NULL,
    card            text        NOT NULL,
    failure_code    text,
    decline_code    text,
    failure_message text,
    multicapture    boolean     NOT NULL,
    capture_before  timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT charge_pkey PRIMARY KEY (id),
    CONSTRAINT charge_captured_at_most_authorized CHECK (captured BETWEEN 0 AND amount),
    CONSTRAINT charge_refunded_at_most_captured CHECK (refunded BETWEEN 0 AND captured)
);
CREATE INDEX charge_by_intent ON charge (intent_id);

-- An intent with its session's status and its latest charge; times as Stripe tells them.
CREATE VIEW intent_now AS
SELECT intent.serial, intent.id, intent.session_id, session.status AS session_status, intent.payment_id, intent.status,
       intent.amount, intent.capturable, intent.received, intent.currency, intent.capture_method, intent.description,
       intent.metadata, intent.challenge, intent.cancellation_reason, intent.created_at,
       floor(extract(epoch FROM intent.canceled_at))::bigint AS canceled_at,
       floor(extract(epoch FROM intent.created_at))::bigint AS created,
       charge.id AS charge_id, charge.status AS charge_status, charge.amount AS charge_amount,
       charge.captured AS charge_captured, charge.refunded AS charge_refunded, charge.brand, charge.last4, charge.card,
       charge.failure_code, charge.decline_code, charge.failure_message, charge.multicapture,
       floor(extract(epoch FROM charge.created_at))::bigint AS charge_created,
       floor(extract(epoch FROM charge.capture_before))::bigint AS capture_before
  FROM intent
  JOIN session ON session.id = intent.session_id
  LEFT JOIN charge ON charge.id = intent.charge_id;

CREATE TABLE refund (
    serial         bigint      GENERATED ALWAYS AS IDENTITY,
    id             text        NOT NULL,
    payment_id     text        NOT NULL,
    intent_id      text        NOT NULL,
    charge_id      text        NOT NULL,
    amount         bigint      NOT NULL,
    currency       text        NOT NULL,
    reason         text,
    status         text        NOT NULL,
    failure_reason text,
    metadata       jsonb       NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refund_pkey PRIMARY KEY (id),
    CONSTRAINT refund_amount CHECK (amount > 0)
);
CREATE UNIQUE INDEX refund_serial ON refund (serial);
CREATE INDEX refund_created ON refund (created_at);
CREATE INDEX refund_by_intent ON refund (intent_id);

-- What happened, as GET /v1/events lists it; `body` is the same text that webhooks carry.
CREATE TABLE event (
    serial     bigint      GENERATED ALWAYS AS IDENTITY,
    id         text        NOT NULL,
    type       text        NOT NULL,
    payment_id text        NOT NULL,
    body       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT event_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX event_serial ON event (serial);
CREATE INDEX event_created ON event (created_at);
CREATE INDEX event_payment ON event (payment_id);

-- One webhook; an event may be sent more than once, or never. What is 'due' has a task with its id as the key, which
-- knows how far it is. No foreign key: an event is added in the same transaction, and never deleted.
CREATE TABLE delivery (
    serial     bigint      GENERATED ALWAYS AS IDENTITY,
    id         text        NOT NULL,
    event_id   text        NOT NULL,
    state      text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT delivery_pkey PRIMARY KEY (serial),
    CONSTRAINT delivery_state CHECK (state IN ('due', 'held', 'lost'))
);
CREATE INDEX delivery_by_event ON delivery (event_id);
CREATE INDEX delivery_held ON delivery (serial) WHERE state = 'held';

-- A delivery as it stands. A task that was taken back had been overtaken by the page; one that is gone ended a week ago.
CREATE VIEW delivery_now AS
SELECT delivery.serial, delivery.event_id, delivery.created_at,
       CASE WHEN delivery.state <> 'due' THEN delivery.state
            WHEN task.state IN ('due', 'running') THEN 'due'
            WHEN task.state = 'refused' THEN 'given_up'
            ELSE 'delivered'
       END AS state,
       CASE task.state WHEN 'cancelled' THEN task.attempt + 1 ELSE coalesce(task.attempt, 0) END AS attempts,
       CASE task.state WHEN 'cancelled' THEN 200
                       ELSE coalesce(substring(task.why FROM '^answered ([0-9]+)$')::int, 0)
       END AS last_status,
       CASE WHEN task.state IN ('done', 'cancelled') THEN task.updated_at END AS delivered_at
  FROM delivery
  LEFT JOIN task ON task.key = delivery.id AND delivery.state = 'due';

-- The first answer to an Idempotency-Key, also a 500, kept for 24 hours.
CREATE TABLE keyed_answer (
    key         text        NOT NULL,
    fingerprint text        NOT NULL,
    status      int         NOT NULL,
    body        text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT keyed_answer_pkey PRIMARY KEY (key)
);
CREATE INDEX keyed_answer_created_at ON keyed_answer (created_at);

-- What the API was asked, for tests that compare. Not worth a crash's care.
CREATE UNLOGGED TABLE api_request (
    serial          bigint      GENERATED ALWAYS AS IDENTITY,
    operation       text        NOT NULL,
    method          text        NOT NULL,
    path            text        NOT NULL,
    params          text        NOT NULL,
    idempotency_key text,
    status          int         NOT NULL,
    replayed        boolean     NOT NULL,
    fault           text        NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT api_request_pkey PRIMARY KEY (serial)
);
