#!/usr/bin/python3
"""make bench: complete orders through the storefront gateway, what they cost, and the floor beside them in the same run.

    tools/bench.py [--seconds 60] [--warm 10] [--shoppers 1,8,32] [--methods bank_transfer,card] [--state DIR] [--out FILE]

Starts a stack of its own (one copy of everything, everything on this machine, fsync and synchronous_commit on,
acks=all, mails on), loads the sample shop, and for each method and number of shoppers runs waybill-bench. A run counts
only if lag and outbox age did not grow over its second half, and within 30 s of its end all due mails were accepted and
waybill-audit is clean. Prints a table and writes everything as JSON.
"""

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "deploy/local"))
sys.dont_write_bytecode = True

from infrastructure import postgres_binaries
from place import read_environment
from process import run
from stack import Stack

TICKS = os.sysconf("SC_CLK_TCK")
SERVICES = ("catalog", "cart", "checkout", "payment", "order", "fulfilment", "notification")
SETTLE_SECONDS = 30

FLOOR_TABLES = """
CREATE SCHEMA IF NOT EXISTS floor;
CREATE TABLE floor.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number text UNIQUE, total bigint, body text);
CREATE TABLE floor.line (order_id bigint, sku int, quantity int, PRIMARY KEY (order_id, sku));
CREATE TABLE floor.stock (sku int PRIMARY KEY, on_hand bigint);
CREATE TABLE floor.payment (order_id bigint PRIMARY KEY, amount bigint, state text);
CREATE TABLE floor.outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text);
INSERT INTO floor.stock SELECT n, 1000000000 FROM generate_series(1, 320) n;
"""
FLOOR_SCRIPT = r"""
\set a random(1, 160)
\set b random(161, 320)
BEGIN;
INSERT INTO floor.orders (number, total, body) VALUES (gen_random_uuid()::text, 1999, repeat('x', 1200)) RETURNING id AS order_id \gset
INSERT INTO floor.line VALUES (:order_id, :a, 1);
INSERT INTO floor.line VALUES (:order_id, :b, 2);
UPDATE floor.stock SET on_hand = on_hand - 1 WHERE sku = :a;
UPDATE floor.stock SET on_hand = on_hand - 2 WHERE sku = :b;
INSERT INTO floor.payment VALUES (:order_id, 1999, 'due');
INSERT INTO floor.outbox (body) VALUES (repeat('x', 1500));
COMMIT;
"""


def children(pid):
    """A process and all below it."""
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                for child in file.read().split():
                    found += children(int(child))
    except FileNotFoundError:
        pass
    return found


def cpu_seconds(pid):
    total = 0
    for one in children(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
            if one != pid:
                continue
            total += int(fields[13]) + int(fields[14])  # of children that ended
        except FileNotFoundError:
            pass
    return total / TICKS


def pss_mib(pid):
    try:
        return int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1]) / 1024
    except (FileNotFoundError, TypeError):
        return 0.0


class Meter:
    """What is read before and after a run, and watched during it."""

    def __init__(self, stack):
        self.stack = stack
        self.pids = {name: stack.daemon(name).pid for name in stack.running()}

    def sql(self, statement):
        """One row, as the owner of the whole database sees it."""
        dsn = self.stack.dsn("postgres").rpartition("/")[0] + "/waybill"
        found = subprocess.run([postgres_binaries() / "psql", dsn, "-XAtq", "-c", statement],
                               check=True, capture_output=True, text=True)
        return [int(value) for value in found.stdout.strip().split("|")]

    def read(self):
        events = " + ".join(f'(SELECT last_value FROM "{service}".outbox_id_seq)' for service in SERVICES)
        transactions, wal, events = self.sql("SELECT sum(xact_commit), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'),"
                                             f" {events} FROM pg_stat_database WHERE datname = 'waybill'")
        return {"cpu": {name: cpu_seconds(pid) for name, pid in self.pids.items()}, "transactions": transactions,
                "wal": wal, "events": events}

    def backlog(self):
        """(Events not published, mails due.) One connection for all: looking should not cost what is looked at."""
        unpublished = " + ".join(f'(SELECT count(*) FROM "{service}".outbox)' for service in SERVICES)
        due = "(SELECT count(*) FROM notification.task WHERE state IN ('due', 'running'))"
        return tuple(self.sql(f"SELECT {unpublished}, {due}"))


