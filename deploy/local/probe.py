"""Questions to ports and processes: is it free, does it answer, is it ready."""

import contextlib
import random
import socket
import time
import urllib.error
import urllib.request

START_SECONDS = 60  # for anything to become ready
POLL_SECONDS = 0.03


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(but):
    """A free port below those that the kernel hands out to clients, so that nobody takes it in between."""
    while True:
        port = random.randrange(15000, 32000)
        if port not in but and is_free(port):
            return port


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def http_status(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def wait_until(condition, daemon, seconds=START_SECONDS):
    """Waits for a condition; False when the time is over or the process has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and daemon.pid:
        if condition():
            return True
        time.sleep(POLL_SECONDS)
    return False
