"""The people of a shop, as clients of its gateways: shopper, clerk, warehouse, finance, carrier, ERP.

Each method is one request and gives the answer's body; whatever isn't 2xx is raised as Refused. Whoever needs the whole
answer asks the person's `door`. A person may be used by several threads at once: connections are kept and reused, and
spread over the copies of the gateway.

    shopper = Shopper()
    shopper.add("CUP-BLUE", 2)
    shopper.check_out(payment="bank_transfer")
    placement = shopper.place()
"""

import contextlib
import datetime
import email
import email.policy
import hashlib
import hmac
import html.parser
import http.client
import itertools
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

from support import NO_REDIRECT, Answer, environment, eventually, records, stack

ADDRESS_DE = {"name": "Erika Mustermann", "line1": "Lindenallee 7", "city": "Berlin", "postal_code": "10115",
              "country": "DE"}
ADDRESS_GB = {"name": "Joan Example", "line1": "12 Mill Lane", "city": "Leeds", "postal_code": "LS1 4AP",
              "country": "GB"}
ADDRESS_US = {"name": "Sam Sample", "line1": "400 Broad Street", "city": "Newark", "region": "NJ",
              "postal_code": "07102", "country": "US"}

MERCHANT = "merchant@waybill.example"

# The payment provider's test cards.
GOOD_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"
CHALLENGED_CARD = "4000002500003155"  # asks for one more confirmation

TIMEOUT = 40  # seconds; longer than the longest wait that a gateway allows


def new_key():
    return str(uuid.uuid4())


class Refused(AssertionError):
    """An answer that isn't 2xx: `status`, `problem` (its body) and `answer`."""

    def __init__(self, what, answer):
        super().__init__(f"{what}: {answer}")
        self.answer = answer
        self.status = answer.status
        self.problem = answer.body

    @property
    def fields(self):
        """The names of the fields that the problem complains about."""
        return [error["field"] for error in self.problem.get("errors", [])]


# -- The door of a gateway --------------------------------------------------------------------------------------------


