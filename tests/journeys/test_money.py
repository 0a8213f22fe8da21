"""Any mix of prices, quantities, taxes, currencies and ways of delivery: the sum of the lines is the total in minor
units, and the total is what the provider is asked for and takes (scenario 9). Discounts are not given yet; the examples
of proto/ and the unit tests of money have them."""

import collections
import concurrent.futures
import copy
import fractions
import os
import random
import unittest
import urllib.parse

from card import CardShopper, CardTest
from shop import ADDRESS_DE, ADDRESS_GB, ADDRESS_US, events
from support import eventually

SEED = int(os.environ.get("WAYBILL_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10 ** 9)
MIXES = 24
TAX_CLASSES = ("standard", "reduced", "zero")
ADDRESSES = (ADDRESS_DE, ADDRESS_GB, ADDRESS_US, ADDRESS_DE | {"country": "FR"}, ADDRESS_DE | {"country": "AT"},
             ADDRESS_DE | {"country": "SE"})


def minor(values):
    return sum(value["amount"] for value in values)


class MoneyTest(CardTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chance = random.Random(SEED)
        cls.products = [cls.erp.offer({"berlin": 10 ** 6}, price=cls.price(), tax_class=tax_class)
                        for tax_class in TAX_CLASSES * 3]

    @classmethod
    def price(cls):
        return cls.chance.choice((1, 3, 99, 333, 1001, 12345, 99999)) + cls.chance.randrange(100)

    def mix(self):
        """What somebody buys: currency, address, delivery, and a quantity for each SKU."""
        quantities = {sku: self.chance.choice((1, 2, 3, 7, 13, 111)) for sku in self.chance.sample(self.products,
                                                                                             self.chance.randint(1, 6))}
        return (self.chance.choice(("EUR", "GBP", "USD")), self.chance.choice(ADDRESSES),
                self.chance.choice(("first_class", "express")), quantities)

    def check_taxes(self, priced):
        """Each rate's tax is its share of all that it applies to, to the nearest minor unit; each line has its part."""
        shares, amounts = collections.Counter(), collections.Counter()
        for each, price in [*((line, line["total"]) for line in priced["lines"]),
                            *((group, group["price"]) for group in priced["groups"])]:
            for tax in each["tax_lines"]:
                rate = tax["rate_basis_points"]
                self.assertEqual(tax["included"], priced["totals"]["tax_included"])
                share = fractions.Fraction(price["amount"] * rate, 10000 + rate if tax["included"] else 10000)
                self.assertLess(abs(tax["amount"]["amount"] - share), 1)
                shares[rate] += share
                amounts[rate] += tax["amount"]["amount"]
        for rate, amount in amounts.items():
            self.assertLessEqual(abs(amount - shares[rate]), fractions.Fraction(1, 2))
        return sum(amounts.values())

    def check_sums(self, priced):
        """The parts of a checkout, or of an order, make its total."""
        totals = priced["totals"]
        for line in priced["lines"]:
            self.assertEqual(line["total"]["amount"], line["quantity"] * line["unit_price"]["amount"] +
                             minor(each["amount"] for each in line.get("adjustments", [])))
        lines = minor(line["total"] for line in priced["lines"])
        delivery = minor(group["price"] for group in priced["groups"])
        tax = self.check_taxes(priced)
        self.assertEqual((totals["lines"]["amount"], totals["delivery"]["amount"], totals["tax"]["amount"]),
                         (lines, delivery, tax))
        self.assertEqual(totals["total"]["amount"], lines + delivery + (0 if totals["tax_included"] else tax))
        return totals["total"]

    def asked(self, shopper):
        """What the provider was asked for, over all calls for a page."""
        found = set()
        for call in self.psp.calls(shopper.checkout_id, "create_session"):
            form = {name: values[0] for name, values in urllib.parse.parse_qs(call["params"]).items()}
            amount = sum(int(value) * int(form[name.replace("[price_data][unit_amount]", "[quantity]")])
                         for name, value in form.items() if name.endswith("[price_data][unit_amount]"))
            found.add((amount, form["line_items[0][price_data][currency]"].upper()))
        return found

    def buys(self, mix):
        currency, address, delivery, quantities = mix
        shopper = CardShopper(currency=currency, address=address)
        for sku, quantity in quantities.items():
            cart = shopper.add(sku, quantity)
        self.assertEqual(cart["subtotal"]["amount"], minor(line["total"] for line in cart["lines"]))
        checkout = shopper.check_out(delivery=delivery, payment="card")
        total = self.check_sums(checkout)
        self.assertEqual({line["sku"]: line["quantity"] for line in checkout["lines"]}, quantities)
        self.assertEqual(total["currency"], currency)
        shopper.pay(shopper.placed_to_page(shopper.place()))
        order = shopper.ordered()
        self.assertEqual(self.check_sums(order), total)
        self.assertEqual(order["lines"], checkout["lines"])
        self.assertEqual(self.asked(shopper), {(total["amount"], currency)})
        self.assert_books(shopper, captured=total["amount"], pages=1)
        return shopper

    def test_09_the_lines_make_the_total_and_the_total_is_what_the_provider_is_asked(self):
        mixes = [self.mix() for _ in range(MIXES)]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            ends = [(mix, pool.submit(self.buys, mix)) for mix in mixes]
        for mix, end in ends:
            with self.subTest(seed=SEED, mix=mix):
                end.result()
        self.assertGreater(len({mix[0] for mix in mixes}), 1)

        ids = {end.result().checkout_id: end.result().total for _, end in ends}

        def told():
            placed = {event.key: event.value for event in events("order") if event.type == "order.placed"}
            self.assertEqual({key: self.check_sums(placed[key]) for key in ids if key in placed}, ids)
            return True
        eventually(told, every=0.5)
        self.assert_clean()

    def test_09_a_cent_too_much_anywhere_is_noticed(self):
        shopper = CardShopper()
        for sku in self.products[:3]:
            shopper.add(sku, 3)
        checkout = shopper.check_out(payment="card")
        self.check_sums(checkout)
        parts = [lambda bent: bent["lines"][0]["total"], lambda bent: bent["lines"][0]["tax_lines"][0]["amount"],
                 lambda bent: bent["groups"][0]["price"], *(lambda bent, name=name: bent["totals"][name]
                                                            for name in ("lines", "delivery", "tax", "total"))]
        for part in parts:
            bent = copy.deepcopy(checkout)
            part(bent)["amount"] += 1
            self.assertRaises(AssertionError, self.check_sums, bent)


if __name__ == "__main__":
    unittest.main()
