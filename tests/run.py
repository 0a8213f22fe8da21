#!/usr/bin/python3
"""Runs the tests that the makefile built; the last line is `N passed, N failed`, and the exit status says the same.

    tests/run.py [--variant test] [--filter TEXT] [--keep] [unit] [contract] [db] [bus] [journeys] [chaos]

unit: what needs nothing: Check programs, and tests/tools/test_*.py, unittest files about what is in Python. contract:
proto/ judged by public validators, in a venv of its own. db and bus: Check programs that get WAYBILL_TEST_DATABASE and
WAYBILL_KAFKA... journeys: tests/journeys/test_*.py, unittest files against two copies of every process. chaos:
tests/chaos/test_*.py, faults of a fixed seed on a stack of their own. Everything that is started lives in a temporary
folder, which stays when something failed (or with --keep).
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "deploy/local"), str(ROOT / "tests")]
sys.dont_write_bytecode = True

import settings
from stack import Stack, StackError
from support.logs import SANITIZER_REPORT, reports

PARTS = ("unit", "contract", "db", "bus", "journeys", "chaos")
# That one file may take.
SECONDS = {"unit": 120, "contract": 300, "db": 300, "bus": 300, "journeys": 900, "chaos": 900}
COPIES = 2
LOG_LINES = 40
REASON_LINES = 60

CHECK_SUMMARY = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.MULTILINE)
UNITTEST_SUMMARY = re.compile(r"^unittest: (\d+) run, (\d+) failed, (\d+) skipped$", re.MULTILINE)
CHECK_REASONS = re.compile(r"^\S+:\d+:[FE]:.*$", re.MULTILINE)
UNITTEST_REASONS = re.compile(r"^=+\n((?:FAIL|ERROR): .*?)^(?====|Ran \d)", re.MULTILINE | re.DOTALL)


def reasons(output):
    """Of the output of a file that failed what says why: its assertions, or the last lines if there are none."""
    found = UNITTEST_REASONS.findall(output) or CHECK_REASONS.findall(output) or output.splitlines()[-10:]
    return "\n".join("\n".join(found).rstrip().splitlines()[:REASON_LINES])


class Tally:
    """What passed and failed so far."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []  # (file, why)

    def add(self, name, passed, failed, skipped=0, output="", seconds=0.0):
        """Counts the tests of one file; if one failed, shows why, and its output after that."""
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        print(f"{'FAIL' if failed else 'ok  '} {name}: {passed} passed"
              f"{f', {failed} failed' if failed else ''}{f', {skipped} skipped' if skipped else ''} ({seconds:.1f} s)")
        if failed:
            why = reasons(output)
            print(f"{why}\n{output.rstrip()}")
            self.failures.append((name, why))
        sys.stdout.flush()

    def sum_up(self):
        """The last lines. Why something failed is said again: above it stands between pages of logs."""
        for name, why in self.failures:
            print(f"FAIL {name}\n{why}")
        if self.skipped:
            print(f"{self.skipped} skipped")
        print(f"{self.passed} passed, {self.failed} failed")
        return 0 if self.failed == 0 else 1


def run_file(command, environment, seconds, summary):
    """Runs one test file. Returns its output and the groups of its summary, or None without one or on a time-out."""
    with subprocess.Popen([str(part) for part in command], env=environment, cwd=ROOT, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True) as child:
        try:
            output, _ = child.communicate(timeout=seconds)
        except BaseException as error:
            # Check runs each test in a process of its own; they are all in the session that we made for them.
            os.killpg(child.pid, signal.SIGKILL)
            output, _ = child.communicate()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return output + f"\ndid not end within {seconds} s", None
    found = [[int(group) for group in match] for match in summary.findall(output)]
    if not found:
        return output + f"\nended with status {child.returncode} without a summary", None
    counts = [sum(column) for column in zip(*found)]
    if child.returncode != 0 and counts[1] + (counts[2] if summary is CHECK_SUMMARY else 0) == 0:
        return output + f"\nended with status {child.returncode}", None
    return output, counts


# -- Single files -----------------------------------------------------------------------------------------------------


def run_check(part, source, options, environment):
    """Runs one Check program. Returns (passed, failed, skipped, output)."""
    binary = ROOT / "build" / options.variant / source.relative_to(ROOT).with_suffix("")
    if not binary.exists():
        return 0, 1, 0, "is not built"
    defaults = {"CK_DEFAULT_TIMEOUT": "4" if part == "unit" else "60",
                "CK_TIMEOUT_MULTIPLIER": "5" if options.variant == "san" else "1"}
    output, counts = run_file([binary], defaults | dict(os.environ) | environment, SECONDS[part], CHECK_SUMMARY)
    checks, failures, errors = counts or (1, 0, 1)
    return checks - failures - errors, failures + errors, 0, output


def run_unittest(part, source, options, environment):
    """Runs one unittest file in a process of its own. Returns (passed, failed, skipped, output)."""
    command = [sys.executable, __file__, "--variant", options.variant, "--one", source]
    output, counts = run_file(command, os.environ | environment, SECONDS[part], UNITTEST_SUMMARY)
    run, failed, skipped = counts or (1, 1, 0)
    return run - failed - skipped, failed, skipped, output


