"""waybill-audit, as the tests call it."""

import os
import subprocess

import settings
from infrastructure import postgres_binaries


# Longer than any lease: what a copy had taken when it, or the database, died stays its own until then, mails for 120 s.
SETTLED_S = 180


def audit(stack, wait=SETTLED_S, books=None):
    """Runs waybill-audit --wait against a stack, or against copies of its books. Returns (clean, report)."""
    command, environment = stack.audit(wait)
    if books:
        environment = settings.databases({who: books.dsn(who) for who in (*settings.SERVICES, "psp-sandbox")})
    run = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=wait + 120)
    return run.returncode == 0, run.stdout + run.stderr


def assert_clean(test, stack):
    clean, report = audit(stack)
    test.assertTrue(clean, report)


class CopiedBooks:
    """Copies of a stack's databases as they are now, in which a test may break what it likes: nobody works there."""

    DATABASES = ("waybill", "sandbox")

    def __init__(self, stack):
        self.stack = stack
        self.drop()
        for name in self.DATABASES:
            self._psql("postgres", f"CREATE DATABASE {name}_copied")
            dump = subprocess.run([postgres_binaries() / "pg_dump"], env=self._login(name), capture_output=True,
                                  check=True)
            self._psql(f"{name}_copied", dump.stdout.decode())

    def dsn(self, service):
        return self.stack.dsn(service) + "_copied"

    def change(self, service, statement):
        """Runs a statement in a service's schema, with no trigger in its way. Gives the first column of its rows."""
        login = self.stack.login(service)
        schema = login["PGUSER"].rpartition("_")[2]
        rows = self._psql(login["PGDATABASE"] + "_copied", f"SET search_path = \"{schema}\";\n"
                          f"SET session_replication_role = replica;\n{statement};")
        return rows.splitlines()

    def drop(self):
        for name in self.DATABASES:
            self._psql("postgres", f"DROP DATABASE IF EXISTS {name}_copied WITH (FORCE)")

    def _login(self, database):
        return os.environ | self.stack.login("postgres") | {"PGDATABASE": database}

    def _psql(self, database, script):
        run = subprocess.run([postgres_binaries() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1"], input=script, text=True,
                             env=self._login(database), capture_output=True)
        if run.returncode != 0:
            raise AssertionError(f"{script[:2000]}\n{run.stderr}")
        return run.stdout
