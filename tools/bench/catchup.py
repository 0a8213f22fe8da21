"""How fast one who was away catches up with what was told meanwhile."""

import re
import time
import urllib.error
import urllib.request

from imports import catalogue, send

HANDLED = re.compile(r"^waybill_consumer_messages_total\{.*\} (\d+)", re.MULTILINE)
POLL_SECONDS = 0.02
PATIENCE_SECONDS = 60


def handled(stack, program):
    """Messages that its processes handled since they started."""
    total = 0
    for url in stack.urls(program):
        try:
            with urllib.request.urlopen(url + "/metrics", timeout=10) as answer:
                total += sum(map(int, HANDLED.findall(answer.read().decode())))
        except (urllib.error.URLError, ConnectionError):
            pass  # not there yet
    return total


def catch_up(stack, program, pile_up, messages):
    """Keeps a service away while `pile_up` has so many messages written for it. The rate is of the time since it was last
    seen with none handled; `s` runs from its start."""
    for process in stack.processes(program):
        stack.stop(process.name)
    pile_up()
    began = time.monotonic()
    for process in stack.processes(program):
        stack.begin(process.name)
    none_at, count = began, 0
    while count < messages:
        if time.monotonic() > began + PATIENCE_SECONDS:
            raise RuntimeError(f"{program} handled {count} of {messages} messages")
        asked = time.monotonic()
        count = handled(stack, program)
        if count == 0:
            none_at = asked
            time.sleep(POLL_SECONDS)
    ended = time.monotonic()
    for process in stack.processes(program):
        stack.wait_ready(process.name)
    return {"messages": count, "s": round(ended - began, 2), "per_s": round(count / (ended - none_at))}


def catch_ups(stack, products, placements, place, settle):
    """{service: what was found}. `place` has shoppers place so many orders and leave, `settle` waits until all is told."""
    def import_products():
        send(stack, "products", catalogue(products, "LATE"))
        settle()

    def placements_without_end():
        place(placements)
        settle()

    found = {"cart": catch_up(stack, "cart", import_products, products)}
    for program in ("fulfilment", "payment", "order"):
        found[program] = catch_up(stack, program, placements_without_end, placements)
        settle()
    return found
