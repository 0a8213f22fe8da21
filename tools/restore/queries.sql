-- What waybill-restore asks and does. Each statement stands for one service's schema.

-- name: lineage_now :one
-- Whether this is the server that the service left, and when it last told something.
SELECT place = place_now() AS is_known,
       greatest((SELECT max(created_at) FROM outbox), (SELECT max(created_at) FROM outbox_history)) AS told_at
  FROM lineage;

-- name: events_forgotten :many
-- Which of these were told by nobody, as far as this schema knows; by their places in the list.
-- unlimited: at most those that are asked for
SELECT told.at
  FROM unnest(:ids::text[]) WITH ORDINALITY AS told (id, at)
  LEFT JOIN (SELECT event_id::text AS id FROM outbox WHERE created_at >= :since::timestamptz
              UNION ALL
             SELECT event_id::text FROM outbox_history WHERE created_at >= :since) AS known ON known.id = told.id
 WHERE known.id IS NULL;

-- name: handled_beyond :many
-- Aggregates of which more was handled here than is known where it was told.
SELECT lost.aggregate, handled.sequence
  FROM unnest(:aggregates::text[], :sequences::bigint[]) AS lost (aggregate, sequence)
  JOIN handled ON handled.aggregate = lost.aggregate
 WHERE handled.sequence >= lost.sequence
 ORDER BY lost.aggregate
 LIMIT 100;

-- name: positions_before :one
-- How many partitions are not read here to these ends.
SELECT count(*) AS count
  FROM unnest(:topics::text[], :partitions::bigint[], :ends::bigint[]) AS ends (topic, partition, next_offset)
  JOIN position ON position.topic = ends.topic AND position.partition = ends.partition
 WHERE position.next_offset < ends.next_offset;

-- name: positions_end :exec
UPDATE position
   SET next_offset = ends.next_offset
  FROM unnest(:topics::text[], :partitions::bigint[], :ends::bigint[]) AS ends (topic, partition, next_offset)
 WHERE position.topic = ends.topic AND position.partition = ends.partition;

-- name: history_again :exec
-- Under their old ids, and so before those that were never published.
WITH back AS (
    DELETE FROM outbox_history
     WHERE created_at >= :since::timestamptz
    RETURNING id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body, created_at)
INSERT INTO outbox (id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body, created_at)
OVERRIDING SYSTEM VALUE
SELECT id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body, created_at
  FROM back;

-- name: sequences_ahead :exec
-- Numbers that were given away in the time that is forgotten are not given again.
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, coalesce(last_value, start_value) + :ahead::bigint)
  FROM pg_sequences
 WHERE schemaname = current_schema();

-- name: lineage_accept :one_row
UPDATE lineage
   SET place = place_now();
