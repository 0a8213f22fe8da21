"""The door of a gateway, and what it says when it refuses."""

import contextlib
import http.client
import itertools
import json
import threading
import time
import uuid

from support import Answer, environment

TIMEOUT = 40  # seconds; longer than the longest wait that a gateway allows


def new_key():
    return str(uuid.uuid4())


class Refused(AssertionError):
    """An answer that isn't 2xx: `status`, `problem` (its body) and `answer`."""

    def __init__(self, what, answer):
        super().__init__(f"{what}: {answer}")
        self.answer = answer
        self.status = answer.status
        self.problem = answer.body

    @property
    def fields(self):
        """The names of the fields that the problem complains about."""
        return [error["field"] for error in self.problem.get("errors", [])]


class Door:
    """Keep-alive connections to the copies of a gateway. Every POST gets an Idempotency-Key, so that any request may be
    repeated; one that found its connection closed is, at once. With `patience`, also on 429, on 503 and when nobody
    answers, for so many seconds. `trouble` tells of all doors what no caller likes to see, however it ended: answers of
    500 and more, and connections that were taken and then lost."""

    trouble = []

    def __init__(self, name, headers=None, patience=0, urls=None):
        self.urls = urls or environment()[f"WAYBILL_{name.upper()}_URL"].split(",")
        self.headers = {"Accept": "application/json"} | (headers or {})
        self.patience = patience
        self._turn = itertools.cycle([url.removeprefix("http://") for url in self.urls])
        self._idle = []
        self._mutex = threading.Lock()

    def __del__(self):
        for connection in self._idle:
            connection.close()

    def request(self, method, path, body=None, headers=None):
        """Sends a request; `body` is JSON unless it is bytes. Every status is an answer, not an exception."""
        values = self.headers | (headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            values.setdefault("Content-Type", "application/json")
        if method == "POST":
            values.setdefault("Idempotency-Key", new_key())
        values = {name: value for name, value in values.items() if value is not None}

        deadline = time.monotonic() + self.patience
        while True:
            try:
                answer = self._exchange(method, path, body, values)
                pause = float(answer.headers.get("Retry-After", "0.1")) if answer.status in (429, 503) else None
            except OSError as error:
                answer, pause = None, 0.1
                if not isinstance(error, ConnectionRefusedError):
                    self.trouble.append(f"{method} {path}: {error!r}")
            if answer is not None and answer.status >= 500:
                self.trouble.append(f"{method} {path}: {answer}")
            if answer is not None and (pause is None or time.monotonic() > deadline):
                return answer
            if time.monotonic() > deadline:
                raise ConnectionError(f"{method} {path}: nobody answers at {', '.join(self.urls)}")
            time.sleep(min(pause, 1))

    def ask(self, method, path, body=None, headers=None):
        """The same, but gives the body of a 2xx and raises everything else."""
        answer = self.request(method, path, body, headers)
        if not 200 <= answer.status < 300:
            raise Refused(f"{method} {path}", answer)
        return answer.body

    def get(self, path, headers=None):
        return self.ask("GET", path, headers=headers)

    def post(self, path, body=None, headers=None):
        return self.ask("POST", path, body, headers)

    def pages(self, path):
        """The items of all pages of a list."""
        after = ""
        while True:
            page = self.get(path + after)
            yield from page["items"]
            if "next" not in page:
                return
            after = ("&" if "?" in path else "?") + "after=" + page["next"]

    @contextlib.contextmanager
    def stream(self, path, headers=None):
        """An open answer, to be read line by line: for server-sent events."""
        with contextlib.closing(self._connect()) as connection:
            connection.request("GET", path, headers=self.headers | {"Accept": "text/event-stream"} | (headers or {}))
            with connection.getresponse() as answer:
                yield answer

    def _connect(self):
        with self._mutex:
            host = next(self._turn)
        return http.client.HTTPConnection(host, timeout=TIMEOUT)

    def _exchange(self, method, path, body, headers):
        with self._mutex:
            kept = self._idle.pop() if self._idle else None
        if kept is not None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self._converse(kept, method, path, body, headers)
            kept.close()
        fresh = self._connect()
        try:
            return self._converse(fresh, method, path, body, headers)
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error

    def _converse(self, connection, method, path, body, headers):
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        if not response.will_close:
            with self._mutex:
                self._idle.append(connection)
        return answer
