"""Shipments: papers, tracking numbers and the carrier's reports. Numbers are those of the acceptance scenarios."""

import unittest

from people import ShopTest
from shop import ADDRESS_DE, Shopper, event_types, new_key, new_tracking_number
from support import eventually


class FulfilmentTest(ShopTest):
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


if __name__ == "__main__":
    unittest.main()
