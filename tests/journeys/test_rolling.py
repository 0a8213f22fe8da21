#!/usr/bin/env python3
"""An upgrade under load: every process is stopped and started, one after the other, and nobody notices (scenario 52)."""

import concurrent.futures
import itertools
import threading
import unittest

from buyers import Book
from door import Door
from shop import Erp
from support import stack
from support.audit import assert_clean

SHOPPERS = 4
METHODS = ("card", "bank_transfer", "cash_on_delivery")


class RollingTest(unittest.TestCase):
    def test_52_no_request_fails_while_every_process_is_restarted(self):
        book, numbers, done = Book(), itertools.count(), threading.Event()
        sku = Erp().offer(stock={"berlin": 50_000})
        Door.trouble.clear()

        def keep_buying(_):
            while not done.is_set():
                book.buy(sku, METHODS[next(numbers) % len(METHODS)])

        with concurrent.futures.ThreadPoolExecutor(SHOPPERS) as pool:
            buying = pool.map(keep_buying, range(SHOPPERS))
            try:
                for process in stack().processes():
                    if "sandbox" not in process.name:
                        stack().restart(process.name)
            finally:
                done.set()
            list(buying)

        self.assertEqual(Door.trouble, [])
        self.assertEqual(book.of("refused", "unknown", "unserved"), [])
        self.assertGreater(len(book.of("done")), len(stack().processes()))
        assert_clean(self, stack())


if __name__ == "__main__":
    unittest.main()
