-- What every service keeps beside its own tables: outbox, positions, tasks, work items, idempotency keys.

-- Events not yet acknowledged by the broker, in the order of their ids. Rows live for milliseconds. The file is never
-- cut: of a table without pages the relay's plan would read all, and go on so while it fills with dead rows.
CREATE TABLE outbox (
    id             bigint      GENERATED ALWAYS AS IDENTITY,
    event_id       uuid        NOT NULL,
    topic          text        NOT NULL,
    key            text        NOT NULL,
    sequence       bigint      NOT NULL,
    type           text        NOT NULL,
    correlation_id text        NOT NULL,
    causation_id   text        NOT NULL DEFAULT '',
    traceparent    text        NOT NULL DEFAULT '',
    body           text        NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (id),
    CONSTRAINT outbox_sequence_positive CHECK (sequence > 0)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000,
        vacuum_truncate = false);

-- Events that the broker has: kept 7 days for replay, since the broker does not fsync each message. A day a partition.
CREATE TABLE outbox_history (
    id             bigint      NOT NULL,
    event_id       uuid        NOT NULL,
    topic          text        NOT NULL,
    key            text        NOT NULL,
    sequence       bigint      NOT NULL,
    type           text        NOT NULL,
    correlation_id text        NOT NULL,
    causation_id   text        NOT NULL,
    traceparent    text        NOT NULL,
    body           text        NOT NULL,
    created_at     timestamptz NOT NULL
) PARTITION BY RANGE (created_at);
CREATE TABLE outbox_history_rest PARTITION OF outbox_history DEFAULT;
-- For people, who know about where to look: each event would write another one.
CREATE INDEX outbox_history_id ON outbox_history USING brin (id);

-- Who relays: one copy at a time, with an epoch that fences a copy which was stopped and woke up later.
CREATE TABLE relay_lease (
    only_row   boolean     NOT NULL DEFAULT true,
    holder     text        NOT NULL,
    epoch      bigint      NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT relay_lease_pkey PRIMARY KEY (only_row),
    CONSTRAINT relay_lease_single CHECK (only_row)
);
INSERT INTO relay_lease (holder, epoch, expires_at) VALUES ('', 0, '-infinity');

-- Where each partition stands: the truth; the broker's offsets are a hint for lag tools.
CREATE TABLE position (
    topic       text   NOT NULL,
    partition   int    NOT NULL,
    next_offset bigint NOT NULL,
    CONSTRAINT position_pkey PRIMARY KEY (topic, partition)
);

-- Handled-once by version: the last version of each aggregate that was applied here. One key, "topic/key", since each
-- message is looked up and written by it.
CREATE TABLE handled (
    aggregate text   NOT NULL,
    sequence  bigint NOT NULL,
    CONSTRAINT handled_pkey PRIMARY KEY (aggregate)
);

-- Handled-once by event id, for sources without versions. Kept longer than their topics.
CREATE TABLE inbox (
    source     text        NOT NULL,
    event_id   text        NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_pkey PRIMARY KEY (source, event_id)
);
CREATE INDEX inbox_handled_at ON inbox (handled_at);

-- Messages set aside. state 'waiting': for an aggregate that is not here yet (waits_for); 'parked': what our code can't
-- process, or behind such a one of the same key, or after a hole.
CREATE TABLE set_aside (
    id             bigint      GENERATED ALWAYS AS IDENTITY,
    state          text        NOT NULL,
    waits_for      text        NOT NULL DEFAULT '',
    topic          text        NOT NULL,
    partition      int         NOT NULL,
    "offset"       bigint      NOT NULL,
    key            text        NOT NULL,
    sequence       bigint      NOT NULL,
    event_id       text        NOT NULL,
    type           text        NOT NULL,
    correlation_id text        NOT NULL,
    causation_id   text        NOT NULL,
    traceparent    text        NOT NULL,
    occurred_at    timestamptz NOT NULL,
    body           text        NOT NULL,
    reason         text        NOT NULL,
    attempts       int         NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT set_aside_pkey PRIMARY KEY (id),
    CONSTRAINT set_aside_state CHECK (state IN ('waiting', 'parked')),
    CONSTRAINT set_aside_once UNIQUE (topic, event_id)
);
CREATE INDEX set_aside_waits_for ON set_aside (waits_for, id) WHERE state = 'waiting';
CREATE INDEX set_aside_parked ON set_aside (topic, key, sequence) WHERE state = 'parked';

-- Calls to the outside: decided in a transaction, made outside of any, answered in another.
CREATE TABLE task (
    id          uuid        NOT NULL,
    kind        text        NOT NULL,
    subject     text        NOT NULL,
    key         text        NOT NULL,
    body        text        NOT NULL,
    state       text        NOT NULL DEFAULT 'due',
    attempt     bigint      NOT NULL DEFAULT 0,
    fence       bigint      NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL,
    lease_until timestamptz,
    why         text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT task_pkey PRIMARY KEY (id),
    CONSTRAINT task_key_once UNIQUE (key),
    CONSTRAINT task_state CHECK (state IN ('due', 'running', 'done', 'refused', 'cancelled'))
);
CREATE INDEX task_due ON task (kind, due_at) WHERE state IN ('due', 'running');
CREATE INDEX task_subject ON task (subject);

-- What needs a person.
CREATE TABLE work_item (
    id         uuid        NOT NULL,
    kind       text        NOT NULL,
    subject    text        NOT NULL,
    cause      text        NOT NULL,
    actions    text        NOT NULL,
    due_at     timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at  timestamptz,
    closed_by  text,
    outcome    text,
    CONSTRAINT work_item_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX work_item_open_once ON work_item (kind, subject) WHERE closed_at IS NULL;

-- Answers of keyed requests, for 24 hours.
CREATE TABLE idempotency (
    caller       text        NOT NULL,
    key          text        NOT NULL,
    fingerprint  text        NOT NULL,
    status       int,
    content_type text,
    headers      jsonb,
    answer       text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_pkey PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_created_at ON idempotency (created_at);
