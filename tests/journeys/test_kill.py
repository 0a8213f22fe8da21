#!/usr/bin/env python3
"""Processes killed -9 in the middle of placements, paid by card on the hosted page and without one: when quiet, nothing
is lost, doubled or stranded (scenarios 15, 45, 52).

Negative control: a build whose consumers don't check what they have handled, fed every message twice, must be caught.
"""

import collections
import concurrent.futures
import itertools
import os
import threading
import unittest

from buyers import Book
from shop import Erp
from support import stack, stack_of_its_own
from support.audit import assert_clean, audit

PLACEMENTS = int(os.environ.get("WAYBILL_TEST_PLACEMENTS", "200"))
SHOPPERS = 8
METHODS = ("card", "bank_transfer", "card", "cash_on_delivery")


class KillTest(unittest.TestCase):
    def test_52_each_process_killed_in_turn_during_placements(self):
        book = Book()
        sku = Erp().offer(stock={"berlin": 10 * PLACEMENTS})
        ours = [process.name for process in stack().processes()]
        killed = collections.Counter()
        done = threading.Event()

        def kill_each_in_turn():
            while not done.is_set():
                for name in ours:
                    if done.wait(0.3):
                        return
                    stack().kill(name)
                    killed[name] += 1
                    stack().start(name)

        def keep_buying(_):
            for n in numbers:
                if n >= PLACEMENTS and (len(killed) == len(ours) or not killer.is_alive()):
                    return
                book.buy(sku, METHODS[n % len(METHODS)])

        numbers = itertools.count()
        killer = threading.Thread(target=kill_each_in_turn)
        killer.start()
        try:
            with concurrent.futures.ThreadPoolExecutor(SHOPPERS) as pool:
                list(pool.map(keep_buying, range(SHOPPERS)))
        finally:
            done.set()
            killer.join()
        stack().up()

        self.assertEqual(len(killed), len(ours), "the killer gave up")
        assert_clean(self, stack())
        placed = book.of("done")
        self.assertEqual(book.of("refused", "unknown", "unserved"), [])
        self.assertGreaterEqual(len(placed), PLACEMENTS)
        self.assertEqual(len({purchase.number for purchase in placed}), len(placed), "an order number was given twice")
        print(f"{sum(killed.values())} kills of {len(killed)} processes during {len(placed)} placements")

    def test_without_dedupe_the_audit_finds_something(self):
        broken = {"WAYBILL_TEST_NO_DEDUPE": "1", "WAYBILL_TEST_DELIVER_TWICE": "1"}
        with stack_of_its_own(copies=1, extra={"*": broken}) as control:
            sku = Erp().offer(stock={"berlin": 1000})
            book = Book()
            for _ in range(10):
                book.buy(sku, "cash_on_delivery")
            clean, report = audit(control, wait=10)
        self.assertFalse(clean, "the audit saw nothing wrong, although every message was handled twice")
        self.assertIn("NOT TRUE", report)


if __name__ == "__main__":
    unittest.main()
