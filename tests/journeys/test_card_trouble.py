"""Paid by card when time runs out, and when the provider does not answer, answers too late or answers nonsense. Numbers
are those of the acceptance scenarios."""

import concurrent.futures
import datetime
import time
import unittest

from card import CardShopper, CardTest
from shop import event_types
from support import eventually, rows, stack

HANGS = 1000  # as often as anybody asks


def moment(text):
    """Seconds since 1970 of a time as the shop writes it."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class OutOfTimeTest(CardTest):
    """A placement waits for its shopper for a few seconds, and a few more for a provider that can't close its page."""

    DEADLINE_S = 5
    MAX_S = 12
    UNKNOWN_MAX_S = 4

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        settings = {"WAYBILL_PLACEMENT_DEADLINE_S": str(cls.DEADLINE_S), "WAYBILL_PLACEMENT_MAX_S": str(cls.MAX_S),
                    "WAYBILL_UNKNOWN_MAX_S": str(cls.UNKNOWN_MAX_S)}
        for process in stack().processes("checkout"):
            cls.addClassCleanup(stack().restart, process.name, {})
            stack().restart(process.name, settings)

    def state_of(self, shopper):
        return shopper.placement()["state"]

    def test_11_after_the_deadline_the_page_is_closed_and_the_stock_free(self):
        sku = self.erp.offer({"berlin": 1})
        shopper, page = self.at_the_page(sku)
        self.assertEqual(self.stock_left(sku), 0)
        eventually(lambda: self.psp.book(shopper.checkout_id)[0]["session_status"] == "expired", self.DEADLINE_S + 10)
        eventually(lambda: self.stock_left(sku) == 1, 5)
        self.assertEqual(shopper.failed()["reason"], "deadline")
        self.assertEqual(shopper.pay_and_leave(page).status, 410)
        self.assertEqual(event_types("payment", shopper.checkout_id), ["payment.action_required", "payment.closed"])
        self.assert_no_order(shopper)

        another, page = self.at_the_page(sku)
        another.pay(page)
        self.assert_ordered_once(another)
        self.assert_clean()

    def test_11_who_is_active_gets_the_full_time_again_up_to_the_maximum(self):
        sku = self.erp.offer({"berlin": 1})
        shopper, page = self.at_the_page(sku)
        deadlines = [moment(shopper.placement()["deadline"])]
        while time.time() < deadlines[0] + 1:  # a placement that nobody touches is over by then
            time.sleep(1.5)
            page = shopper.placed_to_page(shopper.pay_again("card"))
            deadlines.append(moment(shopper.placement()["deadline"]))
        self.assertEqual(self.stock_left(sku), 0)
        self.assertEqual(deadlines, sorted(deadlines))
        self.assertGreater(deadlines[1], deadlines[0] + 1)

        last = deadlines[0] - self.DEADLINE_S + self.MAX_S
        while time.time() < last - 4:
            time.sleep(1.5)
            shopper.placed_to_page(shopper.pay_again("card"))
        self.assertAlmostEqual(moment(shopper.placement()["deadline"]), last, delta=1)
        self.assertEqual(shopper.failed()["reason"], "deadline")
        eventually(lambda: self.stock_left(sku) == 1, 5)
        self.assertEqual(shopper.pay_and_leave(page).status, 410)
        self.assert_no_order(shopper)
        self.assert_clean()

    def test_11_money_that_arrives_after_the_deadline_goes_back(self):
        sku = self.erp.offer({"berlin": 1})
        shopper, page = self.at_the_page(sku)
        self.psp.fault("expire", "time_out_before_doing", HANGS, delay_ms=50)
        eventually(lambda: self.state_of(shopper) == "closing", self.DEADLINE_S + 10)
        self.assertEqual(self.stock_left(sku), 0)  # as long as money may come
        self.assertEqual(shopper.pay_and_leave(page).status, 303)
        self.assertEqual(shopper.failed()["reason"], "deadline")
        eventually(lambda: self.stock_left(sku) == 1, 5)
        self.assert_let_go(shopper)
        self.assertEqual(event_types("order", shopper.checkout_id), [])
        self.assert_clean()

    def test_11_money_that_arrives_after_the_claims_went_goes_back(self):
        """The provider can't be reached for so long that the stock is given free; and then it is paid after all."""
        sku = self.erp.offer({"berlin": 1})
        shopper, page = self.at_the_page(sku)
        self.psp.fault("expire", "time_out_before_doing", HANGS, delay_ms=50)
        shopper.cancel_placement()
        self.assertEqual(shopper.failed()["reason"], "payment_unknown")
        self.assertTrue(self.work_items(shopper, "payment_not_closed"))
        eventually(lambda: self.stock_left(sku) == 1, 5)
        self.assertEqual(shopper.pay_and_leave(page).status, 303)
        self.assert_let_go(shopper)
        eventually(lambda: not self.work_items(shopper, "payment_not_closed"))
        self.assert_clean()

    def test_two_pages_both_paid_leave_one_payment(self):
        sku = self.erp.offer({"berlin": 1})
        shopper, first = self.at_the_page(sku)
        self.psp.fault("expire", "time_out_before_doing", HANGS, delay_ms=50)
        shopper.cancel_placement()
        shopper.failed()  # the provider did not close the first page, and the shopper may try again
        second = shopper.placed_to_page(shopper.place())
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(shopper.pay_and_leave, (first, second)))
        self.assertEqual([answer.status for answer in answers], [303, 303])
        self.assert_ordered_once(shopper, pages=2)
        self.assertEqual([(intent["intent"], intent["status"])
                          for intent in self.finance.payment(shopper.checkout_id)["intents"]],
                         [(1, "voided"), (2, "captured")])
        self.assertEqual(sorted(self.ledger_of(shopper)), ["authorized", "authorized", "captured", "placed", "voided"])
        self.psp.reset()
        eventually(lambda: not self.work_items(shopper, "payment_not_closed"))
        self.assert_clean()

    def assert_let_go(self, shopper):
        """The money was promised, and given up by itself; both stand in the ledger."""
        def look():
            self.assertEqual([(row["authorized"], row["cancelled"], row["held"], row["captured"])
                              for row in self.psp.book(shopper.checkout_id)],
                             [(shopper.total["amount"], shopper.total["amount"], 0, 0)])
            self.assertEqual(self.ledger_of(shopper), ["authorized", "voided"])
            return True
        eventually(look, 30)
        self.assert_no_order(shopper)


