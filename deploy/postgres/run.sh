#!/bin/sh
# Runs one PostgreSQL server in the foreground; makes its cluster the first time. Not as root.
#
#   POSTGRES_BIN       folder with initdb and postgres (Debian: /usr/lib/postgresql/VERSION/bin)
#   POSTGRES_DATA      folder of the cluster
#   POSTGRES_HOST      address to listen on
#   POSTGRES_PORT      port to listen on
#   POSTGRES_SOCKETS   folder for the unix socket; empty: none
#   POSTGRES_PASSWORD  password of the superuser "postgres", needed the first time
#   POSTGRES_ARCHIVE   folder where the log is kept, for restore.sh; empty: nowhere
set -eu

here=$(dirname "$0")

if [ ! -f "$POSTGRES_DATA/PG_VERSION" ]; then
    # Made beside its place and renamed, so that one that was cut short is never taken for whole.
    rm -rf "$POSTGRES_DATA.new"
    mkdir -p "$(dirname "$POSTGRES_DATA")"
    umask 077
    printf '%s\n' "$POSTGRES_PASSWORD" > "$POSTGRES_DATA.password"
    # Texts are compared byte by byte, which orders UTF-8 as C.UTF-8 does, and is cheaper.
    "$POSTGRES_BIN/initdb" --pgdata="$POSTGRES_DATA.new" --username=postgres --pwfile="$POSTGRES_DATA.password" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --lc-collate=C --data-checksums > /dev/null
    rm "$POSTGRES_DATA.password"
    mv "$POSTGRES_DATA.new" "$POSTGRES_DATA"
fi
unset POSTGRES_PASSWORD
# Where it is allowed, in turn and not at once when woken (docs/adr/0009-no-pushing-aside.md).
in_turn=
chrt --batch 0 true 2> /dev/null && in_turn="chrt --batch 0"
set -- -c config_file="$here/postgresql.conf" -c hba_file="$here/pg_hba.conf"
if [ -n "${POSTGRES_ARCHIVE:-}" ]; then
    mkdir -p "$POSTGRES_ARCHIVE"
    set -- "$@" -c archive_mode=on -c archive_timeout=60 -c archive_command="sh '$here/archive.sh' '%p' '%f'"
fi
exec $in_turn "$POSTGRES_BIN/postgres" -D "$POSTGRES_DATA" -p "$POSTGRES_PORT" -h "$POSTGRES_HOST" -k "${POSTGRES_SOCKETS:-}" \
    "$@"
