#!/usr/bin/env python3
"""Cancelling races shipping: each order ends as exactly one of the two, with money to match."""

import concurrent.futures
import os
import unittest

from shop import Clerk, Erp, Refused, Shopper, Warehouse, new_tracking_number
from support import stack
from support.audit import assert_clean

ORDERS = int(os.environ.get("WAYBILL_TEST_RACES", "200"))
PATIENCE = 60  # staff ask faster than one key may


class CancelRaceTest(unittest.TestCase):
    def test_cancels_racing_ships_end_as_exactly_one(self):
        sku = Erp().offer(stock={"berlin": 2 * ORDERS})
        clerk, warehouse = Clerk(patience=PATIENCE), Warehouse(patience=PATIENCE)
        pool = concurrent.futures.ThreadPoolExecutor(8)

        def packed_order(_):
            order = Shopper().buy(sku, payment="cash_on_delivery")
            shipment = warehouse.shipments(order["id"])[0]["id"]
            warehouse.covered(shipment)
            warehouse.release(shipment)
            warehouse.pick(shipment)
            warehouse.pack(shipment)
            return order["id"], shipment

        def allowed(action, *arguments):
            try:
                action(*arguments)
                return True
            except Refused as refusal:
                self.assertEqual(refusal.status, 409, refusal)
                return False

        packed = list(pool.map(packed_order, range(ORDERS)))
        races = [[pool.submit(allowed, clerk.cancel, order), pool.submit(allowed, warehouse.ship, shipment, new_tracking_number())]
                 for order, shipment in packed]
        outcomes = [(cancel.result(), ship.result()) for cancel, ship in races]
        pool.shutdown()
        assert_clean(self, stack())

        ended = {"cancelled": 0, "shipping": 0}
        for (order_id, shipment_id), (cancel_taken, shipped) in zip(packed, outcomes):
            order, shipment = clerk.order(order_id), warehouse.shipment(shipment_id)
            payment = order["payments"][0]
            kept = payment["captured"]["amount"] - payment["refunded"]["amount"]
            ended[order["kernel"]] += 1
            if shipped:
                self.assertEqual((order["kernel"], shipment["state"]), ("shipping", "shipped"))
                self.assertEqual(payment["status"], "promised")
            else:
                self.assertTrue(cancel_taken)
                self.assertEqual((order["kernel"], shipment["state"]), ("cancelled", "stopped"))
                self.assertEqual(kept, 0)
        self.assertEqual(sum(ended.values()), ORDERS)
        print(f"of {ORDERS}: {ended}")


if __name__ == "__main__":
    unittest.main()
