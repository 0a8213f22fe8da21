"""What can go wrong, as a table: how each fault begins and how it ends."""

import contextlib
import dataclasses
import signal
import threading
import time
from collections.abc import Callable

import paths
import settings
from stack import StackError
from support import rows
from support.psp import Psp

COPIES = 2
OURS = tuple(f"{program}-{copy + 1}" for program in settings.SERVICES + settings.GATEWAYS for copy in range(COPIES))
EVERYBODY = OURS + settings.SANDBOXES
OPERATIONS = ("create_session", "capture", "cancel", "expire", "refund", "query")
OFTEN = 1000  # calls: as many as anybody makes while it lasts
SILENT_MS = 12_000  # longer than payment waits for an answer
OUTAGE_S = 600
LOCK_S = OUTAGE_S + 90  # how long a fault waits for another one that has the same target
ROLES = ("all", *settings.SERVICES)
# Where a process dies, and the how manieth time it comes by there (common/mishap.h): late enough to have started.
DEATHS = ("before_commit:30", "after_commit:30", "after_publish:5", "before_call:3", "after_call:3")


INFRASTRUCTURE = ("postgres", "kafka", "mail")
PATHS = tuple(f"path to {name}" for name in paths.NAMES)
HOUR_S = 3600


class Rig:
    """The stack in the hands of the faults, and what was done to it. `ways`: the paths between its processes, or None if
    no fault of the plan needs them; `clocks`: of its processes, likewise."""

    def __init__(self, stack, ways=None, clocks=None):
        self.stack = stack
        self.ways = ways
        self.clocks = clocks
        self.psp = Psp()
        self.trace = []      # (seconds since the beginning, what) in order
        self.happened = []   # the faults that began
        self.mishaps = 0     # faults that could not begin or end as they should
        self.deserters = []  # processes that were found dead, and nobody had killed them
        self.unready = []    # processes that were not ready long after everything was healed
        self.began = time.monotonic()
        self._locks = {name: threading.Lock() for name in (*EVERYBODY, *INFRASTRUCTURE, *PATHS)}

    def note(self, what):
        self.trace.append((time.monotonic() - self.began, what))

    @contextlib.contextmanager
    def holding(self, *names):
        """Nobody else does anything to these as long as this lasts."""
        with contextlib.ExitStack() as held:
            for name in sorted(names):
                if not self._locks[name].acquire(timeout=LOCK_S):
                    raise StackError(f"{name} was not free for {LOCK_S} s")
                held.callback(self._locks[name].release)
            yield

    def expect_alive(self, name):
        if not self.stack.alive(name):
            self.deserters.append(name)
            self.note(f"{name} had ended by itself")

    def patiently(self, call):
        """What is asked of a sandbox that may be down with the database."""
        for _ in range(60):
            with contextlib.suppress(OSError, AssertionError):
                return call()
            time.sleep(0.5)
        raise StackError("the sandbox does not do what it is told")

    def restart(self, name, extra):
        """Stops a process and starts it with these settings, beside those that it has for the whole run."""
        self.stack.restart(name, (self.clocks.settings(name) if self.clocks else {}) | extra)

    def heal(self):
        """Everything is as it should be, whatever went wrong before."""
        for name in (*EVERYBODY, *INFRASTRUCTURE):
            self.stack.resume(name)
        for name in paths.NAMES if self.ways else ():
            self.ways.mend(name)
        if self.clocks:
            self.clocks.set_all_right()
        self.stack.mail.behave()
        for name in INFRASTRUCTURE:
            self.stack.start(name)
        for name in EVERYBODY:
            self.expect_alive(name)
        self.stack.up()
        self.patiently(self.psp.reset)
        for name in EVERYBODY:
            try:
                self.stack.wait_ready(name)
            except StackError as error:
                self.unready.append(name)
                self.note(str(error))


# -- How each begins and ends -----------------------------------------------------------------------------------------


def kill(rig, fault):
    rig.expect_alive(fault.target)
    rig.stack.kill(fault.target)


def start(rig, fault):
    rig.stack.start(fault.target)


def pause(rig, fault):
    rig.expect_alive(fault.target)
    rig.stack.pause(fault.target)


def resume(rig, fault):
    rig.stack.resume(fault.target)


def crash_database(rig, fault):
    """As if the machine had lost power: no checkpoint, and every session ends at once."""
    daemon = rig.stack.daemon("postgres")
    daemon.signal(signal.SIGQUIT)
    daemon.wait_end(20)


