"""An OpenAPI document as one readable HTML page: no scripts, nothing loaded from elsewhere."""

import html
import json
import os
import re

from .openapi import JSON, local
from .writer import pretty

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.css"), encoding="utf-8") as css:
    STYLE = css.read()

OPTIONAL = ' <span class="soft">optional</span>'
RANGES = (("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " items"))
WHO = {"nobody": "anybody", "shopper": "the shopper with the cart's token", "staff": "staff with a key",
       "partner": "a partner with a key"}


def text(value):
    """A line of text in which `code` is code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(value, quote=False))


def paragraphs(value):
    return "".join(f'<p>{text(" ".join(each.split()))}</p>\n' for each in re.split(r"\n\s*\n", value) if each.strip())


def anchor(value):
    return re.sub("[^a-z0-9]+", "-", value.lower()).strip("-")


def table(heads, rows):
    if not rows:
        return ""
    out = '<div class="table"><table>\n<tr>' + "".join(f"<th>{head}</th>" for head in heads) + "</tr>\n"
    for row in rows:
        out += "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n"
    return out + "</table></div>\n"


def schema_name(ref):
    return ref.rsplit("/", 1)[1]


def type_of(schema):
    """What a value looks like, in words and links."""
    if "$ref" in schema:
        name = schema_name(schema["$ref"])
        return f'<a href="#schema-{anchor(name)}">{html.escape(name)}</a>'
    if schema.get("type") == "array":
        return "list of " + type_of(schema.get("items", {}))
    kind = {"uuid": "UUID", "date-time": "time", "date": "date", "uri": "URL", "email": "e-mail address"}.get(
        schema.get("format"), schema.get("type", "anything"))
    return html.escape(kind if isinstance(kind, str) else " or ".join(kind))


def limits(schema):
    """The limits of a value as short words."""
    out = []
    if "enum" in schema:
        out.append("one of " + ", ".join(f"<code>{html.escape(str(each))}</code>" for each in schema["enum"]))
    for low, high, unit in RANGES:
        if low in schema and high in schema:
            out.append(f"{schema[low]} to {schema[high]}{unit}")
        elif low in schema:
            out.append(f"at least {schema[low]}{unit}")
        elif high in schema:
            out.append(f"at most {schema[high]}{unit}")
    if "pattern" in schema:
        out.append(f'<code>{html.escape(schema["pattern"])}</code>')
    if "default" in schema:
        out.append(f'default <code>{html.escape(json.dumps(schema["default"]))}</code>')
    return "; ".join(out)


def members(schema):
    required = schema.get("required", [])
    rows = []
    for name, each in schema.get("properties", {}).items():
        note = "" if name in required else OPTIONAL
        rows.append((f"<code>{html.escape(name)}</code>{note}", type_of(each), limits(each),
                     text(each.get("description", ""))))
    return table(("Member", "Type", "Limits", "Meaning"), rows)


def body_schema(api, holder):
    """The schema of a JSON body: as it stands, and followed into the components."""
    for kind, content in (holder or {}).get("content", {}).items():
        if kind.split(";")[0] in (JSON, "application/problem+json") and "schema" in content:
            return content["schema"], local(api.bundled, content["schema"], api.file, "")
    return None, None


def media_types(holder):
    return ", ".join(f"<code>{html.escape(kind)}</code>" for kind in (holder or {}).get("content", {}))


def credentials(api, operation):
    """The header that shows who asks, for curl."""
    schemes = api.document.get("components", {}).get("securitySchemes", {})
    for wanted in operation.value.get("security", api.document.get("security", [])):
        for name in wanted:
            scheme = schemes.get(name, {})
            if scheme.get("type") == "http":
                return "-H \"Authorization: Bearer $TOKEN\""
            if scheme.get("type") == "apiKey" and scheme.get("in") == "header":
                return f'-H "{scheme["name"]}: $TOKEN"'
    return None


def example_of(parameter):
    value = parameter.get("example", parameter.get("schema", {}).get("example"))
    for each in parameter.get("schema", {}).get("examples", []):
        value = each if value is None else value
    return value


def curl(api, operation):
    """A command to try it with."""
    server = (api.document.get("servers") or [{"url": "/"}])[0]["url"].rstrip("/")
    if not server.startswith("http"):
        server = "$WAYBILL" + server
    path = re.sub(r"\{(\w+)\}", lambda match: "$" + match[1].upper(), operation.path)
    parts = [f'curl {"" if operation.method == "GET" else f"-X {operation.method} "}"{server}{path}"']
    secret = credentials(api, operation)
    if secret:
        parts.append(secret)
    for parameter in operation.shown_parameters:
        if parameter.get("in") == "header" and parameter.get("required"):
            value = example_of(parameter)
            shown = "..." if value is None else value
            if parameter["name"].lower() == "idempotency-key":
                shown = "$(uuidgen)"
            quote = '"' if '"' not in str(shown) else "'"
            parts.append(f'-H {quote}{parameter["name"]}: {shown}{quote}')
    _, schema = body_schema(api, operation.shown_body)
    if schema is not None:
        parts.append("-H 'Content-Type: application/json'")
        value = json.dumps((schema.get("examples") or [{}])[0], ensure_ascii=False).replace("'", "'\\''")
        parts.append(f"-d '{value}'")
    elif operation.shown_body:
        kind = next(iter(operation.shown_body.get("content", {"application/octet-stream": None})))
        parts.append(f"-H 'Content-Type: {kind}'")
        parts.append("--data-binary @FILE")
    return " \\\n  ".join(parts)


def one_body(api, title, holder):
    """A body: its members where it is an object, its example."""
    stands, schema = body_schema(api, holder)
    if schema is None:
        return f"<h4>{title}</h4>\n<p>{media_types(holder)}</p>\n" if (holder or {}).get("content") else ""
    out = f"<h4>{title}: {type_of(stands)}</h4>\n" + members(schema)
    for each in (schema.get("examples") or [])[:1]:
        out += f"<details><summary>Example</summary><pre>{html.escape(pretty(each), quote=False)}</pre></details>\n"
    return out


def answers(api, operation):
    rows = []
    for status, answer in operation.shown_responses.items():
        stands, _ = body_schema(api, answer)
        what = type_of(stands) if stands is not None else media_types(answer)
        rows.append((f"<code>{html.escape(status)}</code>", text(answer.get("description", "")), what))
    return "<h4>Answers</h4>\n" + table(("Status", "When", "Body"), rows)


def operation_article(api, operation):
    name = anchor(f"{operation.method} {operation.path}")
    out = f'<article id="{name}">\n<h3><span class="method {operation.method.lower()}">{operation.method}</span>'
    out += f'<code class="path">{html.escape(operation.path)}</code></h3>\n'
    out += f"<p><strong>{text(operation.summary)}</strong></p>\n" + paragraphs(operation.value.get("description", ""))
    who = " or ".join(WHO[role] for role in operation.own["who"])
    right = operation.own.get("right")
    needs = f"; needs the right <code>{html.escape(right)}</code>" if right else ""
    out += f'<p class="soft">For {who}{needs}.</p>\n'
    rows = [(f'<code>{html.escape(each["name"])}</code>' + ("" if each.get("required") else OPTIONAL),
             html.escape(each.get("in", "")), type_of(each.get("schema", {})), limits(each.get("schema", {})),
             text(each.get("description", ""))) for each in operation.shown_parameters]
    if rows:
        out += "<h4>Parameters</h4>\n" + table(("Name", "In", "Type", "Limits", "Meaning"), rows)
    out += one_body(api, "Body", operation.shown_body) + answers(api, operation)
    first = operation.shown_responses[operation.success()]
    out += one_body(api, f"Answer {operation.success()}", first)
    return out + f"<h4>Try it</h4>\n<pre>{html.escape(curl(api, operation), quote=False)}</pre>\n</article>\n"


def schemas_section(api):
    out = '<h2 id="schemas">Schemas</h2>\n'
    for name, schema in api.bundled["components"]["schemas"].items():
        out += f'<article id="schema-{anchor(name)}">\n<h3><code>{html.escape(name)}</code></h3>\n'
        out += paragraphs(schema.get("description", ""))
        out += members(schema) if "properties" in schema else f"<p>{type_of(schema)} {limits(schema)}</p>\n"
        out += "</article>\n"
    return out


def grouped(api):
    """Tag -> its operations, in the document's order of tags."""
    order = [tag["name"] for tag in api.document.get("tags", [])]
    found = {name: [] for name in order}
    for operation in api.operations:
        found.setdefault(operation.value["tags"][0], []).append(operation)
    return {name: each for name, each in found.items() if each}


def render(api):
    info = api.document["info"]
    groups = grouped(api)
    notes = {tag["name"]: tag.get("description", "") for tag in api.document.get("tags", [])}
    nav, main = "", ""
    for tag, operations in groups.items():
        nav += f"<strong>{html.escape(tag)}</strong>\n<ul>\n"
        main += f'<h2 id="{anchor(tag)}">{html.escape(tag)}</h2>\n' + paragraphs(notes.get(tag, ""))
        for operation in operations:
            where = anchor(f"{operation.method} {operation.path}")
            nav += f'<li><a href="#{where}">{text(operation.summary)}</a></li>\n'
            main += operation_article(api, operation)
        nav += "</ul>\n"
    return ('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<title>{html.escape(info["title"])}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n'
            '<div class="frame">\n'
            f'<nav aria-label="Operations">\n{nav}<a href="#schemas">Schemas</a></nav>\n<main>\n'
            f'<h1>{html.escape(info["title"])} <span class="soft">{html.escape(info.get("version", ""))}</span></h1>\n'
            f'{paragraphs(info.get("description", ""))}'
            '<p class="soft">For machines: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>\n'
            f"{main}{schemas_section(api)}</main>\n</div>\n</body>\n</html>\n")
