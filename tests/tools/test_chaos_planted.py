#!/usr/bin/env python3
"""What is planted to test the judge of chaos: each patch still fits the tree, and each has its run."""

import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/chaos"))

from planted import NOTHING, PATCHES, TABLE, is_right, unplanted


class PlantedTest(unittest.TestCase):
    def test_each_patch_fits_and_says_what_it_breaks(self):
        for patch in PATCHES.glob("*.patch"):
            with self.subTest(patch.name):
                checked = subprocess.run(["git", "apply", "--check", patch], cwd=ROOT, text=True, capture_output=True)
                self.assertEqual((checked.returncode, checked.stderr), (0, ""))
                self.assertFalse(patch.read_text(encoding="utf-8").startswith("diff"))

    def test_the_table_has_each_patch_once_and_a_run_without_any(self):
        patches = sorted(patch.stem for patch in PATCHES.glob("*.patch"))
        self.assertEqual(sorted(planted.name for planted in TABLE), sorted([NOTHING, *patches]))

    def test_without_its_patch_each_run_is_the_same_and_must_be_clean(self):
        runs = unplanted(TABLE)
        self.assertEqual({tuple(run.arguments()) for run in runs}, {tuple(each.arguments()) for each in TABLE})
        self.assertEqual(len(set(runs)), len(runs))
        for run in runs:
            self.assertTrue(is_right(run, []))
            self.assertFalse(is_right(run, ["the audit is clean"]))

    def test_what_is_planted_must_be_seen_and_no_verdict_is_never_right(self):
        for planted in TABLE:
            self.assertFalse(is_right(planted, None))
            self.assertEqual(is_right(planted, []), planted.name == NOTHING)


if __name__ == "__main__":
    unittest.main()
