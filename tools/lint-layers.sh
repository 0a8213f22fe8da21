#!/bin/sh
# Checks what ARCHITECTURE.md promises about who includes whom, and the limits of CONVENTIONS.md. One line a complaint:
# FILE:LINE: what is wrong. Ends with 1 if there is any. `lint-layers.sh FOLDER` checks another tree than this one.
set -eu
cd "${1:-$(dirname "$0")/..}"

# The levels of common/: "arena 0", one module a line, from the table in ARCHITECTURE.md.
levels() {
    awk -F '|' '/^\| [0-9] \|/ {
        text = $3
        gsub(/\([^)]*\)/, "", text)
        count = split(text, names, /[,; ]+/)
        for (i = 1; i <= count; i++)
            if (names[i] != "")
                print names[i], $2 + 0
    }' ARCHITECTURE.md
}

files() { # FOLDERS... -- NAMES...: the files of these names below these folders, as far as they are there
    folders=
    while [ "$1" != -- ]; do
        if [ -e "$1" ]; then folders="$folders $1"; fi
        shift
    done
    shift
    names=
    for name in "$@"; do names="$names ${names:+-o} -name $name"; done
    set -f # the names are for find
    # shellcheck disable=SC2086 # lists of words
    if [ -n "$folders" ]; then find $folders -type f \( $names \) | sort; fi
    set +f
}

# "FILE LINE HEADER" for each include; a header in <> keeps its <.
includes() {
    awk '/^#include [<"]/ {
        header = $2
        gsub(/[">]/, "", header)
        print FILENAME, FNR, header
    }' /dev/null "$@"
}

# Code with comments blanked, and strings too where asked for: "FILE:LINE:code".
code() { # strings|nostrings FILES...
    awk -v keep="$1" 'FNR == 1 { inside = 0 }
    {
        line = $0
        out = ""
        while (line != "") {
            if (inside) {
                end = index(line, "*/")
                if (end == 0)
                    break
                line = substr(line, end + 2)
                inside = 0
            } else if (match(line, /\/\*|\/\/|"([^"\\]|\\.)*"/)) {
                found = substr(line, RSTART, RLENGTH)
                out = out substr(line, 1, RSTART - 1)
                line = substr(line, RSTART + RLENGTH)
                if (found == "//")
                    break
                if (found == "/*")
                    inside = 1
                else
                    out = out (keep == "strings" ? found : "\"\"")
            } else {
                out = out line
                break
            }
        }
        if (out != "")
            print FILENAME ":" FNR ":" out
    }' /dev/null $(shift; echo "$@")
}

# -- common/: includes point left only ---------------------------------------------------------------------------------

