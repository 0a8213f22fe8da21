"""From the first item to the parcel at the door. Numbers are those of the acceptance scenarios."""

import unittest

from people import ShopTest
from shop import ADDRESS_DE, ADDRESS_GB, MERCHANT, Shopper, event_types, mails_to
from support import eventually, stack


class PurchaseTest(ShopTest):
    def test_47_a_mail_server_that_is_down_delays_only_the_mail(self):
        sku = self.erp.offer()
        shopper = Shopper()
        stack().mail.behave("refuse", 451)
        self.addCleanup(stack().mail.behave)
        order = shopper.buy(sku)
        self.assertEqual(order["status"], "In Progress")
        self.assertEqual(shopper.mails(), [])
        stack().stop("mail")
        self.addCleanup(stack().start, "mail")
        self.assertEqual(Shopper().buy(sku)["status"], "In Progress")

        stack().start("mail")
        stack().mail.behave()
        eventually(shopper.mails, 60)
        eventually(lambda: [each for each in mails_to(MERCHANT) if order["number"] in each.subject], 60)
        self.assertEqual(len(shopper.mails()), 1)

    def test_an_order_that_is_cancelled_gives_stock_and_money_back(self):
        sku = self.erp.offer({"berlin": 1})
        shopper = Shopper()
        order = shopper.buy(sku)
        self.pay_by_transfer(order)
        self.warehouse.covered(self.warehouse.shipments(order["id"])[0]["id"])
        shopper.cancel_order("Found a nicer one")
        self.order_when(shopper, kernel="cancelled", status="Cancelled", cancel_reason="Found a nicer one")
        eventually(lambda: self.warehouse.stock(sku)["berlin"]["available"] == 1)
        eventually(lambda: self.finance.payment(order["id"])["intents"][0]["status"] == "refunding")
        self.finance.refund(order["id"], order["totals"]["total"])
        eventually(lambda: shopper.order()["payments"][0]["refunded"] == order["totals"]["total"])
        eventually(lambda: [each for each in shopper.mails() if each.subject.startswith("Cancelled")])
        self.assertEqual(Shopper().buy(sku)["kernel"], "placed")

    def test_54_the_whole_way_of_an_order(self):
        sku = self.erp.offer({"berlin": 10, "leeds": 10}, title="Cup, blue")
        shopper = Shopper(locale="en-GB")
        shopper.add(sku, 3)
        shopper.open_checkout()
        shopper.set_addresses(shipping=ADDRESS_GB, billing=ADDRESS_DE)
        self.assertEqual({each["method"] for each in shopper.delivery_options()}, {"first_class", "express"})
        shopper.set_delivery("express")
        self.assertIn("bank_transfer", [each["method"] for each in shopper.payment_options()])
        checkout = shopper.set_payment("bank_transfer")
        self.assertTrue(checkout["ready"])
        totals = checkout["totals"]
        self.assertEqual((totals["lines"]["amount"], totals["delivery"]["amount"], totals["total"]["amount"]),
                         (3870, 1490, 5360))
        self.assertEqual(totals["tax"]["amount"], round(5360 * 20 / 120))  # British VAT is in the price

        placement = shopper.place()
        self.assertEqual(placement["state"], "placed", placement)
        order = self.order_when(shopper, status="In Progress", sub_status="Incoming")
        self.assertEqual(order["number"], placement["order"]["number"])
        self.assertEqual(order["personal"]["billing"], ADDRESS_DE)
        self.assertEqual(order["personal"]["deliveries"][0]["address"], ADDRESS_GB)
        eventually(shopper.mails)
        eventually(lambda: [each for each in mails_to(MERCHANT) if order["number"] in each.subject])

        shipment = self.warehouse.shipments(order["id"])[0]
        self.assertEqual((shipment["warehouse"], shipment["method"], shipment["quantity"]), ("leeds", "express", 3))
        self.pay_by_transfer(order)
        self.warehouse.covered(shipment["id"])
        self.warehouse.release(shipment["id"])
        self.order_when(shopper, kernel="released", sub_status="In process")
        self.assertIn(sku, self.warehouse.picklist(shipment["id"]))
        self.assertIn(ADDRESS_GB["line1"], self.warehouse.packing_slip(shipment["id"]))
        self.warehouse.pick(shipment["id"])
        self.warehouse.pack(shipment["id"])
        number = self.warehouse.ship(shipment["id"], carrier="royal_mail")["tracking_number"]
        self.order_when(shopper, status="Completed", sub_status="On transit")
        self.carrier.in_transit(number, note="In Leeds")
        self.carrier.delivered(number)
        self.order_when(shopper, kernel="completed", status="Completed", sub_status="Delivered")

        page = shopper.order_page()
        for seen in (order["number"], number, "Delivered"):
            self.assertIn(seen, page)
        self.assertEqual([each["what"] for each in self.clerk.timeline(order["id"])
                          if not each["what"].startswith("status")],
                         ["placed", "shipment_planned", "payment_captured", "shipment_released", "shipment_picked",
                          "shipment_packed", "shipment_shipped", "shipment_in_transit", "shipment_delivered"])
        self.assertEqual(event_types("shipment", shipment["id"]),
                         ["shipment." + step for step in ("planned", "released", "picked", "packed", "shipped",
                                                          "in_transit", "delivered")])
        self.assertEqual(event_types("checkout", order["id"])[:4],
                         ["checkout.opened", "checkout.claims_asked", "checkout.payment_asked", "checkout.completed"])
        self.assertEqual(event_types("payment", order["id"]), ["payment.due", "payment.captured"])
        self.assertEqual([mail.subject.partition(":")[0] for mail in eventually(
            lambda: shopper.mails() if len(shopper.mails()) == 3 else None)],
            [f"Your order {order['number']}", "On its way", "Delivered"])

    def test_54_the_customers_page_follows_the_order_by_itself(self):
        sku = self.erp.offer()
        shopper = Shopper()
        order = shopper.buy(sku)
        news = shopper.order_events()
        version, seen = next(news)
        self.assertEqual((seen["id"], seen["version"]), (order["id"], version))
        self.clerk.hold(order["id"])
        later, seen = next(each for each in news if each[1]["status"] == "On Hold")
        self.assertGreater(later, version)
        self.assertNotIn("hold_reason", seen)  # staff only
        news.close()

        resumed = shopper.order_events(last_seen=version)
        self.assertGreater(next(resumed)[0], version)
        resumed.close()


if __name__ == "__main__":
    unittest.main()
