-- Notifications: every statement of the service.

-- name: order_add :exec
INSERT INTO known_order (id, shop, number, cart_id, locale, email, name)
VALUES (:id::uuid, :shop::text, :number::text, :cart_id::uuid, :locale::text, :email::text, :name::text)
ON CONFLICT (id) DO NOTHING;

-- name: order_find :maybe
SELECT id, shop, number, cart_id, locale, email, name
  FROM known_order
 WHERE id = :id::uuid;

-- name: notifications_save :many
-- What became of mails. A mail that has become nothing yet is only a task. `news`: 1 where it is told as an event.
-- unlimited: one row for each mail
INSERT INTO notification AS known (message_id, id, shop, event_id, template, recipient, subject_id, state, why, attempts,
                                   version)
SELECT message_id, id, shop, event_id, template, recipient, subject_id, state, why, attempts, news
  FROM unnest(:message_ids::text[], :ids::uuid[], :shops::text[], :event_ids::uuid[], :templates::text[],
              :recipients::text[], :subject_ids::uuid[], :states::text[], :whys::text[], :attempts::bigint[],
              :news::bigint[])
       AS mail (message_id, id, shop, event_id, template, recipient, subject_id, state, why, attempts, news)
 ORDER BY event_id, message_id
    ON CONFLICT (event_id, message_id) DO UPDATE
   SET state = excluded.state, why = excluded.why, attempts = excluded.attempts,
       version = known.version + excluded.version, updated_at = now()
RETURNING message_id, id, version;
