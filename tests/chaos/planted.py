#!/usr/bin/python3
"""Whether the judge would see a broken product: each patch in planted/ breaks one thing that the product promises, and
a bounded run of chaos on a copy of the tree must be found guilty. A run without a patch must not.

    tests/chaos/planted.py [NAME...] [--unplanted] [--table FILE]

Ends with 0 if the judge was right about each. --unplanted: the same runs without their patches, none of which may be
found guilty, or it is the run that is seen and not the patch. --table: writes what was seen, as a table for the
documentation.
"""

import argparse
import dataclasses
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATCHES = ROOT / "tests/chaos/planted"
VARIANT = "test"
PATIENCE_S = 120  # of a run: what is broken stays so, and is waited for in vain


@dataclasses.dataclass(frozen=True)
class Planted:
    """A patch and the run that shows it: which kinds of faults, for how long, and the seed that draws them."""

    name: str
    kinds: str
    seed: int = 5
    minutes: float = 0.8
    scarce: bool = False  # everybody wants the last pieces

    def arguments(self):
        words = ["--seed", str(self.seed), "--minutes", str(self.minutes), "--faults", self.kinds]
        words += ["--variant", VARIANT, "--patience", str(PATIENCE_S)]
        return words + (["--scarce"] if self.scarce else [])


NOTHING = "nothing"  # no patch
TABLE = (
    Planted(NOTHING, "kill,death,database_cut,psp_silent,disorder", minutes=1),
    Planted("no-dedupe", "disorder"),
    Planted("publish-before-commit", "death,database_cut", minutes=1),
    Planted("outbox-cursor", "pause,kill", minutes=1),
    Planted("moved-before-acknowledged", "broker_kill,broker_pause", minutes=1),
    Planted("stock-without-lock", "mail", scarce=True),
    Planted("key-of-each-try", "psp_silent"),
    Planted("claims-stay", "mail"),
    Planted("position-first", "kill,death,database_cut", minutes=1),
    Planted("timer-without-lock", "mail"),
)


def copy_tree(to):
    """What the repository holds, with what is built of it: as old as it is, so that only the patched is built anew."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, text=True, capture_output=True)
    for name in listed.stdout.split():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, to / name)
    for name in ("build/gen", f"build/{VARIANT}"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, to / name, symlinks=True)
    (to / ".waybill").mkdir()
    (to / ".waybill/cache").symlink_to(ROOT / ".waybill/cache")


def patch(tree, name, *options):
    if name != NOTHING:
        subprocess.run(["git", "apply", "--unsafe-paths", *options, PATCHES / f"{name}.patch"], cwd=tree, check=True)


def build(tree):
    done = subprocess.run(["make", "-j2", f"VARIANT={VARIANT}", "all"], cwd=tree, text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"the patched tree does not build:\n{done.stderr}")


def run(tree, planted):
    """Gives the rules that were broken, or None if there was no verdict."""
    patch(tree, planted.name)
    build(tree)
    done = subprocess.run([tree / "tests/chaos/run.py", *planted.arguments()], cwd=tree, text=True, capture_output=True)
    patch(tree, planted.name, "--reverse")
    if done.returncode not in (0, 1):
        print(done.stdout, done.stderr)
        return None
    for folder in re.findall(r"logs and data stay in (/\S+)", done.stdout):
        shutil.rmtree(folder, ignore_errors=True)
    return re.findall(r"^NOT TRUE: (.*) \(\d+\)$", done.stdout, re.MULTILINE)


def is_right(planted, rules):
    return rules is not None and (rules == []) == (planted.name == NOTHING)


def unplanted(chosen):
    """The same runs without their patches, each of them once."""
    return list(dict.fromkeys(dataclasses.replace(planted, name=NOTHING) for planted in chosen))


def row(planted, rules):
    seen = "no verdict" if rules is None else "; ".join(rules) or "nothing"
    faults = planted.kinds.replace(",", ", ") + (" (everybody wants the last pieces)" if planted.scarce else "")
    return f"| {planted.name} | {planted.seed} | {planted.minutes:g} | {faults} | {seen} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="some of them (default: all)")
    parser.add_argument("--table", type=Path, help="write the table to this file")
    parser.add_argument("--unplanted", action="store_true", help="the same runs without the patches must be clean")
    options = parser.parse_args()
    unknown = set(options.names) - {planted.name for planted in TABLE}
    if unknown:
        parser.error(f"nothing planted of that name: {', '.join(sorted(unknown))}")
    chosen = [planted for planted in TABLE if not options.names or planted.name in options.names]
    if options.unplanted:
        chosen = unplanted(chosen)
    lines = ["| planted | seed | minutes | faults | what was not true |", "|---|---|---|---|---|"]
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="waybill-planted-", dir="/var/tmp") as folder:
        tree = Path(folder)
        tree.chmod(0o755)  # the stack runs as another user
        copy_tree(tree)
        for planted in chosen:
            rules = run(tree, planted)
            lines.append(row(planted, rules))
            print(lines[-1], "" if is_right(planted, rules) else "  WRONG", flush=True)
            wrong += not is_right(planted, rules)
    if options.table:
        options.table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(chosen) - wrong} of {len(chosen)} judged rightly")
    return 1 if wrong or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
