"""Somebody with a cart, and the addresses that they have things sent to."""

import json
import uuid

from door import Door, Refused, new_key
from witness import mails_to

ADDRESS_DE = {"name": "Erika Mustermann", "line1": "Lindenallee 7", "city": "Berlin", "postal_code": "10115",
              "country": "DE"}
ADDRESS_GB = {"name": "Joan Example", "line1": "12 Mill Lane", "city": "Leeds", "postal_code": "LS1 4AP",
              "country": "GB"}
ADDRESS_US = {"name": "Sam Sample", "line1": "400 Broad Street", "city": "Newark", "region": "NJ",
              "postal_code": "07102", "country": "US"}


class Shopper:
    """Somebody with a cart, from the first item to the parcel."""

    def __init__(self, currency="EUR", locale="en-DE", address=None, email=None, patience=0):
        self.email = email or f"shopper-{uuid.uuid4().hex[:12]}@example.org"
        self.address = address or ADDRESS_DE
        self.door = Door("storefront", patience=patience)
        opened = self.door.post("/carts", {"currency": currency, "locale": locale})
        self.cart_id = opened["id"]
        self.token = opened["token"]
        self.door.headers["Authorization"] = f"Bearer {self.token}"
        self.checkout_id = None
        self.total = None

    def add(self, sku, quantity=1, key=None):
        return self.door.post(f"/carts/{self.cart_id}/items", {"sku": sku, "quantity": quantity},
                              {"Idempotency-Key": key or new_key()})

    def cart(self):
        return self.door.get(f"/carts/{self.cart_id}")

    def set_quantity(self, sku, quantity):
        """Sets the SKU's line to a number of pieces, as seen just now."""
        cart = self.cart()
        line = next(line for line in cart["lines"] if line["sku"] == sku)
        return self.door.ask("PUT", f"/carts/{self.cart_id}/items/{line['line_id']}", {"quantity": quantity},
                             {"If-Match": f'"{cart["version"]}"'})

    def open_checkout(self):
        return self._seen(self.door.post(f"/carts/{self.cart_id}/checkout"))

    def set_addresses(self, shipping=None, billing=None):
        shipping = shipping or self.address
        return self._put("addresses", {"email": self.email, "shipping": shipping, "billing": billing or shipping})

    def set_delivery(self, method):
        return self._put("delivery", {"method": method})

    def set_payment(self, method, return_url=None):
        return self._put("payment", {"method": method} | ({"return_url": return_url} if return_url else {}))

    def check_out(self, delivery="first_class", payment="bank_transfer", shipping=None, billing=None, return_url=None):
        """From the cart to a checkout that is ready to be placed."""
        self.open_checkout()
        self.set_addresses(shipping, billing)
        self.set_delivery(delivery)
        return self.set_payment(payment, return_url)

    def checkout(self):
        return self._seen(self.door.get(f"/checkouts/{self.checkout_id}"))

    def delivery_options(self):
        return self.door.get(f"/checkouts/{self.checkout_id}/delivery-options")["items"]

    def payment_options(self):
        return self.door.get(f"/checkouts/{self.checkout_id}/payment-options")["items"]

    def place(self, key=None, total=None, wait=20):
        """Places for the total that was shown last, and waits until there is something to do, or it is over."""
        return self.door.post(f"/checkouts/{self.checkout_id}/place", {"total": total or self.total},
                              {"Idempotency-Key": key or new_key(), "Prefer": f"wait={wait}"})

    def pay_again(self, method, wait=20):
        return self.door.post(f"/checkouts/{self.checkout_id}/payments", {"method": method, "total": self.total},
                              {"Prefer": f"wait={wait}"})

    def placement(self, wait=0):
        return self.door.get(f"/checkouts/{self.checkout_id}/placement", {"Prefer": f"wait={wait}"})

    def cancel_placement(self):
        return self.door.post(f"/checkouts/{self.checkout_id}/cancel")

    def buy(self, sku, quantity=1, **choices):
        """Everything at once, for what needs no card. Gives the order."""
        self.add(sku, quantity)
        self.check_out(**choices)
        placement = self.place()
        if placement["state"] != "placed":
            raise AssertionError(f"not placed: {placement}")
        return self.order()

    def order(self):
        return self.door.get(f"/orders/{self.checkout_id}")

    def cancel_order(self, reason="Changed my mind"):
        return self.door.post(f"/orders/{self.checkout_id}/cancel", {"reason": reason})

    def order_page(self):
        """The page that the mails link to, as HTML."""
        answer = self.door.request("GET", f"/orders/{self.checkout_id}/page?token={self.token}",
                                   headers={"Authorization": None, "Accept": "text/html"})
        if answer.status != 200:
            raise Refused("the order's page", answer)
        return answer.content.decode()

    def order_events(self, last_seen=None):
        """The order's server-sent events: (id, order) each. Ends with the stream."""
        headers = {"Last-Event-ID": str(last_seen)} if last_seen else None
        with self.door.stream(f"/orders/{self.checkout_id}/events", headers) as answer:
            number = None
            for line in answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "id":
                    number = int(value)
                elif name == "data":
                    yield number, json.loads(value)

    def mails(self):
        return mails_to(self.email)

    def _put(self, what, body):
        return self._seen(self.door.ask("PUT", f"/checkouts/{self.checkout_id}/{what}", body))

    def _seen(self, checkout):
        self.checkout_id = checkout["id"]
        self.total = checkout["totals"]["total"]
        return checkout
