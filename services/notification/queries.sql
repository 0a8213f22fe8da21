-- Notifications: every statement of the service.

-- name: order_add :exec
INSERT INTO known_order (id, shop, number, cart_id, locale, email, name)
VALUES (:id::uuid, :shop::text, :number::text, :cart_id::uuid, :locale::text, :email::text, :name::text)
ON CONFLICT (id) DO NOTHING;

-- name: order_find :maybe
SELECT id, shop, number, cart_id, locale, email, name
  FROM known_order
 WHERE id = :id::uuid;

-- name: notification_add :exec
INSERT INTO notification (id, shop, message_id, event_id, template, recipient, subject_id)
VALUES (:id::uuid, :shop::text, :message_id::text, :event_id::uuid, :template::text, :recipient::text, :subject_id::uuid)
ON CONFLICT (message_id) DO NOTHING;

-- name: notification_lock :one
SELECT id, shop, message_id, template, subject_id, state, version
  FROM notification
 WHERE message_id = :message_id::text
   FOR UPDATE;

-- name: notification_save :one_row
UPDATE notification
   SET state = :state::text,
       attempts = :attempts::bigint,
       why = :why::text,
       version = :version::bigint,
       updated_at = now()
 WHERE id = :id::uuid;
