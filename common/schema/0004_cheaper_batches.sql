-- What each batch and each event costs less by.

-- A partition's row by one key, so that a batch locks and moves its rows without a join. The rows lie far apart: each is
-- written with every batch, finds room on its own page, and the table is large enough to be read by the index.
ALTER TABLE position SET (fillfactor = 10);
ALTER TABLE position
    ADD COLUMN place text NOT NULL GENERATED ALWAYS AS (topic || '/' || partition::text) STORED,
    ADD CONSTRAINT position_place_once UNIQUE (place);

-- The versions of an aggregate come one soon after the other: the row is written again where it stands.
ALTER TABLE handled SET (fillfactor = 70);

-- A constraint is parsed anew for each INSERT, and event_emit() sees to it.
ALTER TABLE outbox DROP CONSTRAINT outbox_sequence_positive;
