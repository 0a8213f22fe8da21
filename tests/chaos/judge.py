"""What must be true of a shop after the faults, when all is quiet. Each rule reads the evidence and names offenders; it
knows nothing of faults, but that some of them explain why a person is asked to look."""

import collections
import dataclasses
import datetime

from evidence import LIVE_STATES, SENT_STATES, mails_due
from support.versions import by_key, first_occurrences, is_in_order, sequence

# Work items that a fault explains: the kind, and the faults of which one must have happened. No other may be open.
EXPLAINED = {
    "late_money": {"psp_silent", "psp_slow", "psp_webhooks", "kill", "pause", "database_crash", "database_cut", "roll",
                   "broker_kill", "broker_pause"},
    "call_failed": {"psp_silent"},
}


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is not true: the rule, of whom, and how it is instead."""

    rule: str
    subject: str
    detail: str

    def __str__(self):
        return f"{self.subject}: {self.detail}"


def judge(evidence):
    """All findings, rule by rule; none: the shop is innocent."""
    return [Finding(name, subject, detail) for name, rule in RULES.items() for subject, detail in rule(evidence)]


def explained(evidence):
    """The open work items that the faults explain."""
    return [item for item in evidence.work_items if EXPLAINED.get(item["kind"], set()) & evidence.faults]


# -- What shoppers were told -------------------------------------------------------------------------------------------


def done_is_one_order(evidence):
    for purchase in evidence.purchases:
        if purchase.outcome != "done":
            continue
        order = evidence.orders.get(purchase.checkout_id)
        if order is None:
            yield purchase.checkout_id, f"was told of order {purchase.number}, and there is none"
        elif order["number"] != purchase.number:
            yield purchase.checkout_id, f"was told of order {purchase.number}, and it is {order['number']}"
        elif order["total"] != purchase.total:
            yield purchase.checkout_id, f"agreed to {purchase.total}, and the order says {order['total']}"
        elif purchase.cancelled == "done" and not order["cancelled"]:
            yield purchase.checkout_id, f"cancelled order {purchase.number}, and it lives on"
        elif order["cancelled"] and not purchase.cancelled:
            yield purchase.checkout_id, f"order {purchase.number} is cancelled, and nobody asked for it"


def refused_is_no_order(evidence):
    for purchase in evidence.purchases:
        if purchase.outcome in ("refused", "unserved") and purchase.checkout_id in evidence.orders:
            yield purchase.checkout_id, f"was told {purchase.why!r}, and there is an order"


def unknown_is_resolved(evidence):
    for purchase in evidence.purchases:
        state = evidence.checkouts.get(purchase.checkout_id)
        if purchase.outcome == "unknown" and (state == "completed") != (purchase.checkout_id in evidence.orders):
            yield purchase.checkout_id, f"is {state}, which is neither an order nor none"


def told_again_alike(evidence):
    """What everybody is told in the end is what the books say, and what they were told before."""
    for purchase in evidence.purchases:
        if not purchase.checkout_id:
            continue
        is_order = purchase.checkout_id in evidence.orders
        expected = {"done": {"placed"}, "refused": {"failed"}}.get(purchase.outcome)
        if expected is None:
            expected = {"placed"} if is_order else {"failed", "status 404"}
        if purchase.later not in expected:
            yield purchase.checkout_id, (f"was told {purchase.outcome} ({purchase.why}), has "
                                         f"{'an' if is_order else 'no'} order, and is told {purchase.later!r} now")


def orders_are_asked_for(evidence):
    known = {purchase.checkout_id for purchase in evidence.purchases if purchase.checkout_id}
    for order in evidence.orders.keys() - known:
        yield order, "is an order that nobody placed"
    numbers = collections.Counter(order["number"] for order in evidence.orders.values())
    for number, count in numbers.items():
        if count > 1:
            yield number, f"is the number of {count} orders"


def money_comes_first(evidence):
    """Claims go only when payment has confirmed that no money can come, or has not done so for long enough."""
    told = evidence.records.get("waybill.checkout", ())
    for failed in told:
        if failed["value"].get("reason") != "payment_unknown":
            continue
        asked = [_time_of(each) for each in told if each["key"] == failed["key"] and _is_closing(each)
                 and each["value"]["placement"] == failed["value"]["placement"] and _time_of(each) <= _time_of(failed)]
        waited = (_time_of(failed) - max(asked)).total_seconds() if asked else 0
        if waited < evidence.unknown_max_s:
            yield failed["key"], f"let its claims go after payment was asked for {waited:.1f} s whether money can come"


def _is_closing(record):
    return record["headers"]["ce_type"].startswith("waybill.checkout.payment_closing.")


def _time_of(record):
    return datetime.datetime.fromisoformat(record["headers"]["ce_time"])


def placements_have_ended(evidence):
    for checkout, state in evidence.checkouts.items():
        if state in LIVE_STATES:
            yield checkout, f"is {state} still"


# -- Money -------------------------------------------------------------------------------------------------------------


def money_and_orders_agree(evidence):
    """An order has its money, or a promise that its method allows, once; whoever has no order has no money with us."""
    intents = collections.defaultdict(list)
    for intent in evidence.intents:
        intents[intent["id"]].append(intent)
    for key in evidence.orders.keys() | intents.keys():
        order = evidence.orders.get(key)
        wanted = order["total"] if order and not order["cancelled"] else 0
        kept = sum(intent["captured"] - intent["refunded"] for intent in intents[key])
        due = sum(intent["amount"] for intent in intents[key] if intent["state"] in ("due", "authorized"))
        if kept + due != wanted:
            what = "order" if wanted else "cancelled order" if order else "no order"
            yield key, f"{what} of {wanted}, but {kept} is kept and {due} is due"


def books_agree(evidence):
    """The provider's book equals ours to the minor unit, and it holds nothing more."""
    ours = {(each["id"], each["intent"], each["currency"]): (each["captured"], each["refunded"])
            for each in evidence.intents if each["method"] == "card"}
    theirs = {(each["id"], each["intent"], each["currency"]): (each["captured"], each["refunded"])
              for each in evidence.provider}
    for key in ours.keys() | theirs.keys():
        if ours.get(key, (0, 0)) != theirs.get(key, (0, 0)):
            yield " ".join(map(str, key)), ("(captured, refunded) is "
                                            f"{ours.get(key)} with us and {theirs.get(key)} at the provider")
    for each in evidence.provider:
        if each["held"]:
            yield f"{each['id']} {each['intent']}", f"the provider still holds {each['held']}"


