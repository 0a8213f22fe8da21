#!/usr/bin/env python3
"""Turns named SQL and migrations into C.

    tools/sqlgen.py QUERIES.sql SCHEMA_DIR -o build/gen/UNIT

writes queries.h, queries.c and schema.c for the unit (a service's folder name, or common). What a .sql file may say is
told in common/query.h; whatever breaks those rules stops the build with file:line. A missing QUERIES.sql or SCHEMA_DIR
gives empty lists.
"""

import argparse
import hashlib
import os
import re
import sys

KINDS = {"exec": "QUERY_EXEC", "one_row": "QUERY_ONE_ROW", "maybe": "QUERY_MAYBE", "one": "QUERY_ONE",
         "many": "QUERY_MANY"}

# The cast of a parameter's first use -> (enum param_type, C declaration).
TYPES = {
    "text": ("PARAM_TEXT", "const char *{}"), "uuid": ("PARAM_TEXT", "const char *{}"),
    "jsonb": ("PARAM_TEXT", "const char *{}"), "date": ("PARAM_TEXT", "const char *{}"),
    "bigint": ("PARAM_INT", "int64_t {}"), "int": ("PARAM_INT", "int64_t {}"),
    "boolean": ("PARAM_BOOL", "bool {}"),
    "timestamptz": ("PARAM_TIME", "int64_t {}"),
    "text[]": ("PARAM_TEXTS", "struct texts {}"), "uuid[]": ("PARAM_TEXTS", "struct texts {}"),
    "bigint[]": ("PARAM_INTS", "struct ints {}"),
}

PARAMS_MAX = 40  # QUERY_PARAMS_MAX in common/query.h

C_KEYWORDS = set("""auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
bool true false asm typeof none_""".split())

TOKEN = re.compile(r"""
    (?P<comment>--[^\n]*|/\*.*?\*/)
  | (?P<string>[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<cast>::\s*(?P<type>[A-Za-z_][A-Za-z0-9_]*(?:\s*\[\s*\])?))
  | (?P<param>:(?P<name>[A-Za-z_][A-Za-z0-9_]*))
  | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
  | (?P<space>\s+)
  | (?P<other>.)
""", re.VERBOSE | re.DOTALL)

HEADING = re.compile(r"--\s*name:\s*(.*)")
UNLIMITED = re.compile(r"--\s*unlimited:\s*\S")
PLAN = re.compile(r"plan:(.*)")


class Mistake(Exception):
    """What is wrong with a .sql file, and where."""

    def __init__(self, path, line, text):
        super().__init__(f"{path}:{line}: {text}")


class Query:
    def __init__(self, name, kind, line):
        self.name, self.kind, self.line = name, kind, line
        self.comment = []  # lines of its doc comment
        self.sql = ""
        self.plans_each_time = False
        self.params = []   # (name, cast), in the order of $1, $2, ...


def split_queries(path, text):
    """Yields (query, body, line of the body) for each `-- name:` heading."""
    query, body, body_line = None, [], 0
    for number, line in enumerate(text.split("\n"), 1):
        heading = HEADING.match(line)
        if heading:
            if query:
                yield query, "\n".join(body), body_line
            found = re.fullmatch(r"([a-z][a-z0-9_]*)\s+:([a-z_]+)", heading.group(1).strip())
            if not found:
                raise Mistake(path, number, "a heading looks like \"-- name: order_get :one\"")
            if found.group(2) not in KINDS:
                raise Mistake(path, number, f"unknown kind \":{found.group(2)}\"; there are :" + ", :".join(KINDS))
            query, body, body_line = Query(*found.groups(), number), [], number + 1
        elif query:
            body.append(line)
        elif line.strip() and not line.startswith("--"):
            raise Mistake(path, number, "a statement without a \"-- name:\" heading")
    if query:
        yield query, "\n".join(body), body_line


def take_comment(path, query, body, line):
    """Moves the comment lines right below the heading into query.comment; returns the rest and its line."""
    lines = body.split("\n")
    while lines and lines[0].startswith("--"):
        query.comment.append(lines.pop(0)[2:].strip())
        plan = PLAN.match(query.comment[-1])
        if plan and plan.group(1).strip() != "each time":
            raise Mistake(path, line, f"\"{query.name}\" is planned once, or \"-- plan: each time\"")
        query.plans_each_time = query.plans_each_time or plan is not None
        line += 1
    return "\n".join(lines), line


