"""Everything that the judge looks at, read from outside when all is quiet: tables, topics, mails, logs."""

import collections
import dataclasses
import hashlib
import json
import re
import time

import settings
from support import ROOT, records, rows
from support.audit import audit
from support.logs import DEADLOCK, SANITIZER_REPORT, reports
from witness import MERCHANT

TOPICS = [topic["name"] for topic in json.loads((ROOT / "proto/topics.json").read_text())["topics"]
          if not topic.get("compacted")]
MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^>]+)>", re.MULTILINE | re.IGNORECASE)
LIVE_STATES = ("claiming", "paying", "action_required", "declined", "unknown", "switching", "closing")
SENT_STATES = ("shipped", "in_transit", "delivered")
LIVE = f"state IN {LIVE_STATES}"  # a placement that has not ended
POLL_S = 2


@dataclasses.dataclass
class Evidence:
    """Plain values, so that a test can doctor them. Amounts are minor units; ids are text."""

    purchases: list = dataclasses.field(default_factory=list)  # buyers.Purchase
    checkouts: dict = dataclasses.field(default_factory=dict)  # id: state
    orders: dict = dataclasses.field(default_factory=dict)     # id: {number, cancelled, total, currency}
    intents: list = dataclasses.field(default_factory=list)    # {id, intent, method, state, amount, captured, refunded}
    provider: list = dataclasses.field(default_factory=list)   # {id, intent, captured, refunded, held}
    records: dict = dataclasses.field(default_factory=dict)    # topic: what kcat read
    published: dict = dataclasses.field(default_factory=dict)  # topic: ids of the events that services count as out
    mails_sent: dict = dataclasses.field(default_factory=dict)  # Message-ID: {state, attempts}
    mails_came: dict = dataclasses.field(default_factory=dict)  # Message-ID: how often
    claims: list = dataclasses.field(default_factory=list)     # {claim, checkout}: locked carts and held stock
    stock: list = dataclasses.field(default_factory=list)      # {sku, on_hand, held, allocated}
    parcels: list = dataclasses.field(default_factory=list)    # desk.Parcel
    shipments: dict = dataclasses.field(default_factory=dict)  # id: state
    stocked: dict = dataclasses.field(default_factory=dict)    # SKU: pieces at the beginning
    sent: dict = dataclasses.field(default_factory=dict)       # SKU: pieces in parcels that were sent
    owed: dict = dataclasses.field(default_factory=dict)       # SKU: pieces in orders that are not cancelled
    aside: list = dataclasses.field(default_factory=list)      # {service, state, what, reason}
    work_items: list = dataclasses.field(default_factory=list)  # {service, kind, subject, cause}
    faults: set = dataclasses.field(default_factory=set)       # kinds that happened
    deserters: list = dataclasses.field(default_factory=list)  # processes that ended by themselves
    unready: list = dataclasses.field(default_factory=list)    # processes that are not ready again
    stubborn: list = dataclasses.field(default_factory=list)   # processes that did not end when asked to
    log_reports: list = dataclasses.field(default_factory=list)  # (process, text)
    unknown_max_s: int = 0  # how long claims wait for payment at least, if it does not confirm
    is_clean: bool = True
    audit_report: str = ""


