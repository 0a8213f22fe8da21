#!/usr/bin/env python3
"""Tests of tools/sqlgen.py: what it makes of good SQL, and the words with which it refuses the rest."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class SqlgenTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, *names):
        return os.path.join(self.folder.name, *names)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def run_sqlgen(self, unit="order"):
        return subprocess.run([sys.executable, os.path.join(ROOT, "tools", "sqlgen.py"), self.path("queries.sql"),
                               self.path("schema"), "-o", self.path("gen", unit)],
                              capture_output=True, text=True, check=False)

    def generate(self, sql=None, unit="order"):
        """Runs the generator; gives back queries.h, queries.c, schema.c."""
        if sql is not None:
            self.write("queries.sql", sql)
        done = self.run_sqlgen(unit)
        self.assertEqual(done.returncode, 0, done.stderr)
        texts = []
        for name in ("queries.h", "queries.c", "schema.c"):
            with open(self.path("gen", unit, name), encoding="utf-8") as file:
                texts.append(file.read())
        return texts

    def assert_refused(self, sql, line, *words):
        self.write("queries.sql", sql)
        done = self.run_sqlgen()
        self.assertEqual(done.returncode, 1, "was accepted")
        self.assertTrue(done.stderr.startswith(f"{self.path('queries.sql')}:{line}: "), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertFalse(os.path.exists(self.path("gen")), "wrote something in spite of the mistake")

    def assert_compiles(self, unit="order", more=""):
        self.write(f"gen/{unit}/use.c", f'#include "queries.h"\n{more}\nint main(void) {{ return 0; }}\n')
        for name in ("queries.c", "schema.c", "use.c"):
            done = subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I",
                                   os.path.join(ROOT, "common"), self.path("gen", unit, name)],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    # -- What it makes of good SQL

    def test_a_statement_becomes_a_struct_and_an_object(self):
        header, source, _ = self.generate("""-- name: order_set_state :one_row
-- Moves only if nobody moved it first.
UPDATE orders SET state = :to::text WHERE id = :id::uuid AND version = :version::bigint;
""")
        self.assertIn("struct Q_order_set_state {\n    const char *to;\n    const char *id;\n    int64_t version;\n};",
                      header)
        self.assertIn("Moves only if nobody moved it first.", header)
        self.assertIn("extern const struct query Q_order_set_state;", header)
        self.assertIn("state = $1::text WHERE id = $2::uuid AND version = $3::bigint", source)
        self.assertIn(".kind = QUERY_ONE_ROW", source)
        self.assertIn('{ "version", PARAM_INT, offsetof(struct Q_order_set_state, version) }', source)
        self.assertIn("&Q_order_set_state,\n    NULL,", source)
        self.assert_compiles(more="const struct Q_order_set_state a = { .to = \"paid\", .version = 1 };")

    def test_every_type_has_its_c_type(self):
        header, _, _ = self.generate("""-- name: all :exec
SELECT :a::text, :b::uuid, :c::jsonb, :d::date, :e::bigint, :f::int, :g::boolean, :h::timestamptz, :i::text[],
       :j::uuid[], :k::bigint[];
""")
        for member in ("const char *a;", "const char *b;", "const char *c;", "const char *d;", "int64_t e;",
                       "int64_t f;", "bool g;", "int64_t h;", "struct texts i;", "struct texts j;", "struct ints k;"):
            self.assertIn(member, header)
        self.assert_compiles()

    def test_a_repeated_parameter_has_one_number_and_needs_no_second_cast(self):
        _, source, _ = self.generate("-- name: a :exec\nSELECT :x::text, :y::int, :x, :x::uuid;\n")
        self.assertIn("SELECT $1::text, $2::int, $1, $1::uuid", source)

    def test_strings_comments_and_casts_are_left_alone(self):
        _, source, _ = self.generate("""-- name: a :exec
SELECT ':x', "a:b", 'it''s :y', E'\\':z', $$ :q $$, $t$ :r; $t$, now()::text, '\\', :p::text -- not :here
     /* nor :there */, array_agg(1)[1:2];
