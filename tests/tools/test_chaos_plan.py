#!/usr/bin/env python3
"""The plan of a chaos run is its seed's: the same again, another for another seed, and never longer than the run."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / part) for part in ("tests/chaos", "tests/journeys", "tests", "deploy/local")]

from faults import KINDS
from plan import QUIET_AT_LAST, draw


class PlanTest(unittest.TestCase):
    def test_the_same_seed_gives_the_same_plan(self):
        self.assertEqual(draw(7, 2, KINDS), draw(7, 2, dict(reversed(KINDS.items()))))
        self.assertEqual(str(draw(7, 2, KINDS)), str(draw(7, 2, KINDS)))

    def test_another_seed_gives_another_plan(self):
        self.assertEqual(len({str(draw(seed, 2, KINDS)) for seed in range(50)}), 50)

    def test_all_is_over_before_the_end(self):
        for seed in range(50):
            for fault in draw(seed, 1, KINDS).faults:
                self.assertLessEqual(fault.at + fault.lasts, 60 - QUIET_AT_LAST)

    def test_one_at_a_time_first_and_then_together(self):
        overlaps = 0
        for seed in range(50):
            plan = draw(seed, 2, KINDS)
            self.assertTrue(plan.faults)
            for one, next_one in zip(plan.faults, plan.faults[1:]):
                together = next_one.at < one.at + one.lasts
                self.assertFalse(together and one.at < (120 - QUIET_AT_LAST) / 2, str(plan))
                overlaps += together
        self.assertGreater(overlaps, 50)

    def test_in_a_long_run_every_kind_comes(self):
        self.assertEqual({fault.kind for fault in draw(1, 30, KINDS).faults}, set(KINDS))

    def test_the_long_outage_comes_once_and_only_where_there_is_room(self):
        faults = draw(1, 30, KINDS).faults
        self.assertEqual([fault.kind for fault in faults].count("broker_away"), 1)
        self.assertEqual(faults[0].kind, "broker_away")
        self.assertNotIn("broker_away", {fault.kind for fault in draw(1, 19, KINDS).faults})

    def test_only_what_was_asked_for_goes_wrong(self):
        some = {name: KINDS[name] for name in ("kill", "mail")}
        for seed in range(20):
            plan = draw(seed, 1, some)
            self.assertEqual(plan.disturbed, 0)
            self.assertLessEqual({fault.kind for fault in plan.faults}, set(some))


if __name__ == "__main__":
    unittest.main()
