"""How the stack's processes share the machine (docs/adr/0009-no-pushing-aside.md)."""

import os
import subprocess
import unittest

from support import stack


class TurnsTest(unittest.TestCase):
    def test_who_is_woken_waits_for_its_turn(self):
        """All but the mail server, which isn't ours; where it is not allowed everything runs as usual."""
        allowed = subprocess.run(["chrt", "--batch", "0", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
        expected = os.SCHED_BATCH if allowed else os.SCHED_OTHER
        running = [name for name in stack().running() if name != "mail"]
        self.assertIn("postgres", running)
        for name in running:
            with self.subTest(name):
                self.assertEqual(os.sched_getscheduler(stack().daemon(name).pid), expected)


if __name__ == "__main__":
    unittest.main()
