"""PostgreSQL, Kafka and a mail server, as a stack starts them."""

import contextlib
import fcntl
import hashlib
import json
import os
import socket
import struct
import subprocess
import time
from pathlib import Path

import settings
from place import BASE_ENVIRONMENT, ROOT, StackError, own, settle
from probe import accepts, wait_until
from process import run

SOCKET_FOLDER_MAX = 90  # the kernel takes a socket's path of at most 107 bytes


def start_postgres(stack):
    """Starts the server, then makes roles and schemas; the latter is right at any time."""
    started = []
    if not stack.alive("postgres"):
        stack.free_or_new_port("postgres")
        run_postgres(stack)
        started = ["postgres"]
    passwords = {variable: stack.login(who)["PGPASSWORD"]
                 for who, (_, _, variable) in settings.database_roles().items()}
    environment = BASE_ENVIRONMENT | {"PGCONNECT_TIMEOUT": "10"} | stack.login("postgres") | passwords
    run([ROOT / "deploy/postgres/init.sh"], environment)
    return started


def run_postgres(stack):
    """Starts the server and waits for it. Old backends of a killed server may live a moment longer and keep the new
    one from starting, hence the attempts."""
    binaries = postgres_binaries()
    folder = stack.state / "postgres"
    login = stack.login("postgres")
    environment = BASE_ENVIRONMENT | {
        "POSTGRES_BIN": str(binaries),
        "POSTGRES_DATA": str(folder / binaries.parent.name),
        "POSTGRES_HOST": login["PGHOST"],
        "POSTGRES_PORT": login["PGPORT"],
        "POSTGRES_SOCKETS": str(folder) if len(str(folder)) <= SOCKET_FOLDER_MAX else "",
        "POSTGRES_PASSWORD": login["PGPASSWORD"],
    } | stack.extra.get("postgres", {})
    probe = [binaries / "pg_isready", "--quiet", "--timeout=1", "--host", login["PGHOST"], "--port", login["PGPORT"]]
    for attempt in range(5):
        daemon = stack.launch("postgres", ["/bin/sh", stack.readable("deploy/postgres") / "run.sh"], environment)
        if wait_until(lambda: subprocess.run(probe, check=False).returncode == 0, daemon):
            return
        if daemon.pid:
            break
        time.sleep(attempt)
    raise StackError(f"PostgreSQL does not start:\n{daemon.log_tail()}")


def start_kafka(stack):
    """Starts the broker, fetching its jars if they are not there."""
    if stack.alive("kafka"):
        return []
    jars = kafka_jars(stack.user)
    stack.free_or_new_port("kafka")
    stack.free_or_new_port("kafka-controller")
    environment = BASE_ENVIRONMENT | {
        "KAFKA_LIBS": str(jars),
        "KAFKA_HOME": str(stack.state / "kafka"),
        "KAFKA_LISTEN": stack.kafka_address,
        "KAFKA_CONTROLLER": f"127.0.0.1:{stack.port('kafka-controller')}",
        "KAFKA_HEAP": "-Xms192m -Xmx448m",
        "KAFKA_ADMIN": settings.kafka_password(stack, "admin"),
        "KAFKA_USERS": ",".join(f"{user}:{settings.kafka_password(stack, user)}" for user in settings.KAFKA_USERS),
    } | stack.extra.get("kafka", {})
    daemon = stack.launch("kafka", ["/bin/sh", stack.readable("deploy/kafka") / "run.sh"], environment)
    if not wait_until(lambda: kafka_answers(stack.port("kafka")), daemon):
        raise StackError(f"Kafka does not start:\n{daemon.log_tail()}")
    return ["kafka"]


def grant_access(stack):
    """Tells the broker who may do what, once for each build of the tool that does."""
    tool = stack.binary("access")
    told = stack.state / "access"
    if not tool.exists() or told.exists() and told.stat().st_mtime > tool.stat().st_mtime:
        return
    run([tool], BASE_ENVIRONMENT | settings.kafka_settings(stack, "admin") |
        {"WAYBILL_KAFKA_READERS": ",".join(settings.PARTNERS)})
    told.touch()


def start_mail(stack):
    """Starts the mail server, behaving well."""
    if stack.alive("mail"):
        return []
    own(stack.mail.inbox, stack.user)
    stack.mail.behave()
    stack.free_or_new_port("mail")
    port = stack.port("mail")
    daemon = stack.launch("mail", ["/usr/bin/python3", stack.readable("tests/support/mail_sink.py"), "--port", port,
                                   "--folder", stack.mail.folder], BASE_ENVIRONMENT)
    if not wait_until(lambda: accepts(port), daemon):
        raise StackError(f"the mail server does not start:\n{daemon.log_tail()}")
    return ["mail"]


STARTS = {"postgres": start_postgres, "kafka": start_kafka, "mail": start_mail}


class Mail:
    """The local mail server: what it accepted, and how it behaves."""

    def __init__(self, folder):
        self.folder = folder
        self.inbox = folder / "inbox"
        self.mails = self.inbox / "mails"
        self.control = folder / "control"

    def behave(self, mode="accept", detail=""):
        """accept; refuse CODE; delay SECONDS; drop (cut off before storing); lose (store, then cut off)."""
        draft = self.folder / "control.new"
        draft.write_text(f"{mode} {detail}\n")
        draft.chmod(0o644)
        draft.replace(self.control)

    def messages(self):
        """The accepted mails, oldest first: dicts with `from`, `to` (list), `received` and `content` (bytes)."""
        return read_mails(self.mails.read_bytes() if self.mails.exists() else b"")

    def clear(self):
        """Forgets the accepted mails."""
        if self.mails.exists():
            os.truncate(self.mails, 0)


def read_mails(kept):
    """What the mail server keeps, as a list."""
    mails, at = [], 0
    while (end := kept.find(b"\r\n", at)) >= 0:
        envelope = json.loads(kept[at:end].removeprefix(b"X-Envelope: "))
        begin, at = end + 2, end + 2 + envelope.pop("size") + 2
        if at > len(kept):
            break  # its end is still being written
        mails.append(envelope | {"content": kept[begin:at - 2]})
    return mails


def kafka_answers(port):
    """Whether a broker answers an ApiVersions request, which it does once it serves clients."""
    request = struct.pack(">hhih", 18, 0, 1, -1)
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        return len(connection.recv(8)) > 0
    return False


def postgres_binaries():
    """Debian's newest PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    if not found:
        raise StackError("PostgreSQL is not installed; install it with: make install")
    return found[-1].parent


def kafka_jars(user):
    """The folder with Kafka's jars, fetched by the Maven client when its list has changed. Shared by all stacks."""
    cache = settle(ROOT / ".waybill", user) / "cache"
    cache.mkdir(exist_ok=True)
    cache.chmod(0o755)
    pom = ROOT / "deploy/kafka/pom.xml"
    jars = cache / ("kafka-" + hashlib.sha256(pom.read_bytes()).hexdigest()[:12])
    with open(cache / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.exists():
            print("fetching Kafka ...", flush=True)
            draft = cache / "kafka.new"
            run(["mvn", "--batch-mode", "--quiet", "--file", pom, "dependency:copy-dependencies",
                 "-DincludeScope=runtime", f"-DoutputDirectory={draft}"], os.environ)
            for path in (draft, *draft.iterdir()):
                path.chmod(0o755 if path.is_dir() else 0o644)
            draft.rename(jars)
    return jars
