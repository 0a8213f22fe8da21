"""What a consumer that isn't ours finds on the topics, read with kcat: every aggregate's events numbered without a
hole, repeats that are repeats, and snapshots that agree."""

import json
import unittest

from shop import Erp, Shopper, Warehouse
from support import ROOT, eventually, records, rows
from support.versions import by_key, is_in_order, sequence

TOPICS = json.loads((ROOT / "proto/topics.json").read_text())["topics"]
EVENT_TOPICS = [topic["name"] for topic in TOPICS if not topic.get("compacted")]
REQUIRED = ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_sequence",
            "ce_correlationid")

# Where an aggregate's version is kept: topic, who has the table, key and version of its rows.
KEPT = (
    ("waybill.cart", "cart", "SELECT id AS key, version FROM cart"),
    ("waybill.checkout", "checkout", "SELECT id AS key, version FROM checkout"),
    ("waybill.payment", "payment", "SELECT id AS key, version FROM payment"),
    ("waybill.order", "order", "SELECT id AS key, version FROM orders"),
    ("waybill.hold", "fulfilment", "SELECT id AS key, version FROM hold"),
    ("waybill.shipment", "fulfilment", "SELECT id AS key, version FROM shipment"),
    ("waybill.product", "catalog", "SELECT id AS key, version FROM product"),
)


class FirstOccurrencesTest(unittest.TestCase):
    """The rule itself: what it must let pass, and what it must not."""

    def judge(self, *numbers):
        return is_in_order([{"headers": {"ce_id": f"event {n}", "ce_sequence": str(n)}} for n in numbers])

    def test_44_repeats_are_no_disorder_whenever_they_come(self):
        for numbers in ((1, 2, 3), (1, 1, 2, 3), (1, 2, 1, 2, 3), (1, 2, 1, 3), (1, 2, 3, 1)):
            with self.subTest(numbers):
                self.assertTrue(self.judge(*numbers))

    def test_44_overtaking_and_holes_are_seen(self):
        for numbers in ((2, 1, 3), (1, 3), (2, 3), (1, 3, 2, 1)):
            with self.subTest(numbers):
                self.assertFalse(self.judge(*numbers))


class VersionsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # So that there is something to read when this file runs alone.
        sku = Erp().offer({"berlin": 5, "leeds": 5})
        order = Shopper().buy(sku, 7)
        Warehouse().shipments(order["id"], 2)

    def test_44_first_occurrences_of_every_key_are_1_to_n_in_order(self):
        for topic in EVENT_TOPICS:
            for key, found in by_key(records(topic)).items():
                with self.subTest(topic, key=key):
                    self.assertTrue(is_in_order(found), [(record["offset"], sequence(record)) for record in found])

    def test_44_a_key_stays_in_its_partition(self):
        for topic in EVENT_TOPICS:
            for key, found in by_key(records(topic)).items():
                with self.subTest(topic, key=key):
                    self.assertEqual(len({record["partition"] for record in found}), 1)

    def test_43_a_repeat_has_the_same_content(self):
        for topic in EVENT_TOPICS:
            first = {}
            for record in records(topic):
                copy = (record["key"], record["headers"], record["value"])
                with self.subTest(topic, id=record["headers"]["ce_id"]):
                    self.assertEqual(first.setdefault(record["headers"]["ce_id"], copy), copy)

    def test_every_message_is_a_cloud_event(self):
        for topic in [each["name"] for each in TOPICS]:
            aggregate = topic.split(".")[1]
            for record in records(topic):
                headers = record["headers"]
                with self.subTest(topic, headers=headers):
                    self.assertEqual([name for name in REQUIRED if not headers.get(name)], [])
                    self.assertEqual(headers["ce_specversion"], "1.0")
                    self.assertEqual(headers["ce_subject"], record["key"])
                    self.assertRegex(headers["ce_type"], rf"^waybill\.{aggregate}\.[a-z_]+\.v[0-9]+$")

    def test_43_the_topics_end_where_the_tables_stand(self):
        for topic, who, query in KEPT:
            def differences():
                told = {key: max(map(sequence, found)) for key, found in by_key(records(topic)).items()}
                kept = {row["key"]: int(row["version"]) for row in rows(who, query) if row["version"] != "0"}
                self.assertEqual({key: (told.get(key), kept.get(key)) for key in told.keys() | kept.keys()
                                  if told.get(key) != kept.get(key)}, {})
                return True
            with self.subTest(topic):
                eventually(differences, 15, 1)

    def test_44_the_last_snapshot_of_an_order_is_the_order(self):
        def agree():
            last = {record["key"]: record for record in records("waybill.order.snapshot")}
            orders = {row["id"]: row for row in rows("order", "SELECT id, version, kernel, status, number FROM orders")}
            self.assertEqual(set(last), set(orders))
            for key, record in last.items():
                value, order = record["value"], orders[key]
                self.assertEqual((value["kernel"], value["status"], value["number"]),
                                 (order["kernel"], order["status"], order["number"]))
                self.assertLessEqual(sequence(record), int(order["version"]))
            return True
        eventually(agree, 15, 1)


if __name__ == "__main__":
    unittest.main()
