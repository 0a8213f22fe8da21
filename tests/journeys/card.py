"""What the journeys paid by card share: a shopper at the hosted page, browsers that never come back, and the comparison
of our books with the provider's."""

import json
import time
import unittest
import urllib.parse
import uuid

from shop import GOOD_CARD, MERCHANT, Clerk, Door, Erp, Finance, HostedPage, Shopper, Warehouse, event_types, mails_to, signature
from support import Client, environment, eventually, rows, stack
from support.audit import assert_clean
from support.psp import Psp

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}


class CardShopper(Shopper):
    """A shopper who pays on the provider's page, in one browser or in several."""

    def to_page(self, sku, quantity=1):
        """From the cart to the page that asks for the card; gives its address."""
        self.add(sku, quantity)
        self.check_out(payment="card")
        return self.placed_to_page(self.place())

    def placed_to_page(self, placement):
        if placement["state"] != "action_required":
            raise AssertionError(f"there is no page to pay on: {placement}")
        return placement["redirect_url"]

    def pay(self, page, number=GOOD_CARD):
        """Pays, and goes back to the shop like a browser does."""
        return HostedPage(page).pay(number)

    def pay_and_leave(self, page, number=GOOD_CARD):
        """Pays, and closes the browser before it is back. Gives the page's answer: 303 when that was the end of it."""
        return self._press(page, card_number=number, action="pay")

    def confirm_and_leave(self, page, action="approve"):
        """Answers the bank's question, and closes the browser before it is back."""
        return self._press(page + "/3ds", action=action)

    def come_back(self):
        """What the browser loads when the provider sends it back."""
        return Client(environment()["WAYBILL_STOREFRONT_URL"]).get(f"/return/{self.checkout_id}?session=x", Accept="text/html")

    def ordered(self, seconds=20):
        """The order, once it is there."""
        deadline = time.monotonic() + seconds
        while True:
            placement = self.placement(wait=5)
            if placement["state"] == "placed":
                return self.order()
            if placement["state"] == "failed" or time.monotonic() > deadline:
                raise AssertionError(f"not placed: {placement}")

    def failed(self, seconds=30):
        """The placement, once it has failed."""
        def look():
            placement = self.placement()
            return placement if placement["state"] == "failed" else None
        return eventually(look, seconds)

    def _press(self, url, **fields):
        address, path = url.split("/pay/")
        return Client(address).request("POST", "/pay/" + path, urllib.parse.urlencode(fields).encode(), FORM)


def send_webhook(body, header=None, **how):
    """Brings an event to the webhook's address, signed unless `header` says otherwise."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    header = header or signature(environment()["WAYBILL_PSP_WEBHOOK_SECRETS"], body, **how)
    return Door("integration").request("POST", "/webhooks/psp", body,
                                       {"Content-Type": "application/json", "Stripe-Signature": header})


def promise_event(checkout_id, amount, currency="eur", intent=1):
    """An event like the provider's, telling that a card holds this amount."""
    return {"id": f"evt_{uuid.uuid4().hex}", "object": "event", "type": "payment_intent.amount_capturable_updated",
            "created": int(time.time()),
            "data": {"object": {"id": f"pi_{uuid.uuid4().hex}", "object": "payment_intent", "status": "requires_capture",
                                "amount": amount, "amount_capturable": amount, "amount_received": 0, "currency": currency,
                                "metadata": {"payment_id": checkout_id, "intent": str(intent)}}}}