def run_files(part, sources, options, tally, environment=None, at_once=1):
    """Runs files that don't disturb each other."""
    def timed(source):
        began = time.monotonic()
        run = run_check if source.suffix == ".c" else run_unittest
        return *run(part, source, options, environment or {}), time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for source, result in zip(sources, pool.map(timed, sources)):
            tally.add(source.relative_to(ROOT), *result)


def run_one(source):
    """Runs one unittest file in this process, and prints the summary that run_unittest() looks for."""
    sys.path.insert(0, str(source.parent))
    tests = unittest.defaultTestLoader.loadTestsFromName(source.stem)
    result = unittest.TextTestRunner(sys.stdout, verbosity=2).run(tests)
    # An error in a setUpClass counts as an error without a test run.
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    run = max(result.testsRun, failed + len(result.skipped))
    print(f"unittest: {run} run, {failed} failed, {len(result.skipped)} skipped")
    return 0 if failed == 0 else 1


# -- Journeys ---------------------------------------------------------------------------------------------------------


def run_journeys(sources, options, tally, stack):
    stack.up()
    expected = [*stack.running()]
    for source in sources:
        marks = {name: log_size(stack, name) for name in expected}
        began = time.monotonic()
        passed, failed, skipped, output = run_unittest("journeys", source, options,
                                                       {"WAYBILL_TEST_STATE": str(stack.state)})
        missing = [name for name in expected if not stack.alive(name)]
        if missing:
            failed += 1
            output += f"\nleft without: {', '.join(missing)}"
        if failed:
            output = "".join(news_of_log(stack, name, marks[name]) for name in expected) + "\n" + output
        tally.add(source.relative_to(ROOT), passed, failed, skipped, output, time.monotonic() - began)
        for name in expected:
            stack.resume(name)
        stack.mail.behave()
        stack.up()


def log_size(stack, name):
    log = stack.daemon(name).log
    return log.stat().st_size if log.exists() else 0


def news_of_log(stack, name, mark):
    """What a process said since then that may matter: the last lines that aren't plain information."""
    with open(stack.daemon(name).log, "rb") as log:
        log.seek(mark)
        lines = [line for line in log.read().decode(errors="replace").splitlines()
                 if not re.search(r'"level": ?"(info|debug)"|\bINFO\b|\bLOG:', line)]
    return f"\n-- {name}:\n" + "\n".join(lines[-LOG_LINES:]) if lines else ""


def check_logs(stack, tally):
    """A report of a sanitizer in the log of any process is a failure, whatever the tests saw."""
    for name, text in reports(stack.state / "logs", SANITIZER_REPORT):
        tally.add(f"sanitizers in {name}", 0, 1, 0, text)


# -- All of it --------------------------------------------------------------------------------------------------------


def run_with_stack(sources, options, tally):
    folder = Path(tempfile.mkdtemp(prefix="waybill-test-", dir=os.environ.get("TMPDIR", "/var/tmp")))
    print(f"stack in {folder}", flush=True)
    stack = Stack(folder, copies=COPIES, variant=options.variant)
    failed_before = tally.failed
    try:
        needed = ["postgres"] + (["kafka"] if sources["bus"] or sources["journeys"] else [])
        stack.up(*needed)
        environment = {"WAYBILL_TEST_DATABASE": stack.dsn("test")} | settings.kafka_settings(stack, "admin")
        run_files("db", sources["db"], options, tally, environment)
        run_files("bus", sources["bus"], options, tally, environment)
        if sources["journeys"]:
            run_journeys(sources["journeys"], options, tally, stack)
    except StackError as error:
        tally.add("stack", 0, 1, 0, str(error))
    finally:
        for name in stack.down():
            tally.add(f"end of {name}", 0, 1, 0, f"did not end when asked to\n{stack.daemon(name).log_tail()}")
        check_logs(stack, tally)
        if options.keep or tally.failed > failed_before:
            print(f"logs and data stay in {folder}")
        else:
            shutil.rmtree(folder)


def find(part, text):
    """The files of a part whose path has this text in it."""
    patterns = {"unit": ("unit/**/test_*.c", "tools/test_*.py"), "contract": ("contract/test_*.py",),
                "journeys": ("journeys/test_*.py",), "chaos": ("chaos/test_*.py",)}
    found = []
    for pattern in patterns.get(part, (f"{part}/**/test_*.c",)):
        found += sorted((ROOT / "tests").glob(pattern))
    return [path for path in found if text in str(path.relative_to(ROOT))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--variant", default="test", help="which build to test: test, plain or san")
    parser.add_argument("--filter", default="", help="only files with this text in their path")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the stack")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if options.one:
        return run_one(options.one)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the stack is stopped
    sources = {part: find(part, options.filter) if part in (options.parts or PARTS) else [] for part in PARTS}
    tally = Tally()
    run_files("unit", sources["unit"], options, tally, at_once=os.cpu_count())
    run_files("contract", sources["contract"], options, tally)
    if sources["db"] or sources["bus"] or sources["journeys"]:
        run_with_stack(sources, options, tally)
    run_files("chaos", sources["chaos"], options, tally, {"WAYBILL_TEST_VARIANT": options.variant})
    return tally.sum_up()


if __name__ == "__main__":
    sys.exit(main())
