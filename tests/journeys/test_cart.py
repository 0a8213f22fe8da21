"""Carts. Numbers are those of the acceptance scenarios."""

import concurrent.futures
import unittest

from people import ShopTest
from shop import Door, Shopper, events, new_key
from support import eventually


class CartTest(ShopTest):
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

    def test_01_a_cart_that_was_never_filled_can_be_read_and_not_bought(self):
        visitor = Shopper()
        cart = visitor.cart()
        self.assertEqual((cart["version"], cart["lines"]), (0, []))
        self.refusal(409, visitor.door.post, f"/carts/{visitor.cart_id}/checkout")

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


if __name__ == "__main__":
    unittest.main()
