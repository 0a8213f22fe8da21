#!/usr/bin/env python3
"""What a background process of the stack is known by: while anything of it lives, it does."""

import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/local"))

from place import BASE_ENVIRONMENT
from process import Daemon

# Its first thread ends before the second one, as those of a killed process may.
HEADLESS = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


class DaemonTest(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.daemon = Daemon("it", folder, folder)
        self.addCleanup(self.daemon.signal, signal.SIGKILL)

    def start(self, program):
        self.daemon.start([sys.executable, "-c", program], BASE_ENVIRONMENT)
        return self.daemon.pid

    def test_it_lives_until_it_is_killed(self):
        self.assertIsNotNone(self.start("import time; time.sleep(60)"))
        self.assertFalse(self.daemon.wait_end(0))
        self.assertTrue(self.daemon.signal(signal.SIGKILL))
        self.assertTrue(self.daemon.wait_end(10))
        self.assertIsNone(self.daemon.pid)
        self.assertFalse(self.daemon.signal(signal.SIGKILL))

    def test_it_lives_as_long_as_one_of_its_threads(self):
        pid = self.start(HEADLESS)
        deadline = time.monotonic() + 10
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            self.assertLess(time.monotonic(), deadline, "its first thread did not end")
        self.assertEqual(self.daemon.pid, pid)
        self.assertFalse(self.daemon.wait_end(0))
        self.assertTrue(self.daemon.signal(signal.SIGKILL))
        self.assertTrue(self.daemon.wait_end(10))


if __name__ == "__main__":
    unittest.main()
