"""Processes that outlive the program that started them.

A Daemon is known by its PID file, which holds the PID, the kernel's start time of that process (a PID is used again,
the pair is not) and a fingerprint of what it was started with. Nothing is ever looked up or stopped by name.
"""

import os
import select
import signal
import subprocess
import threading
import time
from pathlib import Path

from place import StackError

LOG_MAX = 20_000_000  # bytes; a longer log is set aside when its process starts again


def start_time(pid):
    """The start time of a live process in kernel ticks, or None if there is none or it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    # The first thread may have ended before the others, which keep the ports open.
    return None if fields[0] in "ZX" and int(fields[17]) <= 1 else int(fields[19])


class Daemon:
    """One background process; its PID file and log carry its name."""

    def __init__(self, name, run_dir, log_dir):
        self.name = name
        self.pid_file = Path(run_dir) / f"{name}.pid"
        self.log = Path(log_dir) / f"{name}.log"

    def _recorded(self):
        """(pid, start time, fingerprint) of the PID file if that process is still alive, else None."""
        try:
            pid, started, fingerprint = self.pid_file.read_text().split()
        except (OSError, ValueError):
            return None
        return (int(pid), int(started), fingerprint) if start_time(int(pid)) == int(started) else None

    @property
    def pid(self):
        """The PID while the process lives, else None."""
        recorded = self._recorded()
        return recorded[0] if recorded else None

    @property
    def fingerprint(self):
        """What the live process was started with, else None."""
        recorded = self._recorded()
        return recorded[2] if recorded else None

    def start(self, command, environment, user=None, fingerprint="-", cwd="/"):
        """Starts the process in a session of its own, its output appended to its log. `user`: (uid, gid) or None."""
        if self.log.exists() and self.log.stat().st_size > LOG_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        identity = {"user": user[0], "group": user[1], "extra_groups": []} if user else {}
        with open(self.log, "ab") as log:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                     cwd=cwd, start_new_session=True, umask=0o077, **identity)
        # As long as we live we are its parent and must take note of its end at once: until then its PID counts as used,
        # and PostgreSQL, for one, refuses to start while its former PID seems alive.
        threading.Thread(target=child.wait, daemon=True).start()
        draft = self.pid_file.with_suffix(".new")
        draft.write_text(f"{child.pid} {start_time(child.pid) or 0} {fingerprint}\n")
        draft.replace(self.pid_file)

    def signal(self, number):
        """Sends a signal; False if the process is gone. The handle makes sure that it is the recorded process."""
        recorded = self._recorded()
        if not recorded:
            return False
        try:
            handle = os.pidfd_open(recorded[0])
        except ProcessLookupError:
            return False
        try:
            if start_time(recorded[0]) != recorded[1]:
                return False
            signal.pidfd_send_signal(handle, number)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)

    def wait_end(self, seconds):
        """Waits until the process has ended; False if it still lives after that time."""
        recorded = self._recorded()
        if not recorded:
            return True
        try:
            handle = os.pidfd_open(recorded[0])
        except ProcessLookupError:
            return True
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            if start_time(recorded[0]) == recorded[1] and not poll.poll(max(0, seconds) * 1000):
                return False
        finally:
            os.close(handle)
        return self.pid is None

    def log_tail(self, lines=20):
        """The last lines of the log, as text."""
        try:
            with open(self.log, "rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 65536))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def stop_all(daemons, seconds, number=signal.SIGTERM):
    """Asks all to end, waits, and kills the rest. Returns the names of those that had to be killed."""
    for daemon in daemons:
        daemon.signal(number)
        daemon.signal(signal.SIGCONT)  # a paused process would never see it
    deadline = time.monotonic() + seconds
    late = [daemon for daemon in daemons if not daemon.wait_end(deadline - time.monotonic())]
    for daemon in late:
        daemon.signal(signal.SIGKILL)
    for daemon in late:
        daemon.wait_end(10)
    for daemon in daemons:
        daemon.pid_file.unlink(missing_ok=True)
    return [daemon.name for daemon in late]


def run(command, environment):
    """Runs a program; its output is shown only if it fails."""
    done = subprocess.run([str(part) for part in command], env=environment, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise StackError(f"{command[0]} failed:\n{done.stdout}")


def in_parallel(steps):
    """Runs functions that return lists in threads, joins the lists, raises the first error."""
    results, errors = [], []

    def step(function):
        try:
            results.extend(function())
        except Exception as error:  # raised again below
            errors.append(error)

    threads = [threading.Thread(target=step, args=[function]) for function in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
