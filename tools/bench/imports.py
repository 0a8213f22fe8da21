"""How long a catalogue takes through the integration gateway, and beside it how long COPY takes for the rows that it
leaves behind: into tables with the same indexes, events included."""

import json
import subprocess
import time
import urllib.request

from infrastructure import postgres_binaries
from place import read_environment

HEADING = "code,title,description,tax_class,sku,variant_title,currency,price,weight_grams"
OUTBOX = "event_id, topic, key, sequence, type, correlation_id, causation_id, traceparent, body"
# What is copied, as the import left it, and the table whose like it is copied into.
COPIED = (
    ("product", "SELECT * FROM catalog.product WHERE code LIKE 'BENCH-%'", ""),
    ("sku", "SELECT * FROM catalog.sku WHERE sku LIKE 'BENCH-%'", ""),
    ("outbox", f"""SELECT {OUTBOX} FROM catalog.outbox_history
                    WHERE key IN (SELECT id::text FROM catalog.product WHERE code LIKE 'BENCH-%')""", f"({OUTBOX})"),
)


def catalogue(products, prefix="BENCH"):
    lines = [HEADING]
    for number in range(products):
        code = f"{prefix}-{number:06}"
        lines.append(f"{code},Thing {number},One of many things that are sold by nobody but here.,standard,{code},,EUR,"
                     f"{1000 + number % 9000},{100 + number % 900}")
    return lines


def send(stack, what, lines):
    """Sends a file to the integration gateway, as an ERP would. Gives the report; no row may fail."""
    key = read_environment(stack.state / "environment")["WAYBILL_PARTNER_KEY_ERP"]
    request = urllib.request.Request(f"{stack.urls('integration')[0]}/imports/{what}", "\n".join(lines).encode(),
                                     {"Authorization": "Bearer " + key, "Content-Type": "text/csv"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        report = json.load(answer)
    if report["failed"]:
        raise RuntimeError(f"the import of {what} took {report}")
    return report


def take(stack, products):
    """Seconds, from the first byte to the report that says that all is in."""
    lines = catalogue(products)
    began = time.monotonic()
    report = send(stack, "products", lines)
    seconds = time.monotonic() - began
    if report["applied"] != products:
        raise RuntimeError(f"the import took {report}")
    return seconds


def copy(stack):
    """Seconds of one transaction with a COPY for each table."""
    dsn = stack.superuser_dsn("waybill")

    def psql(*lines):
        began = time.monotonic()
        subprocess.run([postgres_binaries() / "psql", dsn, "-Xq", "-v", "ON_ERROR_STOP=1"], check=True, text=True,
                       input="\n".join(lines), capture_output=True, cwd=stack.state)
        return time.monotonic() - began

    psql("DROP SCHEMA IF EXISTS copied CASCADE;", "CREATE SCHEMA copied;",
         *(f"CREATE TABLE copied.{name} (LIKE catalog.{name} INCLUDING ALL);" for name, _, _ in COPIED),
         *(f"\\copy ({' '.join(query.split())}) TO 'bench-{name}.copy'" for name, query, _ in COPIED))
    seconds = psql("BEGIN;", *(f"\\copy copied.{name}{columns} FROM 'bench-{name}.copy'" for name, _, columns in COPIED),
                   "COMMIT;")
    psql("DROP SCHEMA copied CASCADE;")
    return seconds


def imports(stack, products, settle):
    """The figures; `settle` waits until the events of the import have been published."""
    import_s = take(stack, products)
    settle()
    copy_s = copy(stack)
    return {"products": products, "import_s": round(import_s, 2), "copy_s": round(copy_s, 2),
            "products_per_s": round(products / import_s), "times_copy": round(import_s / copy_s, 1)}
