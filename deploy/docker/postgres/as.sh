#!/bin/sh
# Runs a client inside the container as one service, or as the superuser "postgres":
#
#   docker compose exec postgres sh /opt/postgres/as.sh order psql
#   docker compose exec postgres sh /opt/postgres/as.sh postgres psql -f /opt/postgres/state.sql
set -eu

who=$1
shift
export PGHOST=127.0.0.1 PGPORT=5432 PGDATABASE=waybill PGUSER="waybill_$who"
case $who in
    postgres) PGUSER=postgres PGPASSWORD=$POSTGRES_PASSWORD ;;
    *) eval "PGPASSWORD=\$WAYBILL_PASSWORD_$(echo "$who" | tr '[:lower:]' '[:upper:]')" ;;
esac
export PGPASSWORD
exec "$@"
