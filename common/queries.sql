-- What every service's database does beside its own work. Tables: schema/0001_ways_of_working.sql.

-- == Outbox ===========================================================================================================

-- name: outbox_write :exec
-- The ids follow the order of emission: the identity is drawn after the sort.
INSERT INTO outbox (event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body)
SELECT event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body
  FROM unnest(:event_ids::uuid[], :topics::text[], :keys::text[], :sequences::bigint[], :types::text[],
              :correlation_ids::text[], :causation_ids::text[], :traceparents::text[], :bodies::text[])
       WITH ORDINALITY
       AS event (event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body, place)
 ORDER BY place;

-- == Idempotency keys =================================================================================================

-- name: idempotency_claim :one_row
-- Refused when the key was used before. Waits for a parallel request with the same key until that one ends.
INSERT INTO idempotency (caller, key, fingerprint)
VALUES (:caller::text, :key::text, :fingerprint::text)
    ON CONFLICT (caller, key) DO NOTHING;

-- name: idempotency_store :one_row
UPDATE idempotency
   SET status = :status::int, content_type = :content_type::text, headers = :headers::jsonb, answer = :answer::text
 WHERE caller = :caller::text AND key = :key::text;

-- name: idempotency_drop :one_row
-- An answer that may differ next time is not kept.
DELETE FROM idempotency
 WHERE caller = :caller::text AND key = :key::text;

-- name: idempotency_get :maybe
SELECT fingerprint, status, content_type, headers, answer
  FROM idempotency
 WHERE caller = :caller::text AND key = :key::text;

-- == Tasks ============================================================================================================

-- name: task_add :exec
INSERT INTO task (id, kind, subject, key, body, due_at, correlation_id, traceparent)
VALUES (:id::uuid, :kind::text, :subject::text, :key::text, :body::text,
        now() + :delay_ms::bigint * interval '1 millisecond', :correlation_id::text, :traceparent::text)
    ON CONFLICT (key) DO NOTHING;

-- name: task_cancel :exec
UPDATE task
   SET state = 'cancelled', updated_at = now()
 WHERE key = :key::text AND state = 'due';

-- name: task_take :many
-- What is due, and what a copy took and did not answer within its lease.
WITH due AS MATERIALIZED (
    SELECT id
      FROM task
     WHERE kind = :kind::text AND state IN ('due', 'running') AND due_at <= now()
       AND (state = 'due' OR lease_until <= now())
     ORDER BY due_at
     LIMIT :count::bigint
       FOR UPDATE SKIP LOCKED)
UPDATE task
   SET state = 'running', attempt = attempt + 1, fence = fence + 1, updated_at = now(),
       lease_until = now() + :lease_ms::bigint * interval '1 millisecond'
  FROM due
 WHERE task.id = due.id
RETURNING task.id, task.kind, task.subject, task.key, task.body, task.attempt, task.fence, task.created_at,
          task.correlation_id, task.traceparent;

-- name: task_finish :one_row
-- Refused when another copy took the task meanwhile: then nothing of this transaction counts.
UPDATE task
   SET state = :state::text, why = :why::text, lease_until = NULL, updated_at = now()
 WHERE id = :id::uuid AND fence = :fence::bigint AND state = 'running';

-- name: task_again :one_row
-- Due again later. `uncalled` gives back an attempt that was not made.
UPDATE task
   SET state = 'due', why = :why::text, lease_until = NULL, updated_at = now(), attempt = attempt - :uncalled::int,
       due_at = now() + :delay_ms::bigint * interval '1 millisecond'
 WHERE id = :id::uuid AND fence = :fence::bigint AND state = 'running';

-- == Work items =======================================================================================================

-- name: work_item_open :exec
INSERT INTO work_item (id, kind, subject, cause, actions, due_at)
VALUES (:id::uuid, :kind::text, :subject::text, :cause::text, :actions::text,
        now() + :due_ms::bigint * interval '1 millisecond')
    ON CONFLICT (kind, subject) WHERE closed_at IS NULL DO NOTHING;

-- name: work_item_close :exec
UPDATE work_item
   SET closed_at = now(), closed_by = :by::text, outcome = :how::text
 WHERE kind = :kind::text AND subject = :subject::text AND closed_at IS NULL;

-- == Maintenance ======================================================================================================

-- name: idempotency_expire :exec
DELETE FROM idempotency
 WHERE (caller, key) IN (SELECT caller, key
                           FROM idempotency
                          WHERE created_at < now() - interval '24 hours'
                          LIMIT 1000
                            FOR UPDATE SKIP LOCKED);

-- name: task_expire :exec
DELETE FROM task
 WHERE id IN (SELECT id
                FROM task
               WHERE state IN ('done', 'refused', 'cancelled') AND updated_at < now() - interval '7 days'
               LIMIT 1000
                 FOR UPDATE SKIP LOCKED);

-- name: inbox_expire :exec
DELETE FROM inbox
 WHERE (source, event_id) IN (SELECT source, event_id
                                FROM inbox
                               WHERE handled_at < now() - interval '60 days'
                               LIMIT 1000
                                 FOR UPDATE SKIP LOCKED);

