"""How long a process takes from its start until it serves."""

import time


def starts(stack):
    """{process: seconds}, one after the other, each in a running stack."""
    found = {}
    for process in stack.processes():
        stack.stop(process.name)
        began = time.monotonic()
        stack.start(process.name)
        found[process.name] = round(time.monotonic() - began, 2)
    return found
