#!/usr/bin/env python3
"""waybill-audit finds what is broken on purpose: one wrong row for each of its claims, in a copy of the books, and each
must be reported by its own claim and by no other (scenarios 15, 52)."""

import re
import unittest
from string import Template

from card import CardShopper
from shop import Clerk, Erp, Shopper
from support import eventually, stack
from support.audit import CopiedBooks, assert_clean, audit

SERVICES = ("cart", "checkout", "order", "fulfilment", "notification", "catalog", "payment")

# What every service may get wrong: the claim, and the statement that breaks it. Each gives the subject of the report.
EVERYWHERE = [
    ("every event is published", """
        INSERT INTO outbox (event_id, topic, key, sequence, type, correlation_id, body)
        SELECT gen_random_uuid(), topic, key, sequence, type, correlation_id, body
          FROM outbox_history
         ORDER BY sequence DESC, event_id
         LIMIT 1
        RETURNING topic || ' ' || key"""),
    ("no message is set aside", """
        INSERT INTO set_aside (state, topic, partition, "offset", key, sequence, event_id, type, correlation_id,
                               causation_id, traceparent, occurred_at, body, reason)
        VALUES ('parked', 'waybill.planted', 0, 0, 'key', 1, 'event', 'type', '', '', '', now(), '{}', 'planted')
        RETURNING topic || ' ' || key"""),
    ("no call to the outside is overdue", """
        INSERT INTO task (id, kind, subject, key, body, due_at)
        VALUES (gen_random_uuid(), 'planted', 'call', 'planted', '{}', now() - interval '1 hour')
        RETURNING kind || ' ' || subject"""),
    ("versions have no holes", """
        DELETE FROM outbox_history
         WHERE sequence = 1
           AND (topic, key) = (SELECT topic, key
                                 FROM outbox_history
                                WHERE topic NOT LIKE '%.snapshot'
                                GROUP BY topic, key
                               HAVING max(sequence) > 1
                                LIMIT 1)
        RETURNING topic || ' ' || key"""),
]

# A mail is told of once, so that there is no second version before which the first one could be missing.
SINGLE_VERSIONS = {("versions have no holes", "notification"): """
        UPDATE outbox_history
           SET sequence = 2
         WHERE event_id = (SELECT max(event_id::text)::uuid FROM outbox_history)
        RETURNING topic || ' ' || key"""}

# Who listens to whom, where; each loses the last version that it handled.
LISTENINGS = [
    ("cart", "checkout", "checkout"), ("cart", "catalog", "product"), ("checkout", "cart", "cart"),
    ("checkout", "fulfilment", "hold"), ("checkout", "order", "order"), ("checkout", "payment", "payment"),
    ("payment", "checkout", "checkout"), ("payment", "order", "order"), ("payment", "fulfilment", "shipment"),
    ("order", "payment", "payment"), ("fulfilment", "payment", "payment"), ("order", "checkout", "checkout"),
    ("order", "fulfilment", "shipment"), ("fulfilment", "checkout", "checkout"), ("fulfilment", "order", "order"),
    ("notification", "order", "order"),
]
UNHANDLED = """
    UPDATE handled
       SET sequence = sequence - 1
     WHERE aggregate = (SELECT min(aggregate) FROM handled WHERE aggregate LIKE 'waybill.{}/%')
    RETURNING replace(aggregate, '/', ' ')"""

