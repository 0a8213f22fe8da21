#!/usr/bin/env python3
"""deploy/postgres/init.sh: services wait for the database while it is made, so the order of its statements matters."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FAKE_PSQL = """#!/bin/sh
cat >> "$STATEMENTS"
"""


def statements():
    """What the script has psql do for two services and a sandbox."""
    with tempfile.TemporaryDirectory() as folder:
        psql, said = Path(folder) / "psql", Path(folder) / "said"
        psql.write_text(FAKE_PSQL)
        psql.chmod(0o755)
        environment = {"PATH": f"{folder}:{os.environ['PATH']}", "STATEMENTS": str(said)}
        passwords = {f"WAYBILL_PASSWORD_{name}": "secret" for name in ("CART", "ORDER", "SANDBOX_PSP")}
        subprocess.run([ROOT / "deploy/postgres/init.sh"], env=environment | passwords, check=True)
        return said.read_text()


class InitTest(unittest.TestCase):
    def test_a_role_gets_in_only_after_its_schema_was_made_and_found(self):
        said = statements()
        for schema, role in (("cart", "waybill_cart"), ("order", "waybill_order"), ("psp", "sandbox_psp")):
            with self.subTest(role):
                made = said.index(f'CREATE SCHEMA IF NOT EXISTS "{schema}" AUTHORIZATION {role};')
                found = said.index(f'ALTER ROLE {role} SET search_path = "{schema}", pg_temp;')
                let_in = [grant.start() for grant in re.finditer(rf"GRANT CONNECT ON DATABASE .* TO {role};", said)]
                self.assertEqual(len(let_in), 1)
                self.assertLess(made, found)
                self.assertLess(found, let_in[0])

    def test_a_database_is_closed_to_all_before_its_roles_are_made(self):
        said = statements()
        for database, role in (("waybill", "waybill_cart"), ("sandbox", "sandbox_psp")):
            with self.subTest(database):
                self.assertLess(said.index(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC;"),
                                said.index(f"CREATE ROLE {role}"))


if __name__ == "__main__":
    unittest.main()
