#!/usr/bin/python3
"""make bench: complete orders through the storefront gateway, what they cost, and the floor beside them in the same run.

    tools/bench.py [--seconds 60] [--warm 25] [--shoppers 1,8,32,128] [--methods bank_transfer,card] [--only PART,...]
                   [--state DIR] [--out FILE]

Starts a stack of its own (one copy of everything, everything on this machine, fsync and synchronous_commit on,
acks=all, mails on), loads the sample shop, and has waybill-bench ask:

    closed   orders as fast as so many shoppers can, for each method
    open     orders that begin at fixed times, half as many a second as the best closed run of the method had
    calls    carts read, and lines added, by as many shoppers as the most but one
    lines    orders of 1, 10 and 100 lines, by 8 shoppers
    scarce   32 shoppers want 20 pieces
    import   a catalogue of 10,000 products through the integration gateway, and COPY for the same rows
    catchup  services that were away while 10,000 products were imported, or 3,000 orders placed
    start    each process stopped and started
    floor    no shop at all: pgbench writes only the rows that an order must leave
    peers    Vendure and Medusa on the same PostgreSQL, all of ours stopped (tests/bench/peers); needs Node
    copies   a stack with three copies of every process of ours, as many shoppers as the most but one
    history  what an order costs when there are 10,000 already, and 300,000 (takes half an hour: only if named)
    flame    flame graphs of as many shoppers as the most but one, into docs/bench (needs perf and inferno: only if named)

A run of orders counts only if what is left to do did not grow over its second half, and within 30 s of its end all due
mails were accepted and waybill-audit is clean. Prints a table and writes everything as JSON.
"""

import argparse
import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "deploy/local"), str(ROOT / "tools/bench"), str(ROOT / "tests/bench/peers")]
sys.dont_write_bytecode = True

import flame
import peers
from catchup import catch_ups
from floor import floor
from imports import imports, send
from meter import Meter, used
from place import read_environment
from process import run
from stack import Stack
from starts import starts

VARIANT = "plain"
SETTLE_SECONDS = 30
OPEN_SHOPPERS = 128  # enough that each purchase finds one who is free; "begun late" tells
PARTS = ("closed", "open", "calls", "lines", "scarce", "import", "catchup", "start", "floor", "peers", "copies", "history",
         "flame")
UNNAMED = tuple(part for part in PARTS if part not in ("history", "flame"))
LINES = (1, 10, 100)
LINES_SHOPPERS = 8
HISTORY = (10_000, 300_000)
COPIES = 3
FLAME_SECONDS = 20
PLACEMENTS = 3_000
SCARCE_PIECES = {"berlin": 12, "leeds": 8}
SCARCE_SHOPPERS = 32
SCARCE_TRIES = 160
PRODUCTS = 10_000
OTHERS = ("postgres", "kafka", "mail")  # processes that are not ours


