#!/usr/bin/env python3
"""The runner finds the report of a sanitizer in the log of any process, and none where there is none."""

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


if __name__ == "__main__":
    unittest.main()