""")
        for text in ("':x'", "a:b", ":y", ":z", " :q ", " :r; ", "now()::text", "$1::text", ":here", ":there", "[1:2]"):
            self.assertIn(text, source)
        self.assertEqual(source.count("PARAM_TEXT"), 1)

    def test_without_parameters_the_struct_has_a_filler(self):
        header, source, _ = self.generate("-- name: ping :exec\nSELECT 1;\n")
        self.assertIn("struct Q_ping {\n    char none_;\n};", header)
        self.assertNotIn("param_count", source)
        self.assert_compiles()

    def test_a_list_may_say_why_it_is_unlimited(self):
        self.generate("-- name: a :many\n-- unlimited: there are seven\nSELECT x FROM y;\n")
        self.generate("-- name: a :many\nSELECT x FROM y -- unlimited: there are seven\n;\n")
        self.generate("-- name: a :many\nSELECT x FROM y LIMIT :n::int;\n")

    def test_stars_that_are_no_columns_are_fine(self):
        self.generate("-- name: a :one\nSELECT count(*), 2 * 3, :x::int * 2 FROM y;\n")

    def test_a_statement_may_ask_for_a_plan_at_each_call(self):
        header, source, _ = self.generate("""-- name: a :many
-- plan: each time
SELECT x FROM y WHERE :z::text IS NULL OR z = :z LIMIT 1;

-- name: b :many
-- Kept.
SELECT x FROM y LIMIT 1;
""")
        self.assertEqual(source.count(".plans_each_time = true"), 1)
        self.assertLess(source.index(".plans_each_time"), source.index("Q_b = {"))
        self.assertIn("plan: each time", header)
        self.assert_compiles()

    def test_text_around_statements_may_only_be_comments(self):
        header, _, _ = self.generate("""-- The statements of order.

-- name: a :exec
SELECT 1;

-- == The next chapter ==

