#!/bin/sh
# Runs PostgreSQL in a container and, each time it starts, makes the roles and schemas that are missing. Passwords come
# as POSTGRES_PASSWORD and as the variables of deploy/postgres/init.sh.
set -eu

here=$(dirname "$0")
POSTGRES_BIN=$(dirname "$(ls /usr/lib/postgresql/*/bin/initdb)")
version=$(basename "$(dirname "$POSTGRES_BIN")")
export POSTGRES_BIN POSTGRES_DATA="/var/lib/waybill/$version" POSTGRES_HOST='*' POSTGRES_PORT=5432
export PGHOST=127.0.0.1 PGPORT=$POSTGRES_PORT PGUSER=postgres PGPASSWORD="$POSTGRES_PASSWORD" PGCONNECT_TIMEOUT=5

# The server needs none of the services' passwords.
# shellcheck disable=SC2046 # names without spaces
(unset $(env | sed -n 's/^\(WAYBILL_PASSWORD_[A-Z_]*\)=.*/\1/p') PGPASSWORD && exec sh "$here/run.sh") &
server=$!
# SIGINT is PostgreSQL's fast shutdown: sessions are ended, nothing is lost.
trap 'kill -INT "$server" 2> /dev/null || true' INT TERM

while kill -0 "$server" 2> /dev/null && ! "$POSTGRES_BIN/pg_isready" --quiet; do
    sleep 0.2
done
if kill -0 "$server" 2> /dev/null; then
    sh "$here/init.sh" || kill -INT "$server"
fi

# A signal ends `wait`, but not yet the server.
status=0
wait "$server" || status=$?
while kill -0 "$server" 2> /dev/null; do
    status=0
    wait "$server" || status=$?
done
exit "$status"