def add_param(path, line, query, numbers, name, cast):
    """The number of a parameter; its first use must have told its type."""
    if name not in numbers:
        if cast is None:
            raise Mistake(path, line, f"the first use of :{name} needs a type, like :{name}::text")
        if cast not in TYPES:
            raise Mistake(path, line, f":{name} can't be ::{cast}; there are ::" + " ::".join(TYPES))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in C_KEYWORDS:
            raise Mistake(path, line, f":{name} can't be the name of a struct's member")
        query.params.append((name, cast))
        numbers[name] = len(query.params)
        if len(query.params) > PARAMS_MAX:
            raise Mistake(path, line, f"\"{query.name}\" has more than {PARAMS_MAX} parameters")
    return numbers[name]


def check_star(path, line, query, before):
    """A `*` that stands for all columns is an error; count(*) and products are not."""
    if before.upper() in ("SELECT", "DISTINCT", "ALL", "RETURNING", ",", "."):
        raise Mistake(path, line, f"\"{query.name}\" takes all columns with *; name them")


def translate(path, query, body, first_line):
    """Fills query.sql and query.params from the text of one statement."""
    out, numbers, words = [], {}, set()
    before, line, ended = "", first_line, False
    unlimited = any(UNLIMITED.match("-- " + comment) for comment in query.comment)
    tokens = list(TOKEN.finditer(body))
    for index, token in enumerate(tokens):
        kind, text = token.lastgroup, token.group()
        if token.group("string") is not None:
            kind = "string"
        if kind == "comment" and UNLIMITED.match(text):
            unlimited = True
        if kind in ("comment", "space"):
            if not ended:
                out.append(text)
            line += text.count("\n")
            continue
        if ended:
            raise Mistake(path, line, f"\"{query.name}\" has a second statement")
        if token.group("param"):
            following = tokens[index + 1] if index + 1 < len(tokens) else None
            cast = following.group("type") if following and following.group("cast") else None
            cast = re.sub(r"\s", "", cast).lower() if cast else None
            number = add_param(path, line, query, numbers, token.group("name"), cast)
            text = f"${number}"
        elif text == ";":
            ended = True
            continue
        elif text == "*":
            check_star(path, line, query, before)
        elif text in ("'", '"', "$") and kind == "other":
            raise Mistake(path, line, f"\"{query.name}\" has a {text} without its end" if text != "$" else
                          f"\"{query.name}\" has a $; parameters are written :name")
        elif token.group("word"):
            words.add(text.upper())
        out.append(text)
        before = token.group()
        line += token.group().count("\n")
    query.sql = "".join(out).strip()
    if not query.sql:
        raise Mistake(path, query.line, f"\"{query.name}\" has no statement")
    if not ended:
        raise Mistake(path, query.line, f"\"{query.name}\" has no ; at its end")
    if query.kind == "one_row" and (words & {"WITH", "RETURNING"} or not words & {"INSERT", "UPDATE", "DELETE"}):
        raise Mistake(path, query.line, f"\"{query.name}\" is :one_row: a plain INSERT, UPDATE or DELETE, without WITH "
                                        "and RETURNING")
    if query.kind == "many" and "LIMIT" not in words and not unlimited:
        raise Mistake(path, query.line, f"\"{query.name}\" is :many without a LIMIT; add one, or \"-- unlimited: why\"")


