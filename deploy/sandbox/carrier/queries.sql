-- The carrier sandbox: every statement.

-- name: parcel_add :exec
INSERT INTO parcel (tracking_number, note)
VALUES (:tracking_number::text, :note::text)
    ON CONFLICT (tracking_number) DO NOTHING;

-- name: report_add :exec
INSERT INTO report (id, event_id, tracking_number, kind, body)
VALUES (:id::uuid, :event_id::text, :tracking_number::text, :kind::text, :body::text);

-- name: report_tried :exec
UPDATE report
   SET state = :state::text, attempts = attempts + 1, last_status = :status::int,
       delivered_at = CASE WHEN :state = 'delivered' THEN now() ELSE delivered_at END
 WHERE id = :id::uuid;

-- name: reports_show :many
-- plan: each time
SELECT serial, event_id, tracking_number, kind, state, attempts, last_status, created_at, delivered_at
  FROM report
 WHERE serial > :after::bigint AND (:tracking_number::text IS NULL OR tracking_number = :tracking_number)
 ORDER BY serial
 LIMIT :count::bigint;
