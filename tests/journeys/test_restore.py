#!/usr/bin/env python3
"""PostgreSQL goes back to an earlier moment: services wait until waybill-restore has compared them with their topics and
said what they have forgotten; then all go on, and their books agree."""

import os
import subprocess
import time
import unittest

import settings
from infrastructure import postgres_binaries
from shop import Clerk, Erp, Refused, Shopper
from support import ROOT, eventually, rows, stack, stack_of_its_own
from support.audit import assert_clean

PATIENCE = 20  # gateways leave out for a moment whom they found away
PIECE = "SELECT pg_walfile_name(pg_switch_wal()) AS name"


class Server:
    """The stack's PostgreSQL, with a base backup and a log to go back by."""

    def __init__(self, stack):
        self.stack = stack
        self.folder = stack.state / "postgres"
        self.base, self.archive = self.folder / "base", self.folder / "archive"

    @staticmethod
    def keep(stack):
        """Before it starts: has it keep its log."""
        stack.extra["postgres"] = {"POSTGRES_ARCHIVE": str(stack.state / "postgres/archive")}

    def run(self, command, **more):
        """As the user that runs the server."""
        user = self.stack.user
        as_user = {"user": user[0], "group": user[1], "extra_groups": []} if user else {}
        subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, cwd="/",
                       env=os.environ | self.stack.login("postgres") | more, **as_user)

    def back_up(self):
        self.run([postgres_binaries() / "pg_basebackup", "--pgdata", self.base, "--checkpoint=fast"])

    def keep_log(self):
        """Waits until all that was written so far is in the archive."""
        name = rows("postgres", PIECE)[0]["name"]
        eventually((self.archive / name).exists, 30)

    def go_back(self, moment):
        data = self.folder / postgres_binaries().parent.name
        self.run(["/bin/sh", self.stack.readable("deploy/postgres") / "restore.sh", self.base, moment],
                 POSTGRES_DATA=str(data), POSTGRES_ARCHIVE=str(self.archive))


def restore(*options):
    """What waybill-restore says, and whether services may go on."""
    databases = settings.databases({name: stack().dsn(name) for name in settings.SERVICES})
    done = subprocess.run([stack().binary("restore"), *options], text=True, capture_output=True, check=False,
                          env=os.environ | databases | settings.kafka_settings(stack(), "admin"))
    return done.returncode == 0, done.stdout + done.stderr


def waits_for_restore(process):
    log = stack().daemon(process.name).log.read_text(encoding="utf-8", errors="replace")
    return '"for":"waybill-restore"' in log.rpartition('"message":"stopped"')[2]


class RestoreTest(unittest.TestCase):
    def setUp(self):
        self.server = Server(self.enterContext(stack_of_its_own(Server.keep, copies=1)))

    def quiet(self):
        assert_clean(self, stack())

    def go_back_to(self, moment):
        """Everything ends but Kafka, the database goes back, and all start again."""
        for process in stack().processes():
            stack().stop(process.name)
        stack().stop("postgres")
        self.server.go_back(moment)
        stack().up("postgres")
        for process in stack().processes():
            stack().begin(process.name)
        self.services = [process for process in stack().processes() if process.program in settings.SERVICES]

    def test_what_was_told_since_is_said_and_all_go_on(self):
        sku = Erp().offer(stock={"berlin": 1000})
        early = Shopper(patience=PATIENCE)
        early.buy(sku)
        self.quiet()
        self.server.back_up()
        kept = Shopper(patience=PATIENCE)
        kept_number = kept.buy(sku)["number"]
        self.quiet()
        moment = rows("postgres", "SELECT clock_timestamp() AS now")[0]["now"]
        time.sleep(0.1)
        lost = Shopper(patience=PATIENCE)
        lost_number = lost.buy(sku)["number"]
        Clerk(patience=PATIENCE).cancel(kept.checkout_id)
        self.quiet()
        self.server.keep_log()

        self.go_back_to(moment)
        eventually(lambda: all(map(waits_for_restore, self.services)), 30)
        with self.assertRaises(Refused):
            Shopper()

        may, said = restore("--look")
        self.assertTrue(may, said)
        self.assertIn(f"waybill.order {lost.checkout_id} {lost_number} is known to version 0; forgotten: 1 placed\n", said)
        self.assertRegex(said, rf"waybill.order {kept.checkout_id} {kept_number} is known to version 1; forgotten: .*cancelled\n")
        self.assertNotIn(early.checkout_id, said)
        self.assertTrue(all(map(waits_for_restore, self.services)))

        # Somebody who was not restored to the same moment.
        rows("fulfilment", f"INSERT INTO handled VALUES ('waybill.order/{lost.checkout_id}', 1)")
        may, said = restore()
        self.assertFalse(may)
        self.assertIn("NOT SO: fulfilment has handled version 1 of waybill.order/" + lost.checkout_id, said)
        rows("fulfilment", f"DELETE FROM handled WHERE aggregate = 'waybill.order/{lost.checkout_id}'")

        may, said = restore()
        self.assertTrue(may, said)
        stack().up()
        may, said = restore()
        self.assertTrue(may, said)
        self.assertIn("order is on the server that it left", said)

        self.assertEqual(kept.order()["number"], kept_number)
        self.assertEqual(Clerk(patience=PATIENCE).order(kept.checkout_id)["kernel"], "placed")
        with self.assertRaises(Refused):
            lost.order()
        newcomer = Shopper(patience=PATIENCE)
        self.assertNotIn(newcomer.buy(sku)["number"], (kept_number, lost_number))
        Clerk(patience=PATIENCE).cancel(kept.checkout_id)
        self.quiet()
        self.assertEqual(Clerk(patience=PATIENCE).order(kept.checkout_id)["kernel"], "cancelled")


if __name__ == "__main__":
    unittest.main()