# -- Events and mails --------------------------------------------------------------------------------------------------


def versions_are_in_order(evidence):
    for topic, records in evidence.records.items():
        for key, found in by_key(records).items():
            if not is_in_order(found):
                yield f"{topic} {key}", f"first occurrences are {[sequence(each) for each in first_occurrences(found)]}"


def published_is_on_topics(evidence):
    for topic, published in evidence.published.items():
        read = {record["headers"]["ce_id"] for record in evidence.records.get(topic, ())}
        for event in published - read:
            yield f"{topic} {event}", "counts as published, and is not on the topic"
        for event in read - published:
            yield f"{topic} {event}", "is on the topic, and no service has published it"


def mails_arrived(evidence):
    due = mails_due(evidence)
    for message, what in due.items():
        if message not in evidence.mails_came:
            yield message, f"{what} never arrived"
    for message in evidence.mails_came.keys() - due.keys():
        yield message, "arrived, and no event is its cause"


def mails_repeat_for_a_reason(evidence):
    """A mail comes again only if an attempt before stayed unanswered, and each attempt stands on record beforehand."""
    for message, count in evidence.mails_came.items():
        sent = evidence.mails_sent.get(message)
        if sent is None:
            yield message, "arrived, and is not on record"
        elif sent["state"] != "sent" or count > sent["attempts"]:
            yield message, f"arrived {count} times in {sent['attempts']} attempts, on record as {sent['state']}"


