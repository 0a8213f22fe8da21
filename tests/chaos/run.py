#!/usr/bin/python3
"""Faults, people and a judge: a stack of its own with two copies of everything, shoppers who buy in every way and staff
who send and cancel while a seed's plan of faults happens, and a judge over what is left when all is quiet.

    tests/chaos/run.py [--seed N] [--minutes 2] [--faults kill,pause] [--variant test] [--keep]
    tests/chaos/run.py --control [--variant test]

Ends with 0 if nothing is wrong, 1 if the judge found something, 2 if the run itself went wrong. --control: no faults,
but services without dedupe that get every message twice, and more that is broken by hand; it ends with 0 if the judge
sees all of that. The folder of the stack stays when something was found, and with --keep.
"""

import argparse
import concurrent.futures
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / part) for part in ("tests/chaos", "tests/journeys", "tests", "deploy/local")]
sys.dont_write_bytecode = True

import control
import evidence
import faults
import judge
import plan as plans
import report
from clocks import Clocks
from paths import Paths
from stack import Stack

SHOPPERS = 6
# Placements end within the run: whoever leaves without paying is waited for so long.
CHECKOUT = {"WAYBILL_PLACEMENT_DEADLINE_S": "30", "WAYBILL_PLACEMENT_MAX_S": "90", "WAYBILL_UNKNOWN_MAX_S": "60"}
BROKEN = {"WAYBILL_TEST_NO_DEDUPE": "1", "WAYBILL_TEST_DELIVER_TWICE": "1"}
# Until the last placement has ended (its maximum, what closing takes, and a lease), and then until the books agree (a
# call that was interrupted is made again when its lease has ended): seconds for each.
PATIENCE_S = 200
CONTROL_MINUTES = 0.4
CONTROL_WAIT_S = 30


def begin_stack(folder, plan, options, ending):
    """Starts everything, and makes it the stack that the journeys' people know. Gives it in the hands of the faults."""
    stack = Stack(folder, copies=faults.COPIES, variant=options.variant)
    ways = clocks = None
    if faults.NEED_PATHS & set(plan.kinds):
        ways = Paths(stack)
        ending.callback(ways.stop)
        stack.extra |= ways.settings(stack)
    if "clock" in plan.kinds:
        clocks = Clocks(stack, faults.OURS)
        stack.extra |= {name: clocks.settings(name) for name in faults.OURS}
    if options.control:
        stack.extra["*"] = BROKEN
    elif plan.disturbed:
        stack.extra["*"] = {"WAYBILL_TEST_DELIVER_TWICE": "1", "WAYBILL_TEST_SHUFFLE": str(plan.disturbed)}
    stack.extra["checkout"] = stack.extra.get("checkout", {}) | CHECKOUT
    ending.callback(stack.down)
    stack.up()
    os.environ["WAYBILL_TEST_STATE"] = str(folder)
    import support
    return faults.Rig(support.stack(), ways, clocks)


def shop(rig, plan, options):
    """Shoppers, staff and faults until all are over and everything is healed. Gives the crowd and the desk."""
    from desk import Desk
    from shoppers import Crowd
    crowd = Crowd(SHOPPERS, options.scarce)
    desk = Desk(crowd)
    over = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        shopping, working = pool.submit(crowd.shop_until, over), pool.submit(desk.work_until, over)
        try:
            end = time.monotonic() + plan.minutes * 60
            faults.play(plan, rig)
            time.sleep(max(0, end - time.monotonic()))
            rig.heal()
        finally:
            over.set()
        shopping.result()
        working.result()
    say(f"healed after {time.monotonic() - rig.began:.0f} s; waiting for quiet")
    return crowd, desk


def run(rig, plan, options):
    """One run. Gives the exit status."""
    stack = rig.stack
    crowd, desk = shop(rig, plan, options)
    evidence.wait_for_ends(options.patience)
    found = evidence.collect(stack, crowd, desk, options.patience)
    found.unknown_max_s = int(CHECKOUT["WAYBILL_UNKNOWN_MAX_S"])
    evidence.look_back(found, stack, rig, stack.down())
    findings = judge.judge(found)
    say("\n".join([report.course(rig), report.counts(found, rig), report.verdict(found, findings)]))
    return 1 if findings else 0


def run_control(rig, plan, options):
    """The same without faults and without dedupe; then more is broken by hand. Gives 0 if the judge saw all of it."""
    stack = rig.stack
    crowd, desk = shop(rig, plan, options)
    evidence.wait_for_ends(CONTROL_WAIT_S)
    findings = judge.judge(evidence.collect(stack, crowd, desk, CONTROL_WAIT_S))
    say(f"without dedupe: {', '.join(sorted({finding.rule for finding in findings})) or 'nothing was seen'}")

    control.spoil(stack, crowd, rig)
    spoiled = evidence.collect(stack, crowd, desk, 0)
    evidence.look_back(spoiled, stack, rig, stack.down())
    unseen = control.EXPECTED - {finding.rule for finding in judge.judge(spoiled)}
    say(f"broken by hand: {len(control.EXPECTED) - len(unseen)} of {len(control.EXPECTED)} rules saw it")
    for rule in sorted(unseen):
        say(f"NOT SEEN: {rule}")
    return 1 if unseen or not findings else 0


def say(text):
    print(text, flush=True)


def options_from_command_line():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, help="draws the plan (default: a new one)")
    parser.add_argument("--minutes", type=float, default=2, help="how long things go wrong (default: 2)")
    parser.add_argument("--faults", default="", help=f"some of {','.join(faults.KINDS)} (default: all)")
    parser.add_argument("--variant", default="test", choices=("test", "san"), help="which build (default: test)")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the stack")
    parser.add_argument("--patience", type=int, default=PATIENCE_S, help="seconds to wait for the last placement, and "
                        f"again for the books to agree (default: {PATIENCE_S})")
    parser.add_argument("--scarce", action="store_true", help="everybody wants the last pieces")
    parser.add_argument("--control", action="store_true", help="see the judge find what is broken on purpose")
    options = parser.parse_args()
    options.kinds = options.faults.split(",") if options.faults else list(faults.KINDS)
    unknown = set(options.kinds) - set(faults.KINDS)
    if unknown:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; there are: {', '.join(faults.KINDS)}")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1, 1_000_000)
    return options


def draw_plan(options):
    if options.control:
        return plans.Plan(options.seed, CONTROL_MINUTES, (), 0, ())
    return plans.draw(options.seed, options.minutes, {name: faults.KINDS[name] for name in options.kinds})


def main():
    options = options_from_command_line()
    plan = draw_plan(options)
    if not options.control:
        say(report.head(plan, options.variant))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that the stack is stopped
    folder = Path(tempfile.mkdtemp(prefix="waybill-chaos-", dir=os.environ.get("TMPDIR", "/var/tmp")))
    status = 2
    try:
        with contextlib.ExitStack() as ending:
            rig = begin_stack(folder, plan, options, ending)
            status = (run_control if options.control else run)(rig, plan, options)
    except Exception:  # whatever it is, it is no verdict
        traceback.print_exc()
        say("the run went wrong")
    finally:
        if options.keep or status:
            say(f"logs and data stay in {folder}")
        else:
            shutil.rmtree(folder)
    return status


if __name__ == "__main__":
    sys.exit(main())
