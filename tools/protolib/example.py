"""Checks examples against the fields they illustrate, so that a wrong one stops the build."""

import re

from .model import INT_MAX, PATTERNS, SchemaError, escape

FORMAT_PATTERNS = {
    "uuid": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "email": r"[^@\s]+@[^@\s]+",
    "uri": r"https?://\S+",
    "date": r"\d{4}-\d\d-\d\d",
}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"


def check_text(member, value):
    if not isinstance(value, str):
        return "must be a string"
    if member.kind == "time":
        return None if re.fullmatch(TIME, value) else "is not a time in UTC"
    if not member.min <= len(value) <= member.max:
        return f"has {len(value)} characters, not {member.min} to {member.max}"
    if member.names is not None and value not in member.names.values:
        return "is not one of " + ", ".join(member.names.values)
    pattern = FORMAT_PATTERNS.get(member.format) or PATTERNS.get(member.format)
    if pattern and not re.fullmatch(pattern.strip("^$"), value):
        return f"is not of format {member.format}"
    return None


def check_int(member, value):
    if isinstance(value, bool) or not isinstance(value, int):
        return "must be an integer"
    least, most = (member.least, member.most) if member.least or member.most else (-INT_MAX, INT_MAX)
    return None if least <= value <= most else f"is not between {least} and {most}"


def check_money(value):
    if not isinstance(value, dict) or list(value) != ["amount", "currency"]:
        return 'must be {"amount", "currency"}'
    if isinstance(value["amount"], bool) or not isinstance(value["amount"], int):
        return "must have an integer amount"
    return None if re.fullmatch("[A-Z]{3}", str(value["currency"])) else "must have a currency"


def check_value(file, pointer, member, value):
    if member.kind in ("object", "optional"):
        check_struct(file, pointer, member.struct, value)
        return
    if member.kind in ("list", "texts"):
        if not isinstance(value, list) or not member.min <= len(value) <= member.max:
            raise SchemaError(file, pointer, f"must be a list of {member.min} to {member.max}")
        for i, item in enumerate(value):
            if member.kind == "list":
                check_struct(file, f"{pointer}/{i}", member.struct, item)
            elif not isinstance(item, str):
                raise SchemaError(file, f"{pointer}/{i}", "must be a string")
        return
    if member.kind == "bool":
        wrong = None if isinstance(value, bool) else "must be true or false"
    elif member.kind == "int":
        wrong = check_int(member, value)
    elif member.kind == "money":
        wrong = check_money(value)
    else:
        wrong = check_text(member, value)
    if wrong:
        raise SchemaError(file, pointer, wrong)


def check_struct(file, pointer, struct, value):
    if not isinstance(value, dict):
        raise SchemaError(file, pointer, "must be an object")
    known = {member.name: member for member in struct.fields}
    for name in value:
        if name not in known:
            raise SchemaError(file, f"{pointer}/{escape(name)}", "is not a property")
    for member in struct.fields:
        if member.name in value:
            check_value(file, f"{pointer}/{member.name}", member, value[member.name])
        elif member.required:
            raise SchemaError(file, pointer, f'"{member.name}" is missing')


def canonical(struct, value):
    """The example as C writes it: members in the order of the record, what is absent and has a default written out."""
    if struct.tag == "money":
        return value
    out = {}
    for member in struct.fields:
        given = value.get(member.name)
        if member.kind in ("object", "optional") and given is not None:
            out[member.name] = canonical(member.struct, given)
        elif member.kind == "list":
            out[member.name] = [canonical(member.struct, each) for each in given or []]
        elif member.kind == "texts":
            out[member.name] = given or []
        elif member.kind == "time" and given is not None:
            whole, _, fraction = given.rstrip("Z").partition(".")
            out[member.name] = f"{whole}.{fraction:0<6}Z"
        elif given is not None:
            out[member.name] = given
        elif member.default is not None:
            out[member.name] = member.default
    return out


def check_all(proto):
    for struct in proto.structs.values():
        if struct.tag == "money":
            continue
        for i, value in enumerate(struct.schema.get("examples", [])):
            check_struct(struct.file, f"{struct.pointer}/examples/{i}", struct, value)
