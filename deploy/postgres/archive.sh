#!/bin/sh
# PostgreSQL's archive_command: keeps a piece of the log in $POSTGRES_ARCHIVE. Whole or not at all, and the same piece
# again is as good as done.
set -eu

piece=$1
kept=$POSTGRES_ARCHIVE/$2

if [ -f "$kept" ]; then
    exec cmp --silent "$piece" "$kept"
fi
cp "$piece" "$kept.part"
sync "$kept.part"
mv "$kept.part" "$kept"
