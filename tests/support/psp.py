"""The payment provider's sandbox, as the tests steer it and read its book."""

import json

from support import Client, environment, rows


class Psp:
    """The sandbox's control interface. Whoever sets a fault or a mode of webhooks calls reset() in the end."""

    def __init__(self):
        self.client = Client(environment()["WAYBILL_PSP_SANDBOX_URL"])

    def _ask(self, method, path, body=None):
        answer = self.client.request(method, "/_control" + path, body)
        if not 200 <= answer.status < 300:
            raise AssertionError(f"{method} {path}: {answer}")
        return answer.body

    # -- What goes wrong ----------------------------------------------------------------------------------------------

    def fault(self, operation, mode, times=1, delay_ms=None):
        """The next `times` calls of create_session, capture, cancel, expire, refund or query go wrong this way."""
        self._ask("POST", "/faults", {"operation": operation, "mode": mode, "times": times}
                  | ({} if delay_ms is None else {"delay_ms": delay_ms}))

    def webhooks(self, mode, delay_ms=None):
        """From now on webhooks are sent normal, lost, twice, late, shuffled or on hold."""
        self._ask("POST", "/webhooks", {"mode": mode} | ({} if delay_ms is None else {"delay_ms": delay_ms}))

    def release(self, order="as_happened", times=1):
        """Sends what is on hold; gives how many there were."""
        return self._ask("POST", "/webhooks/release", {"order": order, "times": times})["count"]

    def repeat(self, event_id, times=1):
        self._ask("POST", "/webhooks/repeat", {"event_id": event_id, "times": times})

    def reset(self):
        """No faults, webhooks as they should be, and nothing on hold."""
        self._ask("DELETE", "/faults")
        self.release()

    def expire_page(self, session):
        self._ask("POST", f"/sessions/{session}/expire")

    # -- What is true there -------------------------------------------------------------------------------------------

    def book(self, checkout_id):
        """One row for each page of a payment, oldest first: `session_status`, `status`, `tries` and amounts in minor
        units: `authorized`, `captured`, `refunded`, `cancelled` and `held` (promised, and neither taken nor let go)."""
        return self._ask("GET", f"/book?payment_id={checkout_id}&limit=200")["payments"]

    def calls(self, checkout_id, operation):
        """What was asked about a payment by POST, oldest first: rows with `operation`, `idempotency_key`, `status`,
        `replayed` and `fault`. Our keys have the checkout's id in them."""
        return rows("psp-sandbox", f"""
            SELECT operation, path, params, idempotency_key, status, replayed, fault
              FROM api_request
             WHERE idempotency_key LIKE 'wb-{checkout_id}-%' AND operation = '{operation}'
             ORDER BY serial""")

    def events(self, checkout_id, kind=None):
        """What happened to a payment, oldest first, as webhooks tell it."""
        found = rows("psp-sandbox", f"SELECT body FROM event WHERE payment_id = '{checkout_id}' ORDER BY serial")
        bodies = [json.loads(row["body"]) for row in found]
        return [body for body in bodies if kind is None or body["type"] == kind]

    def deliveries(self, checkout_id):
        """The webhooks of a payment: rows with `type`, `state`, `attempts` and `last_status`."""
        return self._ask("GET", f"/deliveries?payment_id={checkout_id}&limit=200")["deliveries"]
