#!/usr/bin/python3
"""The journeys against the containers of docker-compose.yml, as it would run in a shop: built, started, asked, stopped and
started again with what it had. Needs docker with compose, and the ports that docker-compose.yml names. The last line is
`N passed, N failed`.

    tests/compose.py [--filter TEXT] [--keep]

It makes .env if there is none, and leaves nothing behind but that and the images (--keep: everything runs on).
"""

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "deploy/local"), str(ROOT / "tests")]
sys.dont_write_bytecode = True

import settings
from place import read_environment, write_private
from probe import http_status
from run import Tally, run_files
from support.containers import Containers, compose, containers, inside, output_of

# Those that look from outside; the others stop, spoil or measure single processes.
JOURNEYS = ("access", "at_once", "cancel_race", "card", "cart", "checkout", "fulfilment", "import", "money", "order",
            "purchase", "transfer", "versions")
PORTS = settings.GATEWAY_PORTS | {"psp-sandbox": 8083}
TWO_SECRETS = ("WAYBILL_PSP_WEBHOOK_SECRETS", "WAYBILL_CARRIER_WEBHOOK_SECRETS")
READY_SECONDS = 180


def prepare():
    """Secrets in .env, and what the journeys read: a folder with the file `environment`."""
    subprocess.run([ROOT / "deploy/docker/secrets.sh"], check=True)
    values = read_environment(ROOT / ".env")
    for name in TWO_SECRETS:  # as while one takes over from another; what the environment says goes before .env
        os.environ[name] = values[name] = f"{values[name]},whsec_{secrets.token_hex(32)}"
    for program, port in PORTS.items():
        values[f"WAYBILL_{program.upper().replace('-', '_')}_URL"] = f"http://127.0.0.1:{port}"
    folder = Path(tempfile.mkdtemp(prefix="waybill-compose-"))
    write_private(folder / "environment", "".join(f"{name}={value}\n" for name, value in values.items()))
    return folder


def is_ready(container):
    """Whether a service's process says so, whose port nobody outside reaches."""
    asked = inside(container, "curl", "--silent", "--fail", "--max-time", "2", "http://127.0.0.1:8080/readyz")
    return subprocess.run(asked, check=False, capture_output=True, timeout=60).returncode == 0


def all_ready():
    return (all(http_status(f"http://127.0.0.1:{port}/readyz") == 200 for port in PORTS.values())
            and all(is_ready(container) for service in settings.SERVICES for container in containers(service)))


def up(*options):
    """Seconds until everything is ready."""
    began = time.monotonic()
    compose("up", "-d", *options)
    containers.cache_clear()
    while not all_ready():
        if time.monotonic() - began > READY_SECONDS:
            raise AssertionError("not everything is ready:\n" + compose("ps").decode())
        time.sleep(0.5)
    return time.monotonic() - began


def orders_known():
    """How many orders the database has."""
    return int(output_of("postgres", "sh", "/opt/postgres/as.sh", "order", "psql", "-XAtqc", "SELECT count(*) FROM orders"))


def check(tally, name, action):
    """Counts one thing that must go well."""
    began = time.monotonic()
    try:
        said = action()
    except AssertionError as error:
        tally.add(name, 0, 1, 0, str(error), time.monotonic() - began)
        return False
    tally.add(name, 1, 0, 0, seconds=time.monotonic() - began)
    if said:
        print(f"     {said}")
    return True


def down_and_up(shop):
    """Whatever there was is there again."""
    before = orders_known()
    compose("down")
    up()
    assert before > 0 and orders_known() == before, f"there were {before} orders, and now {orders_known()}"
    command, _ = shop.audit(60)
    return f"{before} orders; " + compose(*command[2:]).decode().strip().splitlines()[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--filter", default="", metavar="TEXT", help="only journeys with this in their name")
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    options = parser.parse_args()
    folder = prepare()
    tally = Tally()
    chosen = [ROOT / f"tests/journeys/test_{name}.py" for name in JOURNEYS if options.filter in name]
    try:
        if check(tally, "docker compose up -d --build", lambda: f"all ready after {up('--build'):.0f} s"):
            run_files("journeys", chosen, types.SimpleNamespace(variant="compose"), tally,
                      {"WAYBILL_TEST_STATE": str(folder)})
            check(tally, "docker compose down, up", lambda: down_and_up(Containers(folder)))
    finally:
        if not options.keep:
            check(tally, "docker compose down -v", lambda: compose("down", "-v").decode() and None)
            shutil.rmtree(folder)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
