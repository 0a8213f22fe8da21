"""The people of the shop while things break: they book transfers, send parcels that carriers deliver, and cancel by phone
what others are about to send; with a book of what they were told."""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import time

from partners import Carrier, new_tracking_number
from shop import Clerk, Finance, Refused, Warehouse, new_key

PATIENCE = 45   # seconds
WORKERS = 2
LOOK_AGAIN = 0.5
COVERED_MAX = 20  # seconds that somebody waits for money or a plan before the next order is taken


@dataclasses.dataclass
class Parcel:
    """What became of a shipment, as the warehouse was told: begun, shipped, delivered, or refused (409: it is stopped, or
    its order is held)."""

    order: str
    shipment: str
    told: str = "begun"


class Desk:
    """Takes what the crowd has bought and wants to keep, one order after the other. `parcels` and what it writes into
    each purchase's `cancelled` are the book."""

    def __init__(self, crowd):
        self.purchases = crowd.bought
        self.parcels = []
        self._next = itertools.count()
        self._clerk, self._finance = Clerk(patience=PATIENCE), Finance(patience=PATIENCE)
        self._warehouse, self._carrier = Warehouse(patience=PATIENCE), Carrier(patience=PATIENCE)

    def work_until(self, done):
        def keep_working(_):
            number = next(self._next)
            while not done.is_set():
                if number >= len(self.purchases):
                    done.wait(LOOK_AGAIN)
                    continue
                self._handle(self.purchases[number], number)
                number = next(self._next)

        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(keep_working, range(WORKERS)))

    def _handle(self, purchase, number):
        what = (self._deliver, self._send, self._send_and_cancel, None)[number % 4]
        with contextlib.suppress(Refused, OSError):  # nobody knows how far it came: the books must agree all the same
            if what is not None:
                what(purchase)

    def _deliver(self, purchase):
        for parcel, tracking_number in self._send(purchase):
            if parcel.told == "shipped":
                self._carrier.in_transit(tracking_number)
                self._carrier.delivered(tracking_number)
                parcel.told = "delivered"

    def _send(self, purchase):
        if purchase.method == "bank_transfer":
            self._book_transfer(purchase)
        return [self._send_one(purchase, shipment) for shipment in self._covered(purchase)]

    def _send_and_cancel(self, purchase):
        """Both at once: the parcel is sent, or the order is cancelled. Not where a person would have to give money back."""
        if purchase.method == "bank_transfer":
            return
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sending = pool.submit(self._send, purchase)
            purchase.cancelled = "unknown"
            self._clerk.cancel(purchase.checkout_id)
            sending.result()

    def _book_transfer(self, purchase):
        order = self._clerk.order(purchase.checkout_id)
        self._finance.receipt(order["payment_reference"], order["totals"]["total"], key=new_key())

    def _covered(self, purchase):
        """The order's shipments, once they are planned and paid for; none if that takes too long."""
        deadline = time.monotonic() + COVERED_MAX
        path = f"/shipments?order_id={purchase.checkout_id}"
        while time.monotonic() < deadline:
            shipments = self._warehouse.door.get(path)["items"]
            if shipments and all(self._warehouse.shipment(each["id"])["covered"] for each in shipments):
                return [each["id"] for each in shipments]
            time.sleep(LOOK_AGAIN)
        return []

    def _send_one(self, purchase, shipment):
        parcel, tracking_number = Parcel(purchase.checkout_id, shipment), new_tracking_number()
        self.parcels.append(parcel)
        try:
            for step in (self._warehouse.release, self._warehouse.pick, self._warehouse.pack):
                step(shipment)
            self._warehouse.ship(shipment, tracking_number)
            parcel.told = "shipped"
        except Refused as refusal:
            if refusal.status == 409:
                parcel.told = "refused"
        return parcel, tracking_number
