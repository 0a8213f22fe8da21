#!/usr/bin/env python3
"""What an ERP sends: rows stand alone, each that can't be taken is named with its cause, and a file that is sent again
changes nothing."""

import json
import unittest
import uuid

from partners import await_in_carts
from people import ShopTest
from shop import Erp, events
from support import eventually

HEADING = "code,title,description,tax_class,sku,variant_title,currency,price,weight_grams\n"


class ImportTest(ShopTest):
    def setUp(self):
        self.erp = Erp()
        self.name = f"IMP-{uuid.uuid4().hex[:10].upper()}"

    def csv(self, *rows):
        return self.erp.door.post("/imports/products", (HEADING + "\n".join(rows) + "\n").encode(),
                                  {"Content-Type": "text/csv"})

    def row(self, code, sku, tax_class="standard", price="1290", title="Thing"):
        return f"{self.name}-{code},{title},,{tax_class},{self.name}-{sku},,EUR,{price},100"

    def counts(self, report):
        return report["applied"], report["unchanged"], report["failed"]

    def test_rows_that_fail_are_named_and_the_others_taken(self):
        report = self.csv(self.row("A", "1"), self.row("A", "2", tax_class="luxury"), self.row("B", "1"),
                          self.row("C", "3", price="-1"), self.row("A", "4"))

        self.assertEqual(self.counts(report), (2, 0, 3))
        self.assertEqual([(row["row"], row.get("field")) for row in report["rows"]],
                         [(2, "tax_class"), (3, "sku"), (4, "price")])
        await_in_carts(f"{self.name}-1")
        await_in_carts(f"{self.name}-4")

    def test_the_same_file_again_changes_nothing(self):
        rows = [self.row("A", "1"), self.row("A", "2"), self.row("B", "3")]
        self.assertEqual(self.counts(self.csv(*rows)), (3, 0, 0))
        self.assertEqual(self.counts(self.csv(*rows)), (0, 3, 0))

        changed = [self.row("A", "1"), self.row("A", "2"), self.row("B", "3", price="1390")]
        self.assertEqual(self.counts(self.csv(*changed)), (1, 2, 0))

        def told():
            return [event for event in events("product") if event.value["code"].startswith(self.name)]
        eventually(lambda: len(told()) == 3)
        self.assertEqual(sorted((event.value["code"][-1], event.sequence) for event in told()),
                         [("A", 1), ("B", 1), ("B", 2)])

    def test_the_sku_of_a_row_that_failed_is_still_free(self):
        self.assertEqual(self.counts(self.csv(self.row("A", "1"), self.row("A", "2", tax_class="luxury"))), (1, 0, 1))
        self.assertEqual(self.counts(self.csv(self.row("B", "2"))), (1, 0, 0))

    def test_lines_of_json_are_taken_too(self):
        row = {"code": self.name, "title": "Thing", "tax_class": "standard", "sku": self.name, "currency": "EUR",
               "price": 1290, "weight_grams": 100}
        lines = [json.dumps(row), json.dumps(row | {"price": "much"}), "{", json.dumps(row | {"colour": "blue"})]
        report = self.erp.door.post("/imports/products", "\n".join(lines).encode(),
                                    {"Content-Type": "application/x-ndjson"})
        self.assertEqual(self.counts(report), (1, 0, 3))
        self.assertEqual([row["row"] for row in report["rows"]], [2, 3, 4])


if __name__ == "__main__":
    unittest.main()
