"""Paid by card on the provider's hosted page: what shoppers do there, and what the provider's webhooks do on their way.
Numbers are those of the acceptance scenarios; what the provider itself gets wrong is in test_card_trouble.py."""

import collections
import concurrent.futures
import json
import os
import threading
import time
import unittest

from card import CardShopper, CardTest, promise_event, send_webhook
from shop import CHALLENGED_CARD, DECLINED_CARD, GOOD_CARD, Refused, event_types, signature
from support import environment, eventually, rows

# Cards of the sandbox that say what happens to the webhooks of their payment.
LOST_CARD = "4000009990000203"
TWICE_CARD = "4000009990000302"
LATE_CARD = "4000009990000401"
FIRST_CARD = "4000009990000500"  # told before the page answers
SHUFFLED_CARD = "4000009990000609"

AT_ONCE = 12  # shoppers of whom everything comes at the same instant
RETURNS = int(os.environ.get("WAYBILL_TEST_RETURNS", "200"))  # that meet their webhook, so many at a time:
RETURNS_AT_ONCE = 20
SPREAD_SECONDS = 2  # of the returns of those, around their webhooks, which leave the provider within a second or so


def in_parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(function, items))


class PayingTest(CardTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Only the provider's list of events can tell of this one, and that is read twice a minute.
        sku = cls.erp.offer()
        cls.forgotten = CardShopper()
        cls.forgotten.pay_and_leave(cls.forgotten.to_page(sku), LOST_CARD)

    def test_a_good_card_pays_the_order_once(self):
        shopper, page = self.at_the_page(quantity=2)
        back = shopper.pay(page)
        self.assertIn(f"/return/{shopper.checkout_id}", back.url)
        self.assertIn("Thank you", back.text)
        order = self.assert_ordered_once(shopper)
        self.assertEqual(order["totals"]["total"], shopper.total)
        self.assertEqual(self.ledger_of(shopper), ["authorized", "placed", "captured"])
        self.assertEqual(event_types("payment", order["id"]),
                         ["payment.action_required", "payment.authorized", "payment.captured"])

        def covered():
            paid = shopper.order()["payments"]
            self.assertEqual([(each["method"], each["captured"]) for each in paid],
                             [("card", order["totals"]["total"])])
            return True
        eventually(covered)
        self.warehouse.covered(self.warehouse.shipments(order["id"])[0]["id"])
        self.assert_clean()

    def test_a_page_waits_for_the_payment_that_is_made_elsewhere(self):
        shopper, page = self.at_the_page()
        path = f"/checkouts/{shopper.checkout_id}/placement"

        def look(seen, wait=0):
            return shopper.door.request("GET", path, headers={"If-None-Match": seen, "Prefer": f"wait={wait}"})
        first = look(None)
        seen = first.headers["ETag"]
        self.assertEqual((first.status, first.body["state"]), (200, "action_required"))
        same = look(seen)
        self.assertEqual((same.status, same.headers["ETag"], same.content), (304, seen, b""))
        self.assertEqual(look('"0"', wait=20).body, first.body)

        with concurrent.futures.ThreadPoolExecutor() as pool:
            since = time.monotonic()
            waiting = pool.submit(look, seen, 20)
            self.assertEqual(look(seen, wait=1).status, 304)
            self.assertGreater(time.monotonic() - since, 0.9)
            shopper.pay_and_leave(page)
            news = waiting.result()
        self.assertEqual((news.status, news.body["state"]), (200, "placed"))
        self.assertLess(time.monotonic() - since, 15)

    def test_20_the_webhook_alone_completes_the_order(self):
        shopper, page = self.at_the_page()
        asked = shopper.pay_and_leave(page, CHALLENGED_CARD)
        self.assertTrue(asked.headers["Location"].endswith("/3ds"), asked)
        self.assertEqual(shopper.placement()["state"], "action_required")
        self.assertEqual(shopper.confirm_and_leave(page).status, 303)
        shopper.ordered(seconds=5)
        self.assert_ordered_once(shopper)
        self.assertIn(("authorized", "webhook"), self.facts(shopper))
        self.assertNotIn("return", [source for _, source in self.facts(shopper)])
        self.assert_clean()

    def test_20_return_and_webhook_at_the_same_instant(self):
        sku = self.erp.offer({"berlin": 2 * RETURNS})
        everybody = []
        while len(everybody) < RETURNS:
            group = [CardShopper() for _ in range(RETURNS_AT_ONCE)]
            pages = in_parallel(lambda shopper: shopper.to_page(sku), group)
            self.psp.webhooks("hold")
            in_parallel(lambda index: group[index].pay_and_leave(pages[index]), range(len(group)))
            together = threading.Barrier(len(group) + 1)

            def come_back(index):
                together.wait()
                time.sleep(SPREAD_SECONDS * index / len(group))  # from before the webhook to behind it
                return group[index].come_back().status

            with concurrent.futures.ThreadPoolExecutor(len(group)) as pool:
                answers = pool.map(come_back, range(len(group)))
                together.wait()
                self.psp.release()
                self.assertEqual(set(answers), {200})
            self.psp.webhooks("normal")
            everybody += group
        self.assert_ordered_once(*everybody)
        self.assertEqual(self.stock_left(sku), 2 * RETURNS - len(everybody))
        first = collections.Counter(sources[0] for sources in self.authorized_by(everybody).values())
        print(f"of {len(everybody)}, told first by: {dict(first)}")
        # Each of them was there in time, again and again; and the list of events is read now and then.
        self.assertLessEqual({"return", "webhook"}, set(first))
        self.assert_clean()

    def authorized_by(self, shoppers):
        """How we came to know that the provider holds the money of each, in the order in which we did."""
        sources = collections.defaultdict(list)
        ids = ", ".join(f"'{shopper.checkout_id}'" for shopper in shoppers)
        for row in rows("payment", f"""
                SELECT payment_id, source FROM psp_fact
                 WHERE kind = 'authorized' AND payment_id IN ({ids}) ORDER BY created_at, id"""):
            sources[row["payment_id"]].append(row["source"])
        return sources

    def test_a_declined_card_and_then_another_one_on_the_same_page(self):
        shopper, page = self.at_the_page()
        browser = shopper.pay(page, DECLINED_CARD)
        self.assertIn("declined", browser.text)
        self.assertEqual(shopper.placement()["state"], "action_required")
        self.assertEqual(shopper.pay_and_leave(page, CHALLENGED_CARD).status, 303)
        refused = shopper.confirm_and_leave(page, "refuse")
        self.assertIn("unable to authenticate", refused.content.decode())
        self.assertEqual(shopper.placement()["state"], "action_required")
        browser.pay(GOOD_CARD)
        self.assert_ordered_once(shopper)
        self.assertEqual([row["tries"] for row in self.psp.book(shopper.checkout_id)], [3])
        self.assertNotIn("payment.declined", event_types("payment", shopper.checkout_id))
        self.assert_clean()

    def test_12_nobody_is_blocked_by_their_own_hold_on_the_last_piece(self):
        sku = self.erp.offer({"berlin": 1})
        shopper, page = self.at_the_page(sku)
        other = CardShopper()
        other.add(sku)
        other.check_out(payment="card")

        # The page ends at the provider: declined for good, and paid on another one under the same claims.
        self.psp.expire_page(self.psp.book(shopper.checkout_id)[0]["session"])
        eventually(lambda: shopper.placement()["state"] == "declined")
        self.assertEqual(self.blocked(other), "out_of_stock")
        page = shopper.placed_to_page(shopper.pay_again("card"))
        self.assertEqual(shopper.placement()["placement"], 1)

        # Given up, and placed anew: a new placement, and nobody's claims are in the way.
        shopper.cancel_placement()
        shopper.failed()
        page = shopper.placed_to_page(shopper.place())
        self.assertEqual(shopper.placement()["placement"], 2)
        self.assertEqual(self.blocked(other), "out_of_stock")
        shopper.pay(page)
        self.assert_ordered_once(shopper, pages=3)
        self.assertEqual(self.stock_left(sku), 0)
        self.assert_no_money_asked(other)
        self.assert_clean()

    def blocked(self, shopper):
        """Why this shopper can't place."""
        with self.assertRaises(Refused) as caught:
            shopper.place()
        self.assertEqual(caught.exception.status, 409)
        return caught.exception.problem["reason"]

    def assert_no_money_asked(self, shopper):
        self.assertEqual(self.psp.book(shopper.checkout_id), [])

    # -- Giving up and switching --------------------------------------------------------------------------------------

    def test_a_page_cannot_be_paid_after_cancelling(self):
        sku = self.erp.offer({"berlin": 1})
        shopper, page = self.at_the_page(sku)
        shopper.cancel_placement()
        self.assertEqual(shopper.failed()["reason"], "cancelled")
        self.assertEqual(self.psp.book(shopper.checkout_id)[0]["session_status"], "expired")
        late = shopper.pay_and_leave(page)
        self.assertEqual(late.status, 410, late)
        eventually(lambda: self.stock_left(sku) == 1)
        self.assert_no_order(shopper)
        self.assert_clean()

    def test_paying_and_cancelling_at_the_same_instant(self):
        """Either there is an order, paid once, or there is neither an order nor money."""
        sku = self.erp.offer()
        before = self.stock_left(sku)
        group = [CardShopper() for _ in range(AT_ONCE)]
        pages = in_parallel(lambda shopper: shopper.to_page(sku), group)
        together = threading.Barrier(2 * AT_ONCE)

        def pay(index):
            together.wait()
            group[index].pay_and_leave(pages[index])

        def cancel(index):
            together.wait()
            group[index].door.request("POST", f"/checkouts/{group[index].checkout_id}/cancel", {})

        with concurrent.futures.ThreadPoolExecutor(2 * AT_ONCE) as pool:
            ends = [pool.submit(pay, index) for index in range(AT_ONCE)]
            ends += [pool.submit(cancel, index) for index in range(AT_ONCE)]
        for end in ends:
            end.result()

        for shopper in group:
            eventually(lambda: shopper.placement()["state"] in ("placed", "failed"), 30)
        placed = [shopper for shopper in group if shopper.placement()["state"] == "placed"]
        if placed:
            self.assert_ordered_once(*placed)
        for shopper in group:
            if shopper not in placed:
                self.assert_no_order(shopper)
        eventually(lambda: self.stock_left(sku) == before - len(placed))
        self.assert_clean()

    def test_another_method_closes_the_open_page_first(self):
        shopper, page = self.at_the_page()
        placement = shopper.pay_again("bank_transfer")
        self.assertEqual(placement["state"], "placed", placement)
        self.assertEqual(shopper.pay_and_leave(page).status, 410)
        self.assert_books(shopper, receivable=shopper.total["amount"])
        told = event_types("payment", shopper.checkout_id)
        self.assertEqual(told, ["payment.action_required", "payment.closed", "payment.due"])
        self.assertEqual([intent["status"] for intent in self.finance.payment(shopper.checkout_id)["intents"]],
                         ["closed", "due"])
        self.assert_clean()

    def test_a_card_that_crosses_with_another_method_is_let_go(self):
        shopper, page = self.at_the_page()
        self.psp.webhooks("hold")
        self.assertEqual(shopper.pay_and_leave(page).status, 303)  # the provider holds the money, and nobody knows
        placement = shopper.pay_again("bank_transfer")
        self.assertEqual(placement["state"], "placed", placement)
        self.assert_let_go(shopper)
        self.psp.release("reversed", times=2)  # and now it is told, late, twice and backwards
        eventually(lambda: {each["state"] for each in self.psp.deliveries(shopper.checkout_id)} == {"delivered"})
        self.assert_let_go(shopper)
        self.assertEqual(self.finance.payment(shopper.checkout_id)["intents"][1]["status"], "due")
        self.assertEqual(shopper.order()["payments"][-1]["method"], "bank_transfer")
        self.assert_clean()

    def assert_let_go(self, shopper):
        """The card's money was promised and given up, and both stand in the ledger."""
        def look():
            self.assertEqual([(row["authorized"] > 0, row["cancelled"], row["held"], row["captured"])
                              for row in self.psp.book(shopper.checkout_id)],
                             [(True, shopper.total["amount"], 0, 0)])
            self.assertEqual(self.finance.payment(shopper.checkout_id)["intents"][0]["status"], "voided")
            return True
        eventually(look)
        self.assertEqual([what for what in self.ledger_of(shopper) if what != "placed"], ["authorized", "voided"])

    def test_one_page_in_two_tabs_is_paid_once(self):
        shopper, page = self.at_the_page()
        answers = in_parallel(lambda number: shopper.pay_and_leave(page, number), [GOOD_CARD, "5555555555554444"])
        self.assertEqual([answer.status for answer in answers], [303, 303])
        self.assert_ordered_once(shopper)
        self.assertEqual([(row["tries"], row["authorized"]) for row in self.psp.book(shopper.checkout_id)],
                         [(1, shopper.total["amount"])])
        self.assert_clean()

    def test_a_cancelled_order_is_paid_back_once(self):
        shopper, page = self.at_the_page()
        shopper.pay(page)
        total = self.assert_ordered_once(shopper)["totals"]["total"]["amount"]
        answers = in_parallel(lambda _: shopper.door.request(
            "POST", f"/orders/{shopper.checkout_id}/cancel", {"reason": "Changed my mind"}).status, range(4))
        self.assertTrue(set(answers) <= {200, 202, 409}, answers)
        self.assert_books(shopper, captured=total, refunded=total)
        self.psp.repeat(self.psp.events(shopper.checkout_id, "refund.created")[0]["id"], times=5)
        eventually(lambda: {each["state"] for each in self.psp.deliveries(shopper.checkout_id)} == {"delivered"})
        self.assert_books(shopper, captured=total, refunded=total)
        self.assertEqual([row["refunds"] for row in self.psp.book(shopper.checkout_id)], [1])
        self.assertEqual(sorted(self.ledger_of(shopper)), ["authorized", "cancelled", "captured", "placed", "refunded"])
        eventually(lambda: event_types("payment", shopper.checkout_id).count("payment.refunded") == 1)
        eventually(lambda: shopper.order()["kernel"] == "cancelled")
        eventually(lambda: [mail.subject for mail in shopper.mails() if mail.subject.startswith("Cancelled")])
        self.assertEqual(len([mail for mail in shopper.mails() if mail.subject.startswith("Cancelled")]), 1)
        self.assert_clean()

    # -- Webhooks on their way ----------------------------------------------------------------------------------------

    def test_webhooks_twice_late_shuffled_and_before_the_page_answers(self):
        sku = self.erp.offer()
        numbers = [TWICE_CARD, LATE_CARD, FIRST_CARD, SHUFFLED_CARD]
        group = [CardShopper() for _ in numbers]
        pages = in_parallel(lambda shopper: shopper.to_page(sku), group)
        in_parallel(lambda index: group[index].pay_and_leave(pages[index], numbers[index]), range(len(numbers)))
        self.assert_ordered_once(*group)
        for shopper in group:
            events = [event["id"] for event in self.psp.events(shopper.checkout_id)
                      if event["type"] in ("payment_intent.amount_capturable_updated", "payment_intent.succeeded")]
            for event in events:
                self.psp.repeat(event, times=10)
        for shopper in group:
            eventually(lambda: {each["state"] for each in self.psp.deliveries(shopper.checkout_id)} == {"delivered"})
        self.assert_ordered_once(*group)
        self.assert_clean()

    def test_a_lost_webhook_is_made_up_for_by_the_shoppers_return(self):
        shopper, page = self.at_the_page()
        shopper.pay(page, LOST_CARD)
        self.assert_ordered_once(shopper)
        self.assertIn(("authorized", "return"), self.facts(shopper))
        self.assert_clean()

    def test_a_lost_webhook_and_a_lost_shopper_are_found_in_the_providers_list(self):
        self.assertTrue(self.forgotten.ordered(seconds=45))
        self.assert_ordered_once(self.forgotten)
        self.assertIn(("authorized", "poll"), self.facts(self.forgotten))
        self.assert_clean()

    def test_forged_webhooks_change_nothing(self):
        shopper, _ = self.at_the_page()
        event = promise_event(shopper.checkout_id, shopper.total["amount"])
        body = json.dumps(event).encode()
        now = int(event["created"])
        secrets = environment()["WAYBILL_PSP_WEBHOOK_SECRETS"]
        good = signature(secrets, body)
        forged = [signature("whsec_" + "0" * 64, body), signature(secrets, body + b" "),
                  signature(secrets, body, now - 301), signature(secrets, body, now + 330),
                  good.replace("v1=", "v0="), good.partition(",")[0], "t=now,v1=" + "0" * 64, "nonsense"]
        for header in forged:
            with self.subTest(header):
                self.assertEqual(send_webhook(body, header).status, 400)
        self.assertNotIn("authorized", [kind for kind, _ in self.facts(shopper)])
        self.assertEqual(shopper.placement()["state"], "action_required")

        # The same bytes with a right one are believed: with the old secret too, and as one of two signatures.
        old = signature(secrets.partition(",")[2], b"{}")
        self.assertEqual(send_webhook(b"{}", old).status, 400)  # well signed, and no event
        unrelated = promise_event(shopper.checkout_id, 5) | {"type": "charge.updated"}
        body = json.dumps(unrelated).encode()
        old = signature(secrets.partition(",")[2], body)
        self.assertEqual(send_webhook(body, old + ",v1=" + "0" * 64).status, 204)
        shopper.cancel_placement()
        shopper.failed()
        self.assert_no_order(shopper)
        self.assert_clean()

    def test_another_amount_than_was_asked_for_makes_a_work_item_and_no_order(self):
        for amount, currency in ((-1, "eur"), (0, "usd")):
            with self.subTest(currency):
                shopper, page = self.at_the_page()
                event = promise_event(shopper.checkout_id, shopper.total["amount"] + amount, currency)
                self.assertEqual(send_webhook(event).status, 204)
                eventually(lambda: self.work_items(shopper, "amount_differs"))
                self.assertEqual(self.finance.payment(shopper.checkout_id)["intents"][0]["status"], "unknown")
                eventually(lambda: shopper.placement()["state"] == "unknown")
                self.assertNotIn("authorized", self.ledger_of(shopper))
                shopper.cancel_placement()
                shopper.failed()
                self.assertEqual(shopper.pay_and_leave(page).status, 410)
                self.assert_no_order(shopper)
        self.assert_clean()

    def test_what_the_return_brings_along_proves_nothing(self):
        shopper, _ = self.at_the_page()
        for query in ("", "?status=paid", "?session=cs_nothing&payment_status=paid"):
            shopper.door.request("GET", f"/return/{shopper.checkout_id}{query}", headers={"Accept": "text/html"})
        eventually(lambda: [row for row in rows("payment", f"""
            SELECT 1 FROM task WHERE subject = '{shopper.checkout_id}' AND kind = 'psp.query' AND state = 'done'""")])
        self.assertEqual(shopper.placement()["state"], "action_required")
        shopper.cancel_placement()
        shopper.failed()
        self.assert_no_order(shopper)
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
