"""What the tests of the saga's model need: the moves of the code and of the model, and Spin."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/saga"

# The machines that are modelled: their tables, and what the names of their states begin with there.
MACHINES = {
    "checkout": ("services/checkout/checkout_fsm.c", ""),
    "intent": ("services/payment/intent_fsm.c", "INTENT_"),
    "cart": ("services/cart/cart_fsm.c", "CART_"),
    "hold": ("services/fulfilment/hold.c", "HOLD_"),
}
OUTCOMES = {"FSM_ACT": "ACT", "FSM_WORK_ITEM": "CALL"}  # what is ignored is not a move

TABLE = re.compile(r"struct fsm_edge edges\[\] = \{\n(.*?)\n\};", re.DOTALL)
ROW = re.compile(r'\{ *(\w+), *(\w+), *(\w+), *(\w+), *(\w+), *"[^"]*" *\}')
MOVE = re.compile(r"^(?:ACT|CALL)\(.*\)$", re.MULTILINE)
NOT_MODELLED = re.compile(r"not modelled: ([\w\s,*]*)")


def condition(guards):
    """When a row counts: the first one that matches wins, so those above it, of the same state and event, must not."""
    *above, own = guards
    terms = [f"!{guard}" for guard in above] + ([own] if own != "NULL" else [])
    return " && ".join(terms) or "true"


def moves_of_code(machine, root=ROOT):
    """What the table in the code makes happen, as the model writes it: set of (event, line)."""
    path, prefix = MACHINES[machine]
    table = TABLE.search((root / path).read_text(encoding="utf-8")).group(1)
    rows = ROW.findall(table)
    assert len(rows) == table.count("{"), f"{path}: a row that we can't read"
    moves, guards = set(), {}
    for state, event, outcome, to, guard, in rows:
        above = guards.setdefault((state, event), [])
        above.append(guard)
        if outcome in OUTCOMES:
            moves.add((event, f"{OUTCOMES[outcome]}({state.removeprefix(prefix)}, {event}, "
                              f"{to.removeprefix(prefix)}, {condition(above)})"))
    return moves


def moves_of_model(machine, folder=MODEL):
    """What the model lists, and the events that it leaves out."""
    text = (folder / f"{machine}.moves").read_text(encoding="utf-8")
    left_out = NOT_MODELLED.search(text)
    return set(MOVE.findall(text)), set(re.findall(r"\w+", left_out.group(1))) if left_out else set()


def differences(machine, root=ROOT, folder=MODEL):
    """One line for each move that only the code or only the model has."""
    modelled, left_out = moves_of_model(machine, folder)
    real = {line for event, line in moves_of_code(machine, root) if event not in left_out}
    return ([f"{machine}: only in the code: {line}" for line in sorted(real - modelled)] +
            [f"{machine}: only in the model: {line}" for line in sorted(modelled - real)])


# -- Spin -------------------------------------------------------------------------------------------------------------


def verify(folder, flags, place):
    """Searches every state of the model in a folder. Returns (states, marks reached, properties broken, all output)."""
    commands = (["spin", "-a", *(f"-D{name}={value}" for name, value in flags.items()), folder / "saga.pml"],
                ["gcc", "-O0", "-w", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=2000", "-DVECTORSZ=2048", "-o", "pan",
                 "pan.c"],
                ["./pan", "-n", "-m200000"])
    for command in commands:
        run = subprocess.run([str(part) for part in command], cwd=place, text=True, errors="replace", timeout=200,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if run.returncode != 0:
            raise RuntimeError(f"{command[0]}: {run.stdout}")
    output = run.stdout
    states = re.search(r"^ *(\d+) states, stored", output, re.MULTILINE)
    is_complete = states and "max search depth too small" not in output and "Search not completed" not in output
    broken = set(re.findall(r"broken: (\w+)", output))
    if not broken and (not is_complete or "errors: 0" not in output):
        raise RuntimeError(output)
    return int(states.group(1)), set(re.findall(r"reached: (\w+)", output)), broken, output
