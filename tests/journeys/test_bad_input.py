"""What must not come in, and what must not leak out: every body of the three gateways bent in every way that its schema
forbids, and a planted person who is searched for where nobody should be found."""

import copy
import json
import re
import unittest
import uuid

from shop import ADDRESS_DE, Carrier, Clerk, Door, Erp, Finance, Shopper, Staff, Warehouse, signature
from support import ROOT, environment, eventually, records, rows, stack

PROTO = ROOT / "proto"
SERVICES = ("catalog", "cart", "checkout", "payment", "order", "fulfilment", "notification")
DEEP = 100_000
PATIENCE = 30  # seconds, for the rate limit


# -- Schemas ----------------------------------------------------------------------------------------------------------


def load(path):
    """A schema with every reference replaced by what it refers to."""
    def resolve(value):
        if isinstance(value, dict):
            if "$ref" in value:
                return load(path.parent / value["$ref"])
            return {name: resolve(each) for name, each in value.items()}
        return [resolve(each) for each in value] if isinstance(value, list) else value
    return resolve(json.loads(path.read_text()))


def operations(gateway):
    """(method, path, operation, schema or None) of everything that changes something and takes JSON or nothing."""
    document = json.loads((PROTO / f"{gateway}.openapi.json").read_text())
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            if method == "get" or "text/csv" in content:
                continue
            schema = content.get("application/json", {}).get("schema")
            yield (method.upper(), path, operation,
                   load(PROTO / schema["$ref"]) if schema and "$ref" in schema else schema)


WRONG_TYPES = {
    "string": (7, True, [], {}),
    "integer": ("7", True, 1.5, [], {}),
    "boolean": ("true", 1, [], {}),
    "object": ("x", 7, []),
    "array": ("x", 7, {}),
}
WRONG_FORMATS = {"uuid": "not-a-uuid", "email": "nobody", "uri": "not a uri", "date": "22.11.2026",
                 "date-time": "yesterday", "currency": "euro", "country": "Germany", "locale": "German",
                 "token": "with blanks"}


class Raw(str):
    """Text that goes into the body as it is."""


def render(value):
    """JSON, with Raw texts as they are."""
    marks = {}

    def replace(each):
        if isinstance(each, Raw):
            mark = uuid.uuid4().hex
            marks[f'"{mark}"'] = str(each)
            return mark
        if isinstance(each, dict):
            return {name: replace(member) for name, member in each.items()}
        return [replace(member) for member in each] if isinstance(each, list) else each
    text = json.dumps(replace(value))
    for mark, raw in marks.items():
        text = text.replace(mark, raw)
    return text.encode()


def wrong_values(schema, required):
    """Values that the schema of a member forbids."""
    kind = schema["type"]
    yield from WRONG_TYPES[kind]
    if kind == "integer":
        yield from (Raw(10 ** 400), Raw("1e400"), Raw(2 ** 63), -2 ** 63)
        yield schema.get("maximum", 2 ** 63 - 1) + 1
        if "minimum" in schema:
            yield schema["minimum"] - 1
    elif kind == "string":
        if "maxLength" in schema:
            yield "a" * (schema["maxLength"] + 1)
            yield "ü" * (schema["maxLength"] + 1)
        if required or schema.get("minLength"):
            yield ""
        if "enum" in schema:
            yield "something_else"
        for keyword in ("format", "x-format"):
            if keyword in schema:
                yield WRONG_FORMATS[schema[keyword]]
    elif kind == "array" and schema.get("minItems"):
        yield []


def bent(schema, example, path=""):
    """(what, value, field) for each way to bend an example of an object; `field` is to be complained about."""
    required = schema.get("required", [])
    yield "unknown member", example | {"zzz_unknown": 1}, path + "zzz_unknown"
    for name in required:
        yield "missing", {key: value for key, value in example.items() if key != name}, path + name
        yield "null", example | {name: None}, path + name
    for name, member in schema["properties"].items():
        for value in wrong_values(member, name in required):
            yield "wrong value", example | {name: value}, path + name
        if name not in example:
            continue
        if member["type"] == "object":
            for what, value, field in bent(member, example[name], f"{path}{name}."):
                yield what, example | {name: value}, field
        elif member["type"] == "array" and member["items"]["type"] == "object" and example[name]:
            yield "too many", example | {name: example[name][:1] * (member["maxItems"] + 1)}, path + name
            for what, value, field in bent(member["items"], example[name][0], f"{path}{name}[0]."):
                yield what, example | {name: [value] + example[name][1:]}, field


