-- What keeps the common tables small and ties tasks to the journey that they belong to.

ALTER TABLE task
    ADD COLUMN correlation_id text NOT NULL DEFAULT '',
    ADD COLUMN traceparent    text NOT NULL DEFAULT '';
CREATE INDEX task_over ON task (updated_at) WHERE state IN ('done', 'refused', 'cancelled');

-- Makes the history's partitions for today and the `ahead` days after, and drops those older than `keep` days. A new
-- partition is filled with the rows of its day that the default partition already has, before it is attached: only so
-- they don't block it. One copy at a time; another one that comes meanwhile does nothing.
CREATE FUNCTION outbox_history_keep(keep int, ahead int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    day   date;
    part  text;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('outbox_history_keep'), hashtext(current_schema())) THEN
        RETURN;
    END IF;

    FOR day IN SELECT today + n FROM generate_series(0, ahead) AS n LOOP
        part := to_char(day, '"outbox_history_y"YYYY"m"MM"d"DD');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;

        EXECUTE format('CREATE TABLE %I (LIKE outbox_history INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
        EXECUTE format('WITH moved AS (DELETE FROM outbox_history_rest'
                       ' WHERE created_at >= %1$L AND created_at < %2$L RETURNING *)'
                       ' INSERT INTO %3$I SELECT * FROM moved',
                       day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC', part);
        EXECUTE format('ALTER TABLE outbox_history ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       part, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    END LOOP;

    FOR part IN SELECT child.relname
                  FROM pg_inherits
                  JOIN pg_class child ON child.oid = pg_inherits.inhrelid
                 WHERE pg_inherits.inhparent = 'outbox_history'::regclass
                   AND child.relname ~ '^outbox_history_y[0-9]{4}m[0-9]{2}d[0-9]{2}$'
                   AND to_date(right(child.relname, 11), '"y"YYYY"m"MM"d"DD') < today - keep LOOP
        EXECUTE format('DROP TABLE %I', part);
    END LOOP;
END;
$$;
