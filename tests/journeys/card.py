"""What the journeys paid by card share: a shopper at the hosted page, browsers that never come back, and the comparison
of our books with the provider's."""

import collections
import concurrent.futures
import json
import re
import time
import unittest
import urllib.parse
import uuid

from shop import GOOD_CARD, MERCHANT, Clerk, Door, Erp, Finance, HostedPage, Shopper, Warehouse, events, signature
from support import Client, environment, eventually, rows, stack
from support.audit import assert_clean
from support.psp import Psp

NUMBER = re.compile(rb"\bWB-[0-9]+\b")
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
        shop = Client(environment()["WAYBILL_STOREFRONT_URL"])
        return shop.get(f"/return/{self.checkout_id}?session=x", Accept="text/html")

    def ordered(self, seconds=20):
        """The order, once it is there."""
        def look():
            placement = self.placement()
            if placement["state"] != "placed":
                raise AssertionError(f"not placed: {placement}")
            return self.order()
        return eventually(look, seconds)

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
            "data": {"object": {"id": f"pi_{uuid.uuid4().hex}", "object": "payment_intent",
                                "status": "requires_capture", "currency": currency, "amount": amount,
                                "amount_capturable": amount, "amount_received": 0,
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

    def assert_books(self, shopper, captured=0, refunded=0, receivable=0, pages=None):
        """In the end both books say, intent by intent, that the provider took and gave back so much, and that it
        promises nothing more. `receivable`: what the customer still owes; `pages`: how many the provider made."""
        def look():
            theirs = {}
            for row in rows("psp-sandbox", f"""
                SELECT session.intent_metadata ->> 'intent' AS intent, session.amount,
                       coalesce(intent.capturable, 0) AS held, coalesce(charge.captured, 0) AS captured,
                       coalesce(charge.refunded, 0) AS refunded
                  FROM session
                  LEFT JOIN intent ON intent.session_id = session.id
                  LEFT JOIN charge ON charge.id = intent.charge_id
                 WHERE session.payment_id = '{shopper.checkout_id}'"""):
                self.assertEqual(row["held"], "0")
                theirs.setdefault(int(row["intent"]), []).append(row)
            ours = self.finance.payment(shopper.checkout_id)
            self.assertEqual((ours["captured"]["amount"], ours["refunded"]["amount"]), (captured, refunded))
            for intent in ours["intents"]:
                made = theirs.pop(intent["intent"], [])
                self.assertTrue(intent["method"] == "card" or not made)
                self.assertEqual({int(row["amount"]) for row in made} - {intent["amount"]["amount"]}, set())
                for kind in ("captured", "refunded"):
                    self.assertEqual(sum(int(row[kind]) for row in made), intent[kind]["amount"])
            self.assertEqual(theirs, {})
            return True
        eventually(look, 30)
        self.assert_ledger(shopper, captured - refunded, receivable)
        if pages is not None:
            self.assertEqual(len(self.psp.book(shopper.checkout_id)), pages)

    def assert_ledger(self, shopper, at_provider, receivable=0):
        """Each entry adds up to nothing, and the accounts end as they must."""
        balances = {"psp_clearing": 0, "auth_held": 0, "auth_contra": 0, "customer_money": 0, "receivable": 0}
        for entry in self.finance.ledger(shopper.checkout_id):
            self.assertEqual(sum(posting["amount"]["amount"] for posting in entry["postings"]), 0, entry)
            for posting in entry["postings"]:
                account = posting["account"].partition(":")[0]
                balances[account] = balances.get(account, 0) + posting["amount"]["amount"]
        self.assertEqual((balances["psp_clearing"], balances["receivable"]), (at_provider, receivable), balances)
        for account in ("auth_held", "auth_contra", "customer_money"):
            self.assertEqual(balances[account], 0, balances)

    def ledger_of(self, shopper):
        return [entry["what"] for entry in self.finance.ledger(shopper.checkout_id)]

    def assert_ordered_once(self, *shoppers, pages=1, capture_keys=1):
        """One order each, taken once, one mail each to customer and merchant, and both books agree. Gives the first."""
        def ordered(shopper):
            order = shopper.ordered()
            self.assert_books(shopper, captured=order["totals"]["total"]["amount"], pages=pages)
            captures = self.psp.calls(shopper.checkout_id, "capture")
            self.assertEqual(len({call["idempotency_key"] for call in captures}), capture_keys, captures)
            return shopper.checkout_id, order

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            orders = dict(pool.map(ordered, shoppers))
        self.assertEqual(len({order["number"] for order in orders.values()}), len(orders))

        def told():
            said = collections.Counter((event.key, event.type) for topic in ("payment", "order")
                                       for event in events(topic))
            for key in orders:
                for type in ("payment.authorized", "payment.captured", "order.placed"):
                    self.assertEqual(said[key, type], 1, (key, type))
            return True
        eventually(told, every=0.5)

        def mailed():
            mails = collections.Counter(
                (address, number) for mail in stack().mail.messages() for address in mail["to"]
                for number in set(NUMBER.findall(mail["content"].partition(b"\r\n\r\n")[0])))
            for shopper in shoppers:
                number = orders[shopper.checkout_id]["number"].encode()
                for address in (shopper.email, MERCHANT):
                    self.assertEqual(mails[address, number], 1, (address, number))
            return True
        eventually(mailed, every=0.5)
        return orders[shoppers[0].checkout_id]

    def assert_no_order(self, shopper, captured=0, refunded=0):
        """No order, and nothing is kept."""
        self.assertEqual(shopper.door.request("GET", f"/orders/{shopper.checkout_id}").status, 404)
        self.assert_books(shopper, captured, refunded)

    def assert_clean(self):
        assert_clean(self, stack())
