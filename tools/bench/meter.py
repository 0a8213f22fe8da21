"""What a stack uses, read from outside: CPU and memory by process, transactions, WAL, events, what is left to do."""

import os
import re
import subprocess
import urllib.request
from pathlib import Path

from infrastructure import postgres_binaries

TICKS = os.sysconf("SC_CLK_TCK")
SERVICES = ("catalog", "cart", "checkout", "payment", "order", "fulfilment", "notification")
ROUND_TRIPS = re.compile(r"^waybill_sql_round_trips_total (\d+)", re.MULTILINE)
LAG = re.compile(r'^waybill_consumer_lag_seconds_bucket\{.*le="([^"]+)"\} (\d+)', re.MULTILINE)


def family(pid):
    """A process and all below it."""
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii").split():
                found += family(int(child))
    except FileNotFoundError:
        pass
    return found


def cpu_seconds(pid):
    """Of a process, of all below it, and of those below it that have ended."""
    total = 0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        total += sum(map(int, fields[11:15] if one == pid else fields[11:13]))
    return total / TICKS


def pss_mib(pid):
    """Of a process and all below it: what they share is divided among them."""
    total = 0
    for one in family(pid):
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            continue
        found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
        total += int(found[1]) / 1024 if found else 0
    return total


class Meter:
    """Reads one stack; over one session of psql, for looking should not cost what is looked at."""

    def __init__(self, stack):
        self.stack = stack
        self.pids = {name: stack.daemon(name).pid for name in stack.running()}
        self._psql = subprocess.Popen([postgres_binaries() / "psql", stack.superuser_dsn("waybill"), "-XAtq"], text=True, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE)

    def close(self):
        self._psql.stdin.close()
        self._psql.wait()
        self._psql.stdout.close()

    def sql(self, statement):
        """The whole numbers of one row, as the owner of the database sees it."""
        self._psql.stdin.write(statement + ";\n")
        self._psql.stdin.flush()
        return [int(value) for value in self._psql.stdout.readline().split("|")]

    def read(self):
        """What only grows."""
        events = " + ".join(f'(SELECT last_value FROM "{service}".outbox_id_seq)' for service in SERVICES)
        transactions, wal, events = self.sql("SELECT sum(xact_commit), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'),"
                                             f" {events} FROM pg_stat_database WHERE datname = 'waybill'")
        return {"cpu": {name: cpu_seconds(pid) for name, pid in self.pids.items()}, "transactions": transactions,
                "wal": wal, "events": events} | self._told()

    def backlog(self):
        """(Events not published, mails due.)"""
        unpublished = " + ".join(f'(SELECT count(*) FROM "{service}".outbox)' for service in SERVICES)
        due = "(SELECT count(*) FROM notification.task WHERE state IN ('due', 'running'))"
        return tuple(self.sql(f"SELECT {unpublished}, {due}"))

    def memory(self):
        return {name: round(pss_mib(pid), 1) for name, pid in self.pids.items()}

    def _told(self):
        """What the services say of themselves. lag: {bound in seconds: events that were consumed no later than that after
        they happened}, over all services."""
        lag, round_trips = {}, 0
        for service in SERVICES:
            for url in self.stack.urls(service):
                with urllib.request.urlopen(url + "/metrics", timeout=10) as answer:
                    text = answer.read().decode()
                for bound, count in LAG.findall(text):
                    lag[float(bound)] = lag.get(float(bound), 0) + int(count)
                round_trips += sum(map(int, ROUND_TRIPS.findall(text)))
        return {"lag": lag, "round_trips": round_trips}


def used(before, after, orders):
    """What lies between two readings, for each order."""
    lag = {bound: count - before["lag"].get(bound, 0) for bound, count in after["lag"].items()}
    return {
        "cpu_ms_per_order": {name: round((after["cpu"][name] - before["cpu"][name]) / orders * 1000, 2)
                             for name in after["cpu"]},
        "transactions_per_order": round((after["transactions"] - before["transactions"]) / orders, 1),
        "round_trips_per_order": round((after["round_trips"] - before["round_trips"]) / orders, 1),
        "wal_bytes_per_order": round((after["wal"] - before["wal"]) / orders),
        "events_per_order": round((after["events"] - before["events"]) / orders, 1),
        "event_lag_ms": {f"p{share}": percentile_ms(lag, share) for share in (50, 99)},
    }


def percentile_ms(counts, share):
    """The least bound in ms that so many percent stay within; None if none or nothing does."""
    total = max(counts.values(), default=0)
    for bound in sorted(counts):
        if total > 0 and counts[bound] * 100 >= total * share:
            return None if bound == float("inf") else bound * 1000
    return None
