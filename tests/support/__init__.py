"""What journeys share: the running stack, a small HTTP client, and ways to look into databases and topics.

The runner (tests/run.py) starts one stack for all journeys and names its folder in WAYBILL_TEST_STATE. To run one
journey by hand against `make run`:  WAYBILL_TEST_STATE=.waybill python3 -m unittest tests/journeys/test_x.py
"""

import contextlib
import csv
import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/local"))

from stack import Stack, StackError, read_environment
from support.containers import Containers


@functools.cache
def stack():
    """The stack that this run belongs to, or the containers (tests/compose.py)."""
    state = Path(os.environ.get("WAYBILL_TEST_STATE", ROOT / ".waybill"))
    return Containers(state) if Containers.are_in(state) else Stack.attach(state)


@functools.cache
def environment():
    """Addresses, DSNs and keys, by the names in the file `environment`."""
    return read_environment(stack().state / "environment")


@contextlib.contextmanager
def stack_of_its_own(prepare=None, **options):
    """Another stack, new and empty, that this run belongs to as long as this lasts; then it is gone. `prepare` gets it
    before anything runs."""
    outside = os.environ.get("WAYBILL_TEST_STATE")
    folder = Path(tempfile.mkdtemp(prefix="waybill-test-own-", dir=os.environ.get("TMPDIR", "/var/tmp")))
    own = Stack(folder, variant=stack().variant, **options)
    if prepare:
        prepare(own)
    try:
        own.up()
        _belong_to(str(folder))
        yield own
    finally:
        _belong_to(outside)
        own.down()
        shutil.rmtree(folder, ignore_errors=True)


def _belong_to(state):
    if state is None:
        os.environ.pop("WAYBILL_TEST_STATE", None)
    else:
        os.environ["WAYBILL_TEST_STATE"] = state
    stack.cache_clear()
    environment.cache_clear()


class Answer:
    """An HTTP answer: `status`, `headers` (get() ignores case), `content` (bytes) and `body` (parsed JSON or None)."""

    def __init__(self, status, headers, content):
        self.status = status
        self.headers = headers
        self.content = content

    @property
    def body(self):
        return json.loads(self.content) if "json" in self.headers.get("Content-Type", "") else None

    def __repr__(self):
        return f"{self.status} {self.content[:2000].decode(errors='replace')}"


class Client:
    """Talks JSON to one address. `headers` go with each request; a value of None takes one away."""

    def __init__(self, url, headers=None, timeout=30):
        self.url = url.partition(",")[0]
        self.headers = headers or {}
        self.timeout = timeout

    def request(self, method, path, body=None, headers=None):
        """Sends a request; `body` is JSON unless it is bytes. Every status is an answer, not an exception."""
        values = {"Accept": "application/json"} | self.headers | (headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            values.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url + path, body, method=method,
                                         headers={name: value for name, value in values.items() if value is not None})
        try:
            with NO_REDIRECT.open(request, timeout=self.timeout) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def post(self, path, body=None, **headers):
        return self.request("POST", path, body if body is not None else {}, headers)


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


NO_REDIRECT = urllib.request.build_opener(_StayHere, urllib.request.ProxyHandler({}))


def eventually(check, seconds=20, every=0.05):
    """Calls `check` until it gives something true without an AssertionError, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            result = check()
            if result:
                return result
            problem = AssertionError(f"still {result!r} after {seconds} s")
        except AssertionError as error:
            problem = error
        if time.monotonic() > deadline:
            raise problem
        time.sleep(every)


def rows(who, query):
    """The rows of a query as dicts of text, asked as a service, a sandbox or the superuser "postgres"."""
    command, environment = stack().psql(who)
    done = subprocess.run([*command, "--no-psqlrc", "--csv", "--set=ON_ERROR_STOP=1", "--command", query], text=True,
                          env=os.environ | environment, capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return list(csv.DictReader(io.StringIO(done.stdout)))


def records(topic):
    """All records of a topic now, partition by partition: dicts with `partition`, `offset`, `key`, `headers` (a dict)
    and `value` (parsed JSON, or None for a tombstone)."""
    done = subprocess.run(stack().kcat("-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J"),
                          text=True, capture_output=True, check=False, timeout=60)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    found = []
    for line in done.stdout.splitlines():
        record = json.loads(line)
        pairs = record.get("headers") or []
        found.append({"partition": record["partition"], "offset": record["offset"], "key": record["key"],
                      "headers": dict(zip(pairs[::2], pairs[1::2])),
                      "value": json.loads(record["payload"]) if record["payload"] is not None else None})
    return sorted(found, key=lambda record: (record["partition"], record["offset"]))