-- name: b :exec
SELECT 2;
""")
        self.assertNotIn("chapter", header)

    def test_nothing_gives_empty_lists(self):
        header, source, schema = self.generate(unit="cart-sandbox")
        self.assertIn("extern const struct query *const cart_sandbox_queries[];", header)
        self.assertIn("cart_sandbox_queries[] = {\n    NULL,\n};", source)
        self.assertIn("cart_sandbox_migrations[] = {\n    { .name = NULL },\n};", schema)
        self.assert_compiles("cart-sandbox")

    def test_migrations_carry_their_checksum_and_text(self):
        self.write("schema/0001_orders.sql", "CREATE TABLE a (b text DEFAULT '\"\\?é');\n")
        self.write("schema/0002_more.sql", "SELECT 1;\nSELECT 2;\n")
        header, _, schema = self.generate("")
        self.assertIn("extern const struct migration order_migrations[];", header)
        self.assertIn(f'.number = 1, .name = "0001_orders.sql", .sha256 = "{self.sha256("schema/0001_orders.sql")}"',
                      schema)
        self.assertIn(r"\"\\\?\303\251", schema)
        self.assertIn('"SELECT 1;\\n"\n        "SELECT 2;\\n" },', schema)
        self.assert_compiles()

    def sha256(self, name):
        done = subprocess.run(["sha256sum", self.path(name)], capture_output=True, text=True, check=True)
        return done.stdout.split()[0]

    # -- What it refuses

    def test_a_parameter_without_a_type_is_refused(self):
        self.assert_refused("-- name: a :exec\n\nSELECT 1\n WHERE :x;\n", 4, "first use of :x needs a type")

    def test_a_type_on_the_second_use_comes_too_late(self):
        self.assert_refused("-- name: a :exec\nSELECT :x, :x::text;\n", 2, "first use of :x needs a type")

    def test_an_unknown_type_is_refused(self):
        self.assert_refused("-- name: a :exec\nSELECT :x::numeric;\n", 2, ":x can't be ::numeric")

    def test_all_columns_are_refused(self):
        for sql in ("SELECT * FROM a", "SELECT DISTINCT * FROM a", "SELECT a.* FROM a", "SELECT 1, * FROM a",
                    "INSERT INTO a VALUES (1) RETURNING *"):
            self.assert_refused(f"-- name: a :one\n{sql};\n", 2, "takes all columns with *")

    def test_a_list_without_limit_is_refused(self):
        self.assert_refused("-- name: a :many\nSELECT x FROM y;\n", 1, ":many without a LIMIT")
        self.assert_refused("-- name: a :many\nSELECT 'LIMIT' FROM y -- LIMIT\n;\n", 1, ":many without a LIMIT")
        self.assert_refused("-- name: a :many\n-- unlimited:\nSELECT x FROM y;\n", 1, ":many without a LIMIT")

    def test_a_plan_is_made_once_or_each_time(self):
        self.assert_refused("-- name: a :exec\n-- Why.\n-- plan: sometimes\nSELECT 1;\n", 3, '"-- plan: each time"')

    def test_one_row_is_for_plain_changes(self):
        for sql in ("SELECT x FROM y", "UPDATE y SET x = 1 RETURNING x", "WITH z AS (SELECT 1) DELETE FROM y"):
            self.assert_refused(f"-- name: a :one_row\n{sql};\n", 1, "a plain INSERT, UPDATE or DELETE")

    def test_an_unknown_kind_is_refused(self):
        self.assert_refused("-- name: a :some\nSELECT 1;\n", 1, 'unknown kind ":some"')

    def test_a_broken_heading_is_refused(self):
        for heading in ("a", "A :one", "a-b :one", "a :one :two", ""):
            self.assert_refused(f"-- name: {heading}\nSELECT 1;\n", 1, "a heading looks like")

    def test_a_name_is_used_once(self):
        self.assert_refused("-- name: a :exec\nSELECT 1;\n-- name: a :exec\nSELECT 2;\n", 3,
                            '"a" is already defined in line 1')

    def test_a_statement_needs_a_heading_an_end_and_no_second_one(self):
        self.assert_refused("SELECT 1;\n", 1, "without a \"-- name:\"")
        self.assert_refused("-- name: a :exec\nSELECT 1\n", 1, "has no ; at its end")
        self.assert_refused("-- name: a :exec\n-- only words\n", 1, "has no statement")
        self.assert_refused("-- name: a :exec\nSELECT 1;\nSELECT 2;\n", 3, "has a second statement")

    def test_a_string_without_its_end_is_refused(self):
        self.assert_refused("-- name: a :exec\nSELECT 'x;\n", 2, "without its end")

    def test_bare_numbers_are_refused(self):
        self.assert_refused("-- name: a :exec\nSELECT $1;\n", 2, "parameters are written :name")

    def test_names_that_c_does_not_allow_are_refused(self):
        self.assert_refused("-- name: a :exec\nSELECT :default::text;\n", 2, ":default can't be the name")
        self.assert_refused("-- name: a :exec\nSELECT :Id::text;\n", 2, ":Id can't be the name")

    def test_too_many_parameters_are_refused(self):
        uses = ", ".join(f":p{n}::int" for n in range(41))
        self.assert_refused(f"-- name: a :exec\nSELECT {uses};\n", 2, "more than 40 parameters")

    def test_gaps_twins_and_odd_names_of_migrations_are_refused(self):
        for names, words in ((["0002_a.sql"], "expected number 0001"),
                             (["0001_a.sql", "0001_b.sql"], "expected number 0002"),
                             (["0001_a.sql", "0003_b.sql"], "expected number 0002"),
                             (["1_a.sql"], "is called like")):
            with self.subTest(names):
                shutil.rmtree(self.path("schema"), ignore_errors=True)
                for name in names:
                    self.write(f"schema/{name}", "SELECT 1;\n")
                done = self.run_sqlgen()
                self.assertEqual(done.returncode, 1)
                self.assertIn(words, done.stderr)
                self.assertIn(f"schema/{names[-1]}:1: ", done.stderr)


if __name__ == "__main__":
    unittest.main()
