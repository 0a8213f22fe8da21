#!/usr/bin/env python3
"""The contracts of proto/ seen by those who only know the standards: JSON Schema, OpenAPI and AsyncAPI.

What our generator accepts must mean the same to everybody else. Each check has a negative control: a document broken
on purpose must fail.
"""

import copy
import json
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/contract"), str(ROOT / "tests"), str(ROOT / "tools")]
sys.dont_write_bytecode = True

import packages

packages.python_packages()

import jsonschema
from openapi_spec_validator import OpenAPIV31SpecValidator
from protolib import model, openapi
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from support import golang

PROTO = ROOT / "proto"
SCHEMAS = sorted(path for path in PROTO.rglob("*.json") if path.parent != PROTO)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def retrieve(uri):
    return Resource(load(uri.removeprefix("file://")), DRAFT202012)


def validator(path):
    return jsonschema.Draft202012Validator({"$ref": path.as_uri()}, registry=Registry(retrieve=retrieve),
                                           format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def without(value, name):
    return {key: each for key, each in value.items() if key != name}


class SchemaTest(unittest.TestCase):
    def test_every_schema_is_one(self):
        for path in SCHEMAS:
            with self.subTest(path.relative_to(PROTO)):
                jsonschema.Draft202012Validator.check_schema(load(path))

    def test_every_example_fits_its_schema(self):
        count = 0
        for path in SCHEMAS:
            for example in load(path).get("examples", []):
                with self.subTest(path.relative_to(PROTO)):
                    validator(path).validate(example)
                    count += 1
        self.assertGreater(count, 50)

    def test_every_body_has_an_example(self):
        for path in SCHEMAS:
            self.assertTrue(load(path).get("examples"), f"{path.relative_to(PROTO)} has none")

    def test_broken_examples_do_not_fit(self):
        for path in SCHEMAS:
            schema = load(path)
            for example in schema.get("examples", []):
                if schema["type"] == "string":
                    self.assertFalse(validator(path).is_valid("no such word"))
                    continue
                for name in schema.get("required", []):
                    with self.subTest(path.relative_to(PROTO), without=name):
                        self.assertFalse(validator(path).is_valid(without(example, name)))
                for name in example:
                    with self.subTest(path.relative_to(PROTO), null=name):
                        self.assertFalse(validator(path).is_valid(example | {name: None}))

    def test_formats_are_checked(self):
        path = PROTO / "order/placed.v1.json"
        for name, value in (("order_id", "1"), ("placed_at", "yesterday"), ("method", "cheque")):
            with self.subTest(name):
                self.assertFalse(validator(path).is_valid(load(path)["examples"][0] | {name: value}))

    def test_events_are_open(self):
        path = PROTO / "order/placed.v1.json"
        self.assertTrue(validator(path).is_valid(load(path)["examples"][0] | {"of_tomorrow": 1}))


class MoneyTest(unittest.TestCase):
    """The examples are arithmetic that a reader will check."""

    def check_line(self, line):
        total = line["quantity"] * line["unit_price"]["amount"]
        total += sum(each["amount"]["amount"] for each in line.get("adjustments", []))
        self.assertEqual(line["total"]["amount"], total)

    def check_totals(self, value):
        taxes = [tax["amount"]["amount"] for each in value["lines"] + value["groups"] for tax in each["tax_lines"]]
        totals = {name: each["amount"] for name, each in value["totals"].items() if name != "tax_included"}
        self.assertEqual(totals["lines"], sum(line["total"]["amount"] for line in value["lines"]))
        self.assertEqual(totals["delivery"], sum(group["price"]["amount"] for group in value["groups"]))
        self.assertEqual(totals["tax"], sum(taxes))
        added = 0 if value["totals"]["tax_included"] else totals["tax"]
        self.assertEqual(totals["total"], totals["lines"] + totals["delivery"] + added)

    def test_lines_and_totals_add_up(self):
        checked = 0
        for path in SCHEMAS:
            for example in load(path).get("examples", []):
                if not isinstance(example, dict):
                    continue
                with self.subTest(path.relative_to(PROTO)):
                    for line in example.get("lines", []):
                        if "total" in line:
                            self.check_line(line)
                    if "totals" in example and "groups" in example:
                        self.check_totals(example)
                        checked += 1
                    if "subtotal" in example and "lines" in example:
                        self.assertEqual(example["subtotal"]["amount"],
                                         sum(line["total"]["amount"] for line in example["lines"]))
        self.assertGreater(checked, 3)


class OpenApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        proto = model.Proto(str(PROTO))
        cls.bundled = {name: openapi.Api(proto, name, document).bundled for name, document in proto.openapi.items()}

    def complaints(self, document):
        return [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]

    def test_there_are_three(self):
        self.assertEqual(sorted(self.bundled), ["backoffice", "integration", "storefront"])

    def test_bundled_documents_are_valid(self):
        for name, document in self.bundled.items():
            with self.subTest(name):
                self.assertEqual(self.complaints(document), [])

    def test_broken_documents_are_not(self):
        for name, document in self.bundled.items():
            with self.subTest(name):
                self.assertNotEqual(self.complaints(without(document, "info")), [])
                broken = copy.deepcopy(document)
                first = next(iter(next(iter(broken["paths"].values())).values()))
                first["responses"] = {"200": {}}
                self.assertNotEqual(self.complaints(broken), [])

    def component(self, document, name):
        return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}",
                                                "components": document["components"]})

    def test_bundled_examples_fit_their_patterns(self):
        for name, document in self.bundled.items():
            for key, schema in document["components"]["schemas"].items():
                for example in schema.get("examples", []):
                    with self.subTest(name, schema=key):
                        self.component(document, key).validate(example)

    def test_requests_are_closed_and_answers_open(self):
        document = self.bundled["storefront"]
        for name, closed in (("set_addresses", True), ("address", True), ("cart_view", False)):
            with self.subTest(name):
                example = document["components"]["schemas"][name]["examples"][0]
                self.assertEqual(self.component(document, name).is_valid(example | {"of_tomorrow": 1}), not closed)


class AsyncApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = load(PROTO / "asyncapi.json")

    def test_it_is_valid(self):
        schema = load(golang.asyncapi_schema())
        check = jsonschema.validators.validator_for(schema)(schema)
        self.assertEqual([error.message for error in check.iter_errors(self.document)], [])
        self.assertFalse(check.is_valid(without(self.document, "info")))
        broken = copy.deepcopy(self.document)
        broken["channels"]["order"]["address"] = 7
        self.assertFalse(check.is_valid(broken))

    def refs(self, value):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for each in value.values():
                yield from self.refs(each)
        elif isinstance(value, list):
            for each in value:
                yield from self.refs(each)

    def test_every_reference_leads_somewhere(self):
        for ref in self.refs(self.document):
            with self.subTest(ref):
                if ref.startswith("#/"):
                    target = self.document
                    for key in ref[2:].split("/"):
                        target = target[key]
                else:
                    self.assertTrue((PROTO / ref).is_file())

    def test_every_event_is_said_by_one_service(self):
        said = [ref["$ref"] for each in self.document["operations"].values() if each["action"] == "send"
                for ref in each["messages"]]
        self.assertEqual(len(said), len(set(said)))
        self.assertEqual(len(said), len(self.document["components"]["messages"]))


if __name__ == "__main__":
    unittest.main()
