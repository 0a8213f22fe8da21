-- Money that a person gave back from the shop's bank account. An intent's money goes back as a whole, and once.
CREATE TABLE refund (
    id           uuid        NOT NULL,
    payment_id   uuid        NOT NULL,
    intent       bigint      NOT NULL,
    reference    text        NOT NULL,
    amount_minor bigint      NOT NULL,
    currency     text        NOT NULL,
    sent_on      date        NOT NULL,
    booked_by    text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refund_pkey PRIMARY KEY (id),
    CONSTRAINT refund_once UNIQUE (payment_id, intent),
    CONSTRAINT refund_intent FOREIGN KEY (payment_id, intent) REFERENCES intent (payment_id, intent),
    CONSTRAINT refund_amount_positive CHECK (amount_minor > 0)
);
