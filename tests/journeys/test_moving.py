#!/usr/bin/env python3
"""A service's schema moves to a server of its own, and back, as the runbook says: nothing is lost, and who shops
meanwhile waits for that service alone."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from infrastructure import postgres_binaries
from shop import Erp, Shopper
from stack import Stack
from support import ROOT, eventually, stack
from support.audit import audit

SERVICE = "order"
COPIES = [f"{SERVICE}-{copy}" for copy in (1, 2)]


def ask(server, question):
    """One value."""
    done = subprocess.run([postgres_binaries() / "psql", server.superuser_dsn("waybill"), "-XAtq", "-c", question], text=True,
                          capture_output=True, check=True)
    return done.stdout.strip()


class Books:
    """Whose book lies where."""

    def __init__(self, server):
        self.server = server

    def dsn(self, service):
        return (self.server if service == SERVICE else stack()).dsn(service)


class MovingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="waybill-test-server-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        cls.addClassCleanup(folder.cleanup)
        cls.other = Stack(Path(folder.name), variant=stack().variant)
        cls.addClassCleanup(cls.other.down)
        cls.other.up("postgres")

    def setUp(self):
        self.sku = Erp().offer(stock={"berlin": 1000})

    def move(self, old, new):
        environment = os.environ | {"OLD_SERVER": old.superuser_dsn("waybill"),
                                    "NEW_SERVER": new.superuser_dsn("waybill"),
                                    "PATH": f"{postgres_binaries()}:{os.environ['PATH']}"}
        return subprocess.run([ROOT / "deploy/postgres/move.sh", SERVICE], env=environment, text=True,
                              capture_output=True, check=False)

    def stop(self):
        for name in COPIES:
            stack().stop(name)

    def start(self, settings):
        for name in COPIES:
            stack().start(name, settings)

    def shopper_who_waits(self):
        """One whose placement waits for the service."""
        shopper = Shopper()
        shopper.add(self.sku)
        shopper.check_out()
        self.assertNotEqual(shopper.place(wait=1)["state"], "placed")
        return shopper

    def assert_moved(self, old, new, known, waiting):
        eventually(lambda: waiting.placement()["state"] == "placed", 30)
        self.assertEqual(known.order()["number"], self.number)
        newcomer = Shopper()
        newcomer.buy(self.sku)
        for shopper in (known, waiting, newcomer):
            number = shopper.order()["number"]
            self.assertEqual(ask(new, f"""SELECT count(*) FROM "{SERVICE}".orders WHERE number = '{number}'"""), "1")
        self.assertEqual(ask(old, f"SELECT count(*) FROM pg_tables WHERE schemaname = '{SERVICE}'"), "0")
        clean, report = audit(stack(), 60, Books(new))
        self.assertTrue(clean, report)

    def test_there_and_back_again(self):
        known = Shopper()
        self.number = known.buy(self.sku)["number"]

        refused = self.move(stack(), self.other)
        self.assertIn("stop the service first", refused.stderr)
        self.stop()
        waiting = self.shopper_who_waits()
        moved = self.move(stack(), self.other)
        self.assertEqual(moved.returncode, 0, moved.stderr)
        self.start({"WAYBILL_DATABASE": self.other.dsn(SERVICE)})
        self.assert_moved(stack(), self.other, known, waiting)

        self.stop()
        waiting = self.shopper_who_waits()
        back = self.move(self.other, stack())
        self.assertEqual(back.returncode, 0, back.stderr)
        again = self.move(self.other, stack())
        self.assertIn("has no tables", again.stderr)
        self.start({})
        self.assert_moved(self.other, stack(), known, waiting)
        ask(stack(), f'DROP SCHEMA "{SERVICE}_moved" CASCADE')


if __name__ == "__main__":
    unittest.main()
