"""Without the broker, without the database, without the mail server, and with every message twice: what was begun ends,
once. Numbers are those of the acceptance scenarios."""

import collections
import concurrent.futures
import signal
import threading
import time
import unittest

from card import CardShopper, CardTest
from shop import MERCHANT, Carrier, Refused, Shopper, event_types, events, new_key
from support import eventually, rows, stack

PATIENCE = 60  # seconds that a shopper keeps asking while something is being restarted
OURS = ("cart", "checkout", "hold", "payment", "order", "shipment", "notification", "product")


class OutageTest(CardTest):
    def assert_no_holes(self, keys):
        """In the topics each aggregate tells 1, 2, 3 ... in that order, and nothing is left out at the end."""
        told = collections.Counter()
        for topic in OURS:
            by_key = collections.defaultdict(list)
            for event in events(topic):
                by_key[event.key].append(event.sequence)
            for key, sequences in by_key.items():
                self.assertEqual(sequences, list(range(1, len(sequences) + 1)), (topic, key))
                told[topic, key] = len(sequences)
        for service, topic in (("checkout", "checkout"), ("order", "order"), ("payment", "payment")):
            for row in rows(service, f"""SELECT key, max(sequence) AS last FROM outbox_history
                                          WHERE topic = 'waybill.{topic}' GROUP BY key"""):
                if row["key"] in keys:
                    self.assertEqual(told[topic, row["key"]], int(row["last"]), (topic, row["key"]))

    def assert_order(self, shopper):
        """The shopper's order, of which there is one."""
        order = eventually(shopper.order, 60)
        self.assertEqual([each["id"] for each in self.clerk.orders(number=order["number"])], [shopper.checkout_id])
        return order

    def assert_mailed_once(self, orders):
        """Each order was told once to its customer and once to the merchant."""
        def look():
            subjects = [mail["content"].partition(b"\r\n\r\n")[0] for mail in stack().mail.messages()]
            for order in orders:
                self.assertEqual(sum(order["number"].encode() in subject for subject in subjects), 2, order["number"])
            return True
        eventually(look, 60, every=0.5)


class BrokerTest(OutageTest):
    """Every deadline of a placement is shorter than the outage."""

    OUTAGE_S = 24
    SETTINGS = {"WAYBILL_PLACEMENT_DEADLINE_S": "6", "WAYBILL_PLACEMENT_MAX_S": "12", "WAYBILL_UNKNOWN_MAX_S": "6"}
    SHOPPERS = 6

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for process in stack().processes("checkout"):
            cls.addClassCleanup(stack().restart, process.name, {})
            stack().restart(process.name, cls.SETTINGS)

    def test_43_shoppers_go_on_without_the_broker(self):
        sku = self.erp.offer()
        before = self.stock_left(sku)
        waiting, page = self.at_the_page(sku)      # pays while nobody can be told
        leaving, left_page = self.at_the_page(sku)  # never pays
        group = [Shopper() for _ in range(self.SHOPPERS)]
        answers = collections.Counter()

        stack().kill("kafka")
        self.addCleanup(stack().start, "kafka")
        over = time.monotonic() + self.OUTAGE_S
        self.assertEqual(waiting.pay_and_leave(page).status, 303)

        def go_shopping(shopper):
            """Orders, and does so again whenever the placement has failed, until there is an order."""
            shopper.add(sku)
            shopper.check_out(payment="bank_transfer")
            deadline = time.monotonic() + 2 * self.OUTAGE_S + PATIENCE
            placement = {"state": "failed", "reason": "deadline"}
            while placement["state"] != "placed":
                self.assertLess(time.monotonic(), deadline, placement)
                if placement["state"] == "failed":
                    self.assertEqual(placement["reason"], "deadline")
                    answer = shopper.door.request("POST", f"/checkouts/{shopper.checkout_id}/place",
                                                  {"total": shopper.total}, {"Prefer": "wait=1"})
                    self.assertIn(answer.status, (201, 202, 409), answer)
                    answers[answer.status] += 1
                time.sleep(0.3)
                placement = shopper.placement()

        with concurrent.futures.ThreadPoolExecutor(self.SHOPPERS) as pool:
            ends = [pool.submit(go_shopping, shopper) for shopper in group]
            self.assertEqual(leaving.failed(40)["reason"], "payment_unknown")
            while time.monotonic() < over:
                time.sleep(0.5)
            self.assertEqual(rows("checkout", "SELECT count(*) > 0 AS waits FROM outbox")[0]["waits"], "t")
            stack().start("kafka")
            for end in ends:
                end.result()

        self.assertGreaterEqual(answers[202], 2 * self.SHOPPERS, "they did not order during the outage")
        self.assert_clean()
        orders = [self.assert_order(shopper) for shopper in group]
        self.assertEqual(len({order["number"] for order in orders}), self.SHOPPERS)
        self.assert_mailed_once(orders)
        for shopper, address in ((waiting, page), (leaving, left_page)):
            self.assertEqual(shopper.placement()["state"], "failed")
            self.assert_no_order(shopper)
            self.assertEqual(shopper.pay_and_leave(address).status, 303 if shopper is waiting else 410)
        self.assertEqual([row["cancelled"] for row in self.psp.book(waiting.checkout_id)], [waiting.total["amount"]])
        for shopper in (waiting, leaving):
            eventually(lambda: not self.work_items(shopper, "payment_not_closed"))
        eventually(lambda: self.stock_left(sku) == before - self.SHOPPERS)
        self.assert_no_holes({shopper.checkout_id for shopper in (*group, waiting, leaving)})


