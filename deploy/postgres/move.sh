#!/bin/sh
# Moves the schema of one service to another server, where init.sh has made roles, database and schemas. The service is
# stopped; nothing else needs to be.
#
#   OLD_SERVER=postgresql://postgres:...@old:5432/waybill NEW_SERVER=postgresql://postgres:...@new:5432/waybill \
#       move.sh order
#
# Both are superusers, and passwords may stand in PGPASSFILE instead. Nothing is moved while somebody uses the old
# schema, or over a new one that has tables. What was moved stays in the old server as <schema>_moved, out of the
# service's reach, until somebody drops it.
set -eu

schema=$1
role=waybill_$schema

give_up() {
    echo "move.sh: $1" >&2
    exit 1
}

ask() { # SERVER, QUESTION: one value
    psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --dbname="$1" --command="$2"
}

tables="SELECT count(*) FROM pg_tables WHERE schemaname = '$schema'"

[ "$(ask "$OLD_SERVER" "$tables")" -gt 0 ] || give_up "the old server has no tables of \"$schema\""
[ "$(ask "$NEW_SERVER" "$tables")" -eq 0 ] || give_up "the new server has tables of \"$schema\" already"
[ "$(ask "$NEW_SERVER" "SELECT count(*) FROM pg_roles WHERE rolname = '$role'")" -eq 1 ] ||
    give_up "the new server has no role $role: let init.sh make it"
sessions="SELECT count(*) FROM pg_stat_activity WHERE usename = '$role'"
[ "$(ask "$OLD_SERVER" "$sessions")" -eq 0 ] || give_up "$role is connected to the old server: stop the service first"

# Nobody begins to use it from here on. Each step can be done again: what was not restored whole is not restored at all.
ask "$OLD_SERVER" "ALTER ROLE $role NOLOGIN" > /dev/null
dump=$(mktemp)
trap 'rm -f "$dump"' EXIT
pg_dump --format=custom --schema="\"$schema\"" --file="$dump" --dbname="$OLD_SERVER"
ask "$NEW_SERVER" "DROP SCHEMA IF EXISTS \"$schema\"" > /dev/null
pg_restore --single-transaction --exit-on-error --dbname="$NEW_SERVER" "$dump"
# Nothing is lost on this way, so the service may go on here.
ask "$NEW_SERVER" "SET search_path = \"$schema\"; UPDATE lineage SET place = place_now()" > /dev/null
ask "$OLD_SERVER" "ALTER SCHEMA \"$schema\" RENAME TO \"${schema}_moved\"" > /dev/null
ask "$NEW_SERVER" "ALTER ROLE $role LOGIN" > /dev/null
ask "$NEW_SERVER" "ANALYZE" > /dev/null
echo "\"$schema\" has moved: $(ask "$NEW_SERVER" "$tables") tables"
