#!/usr/bin/env python3
"""Tests of tools/lint-layers.sh: a small tree that is clean, and each way of spoiling it, which must be seen."""

import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

CLEAN = {
    "ARCHITECTURE.md": "| level | modules |\n|---|---|\n| 0 | arena, text |\n| 1 | json (yajl), event |\n"
                       "| 2 | pg (libpq), http |\n| 3 | uow, outbox |\n| 4 | service, http.c (ulfius) |\n",
    "common/arena.h": "struct arena;\n",
    "common/text.c": '#include "arena.h"\n#include <string.h>\n',
    "common/json_parse.c": '#include "text.h"\n#include <yajl/yajl_parse.h>\n',
    "common/text.h": "int text_equal(const char *a, const char *b);\n",
    "common/json.h": '#include "arena.h"\n',
    "common/event.h": '#include "arena.h"\n',
    "common/http.h": '#include "json.h"\n',
    "common/http.c": '#include "service.h"\n#include <ulfius.h>\n',
    "common/uow.h": '#include "http.h"\n#include "event.h"\n',
    "common/uow.c": '#include "uow.h"\n#include "service.h"\n#include "common/queries.h"\n',
    "common/pg_inside.h": '#include "uow.h"\n#include <libpq-fe.h>\n',
    "common/service.h": '#include "uow.h"\n',
    "services/order/order.h": '#include "event.h"\n#include "proto/order.h"\n',
    "services/order/order.c": '#include "order.h"\n/* may not be a float, nor SELECT "a" or more: double */\n'
                              'const char *a = "a double room"; int float_like;\n',
    "services/order/store.c": '#include "order.h"\n#include "order/queries.h"\n#include "uow.h"\n'
                              'int select_it(void)\n{\n    return 1;\n}\n',
    "services/cart/cart.c": '#include "text.h"\n',
    "deploy/sandbox/psp/psp.c": '#include "psp-sandbox/queries.h"\n#include "service.h"\n',
    "tools/audit/main.c": '#include "audit/queries.h"\n',
}


class LintLayersTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        for name, text in CLEAN.items():
            self.write(name, text)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def lint(self):
        """Exit status and complaints."""
        done = subprocess.run([os.path.join(ROOT, "tools", "lint-layers.sh"), self.folder.name],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def assert_seen(self, name, text, complaint):
        """With this file instead of the clean one (or new), exactly this is said."""
        self.write(name, CLEAN.get(name, "") + text)
        status, output = self.lint()
        self.assertEqual(output, complaint + "\n")
        self.assertEqual(status, 1)

    def test_a_clean_tree_has_no_complaints(self):
        self.assertEqual(self.lint(), (0, ""))

    def test_an_include_to_the_right(self):
        self.assert_seen("common/json.h", '#include "uow.h"\n',
                         "common/json.h:2: is of level 1 and includes uow.h of level 3")

    def test_a_family_has_the_level_of_its_name(self):
        self.assert_seen("common/json_parse.c", '#include "http.h"\n',
                         "common/json_parse.c:3: is of level 1 and includes http.h of level 2")

    def test_struct_service_is_for_code_and_not_for_headers(self):
        self.assert_seen("common/uow.h", '#include "service.h"\n',
                         "common/uow.h:3: is of level 3 and includes service.h of level 4")

    def test_statements_are_not_for_the_lower_levels(self):
        self.assert_seen("common/text.c", '#include "common/queries.h"\n',
                         "common/text.c:3: is of level 0 and includes common/queries.h of level 2")

    def test_a_module_without_a_level(self):
        self.assert_seen("common/new_thing.c", "int x;\n", "common/new_thing.c:1: has no level in ARCHITECTURE.md")

    def test_common_does_not_know_services(self):
        self.assert_seen("common/uow.c", '#include "order/queries.h"\n',
                         "common/uow.c:4: includes order/queries.h, which is not of common/")

    def test_services_do_not_know_each_other(self):
        self.assert_seen("services/cart/cart.c", '#include "../order/order.h"\n',
                         "services/cart/cart.c:2: includes ../order/order.h of another folder")

    def test_nor_each_others_statements(self):
        self.assert_seen("services/cart/store.c", '#include "order/queries.h"\n',
                         "services/cart/store.c:1: includes order/queries.h of another folder")

    def test_nor_each_others_headers_by_their_short_names(self):
        self.assert_seen("services/cart/cart.c", '#include "order.h"\n',
                         "services/cart/cart.c:2: includes order.h, which is neither here nor in common/")

    def test_a_name_that_is_here_and_in_common(self):
        self.write("services/cart/text.h", "")
        self.assert_seen("services/cart/store.c", '#include "text.h"\n',
                         "services/cart/cart.c:1: includes text.h, which is here and in common/\n"
                         "services/cart/store.c:1: includes text.h, which is here and in common/")

    def test_what_is_private_to_common(self):
        self.assert_seen("services/order/store.c", '#include "pg_inside.h"\n',
                         "services/order/store.c:8: includes pg_inside.h, which is private to common/")

    def test_a_decision_that_sees_the_database(self):
        self.assert_seen("services/order/order.c", '#include "uow.h"\n',
                         "services/order/order.c:4: decides, and includes uow.h of level 3")

    def test_a_table_of_moves_that_sees_the_database(self):
        self.assert_seen("services/order/order_fsm.c", '#include "pg.h"\n',
                         "services/order/order_fsm.c:1: includes pg.h, which is neither here nor in common/\n"
                         "services/order/order_fsm.c:1: decides, and includes pg.h of level 2")

    def test_a_library_in_a_wrong_place(self):
        self.assert_seen("services/order/store.c", "#include <libpq-fe.h>\n",
                         "services/order/store.c:8: includes <libpq-fe.h>, which only common/pg_inside.h "
                         "common/migrate.c may")

    def test_a_library_nobody_knows(self):
        self.assert_seen("common/text.c", "#include <glib.h>\n",
                         "common/text.c:3: includes <glib.h>, a library that is not on the list")

    def test_sql_in_code(self):
        for number, sql in enumerate(["SELECT 1", "INSERT INTO a VALUES (1)", "DELETE FROM a", "UPDATE a SET b = 1"]):
            with self.subTest(sql):
                self.assert_seen("services/order/store.c", f'const char *a{number} = "{sql}";\n',
                                 "services/order/store.c:8: has SQL outside of queries.sql")

    def test_a_floating_point_number(self):
        for kind in ("float", "double"):
            with self.subTest(kind):
                self.assert_seen("services/order/order.c", f"static {kind} price;\n",
                                 f"services/order/order.c:4: has a {kind} near money")

    def test_a_file_that_is_too_long(self):
        self.assert_seen("services/cart/cart.c", "int x;\n" * 500, "services/cart/cart.c:1: has 501 lines, more than 500")

    def test_the_last_file_of_all_too(self):
        self.assert_seen("tools/zzz.py", "x = 1\n" * 501, "tools/zzz.py:1: has 501 lines, more than 500")

    def test_a_function_that_is_too_long(self):
        body = "    x++;\n" * 67
        self.write("services/order/store.c", f"int f(int x)\n{{\n{body}}}\n\nint g(int x)\n{{\n{body}}}\n")
        self.assertEqual(self.lint(), (0, ""))
        self.assert_seen("services/cart/store.c", f"int f(int x)\n{{\n{body}}}\n\nint g(int x)\n{{\n{body}    x++;\n}}\n",
                         "services/cart/store.c:72: is a function of 71 lines, more than 70")


if __name__ == "__main__":
    unittest.main()