def broken(example):
    """(what, bytes) that are no JSON object at all, or not JSON."""
    good = json.dumps(example).encode()
    yield from (("nothing", b""), ("cut off", good[:-1]), ("more behind it", good + b"x"), ("two", good + good),
                ("trailing comma", good[:-1] + b",}"), ("single quotes", good.replace(b'"', b"'")),
                ("not UTF-8", b'{"\xff\xfe": 1}'), ("not UTF-8 in a value", good[:-1] + b', "a": "\xc3\x28"}'),
                ("over-long UTF-8", good[:-1] + b', "a": "\xc0\xaf"}'), ("a NUL", good + b"\0"),
                ("half a surrogate pair", good[:-1] + b', "a": "\\ud800"}'), ("NaN", b'{"a": NaN}'),
                ("deep objects", b'{"a":' * DEEP), ("deep arrays", b"[" * 60_000),
                ("deep and closed", b"[" * 20_000 + b"]" * 20_000))


def body_max(operation):
    """How many bytes a body may have, as the document says."""
    kibibytes = re.search(r"larger than ([0-9]+) KiB", operation["responses"]["413"]["description"])
    return int(kibibytes[1]) * 1024


# -- What is compared -------------------------------------------------------------------------------------------------


# The tables of whoever asks; partitions come and go, and count with the whole.
TABLES = """SELECT relname AS name FROM pg_class
             WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"""


def row_counts():
    """How many rows each table has, by service."""
    counts = {}
    for service in SERVICES:
        for row in rows(service, f"""
                SELECT name, (xpath('/row/c/text()', query_to_xml(
                           format('SELECT count(*) AS c FROM %I', name), false, true, '')))[1] AS c
                  FROM ({TABLES}) AS own"""):
            counts[service, row["name"]] = int(row["c"])
    # A task that asks the payment provider for news comes back now and then, whatever happens.
    [polls] = rows("payment", "SELECT count(*) AS c FROM task WHERE kind = 'psp.poll'")
    counts["payment", "task"] -= int(polls["c"])
    return counts


def quiet_row_counts():
    """The same, once nothing moves any more."""
    last = [None]

    def same_twice():
        before, last[0] = last[0], row_counts()
        return last[0] if before == last[0] else None
    return eventually(same_twice, 30, 0.7)