-- name: outbox_history_keep :exec
SELECT outbox_history_keep(7, 2);

-- name: outbox_history_rest_expire :exec
DELETE FROM outbox_history_rest
 WHERE ctid = ANY (ARRAY(SELECT ctid
                           FROM outbox_history_rest
                          WHERE created_at < now() - interval '7 days'
                          LIMIT 1000
                            FOR UPDATE SKIP LOCKED));

-- == Relay ============================================================================================================

-- name: relay_lease_take :maybe
-- The epoch tells a copy that was stopped and woke up later that it is not the one any more.
UPDATE relay_lease
   SET holder = :holder::text, epoch = epoch + 1, expires_at = now() + :lease_ms::bigint * interval '1 millisecond'
 WHERE expires_at <= now()
RETURNING epoch;

-- name: relay_lease_renew :exec
UPDATE relay_lease
   SET expires_at = now() + :lease_ms::bigint * interval '1 millisecond'
 WHERE holder = :holder::text AND epoch = :epoch::bigint;

-- name: relay_lease_give_up :exec
UPDATE relay_lease
   SET expires_at = now()
 WHERE holder = :holder::text AND epoch = :epoch::bigint;

-- name: outbox_read :many
-- No row: the lease is lost. One row without an id: nothing to publish. A batch is also limited by its bytes.
SELECT next.id, next.event_id, next.topic, next.key, next.sequence, next.type, next.correlation_id, next.causation_id,
       next.traceparent, next.body, next.created_at
  FROM relay_lease AS lease
  LEFT JOIN (SELECT id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body,
                    created_at, sum(octet_length(body)) OVER (ORDER BY id) - octet_length(body) AS bytes_before
               FROM (SELECT id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body,
                            created_at
                       FROM outbox
                      ORDER BY id
                      LIMIT :count::bigint) AS oldest) AS next ON next.bytes_before < 4194304
 WHERE lease.holder = :holder::text AND lease.epoch = :epoch::bigint
 ORDER BY next.id;

-- name: outbox_move :exec
-- Only for the copy that holds the lease, which it renews on the way.
WITH lease AS (
    UPDATE relay_lease
       SET expires_at = now() + :lease_ms::bigint * interval '1 millisecond'
     WHERE holder = :holder::text AND epoch = :epoch::bigint
    RETURNING epoch),
gone AS (
    DELETE FROM outbox
     WHERE id = ANY (:ids::bigint[]) AND EXISTS (SELECT FROM lease)
    RETURNING id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body, created_at)
INSERT INTO outbox_history (id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body,
                            created_at)
SELECT id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body, created_at
  FROM gone;

-- == Consumer =========================================================================================================

-- name: position_ensure :exec
INSERT INTO position (topic, partition, next_offset)
SELECT topic, partition, 0
  FROM unnest(:topics::text[], :partitions::bigint[]) AS ours (topic, partition)
 ORDER BY topic, partition
    ON CONFLICT (topic, partition) DO NOTHING;

-- name: position_lock :many
-- The lock that keeps a copy which lost a partition, and does not know it yet, apart from the one that has it now.
-- unlimited: one row for each partition asked for
SELECT place.topic, place.partition, place.next_offset
  FROM position AS place
  JOIN unnest(:topics::text[], :partitions::bigint[]) AS ours (topic, partition)
    ON place.topic = ours.topic AND place.partition = ours.partition
 ORDER BY place.topic, place.partition
   FOR UPDATE OF place;

-- name: position_move :exec
UPDATE position AS place
   SET next_offset = ours.next_offset
  FROM unnest(:topics::text[], :partitions::bigint[], :next_offsets::bigint[]) AS ours (topic, partition, next_offset)
 WHERE place.topic = ours.topic AND place.partition = ours.partition;

-- name: handled_get :many
-- For each key, in the order asked: its last version, and the first of what is parked (-1: nothing is).
-- unlimited: one row for each key asked for
SELECT ours.topic, ours.key, coalesce(handled.sequence, 0) AS sequence,
       coalesce(first.sequence, -1) AS parked_from, coalesce(first.reason, '') AS parked_reason
  FROM unnest(:topics::text[], :keys::text[]) WITH ORDINALITY AS ours (topic, key, place)
  LEFT JOIN handled ON handled.topic = ours.topic AND handled.key = ours.key
  LEFT JOIN LATERAL (SELECT sequence, reason
                       FROM set_aside
                      WHERE state = 'parked' AND topic = ours.topic AND key = ours.key
                      ORDER BY sequence, id
                      LIMIT 1) AS first ON true
 ORDER BY ours.place;

-- name: handled_set :exec
INSERT INTO handled (topic, key, sequence)
SELECT topic, key, sequence
  FROM unnest(:topics::text[], :keys::text[], :sequences::bigint[]) AS ours (topic, key, sequence)
    ON CONFLICT (topic, key) DO UPDATE SET sequence = excluded.sequence;

