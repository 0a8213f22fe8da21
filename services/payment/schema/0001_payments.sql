-- Payments, their intents, what the provider told, and what came on the bank account.
--
-- What a single column may hold is a domain's to say: a table's CHECK is read anew for each statement that writes. So each
-- table that is written often has one CHECK at most, for what its columns say together.

CREATE DOMAIN minor_units AS bigint
    CONSTRAINT minor_units_not_negative CHECK (VALUE >= 0);
CREATE DOMAIN payment_method AS text
    CONSTRAINT payment_method CHECK (VALUE IN ('card', 'bank_transfer', 'cash_on_delivery'));
CREATE DOMAIN intent_number AS bigint
    CONSTRAINT intent_number CHECK (VALUE > 0);
CREATE DOMAIN intent_state AS text
    CONSTRAINT intent_state CHECK (VALUE IN ('requested', 'unknown', 'pending', 'due', 'authorized', 'capturing',
                                             'captured', 'declined', 'closing', 'closed', 'voiding', 'voided',
                                             'refunding', 'refunded'));
CREATE DOMAIN fact_kind AS text
    CONSTRAINT fact_kind CHECK (VALUE IN ('page', 'completed', 'card_refused', 'ended', 'authorized', 'cancelled',
                                          'captured', 'refund_pending', 'refunded', 'refund_failed'));
CREATE DOMAIN fact_source AS text
    CONSTRAINT fact_source CHECK (VALUE IN ('answer', 'return', 'webhook', 'query', 'poll'));

-- The number inside a transfer's reference: RFnnWB1000042.
CREATE SEQUENCE reference_number START 1000001;

-- One row a checkout, with the same id; the lock for everything below. closed_to is the tombstone: every intent up to
-- it was given up, asked for or not. The last amounts are the ledger's balances of this payment (0002_ledger.sql).
CREATE TABLE payment (
    id               uuid        NOT NULL,
    shop             text        NOT NULL,
    currency         text        NOT NULL,
    closed_to        bigint      NOT NULL DEFAULT 0,
    closed_told      bigint      NOT NULL DEFAULT 0,
    closed_placement bigint      NOT NULL DEFAULT 0,
    order_number     text,
    order_intent     bigint      NOT NULL DEFAULT 0,
    order_minor      bigint      NOT NULL DEFAULT 0,
    order_pay_by     timestamptz,
    cancelled        boolean     NOT NULL DEFAULT false,
    receivable_minor minor_units NOT NULL DEFAULT 0,
    held_minor       minor_units NOT NULL DEFAULT 0,
    owed_minor       minor_units NOT NULL DEFAULT 0,
    version          bigint      NOT NULL DEFAULT 0,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payment_pkey PRIMARY KEY (id),
    -- Only what is closed is told so; an order has its number and its intent; only an order can be cancelled.
    CONSTRAINT payment_is_sound CHECK (closed_told <= closed_to
                                       AND (order_number IS NOT NULL) = (order_intent > 0)
                                       AND (order_intent > 0 OR NOT cancelled))
) WITH (fillfactor = 80);

