#!/usr/bin/env python3
"""Processes killed -9 in the middle of placements: when quiet, nothing is lost, doubled or stranded (scenarios 15, 45, 52).

Negative control: a build whose consumers don't check what they have handled, fed every message twice, must be caught.
"""

import concurrent.futures
import os
import shutil
import tempfile
import threading
import unittest
from pathlib import Path

import shop
from shop import Erp, Refused, Shopper, new_key
from stack import Stack
from support import stack
from support.audit import assert_clean, audit

PLACEMENTS = int(os.environ.get("WAYBILL_TEST_PLACEMENTS", "200"))
SHOPPERS = 8
PATIENCE = 90  # seconds that a shopper keeps asking while somebody is being restarted


class Book:
    """What the shoppers were told: the shop's word against its own books."""

    def __init__(self):
        self.placed = {}
        self.refused = []
        self.unknown = []
        self._mutex = threading.Lock()

    def buy(self, sku, method):
        shopper = Shopper(patience=PATIENCE)
        shopper.add(sku)
        shopper.check_out(payment=method)
        key = new_key()
        try:
            placement = shopper.place(key=key)
            for _ in range(20):
                if placement["state"] not in ("claiming", "paying", "completed"):
                    break
                placement = shopper.place(key=key)
        except Refused as refusal:
            with self._mutex:
                self.refused.append((shopper.checkout_id, str(refusal)))
            return
        with self._mutex:
            if placement["state"] == "placed":
                self.placed[shopper.checkout_id] = placement["order"]["number"]
            else:
                self.unknown.append((shopper.checkout_id, placement))


class KillTest(unittest.TestCase):
    def test_52_each_process_killed_in_turn_during_placements(self):
        book = Book()
        sku = Erp().offer(stock={"berlin": 10 * PLACEMENTS})
        ours = [process.name for process in stack().processes()]
        done = threading.Event()

        def kill_each_in_turn():
            while not done.is_set():
                for name in ours:
                    if done.wait(0.3):
                        return
                    stack().kill(name)
                    stack().start(name)

        killer = threading.Thread(target=kill_each_in_turn)
        killer.start()
        try:
            with concurrent.futures.ThreadPoolExecutor(SHOPPERS) as pool:
                methods = ["bank_transfer" if n % 2 else "cash_on_delivery" for n in range(PLACEMENTS)]
                list(pool.map(book.buy, [sku] * PLACEMENTS, methods))
        finally:
            done.set()
            killer.join()
        stack().up()

        assert_clean(self, stack(), wait=120)
        self.assertEqual(book.refused, [])
        self.assertEqual(book.unknown, [])
        self.assertEqual(len(book.placed), PLACEMENTS)
        self.assertEqual(len(set(book.placed.values())), PLACEMENTS, "an order number was given twice")

    def test_without_dedupe_the_audit_finds_something(self):
        folder = Path(tempfile.mkdtemp(prefix="waybill-control-", dir="/var/tmp"))
        broken = {"WAYBILL_TEST_NO_DEDUPE": "1", "WAYBILL_TEST_DELIVER_TWICE": "1"}
        control = Stack(folder, copies=1, variant=stack().variant, extra={"*": broken})
        outside = {name: os.environ.get(name) for name in ("WAYBILL_TEST_STATE",)}
        try:
            control.up()
            os.environ["WAYBILL_TEST_STATE"] = str(folder)
            shop.stack.cache_clear()
            shop.environment.cache_clear()
            sku = Erp().offer(stock={"berlin": 1000})
            book = Book()
            for _ in range(10):
                book.buy(sku, "cash_on_delivery")
            clean, report = audit(control, wait=10)
            self.assertFalse(clean, "the audit saw nothing wrong, although every message was handled twice")
            self.assertIn("NOT TRUE", report)
        finally:
            for name, value in outside.items():
                os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
            shop.stack.cache_clear()
            shop.environment.cache_clear()
            control.down()
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