-- name: inbox_get :many
-- unlimited: at most one row for each event asked for
SELECT inbox.source, inbox.event_id
  FROM inbox
  JOIN unnest(:sources::text[], :event_ids::text[]) AS ours (source, event_id)
    ON inbox.source = ours.source AND inbox.event_id = ours.event_id;

-- name: inbox_add :exec
INSERT INTO inbox (source, event_id)
SELECT source, event_id
  FROM unnest(:sources::text[], :event_ids::text[]) AS ours (source, event_id)
    ON CONFLICT (source, event_id) DO NOTHING;

-- == Messages set aside ===============================================================================================

-- name: set_aside_add :exec
INSERT INTO set_aside (state, waits_for, topic, partition, "offset", key, sequence, event_id, type, correlation_id,
                       causation_id, traceparent, occurred_at, body, reason)
VALUES (:state::text, :waits_for::text, :topic::text, :partition::int, :at_offset::bigint, :key::text,
        :sequence::bigint, :event_id::text, :type::text, :correlation_id::text, :causation_id::text,
        :traceparent::text, :occurred_at::timestamptz, :body::text, :reason::text)
    ON CONFLICT (topic, event_id) DO NOTHING;

-- name: set_aside_drop :exec
DELETE FROM set_aside
 WHERE id = :id::bigint;

-- name: waiting_lock :exec
-- Between looking for the aggregate and going to wait for it, nobody may make it and miss us.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':' || :waits_for::text, 0));

-- name: waiting_get :many
SELECT id, waits_for, topic, partition, "offset", key, sequence, event_id, type, correlation_id, causation_id,
       traceparent, occurred_at, body
  FROM set_aside
 WHERE state = 'waiting' AND waits_for = :waits_for::text AND id > :after_id::bigint
 ORDER BY id
 LIMIT :count::bigint;

-- name: waiting_move :exec
-- It waits for another aggregate now.
UPDATE set_aside
   SET waits_for = :waits_for::text
 WHERE id = :id::bigint;

-- name: waiting_park :exec
-- Keeps what it waited for: its version already counts as handled, so the order of its key says nothing about it.
UPDATE set_aside
   SET state = 'parked', reason = :reason::text, attempts = attempts + 1
 WHERE id = :id::bigint;

-- name: waiting_overdue :many
-- Those that wait for too long, each once.
UPDATE set_aside
   SET attempts = 1
 WHERE id IN (SELECT id
                FROM set_aside
               WHERE state = 'waiting' AND attempts = 0
                 AND created_at < now() - :seconds::bigint * interval '1 second'
               ORDER BY id
               LIMIT 100
                 FOR UPDATE SKIP LOCKED)
RETURNING id, waits_for, topic, key, event_id, type;

-- name: set_aside_count :one
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'parked') AS parked
  FROM set_aside;

-- name: parked_keys :many
SELECT topic, key, min(partition) AS partition
  FROM set_aside
 WHERE state = 'parked' AND (topic, key) > (:after_topic::text, :after_key::text)
 GROUP BY topic, key
 ORDER BY topic, key
 LIMIT 100;

-- name: parked_first :maybe
SELECT id, waits_for, topic, partition, "offset", key, sequence, event_id, type, correlation_id, causation_id,
       traceparent, occurred_at, body
  FROM set_aside
 WHERE state = 'parked' AND topic = :topic::text AND key = :key::text
 ORDER BY sequence, id
 LIMIT 1;

-- name: parked_failed :exec
UPDATE set_aside
   SET reason = :reason::text, attempts = attempts + 1
 WHERE id = :id::bigint;

-- == Desk =============================================================================================================

-- name: work_item_list :many
-- What is open, oldest first.
SELECT id, kind, subject, cause, to_jsonb(string_to_array(actions, ' ')) AS actions, due_at, created_at
  FROM work_item
 WHERE closed_at IS NULL AND (:after::uuid IS NULL OR id > :after)
 ORDER BY id
 LIMIT :limit::bigint;

-- name: work_item_finish :maybe
-- Of two who close it at once one gets it.
UPDATE work_item
   SET closed_at = now(), closed_by = :by::text, outcome = :how::text
 WHERE id = :id::uuid AND closed_at IS NULL
RETURNING id, kind, subject, cause, to_jsonb(string_to_array(actions, ' ')) AS actions, due_at, created_at, closed_at,
          closed_by, outcome;

-- name: work_item_get :maybe
SELECT id, closed_at, closed_by
  FROM work_item
 WHERE id = :id::uuid;

-- name: set_aside_list :many
-- Without bodies: they may hold what is personal.
SELECT id, state, topic, partition, "offset", key, sequence, event_id, type,
       CASE state WHEN 'waiting' THEN 'waits for ' || waits_for ELSE reason END AS reason,
       attempts, occurred_at, created_at
  FROM set_aside
 ORDER BY id
 LIMIT :limit::bigint;

-- name: parked_count :one
SELECT count(*) AS asked
  FROM set_aside
 WHERE state = 'parked';
