#!/usr/bin/env python3
"""Who may do what at the broker, asked with kcat: a service writes its own topics alone, a partner reads the public ones
alone, and nobody does anything without a name and its password."""

import json
import subprocess
import unittest

import settings
from support import ROOT, stack

TOPICS = json.loads((ROOT / "proto/topics.json").read_text())["topics"]
PUBLIC = {"waybill.payment", "waybill.order", "waybill.order.snapshot", "waybill.shipment"}


def kcat(user, password, *words, sent=""):
    """Whether the broker let a user do it, and what kcat said."""
    login = ("-X", f"sasl.mechanism={stack().kafka_mechanism}", "-X", f"sasl.username={user}", "-X",
             f"sasl.password={password}") if user else ("-X", "security.protocol=plaintext")
    done = subprocess.run(stack().kcat(*login, "-X", "allow.auto.create.topics=false", *words), input=sent, text=True,
                          capture_output=True, check=False, timeout=30)
    return done.returncode == 0, done.stdout + done.stderr


def password(user):
    return settings.kafka_password(stack(), user)


class AccessTest(unittest.TestCase):
    def may_read(self, user, topic):
        good, said = kcat(user, password(user), "-C", "-t", topic, "-o", "beginning", "-c", "1", "-e", "-q")
        self.assertTrue(good or "authorization" in said.lower(), said)
        return good

    def may_write(self, user, topic):
        """Asked with a message that is larger than any broker takes, so that nothing is written."""
        good, said = kcat(user, password(user), "-P", "-t", topic, "-X", "message.max.bytes=4000000", sent="x" * 2_000_000)
        self.assertFalse(good, said)
        self.assertTrue("too large" in said.lower() or "authorization" in said.lower(), said)
        return "too large" in said.lower()

    def test_a_service_writes_its_own_topics_alone(self):
        for user in settings.KAFKA_PROGRAMS:
            with self.subTest(user):
                self.assertEqual({topic["name"] for topic in TOPICS if self.may_write(user, topic["name"])},
                                 {topic["name"] for topic in TOPICS if topic["emitted_by"] == user})

    def test_a_partner_reads_the_public_topics_and_writes_none(self):
        for user in settings.PARTNERS:
            with self.subTest(user):
                self.assertEqual({topic["name"] for topic in TOPICS if self.may_read(user, topic["name"])}, PUBLIC)
                self.assertEqual([topic["name"] for topic in TOPICS if self.may_write(user, topic["name"])], [])

    def test_a_partner_joins_its_own_groups_alone(self):
        for group, allowed in (("erp", True), ("erp.stock", True), ("oms", False), ("waybill.order", False)):
            with self.subTest(group):
                good, said = kcat("erp", password("erp"), "-G", group, "-o", "beginning", "-c", "1", "-e", "waybill.order")
                self.assertEqual(good, allowed, said)

    def test_nobody_does_anything_without_a_name_and_its_password(self):
        for user, secret in (("erp", "wrong"), ("admin", ""), ("nobody", "nobody"), (None, None)):
            with self.subTest(user):
                good, said = kcat(user, secret, "-L", "-m", "3")
                self.assertFalse(good, said)


if __name__ == "__main__":
    unittest.main()
