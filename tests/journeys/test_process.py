"""The merchant's process is data: an operator adds sub-statuses, new orders follow them at once, open ones keep theirs
(scenario 30)."""

import unittest

from people import ShopTest
from shop import Refused, Shopper, Staff, events
from support import eventually, stack

# A second-hand shop: what is bought is valued once it is paid, and the customer is asked when it has come.
SECOND_HAND = [
    {"on": "placed", "status": "In Progress", "sub_status": "Incoming"},
    {"on": "paid", "status": "In Progress", "sub_status": "Valuation"},
    {"on": "released", "status": "In Progress", "sub_status": "In process"},
    {"on": "held", "status": "On Hold"},
    {"on": "shipped", "status": "Completed", "sub_status": "On transit", "mail": "order_shipped"},
    {"on": "delivered", "status": "Completed", "sub_status": "Survey", "mail": "order_delivered"},
    {"on": "cancelled", "status": "Cancelled", "mail": "order_cancelled"},
]


class ProcessTest(ShopTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.operator = Staff("admin")
        cls.before = cls.process()
        cls.addClassCleanup(lambda: cls.set_process(cls.before["statuses"]))

    @classmethod
    def process(cls):
        return cls.operator.door.get("/order-process")

    @classmethod
    def set_process(cls, statuses):
        return cls.operator.door.ask("PUT", "/order-process", {"statuses": statuses})

    def journey(self, shopper):
        """Pays and sends an order, and gives each status that it had on the way."""
        seen = []

        def note(**expected):
            order = self.order_when(shopper, **expected)
            seen.append(order["status"] + (f"/{order['sub_status']}" if "sub_status" in order else ""))
        note(kernel="placed")
        order = shopper.order()
        self.pay_by_transfer(order)
        shipment = self.warehouse.shipments(order["id"])[0]["id"]
        self.warehouse.covered(shipment)
        self.order_when(shopper, payments=[shopper.order()["payments"][0] | {"captured": order["totals"]["total"],
                                                                             "status": "paid"}])
        note(kernel="placed")
        self.warehouse.release(shipment)
        note(kernel="released")
        self.warehouse.pick(shipment)
        self.warehouse.pack(shipment)
        number = self.warehouse.ship(shipment)["tracking_number"]
        note(kernel="shipping")
        self.carrier.delivered(number)
        note(kernel="completed")
        return seen

    def told(self, shopper):
        """The statuses that the topic told of."""
        return [f"{event.value['status']}/{event.value['sub_status']}" for event in events("order", shopper.checkout_id)
                if event.type == "order.status_changed"]

    def test_30_new_sub_statuses_need_no_build_and_open_orders_keep_their_process(self):
        sku = self.erp.offer()
        copies = {process.name: stack().daemon(process.name).pid for process in stack().processes()}
        waiting = [Shopper() for _ in range(2)]
        for shopper in waiting:
            shopper.buy(sku)

        changed = self.set_process(SECOND_HAND)
        self.assertEqual((changed["version"], changed["statuses"]), (self.before["version"] + 1, SECOND_HAND))
        self.assertEqual((self.process(), changed["by"]), (changed, "admin"))
        later = [Shopper() for _ in range(4)]  # enough for both copies of the service
        for shopper in later:
            shopper.buy(sku)

        for shopper in waiting:
            self.assertEqual(self.journey(shopper), [
                "In Progress/Incoming", "In Progress/Incoming", "In Progress/In process", "Completed/On transit",
                "Completed/Delivered"])
        for shopper in later:
            self.assertEqual(self.journey(shopper), [
                "In Progress/Incoming", "In Progress/Valuation", "In Progress/In process", "Completed/On transit",
                "Completed/Survey"])
        self.assertEqual(copies, {name: stack().daemon(name).pid for name in copies}, "nothing was started anew")
        for shopper, last in [(waiting[0], "Delivered"), (later[0], "Survey")]:
            self.assertIn(last, shopper.order_page())
            eventually(lambda: self.told(shopper)[-1:] == ["Completed/" + last])
        self.assertEqual(self.told(later[0]), [
            "In Progress/Valuation", "In Progress/In process", "Completed/On transit", "Completed/Survey"])
        self.assertEqual({each["id"] for each in self.clerk.orders(email=later[0].email, status="Completed")},
                         {later[0].checkout_id})

    def test_30_what_is_no_process_is_refused_and_changes_nothing(self):
        before = self.process()
        for statuses, field in (([{"on": "shipped", "status": "Completed"}], "statuses"),
                                (SECOND_HAND + [{"on": "placed", "status": "Again"}], "statuses[7].on"),
                                (SECOND_HAND + [{"on": "valued", "status": "Valuation"}], "statuses[7].on")):
            with self.subTest(field):
                self.assertIn(field, self.refusal(422, self.set_process, statuses).fields)
        with self.assertRaises(Refused) as caught:
            self.clerk.door.ask("PUT", "/order-process", {"statuses": SECOND_HAND})
        self.assertEqual(caught.exception.status, 403)
        self.assertEqual(self.process(), before)


if __name__ == "__main__":
    unittest.main()