def wait_for_ends(seconds):
    """Waits until no placement is under way. Whatever is then will not end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and rows("checkout", f"SELECT id FROM checkout WHERE {LIVE} LIMIT 1"):
        time.sleep(POLL_S)


def collect(stack, crowd, desk, audit_s):
    """Reads everything. What only shows when the processes have ended is added by look_back()."""
    is_clean, report = audit(stack, audit_s)
    crowd.ask_again()
    found = Evidence(purchases=crowd.book.purchases, parcels=desk.parcels, stocked=crowd.stocked, is_clean=is_clean,
                     audit_report=report)
    found.checkouts = {row["id"]: row["state"] for row in rows("checkout", "SELECT id, state FROM checkout")}
    _read_orders(found)
    _read_money(found)
    _read_topics(found)
    _read_mails(found, stack)
    _read_claims(found)
    _read_shipments(found)
    for service in settings.SERVICES:
        found.aside += [row | {"service": service} for row in rows(service, """
            SELECT state, topic || ' ' || key || ' ' || type AS what, reason FROM set_aside ORDER BY id""")]
        found.work_items += [row | {"service": service} for row in rows(service, """
            SELECT kind, subject, cause FROM work_item WHERE closed_at IS NULL ORDER BY kind, subject""")]
    return found


def look_back(found, stack, rig, stubborn):
    """What the faults and the logs say, after the end of all processes."""
    found.faults = {fault.kind for fault in rig.happened}
    found.deserters = rig.deserters
    found.unready = rig.unready
    found.stubborn = stubborn
    for pattern in (DEADLOCK, SANITIZER_REPORT):
        found.log_reports += reports(stack.state / "logs", pattern)


def _numbers(found, *names):
    return [row | {name: int(row[name]) for name in names} for row in found]


def _read_orders(found):
    found.orders = {row["id"]: row | {"cancelled": row["kernel"] == "cancelled"} for row in _numbers(rows("order", """
        SELECT id, number, kernel, total_minor AS total, currency FROM orders"""), "total")}
    found.owed = {row["sku"]: int(row["pieces"]) for row in rows("order", """
        SELECT line ->> 'sku' AS sku, sum((line ->> 'quantity')::bigint) AS pieces
          FROM orders, json_array_elements(lines) AS line
         WHERE kernel <> 'cancelled'
         GROUP BY line ->> 'sku'""")}


def _read_money(found):
    found.intents = _numbers(rows("payment", """
        SELECT payment_id AS id, intent, method, state, currency, amount_minor AS amount, captured_minor AS captured,
               refunded_minor AS refunded
          FROM intent
         ORDER BY payment_id, intent"""), "intent", "amount", "captured", "refunded")
    found.provider = _numbers(rows("psp-sandbox", """
        SELECT session.payment_id AS id, session.intent_metadata ->> 'intent' AS intent,
               upper(session.currency) AS currency, sum(intent.capturable) AS held,
               coalesce(sum(charge.captured), 0) AS captured, coalesce(sum(charge.refunded), 0) AS refunded
          FROM session
          JOIN intent ON intent.session_id = session.id
          LEFT JOIN charge ON charge.intent_id = intent.id
         GROUP BY session.payment_id, session.intent_metadata ->> 'intent', session.currency
         ORDER BY id, intent"""), "intent", "held", "captured", "refunded")


def _read_topics(found):
    for topic in TOPICS:
        found.records[topic] = records(topic)
        found.published[topic] = set()
    for service in settings.SERVICES:
        for row in rows(service, "SELECT topic, event_id FROM outbox_history WHERE topic NOT LIKE '%.snapshot'"):
            found.published[row["topic"]].add(row["event_id"])


def _read_mails(found, stack):
    found.mails_sent = {row["message_id"]: row for row in _numbers(rows("notification", """
        SELECT message_id, state, attempts FROM notification"""), "attempts")}
    came = (MESSAGE_ID.search(mail["content"]) for mail in stack.mail.messages())
    found.mails_came = collections.Counter(match[1].decode() if match else "none" for match in came)


def _read_claims(found):
    found.claims = [row | {"claim": "cart"} for row in rows("cart", """
        SELECT checkout_id AS checkout FROM cart WHERE state = 'locked'""")]
    found.claims += [row | {"claim": "stock"} for row in rows("fulfilment", """
        SELECT id AS checkout FROM hold WHERE state = 'held'""")]
    found.stock = _numbers(rows("fulfilment", """
        SELECT sku, sum(on_hand) AS on_hand, sum(held) AS held, sum(allocated) AS allocated,
               min(on_hand - held - allocated) AS least
          FROM stock
         GROUP BY sku"""), "on_hand", "held", "allocated", "least")


def _read_shipments(found):
    found.shipments = {row["id"]: row["state"] for row in rows("fulfilment", "SELECT id, state FROM shipment")}
    found.sent = {row["sku"]: int(row["pieces"]) for row in rows("fulfilment", f"""
        SELECT line ->> 'sku' AS sku, sum((line ->> 'quantity')::bigint) AS pieces
          FROM shipment, json_array_elements(lines) AS line
         WHERE state IN {SENT_STATES}
         GROUP BY line ->> 'sku'""")}


def mails_due(found):
    """{Message-ID: what it is}, from the events alone: each cause mails once, whatever notification's tables say."""
    emails, due = {}, {}
    for record in found.records.get("waybill.order", ()):
        value, event_id, key = record["value"], record["headers"]["ce_id"], record["key"]
        kind = record["headers"]["ce_type"]
        wanted = []
        if kind.startswith("waybill.order.placed."):
            emails[key] = value["personal"]["email"]
            wanted = [("order_confirmation", emails[key]), ("order_to_merchant", MERCHANT)]
        elif kind.startswith("waybill.order.status_changed.") and value.get("mail"):
            wanted = [(value["mail"], emails.get(key, ""))]
        for template, recipient in wanted:
            due[message_id(event_id, template, recipient)] = f"{template} of order {key}"
    return due


def message_id(event_id, template, recipient):
    """The Message-ID of a mail: a hash of its cause, template and recipient."""
    return hashlib.sha256(f"{event_id}\n{template}\n{recipient}".encode()).hexdigest() + "@waybill"
