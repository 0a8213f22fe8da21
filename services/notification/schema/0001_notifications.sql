-- What is sent to whom and why, and what must be known of an order to write about it.

CREATE TABLE known_order (
    id         uuid        NOT NULL,
    shop       text        NOT NULL,
    number     text        NOT NULL,
    cart_id    uuid        NOT NULL,
    locale     text        NOT NULL,
    email      text        NOT NULL,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT known_order_pkey PRIMARY KEY (id)
);

-- One row a mail that was sent, refused, or perhaps sent; until then it is a task of the same id. Its Message-ID is made of
-- event, template and recipient, so a cause sends once whatever happens. Being a hash, it stands last in the key: new rows
-- are written side by side.
CREATE TABLE notification (
    message_id text        NOT NULL,
    id         uuid        NOT NULL,
    shop       text        NOT NULL,
    event_id   uuid        NOT NULL,
    template   text        NOT NULL,
    recipient  text        NOT NULL,
    subject_id uuid        NOT NULL,
    state      text        NOT NULL,
    why        text        NOT NULL,
    attempts   bigint      NOT NULL,
    version    bigint      NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notification_pkey PRIMARY KEY (event_id, message_id),
    CONSTRAINT notification_state CHECK (state IN ('unknown', 'sent', 'failed'))
);
CREATE INDEX notification_by_subject ON notification (subject_id);