class ProviderTest(CardTest):
    def through_everything(self, mode, operations=("create_session", "capture", "refund"), keys=1, **more):
        """A shopper for whom each kind of call goes wrong once: the page, taking the money, giving it back. No webhook
        helps out; `keys`: how many different ones each call is made with."""
        shopper = CardShopper()
        sku = self.erp.offer()
        self.psp.webhooks("lost")
        for operation in operations:
            self.psp.fault(operation, mode, **more)
        shopper.add(sku)
        shopper.check_out(payment="card")
        shopper.pay(shopper.placed_to_page(shopper.place(wait=30)))
        self.assert_ordered_once(shopper, capture_keys=keys)
        shopper.cancel_order()
        total = shopper.total["amount"]
        self.assert_books(shopper, captured=total, refunded=total, pages=1)
        self.assertEqual([(row["authorized"], row["tries"], row["refunds"])
                          for row in self.psp.book(shopper.checkout_id)], [(total, 1, 1)])
        for operation in operations:
            calls = self.psp.calls(shopper.checkout_id, operation)
            self.assertIn(mode, [call["fault"] for call in calls], operation)
            self.assertEqual(len({call["idempotency_key"] for call in calls}), keys, calls)
        self.psp.reset()
        return shopper

    def test_21_what_the_provider_does_without_answering_is_found_out(self):
        for mode in ("garbage_after", "error_500_after"):
            with self.subTest(mode):
                shopper = self.through_everything(mode)
                self.assertEqual(event_types("payment", shopper.checkout_id).count("payment.unknown"), 3)
        self.assert_clean()

    def test_21_an_error_that_its_key_repeats_is_never_taken_for_an_answer(self):
        shopper = self.through_everything("error_500_before", keys=2)  # a new one, once a query says so
        for operation in ("create_session", "capture", "refund"):
            calls = self.psp.calls(shopper.checkout_id, operation)
            self.assertTrue(any(call["replayed"] == "t" and call["status"] == "500" for call in calls), calls)
        self.assert_clean()

    def test_21_what_the_provider_does_not_do_is_done_later(self):
        with self.subTest("it was busy"):
            self.through_everything("too_many", operations=("capture",))
        with self.subTest("it was not listening"):
            self.through_everything("time_out_before_doing", delay_ms=100)
        self.assert_clean()

    def test_21_the_provider_hangs_until_we_give_up_waiting(self):
        """The real time-out, for every kind of call at the same time: each has happened, once. No webhook helps out."""
        returning, page = self.at_the_page()
        returning.pay(page)
        self.assert_ordered_once(returning)
        giving_up, late_page = self.at_the_page()
        paying, page = self.at_the_page()
        asking = CardShopper()
        asking.add(self.erp.offer())
        asking.check_out(payment="card")

        self.psp.webhooks("lost")
        self.postpone_poll(60)
        for operation in ("create_session", "capture", "refund", "cancel"):
            self.psp.fault(operation, "time_out_after_doing")
        self.psp.fault("expire", "time_out_before_doing", HANGS, delay_ms=50)
        began = asking.door.request("POST", f"/checkouts/{asking.checkout_id}/place", {"total": asking.total},
                                    {"Prefer": "wait=1"})
        self.assertEqual((began.status, began.body["state"]), (202, "paying"))
        returning.cancel_order()
        paying.pay(page)
        giving_up.cancel_placement()
        eventually(lambda: self.psp.calls(giving_up.checkout_id, "expire"))
        giving_up.pay_and_leave(late_page)

        unknown = (asking, returning, paying, giving_up)
        statuses = {}

        def seen_by_staff():
            for shopper in unknown:
                if self.finance.payment(shopper.checkout_id)["intents"][0]["status"] == "unknown":
                    statuses[shopper.checkout_id] = "unknown"
            self.assertEqual(len(statuses), len(unknown))
            return True
        eventually(seen_by_staff, 30)
        eventually(lambda: asking.placement()["state"] == "action_required", 30)
        asking.pay(asking.placement()["redirect_url"])
        self.assert_ordered_once(paying, asking)
        giving_up.failed(40)
        self.assert_no_order(giving_up)
        self.assert_books(returning, returning.total["amount"], returning.total["amount"], pages=1)
        self.assertEqual([row["refunds"] for row in self.psp.book(returning.checkout_id)], [1])
        for shopper in unknown:
            self.assertIn("payment.unknown", event_types("payment", shopper.checkout_id))
        self.assert_clean()

    def postpone_poll(self, seconds):
        """The list of events is not read for a while, so that nothing but calls and queries can tell."""
        when = "UPDATE psp_poll SET due_at = now() + interval '{} s' RETURNING psp"
        self.addCleanup(rows, "payment", when.format(0))
        self.assertTrue(rows("payment", when.format(seconds)))

    def test_an_answer_about_other_money_takes_nothing_and_the_truth_is_asked(self):
        shopper, page = self.at_the_page()
        self.psp.fault("capture", "wrong_amount")
        shopper.pay_and_leave(page)
        self.assert_ordered_once(shopper)
        self.assertTrue(self.work_items(shopper, "amount_differs"))
        self.assert_clean()

    def test_a_page_that_may_ask_for_other_money_is_not_shown_before_the_truth_is_known(self):
        shopper = CardShopper()
        shopper.add(self.erp.offer())
        shopper.check_out(payment="card")
        self.psp.fault("create_session", "wrong_amount")
        self.psp.fault("query", "wrong_amount")
        placement = shopper.place(wait=1)
        self.assertEqual(placement["state"], "unknown")
        self.assertNotIn("redirect_url", placement)
        self.assertTrue(self.work_items(shopper, "amount_differs"))
        eventually(lambda: shopper.placement()["state"] == "action_required", 30)
        shopper.pay(shopper.placement()["redirect_url"])
        self.assert_ordered_once(shopper)
        self.assert_clean()

    def test_a_card_that_is_accepted_and_cannot_be_charged_tells_somebody(self):
        shopper, page = self.at_the_page()
        shopper.pay_and_leave(page, "4000009990000807")
        shopper.ordered()
        eventually(lambda: self.work_items(shopper, "capture_failed"))
        eventually(lambda: "payment.capture_failed" in event_types("payment", shopper.checkout_id), every=0.5)
        self.assertFalse(self.warehouse.shipments(shopper.checkout_id)[0]["covered"])
        shopper.cancel_order()
        self.assert_books(shopper, captured=0)
        eventually(lambda: shopper.order()["kernel"] == "cancelled")
        self.assert_clean()

    def test_a_provider_that_is_away_delays_placements(self):
        sku = self.erp.offer()
        shopper = CardShopper()
        shopper.add(sku)
        shopper.check_out(payment="card")
        stack().stop("psp-sandbox")
        self.addCleanup(stack().start, "psp-sandbox")
        began = shopper.door.request("POST", f"/checkouts/{shopper.checkout_id}/place", {"total": shopper.total},
                                     {"Prefer": "wait=2"})
        self.assertEqual((began.status, began.body["state"]), (202, "paying"))
        self.assertIn(f"/checkouts/{shopper.checkout_id}/placement", began.headers["Location"])
        other = CardShopper()
        self.assertEqual(other.buy(sku, payment="bank_transfer")["kernel"], "placed")  # nobody else waits for it
        self.assertEqual(shopper.placement()["state"], "paying")

        stack().start("psp-sandbox")
        eventually(lambda: shopper.placement()["state"] == "action_required", 30)
        self.assertEqual(len(self.psp.calls(shopper.checkout_id, "create_session")), 1)
        shopper.pay(shopper.placement()["redirect_url"])
        self.assert_ordered_once(shopper)
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
