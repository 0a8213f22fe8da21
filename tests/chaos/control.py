"""Whether the judge can see at all: things broken by hand in a running stack, each of which a rule must name. The rules
themselves are tested by doctored evidence (tests/tools/test_chaos_judge.py); this is about where evidence is read."""

import subprocess

from support import rows

DEADLOCK_LINE = "ERROR:  deadlock detected\n"

# Who has the table, what is done to one row of it, and the rule that must see that.
ROWS = (
    ("order", "who was told of an order has exactly that one", """
        UPDATE orders SET number = number || 'X' WHERE id = (SELECT id FROM orders ORDER BY id LIMIT 1)"""),
    ("payment", "money and orders agree", """
        UPDATE intent SET amount_minor = amount_minor - 1
         WHERE payment_id = (SELECT payment_id FROM intent WHERE state = 'due' ORDER BY payment_id LIMIT 1)"""),
    ("psp-sandbox", "the provider's book is ours", """
        UPDATE charge SET captured = captured - 1
         WHERE id = (SELECT id FROM charge WHERE captured > refunded ORDER BY id LIMIT 1)"""),
    ("cart", "no claim outlives its placement", """
        UPDATE cart SET state = 'locked'
         WHERE id = (SELECT id FROM cart WHERE state = 'ordered' ORDER BY id LIMIT 1)"""),
    ("fulfilment", "stock is conserved and never negative", """
        UPDATE stock SET on_hand = on_hand + 1 WHERE allocated > 0"""),
    ("fulfilment", "a parcel that was sent stays sent", """
        UPDATE shipment SET state = 'packed'
         WHERE id = (SELECT id FROM shipment WHERE state IN ('shipped', 'in_transit', 'delivered') ORDER BY id LIMIT 1)"""),
    ("order", "open work items are explained", """
        INSERT INTO work_item (id, kind, subject, cause, actions, due_at)
        VALUES (gen_random_uuid(), 'planted', 'planted', 'planted', 'note', now())"""),
    ("order", "no message is set aside", """
        INSERT INTO set_aside (state, topic, partition, "offset", key, sequence, event_id, type, correlation_id,
                               causation_id, traceparent, occurred_at, body, reason)
        VALUES ('parked', 'waybill.planted', 0, 0, 'key', 1, 'event', 'type', '', '', '', now(), '{}', 'planted')"""),
)

OTHERS = {
    "the audit is clean",
    "every order was asked for, once",
    "first occurrences are 1 to n in order",
    "what was published is on the topics",
    "every mail that is due arrived",
    "processes are ready, and end only when asked to",
    "logs tell of no deadlock and no sanitizer",
}
EXPECTED = {rule for _, rule, _ in ROWS} | OTHERS


def spoil(stack, crowd, rig):
    """Breaks one thing for each of the expected rules."""
    for service, _, statement in ROWS:
        rows(service, statement)
    forgotten = crowd.book.of("done")[0]
    crowd.book.purchases.remove(forgotten)
    produce(stack, "waybill.cart", "planted")
    stack.mail.clear()
    stack.kill("catalog-2")
    rig.expect_alive("catalog-2")
    with open(stack.daemon("postgres").log, "a", encoding="ascii") as log:
        log.write(DEADLOCK_LINE)


def produce(stack, topic, key):
    """Plants the second event of something that never had a first one."""
    headers = ("ce_id=planted", "ce_sequence=2", "ce_type=waybill.planted.planted.v1")
    subprocess.run(stack.kcat("-P", "-t", topic, "-k", key, *(word for header in headers for word in ("-H", header))), input="{}", text=True, check=True)