class Door:
    """Keep-alive connections to the copies of a gateway. Every POST gets an Idempotency-Key, so that any request may be
    repeated; one that found its connection closed is, at once. With `patience`, also on 429, on 503 and when nobody
    answers, for so many seconds."""

    def __init__(self, name, headers=None, patience=0, urls=None):
        self.urls = urls or environment()[f"WAYBILL_{name.upper()}_URL"].split(",")
        self.headers = {"Accept": "application/json"} | (headers or {})
        self.patience = patience
        self._turn = itertools.cycle([url.removeprefix("http://") for url in self.urls])
        self._idle = []
        self._mutex = threading.Lock()

    def __del__(self):
        for connection in self._idle:
            connection.close()

    def request(self, method, path, body=None, headers=None):
        """Sends a request; `body` is JSON unless it is bytes. Every status is an answer, not an exception."""
        values = self.headers | (headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            values.setdefault("Content-Type", "application/json")
        if method == "POST":
            values.setdefault("Idempotency-Key", new_key())
        values = {name: value for name, value in values.items() if value is not None}

        deadline = time.monotonic() + self.patience
        while True:
            try:
                answer = self._exchange(method, path, body, values)
                pause = float(answer.headers.get("Retry-After", "0.1")) if answer.status in (429, 503) else None
            except OSError:
                answer, pause = None, 0.1
            if answer is not None and (pause is None or time.monotonic() > deadline):
                return answer
            if time.monotonic() > deadline:
                raise ConnectionError(f"{method} {path}: nobody answers at {', '.join(self.urls)}")
            time.sleep(min(pause, 1))

    def ask(self, method, path, body=None, headers=None):
        """The same, but gives the body of a 2xx and raises everything else."""
        answer = self.request(method, path, body, headers)
        if not 200 <= answer.status < 300:
            raise Refused(f"{method} {path}", answer)
        return answer.body

    def get(self, path, headers=None):
        return self.ask("GET", path, headers=headers)

    def post(self, path, body=None, headers=None):
        return self.ask("POST", path, body, headers)

    def pages(self, path):
        """The items of all pages of a list."""
        after = ""
        while True:
            page = self.get(path + after)
            yield from page["items"]
            if "next" not in page:
                return
            after = ("&" if "?" in path else "?") + "after=" + page["next"]

    @contextlib.contextmanager
    def stream(self, path, headers=None):
        """An open answer, to be read line by line: for server-sent events."""
        with contextlib.closing(self._connect()) as connection:
            connection.request("GET", path, headers=self.headers | {"Accept": "text/event-stream"} | (headers or {}))
            with connection.getresponse() as answer:
                yield answer

    def _connect(self):
        with self._mutex:
            host = next(self._turn)
        return http.client.HTTPConnection(host, timeout=TIMEOUT)

    def _exchange(self, method, path, body, headers):
        with self._mutex:
            kept = self._idle.pop() if self._idle else None
        if kept is not None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self._converse(kept, method, path, body, headers)
            kept.close()
        fresh = self._connect()
        try:
            return self._converse(fresh, method, path, body, headers)
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error

    def _converse(self, connection, method, path, body, headers):
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        if not response.will_close:
            with self._mutex:
                self._idle.append(connection)
        return answer


# -- The shopper ------------------------------------------------------------------------------------------------------


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


# -- Staff ------------------------------------------------------------------------------------------------------------


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
        """All steps from covered to shipped."""
        self.covered(shipment_id)
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

    def payment(self, checkout_id):
        return self.door.get(f"/payments/{checkout_id}")

    def ledger(self, checkout_id):
        return self.door.get(f"/payments/{checkout_id}/ledger")["entries"]


# -- Other systems ----------------------------------------------------------------------------------------------------


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


# -- The payment provider's page --------------------------------------------------------------------------------------


class _Forms(html.parser.HTMLParser):
    """The alert and the forms of a page: action, and name and value of each field and button."""

    def __init__(self, text):
        super().__init__()
        self.alert = ""
        self.forms = []
        self._in_alert = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self._in_alert = values.get("role") == "alert"
        if tag == "form":
            self.forms.append({"action": values.get("action") or "", "fields": {}, "buttons": []})
        elif tag in ("input", "button") and self.forms and "name" in values:
            field = (values["name"], values.get("value") or "")
            if tag == "button" or values.get("type") == "submit":
                self.forms[-1]["buttons"].append(field)
            else:
                self.forms[-1]["fields"][field[0]] = field[1]

    def handle_endtag(self, tag):
        self._in_alert = False

    def handle_data(self, data):
        if self._in_alert:
            self.alert += data


class HostedPage:
    """The page that a placement redirects to, as a browser without a script sees it: `url`, `text`, `alert`, `forms`.
    `url` is where the browser is now; when it was sent to the shop's own return URL it stays there without loading."""

    def __init__(self, url):
        self.url = url
        self.text = self.alert = ""
        self.forms = []
        self.go(url)

    def go(self, url, data=None):
        """Loads a page, following redirects as long as they lead to pages that exist here."""
        for _ in range(10):
            self.url = url
            request = urllib.request.Request(url, data)
            try:
                with NO_REDIRECT.open(request, timeout=TIMEOUT) as answer:
                    self._show(answer.read().decode())
                    return self
            except urllib.error.HTTPError as error:
                with error:
                    if error.code not in (302, 303, 307):
                        self._show(error.read().decode(errors="replace"))
                        return self
                    url, data = urllib.parse.urljoin(url, error.headers["Location"]), None
            except urllib.error.URLError:
                return self  # the shop's own page, which needs not exist
        raise AssertionError(f"{self.url} redirects for ever")

    def submit(self, form=0, button=0, **fields):
        """Fills in a form and presses one of its buttons."""
        chosen = self.forms[form]
        values = chosen["fields"] | dict(chosen["buttons"][button:button + 1]) | fields
        return self.go(urllib.parse.urljoin(self.url, chosen["action"]), urllib.parse.urlencode(values).encode())

    def pay(self, number=GOOD_CARD):
        """Types a card number into the form that asks for one."""
        for index, form in enumerate(self.forms):
            for name in form["fields"]:
                if "number" in name or name == "card":
                    return self.submit(index, **{name: number})
        raise AssertionError(f"{self.url} asks for no card: {self.text[:2000]}")

    def _show(self, text):
        page = _Forms(text)
        self.text, self.alert, self.forms = text, page.alert.strip(), page.forms


# -- What everybody can see -------------------------------------------------------------------------------------------


class Mail:
    """A mail that went out: `to`, `subject`, `text`, `id`."""

    def __init__(self, envelope):
        message = email.message_from_bytes(envelope["content"], policy=email.policy.default)
        self.to = envelope["to"]
        self.sender = envelope["from"]
        self.subject = message["Subject"]
        self.id = message["Message-ID"]
        body = message.get_body(("plain",))
        self.text = body.get_content() if body else ""

    def __repr__(self):
        return f"{self.subject!r} to {', '.join(self.to)}"


def mails_to(address):
    """What the mail server has accepted for an address, oldest first."""
    return [Mail(each) for each in stack().mail.messages() if address in each["to"]]


class Event:
    """A record of a topic: `type` ("order.placed"), `sequence`, `id`, `key`, `value`, `headers`."""

    def __init__(self, record):
        self.headers = record["headers"]
        self.key = record["key"]
        self.value = record["value"]
        self.id = self.headers["ce_id"]
        self.type = self.headers["ce_type"].removeprefix("waybill.").rpartition(".v")[0]
        self.sequence = int(self.headers["ce_sequence"])

    def __repr__(self):
        return f"{self.key} {self.sequence} {self.type}"


def events(topic, key=None):
    """The events of a topic ("order") or of one of its keys, each once, in order."""
    found = {}
    for record in records(f"waybill.{topic}"):
        if key is None or record["key"] == key:
            event = Event(record)
            found.setdefault(event.id, event)
    return list(found.values())


def event_types(topic, key):
    return [event.type for event in events(topic, key)]
