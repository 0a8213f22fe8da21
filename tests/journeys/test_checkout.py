"""Checkouts, from what is chosen to what is placed or refused. Numbers are those of the acceptance scenarios."""

import concurrent.futures
import unittest

from people import ShopTest
from shop import Shopper, new_key
from support import eventually


class CheckoutTest(ShopTest):
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


if __name__ == "__main__":
    unittest.main()
