#!/usr/bin/python3
"""The whole product on this machine: PostgreSQL, Kafka, mail, the sandboxes and copies of every process.

    stack.py up|down|status|env|logs|psql|kill|pause|resume|restart   (see --help)

Tests use the class Stack. All state lies in one folder: data, logs, PID files, `stack.json` (ports, secrets, what was
asked for) and `environment` (addresses, DSNs and keys, as shell assignments, readable by its owner only).
"""

import argparse
import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import secrets
import shlex
import signal
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent))

import settings
from infrastructure import SOCKET_FOLDER_MAX, STARTS, Mail, grant_access
from place import BASE_ENVIRONMENT, ROOT, StackError, own, read_environment, readable, run_user, settle, write_private
from probe import START_SECONDS, free_port, http_status, is_free, wait_until
from process import Daemon, in_parallel, run, stop_all

INFRASTRUCTURE = tuple(STARTS)
PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")  # from our environment to that of the processes
STOP_SECONDS = 20


@dataclasses.dataclass(frozen=True)
class Process:
    """One copy of one of our programs."""

    name: str  # order-2; sandboxes have one copy and no number
    program: str
    port: int

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


class Stack:
    """A stack in a state folder. Nothing runs before up(); whoever has the folder may control it."""

    kafka_mechanism = "PLAIN"

    def __init__(self, state_dir, copies=1, variant="plain", gateway_ports=None, extra=None, log_level=None):
        """`gateway_ports`: fixed ports by gateway for its first copy. `extra`: more settings, by the name of a process,
        of a program, or "*", which are all of ours, or of "kafka" or "postgres"."""
        self.user = run_user()
        self.state = settle(state_dir, self.user)
        self.copies = copies
        self.variant = variant
        self.gateway_ports = gateway_ports or {}
        self.extra = extra or {}
        self.log_level = log_level or os.environ.get("WAYBILL_LOG") or "info"
        self._kept = {"ports": {}, "secrets": {}}
        with contextlib.suppress(FileNotFoundError):
            self._kept |= json.loads((self.state / "stack.json").read_text())
        self._mutex = threading.RLock()

    @classmethod
    def attach(cls, state_dir):
        """The stack that is in this folder, as it was asked for."""
        try:
            asked = json.loads((Path(state_dir) / "stack.json").read_text())["asked"]
        except (FileNotFoundError, KeyError):
            raise StackError(f"there is no stack in {state_dir}; start one with: make run") from None
        return cls(state_dir, **asked)

    # -- What is kept in stack.json -----------------------------------------------------------------------------------

    def _save(self):
        with self._mutex:
            self._kept["asked"] = {"copies": self.copies, "variant": self.variant, "extra": self.extra,
                                   "gateway_ports": self.gateway_ports, "log_level": self.log_level}
            write_private(self.state / "stack.json", json.dumps(self._kept, indent=1))

    def secret(self, name):
        """64 hexadecimal digits, made when first asked for."""
        with self._mutex:
            if name not in self._kept["secrets"]:
                self._kept["secrets"][name] = secrets.token_hex(32)
                self._save()
            return self._kept["secrets"][name]

    def port(self, name):
        """The port of a process: the fixed one, or one that was free when first asked for."""
        with self._mutex:
            program, _, copy = name.rpartition("-")
            if copy == "1" and program in self.gateway_ports:
                return self.gateway_ports[program]
            if name not in self._kept["ports"]:
                self._kept["ports"][name] = free_port(set(self._kept["ports"].values()))
                self._save()
            return self._kept["ports"][name]

    # -- What there is ------------------------------------------------------------------------------------------------

    @property
    def kafka_address(self):
        return f"127.0.0.1:{self.port('kafka')}"

    @property
    def mail(self):
        return Mail(self.state / "mail")

    def binary(self, program):
        """The file of a program; it may not be built yet."""
        return ROOT / "build" / self.variant / "bin" / settings.program_file(program)

    def processes(self, program=None):
        """Every copy of every program that is built, or of one program whether it is built or not."""
        programs = [program] if program else [each for each in settings.PROGRAMS if self.binary(each).exists()]
        found = []
        for each in programs:
            names = [each] if each in settings.SANDBOXES else [f"{each}-{n + 1}" for n in range(self.copies)]
            found += [Process(name, each, self.port(name)) for name in names]
        return found

    def process(self, name):
        """The process with that name."""
        for process in self.processes():
            if process.name == name:
                return process
        raise StackError(f'there is no process "{name}"; there are: ' +
                         ", ".join([*INFRASTRUCTURE, *(each.name for each in self.processes())]))

    def urls(self, program):
        """The addresses of all copies of a program."""
        return [process.url for process in self.processes(program)]

    def daemon(self, name):
        """The background process with that name, running or not."""
        return Daemon(name, self.state / "run", self.state / "logs")

    def login(self, who):
        """libpq's environment variables for a service, a sandbox, "test", or the superuser "postgres"."""
        role, database, variable = ("postgres", "postgres", "postgres")
        if who != "postgres":
            try:
                role, database, variable = settings.database_roles()[who]
            except KeyError:
                raise StackError(f'nobody called "{who}" has a database; there are: postgres, ' +
                                 ", ".join(settings.database_roles())) from None
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self.port("postgres")), "PGUSER": role, "PGDATABASE": database,
                "PGPASSWORD": self.secret(f"database {variable}")}

    def dsn(self, who, near=False):
        """The same as a URI; `near`: by the server's unix socket, which costs less, where its path is short enough."""
        login = self.login(who)
        folder = str(self.state / "postgres")
        if near and len(folder) <= SOCKET_FOLDER_MAX:
            login["PGHOST"] = quote(folder, safe="")
        return "postgresql://{PGUSER}:{PGPASSWORD}@{PGHOST}:{PGPORT}/{PGDATABASE}".format(**login)

    def superuser_dsn(self, database):
        """The superuser's, in a database."""
        return self.dsn("postgres").rpartition("/")[0] + f"/{database}"

    def psql(self, who):
        """A command that asks the database as somebody, and the environment that it needs."""
        return ["psql"], self.login(who)

    def audit(self, wait):
        """A command that audits the books once they are quiet, and the environment that it needs."""
        books = {name: self.dsn(name) for name in (*settings.SERVICES, "psp-sandbox")}
        return [str(self.binary("audit")), f"--wait={wait}"], settings.databases(books)

    def kcat(self, *words):
        """A command that reads or writes topics as the broker's administrator; more words may say otherwise."""
        return ["kcat", "-F", str(self.state / "kafka" / "kcat.conf"), "-b", self.kafka_address, *words]

    def alive(self, name):
        return self.daemon(name).pid is not None

    def running(self):
        """The names of all live processes of this folder."""
        names = sorted(path.stem for path in (self.state / "run").glob("*.pid"))
        return [name for name in names if self.alive(name)]

    # -- Up and down --------------------------------------------------------------------------------------------------

    def up(self, *only):
        """Starts what is not running: everything, or only "postgres", "kafka" or "mail". Programs that were built or
        configured anew since they started are restarted. Returns the names of what it started."""
        self._prepare()
        wanted = only or INFRASTRUCTURE
        with self._lock():
            self._save()
            started = in_parallel([lambda start=STARTS[name]: start(self) for name in wanted])
            if not only:
                grant_access(self)
                started += self._up_programs()
            self._write_environment()
        return started

    def down(self):
        """Stops everything, the outer processes first. Returns the names of those that had to be killed."""
        self._prepare()
        late = []
        with self._lock():
            left = self.running()

            def stop(names, number=signal.SIGTERM):
                late.extend(stop_all([self.daemon(name) for name in names if name in left], STOP_SECONDS, number))

            gateways = [name for name in left if name.rpartition("-")[0] in settings.GATEWAYS]
            stop(gateways)
            stop([name for name in left if name not in gateways and name not in INFRASTRUCTURE])
            # Kafka takes a second or two to leave in good order; PostgreSQL ends sessions at once on SIGINT.
            self.daemon("kafka").signal(signal.SIGTERM)
            stop(["postgres"], signal.SIGINT)
            stop(["mail", "kafka"])
        return late

    def _prepare(self):
        for name in ("run", "logs"):
            own(self.state / name, None)
        for name in INFRASTRUCTURE:
            own(self.state / name, self.user)

    @contextlib.contextmanager
    def _lock(self):
        """Only one up or down at a time."""
        with open(self.state / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _up_programs(self):
        wanted = self.processes()
        names = [process.name for process in wanted]
        stale = [name for name in self.running() if name not in names and name not in INFRASTRUCTURE]
        for process in wanted:
            if self.alive(process.name) and self.daemon(process.name).fingerprint != self._fingerprint(process):
                stale.append(process.name)
        stop_all([self.daemon(name) for name in stale], STOP_SECONDS)
        starting = [process for process in wanted if not self.alive(process.name)]
        for process in starting:
            self.free_or_new_port(process.name)
        for process in self.processes():
            if not self.alive(process.name):
                self._start(process)
        for process in starting:
            self.wait_ready(process.name)
        return [process.name for process in starting]

    def free_or_new_port(self, name):
        """Another process may have taken a port since the last time; then a process of ours moves to another one."""
        port = self.port(name)
        if is_free(port):
            return
        with self._mutex:
            if self._kept["ports"].pop(name, None) is None:
                raise StackError(f"port {port} for {name} is taken; choose the ports of the gateways: "
                                 "make run PORTS=8080,8081,8082")
            self.port(name)

    def readable(self, path):
        """A file or folder of the checkout, at a path where the processes can read it."""
        return readable(ROOT / path, self.user, self.state / "copies")

    def launch(self, name, command, environment, fingerprint="-"):
        """Starts a background process and returns its Daemon, without waiting for anything."""
        passed_on = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
        daemon = self.daemon(name)
        daemon.start([str(part) for part in command], environment | passed_on, self.user, fingerprint, self.state)
        return daemon

    def _environment(self, process):
        values = BASE_ENVIRONMENT | settings.settings_of(self, process)
        for key in ("*", process.program, process.name):
            values |= self.extra.get(key, {})
        return values

    def _fingerprint(self, process):
        described = json.dumps([self._environment(process), self.binary(process.program).stat().st_mtime_ns])
        return hashlib.sha256(described.encode()).hexdigest()[:16]

    def _start(self, process):
        self.launch(process.name, [self.readable(self.binary(process.program))], self._environment(process),
                    self._fingerprint(process))

    def _write_environment(self):
        values = settings.public_environment(self)
        text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
        write_private(self.state / "environment", text)

    # -- Single processes, for fault tests ----------------------------------------------------------------------------

    def start(self, name, extra=None):
        """Starts one process that is down and waits until it is ready. `extra` settings stay with it."""
        if name in INFRASTRUCTURE:
            STARTS[name](self)
            return
        if extra is not None:
            self.extra[name] = extra
            self._save()
        if not self.alive(name):
            self._start(self.process(name))
        self.wait_ready(name)

    def begin(self, name):
        """Starts one of our processes without waiting for anything."""
        self._start(self.process(name))

    def stop(self, name):
        """Asks one process to end and waits. False if it had to be killed."""
        number = signal.SIGINT if name == "postgres" else signal.SIGTERM
        return not stop_all([self.daemon(name)], STOP_SECONDS, number)

    def restart(self, name, extra=None):
        self.stop(name)
        self.start(name, extra)

    def kill(self, name):
        """kill -9, and waits until it is gone."""
        daemon = self.daemon(name)
        daemon.signal(signal.SIGKILL)
        daemon.wait_end(10)

    def pause(self, name):
        """SIGSTOP: it keeps its connections and locks and does nothing."""
        self.daemon(name).signal(signal.SIGSTOP)

    def resume(self, name):
        self.daemon(name).signal(signal.SIGCONT)

    def is_ready(self, name):
        """Whether /readyz answers 200."""
        return http_status(self.process(name).url + "/readyz") == 200

    def wait_ready(self, name, seconds=START_SECONDS):
        daemon = self.daemon(name)
        if not wait_until(lambda: self.is_ready(name), daemon, seconds):
            state = "is not ready" if daemon.pid else "ended"
            raise StackError(f"{name} {state}; the end of its log:\n{daemon.log_tail()}")


# -- Command line -----------------------------------------------------------------------------------------------------


def gateway_ports(text):
    ports = [int(port) for port in text.split(",")]
    if len(ports) != len(settings.GATEWAYS):
        raise argparse.ArgumentTypeError(f"{len(settings.GATEWAYS)} ports, for {', '.join(settings.GATEWAYS)}")
    return dict(zip(settings.GATEWAYS, ports))


def command_up(options):
    stack = Stack(options.state, options.copies, options.variant, options.ports or settings.GATEWAY_PORTS)
    began = time.monotonic()
    started = stack.up()
    sample = ROOT / "deploy/sample/load"
    if sample.exists() and not (stack.state / "sample-loaded").exists():
        run([sample], os.environ | read_environment(stack.state / "environment"))
        (stack.state / "sample-loaded").touch()
    print((stack.state / "environment").read_text())
    if started:
        print(f"Started {len(started)} processes in {time.monotonic() - began:.1f} s.", end=" ")
    else:
        print(f"Already up: {len(stack.running())} processes.", end=" ")
    print(f"The above is also in {os.path.relpath(options.state)}/environment.")


def command_down(options):
    if not (options.state / "stack.json").exists():
        print("Nothing runs.")
        return 0
    stack = Stack.attach(options.state)
    count = len(stack.running())
    late = stack.down()
    print(f"Stopped {count} processes." + (f" Killed, since they did not end: {', '.join(late)}." if late else ""))
    return 1 if late else 0


def command_status(options):
    stack = Stack.attach(options.state)
    for name in INFRASTRUCTURE:
        print(f"{name:20} {stack.daemon(name).pid or 'down':>8}  127.0.0.1:{stack.port(name)}")
    for process in stack.processes():
        pid = stack.daemon(process.name).pid
        print(f"{process.name:20} {pid or 'down':>8}  {process.url}"
              f"{'' if not pid or stack.is_ready(process.name) else '  not ready'}")


def command_env(options):
    print((Stack.attach(options.state).state / "environment").read_text(), end="")


def command_logs(options):
    stack = Stack.attach(options.state)
    files = [stack.daemon(name).log for name in options.names] or sorted((stack.state / "logs").glob("*.log"))
    os.execvp("tail", ["tail", "-n", "20", *(["-F"] if options.follow else []), *map(str, files)])


def command_psql(options):
    login = Stack.attach(options.state).login(options.service)
    os.execvpe("psql", ["psql", *options.arguments], os.environ | login)


def command_one(options):
    """kill, pause, resume, restart"""
    stack = Stack.attach(options.state)
    if not stack.alive(options.name) and options.command != "restart":
        raise StackError(f"{options.name} is not running; running are: {', '.join(stack.running())}")
    getattr(stack, options.command)(options.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--state", default=ROOT / ".waybill", type=Path, help="the state folder (default: .waybill)")
    commands = parser.add_subparsers(dest="command", required=True)

    up = commands.add_parser("up", help="starts what is not running")
    up.add_argument("--variant", default="plain", choices=("plain", "test", "san"), help="which build to run")
    up.add_argument("--copies", default=1, type=int, help="copies of each process (default: 1)")
    up.add_argument("--ports", type=gateway_ports, help="of storefront, backoffice and integration gateway")
    up.set_defaults(run=command_up)
    for name, function, text in (("down", command_down, "stops everything"),
                                 ("status", command_status, "lists the processes"),
                                 ("env", command_env, "prints addresses, DSNs and keys")):
        commands.add_parser(name, help=text).set_defaults(run=function)
    logs = commands.add_parser("logs", help="shows the end of the logs")
    logs.add_argument("--follow", action="store_true")
    logs.add_argument("names", nargs="*")
    logs.set_defaults(run=command_logs)
    psql = commands.add_parser("psql", help="a session as a service, sandbox, \"test\" or the superuser \"postgres\"")
    psql.add_argument("service")
    psql.add_argument("arguments", nargs=argparse.REMAINDER, help="for psql")
    psql.set_defaults(run=command_psql)
    for name, text in (("kill", "kill -9"), ("pause", "SIGSTOP"), ("resume", "SIGCONT"),
                       ("restart", "stops and starts")):
        one = commands.add_parser(name, help=f"{text} of one process")
        one.add_argument("name")
        one.set_defaults(run=command_one)

    options = parser.parse_args()
    try:
        return options.run(options) or 0
    except StackError as error:
        print(f"stack: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
