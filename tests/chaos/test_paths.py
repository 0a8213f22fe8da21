#!/usr/bin/env python3
"""The paths of a chaos run do to connections what they say: or its faults would be none."""

import http.client
import sys
import tempfile
import threading
import time
import types
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / part) for part in ("tests/chaos", "tests", "deploy/local")]
sys.dont_write_bytecode = True

from paths import Paths

PATH = "psp"


class Counterpart(BaseHTTPRequestHandler):
    """Answers, and counts what it did."""

    protocol_version = "HTTP/1.1"
    done = 0

    def do_POST(self):
        type(self).done += 1
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class PathsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Counterpart)
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever).start()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.paths = Paths(types.SimpleNamespace(state=Path(folder.name), port=lambda name: server.server_port))
        cls.addClassCleanup(cls.paths.stop)

    def setUp(self):
        Counterpart.done = 0
        self.addCleanup(self.paths.mend, PATH)

    def post(self, timeout=5):
        """What became of one request: its status, or the name of what went wrong."""
        connection = http.client.HTTPConnection("127.0.0.1", self.paths.ports[PATH], timeout=timeout)
        try:
            connection.request("POST", "/", body=b"")
            return connection.getresponse().status
        except OSError as error:
            return type(error).__name__
        finally:
            connection.close()

    def test_a_path_that_nobody_touches_lets_through(self):
        self.assertEqual((self.post(), Counterpart.done), (204, 1))

    def test_a_slow_path_takes_its_time_each_way(self):
        self.paths.slow(PATH, 200)
        began = time.monotonic()
        self.assertEqual(self.post(), 204)
        self.assertGreaterEqual(time.monotonic() - began, 0.2)  # twice 200 ms, each less its jitter of 100

    def test_on_a_hushed_path_it_is_done_and_nobody_hears_of_it(self):
        self.paths.hush(PATH)
        self.assertEqual((self.post(timeout=1), Counterpart.done), ("TimeoutError", 1))

    def test_who_waits_on_a_hushed_path_loses_the_connection_in_the_end(self):
        self.paths.hush(PATH)
        threading.Timer(0.5, self.paths.mend, [PATH]).start()
        self.assertIn(self.post(), ("RemoteDisconnected", "ConnectionResetError"))
        self.assertEqual((self.post(), Counterpart.done), (204, 2))

    def test_a_cut_path_is_refused_and_mended(self):
        self.paths.cut(PATH)
        self.assertEqual((self.post(), Counterpart.done), ("ConnectionRefusedError", 0))
        self.paths.mend(PATH)
        self.assertEqual((self.post(), Counterpart.done), (204, 1))


if __name__ == "__main__":
    unittest.main()
