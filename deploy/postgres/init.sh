#!/bin/sh
# Makes the databases, roles and schemas; can be run again at any time. libpq's PGHOST, PGPORT, PGUSER and PGPASSWORD
# say where and as which superuser.
#
#   WAYBILL_PASSWORD_<SERVICE>      makes role waybill_<service>, owner of schema <service> in database waybill
#   WAYBILL_PASSWORD_SANDBOX_<NAME> makes role sandbox_<name>, owner of schema <name> in database sandbox
#   WAYBILL_PASSWORD_TEST           makes role waybill_test, owner of database waybill_test
#
# A role reaches its own database and its own schema and nothing else. Services migrate their schemas themselves.
set -eu

# Passwords reach psql through its environment, so neither a command line nor the server's log shows them.
sql() {
    psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --dbname="$1" > /dev/null
}

database() { # NAME
    cat << SQL
SELECT 'CREATE DATABASE $1' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '$1') \gexec
REVOKE ALL ON DATABASE $1 FROM PUBLIC;
SQL
}

role() { # NAME, VARIABLE WITH ITS PASSWORD
    cat << SQL
SET log_min_error_statement = panic;
SET log_min_duration_statement = -1;
\getenv password $2
SELECT 'CREATE ROLE $1' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$1') \gexec
ALTER ROLE $1 LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
ALTER ROLE $1 SET idle_in_transaction_session_timeout = '10s';
SQL
}

# A service may be waiting already: its role may connect once its schema is there, not before.
schema() { # NAME, OWNER
    cat << SQL
CREATE SCHEMA IF NOT EXISTS "$1" AUTHORIZATION $2;
REVOKE ALL ON SCHEMA "$1" FROM PUBLIC;
ALTER ROLE $2 SET search_path = "$1", pg_temp;
GRANT CONNECT ON DATABASE :"DBNAME" TO $2;
SQL
}

names() { # PATTERN: the lower-case ends of the variables that match it
    env | sed -n "s/^WAYBILL_PASSWORD_$1=.*/\1/p" | tr '[:upper:]' '[:lower:]' | sort
}

upper() {
    echo "$1" | tr '[:lower:]' '[:upper:]'
}

sandboxes=$(names 'SANDBOX_\([A-Z]*\)')
services=$(names '\([A-Z]*\)' | grep -v '^test$' || true)

{
    echo "REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;"
    database waybill
    for name in $services; do
        role "waybill_$name" "WAYBILL_PASSWORD_$(upper "$name")"
    done
    if [ -n "$sandboxes" ]; then
        database sandbox
    fi
    for name in $sandboxes; do
        role "sandbox_$name" "WAYBILL_PASSWORD_SANDBOX_$(upper "$name")"
    done
    if [ -n "${WAYBILL_PASSWORD_TEST:-}" ]; then
        database waybill_test
        role waybill_test WAYBILL_PASSWORD_TEST
        echo "ALTER DATABASE waybill_test OWNER TO waybill_test;"
    fi
} | sql postgres

{
    echo "REVOKE ALL ON SCHEMA public FROM PUBLIC;"
    for name in $services; do
        schema "$name" "waybill_$name"
    done
} | sql waybill

if [ -n "$sandboxes" ]; then
    {
        echo "REVOKE ALL ON SCHEMA public FROM PUBLIC;"
        for name in $sandboxes; do
            schema "$name" "sandbox_$name"
        done
    } | sql sandbox
fi
