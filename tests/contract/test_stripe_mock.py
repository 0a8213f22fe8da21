#!/usr/bin/env python3
"""Every request that payment's adaptor makes is one that Stripe's own specification allows, as stripe-mock judges it.

It knows paths, parameters, types and enumerations, and nothing about behaviour: that is the sandbox's part.
"""

import contextlib
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests")]
sys.dont_write_bytecode = True

from support import golang

OBJECTS = ("stripe", "payment", "intent_fsm", "psp", "fold")
SANITIZE = ["-fsanitize=address,undefined"]
PACKAGES = ["libpq", "rdkafka", "yajl", "libmicrohttpd", "libulfius", "libcurl", "libsodium"]
OPERATIONS = {"authorize", "expire", "capture", "void", "refund", "query", "query, its second question",
              "query, next page", "poll", "poll, next page"}


def variant():
    """Which build the runner tests."""
    return sys.argv[sys.argv.index("--variant") + 1] if "--variant" in sys.argv else "test"


def shell(*command):
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def requests(folder):
    """What the adaptor asks: (operation, method, path, form) each, printed by its own code."""
    build = f"build/{variant()}"
    parts = [f"{build}/services/payment/{name}.o" for name in OBJECTS] + [f"{build}/libwaybill.a"]
    shell("make", "--no-print-directory", f"VARIANT={variant()}", *parts)
    program = Path(folder) / "requests"
    shell("gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Icommon", "-Ibuild/gen", "-Iservices/payment",
          *(SANITIZE if variant() == "san" else []), *shlex.split(shell("pkg-config", "--cflags", *PACKAGES)),
          "-o", program, "tests/contract/stripe_requests.c", *parts, "-pthread", "-Wl,--as-needed",
          *shlex.split(shell("pkg-config", "--libs", *PACKAGES)), "-lzint", "-lm")
    return [tuple(line.split("\t")) for line in shell(program).splitlines()]


def version_asked():
    """The API version that the service names with each call."""
    header = (ROOT / "services/payment/stripe.h").read_text()
    return header.partition('#define STRIPE_VERSION "')[2].partition('"')[0]


@contextlib.contextmanager
def mock_server():
    """A running stripe-mock, by its address."""
    program = golang.stripe_mock()
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(2):
            probe = stack.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    with subprocess.Popen([program, "-http-addr", f"127.0.0.1:{ports[0]}", "-https-addr", f"127.0.0.1:{ports[1]}"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and child.poll() is None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", ports[0]), timeout=1):
                    break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{ports[0]}"
        finally:
            child.kill()


class StripeMockTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            cls.requests = requests(folder)
        running = contextlib.ExitStack()
        cls.addClassCleanup(running.close)
        cls.url = running.enter_context(mock_server())

    def send(self, method, path, form):
        """Sends it with the headers that the service sends; gives status and answer."""
        headers = {"Authorization": "Bearer sk_test_123", "Stripe-Version": version_asked()}
        if method == "POST":
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": "wb-1"}
        body = form.encode() if method == "POST" else None
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def test_every_request_is_allowed(self):
        self.assertEqual({operation for operation, *_ in self.requests}, OPERATIONS)
        for operation, method, path, form in self.requests:
            with self.subTest(operation, path=path):
                status, answer = self.send(method, path, form)
                self.assertEqual(status, 200, answer[:300])

    def test_one_letter_too_many_is_refused(self):
        """The negative control: each parameter of each request, misspelt. Inside of objects it lets some names pass, so
        it is the first part of a name that gets the letter."""
        for operation, method, path, form in self.requests:
            head, _, query = path.partition("?")
            pairs = (form if method == "POST" else query).split("&") if (form or query) else []
            for index, pair in enumerate(pairs):
                wrong = "&".join([*pairs[:index], misspelt(pair), *pairs[index + 1:]])
                with self.subTest(operation, pair=pair):
                    status, answer = self.send(method, head + ("?" + wrong if method == "GET" else ""), wrong)
                    self.assertEqual(status, 400, answer[:300])

    def test_another_kind_of_body_or_path_is_refused(self):
        operation, method, path, form = next(each for each in self.requests if each[0] == "capture")
        self.assertEqual(self.send(method, path, form)[0], 200, operation)
        self.assertEqual(self.send(method, path, form.replace("12500", "125.00"))[0], 400)
        self.assertEqual(self.send(method, path.replace("capture", "captured"), form)[0], 404)


def misspelt(pair):
    """A parameter with one letter too many in its name."""
    name = re.match(r"\w+", pair).group()
    return name + "x" + pair[len(name):]


if __name__ == "__main__":
    unittest.main()
