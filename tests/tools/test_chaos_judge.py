#!/usr/bin/env python3
"""The judge of chaos runs: a sound book is let go, and each way to doctor it is named by the rules that it breaks, and
by no other."""

import copy
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / part) for part in ("tests/chaos", "tests/journeys", "tests", "deploy/local")]

from buyers import Purchase
from desk import Parcel
from evidence import Evidence, message_id
from judge import RULES, explained, judge
from witness import MERCHANT

PAID, OWED, REFUSED, LEFT, CANCELLED = "paid", "owed", "refused", "left", "cancelled"
ORDERS = (PAID, OWED, CANCELLED)
TOTAL = 1680
UNKNOWN_MAX_S = 30


def record(topic, key, sequence, value=None, kind="told", second=0):
    aggregate = topic.partition(".")[2]
    return {"partition": 0, "offset": sequence, "key": key, "value": value or {},
            "headers": {"ce_id": f"{aggregate} {key} {sequence}", "ce_sequence": str(sequence),
                        "ce_type": f"waybill.{aggregate}.{kind}.v1", "ce_time": f"2026-01-01T00:00:{second:02}.000Z"}}


def given_up(key, after):
    """What checkout tells of a placement whose money stayed unknown for so many seconds."""
    return [record("waybill.checkout", key, 1, {"placement": 1}, "payment_closing"),
            record("waybill.checkout", key, 2, {"placement": 1, "reason": "payment_unknown"}, "failed", after)]


def email(key):
    return f"{key}@example.org"


def mail_of(key, template, recipient):
    return message_id(f"order {key} 1", template, recipient)


def intent(key, method, state, captured=0, refunded=0):
    return {"id": key, "intent": 1, "method": method, "state": state, "currency": "EUR", "amount": TOTAL,
            "captured": captured, "refunded": refunded}


def provided(key, captured=0, refunded=0, held=0):
    return {"id": key, "intent": 1, "currency": "EUR", "captured": captured, "refunded": refunded, "held": held}


def _ids(records):
    return {each["headers"]["ce_id"] for each in records}


def sound():
    """Five shoppers: two with an order, one refused, one who left without knowing, one who cancelled."""
    def purchase(key, outcome, later, **more):
        number = f"WB-{key}" if outcome == "done" else None
        return Purchase("SKU", "card", outcome, email=email(key), checkout_id=key, number=number, total=TOTAL,
                        later=later, **more)

    orders = [record("waybill.order", key, 1, {"personal": {"email": email(key)}}, "placed") for key in ORDERS]
    orders += [record("waybill.order", key, 2) for key in ORDERS] + [record("waybill.order", PAID, 1)]
    left = given_up(LEFT, UNKNOWN_MAX_S)
    mails = [mail_of(key, *mail) for key in ORDERS
             for mail in (("order_confirmation", email(key)), ("order_to_merchant", MERCHANT))]
    return Evidence(
        purchases=[purchase(PAID, "done", "placed"), purchase(OWED, "done", "placed"),
                   purchase(REFUSED, "refused", "failed", why="out_of_stock"), purchase(LEFT, "unknown", "failed"),
                   purchase(CANCELLED, "done", "placed", cancelled="done")],
        checkouts=dict.fromkeys(ORDERS, "completed") | {REFUSED: "failed", LEFT: "failed"},
        orders={key: {"number": f"WB-{key}", "cancelled": key == CANCELLED, "total": TOTAL, "currency": "EUR"}
                for key in ORDERS},
        intents=[intent(PAID, "card", "captured", TOTAL), intent(OWED, "bank_transfer", "due"),
                 intent(CANCELLED, "card", "refunded", TOTAL, TOTAL), intent(LEFT, "card", "closed")],
        provider=[provided(PAID, TOTAL), provided(CANCELLED, TOTAL, TOTAL)],
        records={"waybill.order": orders, "waybill.checkout": left},
        published={"waybill.order": _ids(orders), "waybill.checkout": _ids(left)}, unknown_max_s=UNKNOWN_MAX_S,
        mails_sent={mail: {"state": "sent", "attempts": 2} for mail in mails},
        mails_came=dict.fromkeys(mails, 1) | {mails[0]: 2},
        claims=[],
        parcels=[Parcel(PAID, "parcel", "delivered"), Parcel(CANCELLED, "refused parcel", "refused")],
        shipments={"parcel": "delivered", "refused parcel": "stopped"},
        stock=[{"sku": "SKU", "on_hand": 9, "held": 1, "allocated": 1, "least": 7}],
        stocked={"SKU": 10}, owed={"SKU": 3}, sent={"SKU": 1})


