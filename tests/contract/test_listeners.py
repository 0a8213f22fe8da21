#!/usr/bin/env python3
"""The catalogue tells the truth: who acts on an event is who subscribes to it, and who emits it owns its topic."""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

from protolib import model


def code_of(service):
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "services" / service).glob("*.c")))


TABLE = re.compile(r"struct subscription \w+\[\] = \{(.*?)\n\};", re.DOTALL)


def subscribed(code):
    """The events in the service's tables of subscriptions."""
    return {tag for table in TABLE.findall(code) for tag in re.findall(r"&(\w+)_type\b", table)}


def emitted(code):
    """The events that it emits: by their functions, or by their types."""
    calls = re.findall(r"\bemit_(\w+)\(", code)
    return {*calls, *re.findall(r"&(\w+)_type\b", TABLE.sub("", code))}


class ListenersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.proto = model.Proto(str(ROOT / "proto"))
        cls.services = sorted(path.name for path in (ROOT / "services").iterdir() if path.is_dir())

    def test_listeners_are_those_who_subscribe(self):
        for service in self.services:
            with self.subTest(service):
                said = {event.struct.tag for event in self.proto.events if service in event.listeners}
                self.assertEqual(said, subscribed(code_of(service)))

    def test_listeners_and_emitters_are_services(self):
        for name in {name for event in self.proto.events for name in event.listeners} | {
                topic["emitted_by"] for topic in self.proto.topics}:
            self.assertIn(name, self.services)

    def test_only_the_owner_of_a_topic_emits_into_it(self):
        owner = {topic["name"]: topic["emitted_by"] for topic in self.proto.topics}
        said = {service: emitted(code_of(service)) for service in self.services}
        for event in self.proto.events:
            with self.subTest(event.type):
                self.assertEqual([service for service in self.services if event.struct.tag in said[service]],
                                 [owner[event.topic]])


if __name__ == "__main__":
    unittest.main()