def pids():
    return {name: stack().daemon(name).pid for name in stack().running()}


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sku = Erp().offer()
        cls.buyer = Shopper()
        cls.order_id = cls.buyer.buy(cls.sku)["id"]
        cls.shipment_id = Warehouse().shipments(cls.order_id)[0]["id"]
        cls.shopper = Shopper(patience=PATIENCE)
        cls.line_id = cls.shopper.add(cls.sku)["lines"][0]["line_id"]
        cls.shopper.check_out()
        cls.buyer.door.patience = PATIENCE
        cls.staff = Staff(patience=PATIENCE)
        cls.partner = Carrier(patience=PATIENCE)

    def setUp(self):
        self.counts, self.pids, self.views = quiet_row_counts(), pids(), self.look()

    def tearDown(self):
        self.assertEqual({name: (self.counts[name], count) for name, count in quiet_row_counts().items()
                          if count != self.counts[name]}, {}, "tables with more or fewer rows than before")
        self.assertEqual(self.look(), self.views)
        self.assertEqual(pids(), self.pids)

    def look(self):
        return [self.shopper.cart(), self.shopper.checkout(), self.buyer.order(), Clerk().timeline(self.order_id),
                Warehouse().shipment(self.shipment_id), Warehouse().stock(self.sku)]

    def target(self, path):
        """The path of an operation, about things that are there."""
        return path.format(cart_id=self.shopper.cart_id, line_id=self.line_id, checkout_id=self.shopper.checkout_id,
                           order_id=self.order_id, shipment_id=self.shipment_id, service="payment", id=uuid.uuid4())

    def door(self, gateway, path):
        if gateway == "storefront":
            return (self.buyer if "order_id" in path else self.shopper).door
        return self.staff.door if gateway == "backoffice" else self.partner.door

    def send(self, gateway, method, path, body, headers=None):
        values = {"Content-Type": "application/json", "If-Match": '"1"'} | (headers or {})
        if path == "/webhooks/carrier":
            values["Waybill-Signature"] = signature(environment()["WAYBILL_CARRIER_WEBHOOK_SECRETS"], body)
        elif path == "/webhooks/psp":
            values["Stripe-Signature"] = signature(environment()["WAYBILL_PSP_WEBHOOK_SECRETS"], body)
        return self.door(gateway, path).request(method, self.target(path), body, values)

    def check_problem(self, answer, *statuses):
        self.assertIn(answer.status, statuses, answer)
        self.assertEqual(answer.headers.get("Content-Type"), "application/problem+json", answer)
        self.assertEqual(answer.body["status"], answer.status)

    def check_gateway(self, gateway):
        for method, path, operation, schema in operations(gateway):
            with self.subTest(operation["operationId"]):
                if schema is not None:
                    self.check_broken(gateway, method, path, operation, schema)
                    if "examples" in schema:
                        self.check_bent(gateway, method, path, operation, schema)
                elif method != "DELETE":
                    self.check_problem(self.send(gateway, method, path, b'{"a": 1}'), 400)

    def check_broken(self, gateway, method, path, operation, schema):
        example = schema.get("examples", [{"id": "evt_1", "type": "x"}])[0]
        for what, body in broken(example):
            if what == "half a surrogate pair" and "examples" not in schema:
                continue  # a provider's own document: JSON allows it, and we read only the members that we know
            with self.subTest(what):
                statuses = (413,) if len(body) > body_max(operation) else (400, 422)
                self.check_problem(self.send(gateway, method, path, body), *statuses)
        for value in ([], "x", 7, True, None, [example]):
            with self.subTest(value=value):
                self.check_problem(self.send(gateway, method, path, json.dumps(value).encode()), 400, 422)
        padded = json.dumps(example)[:-1] + " " * body_max(operation) + "}"
        self.check_problem(self.send(gateway, method, path, padded.encode()), 413)
        if "415" in operation["responses"]:
            for media_type in ("text/plain", "application/xml", "application/json; charset=latin1", "", "x" * 300):
                with self.subTest(media_type=media_type):
                    good = json.dumps(example).encode()
                    answer = self.send(gateway, method, path, good, {"Content-Type": media_type})
                    self.check_problem(answer, 415)

    def check_bent(self, gateway, method, path, operation, schema):
        example = schema["examples"][0]
        for what, value, field in bent(schema, example):
            body = render(value)
            with self.subTest(what, field=field, body=body[:200]):
                answer = self.send(gateway, method, path, body)
                if len(body) > body_max(operation):
                    self.check_problem(answer, 413)
                    continue
                self.check_problem(answer, 422)
                self.assertIn(field, [error["field"] for error in answer.body.get("errors", [])], answer)
        name, value = next(iter(example.items()))
        twice = json.dumps(example)[:-1] + f', "{name}": {json.dumps(value)}' + "}"
        self.check_problem(self.send(gateway, method, path, twice.encode()), 422)

    # -- The tests ----------------------------------------------------------------------------------------------------

    def test_storefront(self):
        self.check_gateway("storefront")

    def test_backoffice(self):
        self.check_gateway("backoffice")

    def test_integration(self):
        self.check_gateway("integration")

    def test_imports(self):
        door = Erp(patience=PATIENCE).door
        bad_rows = {
            "products": ("code,title,tax_class,sku,currency,price", [
                ",t,standard,S1,EUR,1", "C,t,luxury,S1,EUR,1", "C,t,standard,S1,EURO,1", "C,t,standard,S1,EUR,-1",
                "C,t,standard,S1,EUR,1.50", f"C,t,standard,S1,EUR,{10 ** 30}", "C,t,standard,with blank,EUR,1",
                f"C,{'t' * 201},standard,S1,EUR,1", "C,t,standard,S1,EUR,1,more", "C,t"]),
            "stock": ("sku,warehouse,on_hand", ["S1,nowhere,1", "S1,berlin,-1", "S1,berlin,many", "S1,berlin,",
                                                f"S1,berlin,{2 ** 63}", "with blank,berlin,1", ",berlin,1"]),
        }
        for what, (heading, lines) in bad_rows.items():
            with self.subTest(what):
                text = "\n".join([heading, *lines]).encode()
                report = door.post(f"/imports/{what}", text, {"Content-Type": "text/csv"})
                self.assertEqual((report["applied"], report["failed"]), (0, len(lines)), report)
                self.assertEqual([row["row"] for row in report["rows"]], list(range(1, len(lines) + 1)))
                ndjson = b'{"sku": \n[]\n7\n{"zzz": 1}\n' + b'{"sku":' * 1000 + b"\n"
                report = door.post(f"/imports/{what}", ndjson, {"Content-Type": "application/x-ndjson"})
                self.assertEqual((report["applied"], report["failed"]), (0, 5), report)
            for title, body, media_type, status in (
                    ("unknown column", b"sku,colour\n", "text/csv", 400),
                    ("open quote", b'sku,"ware\n', "text/csv", 400),
                    ("not UTF-8", heading.encode() + b"\n\xff\xfe", "text/csv", 400),
                    ("JSON", b"[]", "application/json", 415),
                    ("too large", heading.encode() + b"\n" + b"x" * (33 * 1024 * 1024), "text/csv", 413)):
                with self.subTest(what, title=title):
                    answer = door.request("POST", f"/imports/{what}", body, {"Content-Type": media_type})
                    self.check_problem(answer, status)

    def test_paths_queries_and_headers(self):
        door = self.shopper.door
        for path, statuses in (("/carts/not-an-id", (404,)), ("/carts/%ff", (400, 404)), ("/carts/%00", (400, 404)),
                               ("/carts/" + "a" * 4000, (400, 404, 414)), ("/../../etc/passwd", (400, 404)),
                               ("/carts/" + "../" * 50, (400, 404)), ("/products?limit=0", (422,)),
                               ("/products?limit=201", (422,)), ("/products?limit=x", (422,)),
                               ("/products?currency=euro", (422,)), ("/products?currency=%ff", (400,)),
                               ("/nowhere", (404,))):
            with self.subTest(path[:40]):
                self.check_problem(door.request("GET", path), *statuses)
        answer = door.request("DELETE", "/products")
        self.check_problem(answer, 405)
        self.assertEqual(answer.headers["Allow"], "GET, HEAD")
        for key in ("a" * 129, "with blank", "ü".encode().decode("latin1")):
            with self.subTest(key=key[:20]):
                answer = door.request("POST", f"/carts/{self.shopper.cart_id}/items",
                                      {"sku": self.sku, "quantity": 1}, {"Idempotency-Key": key})
                self.check_problem(answer, 400)
        line = f"/carts/{self.shopper.cart_id}/items/{self.line_id}"
        self.check_problem(door.request("PUT", line, {"quantity": 2}), 428)
        self.check_problem(door.request("PUT", line, {"quantity": 2}, {"If-Match": '"99"'}), 412)
        self.check_problem(door.request("PUT", line, {"quantity": 2}, {"If-Match": "nonsense"}), 400, 412)

    def test_credentials(self):
        for gateway, path in (("storefront", f"/carts/{self.shopper.cart_id}"), ("backoffice", "/orders")):
            for credential in (None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer " + "a" * 8000, "Bearer ü",
                               self.shopper.door.headers["Authorization"][:-1]):
                with self.subTest(gateway, credential=str(credential)[:30]):
                    answer = Door(gateway).request("GET", path, headers={
                        "Authorization": credential.encode().decode("latin1") if credential is not None else None})
                    self.check_problem(answer, 401, 400, 431)
        body = b'{"id": "evt_1", "type": "x"}'
        self.check_problem(self.partner.door.request("POST", "/webhooks/psp", body, {
            "Content-Type": "application/json", "Stripe-Signature": signature("whsec_wrong", body)}), 400)
        self.check_problem(self.partner.door.request("POST", "/imports/stock", b"sku,warehouse,on_hand\n",
                                                     {"Content-Type": "text/csv"}), 401)