CLEAN = "the audit is clean"
DONE = "who was told of an order has exactly that one"
REFUSAL = "who was refused has no order"
UNKNOWN = "what nobody knew became an order or none"
AGAIN = "everybody is told the same again"
ASKED = "every order was asked for, once"
ENDED = "every placement has ended"
MONEY = "money and orders agree"
BOOKS = "the provider's book is ours"
VERSIONS = "first occurrences are 1 to n in order"
PUBLISHED = "what was published is on the topics"
MAILS = "every mail that is due arrived"
REPEATS = "a mail repeats only after an unanswered attempt"
FIRST = "claims wait until no money can come"
CLAIMS = "no claim outlives its placement"
STOCK = "stock is conserved and never negative"
SENT = "a parcel that was sent stays sent"
ASIDE = "no message is set aside"
WORK = "open work items are explained"
PROCESSES = "processes are ready, and end only when asked to"
LOGS = "logs tell of no deadlock and no sanitizer"

CONFIRMATION = mail_of(PAID, "order_confirmation", email(PAID))


def purchase_of(evidence, key):
    return next(each for each in evidence.purchases if each.checkout_id == key)


def intent_of(evidence, key):
    return next(each for each in evidence.intents if each["id"] == key)


def lose_order(evidence):
    del evidence.orders[OWED]


def forget_order(evidence):
    evidence.orders[OWED]["number"] = "WB-other"


def raise_total(evidence):
    evidence.orders[OWED]["total"] += 1


def revive_order(evidence):
    evidence.orders[CANCELLED]["cancelled"] = False


def cancel_order(evidence):
    evidence.orders[OWED]["cancelled"] = True


def add_order(evidence, key):
    evidence.orders[key] = {"number": f"WB-{key}", "cancelled": False, "total": TOTAL, "currency": "EUR"}


def place_refused(evidence):
    add_order(evidence, REFUSED)


def place_left(evidence):
    add_order(evidence, LEFT)


def place_strange(evidence):
    add_order(evidence, "strange")
    evidence.intents.append(intent("strange", "bank_transfer", "due"))


def double_number(evidence):
    evidence.orders[OWED]["number"] = evidence.orders[PAID]["number"]
    purchase_of(evidence, OWED).number = evidence.orders[PAID]["number"]


def complete_left(evidence):
    evidence.checkouts[LEFT] = "completed"


def tell_otherwise(evidence):
    purchase_of(evidence, PAID).later = "failed"


def hang_placement(evidence):
    evidence.checkouts[REFUSED] = "paying"


def give_up_early(evidence):
    evidence.records["waybill.checkout"] = given_up(LEFT, UNKNOWN_MAX_S - 1)


def give_up_unasked(evidence):
    evidence.records["waybill.checkout"][0]["value"]["placement"] = 2


def lose_money(evidence):
    intent_of(evidence, PAID)["captured"] = 0
    evidence.provider[0]["captured"] = 0


def charge_twice(evidence):
    evidence.intents.append(intent(PAID, "card", "captured", TOTAL) | {"intent": 2})
    evidence.provider.append(provided(PAID, TOTAL) | {"intent": 2})


def charge_refused(evidence):
    evidence.intents.append(intent(REFUSED, "card", "captured", TOTAL))
    evidence.provider.append(provided(REFUSED, TOTAL))


def charge_behind_our_back(evidence):
    evidence.provider[0]["captured"] += 1


def pay_unknown_page(evidence):
    evidence.provider.append(provided(LEFT, TOTAL))


def hold_money(evidence):
    evidence.provider[0]["held"] = 1


def cut_hole(evidence):
    removed = record("waybill.order", OWED, 1)["headers"]["ce_id"]
    evidence.records["waybill.order"] = [each for each in evidence.records["waybill.order"]
                                         if each["headers"]["ce_id"] != removed]
    evidence.published["waybill.order"].discard(removed)
    for mail in (("order_confirmation", email(OWED)), ("order_to_merchant", MERCHANT)):
        del evidence.mails_came[mail_of(OWED, *mail)]


def swap_versions(evidence):
    evidence.records["waybill.order"].reverse()


def lose_record(evidence):
    evidence.records["waybill.order"] = [each for each in evidence.records["waybill.order"]
                                         if each["headers"]["ce_id"] != f"order {OWED} 2"]


def invent_record(evidence):
    evidence.records["waybill.order"].append(record("waybill.order", OWED, 3))


def lose_mail(evidence):
    del evidence.mails_came[CONFIRMATION]


def invent_mail(evidence):
    evidence.mails_came["planted@waybill"] = 1
    evidence.mails_sent["planted@waybill"] = {"state": "sent", "attempts": 1}


