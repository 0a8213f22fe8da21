"""Paid by bank transfer, or to the carrier. Numbers are those of the acceptance scenarios."""

import collections
import re
import unittest

from people import ShopTest
from shop import Shopper, events, new_key
from support import eventually, stack
from support.audit import assert_clean


class TransferTest(ShopTest):
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

    def test_a_paid_transfer_whose_order_is_cancelled_goes_back_by_hand(self):
        sku = self.erp.offer()
        shopper = Shopper()
        order = shopper.buy(sku)
        total = order["totals"]["total"]
        self.pay_by_transfer(order)
        self.warehouse.covered(self.warehouse.shipments(order["id"])[0]["id"])
        self.refusal(409, self.finance.refund, order["id"], total)  # the order stands on it
        shopper.cancel_order("Found a nicer one")

        def to_do():
            return [item for item in self.finance.work_items()
                    if (item["kind"], item["subject"]) == ("refund_by_hand", order["id"])]
        self.assertEqual(eventually(to_do)[0]["actions"], ["book_refund", "note"])
        wrong = {"amount": total["amount"] - 1, "currency": total["currency"]}
        refused = self.refusal(422, self.finance.refund, order["id"], wrong)
        self.assertEqual(refused.fields, ["amount"])
        self.assertEqual(self.finance.payment(order["id"])["refunded"]["amount"], 0)
        self.assertEqual(len(to_do()), 1)

        key = new_key()
        refund = self.finance.refund(order["id"], total, key=key)
        self.assertEqual((refund["checkout_id"], refund["intent"], refund["amount"]), (order["id"], 1, total))
        self.assertEqual(to_do(), [])
        self.assertEqual(self.finance.refund(order["id"], total, key=key), refund)
        self.refusal(409, self.finance.refund, order["id"], total)

        payment = self.finance.payment(order["id"])
        self.assertEqual((payment["intents"][0]["status"], payment["refunded"], payment["refunds"]),
                         ("refunded", total, [refund]))
        self.assertEqual(set(self.balances(order).values()), {0})
        eventually(lambda: shopper.order()["payments"][0]["refunded"] == total)
        told = [each for each in events("payment", order["id"]) if each.type == "payment.refunded"]
        self.assertEqual([(each.value["refunded"], each.value["reason"]) for each in told], [(total, "cancelled")])
        assert_clean(self, stack())

    def test_a_cancelled_order_to_be_paid_on_delivery_has_nothing_to_give_back(self):
        sku = self.erp.offer()
        shopper = Shopper()
        order = shopper.buy(sku, payment="cash_on_delivery")
        self.warehouse.shipments(order["id"])
        shopper.cancel_order()
        eventually(lambda: self.finance.payment(order["id"])["intents"][0]["status"] == "closed")

        self.refusal(409, self.finance.refund, order["id"], order["totals"]["total"])

        self.assertEqual(self.finance.payment(order["id"])["refunded"]["amount"], 0)
        self.assertEqual([item for item in self.finance.work_items() if item["subject"] == order["id"]], [])

    def balances(self, order):
        """What the order's entries add up to, by account."""
        balances = collections.Counter()
        for entry in self.finance.ledger(order["id"]):
            for posting in entry["postings"]:
                balances[posting["account"]] += posting["amount"]["amount"]
        return balances

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


if __name__ == "__main__":
    unittest.main()