class DatabaseTest(OutageTest):
    PLACEMENTS = 36

    def test_52_the_database_crashes_in_the_middle_of_placements(self):
        sku = self.erp.offer()
        before = self.stock_left(sku)
        methods = ["card", "bank_transfer", "cash_on_delivery"]
        orders, mutex = {}, threading.Lock()

        def buy(number):
            shopper = CardShopper(patience=PATIENCE)
            shopper.add(sku)
            shopper.check_out(payment=methods[number % len(methods)])
            key = new_key()
            deadline = time.monotonic() + 2 * PATIENCE
            placement = {"state": "claiming"}
            while placement["state"] != "placed":
                self.assertLess(time.monotonic(), deadline, placement)
                if placement["state"] == "action_required":
                    with_page = placement["redirect_url"]
                    eventually(lambda: shopper.pay_and_leave(with_page).status == 303, PATIENCE)
                    time.sleep(0.2)
                try:
                    placement = shopper.place(key=key, wait=5)
                except Refused as refusal:
                    self.assertIn(refusal.status, (500, 502, 504), refusal)
            with mutex:
                orders[shopper.checkout_id] = shopper.order()

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            ends = [pool.submit(buy, number) for number in range(self.PLACEMENTS)]
            for share in (4, 16):
                eventually(lambda: len(orders) >= share, 90)
                stack().daemon("postgres").signal(signal.SIGQUIT)  # immediate: as if the machine had lost power
                stack().daemon("postgres").wait_end(20)
                stack().start("postgres")
            for end in ends:
                end.result()

        self.assert_clean()
        self.assertEqual(len({order["number"] for order in orders.values()}), self.PLACEMENTS)
        self.assert_mailed_once(orders.values())
        eventually(lambda: self.stock_left(sku) == before - self.PLACEMENTS)
        self.assert_no_holes(set(orders))