class CardTest(unittest.TestCase):
    """With the people of the shop, the provider, and what must hold in the end."""

    @classmethod
    def setUpClass(cls):
        cls.erp, cls.clerk, cls.warehouse, cls.finance = Erp(), Clerk(), Warehouse(), Finance()
        cls.psp = Psp()

    def setUp(self):
        self.addCleanup(self.psp.reset)

    def at_the_page(self, sku=None, quantity=1):
        """A shopper whose placement waits for a card, and the page's address."""
        shopper = CardShopper()
        return shopper, shopper.to_page(sku or self.erp.offer(), quantity)

    def stock_left(self, sku):
        return sum(level["available"] for level in self.warehouse.stock(sku).values())

    def facts(self, shopper):
        """What the provider told of a payment, and how we came to know: (kind, source) each."""
        return [(row["kind"], row["source"]) for row in rows("payment", f"""
            SELECT kind, source FROM psp_fact WHERE payment_id = '{shopper.checkout_id}' ORDER BY created_at, id""")]

    def work_items(self, shopper, kind):
        return [item for item in self.finance.work_items()
                if item["subject"] == shopper.checkout_id and item["kind"] == kind]

    # -- What must hold in the end ------------------------------------------------------------------------------------

    def assert_books(self, shopper, captured, refunded=0, authorized=None):
        """In the end both books say that the provider took and gave back so much, and that it promises nothing more;
        `authorized` counts the pages on which a card was accepted."""
        def look():
            theirs = self.psp.book(shopper.checkout_id)
            ours = self.finance.payment(shopper.checkout_id)
            self.assertEqual([row["held"] for row in theirs], [0] * len(theirs))
            self.assertEqual((sum(row["captured"] for row in theirs), sum(row["refunded"] for row in theirs)),
                             (captured, refunded))
            self.assertEqual((ours["captured"]["amount"], ours["refunded"]["amount"]), (captured, refunded))
            by_reference = {intent.get("psp_reference"): intent for intent in ours["intents"]}
            for row in theirs:
                intent = by_reference.get(row["payment_intent"]) or by_reference[row["session"]]
                self.assertEqual((intent["captured"]["amount"], intent["refunded"]["amount"], intent["amount"]["amount"]),
                                 (row["captured"], row["refunded"], row["amount"]))
            if authorized is not None:
                self.assertEqual(sum(row["authorized"] > 0 for row in theirs), authorized)
            return True
        eventually(look, 30)
        self.assert_ledger(shopper, captured - refunded)

    def assert_ledger(self, shopper, at_provider):
        """Each entry adds up to nothing, and the accounts end as they must."""
        balances = {}
        for entry in self.finance.ledger(shopper.checkout_id):
            self.assertEqual(sum(posting["amount"]["amount"] for posting in entry["postings"]), 0, entry)
            for posting in entry["postings"]:
                account = posting["account"].partition(":")[0]
                balances[account] = balances.get(account, 0) + posting["amount"]["amount"]
        self.assertEqual(balances.get("psp_clearing", 0), at_provider, balances)
        for account in ("auth_held", "auth_contra", "customer_money", "receivable"):
            self.assertEqual(balances.get(account, 0), 0, balances)

    def ledger_of(self, shopper):
        return [entry["what"] for entry in self.finance.ledger(shopper.checkout_id)]

    def assert_ordered_once(self, shopper, total=None):
        """One order, taken once, one mail each to the customer and the merchant, and both books agree."""
        order = shopper.ordered()
        total = total or order["totals"]["total"]["amount"]
        self.assert_books(shopper, captured=total)
        captures = self.psp.calls(shopper.checkout_id, "capture")
        self.assertEqual(len({call["idempotency_key"] for call in captures}), 1, captures)
        self.assertEqual([each["id"] for each in self.clerk.orders(number=order["number"])], [order["id"]])

        def told():
            told = event_types("payment", shopper.checkout_id)
            self.assertEqual((told.count("payment.authorized"), told.count("payment.captured")), (1, 1), told)
            self.assertEqual(event_types("order", shopper.checkout_id).count("order.placed"), 1)
            return True
        eventually(told)
        confirmations = eventually(shopper.mails)
        to_merchant = eventually(lambda: [each for each in mails_to(MERCHANT) if order["number"] in each.subject])
        self.assertEqual((len(confirmations), len(to_merchant)), (1, 1))
        return order

    def assert_no_order(self, shopper, captured=0, refunded=0):
        """No order, and nothing is kept."""
        self.assertEqual(shopper.door.request("GET", f"/orders/{shopper.checkout_id}").status, 404)
        self.assert_books(shopper, captured, refunded)
        self.assertEqual(event_types("order", shopper.checkout_id), [])

    def assert_clean(self):
        assert_clean(self, stack())
