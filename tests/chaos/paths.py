"""The ways from our processes to what they depend on, each through a proxy (toxiproxy) that can make it slow, cut it, or
keep the answers back while what is asked gets through: the moment between a COMMIT and its answer.

Only our processes go these ways; people, tests and the judge do not, but for readers of topics, whom the broker sends
the way that it sends everybody.
"""

import contextlib
import json
import subprocess
import urllib.request

import settings
from probe import free_port, wait_until
from support import golang

NAMES = ("postgres", "kafka", "mail", "psp", "carrier")
UPSTREAMS = {"psp": "psp-sandbox", "carrier": "carrier-sandbox"}  # by what a stack calls them
API_TIMEOUT_S = 10


class Paths:
    """A running proxy for a stack that is not up yet; it must be stopped after the stack."""

    def __init__(self, stack):
        self._port = free_port(set())
        self.ports = {}
        for name in NAMES:
            self.ports[name] = free_port({self._port, *self.ports.values()})
        with open(stack.state / "toxiproxy.log", "wb") as log:
            self._server = subprocess.Popen([golang.toxiproxy(), "-host", "127.0.0.1", "-port", str(self._port)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not wait_until(self._answers, self._server):
            raise RuntimeError("toxiproxy does not start")
        for name, port in self.ports.items():
            self._ask("POST", "/proxies", {"name": name, "listen": f"127.0.0.1:{port}", "enabled": True,
                                           "upstream": f"127.0.0.1:{stack.port(UPSTREAMS.get(name, name))}"})

    def stop(self):
        self._server.kill()
        self._server.wait()

    def settings(self, stack):
        """What sends our processes these ways: settings by the name of a program, and of the broker."""
        found = {"kafka": {"KAFKA_ADVERTISED": f"127.0.0.1:{self.ports['kafka']}"}}
        for program in settings.SERVICES + settings.GATEWAYS:
            found[program] = {"WAYBILL_KAFKA": f"127.0.0.1:{self.ports['kafka']}"}
        for service in settings.SERVICES:
            direct, ours = f":{stack.port('postgres')}/", f":{self.ports['postgres']}/"
            found[service]["WAYBILL_DATABASE"] = stack.dsn(service).replace(direct, ours)
        found["notification"]["WAYBILL_SMTP_URL"] = f"smtp://127.0.0.1:{self.ports['mail']}"
        found["payment"]["WAYBILL_PSP_URL"] = f"http://127.0.0.1:{self.ports['psp']}"
        found["fulfilment"]["WAYBILL_CARRIER_URL"] = f"http://127.0.0.1:{self.ports['carrier']}"
        return found

    # -- What may happen to a path ------------------------------------------------------------------------------------

    def slow(self, name, ms):
        """Each way takes so long, more or less."""
        for stream in ("upstream", "downstream"):
            self._add(name, "latency", stream, {"latency": ms, "jitter": ms // 2})

    def hush(self, name):
        """What is asked arrives, and no answer comes back. Who waits for one loses the connection in the end."""
        self._add(name, "timeout", "downstream", {"timeout": 0})

    def cut(self, name):
        """All connections end, and nobody gets a new one."""
        self._ask("POST", f"/proxies/{name}", {"enabled": False})

    def mend(self, name):
        for toxic in self._ask("GET", f"/proxies/{name}")["toxics"]:
            self._ask("DELETE", f"/proxies/{name}/toxics/{toxic['name']}")
        self._ask("POST", f"/proxies/{name}", {"enabled": True})

    # -- Its interface ------------------------------------------------------------------------------------------------

    def _add(self, name, kind, stream, attributes):
        self._ask("POST", f"/proxies/{name}/toxics", {"type": kind, "stream": stream, "attributes": attributes})

    def _answers(self):
        with contextlib.suppress(OSError):
            return bool(self._ask("GET", "/version"))
        return False

    def _ask(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", method=method,
                                         data=json.dumps(body).encode() if body else None,
                                         headers={"User-Agent": "waybill", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=API_TIMEOUT_S) as answer:
            content = answer.read()
        return json.loads(content) if content else None
