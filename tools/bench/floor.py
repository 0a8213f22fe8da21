"""The floor: what PostgreSQL alone writes a second on this machine, if only the rows are written that an order must
leave behind."""

import re
import shutil
import subprocess

from infrastructure import postgres_binaries

TABLES = """
CREATE SCHEMA IF NOT EXISTS floor;
CREATE TABLE floor.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number text UNIQUE, total bigint, body text);
CREATE TABLE floor.line (order_id bigint, sku int, quantity int, PRIMARY KEY (order_id, sku));
CREATE TABLE floor.stock (sku int PRIMARY KEY, on_hand bigint);
CREATE TABLE floor.payment (order_id bigint PRIMARY KEY, amount bigint, state text);
CREATE TABLE floor.outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text);
INSERT INTO floor.stock SELECT n, 1000000000 FROM generate_series(1, 320) n;
"""
SCRIPT = r"""
\set a random(1, 160)
\set b random(161, 320)
BEGIN;
INSERT INTO floor.orders (number, total, body) VALUES (gen_random_uuid()::text, 1999, repeat('x', 1200)) RETURNING id AS order_id \gset
INSERT INTO floor.line VALUES (:order_id, :a, 1);
INSERT INTO floor.line VALUES (:order_id, :b, 2);
UPDATE floor.stock SET on_hand = on_hand - 1 WHERE sku = :a;
UPDATE floor.stock SET on_hand = on_hand - 2 WHERE sku = :b;
INSERT INTO floor.payment VALUES (:order_id, 1999, 'due');
INSERT INTO floor.outbox (body) VALUES (repeat('x', 1500));
COMMIT;
"""


def floor(stack, clients, seconds):
    """{clients: orders a second}."""
    script = stack.state / "floor.sql"
    script.write_text(SCRIPT, encoding="ascii")
    dsn = stack.superuser_dsn("waybill_test")
    subprocess.run([postgres_binaries() / "psql", dsn, "-Xq", "-c", "DROP SCHEMA IF EXISTS floor CASCADE", "-c", TABLES],
                   check=True, capture_output=True)
    found = {}
    for count in clients:
        done = subprocess.run([shutil.which("pgbench") or postgres_binaries() / "pgbench", "-n", "-M", "prepared", "-c",
                               str(count), "-j", "2", "-T", str(seconds), "-f", script, dsn],
                              check=True, capture_output=True, text=True)
        found[count] = round(float(re.search(r"tps = ([\d.]+)", done.stdout)[1]), 1)
    return found
