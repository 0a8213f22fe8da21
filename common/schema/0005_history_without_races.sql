-- The same as in 0002, safe beside relays that write. It used to fail when a relay's transaction had put a row into the
-- default partition that the move did not see and the attaching did.

-- Drops the history's partitions older than `keep` days, and makes those for today and the `ahead` days after. A new
-- partition is filled with the rows of its day that the default partition already has, before it is attached: only so
-- they don't block it. Nobody may add to those meanwhile, and whoever did before is waited for. Dropping locks the whole
-- table and comes first: a relay too locks the table before its partition. One copy at a time; another one that comes
-- meanwhile does nothing.
CREATE OR REPLACE FUNCTION outbox_history_keep(keep int, ahead int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    day   date;
    part  text;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('outbox_history_keep'), hashtext(current_schema())) THEN
        RETURN;
    END IF;

    FOR part IN SELECT child.relname
                  FROM pg_inherits
                  JOIN pg_class child ON child.oid = pg_inherits.inhrelid
                 WHERE pg_inherits.inhparent = 'outbox_history'::regclass
                   AND child.relname ~ '^outbox_history_y[0-9]{4}m[0-9]{2}d[0-9]{2}$'
                   AND to_date(right(child.relname, 11), '"y"YYYY"m"MM"d"DD') < today - keep LOOP
        EXECUTE format('DROP TABLE %I', part);
    END LOOP;

    FOR day IN SELECT today + n FROM generate_series(0, ahead) AS n LOOP
        part := to_char(day, '"outbox_history_y"YYYY"m"MM"d"DD');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;

        LOCK TABLE outbox_history_rest IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('CREATE TABLE %I (LIKE outbox_history INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
        EXECUTE format('WITH moved AS (DELETE FROM outbox_history_rest'
                       ' WHERE created_at >= %1$L AND created_at < %2$L RETURNING *)'
                       ' INSERT INTO %3$I SELECT * FROM moved',
                       day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC', part);
        EXECUTE format('ALTER TABLE outbox_history ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       part, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    END LOOP;
END;
$$;
