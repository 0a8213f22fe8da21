#!/usr/bin/python3
"""Two shops that are much used, Medusa and Vendure, on the PostgreSQL server of a stack whose other processes rest.

    tests/bench/peers/peers.py [--only vendure,medusa] [--shoppers 8,32] [--seconds 45] [--out FILE]

tools/bench.py measures them beside Waybill (its part "peers"); alone this starts a PostgreSQL of its own, with Waybill's
settings. Needs Node from 20.19 on, npm, and for Medusa redis-server. What npm brings is kept in .waybill/cache/peers
(900 MB). Each runs as its documents have it for more than one core: two processes, for Vendure another one for its jobs,
for Medusa Redis beside them. Nothing is left out that they do for an order by themselves, and nothing is added: no mail.
"""

import argparse
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "deploy/local"), str(ROOT / "tools/bench"), str(HERE)]
sys.dont_write_bytecode = True

from flows import PIECES, Medusa, Vendure
from infrastructure import postgres_binaries
from meter import cpu_seconds, pss_mib
from place import settle
from probe import free_port, http_status
from shoppers import drive
from stack import Stack

COPIES = "2"
PRODUCTS = 200
SCARCE_SHOPPERS = 32
START_SECONDS = 120


class Peer:
    """One of them: installed, filled, started, asked."""

    def __init__(self, kind, stack):
        self.kind, self.stack = kind, stack
        self.source = HERE / kind.name
        self.log = stack.state / f"{kind.name}.log"
        self.port = free_port(())
        self.processes = {}
        self.environment = os.environ | {
            "DATABASE_URL": stack.superuser_dsn("peer_" + kind.name), "NODE_ENV": "production", "PEER_COPIES": COPIES,
            "PEER_PORT": str(self.port), "PEER_PRODUCTS": str(PRODUCTS), "PEER_SECRET": secrets.token_hex(16),
            "MEDUSA_DISABLE_TELEMETRY": "true", "VENDURE_DISABLE_TELEMETRY": "true",
        }

    def command(self, *words, folder=None, **more):
        with open(self.log, "a", encoding="utf-8") as log:
            done = subprocess.run(words, cwd=folder or self.folder, env=self.environment | more, stdout=log, stderr=log,
                                  stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {self.log.read_text()[-2000:]}")

    def begin(self, name, *words, folder=None):
        with open(self.log, "a", encoding="utf-8") as log:
            self.processes[name] = subprocess.Popen(words, cwd=folder or self.folder, env=self.environment, stdout=log,
                                                    stderr=log, stdin=subprocess.DEVNULL)

    def sql(self, statement, database=None):
        dsn = self.stack.superuser_dsn(database or "peer_" + self.kind.name)
        return subprocess.run([postgres_binaries() / "psql", dsn, "-XAtqc", statement], check=True, text=True,
                              capture_output=True).stdout.strip()

    def install(self):
        """Once for what its files say."""
        files = sorted(path for path in self.source.rglob("*") if path.is_file())
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
        cache = settle(ROOT / ".waybill", self.stack.user) / "cache/peers"
        self.folder = cache / f"{self.kind.name}-{digest}"
        if self.folder.exists():
            return
        draft = cache / f"{self.kind.name}.new"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(self.source, draft)
        self.command("npm", "install", "--no-audit", "--no-fund", "--legacy-peer-deps", folder=draft, NODE_ENV="development")
        self.build(draft)
        draft.rename(self.folder)

    def measure(self, crowds, seconds):
        self.install()
        self.sql(f"CREATE DATABASE peer_{self.kind.name}", database="postgres")
        try:
            shop = self.kind(self.fill())
            self.start()
            found = {"orders": [self.orders(shop, crowd, seconds) for crowd in crowds], "scarce": self.scarce(shop)}
        finally:
            self.stop()
            self.sql(f"DROP DATABASE IF EXISTS peer_{self.kind.name} WITH (FORCE)", database="postgres")
        return found

    def start(self):
        self.serve()
        deadline = time.monotonic() + START_SECONDS
        while http_status(f"http://127.0.0.1:{self.port}{self.kind.health}") != 200:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.kind.name} does not serve: {self.log.read_text()[-2000:]}")
            time.sleep(0.2)
        time.sleep(5)  # until all of its processes do

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def cpu(self):
        return {name: cpu_seconds(pid) for name, pid in self.pids().items()}

    def pids(self):
        return {name: process.pid for name, process in self.processes.items()} | {"postgres": self.stack.daemon("postgres").pid}

    def orders(self, shop, crowd, seconds):
        before, there = self.cpu(), int(self.sql(shop.ORDERS))
        result = drive(shop, self.port, crowd, self.kind.warm_seconds, seconds)
        after = self.cpu()
        orders = max(1, result["done_ever"])
        result["cpu_ms_per_order"] = {name: round((after[name] - before[name]) * 1000 / orders, 1) for name in after}
        result["pss_mib"] = {name: round(pss_mib(pid)) for name, pid in self.pids().items()}
        result["orders_in_database"] = int(self.sql(shop.ORDERS)) - there
        result["counts"] = result["failures"] == 0 and result["orders_in_database"] == result["done_ever"]
        print(f"\n{self.kind.name}, {crowd} shoppers: {result['per_s']} orders/s{'' if result['counts'] else '   DOES NOT COUNT'}"
              f"; CPU per order {result['cpu_ms_per_order']} ms; memory {result['pss_mib']} MiB", *result["complaints"],
              sep="\n  ", flush=True)
        return result

    def scarce(self, shop):
        """Everybody wants one of the last pieces."""
        query = shop.make_scarce(self.sql)
        before = int(self.sql(query))
        result = drive(shop, self.port, SCARCE_SHOPPERS, 0, self.kind.scarce_seconds)
        result |= {"pieces": PIECES, "pieces_sold": int(self.sql(query)) - before}
        print(f"  {PIECES} pieces, {SCARCE_SHOPPERS} shoppers: {result['pieces_sold']} sold, {result['refused']} refused,"
              f" failures {result['failures']}", *result["complaints"], sep="\n    ", flush=True)
        return result