-- One decision of the shopper to pay one amount by one method. `operation` is the call under way, `doubt` what nobody
-- knows the end of. No foreign key: an intent is only written under its payment's lock or with the payment itself, and no
-- payment is ever deleted.
CREATE TABLE intent (
    payment_id       uuid        NOT NULL,
    intent           intent_number NOT NULL,
    placement        bigint      NOT NULL,
    method           payment_method NOT NULL,
    state            intent_state NOT NULL,
    amount_minor     minor_units NOT NULL,
    currency         text        NOT NULL,
    capture          text        NOT NULL,
    authorized_minor minor_units NOT NULL DEFAULT 0,
    captured_minor   minor_units NOT NULL DEFAULT 0,
    refunded_minor   minor_units NOT NULL DEFAULT 0,
    rank             text        NOT NULL DEFAULT 'none',
    mismatched       boolean     NOT NULL DEFAULT false,
    operation        text        NOT NULL DEFAULT 'nothing',
    stalled          boolean     NOT NULL DEFAULT false,
    calls            bigint      NOT NULL DEFAULT 0,
    failures         bigint      NOT NULL DEFAULT 0,
    doubt            text        NOT NULL DEFAULT 'nothing',
    queries          bigint      NOT NULL DEFAULT 0,
    asks             bigint      NOT NULL DEFAULT 0,
    ask_at           timestamptz,
    alarm_at         timestamptz,
    locale           text        NOT NULL,
    return_url       text,
    reference        text,
    page_ref         text,
    payment_ref      text,
    redirect_url     text,
    expires_at       timestamptz,
    decline_code     text,
    refund_reason    text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT intent_pkey PRIMARY KEY (payment_id, intent),
    -- Never more is given back than was taken, nor taken than was promised; what was taken shows in the state.
    CONSTRAINT intent_is_covered CHECK (refunded_minor <= captured_minor
                                        AND captured_minor <= amount_minor
                                        AND (captured_minor <= authorized_minor OR method <> 'card')
                                        AND (captured_minor = 0 OR state IN ('captured', 'refunding', 'refunded')))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX intent_reference_once ON intent (reference) WHERE reference IS NOT NULL;
CREATE INDEX intent_ask_at ON intent (ask_at) WHERE ask_at IS NOT NULL;
CREATE INDEX intent_alarm_at ON intent (alarm_at) WHERE alarm_at IS NOT NULL;
CREATE INDEX intent_payment_ref ON intent (payment_ref) WHERE payment_ref IS NOT NULL;

-- What the provider told, each thing once, whoever brought it; but not what only repeats how an intent stands. Facts of
-- payments that are not here yet are kept, and count when they appear. No personal data: only what the fold needs.
CREATE TABLE psp_fact (
    psp          text        NOT NULL,
    id           text        NOT NULL,
    kind         fact_kind   NOT NULL,
    payment_id   uuid,
    intent       bigint      NOT NULL DEFAULT 0,
    payment_ref  text,
    refund_ref   text,
    amount_minor bigint      NOT NULL DEFAULT 0,
    currency     text,
    code         text,
    source       fact_source NOT NULL,
    occurred_at  timestamptz NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT psp_fact_once PRIMARY KEY (psp, id)
);
CREATE INDEX psp_fact_payment ON psp_fact (payment_id);
CREATE INDEX psp_fact_orphan ON psp_fact (payment_ref) WHERE payment_id IS NULL;

-- How far the provider's list of events was read. The net under lost webhooks.
CREATE TABLE psp_poll (
    psp        text        NOT NULL,
    since      timestamptz NOT NULL DEFAULT now(),
    newest     timestamptz NOT NULL DEFAULT now(),
    after      text,
    polls      bigint      NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT psp_poll_pkey PRIMARY KEY (psp)
);
INSERT INTO psp_poll (psp) VALUES ('stripe');

-- Money on the shop's bank account. Only what fits an open intent exactly is booked on it; the rest waits for a person.
CREATE TABLE receipt (
    id           uuid        NOT NULL,
    shop         text        NOT NULL,
    reference    text        NOT NULL,
    amount_minor bigint      NOT NULL,
    currency     text        NOT NULL,
    received_on  date        NOT NULL,
    payer        text,
    outcome      text        NOT NULL,
    payment_id   uuid,
    intent       bigint,
    open_minor   bigint,
    booked_by    text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT receipt_pkey PRIMARY KEY (id),
    CONSTRAINT receipt_intent FOREIGN KEY (payment_id, intent) REFERENCES intent (payment_id, intent),
    CONSTRAINT receipt_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT receipt_outcome CHECK (outcome IN ('matched', 'differs', 'unknown')),
    CONSTRAINT receipt_of_an_intent CHECK ((payment_id IS NULL) = (outcome = 'unknown')
                                           AND (intent IS NULL) = (payment_id IS NULL)
                                           AND (open_minor IS NULL) = (payment_id IS NULL))
);
CREATE INDEX receipt_payment ON receipt (payment_id, id);
