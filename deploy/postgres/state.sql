-- How much is under way in each service, for a person: run it with psql as the superuser, in the database waybill.
--
--   unpublished, oldest   events that the broker does not have yet, and the age of the first
--   waiting, parked       messages set aside: for what is not here yet, and what could not be processed
--   due, overdue          calls outside that should be made now, and since when the first one should
--   abandoned             calls that a copy took and did not answer within its lease
--   items, late           open work items, and those of them past their time
--   relay                 seconds until the relay's lease ends; below zero: no copy relays
SELECT string_agg(format($each$
    SELECT %1$L AS service,
           (SELECT count(*) FROM %1$I.outbox) AS unpublished,
           (SELECT date_trunc('second', now() - min(created_at)) FROM %1$I.outbox) AS oldest,
           (SELECT count(*) FROM %1$I.set_aside WHERE state = 'waiting') AS waiting,
           (SELECT count(*) FROM %1$I.set_aside WHERE state = 'parked') AS parked,
           (SELECT count(*) FROM %1$I.task WHERE state = 'due' AND due_at <= now()) AS due,
           (SELECT date_trunc('second', now() - min(due_at)) FROM %1$I.task WHERE state = 'due' AND due_at <= now()) AS overdue,
           (SELECT count(*) FROM %1$I.task WHERE state = 'running' AND lease_until <= now()) AS abandoned,
           (SELECT count(*) FROM %1$I.work_item WHERE closed_at IS NULL) AS items,
           (SELECT count(*) FROM %1$I.work_item WHERE closed_at IS NULL AND due_at <= now()) AS late,
           (SELECT extract(epoch FROM expires_at - now())::numeric(6, 1) FROM %1$I.relay_lease) AS relay$each$, nspname),
    ' UNION ALL ' ORDER BY nspname) || ' ORDER BY service'
  FROM pg_namespace
 WHERE to_regclass(format('%I.relay_lease', nspname)) IS NOT NULL
\gexec