# A .c file of any level may look into struct service, from which everything hangs; headers may not.
# Of the rest, these pairs are allowed, each for a reason:
#   pg_inside.h uow.h    statements on their way are what a unit of work is made of
check_common() {
    {
        levels | sed 's/^/level /'
        # shellcheck disable=SC2046 # names without spaces
        includes $(files common -- '*.c' '*.h') | sed 's/^/include /'
        files common -- '*.c' '*.h' | sed 's/^/file /'
    } | awk '
    function base(path) { sub(/.*\//, "", path); return path }
    # The level of a file of common/: by its name, by its name without ending, by its family; -1: none.
    function level_of(name,   stem) {
        if (name in level)
            return level[name]
        stem = name
        sub(/\.[ch]$/, "", stem)
        while (!(stem in level) && stem ~ /_/)
            sub(/_[^_]*$/, "", stem)
        return stem in level ? level[stem] : -1
    }
    $1 == "level" { level[$2] = $3 }
    $1 == "file" && level_of(base($2)) < 0 { print $2 ":1: has no level in ARCHITECTURE.md" }
    $1 == "include" && $4 !~ /^</ {
        from = base($2)
        at = level_of(from)
        if ($4 ~ /^proto\//)
            to = 1
        else if ($4 == "common/queries.h")
            to = 2
        else if ($4 ~ /\//)
            to = 99
        else
            to = level_of($4)
        if (at < 0 || to < 0 || to <= at)
            next
        if ($4 == "service.h" && from ~ /\.c$/)
            next
        if (from == "pg_inside.h" && $4 == "uow.h")
            next
        if (to == 99)
            print $2 ":" $3 ": includes " $4 ", which is not of common/"
        else
            print $2 ":" $3 ": is of level " at " and includes " $4 " of level " to
    }'
}

# -- services, sandboxes, tools: themselves, common/ and what is generated ---------------------------------------------

check_folders() {
    for folder in services/* deploy/sandbox/* tools/*; do
        if ! ls "$folder"/*.c > /dev/null 2>&1; then continue; fi
        generated=$(basename "$folder")
        case $folder in deploy/sandbox/*) generated=$generated-sandbox ;; esac
        includes "$folder"/*.[ch] | while read -r file line header; do
            case $header in
                \<* | proto/* | "$generated"/queries.h) continue ;;
                *_inside.h | kafka_handle.h | json_parse.h | json_scalar.h)
                    echo "$file:$line: includes $header, which is private to common/" ;;
                */*) echo "$file:$line: includes $header of another folder" ;;
                *)
                    if [ -e "$folder/$header" ] && [ -e "common/$header" ]; then
                        echo "$file:$line: includes $header, which is here and in common/"
                    elif [ ! -e "$folder/$header" ] && [ ! -e "common/$header" ]; then
                        echo "$file:$line: includes $header, which is neither here nor in common/"
                    fi ;;
            esac
        done
    done
}

# What decides is pure: NAME.c and its tables see nothing above level 1, so that a unit test needs no server.
check_pure() {
    for folder in services/*; do
        name=$(basename "$folder")
        if [ ! -e "$folder/$name.c" ]; then continue; fi
        for file in "$folder/$name".[ch] "$folder"/*_fsm.c; do
            if [ ! -e "$file" ]; then continue; fi
            includes "$file" | while read -r _ line header; do
                level=$(levels | awk -v stem="${header%.h}" '$1 == stem { print $2 }')
                if [ ! -e "$folder/$header" ] && [ "${level:-0}" -gt 1 ]; then
                    echo "$file:$line: decides, and includes $header of level $level"
                fi
            done
        done
    done
}

# -- libraries: each behind its files ----------------------------------------------------------------------------------

check_libraries() {
    # shellcheck disable=SC2046 # names without spaces
    includes $(files common services deploy/sandbox tools -- '*.c' '*.h') | while read -r file line header; do
        case $header in
            \<yajl/*) allowed='common/json_parse.c' ;;
            \<libpq*) allowed='common/pg_inside.h common/migrate.c' ;;
            \<librdkafka/*) allowed='common/kafka_handle.h' ;;
            \<ulfius.h | \<microhttpd.h) allowed='common/http.c' ;;
            \<curl/*) allowed='common/client.c common/smtp.c common/curl_start.c' ;;
            \<sodium.h) allowed='common/identity.c' ;;
            \<zint.h) allowed='services/fulfilment/paper.c' ;;
            \<sanitizer/*) allowed='common/arena.c' ;;
            \<sys/* | \<arpa/* | \<netinet/* | \<std*) continue ;;
            \<assert.h | \<ctype.h | \<errno.h | \<fcntl.h | \<getopt.h | \<inttypes.h | \<limits.h) continue ;;
            \<malloc.h | \<math.h | \<netdb.h | \<poll.h | \<pthread.h | \<sched.h | \<signal.h | \<string.h) continue ;;
            \<strings.h | \<time.h | \<unistd.h | \<wchar.h) continue ;;
            \<*) allowed= ;;
            *) continue ;;
        esac
        case " $allowed " in
            *" $file "*) ;;
            "  ") echo "$file:$line: includes $header>, a library that is not on the list" ;;
            *) echo "$file:$line: includes $header>, which only $allowed may" ;;
        esac
    done
}

# -- what must not be there --------------------------------------------------------------------------------------------

# SQL stands in queries.sql and schema/. Only what opens connections and migrates them has words of its own.
check_sql() {
    # shellcheck disable=SC2046 # names without spaces
    code strings $(files common services deploy/sandbox -- '*.c' '*.h' | grep -v '^common/\(pg\|pg_.*\|pool\|migrate\)\.[ch]$') |
        sed -n 's/^\([^:]*:[0-9]*\):.*"[^"]*\(SELECT \|INSERT INTO \|DELETE FROM \|UPDATE [a-z_]* SET \).*/\1: has SQL outside of queries.sql/p'
}

# Money is counted, never measured.
check_floats() {
    # shellcheck disable=SC2046 # names without spaces
    code nostrings $(files services deploy/sandbox common/money.c common/money.h common/record.h -- '*.c' '*.h') |
        sed -n 's/^\([^:]*:[0-9]*\):\(.*[^a-zA-Z0-9_]\)\{0,1\}\(float\|double\)\([^a-zA-Z0-9_].*\)\{0,1\}$/\1: has a \3 near money/p'
}

# -- sizes -------------------------------------------------------------------------------------------------------------

check_sizes() {
    # shellcheck disable=SC2046 # names without spaces
    awk 'function finish() { if (lines > 500) print file ":1: has " lines " lines, more than 500" }
    FNR == 1 { finish(); file = FILENAME }
    { lines = FNR }
    END { finish() }' /dev/null $(files common services deploy tools tests -- '*.c' '*.h' '*.py' '*.sh' '*.sql')
    # shellcheck disable=SC2046 # names without spaces
    awk 'FNR == 1 { begin = 0 }
    /^[a-zA-Z_].*[(]/ && !/;[ \t]*$/ { head = FNR }
    /^{/ { begin = head > 0 ? head : FNR }
    /^}/ && begin > 0 {
        if (FNR - begin + 1 > 70)
            print FILENAME ":" begin ": is a function of " FNR - begin + 1 " lines, more than 70"
        begin = 0
        head = 0
    }' /dev/null $(files common services deploy tools tests -- '*.c')
}

complaints=$(check_common; check_folders; check_pure; check_libraries; check_sql; check_floats; check_sizes)
if [ -n "$complaints" ]; then
    echo "$complaints"
    exit 1
fi
