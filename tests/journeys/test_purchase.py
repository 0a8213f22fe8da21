"""From the first item to the parcel at the door, paid by bank transfer or to the carrier. Numbers are those of the
acceptance scenarios."""

import concurrent.futures
import re
import unittest

from shop import (ADDRESS_DE, ADDRESS_GB, MERCHANT, Carrier, Clerk, Door, Erp, Finance, Refused, Shopper, Warehouse,
                  event_types, events, mails_to, new_key, new_tracking_number)
from support import eventually, stack


def moments(entries):
    return [entry["at"] for entry in entries]


class PurchaseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.erp, cls.clerk, cls.warehouse, cls.finance = Erp(), Clerk(), Warehouse(), Finance()
        cls.carrier = Carrier()

    def refusal(self, status, call, *values, **named):
        """The Refused of a call that must be refused so."""
        with self.assertRaises(Refused) as caught:
            call(*values, **named)
        self.assertEqual(caught.exception.status, status, caught.exception)
        return caught.exception

    def pay_by_transfer(self, order):
        """The money arrives, exactly."""
        receipt = self.finance.receipt(order["payment_reference"], order["totals"]["total"])
        self.assertEqual(receipt["outcome"], "matched")
        self.assertEqual(receipt["checkout_id"], order["id"])
        return receipt

    def order_when(self, shopper, **expected):
        """The shopper's order, once these of its members have these values."""
        def look():
            order = shopper.order()
            self.assertEqual({name: order.get(name) for name in expected}, expected)
            return order
        return eventually(look)

    # -- Cart ---------------------------------------------------------------------------------------------------------

    def test_01_a_visitor_gets_a_cart_that_staff_see_and_the_topic_tells(self):
        sku = self.erp.offer()
        visitor = Shopper()
        self.assertGreaterEqual(len(visitor.token), 43)  # 256 bits
        cart = visitor.add(sku, 2)
        line = cart["lines"][0]
        self.assertEqual((line["sku"], line["quantity"], line["total"]), (sku, 2, {"amount": 2580, "currency": "EUR"}))

        listed = [each for each in self.clerk.carts() if each["id"] == visitor.cart_id]
        self.assertEqual([(each["state"], each["quantity"]) for each in listed], [("open", 2)])
        self.assertNotIn("token", self.clerk.cart(visitor.cart_id))

        def told():
            return [each for each in events("cart", visitor.cart_id) if each.type == "cart.item_added"]
        event = eventually(told)[0]
        self.assertEqual(event.headers["ce_type"], "waybill.cart.item_added.v1")
        self.assertEqual((event.value["sku"], event.value["added"], event.value["line_id"]), (sku, 2, line["line_id"]))

    def test_01_a_cart_is_nobody_elses(self):
        sku = self.erp.offer()
        mine, other = Shopper(), Shopper()
        mine.add(sku)
        path = f"/carts/{mine.cart_id}"
        self.refusal(404, other.door.get, path)
        self.refusal(404, other.door.post, path + "/items", {"sku": sku, "quantity": 1})
        self.refusal(404, other.door.post, path + "/checkout")
        self.refusal(401, Door("storefront").get, path)
        self.refusal(401, Door("storefront", {"Authorization": "Bearer " + "x" * 60}).get, path)
        mine.buy(sku)
        self.refusal(404, other.door.get, f"/orders/{mine.checkout_id}")
        self.refusal(404, other.door.get, f"/checkouts/{mine.checkout_id}")

    def test_05_parallel_adds_sum_up_exactly(self):
        sku = self.erp.offer()
        shopper = Shopper()
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda _: shopper.add(sku, 3), range(20)))
        cart = shopper.cart()
        self.assertEqual([(line["sku"], line["quantity"]) for line in cart["lines"]], [(sku, 60)])
        self.assertEqual(cart["subtotal"]["amount"], 60 * 1290)

    def test_05_a_repeated_add_counts_once(self):
        sku = self.erp.offer()
        shopper = Shopper()
        key = new_key()
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            list(pool.map(lambda _: eventually(lambda: shopper.add(sku, 2, key)), range(5)))
        self.assertEqual(shopper.cart()["lines"][0]["quantity"], 2)

    # -- Checkout -----------------------------------------------------------------------------------------------------

    def test_18_an_old_tab_is_refused_with_the_difference_when_the_cart_changed(self):
        sku, another = self.erp.offer(), self.erp.offer(price=500)
        shopper = Shopper()
        shopper.add(sku)
        shopper.check_out()
        shopper.add(another, 2)  # in another tab

        refused = self.refusal(409, shopper.place).problem
        self.assertEqual((refused["state"], refused["reason"]), ("failed", "cart_changed"))
        self.assertEqual([(each["sku"], each["kind"], each["now"]) for each in refused["differences"]],
                         [(another, "added", "2")])
        self.refusal(404, self.finance.payment, shopper.checkout_id)
        eventually(lambda: shopper.cart()["state"] == "open")

        shopper.open_checkout()
        self.assertEqual(shopper.place()["state"], "placed")
        self.assertEqual(shopper.order()["totals"]["lines"]["amount"], 1290 + 2 * 500)

    def test_18_a_changed_price_is_shown_before_anybody_pays_it(self):
        sku = self.erp.offer(price=1000)
        shopper = Shopper()
        shopper.add(sku)
        shopper.check_out()
        self.erp.offer(sku=sku, price=1100)
        eventually(lambda: shopper.cart()["lines"][0]["unit_price"]["amount"] == 1100)

        refused = self.refusal(409, shopper.place).problem
        self.assertEqual([(each["kind"], each["was"], each["now"]) for each in refused["differences"]],
                         [("price", "10.00 EUR", "11.00 EUR")])
        shopper.open_checkout()
        self.assertEqual(shopper.place()["order"]["total"], shopper.total)

    def test_18_another_total_than_the_checkouts_is_refused_and_begins_nothing(self):
        sku = self.erp.offer()
        shopper = Shopper()
        shopper.add(sku)
        shopper.check_out()
        self.refusal(409, shopper.place, total={"amount": 1, "currency": "EUR"})
        self.assertEqual(shopper.checkout()["placement"], 0)

    def test_19_one_key_places_once_and_is_answered_the_same_each_time(self):
        sku = self.erp.offer()
        shopper = Shopper()
        shopper.add(sku)
        shopper.check_out()
        key = new_key()
        path, body = f"/checkouts/{shopper.checkout_id}/place", {"total": shopper.total}
        headers = {"Idempotency-Key": key, "Prefer": "wait=20"}

        def place():
            return shopper.door.request("POST", path, body, headers)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda _: place(), range(2)))
        answers += [place(), place(), place()]
        self.assertEqual([answer.status for answer in answers], [201] * 5, answers)
        self.assertEqual(len({answer.content for answer in answers}), 1)

        number = answers[0].body["order"]["number"]
        self.assertEqual([each["id"] for each in self.clerk.orders(number=number)], [shopper.checkout_id])
        self.assertEqual([each["number"] for each in self.clerk.orders(email=shopper.email)], [number])
        other = {"total": {"amount": shopper.total["amount"] + 1, "currency": "EUR"}}
        self.refusal(422, shopper.door.post, path, other, {"Idempotency-Key": key})
        again = self.refusal(409, shopper.place)  # another key: ordered already
        self.assertEqual(again.answer.headers["Location"], f"/orders/{shopper.checkout_id}")
        self.refusal(400, shopper.door.post, path, body, {"Idempotency-Key": None})

    def test_19_what_is_missing_is_named(self):
        sku = self.erp.offer()
        shopper = Shopper()
        shopper.add(sku)
        shopper.open_checkout()
        self.assertEqual(shopper.checkout()["missing"], ["addresses", "delivery", "payment"])
        self.assertEqual(self.refusal(422, shopper.place).fields, ["addresses", "delivery", "payment"])

    def test_10_more_than_there_is_is_refused_with_what_is_short(self):
        sku = self.erp.offer({"berlin": 2, "leeds": 1})
        shopper = Shopper()
        shopper.add(sku, 4)
        shopper.check_out()
        refused = self.refusal(409, shopper.place).problem
        self.assertEqual((refused["reason"], refused["shortages"]),
                         ("out_of_stock", [{"sku": sku, "asked": 4, "available": 3}]))
        self.refusal(404, self.finance.payment, shopper.checkout_id)

        eventually(lambda: shopper.set_quantity(sku, 3))  # the cart is let go of a moment after the refusal
        shopper.open_checkout()
        self.assertEqual(shopper.place()["state"], "placed")
        self.assertEqual(sum(level["available"] for level in self.warehouse.stock(sku).values()), 0)

    # -- Payment ------------------------------------------------------------------------------------------------------

    def test_26_a_transfer_that_fits_pays_the_order(self):
        sku = self.erp.offer()
        shopper = Shopper()
        order = shopper.buy(sku, 2)
        self.assertIn("pay_by", order)
        shipment = self.warehouse.shipments(order["id"])[0]
        self.assertFalse(shipment["covered"])
        self.refusal(409, self.warehouse.release, shipment["id"])

        self.pay_by_transfer(order)
        self.warehouse.covered(shipment["id"])
        paid = eventually(lambda: [each for each in shopper.order()["payments"] if each["captured"] == each["amount"]])
        self.assertEqual(paid[0]["amount"], order["totals"]["total"])
        self.assertNotIn("pay_by", shopper.order())
        for entry in self.finance.ledger(order["id"]):
            self.assertEqual(sum(posting["amount"]["amount"] for posting in entry["postings"]), 0)
        self.assertEqual(self.warehouse.release(shipment["id"])["state"], "released")

    def test_26_a_reference_is_found_however_it_is_written(self):
        sku = self.erp.offer()
        order = Shopper().buy(sku)
        written = " ".join(re.findall("..?", order["payment_reference"].lower()))
        self.assertEqual(self.finance.receipt(written, order["totals"]["total"])["outcome"], "matched")

    def test_26_a_difference_becomes_a_work_item(self):
        sku = self.erp.offer()
        shopper = Shopper()
        order = shopper.buy(sku)
        total = order["totals"]["total"]
        short = {"amount": total["amount"] - 100, "currency": "EUR"}
        receipt = self.finance.receipt(order["payment_reference"], short)
        self.assertEqual((receipt["outcome"], receipt["open_amount"]["amount"]), ("differs", 100))

        def about_it():
            return [item for item in self.finance.work_items()
                    if {order["id"], order["payment_reference"]} & {item["subject"], *item["cause"].split()}]
        item = eventually(about_it)[0]
        self.assertEqual(item["service"], "payment")
        self.assertFalse(self.warehouse.shipments(order["id"])[0]["covered"])

        self.pay_by_transfer(order)  # the whole of it came again; the difference is sorted out by hand
        self.warehouse.covered(self.warehouse.shipments(order["id"])[0]["id"])
        self.finance.door.post(f"/work-items/payment/{item['id']}/close", {"how": "Sent back"})
        self.assertEqual(about_it(), [])

    def test_26_money_that_nobody_asked_for_becomes_a_work_item(self):
        reference = "NOBODY" + new_key()[:8].upper()
        self.assertEqual(self.finance.receipt(reference, {"amount": 5, "currency": "EUR"})["outcome"], "unknown")
        eventually(lambda: [item for item in self.finance.work_items() if reference in item["subject"] + item["cause"]])

    def test_27_cash_on_delivery_is_settled_by_the_delivery(self):
        sku = self.erp.offer()
        shopper = Shopper()
        order = shopper.buy(sku, payment="cash_on_delivery")
        shipment = self.warehouse.shipments(order["id"])[0]
        number = self.warehouse.send(shipment["id"])["tracking_number"]
        self.assertEqual(shopper.order()["payments"][0]["captured"]["amount"], 0)
        self.carrier.delivered(number)

        def settled():
            payment = shopper.order()["payments"][0]
            self.assertEqual(payment["captured"], order["totals"]["total"])
            return True
        eventually(settled)
        captured = [each for each in events("payment", order["id"]) if each.type == "payment.captured"]
        self.assertEqual([each.value["source"] for each in captured], ["carrier"])

    # -- Order --------------------------------------------------------------------------------------------------------

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

    # -- Fulfilment ---------------------------------------------------------------------------------------------------

    def test_36_each_warehouse_gets_its_own_papers(self):
        here, there = self.erp.offer({"berlin": 5}, title="Cup, blue"), self.erp.offer({"leeds": 5}, title="Cup, red")
        shopper = Shopper()
        shopper.add(here, 2)
        shopper.add(there, 1)
        shopper.check_out()
        shopper.place()
        order = shopper.order()
        self.pay_by_transfer(order)
        shipments = self.warehouse.shipments(order["id"], 2)
        self.assertEqual({each["warehouse"] for each in shipments}, {"berlin", "leeds"})
        self.assertEqual(len({each["number"] for each in shipments}), 2)

        for shipment in shipments:
            sku, other, pieces = (here, there, 2) if shipment["warehouse"] == "berlin" else (there, here, 1)
            self.refusal(409, self.warehouse.picklist, shipment["id"])  # not released yet
            self.warehouse.covered(shipment["id"])
            self.warehouse.release(shipment["id"])
            picklist = self.warehouse.picklist(shipment["id"])
            self.assertIn(sku, picklist)
            self.assertNotIn(other, picklist)
            self.assertRegex(picklist, rf">{pieces}<")
            self.assertIn(f'aria-label="{sku}"', picklist)  # its barcode
            slip = self.warehouse.packing_slip(shipment["id"])
            self.assertIn(shipment["number"], slip)
            self.assertIn(ADDRESS_DE["line1"], slip)
            self.assertIn(f'aria-label="{shipment["number"]}"', slip)

    def test_38_a_tracking_number_is_told_to_the_customer(self):
        sku = self.erp.offer()
        shopper = Shopper()
        order = shopper.buy(sku, delivery="express")
        self.pay_by_transfer(order)
        number = new_tracking_number()
        self.warehouse.send(self.warehouse.shipments(order["id"])[0]["id"], number)

        order = self.order_when(shopper, kernel="shipping", status="Completed", sub_status="On transit")
        parcel = order["shipments"][0]
        self.assertEqual((parcel["state"], parcel["tracking_number"]), ("shipped", number))
        self.assertIn(number, parcel["tracking_url"])
        self.assertEqual(parcel["latest"], order["groups"][0]["latest"])
        self.assertIn(number, shopper.order_page())
        mail = eventually(lambda: [each for each in shopper.mails() if number in each.text])[0]
        self.assertIn(parcel["tracking_url"], mail.text)
        self.assertEqual(self.warehouse.stock(sku)["berlin"]["on_hand"], 999)

    def test_39_delivered_twice_and_before_shipped_is_delivered_once(self):
        sku = self.erp.offer()
        shopper = Shopper()
        order = shopper.buy(sku)
        self.pay_by_transfer(order)
        number, report = new_tracking_number(), new_key()
        self.carrier.delivered(number, event_id=report)
        self.carrier.delivered(number, event_id=report)
        shipment = self.warehouse.shipments(order["id"])[0]
        self.warehouse.send(shipment["id"], number)
        self.order_when(shopper, kernel="completed", status="Completed", sub_status="Delivered")
        self.carrier.delivered(number, event_id=report)
        self.carrier.delivered(number)

        eventually(lambda: [each for each in shopper.mails() if each.subject.startswith("Delivered")])
        self.assertEqual(event_types("shipment", shipment["id"]).count("shipment.delivered"), 1)
        self.assertEqual([each["what"] for each in self.clerk.timeline(order["id"])].count("shipment_delivered"), 1)
        self.assertEqual(len([each for each in shopper.mails() if each.subject.startswith("Delivered")]), 1)

    def test_39_a_report_needs_the_carriers_signature(self):
        body = b'{"event_id": "1", "tracking_number": "2", "kind": "delivered", "at": "2026-01-01T00:00:00Z"}'
        for header in (None, "t=1,v1=00", "nonsense"):
            with self.subTest(header):
                self.refusal(400, self.carrier.door.post, "/webhooks/carrier", body,
                             {"Content-Type": "application/json", "Waybill-Signature": header})

    def test_an_order_that_is_cancelled_gives_stock_and_money_back(self):
        sku = self.erp.offer({"berlin": 1})
        shopper = Shopper()
        order = shopper.buy(sku)
        self.pay_by_transfer(order)
        self.warehouse.covered(self.warehouse.shipments(order["id"])[0]["id"])
        shopper.cancel_order("Found a nicer one")
        self.order_when(shopper, kernel="cancelled", status="Cancelled", cancel_reason="Found a nicer one")
        eventually(lambda: self.warehouse.stock(sku)["berlin"]["available"] == 1)
        eventually(lambda: [each for each in shopper.mails() if each.subject.startswith("Cancelled")])
        self.assertEqual(Shopper().buy(sku)["kernel"], "placed")

    # -- Mail ---------------------------------------------------------------------------------------------------------

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

        stack().mail.behave()
        stack().start("mail")
        eventually(shopper.mails, 60)
        eventually(lambda: [each for each in mails_to(MERCHANT) if order["number"] in each.subject], 60)
        self.assertEqual(len(shopper.mails()), 1)

    # -- All of it ----------------------------------------------------------------------------------------------------

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
