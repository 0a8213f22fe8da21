#!/usr/bin/env python3
"""Processes killed -9 in the middle of placements, paid by card on the hosted page and without one: when quiet, nothing
is lost, doubled or stranded (scenarios 15, 45, 52).

Negative control: a build whose consumers don't check what they have handled, fed every message twice, must be caught.
"""

import collections
import concurrent.futures
import http.client
import itertools
import os
import shutil
import tempfile
import threading
import time
import unittest
from pathlib import Path

import support
from card import CardShopper
from shop import Erp, Refused, new_key
from stack import Stack
from support import stack
from support.audit import assert_clean, audit

PLACEMENTS = int(os.environ.get("WAYBILL_TEST_PLACEMENTS", "200"))
SHOPPERS = 8
METHODS = ("card", "bank_transfer", "card", "cash_on_delivery")
BUYING = ("cart", "checkout", "payment", "order", "fulfilment", "notification")
# Where a process dies, the how manieth time it comes by, and who comes by there (common/mishap.h).
DEATHS = (
    ("before_commit", 30, BUYING),
    ("after_commit", 30, BUYING),
    ("after_publish", 5, BUYING),
    ("before_call", 3, ("payment", "notification")),
    ("after_call", 3, ("payment", "notification")),
)
PATIENCE = 90  # seconds that a shopper keeps asking while somebody is being restarted


class Book:
    """What the shoppers were told: the shop's word against its own books."""

    def __init__(self):
        self.placed = {}
        self.refused = []
        self.unknown = []
        self._mutex = threading.Lock()

    def buy(self, sku, method):
        shopper = PatientShopper()
        shopper.add(sku)
        shopper.check_out(payment=method)
        key = new_key()
        try:
            placement = shopper.place(key=key)
            while placement["state"] in ("claiming", "paying", "unknown", "completed") and shopper.has_patience():
                placement = shopper.place(key=key)
            if placement["state"] == "action_required":
                shopper.pay_patiently(placement["redirect_url"])
            while placement["state"] not in ("placed", "failed") and shopper.has_patience():
                placement = shopper.placement(wait=10)
        except Refused as refusal:
            with self._mutex:
                self.refused.append((shopper.checkout_id, str(refusal)))
            return
        with self._mutex:
            if placement["state"] == "placed":
                self.placed[shopper.checkout_id] = placement["order"]["number"]
            else:
                self.unknown.append((shopper.checkout_id, placement))


class PatientShopper(CardShopper):
    """One who tries again whatever happens, for a while."""

    def __init__(self):
        super().__init__(patience=PATIENCE)
        self.deadline = time.monotonic() + 2 * PATIENCE

    def has_patience(self):
        return time.monotonic() < self.deadline

    def pay_patiently(self, page):
        """Pays at the provider, and goes back to the shop or not; the page says the same however often it is asked."""
        while self.has_patience():
            try:
                if self.pay_and_leave(page).status == 303:
                    break
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
        if int(self.checkout_id[-1], 16) % 2:
            self.door.request("GET", f"/return/{self.checkout_id}?session=x", headers={"Accept": "text/html"})


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
        assert_clean(self, stack(), wait=120)
        self.assertEqual(book.refused, [])
        self.assertEqual(book.unknown, [])
        self.assertGreaterEqual(len(book.placed), PLACEMENTS)
        self.assertEqual(len(set(book.placed.values())), len(book.placed), "an order number was given twice")
        print(f"{sum(killed.values())} kills of {len(killed)} processes during {len(book.placed)} placements")

    def test_52_death_between_two_steps_leaves_nothing_half_done(self):
        book = Book()
        sku = Erp().offer(stock={"berlin": 10 * PLACEMENTS})
        for point, times, programs in DEATHS:
            with self.subTest(point):
                self.assertEqual(self.buy_until_they_died(book, sku, programs, f"{point}:{times}"), [])
        stack().up()

        assert_clean(self, stack(), wait=120)
        self.assertEqual(book.refused, [])
        self.assertEqual(book.unknown, [])
        self.assertEqual(len(set(book.placed.values())), len(book.placed), "an order number was given twice")
        print(f"{len(DEATHS)} points of death during {len(book.placed)} placements")

    @staticmethod
    def buy_until_they_died(book, sku, programs, death):
        """Starts all copies so that they will die by themselves, and again as they were. Returns the programs of which
        no copy had died within a minute: which copy comes by is not ours to say."""
        copies = {program: [process.name for process in stack().processes(program)] for program in programs}
        living = list(programs)

        def keep_buying():
            while living and time.monotonic() < deadline:
                book.buy(sku, METHODS[next(numbers) % len(METHODS)])

        for name in itertools.chain(*copies.values()):
            stack().restart(name, {"WAYBILL_TEST_DIE_AT": death})
        numbers = itertools.count()
        deadline = time.monotonic() + 60
        with concurrent.futures.ThreadPoolExecutor(SHOPPERS) as pool:
            buying = [pool.submit(keep_buying) for _ in range(SHOPPERS)]
            while living and time.monotonic() < deadline:
                for program in [each for each in living if not all(map(stack().alive, copies[each]))]:
                    living.remove(program)
                    for name in copies[program]:
                        stack().restart(name, {})
                time.sleep(0.1)
            survivors = list(living)
            for name in itertools.chain(*(copies[program] for program in survivors)):
                stack().restart(name, {})
        for bought in buying:
            bought.result()
        return survivors

    def test_without_dedupe_the_audit_finds_something(self):
        folder = Path(tempfile.mkdtemp(prefix="waybill-control-", dir="/var/tmp"))
        broken = {"WAYBILL_TEST_NO_DEDUPE": "1", "WAYBILL_TEST_DELIVER_TWICE": "1"}
        control = Stack(folder, copies=1, variant=stack().variant, extra={"*": broken})
        outside = {name: os.environ.get(name) for name in ("WAYBILL_TEST_STATE",)}
        try:
            control.up()
            os.environ["WAYBILL_TEST_STATE"] = str(folder)
            support.stack.cache_clear()
            support.environment.cache_clear()
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
            support.stack.cache_clear()
            support.environment.cache_clear()
            control.down()
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
