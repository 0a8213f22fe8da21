"""What the journeys without a card share: the people of the shop, and what they wait for and are refused."""

import unittest

from shop import Carrier, Clerk, Erp, Finance, Refused, Warehouse
from support import eventually


class ShopTest(unittest.TestCase):
    """With the people of the shop."""

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