def cut_sessions(rig, fault):
    """Ends the sessions of a service, or of all; in the midst of whatever they do."""
    whose = "usename ~ '^(waybill|sandbox)_'" if fault.detail == "all" else f"usename = 'waybill_{fault.detail}'"
    with contextlib.suppress(AssertionError):  # the server may be down just now
        rows("postgres", f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {whose}")


def doom(rig, fault):
    """It will die by itself between two steps, if it comes by there."""
    rig.expect_alive(fault.target)
    with contextlib.suppress(StackError):  # it may come by there before it is ready
        rig.restart(fault.target, {"WAYBILL_TEST_DIE_AT": fault.detail})


def reprieve(rig, fault):
    rig.note(f"{fault.target} {'lived' if rig.stack.alive(fault.target) else 'died'}")
    rig.restart(fault.target, {})


def set_psp_fault(rig, fault):
    mode, delay_ms = (fault.detail.split() + ["0"])[:2]
    for operation in OPERATIONS:
        rig.patiently(lambda: rig.psp.fault(operation, mode, OFTEN, int(delay_ms) or None))


def set_webhooks(rig, fault):
    rig.patiently(lambda: rig.psp.webhooks(fault.detail))


def reset_psp(rig, fault):
    rig.patiently(rig.psp.reset)


def spoil_mail(rig, fault):
    rig.stack.mail.behave(*fault.detail.split())


def mend_mail(rig, fault):
    rig.stack.mail.behave()


def disorder(rig, fault):
    """Both copies get every message twice, and each batch shuffled."""
    for name in copies_of(fault.target):
        rig.restart(name, {"WAYBILL_TEST_DELIVER_TWICE": "1", "WAYBILL_TEST_SHUFFLE": fault.detail})


def order_again(rig, fault):
    for name in copies_of(fault.target):
        rig.restart(name, {})


def slow_path(rig, fault):
    rig.ways.slow(name_of(fault.target), int(fault.detail))


def hush_path(rig, fault):
    rig.ways.hush(name_of(fault.target))


def cut_path(rig, fault):
    rig.ways.cut(name_of(fault.target))


def mend_path(rig, fault):
    rig.ways.mend(name_of(fault.target))


def name_of(path):
    return path.rpartition(" ")[2]


def step_clock(rig, fault):
    """It jumps, before or back, and later jumps again."""
    rig.clocks.step(fault.target, int(fault.detail))


def set_clock_right(rig, fault):
    rig.clocks.step(fault.target, 0)


def roll(rig, fault):
    """One process after the other is stopped and started, as for an upgrade."""
    for name in OURS:
        with rig.holding(name):
            rig.expect_alive(name)
            rig.stack.restart(name)


def nothing(rig, fault):
    pass


# -- The table --------------------------------------------------------------------------------------------------------


def copies_of(service):
    return [name for name in OURS if name.rpartition("-")[0] == service]


def one(fault):
    return [fault.target]


@dataclasses.dataclass(frozen=True)
class Kind:
    """`seconds`: how long it lasts, from ... to; `weight`: how often it comes, compared with others, or 0: at the
    beginning of a run that is long enough, and not again; `held`: the names that nobody else may touch meanwhile."""

    targets: tuple
    seconds: tuple
    begin: Callable
    end: Callable
    details: tuple = ("",)
    weight: int = 1
    held: Callable = one


KINDS = {
    "kill": Kind(EVERYBODY, (0.2, 4), kill, start, weight=3),
    "pause": Kind(EVERYBODY, (0.5, 18), pause, resume, weight=2),
    "death": Kind(tuple(name for service in settings.SERVICES for name in copies_of(service)), (3, 12), doom, reprieve,
                  DEATHS, weight=2),
    "broker_kill": Kind(("kafka",), (0, 6), kill, start),
    "broker_pause": Kind(("kafka",), (1, 15), pause, resume),
    "broker_away": Kind(("kafka",), (OUTAGE_S, OUTAGE_S), kill, start, weight=0),
    "database_crash": Kind(("postgres",), (0, 2), crash_database, start),
    "database_cut": Kind(("postgres",), (0.5, 3), cut_sessions, cut_sessions, ROLES),
    "path_slow": Kind(PATHS, (2, 12), slow_path, mend_path, ("10", "100", "700")),
    "path_hush": Kind(PATHS, (0.3, 18), hush_path, mend_path, weight=2),
    "path_cut": Kind(PATHS, (0.1, 8), cut_path, mend_path),
    "clock": Kind(OURS, (1, 12), step_clock, set_clock_right,
                  tuple(str(seconds) for seconds in (-25 * HOUR_S, -HOUR_S, -20, 20, HOUR_S, 25 * HOUR_S))),
    "psp_slow": Kind(("psp-sandbox",), (4, 12), set_psp_fault, reset_psp, ("slow 1500", "slow 6000")),
    "psp_silent": Kind(("psp-sandbox",), (4, 12), set_psp_fault, reset_psp,
                       (f"time_out_after_doing {SILENT_MS}", "error_500_after", "garbage_after")),
    "psp_webhooks": Kind(("psp-sandbox",), (4, 15), set_webhooks, reset_psp, ("lost", "twice", "late", "shuffled")),
    "mail": Kind(("mail",), (2, 12), spoil_mail, mend_mail, ("refuse 451", "drop", "lose", "delay 8")),
    "mail_pause": Kind(("mail",), (2, 12), pause, resume),
    "disorder": Kind(settings.SERVICES, (3, 10), disorder, order_again, tuple("1234567"),
                     held=lambda fault: copies_of(fault.target)),
    "roll": Kind(("everybody",), (0, 0), roll, nothing, held=lambda fault: []),
}


NEED_PATHS = {"path_slow", "path_hush", "path_cut"}


def play(plan, rig):
    """Lets everything happen that the plan says, each fault in a thread of its own, until the last one is over."""
    rig.began = time.monotonic()
    threads = [threading.Thread(target=_happen, args=(rig, fault)) for fault in plan.faults]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _happen(rig, fault):
    kind = KINDS[fault.kind]
    time.sleep(max(0, rig.began + fault.at - time.monotonic()))
    try:
        with rig.holding(*kind.held(fault)):
            rig.note(f"{fault.kind} {fault.target} {fault.detail}".rstrip())
            rig.happened.append(fault)
            kind.begin(rig, fault)
            time.sleep(fault.lasts)
            kind.end(rig, fault)
            rig.note(f"end of {fault.kind} {fault.target}")
    except (StackError, AssertionError, OSError) as error:
        rig.mishaps += 1
        rig.note(f"{fault.kind} {fault.target} did not go as it should: {error}")
