#!/bin/sh
# Puts a base backup in the place of a stopped server's cluster, and has the next start go on from there through the kept
# log, up to a moment. As the user that runs the server.
#
#   POSTGRES_DATA=... POSTGRES_ARCHIVE=... restore.sh BASE ['2026-11-23 12:00:00+00']
#
# BASE is a folder that pg_basebackup made. Without a moment it goes as far as the log does. What was there stays as
# <POSTGRES_DATA>.before until somebody removes it.
set -eu

base=$1
moment=${2:-}

give_up() {
    echo "restore.sh: $1" >&2
    exit 1
}

[ -f "$base/backup_label" ] || give_up "$base is not a base backup"
[ -d "$POSTGRES_ARCHIVE" ] || give_up "there is no kept log in $POSTGRES_ARCHIVE"
if [ -f "$POSTGRES_DATA/postmaster.pid" ] && kill -0 "$(head -1 "$POSTGRES_DATA/postmaster.pid")" 2> /dev/null; then
    give_up "the server runs: stop it first"
fi
[ ! -e "$POSTGRES_DATA.before" ] || give_up "$POSTGRES_DATA.before is there from the last time: remove it"

# Made beside its place and renamed, so that it is there whole or not at all.
rm -rf "$POSTGRES_DATA.new"
cp -a "$base" "$POSTGRES_DATA.new"
chmod 0700 "$POSTGRES_DATA.new"
# Nobody is let in before it is back there: what could be read meanwhile is neither then nor now.
{
    echo "restore_command = 'cp \"$POSTGRES_ARCHIVE/%f\" \"%p\"'"
    echo "recovery_target_timeline = 'latest'"
    if [ -n "$moment" ]; then
        echo "recovery_target_time = '$moment'"
    fi
    echo "recovery_target_action = 'promote'"
    echo "hot_standby = off"
} >> "$POSTGRES_DATA.new/postgresql.auto.conf"
touch "$POSTGRES_DATA.new/recovery.signal"
if [ -e "$POSTGRES_DATA" ]; then
    mv "$POSTGRES_DATA" "$POSTGRES_DATA.before"
fi
mv "$POSTGRES_DATA.new" "$POSTGRES_DATA"
echo "the next start goes back to ${moment:-the end of the kept log}"
