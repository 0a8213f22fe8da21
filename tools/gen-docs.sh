#!/bin/sh
# Writes what programs say about themselves into a folder: settings.md, from --help of all of them, and
# processes/NAME.md, from --describe of each.
#
#   tools/gen-docs.sh [FOLDER [BIN]]     docs and build/plain/bin unless others are named
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C

docs=${1:-docs}
bin=${2:-build/plain/bin}

# NAME FILE of each process.
processes=$(
    for main in services/*/main.c; do
        name=$(basename "$(dirname "$main")")
        echo "$name $bin/waybill-$name"
    done
    for main in deploy/sandbox/*/main.c; do
        name=$(basename "$(dirname "$main")")-sandbox
        echo "$name $bin/$name"
    done
)

echo "$processes" | while read -r name file; do
    if [ ! -x "$file" ]; then
        echo "gen-docs: $name is not built; build it with: make" >&2
        exit 1
    fi
done

mkdir -p "$docs/processes"
rm -f "$docs"/processes/*.md
echo "$processes" | while read -r name file; do
    "$file" --describe > "$docs/processes/$name.md"
done

# A line of --help is "  NAME   what it is (range; secret; default)". Processes that say the same share a row.
{
    cat << 'TEXT'
# Settings

Made by `tools/gen-docs.sh` from `--help` of every program; do not edit.

Every setting is an environment variable; an empty one counts as not set. A process reads them once, when it starts. It
says all that is missing or wrong at once, on standard error, and ends with status 1.

A setting that takes several keys or secrets, comma-separated, is how they are changed without a break: see
[runbook.md](runbook.md#changing-keys).

| setting | what it is | value | who reads it |
|---|---|---|---|
TEXT
    echo "$processes" | while read -r name file; do
        "$file" --help | sed -n "s/^  \(WAYBILL_[A-Z_]*\) \{1,\}/$name\t\1\t/p"
    done | awk -F '\t' '
        {
            open = 0
            for (at = 1; at <= length($3); at++)
                if (substr($3, at, 2) == " (")
                    open = at
            what = substr($3, 1, open - 1)
            value = substr($3, open + 2, length($3) - open - 2)
            gsub(/\|/, "\\|", what)
            row = "| `" $2 "` | " what " | " value " |"
            who[row] = who[row] (row in who && who[row] != "" ? ", " : "") $1
            count[row]++
            if (!($1 in seen)) {
                seen[$1] = 1
                all++
            }
        }
        END {
            for (row in who)
                print row " " (count[row] == all ? "every process" : who[row]) " |"
        }' | sort
} > "$docs/settings.md"
