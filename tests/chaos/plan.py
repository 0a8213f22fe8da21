"""What goes wrong in a run, and when: drawn from a seed alone, so that the same seed, minutes and kinds give the same
plan on any machine.

The first half of a plan has one fault at a time, each kind in turn; in the second half they overlap. What comes only
once comes first, if the first half has room for it.
"""

import dataclasses
import random

QUIET_AT_FIRST = 3  # seconds
QUIET_AT_LAST = 5


@dataclasses.dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, `at` so many seconds after the beginning, for `lasts` seconds."""

    at: float
    kind: str
    target: str
    lasts: float
    detail: str = ""

    def __str__(self):
        what = " ".join(filter(None, (self.kind, self.target, self.detail)))
        return f"{self.at:6.1f} s  {what}" + (f", {self.lasts:.1f} s" if self.lasts else "")


@dataclasses.dataclass(frozen=True)
class Plan:
    """`disturbed`: all the time every message comes twice and each batch is shuffled, by this number; 0: none."""

    seed: int
    minutes: float
    kinds: tuple
    disturbed: int
    faults: tuple

    def __str__(self):
        head = "messages: " + (f"each twice and shuffled ({self.disturbed}) all the time" if self.disturbed else
                               "as the broker has them, unless a fault says otherwise")
        return "\n".join([head, *map(str, self.faults)])


def draw(seed, minutes, kinds):
    """The plan of a seed. `kinds`: the table of faults (faults.KINDS), or some of it."""
    chance = random.Random(seed)
    disturbed = chance.randrange(1, 1000) if "disorder" in kinds and chance.random() < 0.5 else 0
    end = minutes * 60 - QUIET_AT_LAST
    faults, at = [], float(QUIET_AT_FIRST)
    deck = [name for name in sorted(kinds) if kinds[name].weight == 0 and kinds[name].seconds[1] < end / 2]
    usual = {name: kind for name, kind in kinds.items() if kind.weight > 0}
    while deck or usual:
        deck = deck or _shuffled(chance, usual)
        fault = _deal(chance, at, deck.pop(), kinds)
        if fault.at + fault.lasts > end:
            break
        faults.append(fault)
        alone = at < end / 2
        at += chance.uniform(1, 3.5) + (fault.lasts if alone else 0)
    return Plan(seed, minutes, tuple(sorted(kinds)), disturbed, tuple(faults))


def _shuffled(chance, kinds):
    """All kinds, in any order; the likelier ones several times."""
    deck = [name for name in sorted(kinds) for _ in range(kinds[name].weight)]
    chance.shuffle(deck)
    return deck


def _deal(chance, at, name, kinds):
    kind = kinds[name]
    short, long = kind.seconds
    # Mostly short, now and then as long as it may be: long enough for a session or a lease to end.
    lasts = short + (long - short) * chance.random() ** 2
    return Fault(round(at, 1), name, chance.choice(kind.targets), round(lasts, 1), chance.choice(kind.details))
