"""How the stack's processes share the machine (docs/adr/0009-no-pushing-aside.md)."""

import os
import subprocess
import sys
import unittest

from support import stack

CALL = "import os; os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))"


def policy_where(*command):
    """The policy to expect where this command tries whether it is allowed, or known."""
    works = subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
    return os.SCHED_BATCH if works else os.SCHED_OTHER


class TurnsTest(unittest.TestCase):
    def test_who_is_woken_waits_for_its_turn(self):
        """All but the mail server, which isn't ours."""
        by_script = policy_where("sh", "-c", "chrt --batch 0 true")
        by_call = policy_where(sys.executable, "-c", CALL)
        running = [name for name in stack().running() if name != "mail"]
        self.assertIn("postgres", running)
        for name in running:
            with self.subTest(name):
                self.assertEqual(os.sched_getscheduler(stack().daemon(name).pid),
                                 by_script if name in ("postgres", "kafka") else by_call)


if __name__ == "__main__":
    unittest.main()