def watch(meter, stop, into):
    while not stop.wait(2):
        into.append((time.monotonic(), *meter.backlog()))


def rows_of(name):
    with open(ROOT / "deploy/sample" / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def skus():
    """What is sold in euros and does not run out."""
    stock = {}
    for row in rows_of("stock.csv"):
        stock[row["sku"]] = stock.get(row["sku"], 0) + int(row["on_hand"])
    return sorted({row["sku"] for row in rows_of("products.csv") if row["currency"] == "EUR" and stock.get(row["sku"], 0) >= 10000})


def is_flat(samples, column):
    """Whether a backlog's last quarter is about as small as its second."""
    quarter = len(samples) // 4
    if quarter < 2:
        return True
    early = sum(sample[column] for sample in samples[quarter:2 * quarter]) / quarter
    late = sum(sample[column] for sample in samples[-quarter:]) / quarter
    return late <= max(2 * early, early + 500)


def one_run(stack, meter, method, shoppers, options):
    host = stack.urls("storefront")[0].removeprefix("http://")
    samples, stop = [], threading.Event()
    watcher = threading.Thread(target=watch, args=(meter, stop, samples))
    before = meter.read()
    watcher.start()
    bench = subprocess.run([ROOT / "build/plain/bin/waybill-bench", "--storefront", host, "--shoppers", str(shoppers),
                            "--seconds", str(options.seconds), "--warm", str(options.warm), "--method", method,
                            "--skus", ",".join(options.skus)], capture_output=True, text=True)
    stop.set()
    watcher.join()
    ended = time.monotonic()
    after = meter.read()
    if bench.returncode:
        sys.exit(f"waybill-bench: {bench.stderr}")
    result = json.loads(bench.stdout)
    if bench.stderr:
        result["complaints"] = bench.stderr.splitlines()[:5]
    result["pss_mib"] = {name: round(pss_mib(pid), 1) for name, pid in meter.pids.items()}

    while time.monotonic() < ended + SETTLE_SECONDS and any(meter.backlog()):
        time.sleep(1)
    mails_due = meter.backlog()[1]
    left = max(1, int(ended + SETTLE_SECONDS - time.monotonic()))
    environment = os.environ | {f"WAYBILL_{name.upper()}_DATABASE": stack.dsn(name) for name in SERVICES}
    audit = subprocess.run([ROOT / "build/plain/bin/waybill-audit", f"--wait={left}"], env=environment,
                           capture_output=True, text=True)

    share = (options.seconds + options.warm) / options.seconds  # the meters also saw the warm-up
    orders = max(1, result["orders"] * share)
    result |= {"cpu_ms_per_order": {name: round((after["cpu"][name] - before["cpu"][name]) / orders * 1000, 2)
                                    for name in meter.pids},
               "transactions_per_order": round((after["transactions"] - before["transactions"]) / orders, 1),
               "wal_bytes_per_order": round((after["wal"] - before["wal"]) / orders),
               "events_per_order": round((after["events"] - before["events"]) / orders, 1),
               "backlog_is_flat": is_flat(samples, 1) and is_flat(samples, 2), "mails_due_after": mails_due,
               "settled_s": round(time.monotonic() - ended, 1), "audit": audit.stdout.strip().splitlines()[-1:],
               "audit_is_clean": audit.returncode == 0}
    result["counts"] = (result["failures"] == 0 and result["backlog_is_flat"] and mails_due == 0 and audit.returncode == 0)
    if audit.returncode:
        result["audit_report"] = audit.stdout.splitlines()[:40]
    return result


def floor(stack, options):
    """Orders a second that PostgreSQL alone writes: only the rows that an order must leave behind."""
    script = stack.state / "floor.sql"
    script.write_text(FLOOR_SCRIPT)
    dsn = stack.dsn("postgres").rpartition("/")[0] + "/waybill_test"
    subprocess.run([postgres_binaries() / "psql", dsn, "-Xq", "-c", "DROP SCHEMA IF EXISTS floor CASCADE", "-c", FLOOR_TABLES],
                   check=True, capture_output=True)
    found = {}
    for clients in options.shoppers:
        run = subprocess.run([shutil.which("pgbench") or postgres_binaries() / "pgbench", "-n", "-M", "prepared", "-c",
                              str(clients), "-j", "2", "-T", str(max(5, options.seconds // 4)), "-f", script, dsn],
                             check=True, capture_output=True, text=True)
        found[clients] = round(float(re.search(r"tps = ([\d.]+)", run.stdout)[1]), 1)
    return found


def print_run(result):
    cpu = result["cpu_ms_per_order"]
    ours = {name: ms for name, ms in cpu.items() if name not in ("postgres", "kafka", "mail")}
    print(f"\n{result['method']}, {result['shoppers']} shoppers: {result['orders_per_s']} orders/s"
          f"{'' if result['counts'] else '   DOES NOT COUNT'}", *result.get("complaints", []), sep="\n  ")
    for step, row in result["steps"].items():
        print(f"  {step:16} p50 {row['p50_ms']:8.2f}  p90 {row['p90_ms']:8.2f}  p99 {row['p99_ms']:8.2f} ms")
    print(f"  CPU per order: ours {sum(ours.values()):.2f} ms ({', '.join(f'{n} {m}' for n, m in sorted(ours.items(), key=lambda x: -x[1]))}),"
          f" postgres {cpu.get('postgres', 0)}, kafka {cpu.get('kafka', 0)}, mail {cpu.get('mail', 0)} ms")
    print(f"  {result['transactions_per_order']} transactions, {result['events_per_order']} events,"
          f" {result['wal_bytes_per_order']} WAL bytes per order; settled in {result['settled_s']} s;"
          f" audit {' '.join(result['audit'])}; failures {result['failures']}")
    biggest = sorted(((m, n) for n, m in result["pss_mib"].items() if n not in ("postgres", "kafka", "mail")), reverse=True)
    print(f"  PSS: largest of ours {biggest[0][1]} {biggest[0][0]} MiB; all of ours {sum(m for m, _ in biggest):.0f} MiB")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--warm", type=int, default=10)
    parser.add_argument("--shoppers", type=lambda text: [int(n) for n in text.split(",")], default=[1, 8, 32])
    parser.add_argument("--methods", type=lambda text: text.split(","), default=["bank_transfer", "card"])
    parser.add_argument("--state", help="keep the stack's state here; default: a folder that goes away")
    parser.add_argument("--out", help="also write all figures to this file, as JSON")
    options = parser.parse_args()
    options.skus = skus()[:300]

    folder = Path(options.state or tempfile.mkdtemp(prefix="waybill-bench-", dir="/var/tmp"))
    stack = Stack(folder, copies=1, variant="plain", log_level="warning",
                  extra={"storefront": {"WAYBILL_RATE_TOKEN": "100000", "WAYBILL_RATE_ADDRESS": "100000"}})
    results = {"machine": os.cpu_count(), "runs": []}
    try:
        stack.up()
        run([ROOT / "deploy/sample/load"], os.environ | read_environment(stack.state / "environment"))
        meter = Meter(stack)
        for method in options.methods:
            for shoppers in options.shoppers:
                result = one_run(stack, meter, method, shoppers, options)
                results["runs"].append(result)
                print_run(result)
        results["floor_tps"] = floor(stack, options)
        print(f"\nfloor (pgbench, only the rows that an order must leave): {results['floor_tps']}")
    finally:
        stack.down()
        if not options.state:
            shutil.rmtree(folder, ignore_errors=True)
    if options.out:
        Path(options.out).write_text(json.dumps(results, indent=1) + "\n")
    return 0 if all(result["counts"] for result in results["runs"]) else 1


if __name__ == "__main__":
    sys.exit(main())
