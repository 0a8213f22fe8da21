#!/bin/sh
# Fails when the committed documents are not what the programs say about themselves today.
set -eu
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -r "$fresh"' EXIT

make --silent --no-print-directory VARIANT=plain all > /dev/null
tools/gen-docs.sh "$fresh"
if ! diff -r "$fresh/processes" docs/processes || ! diff "$fresh/settings.md" docs/settings.md; then
    echo "gen-check: documents are out of date; make them anew with: tools/gen-docs.sh" >&2
    exit 1
fi
