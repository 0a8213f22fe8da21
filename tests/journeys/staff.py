"""Who works in the shop, as clients of the back office: clerk, warehouse, finance."""

import datetime

from door import Door, Refused, new_key
from partners import new_tracking_number
from support import environment, eventually


class Staff:
    """Somebody at the back office, by the name of their key: clerk, warehouse, finance, admin."""

    key_name = "admin"

    def __init__(self, key_name=None, patience=0):
        self.name = key_name or self.key_name
        key = environment()[f"WAYBILL_STAFF_KEY_{self.name.upper()}"]
        self.door = Door("backoffice", {"Authorization": f"Bearer {key}"}, patience)

    def work_items(self):
        return list(self.door.pages("/work-items?limit=200"))

    def parked(self):
        return self.door.get("/parked")["items"]


class Clerk(Staff):
    """Looks after carts and orders."""

    key_name = "clerk"

    def carts(self, limit=50):
        return self.door.get(f"/carts?limit={limit}")["items"]

    def cart(self, cart_id):
        return self.door.get(f"/carts/{cart_id}")

    def orders(self, **filters):
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        return self.door.get(f"/orders?{query}")["items"]

    def unseen(self):
        """The number on the badge."""
        return self.door.get("/orders/counters")["unseen"]

    def order(self, order_id):
        return self.door.get(f"/orders/{order_id}")

    def open(self, order_id):
        return self.door.post(f"/orders/{order_id}/open")

    def timeline(self, order_id):
        return list(self.door.pages(f"/orders/{order_id}/timeline?limit=200"))

    def hold(self, order_id, reason="Looks odd"):
        return self.door.post(f"/orders/{order_id}/hold", {"reason": reason})

    def lift_hold(self, order_id):
        return self.door.post(f"/orders/{order_id}/lift-hold")

    def note(self, order_id, text):
        return self.door.post(f"/orders/{order_id}/notes", {"text": text})

    def cancel(self, order_id, reason="Asked by phone"):
        return self.door.post(f"/orders/{order_id}/cancel", {"reason": reason})


class Warehouse(Staff):
    """Picks, packs and ships; counts what is on the shelves."""

    key_name = "warehouse"

    def shipments(self, order_id, count=1):
        """The order's shipments, once there are so many: they are planned a moment after placing."""
        def planned():
            found = self.door.get(f"/shipments?order_id={order_id}")["items"]
            return found if len(found) >= count else None
        return eventually(planned)

    def shipment(self, shipment_id):
        return self.door.get(f"/shipments/{shipment_id}")

    def covered(self, shipment_id):
        """The shipment, once money covers it."""
        def look():
            shipment = self.shipment(shipment_id)
            return shipment if shipment["covered"] else None
        return eventually(look)

    def release(self, shipment_id):
        return self._step(shipment_id, "release")

    def pick(self, shipment_id):
        return self._step(shipment_id, "pick")

    def pack(self, shipment_id):
        return self._step(shipment_id, "pack")

    def ship(self, shipment_id, tracking_number=None, carrier="dhl"):
        return self._step(shipment_id, "ship", {"carrier": carrier,
                                                "tracking_number": tracking_number or new_tracking_number()})

    def hold(self, shipment_id, reason="Damaged label"):
        return self._step(shipment_id, "hold", {"reason": reason})

    def lift_hold(self, shipment_id):
        return self._step(shipment_id, "lift-hold")

    def send(self, shipment_id, tracking_number=None):
        """All steps from covered to shipped. A hold that the order's clerk has lifted is lifted here a moment later."""
        self.covered(shipment_id)
        eventually(lambda: not self.shipment(shipment_id)["held"])
        self.release(shipment_id)
        self.pick(shipment_id)
        self.pack(shipment_id)
        return self.ship(shipment_id, tracking_number)

    def picklist(self, shipment_id):
        return self._paper(shipment_id, "picklist")

    def packing_slip(self, shipment_id):
        return self._paper(shipment_id, "packing-slip")

    def stock(self, sku):
        """on_hand, held and available by warehouse."""
        levels = self.door.get(f"/stock?sku={sku}")["items"]
        return {level["warehouse"]: level for level in levels}

    def count(self, sku, warehouse, counted, reason="Yearly count"):
        return self.door.post("/stock/counts", {"sku": sku, "warehouse": warehouse, "counted": counted,
                                                "reason": reason})

    def _step(self, shipment_id, step, body=None):
        return self.door.post(f"/shipments/{shipment_id}/{step}", body)

    def _paper(self, shipment_id, which):
        answer = self.door.request("GET", f"/shipments/{shipment_id}/{which}", headers={"Accept": "text/html"})
        if answer.status != 200:
            raise Refused(which, answer)
        return answer.content.decode()


class Finance(Staff):
    """Looks after the money."""

    key_name = "finance"

    def receipt(self, reference, amount, payer="Erika Mustermann", key=None):
        """Books money that arrived on the bank account."""
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        return self.door.post("/payments/receipts", {"reference": reference, "amount": amount, "received_on": today,
                                                     "payer": payer}, {"Idempotency-Key": key or new_key()})

    def refund(self, checkout_id, amount, reference="2025/42", key=None):
        """Books money that was given back by hand."""
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        return self.door.post(f"/payments/{checkout_id}/refunds", {"reference": reference, "amount": amount,
                                                                   "sent_on": today},
                              {"Idempotency-Key": key or new_key()})

    def payment(self, checkout_id):
        return self.door.get(f"/payments/{checkout_id}")

    def ledger(self, checkout_id):
        return self.door.get(f"/payments/{checkout_id}/ledger")["entries"]