def rows_of(name):
    with open(ROOT / "deploy/sample" / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def skus():
    """What is sold in euros and does not run out."""
    stock = {}
    for row in rows_of("stock.csv"):
        stock[row["sku"]] = stock.get(row["sku"], 0) + int(row["on_hand"])
    return sorted({row["sku"] for row in rows_of("products.csv") if row["currency"] == "EUR" and stock.get(row["sku"], 0) >= 10000})


def watch(meter, stop, into):
    while not stop.wait(2):
        into.append(meter.backlog())


def is_flat(samples, column):
    """Whether a backlog's last quarter is about as small as its second."""
    quarter = len(samples) // 4
    if quarter < 2:
        return True
    early = sum(sample[column] for sample in samples[quarter:2 * quarter]) / quarter
    late = sum(sample[column] for sample in samples[-quarter:]) / quarter
    return late <= max(2 * early, early + 500)


class Bench:
    """A stack under load, and what was found."""

    def __init__(self, stack, options, results):
        self.stack = stack
        self.options = options
        self.meter = Meter(stack)
        self.results = results

    def drive(self, *arguments):
        """What waybill-bench says."""
        host = self.stack.urls("storefront")[0].removeprefix("http://")
        done = subprocess.run([ROOT / f"build/{VARIANT}/bin/waybill-bench", "--storefront", host, *map(str, arguments)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"waybill-bench: {done.stderr}")
        result = json.loads(done.stdout)
        result["driver_cores"] = round(result["driver_cpu_s"] / result["driver_s"], 2)
        if done.stderr:
            result["complaints"] = done.stderr.splitlines()[:5]
        return result

    def timed(self, seconds=None):
        return "--seconds", seconds or self.options.seconds, "--warm", self.options.warm, "--skus", ",".join(self.options.skus)

    def usual_shoppers(self):
        """The most but one."""
        return sorted(self.options.shoppers)[-2:][0]

    def orders(self, *arguments, seconds=None):
        """A run of orders, with what they cost, and whether it counts."""
        samples, stop = [], threading.Event()
        watcher = threading.Thread(target=watch, args=(self.meter, stop, samples))
        before = self.meter.read()
        watcher.start()
        result = self.drive(*arguments, *self.timed(seconds))
        stop.set()
        watcher.join()
        ended = time.monotonic()
        # The meters saw the warm-up too, so all orders share it.
        result |= used(before, self.meter.read(), max(1, result["done_ever"])) | {"pss_mib": self.meter.memory()}
        result |= self.settle(ended)
        result["backlog_is_flat"] = is_flat(samples, 0) and is_flat(samples, 1)
        result["counts"] = (result["failures"] == 0 and result["refused"] == 0 and result["backlog_is_flat"]
                            and result["mails_due_after"] == 0 and result["audit_is_clean"])
        self.results["orders"].append(result)
        print_orders(result)
        return result

    def wait_for_quiet(self, until=None):
        while any(self.meter.backlog()) and (until is None or time.monotonic() < until):
            time.sleep(1)

    def settle(self, ended):
        self.wait_for_quiet(ended + SETTLE_SECONDS)
        mails_due = self.meter.backlog()[1]
        left = max(1, int(ended + SETTLE_SECONDS - time.monotonic()))
        command, environment = self.stack.audit(left)
        audit = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
        found = {"mails_due_after": mails_due, "settled_s": round(time.monotonic() - ended, 1),
                 "audit": audit.stdout.strip().splitlines()[-1:], "audit_is_clean": audit.returncode == 0}
        return found if audit.returncode == 0 else found | {"audit_report": audit.stdout.splitlines()[:40]}

    # -- The parts ----------------------------------------------------------------------------------------------------

    def run_closed(self):
        for method in self.options.methods:
            for shoppers in self.options.shoppers:
                self.orders("--method", method, "--shoppers", shoppers)

    def run_open(self):
        for method in self.options.methods:
            best = max((result["per_s"] for result in self.results["orders"]
                        if result["method"] == method and result["rate"] == 0), default=2)
            self.orders("--method", method, "--shoppers", OPEN_SHOPPERS, "--rate", max(1, int(best / 2)))

    def run_calls(self):
        shoppers = self.usual_shoppers()
        for act in ("read_cart", "add_line"):
            result = self.drive("--act", act, "--shoppers", shoppers, *self.timed())
            self.results["calls"].append(result)
            print(f"\n{act}, {shoppers} shoppers: {result['per_s']:.0f} a second, failures {result['failures']}",
                  *result.get("complaints", []), sep="\n  ")
            print_steps(result)

    def run_scarce(self):
        """Everybody wants one of the last pieces."""
        self.wait_for_quiet()
        sku = self.options.skus[0]
        sold = self.stock(sku)
        deadlocks = self.deadlocks()
        result = self.drive("--method", "bank_transfer", "--shoppers", SCARCE_SHOPPERS, "--most", SCARCE_TRIES, "--warm", 0,
                            "--seconds", 600, "--skus", sku, "--lines", 1, "--quantity", 1)
        left = self.meter.sql(f"SELECT sum(on_hand - held - allocated), sum(allocated) FROM fulfilment.stock WHERE sku = '{sku}'")
        result |= {"pieces": sum(SCARCE_PIECES.values()), "pieces_left": left[0], "pieces_sold": left[1] - sold,
                   "deadlocks": self.deadlocks() - deadlocks}
        self.results["scarce"] = result
        print(f"\n{result['pieces']} pieces, {SCARCE_SHOPPERS} shoppers, {SCARCE_TRIES} tries: {result['done_ever']} orders,"
              f" {result['refused']} refused, {result['pieces_left']} left, {result['deadlocks']} deadlocks,"
              f" failures {result['failures']}", *result.get("complaints", []), sep="\n  ")

    def run_import(self):
        found = self.results["import"] = imports(self.stack, PRODUCTS, self.wait_for_quiet)
        print(f"\nimport of {found['products']} products: {found['import_s']} s, {found['times_copy']} times COPY"
              f" ({found['copy_s']} s)", flush=True)

    def run_catchup(self):
        found = self.results["catch_up"] = catch_ups(self.stack, PRODUCTS, PLACEMENTS, self.place_and_leave, self.wait_for_quiet)
        print("\ncatching up:", ", ".join(f"{service} {one['messages']} messages in {one['s']} s, {one['per_s']} a second"
                                         for service, one in found.items()), flush=True)

    def place_and_leave(self, placements):
        result = self.drive("--act", "leave", "--shoppers", self.usual_shoppers(), "--most", placements, "--warm", 0,
                            "--seconds", 600, "--skus", ",".join(self.options.skus))
        if result["done_ever"] != placements:
            sys.exit(f"waybill-bench: {result}")

    def run_start(self):
        found = self.results["start_s"] = starts(self.stack)
        print("\nfrom its start until it serves:", ", ".join(f"{name} {seconds} s" for name, seconds in found.items()),
              flush=True)

    def run_floor(self):
        self.results["floor_per_s"] = floor(self.stack, self.options.shoppers, max(5, self.options.seconds // 4))
        print(f"\nfloor (pgbench, only the rows that an order must leave): {self.results['floor_per_s']}")

    def run_lines(self):
        for lines in LINES:
            self.orders("--method", "bank_transfer", "--shoppers", LINES_SHOPPERS, "--lines", lines,
                        seconds=self.options.seconds // 3)["lines"] = lines

    def run_peers(self):
        """Of our stack only PostgreSQL stays, and it has nothing else to do."""
        if peers.missing():
            print(f"\nno peers: there is no {', no '.join(peers.missing())}")
            return
        for name in [process.name for process in self.stack.processes()] + ["kafka", "mail"]:
            self.stack.stop(name)
        self.results["peers"] = peers.measure(self.stack, self.options.peer_shoppers, self.options.seconds)

    def run_history(self):
        """As many orders as a shop that is old has, all of them bought."""
        for orders in HISTORY:
            there = self.meter.sql('SELECT count(*) FROM "order".orders')[0]
            if there < orders:
                self.drive("--method", "bank_transfer", "--shoppers", max(self.options.shoppers), "--most", orders - there,
                           "--warm", 0, "--seconds", 6 * 3600, "--skus", ",".join(self.options.skus))
                self.wait_for_quiet()
            self.orders("--method", "bank_transfer", "--shoppers", self.usual_shoppers())["history"] = orders

    def run_flame(self):
        if flame.missing():
            sys.exit(f"no flame graphs: there is no {', no '.join(flame.missing())}")
        shoppers = self.usual_shoppers()
        for method in self.options.methods:
            title = f"CPU of the whole machine: {shoppers} shoppers, {method.replace('_', ' ')}"
            arguments = "--method", method, "--shoppers", shoppers, *self.timed(FLAME_SECONDS + 5)
            flame.draw(ROOT / f"docs/bench/flame-{method}.svg", title, lambda arguments=arguments: self.drive(*arguments),
                       self.options.warm, FLAME_SECONDS)

    def run_copies(self):
        self.orders("--method", "bank_transfer", "--shoppers", self.usual_shoppers())["copies"] = self.stack.copies

    def stock(self, sku):
        """Has exactly the scarce pieces beside those that are sold already. Gives how many those are."""
        sold = 0
        lines = ["sku,warehouse,on_hand"]
        for row in rows_of("stock.csv"):
            if row["sku"] == sku:
                allocated = self.meter.sql("SELECT sum(allocated) FROM fulfilment.stock"
                                           f" WHERE sku = '{sku}' AND warehouse = '{row['warehouse']}'")[0]
                sold += allocated
                lines.append(f"{sku},{row['warehouse']},{allocated + SCARCE_PIECES.get(row['warehouse'], 0)}")
        send(self.stack, "stock", lines)
        return sold

    def deadlocks(self):
        return self.stack.daemon("postgres").log.read_text(errors="replace").count("deadlock detected")


def machine():
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"cores": os.cpu_count(), "cpu": model, "kernel": platform.release()}


def build():
    """Builds what is measured, and gives which tree that is."""
    make = ["make", "--no-print-directory", f"-j{os.cpu_count()}", f"VARIANT={VARIANT}", "all"]
    subprocess.run(make, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    tree = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True, capture_output=True)
    return tree.stdout.strip() or "no repository"


def print_steps(result):
    for step, row in result["steps"].items():
        print(f"  {step:16} p50 {row['p50_ms']:8.2f}  p90 {row['p90_ms']:8.2f}  p99 {row['p99_ms']:8.2f} ms")
    print(f"  the driver took {result['driver_cores']} cores", flush=True)


def print_orders(result):
    cpu = result["cpu_ms_per_order"]
    ours = {name: ms for name, ms in cpu.items() if name not in OTHERS}
    how = f"{result['rate']} a second" if result["rate"] else f"{result['shoppers']} shoppers"
    print(f"\n{result['method']}, {how}: {result['per_s']} orders/s{'' if result['counts'] else '   DOES NOT COUNT'}",
          *result.get("complaints", []), sep="\n  ")
    print_steps(result)
    print(f"  CPU per order: ours {sum(ours.values()):.2f} ms ({', '.join(f'{n} {m}' for n, m in sorted(ours.items(), key=lambda x: -x[1]))}),"
          f" postgres {cpu.get('postgres', 0)}, kafka {cpu.get('kafka', 0)}, mail {cpu.get('mail', 0)} ms")
    print(f"  {result['transactions_per_order']} transactions, {result['round_trips_per_order']} round trips, {result['events_per_order']} events,"
          f" {result['wal_bytes_per_order']} WAL bytes per order; from event to consumed within {result['event_lag_ms']} ms;"
          f" settled in {result['settled_s']} s; audit {' '.join(result['audit'])}; failures {result['failures']}")
    biggest = sorted(((m, n) for n, m in result["pss_mib"].items() if n not in OTHERS), reverse=True)
    print(f"  PSS: largest of ours {biggest[0][1]} {biggest[0][0]} MiB; all of ours {sum(m for m, _ in biggest):.0f} MiB",
          flush=True)


def numbers(text):
    return [int(number) for number in text.split(",")]


def measure(options, results, parts, copies):
    """Some parts on a stack that is there for them."""
    if not parts:
        return
    folder = Path(options.state or tempfile.mkdtemp(prefix="waybill-bench-", dir="/var/tmp"))
    stack = Stack(folder, copies=copies, variant=VARIANT, log_level="warning",
                  extra={"storefront": {"WAYBILL_RATE_TOKEN": "100000", "WAYBILL_RATE_ADDRESS": "100000"}})
    try:
        stack.up()
        run([ROOT / "deploy/sample/load"], os.environ | read_environment(stack.state / "environment"))
        bench = Bench(stack, options, results)
        for part in parts:
            getattr(bench, f"run_{part}")()
        bench.meter.close()
    finally:
        stack.down()
        if not options.state:
            shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--warm", type=int, default=25)
    parser.add_argument("--shoppers", type=numbers, default=[1, 8, 32, 128])
    parser.add_argument("--methods", type=lambda text: text.split(","), default=["bank_transfer", "card"])
    parser.add_argument("--only", type=lambda text: text.split(","), default=UNNAMED, help=f"some of {','.join(PARTS)}")
    parser.add_argument("--peer-shoppers", type=numbers, default=[8, 32])
    parser.add_argument("--state", help="keep the stack's state here; default: a folder that goes away")
    parser.add_argument("--out", help="also write all figures to this file, as JSON")
    options = parser.parse_args()
    if set(options.only) - set(PARTS):
        parser.error(f"the parts are {', '.join(PARTS)}")
    options.skus = skus()[:300]

    results = {"tree": build(), "machine": machine(), "orders": [], "calls": []}
    with_copies = [part for part in options.only if part == "copies"]
    measure(options, results, [part for part in PARTS if part in options.only and part not in with_copies], 1)
    measure(options, results, with_copies, COPIES)
    if options.out:
        Path(options.out).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0 if all(result["counts"] for result in results["orders"]) else 1


if __name__ == "__main__":
    sys.exit(main())
