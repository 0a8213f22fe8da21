"""Scenario 10: many shoppers want the last pieces at once, with two copies of every process."""

import collections
import threading
import unittest

from shop import Erp, Finance, Refused, Shopper, Warehouse, events
from support import eventually, rows, stack

SHOPPERS = 100
PIECES = {"berlin": 6, "leeds": 4}


class Crowd:
    """Shoppers that place at the same moment."""

    def __init__(self, size):
        self.barrier = threading.Barrier(size)
        self.shoppers = [None] * size
        self.outcomes = [None] * size

    def run(self, prepare):
        threads = [threading.Thread(target=self._one, args=(index, prepare)) for index in range(len(self.shoppers))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _one(self, index, prepare):
        try:
            shopper = self.shoppers[index] = prepare()
        except BaseException:
            self.barrier.abort()
            raise
        self.barrier.wait(120)
        try:
            self.outcomes[index] = shopper.place(wait=30)
            while self.outcomes[index]["state"] not in ("placed", "failed"):
                self.outcomes[index] = shopper.placement(wait=30)
        except Refused as refused:
            self.outcomes[index] = refused.problem


class OversellTest(unittest.TestCase):
    def setUp(self):
        log = stack().daemon("postgres").log
        mark = log.stat().st_size

        def no_deadlock():
            with open(log, "rb") as file:
                file.seek(mark)
                self.assertNotIn(b"deadlock detected", file.read())
        self.addCleanup(no_deadlock)

    def test_10_a_hundred_shoppers_and_ten_pieces(self):
        sku = Erp().offer(PIECES)
        crowd = Crowd(SHOPPERS)

        def prepare():
            shopper = Shopper()
            shopper.add(sku)
            shopper.check_out(payment="bank_transfer")
            return shopper
        crowd.run(prepare)

        states = collections.Counter(outcome["state"] for outcome in crowd.outcomes)
        self.assertEqual(states, {"placed": 10, "failed": 90})
        for shopper, outcome in zip(crowd.shoppers, crowd.outcomes):
            if outcome["state"] == "failed":
                self.assertEqual(outcome["reason"], "out_of_stock")
                self.assertEqual([(each["sku"], each["asked"], each["available"]) for each in outcome["shortages"]],
                                 [(sku, 1, 0)])

        numbers = {outcome["order"]["number"] for outcome in crowd.outcomes if outcome["state"] == "placed"}
        self.assertEqual(len(numbers), 10)
        self.nobody_owes(crowd)
        self.stock_is_spoken_for(sku)

    def nobody_owes(self, crowd):
        """Of those who were refused nobody has been asked for money, let alone charged."""
        finance = Finance()
        for shopper, outcome in zip(crowd.shoppers, crowd.outcomes):
            with self.subTest(outcome["state"], checkout=shopper.checkout_id):
                answer = finance.door.request("GET", f"/payments/{shopper.checkout_id}")
                if outcome["state"] == "placed":
                    self.assertEqual([intent["status"] for intent in answer.body["intents"]], ["due"])
                else:
                    self.assertEqual(answer.status, 404, answer)
        refused = {shopper.checkout_id for shopper, outcome in zip(crowd.shoppers, crowd.outcomes)
                   if outcome["state"] == "failed"}
        self.assertEqual([event for event in events("payment") if event.key in refused], [])
        self.assertEqual([event for event in events("order") if event.key in refused], [])

    def stock_is_spoken_for(self, sku):
        def settled():
            levels = Warehouse().stock(sku)
            self.assertEqual({name: (level["on_hand"], level["held"], level["available"])
                              for name, level in levels.items()},
                             {name: (pieces, pieces, 0) for name, pieces in PIECES.items()})
            return True
        eventually(settled)
        below = rows("fulfilment", f"SELECT warehouse FROM stock WHERE sku = '{sku}' AND held + allocated > on_hand")
        self.assertEqual(below, [])
        told = [event.value for event in events("stock") if event.value["sku"] == sku]
        self.assertGreaterEqual(min(value["on_hand"] for value in told), 0)

    def test_10_what_is_given_back_can_be_bought_again(self):
        sku = Erp().offer({"berlin": 1})
        orders = []
        for _ in range(3):
            shopper = Shopper()
            orders.append(shopper.buy(sku))
            shopper.cancel_order()
            eventually(lambda: Warehouse().stock(sku)["berlin"]["available"] == 1)
        self.assertEqual(len({order["number"] for order in orders}), 3)

    def test_10_the_same_shelf_from_both_sides_at_once(self):
        """Carts with two SKUs in opposite order, so that locks taken in the order of lines would wait in a circle."""
        one, two = Erp().offer({"berlin": 20, "leeds": 20}), Erp().offer({"berlin": 20, "leeds": 20})
        turn = iter(range(40))
        crowd = Crowd(40)

        def prepare():
            shopper = Shopper()
            for sku in ((one, two) if next(turn) % 2 else (two, one)):
                shopper.add(sku, 2)
            shopper.check_out(payment="bank_transfer")
            return shopper
        crowd.run(prepare)
        states = collections.Counter(outcome["state"] for outcome in crowd.outcomes)
        self.assertEqual(states, {"placed": 20, "failed": 20})


if __name__ == "__main__":
    unittest.main()
