-- What every service's database does beside its own work. Tables: schema/0001_ways_of_working.sql.

-- == Outbox ===========================================================================================================

-- name: outbox_add :exec
-- One event. A list by unnest() costs twice as much for one, and as much for ten.
INSERT INTO outbox (event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body)
VALUES (:event_id::uuid, :topic::text, :key::text, :sequence::bigint, :type::text, :correlation_id::text,
        :causation_id::text, :traceparent::text, :body::text);

-- == Idempotency keys =================================================================================================

-- name: idempotency_claim :exec
-- Changes nothing when the key was used before. Waits for a parallel request with the same key until that one ends.
INSERT INTO idempotency (caller, key, fingerprint)
VALUES (:caller::text, :key::text, :fingerprint::text)
    ON CONFLICT (caller, key) DO NOTHING;

-- name: idempotency_store :exec
-- The key was claimed in this transaction.
UPDATE idempotency
   SET status = :status::int, content_type = :content_type::text, headers = :headers::jsonb, answer = :answer::text
 WHERE caller = :caller::text AND key = :key::text;

-- name: idempotency_drop :exec
-- An answer that may differ next time is not kept.
DELETE FROM idempotency
 WHERE caller = :caller::text AND key = :key::text;

-- name: idempotency_get :maybe
SELECT fingerprint, status, content_type, headers, answer
  FROM idempotency
 WHERE caller = :caller::text AND key = :key::text;

-- == Tasks ============================================================================================================
-- A task has a lease exactly while it is running. Where a row is found by id or key its state is asked by that: naming
-- 'due' or 'running' would let the planner go through the index of all that are due instead.

-- name: task_add :many
-- Those with a lease are taken already, by the copy that adds them: called only if they are among the rows. The lease
-- begins after the one that this copy reckons with. Sorted, so that two that add the same keys wait for each other at
-- the first.
-- unlimited: at most those that were given
INSERT INTO task (id, kind, subject, key, body, due_at, correlation_id, traceparent, state, attempt, fence, lease_until)
SELECT id, kind, subject, key, body, now() + delay_ms * interval '1 millisecond', correlation_id, traceparent,
       CASE lease_ms WHEN 0 THEN 'due' ELSE 'running' END, least(lease_ms, 1), least(lease_ms, 1),
       clock_timestamp() + nullif(lease_ms, 0) * interval '1 millisecond'
  FROM unnest(:ids::uuid[], :kinds::text[], :subjects::text[], :keys::text[], :bodies::text[], :delays_ms::bigint[],
              :leases_ms::bigint[], :correlation_ids::text[], :traceparents::text[])
       AS added (id, kind, subject, key, body, delay_ms, lease_ms, correlation_id, traceparent)
 ORDER BY key
    ON CONFLICT (key) DO NOTHING
RETURNING id;

-- name: task_cancel :exec
UPDATE task
   SET state = 'cancelled', updated_at = now()
 WHERE key = :key::text AND lease_until IS NULL AND state NOT IN ('done', 'refused', 'cancelled');

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
 WHERE id = :id::uuid AND fence = :fence::bigint AND lease_until IS NOT NULL;

-- name: task_finish_all :exec
-- Where it changes fewer than it was given, another copy took one of them.
UPDATE task
   SET state = ours.state, why = ours.why, lease_until = NULL, updated_at = now()
  FROM unnest(:ids::uuid[], :fences::bigint[], :states::text[], :whys::text[]) AS ours (id, fence, state, why)
 WHERE task.id = ours.id AND task.fence = ours.fence AND task.lease_until IS NOT NULL;

-- name: task_again :one_row
-- Due again later. `uncalled` gives back an attempt that was not made.
UPDATE task
   SET state = 'due', why = :why::text, lease_until = NULL, updated_at = now(), attempt = attempt - :uncalled::int,
       due_at = now() + :delay_ms::bigint * interval '1 millisecond'
 WHERE id = :id::uuid AND fence = :fence::bigint AND lease_until IS NOT NULL;

-- name: task_backlog :many
-- The calls that should be made now, by kind, and for how long the first has waited.
SELECT kind, count(*) AS count, extract(epoch FROM now() - min(greatest(due_at, lease_until)))::bigint AS oldest_s
  FROM task
 WHERE state IN ('due', 'running') AND due_at <= now() AND (state = 'due' OR lease_until <= now())
 GROUP BY kind
 ORDER BY kind
 LIMIT 100;

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

