-- Has the events of a service's last days published once more, and all that it listens to read from the beginning: for
-- when the broker lost what it had. Run it as that service, with psql, while no copy of it runs. Nothing is handled
-- twice, since services know what they have handled by version. -v days=N for fewer days than all that are kept.
\set ON_ERROR_STOP on
\if :{?days}
\else
    \set days 7
\endif

BEGIN;
DO $$
BEGIN
    IF EXISTS (SELECT FROM relay_lease WHERE expires_at > now()) THEN
        RAISE EXCEPTION 'a copy of this service is running; stop it first';
    END IF;
END;
$$;

-- Under their old ids, and so before those that were never published.
WITH back AS (
    DELETE FROM outbox_history
     WHERE created_at > now() - :'days'::int * interval '1 day'
    RETURNING id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body, created_at)
INSERT INTO outbox (id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body, created_at)
OVERRIDING SYSTEM VALUE
SELECT id, event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body, created_at
  FROM back;

UPDATE position
   SET next_offset = 0;
COMMIT;