# The rest: the claim, where the report says that it is untrue, whose row is wrong, and the statement that makes it so.
# $owed and $paid are orders, by transfer and by card; $stopped is a cancelled one. $given_up failed at the hosted page,
# and $waiting is still there.
OTHERS = [
    ("the ledger adds up to zero", "payment", "payment", """
        ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_balanced;
        UPDATE ledger_entry SET amounts[2] = amounts[2] + 1
         WHERE payment_id = '$owed' AND accounts[2] = 'deferred_revenue'
        RETURNING currency"""),
    ("kept balances are what their postings add up to", "payment", "payment", """
        UPDATE payment SET receivable_minor = receivable_minor + 1 WHERE id = '$owed'
        RETURNING 'receivable ' || id"""),
    ("no payment is left half-way", "payment", "payment", """
        UPDATE intent SET state = 'unknown' WHERE payment_id = '$given_up' AND intent = 1
        RETURNING payment_id || ' 1'"""),
    ("no money without an order or a way back", "payment", "payment", """
        UPDATE intent SET state = 'authorized' WHERE payment_id = '$given_up' AND intent = 2
        RETURNING payment_id || ' 2'"""),
    ("no order without money or an allowed promise", "payment", "payment", """
        UPDATE intent SET state = 'closed' WHERE payment_id = '$owed'
        RETURNING payment_id || ' ' || intent"""),
    ("a cart has one line a SKU, each within limits", "cart", "cart", """
        UPDATE cart SET lines = jsonb_set(lines::jsonb, '{0,quantity}', '0') WHERE checkout_id = '$owed'
        RETURNING id"""),
    ("no placement is past its deadline", "checkout", "checkout", """
        UPDATE checkout SET deadline = now() - interval '1 hour' WHERE id = '$waiting'
        RETURNING id"""),
    ("lines, delivery and tax add up to the total", "order", "order", """
        UPDATE orders SET totals = jsonb_set(totals::jsonb, '{delivery,amount}', '1') WHERE id = '$owed'
        RETURNING id"""),
    ("what happened once stands on the timeline once", "order", "order", """
        DELETE FROM timeline WHERE order_id = '$owed' AND what = 'placed'
        RETURNING order_id"""),
    ("on hand is what the moves add up to", "fulfilment", "fulfilment", """
        UPDATE stock SET on_hand = on_hand + 1 WHERE sku = '$sku'
        RETURNING sku || '@' || warehouse"""),
    ("held and allocated are what holds and shipments add up to", "fulfilment", "fulfilment", """
        UPDATE stock SET held = held + 1 WHERE sku = '$other'
        RETURNING sku || '@' || warehouse"""),
    ("each completed checkout is one order, each order one", "checkout and order", "checkout", """
        UPDATE checkout SET number = number || 'X' WHERE id = '$owed'
        RETURNING id"""),
    ("a cart is ordered exactly when its checkout completed", "cart and checkout", "cart", """
        UPDATE cart SET state = 'open' WHERE checkout_id = '$owed'
        RETURNING id"""),
    ("a cart is locked exactly for a live placement", "cart and checkout", "cart", """
        UPDATE cart SET state = 'open' WHERE checkout_id = '$waiting'
        RETURNING id"""),
    ("stock is held exactly for live placements", "fulfilment and checkout", "checkout", """
        ALTER TABLE checkout DROP CONSTRAINT IF EXISTS checkout_claims_before_money;
        UPDATE checkout SET stock_held = false WHERE id = '$waiting'
        RETURNING id"""),
    ("allocated stock is what open orders are owed", "fulfilment and order", "order", """
        UPDATE orders SET lines = jsonb_set(lines::jsonb, '{0,quantity}', '9') WHERE id = '$owed'
        RETURNING lines -> 0 ->> 'sku'"""),
    ("order knows each shipment as it is", "fulfilment and order", "order", """
        UPDATE order_shipment SET state = 'packed' WHERE order_id = '$owed'
        RETURNING id"""),
    ("an order is cancelled exactly when its shipments are stopped", "order and fulfilment", "order", """
        UPDATE fulfilment.shipment SET state = 'delivered' WHERE order_id = '$stopped';
        UPDATE order_shipment SET state = 'delivered' WHERE order_id = '$stopped'
        RETURNING order_id"""),
    ("payment and order have the same orders, cancelled alike", "payment and order", "payment", """
        UPDATE payment SET order_number = order_number || 'X' WHERE id = '$owed'
        RETURNING id"""),
    ("payment and order agree on what was taken and given back", "payment and order", "order", """
        UPDATE orders SET payments = jsonb_set(payments::jsonb, '{0,captured,amount}', '1') WHERE id = '$paid'
        RETURNING id || ' 1'"""),
    ("a hosted page is open exactly for placements that wait for it", "payment and checkout", "checkout", """
        UPDATE checkout SET state = 'paying', redirect_url = NULL WHERE id = '$waiting'
        RETURNING id"""),
    ("the provider took and gave back what our books say", "payment and psp_sandbox", "psp-sandbox", """
        UPDATE charge SET captured = captured - 1 FROM intent
         WHERE intent.charge_id = charge.id AND intent.payment_id = '$paid'
        RETURNING intent.payment_id || ' 1'"""),
    ("the provider holds money exactly for orders that wait to take it", "payment and psp_sandbox", "psp-sandbox", """
        UPDATE intent SET received = received - 1, capturable = 1 WHERE payment_id = '$paid'
        RETURNING payment_id || ' 1'"""),
    ("a hosted page can be paid exactly while we wait for it", "payment and psp_sandbox", "psp-sandbox", """
        UPDATE session SET status = 'open' WHERE payment_id = '$paid'
        RETURNING payment_id"""),
    ("customer and merchant were told of each order, once", "order and notification", "notification", """
        UPDATE notification SET state = 'unknown' WHERE subject_id = '$owed' AND template = 'order_confirmation'
        RETURNING subject_id || ' ' || template"""),
]