# -- Claims and stock --------------------------------------------------------------------------------------------------


def claims_ended(evidence):
    for each in evidence.claims:
        state = evidence.checkouts.get(each["checkout"], "unknown to checkout")
        if state not in LIVE_STATES:
            yield each["checkout"], f"its {each['claim']} is still claimed, though it is {state}"


def stock_is_conserved(evidence):
    for row in evidence.stock:
        if min(row["on_hand"], row["held"], row["allocated"], row["least"]) < 0:
            yield row["sku"], f"is negative: {row}"
        if row["sku"] not in evidence.stocked:
            continue
        came, sent = evidence.stocked[row["sku"]], evidence.sent.get(row["sku"], 0)
        if row["on_hand"] != came - sent:
            yield row["sku"], f"{row['on_hand']} on hand, though {came} came and {sent} were sent"
        owed = evidence.owed.get(row["sku"], 0) - sent
        if row["held"] + row["allocated"] != owed:
            yield row["sku"], f"{row['held']} held and {row['allocated']} allocated for orders of {owed}"


def sent_stays_sent(evidence):
    """What the warehouse was told of a parcel is so, and nobody has cancelled its order."""
    cancelled = {key for key, order in evidence.orders.items() if order["cancelled"]}
    for parcel in evidence.parcels:
        state = evidence.shipments.get(parcel.shipment)
        if parcel.told in ("shipped", "delivered") and state not in SENT_STATES:
            yield parcel.shipment, f"was told {parcel.told}, and is {state}"
        elif parcel.told == "delivered" and state != "delivered":
            yield parcel.shipment, f"was delivered, and is {state}"
        elif state in SENT_STATES and parcel.order in cancelled:
            yield parcel.shipment, f"is {state}, and its order is cancelled"


# -- What is left over -------------------------------------------------------------------------------------------------


def nothing_is_aside(evidence):
    for each in evidence.aside:
        yield f"{each['service']} {each['what']}", f"{each['state']}: {each['reason']}"


def work_items_are_explained(evidence):
    fine = explained(evidence)
    for item in evidence.work_items:
        if item not in fine:
            yield f"{item['service']} {item['kind']} {item['subject']}", item["cause"]


def processes_live_and_end(evidence):
    for name in evidence.deserters:
        yield name, "ended by itself"
    for name in evidence.unready:
        yield name, "is not ready, though everything is healed"
    for name in evidence.stubborn:
        yield name, "did not end when asked to"


def logs_are_clean(evidence):
    for name, text in evidence.log_reports:
        yield name, text


def audit_is_clean(evidence):
    if not evidence.is_clean:
        yield "waybill-audit", evidence.audit_report.strip()


RULES = {
    "the audit is clean": audit_is_clean,
    "who was told of an order has exactly that one": done_is_one_order,
    "who was refused has no order": refused_is_no_order,
    "what nobody knew became an order or none": unknown_is_resolved,
    "everybody is told the same again": told_again_alike,
    "every order was asked for, once": orders_are_asked_for,
    "every placement has ended": placements_have_ended,
    "claims wait until no money can come": money_comes_first,
    "money and orders agree": money_and_orders_agree,
    "the provider's book is ours": books_agree,
    "first occurrences are 1 to n in order": versions_are_in_order,
    "what was published is on the topics": published_is_on_topics,
    "every mail that is due arrived": mails_arrived,
    "a mail repeats only after an unanswered attempt": mails_repeat_for_a_reason,
    "no claim outlives its placement": claims_ended,
    "stock is conserved and never negative": stock_is_conserved,
    "a parcel that was sent stays sent": sent_stays_sent,
    "no message is set aside": nothing_is_aside,
    "open work items are explained": work_items_are_explained,
    "processes are ready, and end only when asked to": processes_live_and_end,
    "logs tell of no deadlock and no sanitizer": logs_are_clean,
}
