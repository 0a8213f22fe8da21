-- Where this schema was when its service last knew what it holds.
CREATE TABLE lineage (
    only_row boolean NOT NULL DEFAULT true,
    place    text    NOT NULL,
    CONSTRAINT lineage_pkey PRIMARY KEY (only_row),
    CONSTRAINT lineage_single CHECK (only_row)
);

-- Where it is: which server, in which of its lives (one that goes back to an earlier moment, or takes over from another
-- one, goes on in a new timeline), and as which table (what is restored from a dump is made anew).
CREATE FUNCTION place_now() RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT system_identifier || '/' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) || '/'
           || to_regclass('lineage')::oid
      FROM pg_control_system();
$$;

INSERT INTO lineage (place) VALUES (place_now());