def read_queries(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        text = file.read()
    queries, lines = [], {}
    for query, body, line in split_queries(path, text):
        if query.name in lines:
            raise Mistake(path, query.line, f"\"{query.name}\" is already defined in line {lines[query.name]}")
        lines[query.name] = query.line
        body, line = take_comment(path, query, body, line)
        translate(path, query, body, line)
        queries.append(query)
    return queries


def read_migrations(folder):
    """(number, file name, sha256, text) of each migration; numbers are dense from 1."""
    migrations = []
    if not os.path.isdir(folder):
        return migrations
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not name.endswith(".sql"):
            continue
        if not re.fullmatch(r"[0-9]{4}_[a-z0-9_]+\.sql", name):
            raise Mistake(path, 1, "a migration is called like 0001_orders.sql")
        if int(name[:4]) != len(migrations) + 1:
            raise Mistake(path, 1, f"expected number {len(migrations) + 1:04}: migrations have no gaps and no twins")
        with open(path, "rb") as file:
            content = file.read()
        if not content.strip():
            raise Mistake(path, 1, "an empty migration")
        migrations.append((int(name[:4]), name, hashlib.sha256(content).hexdigest(), content.decode("utf-8")))
    return migrations


def c_string(text, indent):
    """A C string literal, one line of the text a line."""
    lines = []
    for line in text.splitlines(keepends=True):
        quoted = ""
        for byte in line.encode("utf-8"):
            char = chr(byte)
            if char in '"\\?':
                quoted += "\\" + char
            elif char == "\n":
                quoted += "\\n"
            elif 32 <= byte < 127:
                quoted += char
            else:
                quoted += f"\\{byte:03o}"
        lines.append(f'{indent}"{quoted}"')
    return "\n".join(lines) or f'{indent}""'


def c_comment(lines):
    text = [line.replace("*/", "* /").replace("/*", "/ *") for line in lines]
    if len(text) == 1:
        return f"/* {text[0]} */\n"
    return "/*\n" + "".join(f" * {line}".rstrip() + "\n" for line in text) + " */\n"


def struct_of(query):
    members = "".join("    " + TYPES[cast][1].format(name) + ";\n" for name, cast in query.params)
    return f"struct Q_{query.name} {{\n{members or '    char none_;' + chr(10)}}};\n"


def write_header(unit, source, queries):
    guard = f"WAYBILL_GEN_{unit.upper()}_QUERIES_H"
    out = [f"/* Generated from {source}: the statements of {unit} and its migrations. */\n",
           f"#ifndef {guard}\n#define {guard}\n\n#include <stdbool.h>\n#include <stdint.h>\n\n#include \"query.h\"\n\n"]
    for query in queries:
        out.append(c_comment([f"{query.name} :{query.kind}"] + query.comment))
        out.append(struct_of(query))
        out.append(f"extern const struct query Q_{query.name};\n\n")
    out.append("/* All of them, NULL-ended. */\n")
    out.append(f"extern const struct query *const {unit}_queries[];\n\n")
    out.append("/* In the order of their numbers, ended by a NULL name. */\n")
    out.append(f"extern const struct migration {unit}_migrations[];\n\n#endif\n")
    return "".join(out)


def write_queries(unit, source, queries):
    out = [f"/* Generated from {source}. */\n#include \"queries.h\"\n\n#include <stddef.h>\n\n"]
    for query in queries:
        if query.params:
            out.append(f"static const struct param {query.name}_params[] = {{\n")
            for name, cast in query.params:
                out.append(f"    {{ \"{name}\", {TYPES[cast][0]}, offsetof(struct Q_{query.name}, {name}) }},\n")
            out.append("};\n")
        out.append(f"const struct query Q_{query.name} = {{\n    .name = \"{query.name}\",\n    .sql =\n")
        out.append(c_string(query.sql, "        ") + f",\n    .kind = {KINDS[query.kind]},\n")
        if query.params:
            out.append(f"    .params = {query.name}_params,\n    .param_count = {len(query.params)},\n")
        if query.plans_each_time:
            out.append("    .plans_each_time = true,\n")
        out.append("};\n\n")
    out.append(f"const struct query *const {unit}_queries[] = {{\n")
    out.extend(f"    &Q_{query.name},\n" for query in queries)
    out.append("    NULL,\n};\n")
    return "".join(out)


def write_schema(unit, source, migrations):
    out = [f"/* Generated from {source}. */\n#include \"queries.h\"\n\n#include <stddef.h>\n\n",
           f"const struct migration {unit}_migrations[] = {{\n"]
    for number, name, sha256, text in migrations:
        out.append(f"    {{ .number = {number}, .name = \"{name}\", .sha256 = \"{sha256}\", .sql =\n")
        out.append(c_string(text, "        ") + " },\n")
    out.append("    { .name = NULL },\n};\n")
    return "".join(out)


def generate(queries_path, schema_path, folder):
    unit = re.sub(r"[^a-z0-9]", "_", os.path.basename(os.path.normpath(folder)).lower())
    queries = read_queries(queries_path)
    migrations = read_migrations(schema_path)
    outputs = {
        "queries.h": write_header(unit, queries_path, queries),
        "queries.c": write_queries(unit, queries_path, queries),
        "schema.c": write_schema(unit, schema_path, migrations),
    }
    os.makedirs(folder, exist_ok=True)
    for name, text in outputs.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


def main():
    parser = argparse.ArgumentParser(description="Turns named SQL and migrations into C (see common/query.h).")
    parser.add_argument("queries", help="queries.sql; may be missing")
    parser.add_argument("schema", help="the folder of migrations; may be missing")
    parser.add_argument("-o", dest="folder", required=True, help="build/gen/UNIT")
    options = parser.parse_args()
    try:
        generate(options.queries, options.schema, options.folder)
    except (Mistake, UnicodeDecodeError) as mistake:
        print(mistake, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
