"""Routes of a gateway, its OpenAPI document and its page as C."""

from . import page
from .c_types import banner, guard, literal, long_text
from .openapi import FLAGS, ROLES, Api
from .writer import pretty


def route(operation):
    own = operation.own
    settings = [f'"{operation.method}", {literal(operation.pattern(operation.path))}']
    settings.append(".who = " + " | ".join(ROLES[role] for role in own["who"]))
    if "right" in own:
        settings.append(f'.right = {literal(own["right"])}')
    if "handler" in own:
        for member, struct in (("in", operation.struct_in()), ("out", operation.struct_out())):
            if struct is not None:
                settings.append(f".{member} = &{struct.tag}_record")
        settings.append(f'.handle = {own["handler"]}')
    settings.append(".status = " + operation.success())
    if own.get("flags"):
        settings.append(".flags = " + " | ".join(FLAGS[flag] for flag in own["flags"]))
    if own.get("body-max"):
        settings.append(f'.body_max = {own["body-max"]}')
    if "upstream" in own:
        settings.append(f'.upstream = {literal(own["upstream"])}')
    if "path" in own:
        settings.append(f'.upstream_path = {literal(operation.pattern(own["path"]))}')
    return "    { " + settings[0] + "".join(f",\n      {setting}" for setting in settings[1:]) + " },\n"


def specific_first(operation):
    """A path that is written out comes before one with a parameter in its place, as OpenAPI has it."""
    return [segment.startswith("{") for segment in operation.path.split("/")]


def api_files(proto, name, document):
    api = Api(proto, name, document)
    source = f"proto/{api.file}"
    operations = sorted(api.operations, key=specific_first)
    modules = sorted({struct.module for operation in operations if "handler" in operation.own
                      for struct in (operation.struct_in(), operation.struct_out()) if struct is not None})
    header = '#include "http.h"\n' + "".join(f'#include "proto/{module}.h"\n' for module in modules)
    header += f'\n/* The routes of {document["info"]["title"]}; a NULL method ends them. */\n'
    header += f"extern const struct route {name}_routes[];\n\n"
    header += f"/* The document that stands alone, for /openapi.json; and the readable page, for /. */\n"
    header += f"extern const char {name}_openapi[];\nextern const char {name}_page[];\n"
    handlers = {}
    for operation in operations:
        if "handler" in operation.own:
            handlers.setdefault(operation.own["handler"], []).append(operation)
    if handlers:
        header += "\n/* What the gateway itself answers; each is written by hand. */\n"
    for handler, where in handlers.items():
        note = ", ".join(f"{each.method} {each.pattern(each.path)}" for each in where)
        header += f"enum err {handler}(struct ctx *ctx, const void *in, void *ret); /* {note} */\n"
    code = f'{banner(source)}#include "proto/{name}_api.h"\n\nconst struct route {name}_routes[] = {{\n'
    code += "".join(route(operation) for operation in operations) + "    { NULL },\n};\n\n"
    code += long_text(f"{name}_openapi", pretty(api.bundled) + "\n") + "\n"
    code += long_text(f"{name}_page", page.render(api))
    return {f"{name}_api.h": guard(f"{name}_api", header, source), f"{name}_api.c": code}
