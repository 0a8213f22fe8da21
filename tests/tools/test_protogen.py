#!/usr/bin/env python3
"""Tests of tools/protogen.py: the C and the documents it makes, and the words with which it refuses the rest."""

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

MONEY = {"description": "An amount.", "type": "object", "required": ["amount", "currency"], "properties": {
    "amount": {"type": "integer", "description": "minor units"},
    "currency": {"type": "string", "x-format": "currency", "description": "code"}}}
SHADE = {"description": "How dark.", "type": "string", "enum": ["light", "dark"]}
LINE = {"description": "A line.", "type": "object", "required": ["sku", "price"], "properties": {
    "sku": {"type": "string", "x-format": "token", "maxLength": 64, "description": "what"},
    "price": {"$ref": "money.json", "description": "of one"}}}
PAINTED = {
    "description": "A wall was painted.",
    "x-waybill": {"public": True, "listeners": ["order"]},
    "type": "object",
    "required": ["wall_id", "at", "shade", "lines", "owner", "done"],
    "properties": {
        "wall_id": {"type": "string", "format": "uuid", "description": "of the wall"},
        "at": {"type": "string", "format": "date-time", "description": "when"},
        "shade": {"$ref": "../types/shade.json"},
        "note": {"type": "string", "maxLength": 50, "description": "for people"},
        "until": {"type": "string", "format": "date-time", "description": "guarantee"},
        "coats": {"type": "integer", "minimum": 1, "maximum": 9, "default": 1, "description": "how many"},
        "done": {"type": "boolean", "description": "whether it is"},
        "lines": {"type": "array", "items": {"$ref": "../types/line.json"}, "minItems": 1, "maxItems": 20,
                  "description": "paint"},
        "ids": {"type": "array", "items": {"type": "string", "format": "uuid"}, "maxItems": 3, "description": "others"},
        "owner": {"type": "object", "required": ["name"], "description": "Whose it is.", "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 9, "description": "of the owner",
                     "x-personal": True}}},
        "house": {"type": "object", "required": ["city"], "description": "Where it is.", "properties": {
            "city": {"type": "string", "enum": ["berlin", "rome"], "description": "which"}}},
        "fee": {"$ref": "../types/money.json", "description": "if any"},
    },
    "examples": [{"wall_id": "01920c5e-7a10-7c3e-9b52-2f6c1d0a4e01", "at": "2025-09-22T10:04:12Z", "shade": "dark",
                  "lines": [{"price": {"amount": 5, "currency": "EUR"}, "sku": "WHITE"}], "owner": {"name": "Ada"},
                  "done": True}],
}
ASK = {"description": "Asks for paint.", "type": "object", "required": ["sku"],
       "properties": {"sku": {"type": "string", "x-format": "token", "maxLength": 64, "description": "which <b>",
                              "x-personal": True}},
       "examples": [{"sku": "WHITE"}]}
TOPICS = {"topics": [{"name": "waybill.wall", "aggregate": "wall", "key": "wall_id", "partitions": 12,
                      "retention_days": 30, "emitted_by": "painter", "description": "Walls."}]}


def operation(**more):
    return {"summary": "Does <it>", "tags": ["Paint"], "x-waybill-who": ["staff"], "x-waybill-upstream": "painter",
            "responses": {"200": {"description": "done"}}} | more


WALL = {"name": "wall_id", "in": "path", "required": True, "schema": {"type": "string"}}
BODY = {"content": {"application/json": {"schema": {"$ref": "http/painter/ask.json"}}}}
API = {
    "openapi": "3.1.0", "info": {"title": "Front", "version": "1.0.0"},
    "paths": {
        "/walls/{wall_id}": {"parameters": [WALL], "get": operation()},
        "/walls/all": {"get": operation(**{"x-waybill-path": "/all-walls", "x-waybill-right": "walls"})},
        "/walls": {"post": operation(**{
            "x-waybill-upstream": None, "x-waybill-handler": "paint", "x-waybill-who": ["shopper", "staff"],
            "x-waybill-flags": ["key_required", "no_limit"], "x-waybill-body-max": 1024, "requestBody": BODY,
            "responses": {"default": {"description": "else"}, "201": {"description": "made", **BODY}}})},
    },
}
del API["paths"]["/walls"]["post"]["x-waybill-upstream"]


class ProtogenTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.files = copy.deepcopy({"types/money.json": MONEY, "types/shade.json": SHADE, "types/line.json": LINE,
                                    "wall/painted.v1.json": PAINTED, "http/painter/ask.json": ASK,
                                    "front.openapi.json": API, "topics.json": TOPICS})
        self.event = self.files["wall/painted.v1.json"]

    def path(self, *names):
        return os.path.join(self.folder.name, *names)

    def run_protogen(self, *arguments):
        for name, value in self.files.items():
            os.makedirs(os.path.dirname(self.path("proto", name)), exist_ok=True)
            with open(self.path("proto", name), "w", encoding="utf-8") as file:
                file.write(value if isinstance(value, str) else json.dumps(value))
        return subprocess.run([sys.executable, os.path.join(ROOT, "tools", "protogen.py"), self.path("proto"),
                               *arguments], capture_output=True, text=True, check=False)

    def generate(self):
        done = self.run_protogen("-o", self.path("gen", "proto"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def generated(self, name):
        with open(self.path("gen", "proto", name), encoding="utf-8") as file:
            return file.read()

    def compile(self, source, *more):
        return subprocess.run(
            ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wmissing-prototypes", "-Wwrite-strings",
             "-Wundef", "-Wno-missing-field-initializers", "-I", os.path.join(ROOT, "common"), "-I", self.path("gen"),
             source, *more], capture_output=True, text=True, check=False)

    def assert_refused(self, place, *words):
        done = self.run_protogen("-o", self.path("gen", "proto"))
        self.assertEqual(done.returncode, 1, "was accepted")
        self.assertIn(f"{self.path('proto')}/{place}: ", done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertFalse(os.path.exists(self.path("gen")), "wrote something in spite of the mistake")


class CTest(ProtogenTest):
    def test_everything_compiles(self):
        self.generate()
        for name in sorted(os.listdir(self.path("gen", "proto"))):
            if name.endswith(".c"):
                done = self.compile(self.path("gen", "proto", name), "-fsyntax-only")
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_struct_has_the_types_of_its_schema(self):
        self.generate()
        header = self.generated("wall.h")
        for line in ("struct wall_painted {", "const char *wall_id; /* of the wall */", "int64_t at; /* when */",
                     "const char *note; /* for people; NULL: absent */", "int64_t until; /* guarantee; 0: absent */",
                     "int64_t coats; /* how many */", "bool done;", "struct line_list lines;", "struct texts ids;",
                     "struct wall_painted_owner owner;",
                     "struct wall_painted_house *house; /* Where it is; NULL: absent */",
                     "struct money fee; /* if any; no currency: absent */", "SHADE_..."):
            self.assertIn(line, header)
        self.assertIn("struct line_list {\n    struct line *items;\n    size_t count;\n};", self.generated("types.h"))
        self.assertIn('#define SHADE_DARK "dark"', self.generated("types.h"))
        self.assertIn('#define WALL_PAINTED_HOUSE_CITY_ROME "rome"', header)

    def test_record_has_the_limits_of_its_schema(self):
        self.generate()
        code = self.generated("wall.c")
        for line in ("FIELD(wall_painted, wall_id, .flags = FIELD_REQUIRED, .min = 36, .max = 36, "
                     ".format = TEXT_UUID),",
                     "FIELD_AS_TIME(wall_painted, at, .flags = FIELD_REQUIRED),",
                     "FIELD(wall_painted, shade, .flags = FIELD_REQUIRED, .max = 5, .names = shade_names),",
                     "FIELD(wall_painted, note, .max = 50),",
                     "FIELD(wall_painted, coats, .flags = FIELD_DEFAULT, .least = 1, .most = 9, .fallback = 1),",
                     "FIELD_LIST_OF(wall_painted, lines, line_record, .flags = FIELD_REQUIRED, .min = 1, .max = 20),",
                     "FIELD(wall_painted, ids, .max = 3, .format = TEXT_UUID),",
                     "FIELD_OBJECT_OF(wall_painted, owner, wall_painted_owner_record, .flags = FIELD_REQUIRED),",
                     "FIELD_OPTIONAL_OF(wall_painted, house, wall_painted_house_record),",
                     "FIELD(wall_painted, fee),",
                     ".flags = FIELD_REQUIRED | FIELD_PERSONAL, .min = 1, .max = 9),"):
            self.assertIn(line, code)

    def test_event_is_registered_with_its_topic(self):
        self.event["x-waybill"]["snapshot"] = True
        self.generate()
        self.assertIn("MUST_USE static inline enum err emit_wall_painted(struct uow *uow, "
                      "struct aggregate *aggregate,\n    const struct wall_painted *event)", self.generated("wall.h"))
        for line in ('.type = "waybill.wall.painted.v1",', '.topic = "waybill.wall",', ".is_public = true,",
                     ".is_snapshot = true,"):
            self.assertIn(line, self.generated("wall.c"))
        self.assertIn("&wall_painted_type,\n    NULL,", self.generated("registry.c"))
        self.assertIn('{ "waybill.wall", 12, false, INT64_C(2592000000), "painter", true },', self.generated("registry.c"))

    def test_second_version_has_a_struct_of_its_own(self):
        self.files["wall/painted.v2.json"] = PAINTED
        self.generate()
        self.assertIn("struct wall_painted_v2 {", self.generated("wall.h"))
        self.assertIn('"waybill.wall.painted.v2"', self.generated("wall.c"))

    def test_canonical_example_has_the_order_of_the_record(self):
        self.generate()
        code = self.generated("examples.c")
        self.assertIn(r'\"at\":\"2025-09-22T10:04:12.000000Z\",\"shade\":\"dark\",\"coats\":1,\"done\":true', code)
        self.assertIn(r'\"lines\":[{\"sku\":\"WHITE\",\"price\":{\"amount\":5,\"currency\":\"EUR\"}}],'
                      r'\"ids\":[],', code)

    def test_long_texts_keep_every_byte(self):
        title = 'Tür "\\" ??= \u20ac1 \u20acab %s \u0001x'
        self.files["front.openapi.json"]["info"]["title"] = title
        self.generate()
        main = self.path("main.c")
        with open(main, "w", encoding="utf-8") as file:
            file.write('#include <stdio.h>\n#include "proto/front_api.h"\n'
                       "const struct record ask_record;\n"
                       "enum err paint(struct ctx *c, const void *i, void *r)\n"
                       "{ (void)c; (void)i; (void)r; return 0; }\n"
                       "int main(void) { fputs(front_openapi, stdout); return 0; }\n")
        done = self.compile(main, self.path("gen", "proto", "front_api.c"), "-o", self.path("main"))
        self.assertEqual(done.returncode, 0, done.stderr)
        said = subprocess.run([self.path("main")], capture_output=True, check=True).stdout
        self.assertEqual(json.loads(said)["info"]["title"], title)

    def test_second_run_writes_nothing_and_removes_what_is_gone(self):
        self.generate()
        old = {name: os.stat(self.path("gen", "proto", name)).st_mtime_ns
               for name in os.listdir(self.path("gen", "proto")) if name != ".stamp"}
        with open(self.path("gen", "proto", "gone.c"), "w", encoding="utf-8") as file:
            file.write("int gone;\n")
        self.generate()
        new = {name: os.stat(self.path("gen", "proto", name)).st_mtime_ns
               for name in os.listdir(self.path("gen", "proto")) if name != ".stamp"}
        self.assertEqual(old, new)
        self.assertTrue(os.path.exists(self.path("gen", "proto", ".stamp")))


class ApiTest(ProtogenTest):
    def test_routes(self):
        self.generate()
        code = self.generated("front_api.c")
        for route in ('{ "POST", "/walls",\n      .who = ROLE_SHOPPER | ROLE_STAFF,\n      .in = &ask_record,\n'
                      "      .out = &ask_record,\n      .handle = paint,\n      .status = 201,\n"
                      "      .flags = ROUTE_KEY_REQUIRED | ROUTE_NO_LIMIT,\n      .body_max = 1024 },",
                      '{ "GET", "/walls/all",\n      .who = ROLE_STAFF,\n      .right = "walls",\n'
                      "      .status = 200,\n"
                      '      .upstream = "painter",\n      .upstream_path = "/all-walls" },',
                      '{ "GET", "/walls/:wall_id",\n      .who = ROLE_STAFF,\n      .status = 200,\n'
                      '      .upstream = "painter" },'):
            self.assertIn(route, code)
        self.assertLess(code.index('"/walls/all"'), code.index('"/walls/:wall_id"'))
        self.assertIn("enum err paint(struct ctx *ctx, const void *in, void *ret); /* POST /walls */",
                      self.generated("front_api.h"))

    def test_bundle_stands_alone(self):
        sys.path.insert(0, os.path.join(ROOT, "tools"))
        from protolib import model, openapi, page
        self.generate()
        proto = model.Proto(self.path("proto"))
        api = openapi.Api(proto, "front", proto.openapi["front"])
        text = json.dumps(api.bundled)
        for word in ("x-waybill", "x-format", "x-personal", ".json"):
            self.assertNotIn(word, text)
        self.assertEqual(api.bundled["components"]["schemas"]["ask"]["properties"]["sku"]["pattern"],
                         "^[A-Za-z0-9._:-]+$")
        self.assertIn('"$ref": "#/components/schemas/ask"', text)
        self.assertIs(api.bundled["components"]["schemas"]["ask"]["additionalProperties"], False)
        html = page.render(api)
        self.assertIn("Does &lt;it&gt;", html)
        self.assertIn("which &lt;b&gt;", html)
        self.assertNotIn("<script", html)
        for target in re.findall(r'href="#([^"]*)"', html):
            self.assertIn(f'id="{target}"', html)
        self.assertIn("""-d '{"sku": "WHITE"}'""", html)

    def test_refuses(self):
        walls = "front.openapi.json#/paths/~1walls/post"
        for key, value, place, words in (
                ("x-waybill-upstream", "painter", "", "either"),
                ("x-waybill-who", ["nobody", "staff"], "/x-waybill-who", "alone"),
                ("x-waybill-who", ["king"], "/x-waybill-who", "king"),
                ("x-waybill-flags", ["fast"], "/x-waybill-flags", "fast"),
                ("x-waybill-colour", "red", "/x-waybill-colour", "not known"), ("summary", "", "", "summary"),
                ("responses", {"400": {"description": "bad"}}, "/responses", "no success"),
                ("requestBody", {"content": {"application/json": {"schema": {"type": "object"}}}}, "", "$ref")):
            with self.subTest(key):
                self.files["front.openapi.json"] = copy.deepcopy(API)
                self.files["front.openapi.json"]["paths"]["/walls"]["post"][key] = value
                self.assert_refused(walls + place, words)

    def test_refuses_undescribed_parameter(self):
        del self.files["front.openapi.json"]["paths"]["/walls/{wall_id}"]["parameters"]
        self.assert_refused("front.openapi.json#/paths/~1walls~1{wall_id}/get", "wall_id")

    def test_refuses_missing_file(self):
        self.files["front.openapi.json"]["paths"]["/walls/all"]["get"]["responses"]["200"]["content"] = {
            "application/json": {"schema": {"$ref": "http/painter/none.json"}}}
        self.assert_refused("front.openapi.json#/paths/~1walls~1all/get/responses/200/content/application~1json/schema"
                            "/$ref", "http/painter/none.json")


class RefusedSchemaTest(ProtogenTest):
    def refuse(self, name, schema, place, *words):
        self.event["properties"][name] = schema
        self.assert_refused("wall/painted.v1.json#/properties/" + place, *words)

    def test_keyword_outside_the_subset(self):
        self.refuse("note", {"type": "string", "maxLength": 5, "pattern": "x", "description": "d"}, "note/pattern")

    def test_type_outside_the_subset(self):
        self.refuse("note", {"type": "number", "description": "d"}, "note/type", "number")

    def test_missing_limits(self):
        self.refuse("note", {"type": "string", "description": "d"}, "note", "maxLength")
        self.refuse("note", {"type": "array", "items": {"type": "string"}, "description": "d"}, "note", "maxItems")

    def test_required_text_that_may_be_empty(self):
        self.event["required"].append("note")
        self.refuse("note", {"type": "string", "maxLength": 5, "description": "d"}, "note", "minLength")

    def test_missing_description(self):
        self.refuse("note", {"type": "string", "maxLength": 5}, "note", "description")

    def test_optional_integer_without_default(self):
        self.refuse("coats", {"type": "integer", "description": "d"}, "coats", "default")

    def test_optional_list_with_a_smallest_length(self):
        self.refuse("ids", {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2,
                            "description": "d"}, "ids/minItems")

    def test_list_of_money(self):
        self.refuse("ids", {"type": "array", "items": {"$ref": "../types/money.json"}, "maxItems": 2,
                            "description": "d"}, "ids/items", "price.json")

    def test_limits_the_wrong_way_round(self):
        self.refuse("coats", {"type": "integer", "minimum": 2, "maximum": 1, "default": 1, "description": "d"},
                    "coats/minimum")

    def test_names_that_c_can_not_have(self):
        self.refuse("int", {"type": "string", "maxLength": 5, "description": "d"}, "int", "name")
        del self.event["properties"]["int"]
        self.refuse("a/b", {"type": "string", "maxLength": 5, "description": "d"}, "a~1b", "name")

    def test_missing_reference(self):
        self.refuse("fee", {"$ref": "../types/none.json"}, "fee/$ref", "none.json")

    def test_required_member_that_is_not_there(self):
        self.event["required"].append("roof")
        self.assert_refused("wall/painted.v1.json#/required", "roof")

    def test_circle(self):
        self.files["types/line.json"]["properties"]["line"] = {"$ref": "line.json"}
        self.assert_refused("types/line.json#", "itself")

    def test_two_structs_of_one_name(self):
        self.files["http/painter/line.json"] = ASK
        self.assert_refused("http/painter/line.json#", "types/line.json")

    def test_event_without_topic(self):
        self.event["x-waybill"]["topic"] = "waybill.roof"
        self.assert_refused("wall/painted.v1.json#/x-waybill", "waybill.roof")

    def test_event_without_example(self):
        del self.event["examples"]
        self.assert_refused("wall/painted.v1.json#", "example")

    def test_member_twice(self):
        self.files["types/shade.json"] = '{"type": "string", "type": "string"}'
        self.assert_refused("types/shade.json#", "twice")

    def test_not_json(self):
        self.files["types/shade.json"] = "{"
        self.assert_refused("types/shade.json#", "not JSON")

    def test_fraction(self):
        self.files["types/shade.json"] = '{"maximum": 1.5}'
        self.assert_refused("types/shade.json#", "1.5")


class RefusedExampleTest(ProtogenTest):
    def refuse(self, change, place, *words):
        change(self.event["examples"][0])
        self.assert_refused("wall/painted.v1.json#/examples/0" + place, *words)

    def test_missing_member(self):
        self.refuse(lambda example: example.pop("at"), "", "at")

    def test_unknown_member(self):
        self.refuse(lambda example: example.update(roof=1), "/roof")

    def test_wrong_values(self):
        for name, value in (("wall_id", "1"), ("at", "today"), ("shade", "red"), ("note", "x" * 51), ("coats", 10),
                            ("coats", True), ("done", 1), ("lines", []), ("fee", {"amount": 1.0, "currency": "EUR"}),
                            ("fee", {"amount": 1, "currency": "eur"}), ("house", {"city": "paris"}), ("owner", [])):
            with self.subTest(name, value=value):
                self.event["examples"] = copy.deepcopy(PAINTED["examples"])
                self.event["examples"][0][name] = value
                done = self.run_protogen("-o", self.path("gen", "proto"))
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, f"/examples/0/{name}|not an integer")


class DocumentsTest(ProtogenTest):
    def test_check_tells_stale_from_fresh(self):
        self.assertNotEqual(self.run_protogen("--check").returncode, 0)
        self.assertEqual(self.run_protogen("--docs").returncode, 0)
        self.assertEqual(self.run_protogen("--check").returncode, 0)
        self.event["description"] = "Somebody painted a wall."
        done = self.run_protogen("--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--docs", done.stderr)

    def test_catalogue_and_asyncapi_name_everybody(self):
        self.run_protogen("--docs")
        with open(self.path("proto", "README.md"), encoding="utf-8") as file:
            catalogue = file.read()
        for line in ("### wall.painted", "· public · painter says it · order acts on it",
                     "| `note`? | text, 0 to 50 characters | for people |", "| `coats`? | integer, 1 to 9 | how many |"):
            self.assertIn(line, catalogue)
        with open(self.path("proto", "asyncapi.json"), encoding="utf-8") as file:
            document = json.load(file)
        self.assertEqual(sorted(document["operations"]), ["order_receives_wall", "painter_sends_wall"])
        self.assertEqual(document["channels"]["wall"]["bindings"]["kafka"]["partitions"], 12)


if __name__ == "__main__":
    unittest.main()
