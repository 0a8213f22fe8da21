#!/bin/sh
# Fails when the committed documents are not what the programs say about themselves today. gen-check.sh [VARIANT]
set -eu
cd "$(dirname "$0")/.."

variant=${1:-plain}
fresh=$(mktemp -d)
trap 'rm -r "$fresh"' EXIT

make --silent --no-print-directory VARIANT="$variant" all > /dev/null
tools/gen-docs.sh "$fresh" "build/$variant/bin"
if ! diff -r "$fresh/processes" docs/processes || ! diff "$fresh/settings.md" docs/settings.md; then
    echo "gen-check: documents are out of date; make them anew with: tools/gen-docs.sh" >&2
    exit 1
fi
