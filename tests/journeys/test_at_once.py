"""Two workers fire the same transition at the same instant: it happens once, with one entry on the timeline and one set
of effects (scenario 31)."""

import collections
import concurrent.futures
import threading
import unittest

from people import ShopTest
from shop import Carrier, Clerk, Door, Refused, Shopper, Warehouse, events, mails_to, new_tracking_number
from support import eventually, rows, stack
from support.audit import assert_clean

ORDERS = 16
SHIPMENT_STEPS = ["shipment." + step for step in ("planned", "released", "picked", "packed", "shipped", "delivered")]


def at_copy(person, copy):
    """The same person, who only ever talks to one copy of the gateway."""
    person.door = Door("", person.door.headers, urls=[person.door.urls[copy]])
    return person


def by_key(topic):
    """The events of a topic, by key."""
    found = collections.defaultdict(list)
    for event in events(topic):
        found[event.key].append(event)
    return found


class AtOnceTest(ShopTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerks = [at_copy(Clerk(), copy) for copy in range(stack().copies)]
        cls.warehouses = [at_copy(Warehouse(), copy) for copy in range(stack().copies)]
        cls.carriers = [at_copy(Carrier(), copy) for copy in range(stack().copies)]
        cls.many = concurrent.futures.ThreadPoolExecutor(8)
        cls.addClassCleanup(cls.many.shutdown)

    def at_once(self, *calls):
        """What came of calls that begin at the same instant: what they give, or the Refused that they raise."""
        together = threading.Barrier(len(calls))

        def call(function):
            together.wait()
            try:
                return function()
            except Refused as refusal:
                return refusal
        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(call, calls))

    def once(self, *calls):
        """One of the calls does it; the others learn that it is done."""
        ends = self.at_once(*calls)
        refused = [end for end in ends if isinstance(end, Refused)]
        self.assertEqual([refusal.status for refusal in refused], [409] * (len(calls) - 1), ends)
        return next(end for end in ends if end not in refused)

    def by_both(self, people, step, *values):
        return self.once(*(lambda person=person: getattr(person, step)(*values) for person in people))

    def assert_history(self, order_id, *expected):
        """Each of these stands on the timeline once, and what else is there is about the status."""
        what = collections.Counter(entry["what"] for entry in self.clerk.timeline(order_id))
        self.assertEqual({name: count for name, count in what.items() if not name.startswith("status")},
                         dict.fromkeys(expected, 1))

    def assert_mails(self, shopper, *subjects):
        """These mails and no others, each once."""
        def arrived():
            words = [mail.subject.split()[0].strip(":") for mail in mails_to(shopper.email)]
            self.assertEqual(sorted(words), sorted(subjects))
            return True
        eventually(arrived, every=0.3)

    # -- The tests ----------------------------------------------------------------------------------------------------

    def test_31_each_step_of_an_order_by_two_workers(self):
        sku = self.erp.offer({"berlin": 1000})

        def sent(_):
            shopper = Shopper()
            order = shopper.buy(sku, payment="cash_on_delivery")["id"]
            shipment = self.warehouse.shipments(order)[0]["id"]
            self.warehouse.covered(shipment)
            self.by_both(self.clerks, "hold", order)
            eventually(lambda: "hold_reason" in self.warehouse.shipment(shipment))
            self.by_both(self.clerks, "lift_hold", order)
            eventually(lambda: "hold_reason" not in self.warehouse.shipment(shipment))
            for step in ("release", "pick", "pack"):
                self.by_both(self.warehouses, step, shipment)
            numbers = [new_tracking_number() for _ in self.warehouses]
            shipped = self.once(*(lambda worker=worker, number=number: worker.ship(shipment, number)
                                  for worker, number in zip(self.warehouses, numbers)))
            number = shipped["tracking_number"]
            self.assertIn(number, numbers)
            self.at_once(*(lambda carrier=carrier: carrier.delivered(number) for carrier in self.carriers))
            return shopper, shipment, number

        def ended(one):
            shopper, shipment, number = one
            order = self.order_when(shopper, kernel="completed")
            self.assertEqual([parcel["tracking_number"] for parcel in order["shipments"]], [number])
            eventually(lambda: shopper.order()["payments"][0]["captured"] == order["totals"]["total"])
            self.assert_history(order["id"], "placed", "shipment_planned", "held", "hold_lifted", "shipment_released",
                                "shipment_picked", "shipment_packed", "shipment_shipped", "shipment_delivered",
                                "payment_captured")
            self.assert_mails(shopper, "Your", "On", "Delivered")
            return order["id"], shipment

        everything = list(self.many.map(ended, list(self.many.map(sent, range(ORDERS)))))
        assert_clean(self, stack())
        shipments, orders, payments = by_key("shipment"), by_key("order"), by_key("payment")
        for order, shipment in everything:
            told = collections.Counter(event.type for event in shipments[shipment])
            self.assertEqual(told, dict.fromkeys(SHIPMENT_STEPS, 1))
            told = collections.Counter(event.type for event in orders[order])
            self.assertEqual((told["order.placed"], told["order.held"], told["order.hold_lifted"]), (1, 1, 1))
            statuses = [(event.value["status"], event.value.get("sub_status")) for event in orders[order]
                        if event.type == "order.status_changed"]
            self.assertEqual(statuses, [("On Hold", None), ("In Progress", "Incoming"), ("In Progress", "In process"),
                                        ("Completed", "On transit"), ("Completed", "Delivered")])
            self.assertEqual([event.type for event in payments[order]], ["payment.due", "payment.captured"])
        self.assertEqual(self.warehouse.stock(sku)["berlin"]["on_hand"], 1000 - ORDERS)
        moves = rows("fulfilment", f"SELECT count(*) AS n FROM stock_move WHERE sku = '{sku}' AND kind = 'shipped'")
        self.assertEqual(moves, [{"n": str(ORDERS)}])

    def test_31_a_customer_and_a_clerk_cancel_at_once(self):
        sku = self.erp.offer({"berlin": ORDERS})

        def cancelled(_):
            shopper = Shopper()
            order = shopper.buy(sku)["id"]
            self.warehouse.shipments(order)
            ends = self.at_once(shopper.cancel_order,
                                *(lambda clerk=clerk: clerk.cancel(order) for clerk in self.clerks))
            self.assertTrue(any(not isinstance(end, Refused) for end in ends), ends)
            return shopper

        for shopper in self.many.map(cancelled, range(ORDERS)):
            self.assert_cancelled_once(shopper)
        eventually(lambda: self.warehouse.stock(sku)["berlin"]["available"] == ORDERS)
        assert_clean(self, stack())

    def test_31_both_copies_see_that_the_money_is_late(self):
        """The timers of both copies of the service find the same orders."""
        sku = self.erp.offer({"berlin": ORDERS})
        shoppers = [Shopper() for _ in range(ORDERS)]
        placed = list(self.many.map(lambda shopper: shopper.buy(sku)["id"], shoppers))
        list(self.many.map(self.warehouse.shipments, placed))
        late = ", ".join(f"'{order}'" for order in placed)
        rows("order", f"UPDATE orders SET pay_by = now() - interval '1 s' WHERE id IN ({late})")
        for shopper in shoppers:
            self.assert_cancelled_once(shopper)
        eventually(lambda: self.warehouse.stock(sku)["berlin"]["available"] == ORDERS)
        assert_clean(self, stack())

    def assert_cancelled_once(self, shopper):
        self.order_when(shopper, kernel="cancelled")
        self.assert_history(shopper.checkout_id, "placed", "shipment_planned", "cancel_asked", "shipment_stopped",
                            "cancelled")
        self.assert_mails(shopper, "Your", "Cancelled")


if __name__ == "__main__":
    unittest.main()
