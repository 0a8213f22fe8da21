#!/usr/bin/env python3
"""waybill-audit finds what is broken on purpose: each plant is one wrong figure, and must be reported by its own check."""

import subprocess
import unittest

from card import CardShopper
from infrastructure import postgres_binaries
from shop import Erp, Shopper
from support import stack
from support.audit import assert_clean, audit

# What is broken, the statement that breaks it, the one that mends it, and what the audit must say.
PLANTS = [
    ("fulfilment", "UPDATE stock SET on_hand = on_hand + 1 WHERE sku = '{sku}'",
     "UPDATE stock SET on_hand = on_hand - 1 WHERE sku = '{sku}'", "on hand is what the moves add up to"),
    ("fulfilment", "UPDATE stock SET held = held + 1 WHERE sku = '{sku}'",
     "UPDATE stock SET held = held - 1 WHERE sku = '{sku}'", "held and allocated are what holds and shipments add up to"),
    ("fulfilment", "UPDATE hold SET state = 'held' WHERE id = '{order}'",
     "UPDATE hold SET state = 'confirmed' WHERE id = '{order}'", "stock is held exactly for live placements"),
    ("fulfilment", "UPDATE shipment SET state = 'packed' WHERE order_id = '{order}'",
     "UPDATE shipment SET state = 'planned' WHERE order_id = '{order}'", "order knows each shipment as it is"),
    ("cart", "UPDATE cart SET state = 'locked' WHERE id = '{cart}'",
     "UPDATE cart SET state = 'ordered' WHERE id = '{cart}'", "a cart is ordered exactly when its checkout completed"),
    ("order", "UPDATE orders SET number = number || 'X' WHERE id = '{order}'",
     "UPDATE orders SET number = rtrim(number, 'X') WHERE id = '{order}'", "each completed checkout is one order, each order one"),
    ("order", "UPDATE orders SET totals = jsonb_set(totals, '{{total,amount}}', '1') WHERE id = '{order}'",
     "UPDATE orders SET totals = jsonb_set(totals, '{{total,amount}}', '{total}') WHERE id = '{order}'",
     "lines, delivery and tax add up to the total"),
    ("notification", "UPDATE notification SET state = 'unknown' WHERE subject_id = '{order}'",
     "UPDATE notification SET state = 'sent' WHERE subject_id = '{order}'", "customer and merchant were told of each order, once"),
    ("order", "UPDATE handled SET sequence = sequence - 1 WHERE topic = 'waybill.checkout' AND key = '{order}'",
     "UPDATE handled SET sequence = sequence + 1 WHERE topic = 'waybill.checkout' AND key = '{order}'",
     "what was told has been handled"),
    ("checkout", "DELETE FROM outbox_history WHERE key = '{order}' AND sequence = 2", None, "versions have no holes"),
    ("payment", "UPDATE intent SET state = 'closed' WHERE payment_id = '{order}'",
     "UPDATE intent SET state = 'due' WHERE payment_id = '{order}'", "no order without money or an allowed promise"),
    ("psp-sandbox", "UPDATE charge SET captured = captured - 1 WHERE id IN (SELECT charge_id FROM intent WHERE payment_id = '{card}')",
     "UPDATE charge SET captured = captured + 1 WHERE id IN (SELECT charge_id FROM intent WHERE payment_id = '{card}')",
     "the provider took and gave back what our books say"),
    ("psp-sandbox", "UPDATE intent SET received = received - 1, capturable = 1 WHERE payment_id = '{card}'",
     "UPDATE intent SET received = received + 1, capturable = 0 WHERE payment_id = '{card}'",
     "the provider holds money exactly for orders that wait to take it"),
    ("psp-sandbox", "UPDATE session SET status = 'open' WHERE payment_id = '{card}'",
     "UPDATE session SET status = 'complete' WHERE payment_id = '{card}'",
     "a hosted page can be paid exactly while we wait for it"),
]


class AuditTest(unittest.TestCase):
    def run_sql(self, service, statement):
        run = subprocess.run([postgres_binaries() / "psql", stack().dsn(service), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement],
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_every_plant_is_found_by_its_check(self):
        sku = Erp().offer(stock={"berlin": 100})
        shopper = Shopper()
        order = shopper.buy(sku, payment="bank_transfer")
        payer = CardShopper()
        payer.pay(payer.to_page(sku))
        assert_clean(self, stack())
        names = {"card": payer.checkout_id, "sku": sku, "order": order["id"], "cart": shopper.cart_id, "total": order["totals"]["total"]["amount"]}

        for service, plant, mend, claim in PLANTS:
            with self.subTest(claim):
                kept = plant.startswith("DELETE")
                if kept:
                    self.run_sql(service, plant.replace("DELETE FROM", "CREATE TABLE kept AS SELECT * FROM").format(**names))
                self.run_sql(service, plant.format(**names))
                clean, report = audit(stack(), wait=0)
                if kept:
                    self.run_sql(service, "INSERT INTO outbox_history SELECT * FROM kept; DROP TABLE kept")
                else:
                    self.run_sql(service, mend.format(**names))
                self.assertFalse(clean)
                self.assertIn(f"NOT TRUE: {claim}", report)
        assert_clean(self, stack())


if __name__ == "__main__":
    unittest.main()
