#!/usr/bin/env python3
"""What the benchmark makes of its readings."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / part) for part in ("tools", "tools/bench", "deploy/local")]
sys.dont_write_bytecode = True

from bench import is_flat
from meter import percentile_ms, used

INF = float("inf")


def reading(cpu, transactions, events, lag):
    return {"cpu": {"order-1": cpu}, "transactions": transactions, "round_trips": 2 * transactions,
            "wal": 1000 * transactions, "events": events, "lag": lag}


class BenchTest(unittest.TestCase):
    def test_what_lies_between_two_readings_is_shared_by_all_orders(self):
        before = reading(2.0, 100, 10, {0.01: 50, 0.05: 60, INF: 60})
        after = reading(2.5, 300, 60, {0.01: 50, 0.05: 159, INF: 160})
        self.assertEqual(used(before, after, 50), {
            "cpu_ms_per_order": {"order-1": 10.0}, "transactions_per_order": 4.0, "round_trips_per_order": 8.0,
            "wal_bytes_per_order": 4000, "events_per_order": 1.0, "event_lag_ms": {"p50": 50.0, "p99": 50.0}})

    def test_a_percentile_is_the_bound_that_holds_for_so_many(self):
        self.assertEqual(percentile_ms({0.01: 98, 0.05: 99, INF: 100}, 98), 10.0)
        self.assertEqual(percentile_ms({0.01: 98, 0.05: 99, INF: 100}, 99), 50.0)
        self.assertIsNone(percentile_ms({0.01: 98, INF: 100}, 99))
        self.assertIsNone(percentile_ms({0.01: 0, INF: 0}, 50))
        self.assertIsNone(percentile_ms({}, 50))

    def test_a_backlog_that_grows_is_not_flat(self):
        self.assertTrue(is_flat([(10,)] * 40, 0))
        self.assertTrue(is_flat([(n % 7,) for n in range(40)], 0))
        self.assertFalse(is_flat([(100 * n,) for n in range(40)], 0))
        self.assertTrue(is_flat([(1000 * n,) for n in range(7)], 0), "too short to tell")


if __name__ == "__main__":
    unittest.main()