PLANTS = [
    *((claim, service, service, statement) for claim, statement in EVERYWHERE for service in SERVICES
      if (claim, service) not in SINGLE_VERSIONS),
    *((claim, service, service, statement) for (claim, service), statement in SINGLE_VERSIONS.items()),
    *(("what was told has been handled", f"{teller} to {listener}", listener, UNHANDLED.format(topic))
      for listener, teller, topic in LISTENINGS),
    *OTHERS,
]


def found(report):
    """(claim, where, subject) of each offender in a report."""
    offenders, claim, where = set(), None, None
    for line in report.splitlines():
        heading = re.fullmatch(r"NOT TRUE: (.*) \((.*)\)", line)
        if heading:
            claim, where = heading.groups()
        elif line.startswith("  "):
            offenders.add((claim, where, line.strip().partition(": ")[0]))
    return offenders


class AuditTest(unittest.TestCase):
    def shopping(self):
        """Something of every kind that the books can hold; gives the names for the statements."""
        sku, other = Erp().offer(stock={"berlin": 100}), Erp().offer(stock={"berlin": 100})
        Erp().offer(sku=other, price=1300)
        stopped = Shopper()
        stopped.buy(sku)
        stopped.cancel_order()
        eventually(lambda: Clerk().order(stopped.checkout_id)["kernel"] == "cancelled")
        given_up = CardShopper()
        given_up.to_page(sku)
        given_up.cancel_placement()
        given_up.failed()
        given_up.placed_to_page(given_up.place())
        given_up.cancel_placement()
        given_up.failed()
        paid = CardShopper()
        paid.pay(paid.to_page(sku))
        paid.ordered()
        waiting = CardShopper()
        waiting.to_page(sku)
        self.addCleanup(waiting.cancel_placement)
        return {"sku": sku, "other": other, "owed": Shopper().buy(sku)["id"], "stopped": stopped.checkout_id,
                "given_up": given_up.checkout_id, "paid": paid.checkout_id, "waiting": waiting.checkout_id}

    def test_each_claim_is_found_untrue_when_it_is(self):
        names = self.shopping()
        assert_clean(self, stack())
        books = CopiedBooks(stack())
        self.addCleanup(books.drop)
        clean, report = audit(stack(), 0, books)
        self.assertTrue(clean, report)
        self.assertEqual(re.findall(r"clean: (\d+) checks", report), [str(len(PLANTS))], "a check without a plant")

        planted = set()
        for claim, where, service, statement in PLANTS:
            with self.subTest(claim, where=where):
                subjects = set(books.change(service, Template(statement).substitute(names)))
                self.assertEqual(len(subjects), 1, statement)
                planted.add((claim, where, *subjects))
        clean, report = audit(stack(), 0, books)
        self.assertFalse(clean)
        self.assertEqual(sorted(found(report)), sorted(planted), report)


if __name__ == "__main__":
    unittest.main()