-- name: work_item_backlog :many
-- What is open, by kind, and how many of them are past their time.
SELECT kind, count(*) AS count, count(*) FILTER (WHERE due_at <= now()) AS late
  FROM work_item
 WHERE closed_at IS NULL
 GROUP BY kind
 ORDER BY kind
 LIMIT 100;

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

-- name: outbox_move :exec
-- What the broker acknowledged. Only for the copy that has the lease.
WITH gone AS (
    DELETE FROM outbox
     WHERE id = ANY (:ids::bigint[])
       AND EXISTS (SELECT FROM relay_lease WHERE holder = :holder::text AND epoch = :epoch::bigint)
    RETURNING id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body, created_at)
INSERT INTO outbox_history (id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body,
                            created_at)
SELECT id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body, created_at
  FROM gone;

-- name: outbox_read :many
-- No row: the lease is lost. One row without an id: nothing to publish. A batch is also limited by its bytes.
SELECT next.id, next.event_id, next.topic, next.key, next.sequence, next.type, next.correlation_id, next.causation_id,
       next.traceparent, next.body, next.created_at
  FROM relay_lease AS lease
  LEFT JOIN (SELECT id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body,
                    created_at,
                    sum(octet_length(body)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) - octet_length(body)
                        AS bytes_before
               FROM (SELECT id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body,
                            created_at
                       FROM outbox
                      ORDER BY id
                      LIMIT :count::bigint) AS oldest) AS next ON next.bytes_before < 4194304
 WHERE lease.holder = :holder::text AND lease.epoch = :epoch::bigint
 ORDER BY next.id;

-- == Consumer =========================================================================================================

-- name: position_ensure :exec
INSERT INTO position (topic, partition, next_offset)
SELECT topic, partition, 0
  FROM unnest(:topics::text[], :partitions::bigint[]) AS ours (topic, partition)
 ORDER BY topic, partition
    ON CONFLICT (topic, partition) DO NOTHING;

-- name: position_lock :many
-- The lock that keeps a copy which lost a partition, and does not know it yet, apart from the one that has it now.
-- Places are "topic/partition".
-- unlimited: one row for each partition asked for
SELECT topic, partition, next_offset
  FROM position
 WHERE place = ANY (:places::text[])
 ORDER BY place
   FOR UPDATE;

-- name: position_move :exec
UPDATE position
   SET next_offset = (:next_offsets::bigint[])[array_position(:places::text[], place)]
 WHERE place = ANY (:places);

-- name: handled_get :many
-- For each key its last version (0: none), and whether anything at all is parked: nearly always nothing is. Aggregates
-- are "topic/key".
-- unlimited: one row for each key asked for
SELECT ours.aggregate, coalesce(handled.sequence, 0) AS sequence,
       EXISTS (SELECT FROM set_aside WHERE state = 'parked') AS parks
  FROM (SELECT unnest(:aggregates::text[]) AS aggregate) AS ours
  LEFT JOIN handled ON handled.aggregate = ours.aggregate;

-- name: handled_parked :many
-- The first message of each key that is parked.
-- unlimited: at most one row for each key asked for
SELECT DISTINCT ON (topic, key) topic || '/' || key AS aggregate, sequence AS parked_from, reason AS parked_reason
  FROM set_aside
 WHERE state = 'parked' AND topic = ANY (:topics::text[]) AND key = ANY (:keys::text[])
 ORDER BY topic, key, sequence, id;

-- name: handled_add :exec
-- Keys that were not there when the positions were locked. To be ready for a conflict would cost as much again.
INSERT INTO handled (aggregate, sequence)
SELECT unnest(:aggregates::text[]), unnest(:sequences::bigint[]);

-- name: handled_set :exec
INSERT INTO handled (aggregate, sequence)
SELECT unnest(:aggregates::text[]), unnest(:sequences::bigint[])
    ON CONFLICT (aggregate) DO UPDATE SET sequence = excluded.sequence;

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

-- name: waiting_lock :many
-- Between looking for the aggregate and going to wait for it, nobody may make it and miss us. In the order of the keys.
-- unlimited: a batch has at most BATCH_MAX keys
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':' || waits_for, 0))
  FROM unnest(:keys::text[]) AS waits_for;

-- name: waiting_any :many
-- unlimited: a batch has at most BATCH_MAX keys
SELECT asked.id, EXISTS (SELECT FROM set_aside WHERE state = 'waiting' AND waits_for = asked.id) AS waits
  FROM unnest(:keys::text[]) AS asked (id);

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

-- == Lineage ==========================================================================================================

-- name: place_is_known :one
-- Asked by each new connection.
SELECT place = place_now() AS is_known
  FROM lineage;
