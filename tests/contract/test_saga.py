#!/usr/bin/env python3
"""The placement saga: its model keeps its promises, and moves as the services do."""

import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import saga

# What is searched, and the ends that each search must see, so that what it proves is not empty.
ALWAYS = {"paid", "given_up_and_voided", "given_up_and_page_closed"}
SEARCHES = {
    "rival": ({}, ALWAYS | {"paid_at_second_try", "switched_and_first_voided", "first_has_it", "rival_has_it",
                            "neither_has_it"}),
    "plenty": ({"STOCK": 2, "INTENTS": 1, "LOST": 0}, ALWAYS | {"both_have_it"}),
    "money": ({"RIVAL": 0, "OFFLINE": 1, "AT_ONCE": 1, "LOST": 2},
              ALWAYS | {"promised_offline", "given_up_and_given_back", "switched_and_first_voided"}),
    "again": ({"RIVAL": 0, "PLACEMENTS": 2, "CHANGES": 1, "AT_ONCE": 1}, ALWAYS | {"placed_again", "changed_cart"}),
    "impatient": ({"RIVAL": 0, "PLACEMENTS": 2, "PATIENT": 0}, ALWAYS | {"placed_again", "claims_went_first"}),
    "restored": ({"RIVAL": 0, "PLACEMENTS": 2, "TWICE": 1, "LATE": 1, "CANCELS": 0}, ALWAYS | {"placed_again"}),
}

# What goes wrong when a rule is taken away: file, what it says, what it says instead, the search, what must break.
MUTATIONS = {
    "releases are forgotten": (
        "rules.h", "((n) <= (dead) || (n) < (claim))", "((n) < (claim))", "restored", "S5"),
    "payment is asked before both claims are granted": (
        "checkout.moves", "ACT(CLAIMING, ON_CART_LOCKED, PAYING, stock_is_held)",
        "ACT(CLAIMING, ON_CART_LOCKED, PAYING, true)", "again", "S8"),
    "a promise that crosses with the closing is not voided": (
        "intent.moves", "ACT(CLOSING, ON_AUTHORIZED, VOIDING, true)",
        "ACT(CLOSING, ON_AUTHORIZED, CLOSED, true)", "again", "S3"),
    "completed twice makes two orders": ("money.pml", ":: orders[k] == 0 ->", ":: true ->", "restored", "S1"),
    "claims go before the money is sure": (
        "checkout.moves", "ACT(PAYING, ON_DEADLINE, CLOSING, true)", "ACT(PAYING, ON_DEADLINE, FAILED, true)", "again",
        "S"),
    "another method is asked before the first is closed": (
        "checkout.moves", "ACT(ACTION, ON_PAY, SWITCHING, !is_same_method && may_switch)",
        "ACT(ACTION, ON_PAY, PAYING, !is_same_method && may_switch)", "money", "S7"),
    "a promise counts while its intent is being closed": (
        "checkout.moves", "ACT(SWITCHING, ON_DEADLINE, CLOSING, true)",
        "ACT(SWITCHING, ON_DEADLINE, CLOSING, true)\nACT(SWITCHING, ON_AUTHORIZED, COMPLETED, true)", "money", "S4"),
    "a call that left is taken for one that never did": (
        "money.pml", "money[i] == IN_CLOSING && !is_sent[i] ->", "money[i] == IN_CLOSING ->", "again", "S8"),
}

CLAIMS = """
#include <stdio.h>
#include "claim.h"
#include "%s"
int main(void)
{
    for (int claim = 0; claim < 5; claim++)
        for (int dead = 0; dead < 5; dead++)
            for (int n = 1; n < 6; n++) {
                const struct claim real = {claim, dead};
                const enum claim_event asked = CLAIM_IS_STALE(claim, dead, n) ? ON_CLAIM_STALE
                    : CLAIM_IS_SAME(claim, dead, n) ? ON_CLAIM_SAME : ON_CLAIM_NEW;
                const enum claim_event released =
                    RELEASE_IS_STALE(claim, dead, n) ? ON_RELEASE_STALE : ON_RELEASE;
                if (claim_asked(real, n) != asked || claim_released(real, n) != released)
                    printf("claim %%d, dead %%d, placement %%d\\n", claim, dead, n);
            }
    return 0;
}
"""


class SagaTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name)

    def copy_of_model(self, name, said, instead):
        folder = self.place / "model"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(saga.MODEL, folder)
        text = (folder / name).read_text(encoding="utf-8")
        self.assertEqual(text.count(said), 1, said)
        (folder / name).write_text(text.replace(said, instead), encoding="utf-8")
        return folder

    def differences_of_claims(self, rules):
        source, program = self.place / "claims.c", self.place / "claims"
        source.write_text(CLAIMS % rules, encoding="utf-8")
        subprocess.run(["gcc", "-o", program, source, saga.ROOT / "common/claim.c", "-I", saga.ROOT / "common"],
                       check=True)
        return subprocess.run([program], check=True, text=True, stdout=subprocess.PIPE).stdout

    def test_the_model_keeps_its_promises(self):
        for name, (flags, marks) in SEARCHES.items():
            with self.subTest(name):
                began = time.monotonic()
                states, reached, broken, output = saga.verify(saga.MODEL, flags, self.place)
                print(f"{name}: {states} states, {time.monotonic() - began:.1f} s", flush=True)
                self.assertEqual(broken, set(), output)
                self.assertEqual(marks - reached, set(), "ends that were not reached")

    def test_a_rule_that_is_taken_away_is_missed(self):
        for name, (file, said, instead, search, breaks) in MUTATIONS.items():
            with self.subTest(name):
                folder = self.copy_of_model(file, said, instead)
                _, _, broken, output = saga.verify(folder, SEARCHES[search][0], self.place)
                print(f"{name}: {', '.join(broken)}", flush=True)
                self.assertTrue(any(one.startswith(breaks) for one in broken), output)

    def test_the_model_moves_as_the_services_do(self):
        for machine in saga.MACHINES:
            with self.subTest(machine):
                self.assertEqual(saga.differences(machine), [])

    def test_a_move_that_only_one_of_them_has_is_named(self):
        for machine, (path, _) in saga.MACHINES.items():
            with self.subTest(machine):
                move = min(saga.moves_of_model(machine)[0])
                folder = self.copy_of_model(f"{machine}.moves", move, "")
                self.assertEqual(saga.differences(machine, folder=folder), [f"{machine}: only in the code: {move}"])

                (self.place / path).parent.mkdir(parents=True, exist_ok=True)
                code = (saga.ROOT / path).read_text(encoding="utf-8")
                changed = self.place / path
                changed.write_text(code.replace("FSM_ACT", "FSM_IGNORE", 1), encoding="utf-8")
                found = saga.differences(machine, root=self.place)
                self.assertEqual(len(found), 1, found)
                self.assertIn("only in the model: ACT(", found[0])

    def test_claims_count_as_in_the_code(self):
        self.assertEqual(self.differences_of_claims(saga.MODEL / "rules.h"), "")

    def test_a_claim_that_counts_elsewhere_is_named(self):
        folder = self.copy_of_model("rules.h", "((n) <= (dead) || (n) < (claim))", "((n) < (claim))")
        self.assertIn("claim 0, dead 1, placement 1", self.differences_of_claims(folder / "rules.h"))


if __name__ == "__main__":
    unittest.main()
