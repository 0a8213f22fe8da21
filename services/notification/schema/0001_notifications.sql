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
CREATE INDEX known_order_created_at ON known_order (created_at);

-- One row a mail. Its Message-ID is made of event, template and recipient, so a cause sends once whatever happens.
CREATE TABLE notification (
    id         uuid        NOT NULL,
    shop       text        NOT NULL,
    message_id text        NOT NULL,
    event_id   uuid        NOT NULL,
    template   text        NOT NULL,
    recipient  text        NOT NULL,
    subject_id uuid        NOT NULL,
    state      text        NOT NULL DEFAULT 'due',
    attempts   bigint      NOT NULL DEFAULT 0,
    why        text        NOT NULL DEFAULT '',
    version    bigint      NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notification_pkey PRIMARY KEY (id),
    CONSTRAINT notification_message_once UNIQUE (message_id),
    CONSTRAINT notification_state CHECK (state IN ('due', 'unknown', 'sent', 'failed'))
);
CREATE INDEX notification_by_subject ON notification (subject_id);
