"""Other systems, as clients of the integration gateway: the carrier and the ERP."""

import datetime
import hashlib
import hmac
import json
import time
import uuid

from door import Door
from shopper import Shopper
from support import environment, eventually


def new_tracking_number():
    return "JJD" + uuid.uuid4().hex[:16].upper()


def signature(secrets, body, now=None):
    """What proves a webhook: signed with the newest of the secrets."""
    moment = str(int(now if now is not None else time.time()))
    key = secrets.partition(",")[0].encode()
    return f"t={moment},v1={hmac.new(key, moment.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


class Carrier:
    """Reports what happens to parcels."""

    def __init__(self, patience=0):
        self.door = Door("integration", patience=patience)
        self.secrets = environment()["WAYBILL_CARRIER_WEBHOOK_SECRETS"]

    def report(self, tracking_number, kind, event_id=None, at=None, note=None):
        now = datetime.datetime.now(datetime.timezone.utc)
        report = {"event_id": event_id or uuid.uuid4().hex, "tracking_number": tracking_number, "kind": kind,
                  "at": at or now.strftime("%Y-%m-%dT%H:%M:%SZ")}
        body = json.dumps(report | ({"note": note} if note else {})).encode()
        return self.door.post("/webhooks/carrier", body, {"Content-Type": "application/json",
                                                          "Waybill-Signature": signature(self.secrets, body)})

    def in_transit(self, tracking_number, **more):
        return self.report(tracking_number, "in_transit", **more)

    def delivered(self, tracking_number, **more):
        return self.report(tracking_number, "delivered", **more)


class Erp:
    """Sends products and stock."""

    def __init__(self, patience=0):
        key = environment()["WAYBILL_PARTNER_KEY_ERP"]
        self.door = Door("integration", {"Authorization": f"Bearer {key}"}, patience)

    def products(self, rows):
        return self._import("products", rows)

    def stock(self, rows):
        return self._import("stock", rows)

    def offer(self, stock=None, price=1290, currencies=("EUR", "GBP", "USD"), title="Test cup", tax_class="standard",
              sku=None):
        """A new SKU of its own for a test, with stock by warehouse. Gives the SKU once carts know it."""
        sku = sku or f"TEST-{uuid.uuid4().hex[:12].upper()}"
        self.products([{"code": sku, "title": title, "tax_class": tax_class, "sku": sku, "currency": currency,
                        "price": price, "weight_grams": 340} for currency in currencies])
        self.stock([{"sku": sku, "warehouse": warehouse, "on_hand": pieces}
                    for warehouse, pieces in (stock or {"berlin": 1000}).items()])
        await_in_carts(sku, currencies[0])
        return sku

    def _import(self, what, rows):
        lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
        report = self.door.post(f"/imports/{what}", lines, {"Content-Type": "application/x-ndjson"})
        if report["failed"]:
            raise AssertionError(f"import of {what}: {report['rows']}")
        return report


def await_in_carts(sku, currency="EUR"):
    """Waits until a SKU can be put in carts: the catalogue tells them by an event."""
    eventually(lambda: Shopper(currency).add(sku))