def repeat_mail(evidence):
    evidence.mails_came[CONFIRMATION] = 3


def strike_mail(evidence):
    del evidence.mails_sent[CONFIRMATION]


def keep_cart(evidence):
    evidence.claims.append({"claim": "cart", "checkout": REFUSED})


def keep_stock(evidence):
    evidence.claims.append({"claim": "stock", "checkout": "strange"})


def oversell(evidence):
    evidence.stock[0].update(allocated=10, least=-1)
    evidence.owed["SKU"] = 11


def lose_piece(evidence):
    evidence.stock[0]["on_hand"] = 8


def leak_hold(evidence):
    evidence.stock[0]["held"] = 2


def unpack(evidence):
    evidence.shipments["parcel"] = "stopped"


def lose_parcel(evidence):
    evidence.shipments["parcel"] = "in_transit"


def send_cancelled(evidence):
    evidence.shipments["refused parcel"] = "shipped"


def park(evidence):
    evidence.aside.append({"service": "order", "state": "parked", "what": "waybill.payment paid", "reason": "planted"})


def ask_person(evidence):
    evidence.work_items.append({"service": "payment", "kind": "late_money", "subject": PAID, "cause": "planted"})


def desert(evidence):
    evidence.deserters.append("order-1")


def stay_unready(evidence):
    evidence.unready.append("order-1")


def linger(evidence):
    evidence.stubborn.append("order-1")


def deadlock(evidence):
    evidence.log_reports.append(("postgres", "deadlock detected"))


def fail_audit(evidence):
    evidence.is_clean = False


DOCTORED = (
    (lose_order, {DONE, MONEY}),
    (forget_order, {DONE}),
    (raise_total, {DONE, MONEY}),
    (revive_order, {DONE, MONEY}),
    (cancel_order, {DONE, MONEY}),
    (place_refused, {REFUSAL, MONEY}),
    (place_left, {UNKNOWN, AGAIN, MONEY}),
    (place_strange, {ASKED}),
    (double_number, {ASKED}),
    (complete_left, {UNKNOWN}),
    (tell_otherwise, {AGAIN}),
    (hang_placement, {ENDED}),
    (give_up_early, {FIRST}),
    (give_up_unasked, {FIRST}),
    (lose_money, {MONEY}),
    (charge_twice, {MONEY}),
    (charge_refused, {MONEY}),
    (charge_behind_our_back, {BOOKS}),
    (pay_unknown_page, {BOOKS}),
    (hold_money, {BOOKS}),
    (cut_hole, {VERSIONS}),
    (swap_versions, {VERSIONS}),
    (lose_record, {PUBLISHED}),
    (invent_record, {PUBLISHED}),
    (lose_mail, {MAILS}),
    (invent_mail, {MAILS}),
    (repeat_mail, {REPEATS}),
    (strike_mail, {REPEATS}),
    (keep_cart, {CLAIMS}),
    (keep_stock, {CLAIMS}),
    (oversell, {STOCK}),
    (lose_piece, {STOCK}),
    (leak_hold, {STOCK}),
    (unpack, {SENT}),
    (lose_parcel, {SENT}),
    (send_cancelled, {SENT}),
    (park, {ASIDE}),
    (ask_person, {WORK}),
    (desert, {PROCESSES}),
    (stay_unready, {PROCESSES}),
    (linger, {PROCESSES}),
    (deadlock, {LOGS}),
    (fail_audit, {CLEAN}),
)


class JudgeTest(unittest.TestCase):
    def test_a_sound_book_is_let_go(self):
        self.assertEqual(judge(sound()), [])

    def test_each_doctored_book_is_named_by_its_rules(self):
        for doctor, rules in DOCTORED:
            with self.subTest(doctor.__name__):
                evidence = copy.deepcopy(sound())
                doctor(evidence)
                self.assertEqual({finding.rule for finding in judge(evidence)}, rules)

    def test_every_rule_can_find_something(self):
        self.assertEqual(set().union(*(rules for _, rules in DOCTORED)), set(RULES))

    def test_a_work_item_is_explained_only_by_a_fault_that_happened(self):
        evidence = sound()
        ask_person(evidence)
        self.assertEqual(explained(evidence), [])
        evidence.faults = {"psp_webhooks"}
        self.assertEqual(explained(evidence), evidence.work_items)
        self.assertEqual(judge(evidence), [])
        evidence.work_items[0]["kind"] = "payment_contradiction"
        self.assertEqual({finding.rule for finding in judge(evidence)}, {WORK})


if __name__ == "__main__":
    unittest.main()