class VendurePeer(Peer):
    def __init__(self, stack):
        super().__init__(Vendure, stack)

    def build(self, folder):
        """It is JavaScript."""

    def fill(self):
        self.command("node", "fill.js", PEER_MAKES_TABLES="yes")
        return json.loads((self.folder / "filled.json").read_text())

    def serve(self):
        self.begin("vendure", "node", "serve.js")


class MedusaPeer(Peer):
    def __init__(self, stack):
        super().__init__(Medusa, stack)
        self.redis = free_port((self.port,))
        self.environment["REDIS_URL"] = f"redis://127.0.0.1:{self.redis}"

    def build(self, folder):
        self.command("npx", "medusa", "build", folder=folder)

    def fill(self):
        filled = self.stack.state / "medusa-filled.json"
        self.begin("redis", "redis-server", "--port", str(self.redis), "--bind", "127.0.0.1", "--save", "", folder="/")
        self.command("npx", "medusa", "db:migrate")
        self.command("npx", "medusa", "exec", "./src/scripts/fill.ts", PEER_FILLED=str(filled))
        return json.loads(filled.read_text())

    def serve(self):
        self.begin("medusa", "node", "../../node_modules/.bin/medusa", "start", "-H", "127.0.0.1", "-p", str(self.port),
                   "--cluster", COPIES, folder=self.folder / ".medusa/server")


PEERS = {"vendure": VendurePeer, "medusa": MedusaPeer}


def missing():
    """What they need and this machine has not, or nothing."""
    return [name for name in ("node", "npm", "redis-server") if not shutil.which(name)]


def measure(stack, crowds, seconds, only=tuple(PEERS)):
    """{peer: what was found}; the stack's PostgreSQL must run and should have nothing else to do."""
    return {name: PEERS[name](stack).measure(crowds, seconds) for name in only}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PEERS))
    parser.add_argument("--shoppers", type=lambda text: [int(number) for number in text.split(",")], default=[8, 32])
    parser.add_argument("--seconds", type=int, default=45)
    parser.add_argument("--out", help="also write all figures to this file, as JSON")
    options = parser.parse_args()
    if missing():
        parser.error(f"there is no {', no '.join(missing())}")
    folder = Path(tempfile.mkdtemp(prefix="waybill-peers-", dir="/var/tmp"))
    stack = Stack(folder)
    try:
        stack.up("postgres")
        found = measure(stack, options.shoppers, options.seconds, options.only)
    finally:
        stack.down()
        shutil.rmtree(folder, ignore_errors=True)
    if options.out:
        Path(options.out).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
