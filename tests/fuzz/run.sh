#!/bin/sh
# Fuzzes each program of a folder for some seconds: run.sh BUILD SECONDS. What was interesting stays in build/fuzz/corpus
# for the next time. An input that is not survived becomes a file below tests/fuzz/seeds, so that `make check` replays it
# from then on, and this ends with 1.
set -eu
build=$1
seconds=$2
corpus=build/fuzz/corpus
failed=0

# The examples of proto/, as json takes them and as fuzz_event does, which wants a byte before.
mkdir -p "$corpus/json" "$corpus/event"
python3 - "$corpus" << 'END'
import glob, json, sys
number = 0
for path in sorted(glob.glob("proto/**/*.json", recursive=True)):
    with open(path, encoding="utf-8") as file:
        schema = json.load(file)
    for example in schema.get("examples", []):
        text = json.dumps(example).encode()
        for name, start in (("json", b""), ("event", bytes([number % 256]))):
            with open(f"{sys.argv[1]}/{name}/example-{number}", "wb") as file:
                file.write(start + text)
        number += 1
END

for program in "$build"/fuzz_*; do
    name=${program##*/fuzz_}
    if [ ! -x "$program" ]; then continue; fi
    mkdir -p "$corpus/$name" "tests/fuzz/seeds/$name"
    if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="tests/fuzz/seeds/$name/" "$corpus/$name" "tests/fuzz/seeds/$name" > "$build/$name.log" 2>&1; then
        echo "ok   fuzz_$name: $(sed -n 's/.*executed_units: *//p' "$build/$name.log") inputs in $seconds s"
    else
        echo "FAIL fuzz_$name"
        tail -n 60 "$build/$name.log"
        failed=1
    fi
done
exit $failed
