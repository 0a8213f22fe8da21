#!/usr/bin/env python3
"""The runner says at its end why something failed, and finds the report of a sanitizer in the log of any process."""

import contextlib
import io
import subprocess
import sys
import tempfile
import types
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import run

BROKEN = """
#include <pthread.h>
#include <stdlib.h>

static void *own;

static void *leave(void *unused)
{
    own = malloc(40);
    own = NULL;
    return unused;
}

int main(int count, char **words)
{
    volatile int number = 2147483647;
    char *volatile text = malloc(8);
    char last = count;
    pthread_t thread;

    switch (words[1][0]) {
    case 'o': last = text[8]; break;
    case 'f': free(text); last = text[0]; break;
    case 's': text = (char *)16; *text = 1; break;
    case 'u': number += count; break;
    case 'l': pthread_create(&thread, NULL, leave, NULL); pthread_join(thread, NULL); break;
    }
    if (words[1][0] != 'f')
        free(text);
    return last == 0 && number == 0;
}
"""

# What the program does, and a word of the report.
REPORTS = {"overflow": "heap-buffer-overflow", "free": "heap-use-after-free", "segv": "SEGV",
           "undefined": "signed integer overflow", "leak": "detected memory leaks"}


class SanitizerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        (cls.folder / "broken.c").write_text(BROKEN)
        subprocess.run(["gcc", "-g", "-pthread", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o",
                        cls.folder / "broken", cls.folder / "broken.c"], check=True)

    def said(self, *words):
        """What the broken program writes."""
        return subprocess.run([self.folder / "broken", *words], capture_output=True, text=True, check=False).stderr

    def judge(self, name, text):
        """What the runner says about a log with that name and text, and how many failures it counts."""
        with tempfile.TemporaryDirectory() as state, contextlib.redirect_stdout(io.StringIO()) as said:
            log = Path(state, "logs", name)
            log.parent.mkdir()
            log.write_text(text)
            tally = run.Tally()
            run.check_logs(types.SimpleNamespace(state=Path(state)), tally)
        return said.getvalue(), tally.failed

    def test_each_kind_of_report_is_a_failure(self):
        for what, word in REPORTS.items():
            with self.subTest(what):
                said, failed = self.judge("order-1.log", '{"level":"info","message":"started"}\n' + self.said(what))
                self.assertEqual(failed, 1)
                self.assertIn("sanitizers in order-1", said)
                self.assertIn(word, said)

    def test_a_leak_check_that_could_not_run_is_a_failure(self):
        text = "==7==LeakSanitizer has encountered a fatal error.\n==7==HINT: ...\n"
        self.assertEqual(self.judge("order-1.log", text)[1], 1)

    def test_a_log_that_was_set_aside_counts(self):
        self.assertEqual(self.judge("order-1.log.1", self.said("overflow"))[1], 1)

    def test_a_program_without_a_defect_is_none(self):
        text = self.said("nothing")
        self.assertEqual(text, "")
        self.assertEqual(self.judge("order-1.log", '{"level":"error","message":"could not stop"}\n' + text)[1], 0)


UNITTEST = """
-- order-1:
{"level":"warning","message":"could not connect"}

test_a (test_x.X) ... FAIL
test_b (test_x.X) ... ok
test_c (test_x.X) ... ERROR

======================================================================
FAIL: test_a (test_x.X)
----------------------------------------------------------------------
AssertionError: 298 != 299

======================================================================
ERROR: test_c (test_x.X)
----------------------------------------------------------------------
KeyError: 'total'

----------------------------------------------------------------------
Ran 3 tests in 1.2 s

FAILED (failures=1, errors=1)
unittest: 3 run, 2 failed, 0 skipped
"""
CHECK = """Running suite(s): money
50%: Checks: 2, Failures: 1, Errors: 0
tests/unit/common/test_money.c:274:F:money:parts_make_the_sum:0: Assertion 'shares[i] == 33' failed
"""


class EndTest(unittest.TestCase):
    def end(self, *files):
        """The last lines after files with these outputs, of which each had a failure if it is not empty."""
        tally = run.Tally()
        with contextlib.redirect_stdout(io.StringIO()):
            for number, output in enumerate(files):
                tally.add(f"file {number}", 1, 1 if output else 0, 0, output)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = tally.sum_up()
        return status, said.getvalue().splitlines()

    def test_reasons_come_last_without_the_logs(self):
        status, lines = self.end("", UNITTEST, CHECK)
        self.assertEqual(status, 1)
        self.assertEqual(lines[0], "FAIL file 1")
        self.assertEqual(lines[-1], "3 passed, 2 failed")
        said = "\n".join(lines)
        for reason in ("298 != 299", "KeyError: 'total'", "FAIL file 2", "'shares[i] == 33' failed"):
            self.assertIn(reason, said)
        for noise in ("could not connect", "test_b", "Running suite", "FAILED ("):
            self.assertNotIn(noise, said)

    def test_reasons_come_before_the_output_too(self):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            run.Tally().add("file", 1, 1, 0, CHECK)
        first = said.getvalue().splitlines()[1]
        self.assertIn("'shares[i] == 33' failed", first)

    def test_what_has_no_reasons_shows_its_end(self):
        _, lines = self.end("\n".join(f"line {number}" for number in range(100)))
        self.assertEqual(lines, ["FAIL file 0", *(f"line {number}" for number in range(90, 100)), "1 passed, 1 failed"])

    def test_a_flood_of_reasons_is_cut(self):
        _, lines = self.end(CHECK * 1000)
        self.assertEqual(len(lines), run.REASON_LINES + 2)

    def test_all_passed(self):
        self.assertEqual(self.end("", ""), (0, ["2 passed, 0 failed"]))


if __name__ == "__main__":
    unittest.main()