class PlantedTest(unittest.TestCase):
    """A person with names that occur nowhere else goes all the way through, and stumbles at some doors."""

    @classmethod
    def setUpClass(cls):
        def mark():
            return uuid.uuid4().hex[:16]
        cls.marks = {"name": mark(), "street": mark(), "phone": mark(), "note": mark(), "email": mark()}
        address = ADDRESS_DE | {"name": f"Zoe {cls.marks['name']}", "line1": f"Hidden Lane {cls.marks['street']}",
                                "phone": cls.marks["phone"]}
        clerk, warehouse, finance = Clerk(), Warehouse(), Finance()
        sku = Erp().offer()
        shopper = Shopper(email=f"{cls.marks['email']}@example.org", address=address)
        cls.marks["token"] = shopper.token
        cls.marks["token's secret"] = shopper.token.rpartition(".")[2][-32:]
        cls.marks["staff key"] = environment()["WAYBILL_STAFF_KEY_CLERK"]
        shopper.add(sku)
        shopper.open_checkout()
        cls.stumble(shopper, address)
        order = shopper.buy(sku)
        cls.order_id = order["id"]
        shopper.order_page()
        clerk.orders(email=shopper.email)
        clerk.note(order["id"], f"Rang {cls.marks['note']}")
        finance.receipt(order["payment_reference"], order["totals"]["total"], payer=address["name"])
        shipment = warehouse.shipments(order["id"])[0]
        number = warehouse.send(shipment["id"])["tracking_number"]
        warehouse.packing_slip(shipment["id"])
        Carrier().delivered(number)
        eventually(lambda: len(shopper.mails()) == 3, 30)

    @classmethod
    def stumble(cls, shopper, address):
        """Personal data where it is refused: in wrong places, in wrong forms."""
        path = f"/checkouts/{shopper.checkout_id}/addresses"
        good = {"email": shopper.email, "shipping": address, "billing": address}
        bad = copy.deepcopy(good)
        bad["shipping"]["country"] = "Germany"
        for body in (bad, good | {"email": shopper.email + "@"}, good | {f"x_{cls.marks['email']}": 1},
                     json.dumps(good).encode()[:-1]):
            shopper.door.request("PUT", path, body, {"Content-Type": "application/json"})
        shopper.door.request("GET", f"/orders/{uuid.uuid4()}/page?token={shopper.token}")
        shopper.door.request("GET", f"/nowhere/{shopper.email}?name={address['name'].replace(' ', '+')}")
        shopper.door.request("POST", path, good)  # a method that it doesn't have
        Clerk().door.request("GET", f"/orders?email={shopper.email}@@&limit=x")

    def assert_clean(self, where, content):
        for what, mark in self.marks.items():
            self.assertNotIn(mark, content, f"{what} in {where}")

    def test_mails_name_the_person(self):
        """So that the search below is for something that could be found."""
        self.assertTrue(any(self.marks["name"].encode() in mail["content"] for mail in stack().mail.messages()))

    def test_logs(self):
        for log in sorted((stack().state / "logs").glob("*.log")):
            with self.subTest(log.name):
                self.assert_clean(log.name, log.read_text(errors="replace"))

    def test_metrics(self):
        for process in stack().processes():
            with self.subTest(process.name):
                answer = Door(process.name, urls=[process.url]).request("GET", "/metrics")
                self.assertEqual(answer.status, 200)
                self.assert_clean(process.name, answer.content.decode())

    def test_topics(self):
        """Only events that say so carry personal data, and only in `personal`."""
        allowed = {f"waybill.{path.parent.name}.{path.name.removesuffix('.json')}" for path in PROTO.glob("*/*.json")
                   if "personal" in json.loads(path.read_text()).get("properties", {})}
        self.assertEqual(allowed, {"waybill.checkout.completed.v1", "waybill.order.placed.v1"})
        found = 0
        for topic in json.loads((PROTO / "topics.json").read_text())["topics"]:
            for record in records(topic["name"]):
                value = record["value"] or {}
                if record["headers"]["ce_type"] in allowed:
                    found += self.marks["name"] in json.dumps(value.pop("personal"))
                self.assert_clean(topic["name"], json.dumps([record["headers"], record["key"], value]))
        self.assertEqual(found, 2)

    def test_secrets_are_kept_hashed(self):
        """No table has the cart's token."""
        for service in SERVICES:
            for row in rows(service, TABLES):
                with self.subTest(service, table=row["name"]):
                    hits = rows(service, f"SELECT 1 FROM {row['name']} AS t WHERE t::text LIKE"
                                         f" '%{self.marks['token']}%' LIMIT 1")
                    self.assertEqual(hits, [])


if __name__ == "__main__":
    unittest.main()
