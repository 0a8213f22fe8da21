"""Orders as customers and staff see them. Numbers are those of the acceptance scenarios."""

import unittest

from people import ShopTest
from shop import MERCHANT, Door, Shopper, event_types, mails_to
from support import eventually


def moments(entries):
    return [entry["at"] for entry in entries]


class OrderTest(ShopTest):
    def test_29_an_order_has_a_number_a_status_and_one_confirmation(self):
        sku = self.erp.offer()
        shopper, another = Shopper(), Shopper()
        order = shopper.buy(sku)
        self.assertEqual((order["kernel"], order["status"], order["sub_status"]),
                         ("placed", "In Progress", "Incoming"))
        self.assertNotEqual(order["number"], another.buy(sku)["number"])
        self.assertEqual(shopper.cart()["state"], "ordered")
        self.refusal(409, shopper.add, sku)

        mail = eventually(shopper.mails)[0]
        self.assertIn(order["number"], mail.subject)
        self.assertIn(order["payment_reference"], mail.text)
        self.assertIn(f"/orders/{order['id']}/page?token=", mail.text)
        to_merchant = eventually(lambda: [each for each in mails_to(MERCHANT) if order["number"] in each.subject])
        eventually(lambda: event_types("order", order["id"])[:1] == ["order.placed"])
        self.assertEqual((len(shopper.mails()), len(to_merchant)), (1, 1))

    def test_34_the_timeline_tells_who_when_and_why_and_the_past_stays(self):
        sku = self.erp.offer()
        shopper = Shopper()
        order = shopper.buy(sku)
        seen = []

        def grown(what):
            """The timeline once it has such an entry; what was shown before is still there, word for word."""
            timeline = eventually(lambda: (lambda entries: entries if what in [each["what"] for each in entries]
                                           else None)(self.clerk.timeline(order["id"])))
            self.assertEqual(timeline[:len(seen)], seen)
            seen[:] = timeline
            return next(each for each in reversed(timeline) if each["what"] == what)

        self.assertEqual(grown("placed")["by"], "customer")
        self.assertIn("berlin", grown("shipment_planned")["detail"])
        self.clerk.hold(order["id"], "Address looks odd")
        held = grown("held")
        self.assertEqual((held["by"], held["detail"]), ("clerk", "Address looks odd"))
        self.refusal(409, self.clerk.hold, order["id"])
        self.clerk.lift_hold(order["id"])
        grown("hold_lifted")
        self.clerk.note(order["id"], "Rang up: the address is right")
        self.assertEqual(grown("note")["detail"], "Rang up: the address is right")
        self.pay_by_transfer(order)
        grown("payment_captured")
        number = self.warehouse.send(self.warehouse.shipments(order["id"])[0]["id"])["tracking_number"]
        self.assertEqual(grown("shipment_shipped")["by"], "warehouse")
        self.carrier.delivered(number)
        self.assertEqual(grown("shipment_delivered")["by"], "carrier")
        self.assertEqual([each["sequence"] for each in seen], list(range(1, len(seen) + 1)))
        self.assertEqual(moments(seen), sorted(moments(seen)))

    def test_48_the_counter_goes_up_with_an_order_and_drops_when_it_is_opened(self):
        sku = self.erp.offer()
        before = self.clerk.unseen()
        order = Shopper().buy(sku)
        self.assertEqual(self.clerk.unseen(), before + 1)
        self.clerk.open(order["id"])
        self.clerk.open(order["id"])
        self.assertEqual(self.clerk.unseen(), before)

    def test_49_what_a_key_has_no_right_to_is_refused(self):
        sku = self.erp.offer()
        order = Shopper().buy(sku)
        self.refusal(403, self.warehouse.door.get, f"/orders/{order['id']}")
        self.refusal(403, self.clerk.door.post, "/payments/receipts",
                     {"reference": order["payment_reference"], "amount": order["totals"]["total"],
                      "received_on": "2026-01-01"})
        self.refusal(403, self.finance.door.get, f"/shipments?order_id={order['id']}")
        self.refusal(401, Door("backoffice").get, "/orders")


if __name__ == "__main__":
    unittest.main()
