"""Shoppers who drive a peer as waybill-bench drives Waybill: each has one connection and begins anew when done."""

import http.client
import json
import threading
import time

PATIENCE_SECONDS = 180  # for one answer; the slower peer takes half a minute with 32 shoppers


class Refused(Exception):
    """The shop said that it can't be had."""


class Broken(Exception):
    """An answer that should not be."""


class Line:
    """A shopper's connection; it takes the time of each step."""

    def __init__(self, port):
        self.times = {}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)

    def post(self, step, path, body, headers):
        """(Status, the answer's document, its headers.)"""
        began = time.monotonic()
        try:
            self._connection.request("POST", path, json.dumps(body), headers | {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            document = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise Broken(f"{step}: {error}") from error
        self.times.setdefault(step, []).append(time.monotonic() - began)
        return answer.status, document, answer.headers


class Shopper(threading.Thread):
    """Buys until it is told to stop."""

    def __init__(self, shop, port, tries):
        super().__init__()
        self.shop, self.line, self.tries = shop, Line(port), tries
        self.done, self.refused, self.complaints = [], 0, []

    def run(self):
        while self.tries():
            try:
                self.shop.buy(self.line)
                self.done.append(time.monotonic())
            except Refused:
                self.refused += 1
            except Broken as error:
                self.complaints.append(str(error)[:300])


def percentile_ms(times, share):
    return round(sorted(times)[min(len(times) - 1, int(len(times) * share / 100))] * 1000, 1)


class Tries:
    """Whether there is another one: until an end, or so many."""

    def __init__(self, until, most):
        self.until, self.left, self.lock = until, most, threading.Lock()

    def __call__(self):
        with self.lock:
            self.left -= 1
            return self.left >= 0 and time.monotonic() < self.until


def drive(shop, port, shoppers, warm, seconds, most=1_000_000):
    """What so many shoppers get done. An order counts in the moment in which the shop has said that it is one."""
    began = time.monotonic()
    tries = Tries(began + warm + seconds, most)
    driver = time.process_time()
    crowd = [Shopper(shop, port, tries) for _ in range(shoppers)]
    for shopper in crowd:
        shopper.start()
    for shopper in crowd:
        shopper.join()
    took = time.monotonic() - began
    done = [at for shopper in crowd for at in shopper.done]
    steps = {}
    for shopper in crowd:
        for step, times in shopper.line.times.items():
            steps.setdefault(step, []).extend(times)
    complaints = [complaint for shopper in crowd for complaint in shopper.complaints]
    return {
        "shoppers": shoppers,
        "per_s": round(sum(began + warm <= at <= tries.until for at in done) / seconds, 2),
        "done_ever": len(done), "refused": sum(shopper.refused for shopper in crowd), "failures": len(complaints),
        "complaints": complaints[:5], "seconds_in_all": round(took, 1),
        "driver_cores": round((time.process_time() - driver) / took, 3),
        "steps": {step: {f"p{share}_ms": percentile_ms(times, share) for share in (50, 99)} for step, times in steps.items()},
    }
