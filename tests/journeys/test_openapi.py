"""The gateways against their own OpenAPI documents, by a public fuzzer that knows nothing else: no request makes a
server error or an answer that the document doesn't promise, what the document forbids is refused, and the books stay
whole."""

import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import uuid
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "contract"))

import packages
from shop import Erp, Shopper, Staff, Warehouse
from support import Client, environment, stack
from support.audit import assert_clean

SECONDS = int(os.environ.get("WAYBILL_TEST_FUZZ_SECONDS", "45"))  # for all gateways at the same time
SEED = os.environ.get("WAYBILL_TEST_SEED", "1")

CONFIG = """
[parameters]
"path.cart_id" = "{cart}"
"path.line_id" = "{line}"
"path.checkout_id" = "{cart_checkout}"
"path.order_id" = "{order}"
"path.shipment_id" = "{shipment}"
"path.code" = "{sku}"
"path.service" = "payment"
"path.id" = "{anything}"

[checks]
# A shop knows more than its document says: which SKUs there are, what they cost, who may be sent where.
positive_data_acceptance.enabled = false
# RFC 6585 has a status for a missing If-Match, RFC 9110 one for an If-Match that is no tag of ours.
missing_required_header.expected-statuses = [400, 401, 403, 404, 406, 428]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429]

[[operations]]
include-path-regex = "^/orders/"
headers = {{ "Authorization" = "Bearer {order_token}" }}
"""


class Fuzzer:
    """A run of the fuzzer against one gateway."""

    def __init__(self, gateway, key, config, *more):
        self.gateway = gateway
        self.key = key
        self.config = config
        self.more = more

    def run(self, folder, document=None, seconds=SECONDS):
        """Fuzzes what the gateway's own document describes, or another one. Gives (operations, cases, findings,
        output); a finding is (operation, message, request)."""
        config = folder / f"{self.gateway}.toml"
        config.write_text(self.config)
        url = stack().urls(self.gateway)[0]
        reports = {kind: folder / f"{self.gateway}.{kind}" for kind in ("json", "ndjson")}
        run = subprocess.run([
            sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", document or f"{url}/openapi.json",
            "--url", url, "--header", f"Authorization: Bearer {self.key}", "--phases", "examples,coverage,fuzzing",
            "--max-examples", "15", "--max-time", str(seconds), "--seed", SEED, "--request-timeout", "45",
            "--no-shrink", "--generation-database", "none", "--no-color", "--continue-on-failure",
            "--output-sanitize", "false",
            "--report", "json,ndjson", "--report-json-path", reports["json"],
            "--report-ndjson-path", reports["ndjson"],
            *self.more], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, cwd=folder, text=True,
            capture_output=True, timeout=SECONDS + 120)
        if not reports["json"].exists():
            raise AssertionError(run.stdout + run.stderr)
        summary = json.loads(reports["json"].read_text())
        with open(reports["ndjson"], encoding="utf-8") as lines:
            findings = [finding for line in lines for finding in self.findings(json.loads(line))]
        return summary["operations"], summary["test_cases"], findings, run.stdout + run.stderr

    @staticmethod
    def findings(event):
        recorder = event.get("ScenarioFinished", {}).get("recorder", {})
        for case, checks in recorder.get("checks", {}).items():
            for check in checks:
                if check["status"] == "failure":
                    failure = check["failure_info"]["failure"]
                    sent = recorder["cases"][case]["value"]
                    message = f"{failure['title']}: {failure['message']}"
                    yield recorder["label"], message, recorder["interactions"].get(case, {}).get("request", sent)


class OpenApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        packages.python_packages()
        operator = Staff("admin")
        process = operator.door.get("/order-process")["statuses"]
        cls.addClassCleanup(lambda: operator.door.ask("PUT", "/order-process", {"statuses": process}))
        sku = Erp().offer()
        buyer, shopper = Shopper(), Shopper()
        order = buyer.buy(sku, payment="cash_on_delivery")["id"]
        line = shopper.add(sku)["lines"][0]["line_id"]
        shopper.check_out()
        names = {"cart": shopper.cart_id, "line": line, "cart_checkout": shopper.checkout_id, "order": order,
                 "sku": sku, "shipment": Warehouse().shipments(order)[0]["id"], "anything": uuid.uuid4()}
        keys = environment()
        cls.fuzzers = [
            Fuzzer("storefront", shopper.token, CONFIG.format(**names, order_token=buyer.token),
                   "--exclude-path", "/orders/{order_id}/events"),  # it never ends
            Fuzzer("backoffice", keys["WAYBILL_STAFF_KEY_ADMIN"],
                   CONFIG.format(**names, order_token=keys["WAYBILL_STAFF_KEY_ADMIN"])),
            Fuzzer("integration", keys["WAYBILL_PARTNER_KEY_ERP"],
                   CONFIG.format(**names, order_token=keys["WAYBILL_PARTNER_KEY_ERP"])),
        ]

    def test_no_gateway_breaks_its_own_promises(self):
        folder = Path(tempfile.mkdtemp(prefix="waybill-fuzz-"))
        self.addCleanup(shutil.rmtree, folder)
        before = {name: stack().daemon(name).pid for name in stack().running()}
        with concurrent.futures.ThreadPoolExecutor(len(self.fuzzers)) as pool:
            runs = list(pool.map(lambda fuzzer: fuzzer.run(folder), self.fuzzers))

        for fuzzer, (operations, cases, findings, output) in zip(self.fuzzers, runs):
            with self.subTest(fuzzer.gateway):
                self.assertGreater(operations["tested"], operations["selected"] * 3 // 4, output)
                self.assertGreater(cases["generated"], operations["selected"], output)
                seen = set()
                for operation, message, request in findings:
                    if (operation, message) not in seen:
                        seen.add((operation, message))
                        with self.subTest(fuzzer.gateway, operation=operation):
                            self.fail(f"{message}\n{json.dumps(request)[:4000]}")
                print(f"{fuzzer.gateway}: {cases['generated']} requests to {operations['tested']} operations")
        self.assertEqual({name: stack().daemon(name).pid for name in before}, before)
        assert_clean(self, stack())

    def test_a_promise_that_is_not_kept_is_found(self):
        """The same with a document that is wrong: it says that a new cart is answered with 299."""
        folder = Path(tempfile.mkdtemp(prefix="waybill-fuzz-"))
        self.addCleanup(shutil.rmtree, folder)
        storefront = self.fuzzers[0]
        document = Client(environment()["WAYBILL_STOREFRONT_URL"]).get("/openapi.json").body
        document["paths"] = {"/carts": document["paths"]["/carts"]}
        responses = document["paths"]["/carts"]["post"]["responses"]
        responses["299"] = responses.pop("201")
        path = folder / "openapi.json"
        path.write_text(json.dumps(document))
        _, _, findings, output = Fuzzer("storefront", storefront.key, storefront.config).run(folder, path, 10)
        found = {(operation, message.partition(":")[0]) for operation, message, _ in findings}
        self.assertIn(("POST /carts", "Undocumented status code"), found, output)


if __name__ == "__main__":
    unittest.main()