class MailTest(OutageTest):
    def test_47_what_could_not_be_mailed_is_mailed_later_and_once(self):
        sku = self.erp.offer()
        self.addCleanup(stack().mail.behave)
        stack().mail.behave("drop")  # cuts the connection, and has kept nothing
        shoppers = [Shopper() for _ in range(3)]
        for shopper in shoppers[:2]:
            self.assertEqual(shopper.buy(sku)["status"], "In Progress")
        eventually(lambda: self.tried(shoppers[0]) >= 1, 60)
        stack().stop("mail")
        self.addCleanup(stack().start, "mail")
        self.assertEqual(shoppers[2].buy(sku)["status"], "In Progress")
        self.assertEqual([shopper.mails() for shopper in shoppers], [[], [], []])

        stack().start("mail")
        stack().mail.behave()
        eventually(lambda: all(shopper.mails() for shopper in shoppers), 60)
        stack().mail.behave("lose")  # has kept it, and doesn't say so
        shoppers.append(Shopper())
        self.assertEqual(shoppers[-1].buy(sku)["status"], "In Progress")
        eventually(shoppers[-1].mails, 60)
        stack().mail.behave()
        shoppers.append(Shopper())
        self.assertEqual(shoppers[-1].buy(sku)["status"], "In Progress")
        self.assert_clean()

        arrived = collections.Counter()
        for mail in stack().mail.messages():
            head = mail["content"].partition(b"\r\n\r\n")[0].decode()
            ids = [line.partition("<")[2].rstrip(">\r") for line in head.split("\n") if line.startswith("Message-ID:")]
            arrived[ids[0], mail["to"][0]] += 1
        for shopper in shoppers:
            sent = rows("notification", f"""SELECT message_id, recipient, state, attempts FROM notification
                                             WHERE subject_id = '{shopper.checkout_id}'""")
            self.assertEqual(sorted(row["recipient"] for row in sent), sorted((shopper.email, MERCHANT)))
            for row in sent:
                self.assertEqual(row["state"], "sent")
                times = arrived[row["message_id"], row["recipient"]]
                self.assertTrue(times == 1 or 1 < times <= int(row["attempts"]), (times, row))
            self.assertEqual(len({mail.id for mail in shopper.mails()}), 1)
        self.assertEqual([len(shoppers[-1].mails()), self.tried(shoppers[-1])], [1, 1])
        self.assertGreater(len(shoppers[-2].mails()), 1)  # a repeat, since nobody could know

    def tried(self, shopper):
        """How often the customer's mail was tried, at most."""
        found = rows("notification", f"""SELECT max(attempts) AS times FROM notification
                                          WHERE subject_id = '{shopper.checkout_id}'
                                            AND recipient = '{shopper.email}'""")
        return int(found[0]["times"] or 0)


class TwiceTest(OutageTest):
    """Every process gets every message twice."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        stack().extra["*"] = {"WAYBILL_TEST_DELIVER_TWICE": "1"}
        cls.addClassCleanup(stack().up)
        cls.addClassCleanup(stack().extra.pop, "*")
        stack().up()

    def test_45_every_message_twice_and_two_services_restarted(self):
        sku = self.erp.offer()
        before = self.stock_left(sku)
        payers = [CardShopper(patience=PATIENCE) for _ in range(6)]
        others = [Shopper(patience=PATIENCE) for _ in range(6)]

        def buy(shopper):
            if shopper in payers:
                shopper.pay_and_leave(shopper.to_page(sku))
                return
            shopper.add(sku)
            shopper.check_out(payment="cash_on_delivery")
            shopper.place()

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            ends = [pool.submit(buy, shopper) for shopper in (*payers, *others)]
            stack().restart("order-1")
            stack().restart("payment-1")
            stack().restart("order-2")
            stack().restart("payment-2")
            for end in ends:
                end.result()
        self.assert_ordered_once(*payers)
        orders = [self.assert_order(shopper) for shopper in (*payers, *others)]

        # One is sent and delivered, one is given back.
        order = orders[-1]
        shipments = self.warehouse.shipments(order["id"])
        self.assertEqual(len(shipments), 1)
        Carrier().delivered(self.warehouse.send(shipments[0]["id"])["tracking_number"])
        eventually(lambda: others[-1].order()["kernel"] == "completed")
        payers[0].cancel_order()
        total = payers[0].total["amount"]
        self.assert_books(payers[0], captured=total, refunded=total, pages=1)

        self.assert_clean()
        self.assert_mailed_about(orders, cancelled=orders[0], delivered=order)
        for each in orders:
            self.assertEqual(len(self.warehouse.door.get(f"/shipments?order_id={each['id']}")["items"]), 1)
        for key, kind in ((order["id"], "payment.captured"), (payers[0].checkout_id, "payment.refunded")):
            self.assertEqual(event_types("payment", key).count(kind), 1)
        self.assertEqual([row["refunds"] for row in self.psp.book(payers[0].checkout_id)], [1])
        eventually(lambda: self.stock_left(sku) == before - len(orders) + 1)
        self.assert_no_holes({each["id"] for each in orders})

    def assert_mailed_about(self, orders, cancelled, delivered):
        """Two mails an order; one more that it was cancelled; two more that it went off and came."""
        def look():
            subjects = [mail["content"].partition(b"\r\n\r\n")[0] for mail in stack().mail.messages()]
            for order in orders:
                expected = 2 + (order is cancelled) + 2 * (order is delivered)
                self.assertEqual(sum(order["number"].encode() in subject for subject in subjects), expected,
                                 order["number"])
            return True
        eventually(look, 30, every=0.5)


if __name__ == "__main__":
    unittest.main()
