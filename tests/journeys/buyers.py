"""Shoppers who buy while things break, and the book of what they were told: the shop's word against its own books."""

import dataclasses
import http.client
import threading
import time

from card import CardShopper
from shop import GOOD_CARD, Refused, new_key

PATIENCE = 90  # seconds that a shopper keeps asking while somebody is being restarted
WAIT_MAX = 20  # seconds that one request may wait for news
OVER = ("placed", "failed")


class PatientShopper(CardShopper):
    """One who tries again whatever happens, for a while."""

    def __init__(self, patience=PATIENCE):
        super().__init__(patience=patience)
        self.wait = min(int(patience), WAIT_MAX)
        self.deadline = time.monotonic() + 2 * patience
        self.has_placed = False

    def has_patience(self):
        return time.monotonic() < self.deadline

    def buy_patiently(self, sku, method, card=GOOD_CARD):
        """From the cart to the last word on the placement, or to the end of the patience. Gives the placement. Whose
        card is declined gives up the placement."""
        self.add(sku)
        self.check_out(payment=method)
        key = new_key()
        self.has_placed = True
        placement = self.place_or_fail(key)
        while placement["state"] in ("claiming", "paying", "unknown", "completed") and self.has_patience():
            placement = self.place_or_fail(key)
        if placement["state"] == "action_required":
            if self.pay_patiently(placement["redirect_url"], card) == 402:
                self.cancel_placement()
        while placement["state"] not in OVER and self.has_patience():
            placement = self.placement(wait=min(self.wait, 10))
        return placement

    def place_or_fail(self, key):
        """The placement, also one that failed, which is a refusal with the placement in it."""
        try:
            return self.place(key=key, wait=self.wait)
        except Refused as refusal:
            if (refusal.problem or {}).get("state") != "failed":
                raise
            return refusal.problem

    def pay_patiently(self, page, card=GOOD_CARD):
        """Pays at the provider, and goes back to the shop or not; the page says the same however often it is asked.
        Gives its last word: 303 paid, 402 declined, 410 too late, or None."""
        status = None
        while status not in (303, 402, 410) and self.has_patience():
            try:
                status = self.pay_and_leave(page, card).status
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
        if int(self.checkout_id[-1], 16) % 2:
            self.door.request("GET", f"/return/{self.checkout_id}?session=x", headers={"Accept": "text/html"})
        return status


@dataclasses.dataclass
class Purchase:
    """What somebody wanted, and what they were told of it.

    `outcome`: done (placed, by this number), refused (the placement failed), unknown (placed perhaps, no last word), or
    unserved (nothing was ever placed)."""

    sku: str
    method: str
    outcome: str = "unserved"
    why: str = ""
    email: str = ""
    checkout_id: str | None = None
    number: str | None = None
    total: int | None = None
    cancelled: str = ""  # what was said when the order was cancelled: "", done, unknown
    later: str = ""      # the state of the placement, as told when all is quiet
    shopper: PatientShopper | None = dataclasses.field(default=None, repr=False)

    def hear(self, placement):
        self.why = placement.get("reason") or placement["state"]
        self.outcome = {"placed": "done", "failed": "refused"}.get(placement["state"], "unknown")
        if self.outcome == "done":
            self.number = placement["order"]["number"]


class Book:
    """All purchases of a run."""

    def __init__(self):
        self.purchases = []
        self._mutex = threading.Lock()

    def of(self, *outcomes):
        return [purchase for purchase in self.purchases if purchase.outcome in outcomes]

    def buy(self, sku, method, patience=PATIENCE, card=GOOD_CARD):
        """One purchase, from the first request to the last word."""
        purchase = Purchase(sku, method)
        try:
            purchase.shopper = PatientShopper(patience)
            purchase.hear(purchase.shopper.buy_patiently(sku, method, card))
        except (Refused, OSError) as failure:
            purchase.outcome = "unknown" if purchase.shopper and purchase.shopper.has_placed else "unserved"
            purchase.why = str(failure)
        if purchase.shopper:
            purchase.email = purchase.shopper.email
            purchase.checkout_id = purchase.shopper.checkout_id
            purchase.total = purchase.shopper.total and purchase.shopper.total["amount"]
        with self._mutex:
            self.purchases.append(purchase)
        return purchase
