"""waybill-audit, as the tests call it."""

import os
import subprocess

from support import ROOT

AUDITED = ("cart", "checkout", "payment", "order", "fulfilment", "notification", "catalog", "psp-sandbox")


def audit(stack, wait=90):
    """Runs waybill-audit --wait against a stack. Returns (clean, report)."""
    environment = os.environ | {f"WAYBILL_{name.upper().replace('-', '_')}_DATABASE": stack.dsn(name)
                                for name in AUDITED}
    run = subprocess.run([ROOT / "build" / stack.variant / "bin/waybill-audit", f"--wait={wait}"], env=environment,
                         capture_output=True, text=True, timeout=wait + 120)
    return run.returncode == 0, run.stdout + run.stderr


def assert_clean(test, stack, wait=90):
    clean, report = audit(stack, wait)
    test.assertTrue(clean, report)
