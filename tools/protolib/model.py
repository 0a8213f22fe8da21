"""The schemas of proto/ as C sees them: structs, their fields and limits.

Only a closed subset of JSON Schema 2020-12 is read; proto/README.md lists it. Whatever else stands in a schema is an
error with the file and a JSON pointer, so that no rule of a contract is silently without effect.
"""

import json
import os
import re
from dataclasses import dataclass, field

INT_MAX = 9007199254740991  # 2^53 - 1: what every JSON reader carries exactly
TEXT_MAX = 255   # characters of a text in a list: common/record.h
FIELDS_MAX = 64  # members of an object: common/json_decode.c

# How a text may be constrained beyond its length: keyword in the schema -> C name, smallest and largest length.
FORMATS = {
    "uuid": ("TEXT_UUID", 36, 36),
    "email": ("TEXT_EMAIL", 3, None),
    "uri": ("TEXT_URL", 8, None),
    "date": ("TEXT_ANY", 10, 10),
    "currency": ("TEXT_CURRENCY", 3, 3),
    "country": ("TEXT_COUNTRY", 2, 2),
    "locale": ("TEXT_LOCALE", 2, None),
    "token": ("TEXT_TOKEN", 1, None),
}
STANDARD_FORMATS = {"uuid", "email", "uri", "date", "date-time"}
# The same rules as patterns, for readers of the contract that don't know x-format.
PATTERNS = {
    "currency": "^[A-Z]{3}$",
    "country": "^[A-Z]{2}$",
    "locale": "^[a-z]{2,3}(-[A-Z]{2})?$",
    "token": "^[A-Za-z0-9._:-]+$",
}

C_KEYWORDS = set("""auto break case char const continue default do double else enum extern float for goto if inline int
    long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    bool true false asm typeof linux unix""".split())

ANNOTATIONS = {"description", "title", "examples"}
ALLOWED = {
    "object": {"type", "properties", "required"} | ANNOTATIONS,
    "string": {"type", "minLength", "maxLength", "format", "x-format", "enum", "x-personal"} | ANNOTATIONS,
    "integer": {"type", "minimum", "maximum", "default"} | ANNOTATIONS,
    "boolean": {"type", "default"} | ANNOTATIONS,
    "array": {"type", "items", "minItems", "maxItems"} | ANNOTATIONS,
    "ref": {"$ref", "x-personal"} | ANNOTATIONS,
}
TOP = {"$schema", "x-waybill"}
WAYBILL_EVENT = {"public", "listeners", "topic", "snapshot"}


class SchemaError(Exception):
    """Something in proto/ that can't be generated from, with its place."""

    def __init__(self, file, pointer, message):
        super().__init__(f"{file}#{pointer}: {message}")


@dataclass
class Field:
    """A member of a struct. `kind` is the FIELD_... of common/record.h in lower case."""

    name: str
    kind: str
    required: bool
    schema: dict
    description: str = ""
    struct: object = None  # of object, optional, list
    names: object = None   # Names of a closed set of texts
    format: str = None
    min: int = 0
    max: int = 0
    least: int = 0
    most: int = 0
    default: object = None
    personal: bool = False


@dataclass
class Names:
    """A closed set of texts: `tag` is the prefix of its C names."""

    tag: str
    values: list
    file: str
    description: str = ""
    shared: bool = False  # a file of its own in proto/types


@dataclass
class Struct:
    tag: str
    file: str
    pointer: str
    module: str
    schema: dict
    description: str = ""
    fields: list = field(default_factory=list)
    names: list = field(default_factory=list)  # sets of texts declared with it
    in_list: bool = False                      # some list holds it: it needs struct <tag>_list


@dataclass
class Event:
    struct: Struct
    aggregate: str
    name: str
    version: int
    topic: str
    public: bool
    snapshot: bool
    listeners: list

    @property
    def type(self):
        return f"waybill.{self.aggregate}.{self.name}.v{self.version}"

    @property
    def personal(self):
        return any(member.personal for member in self.struct.fields)


def load_json(path, name):
    """Reads a document, keeping the order of members and refusing repeated ones."""
    def pairs(members):
        found = {}
        for key, value in members:
            if key in found:
                raise SchemaError(name, "", f'member "{key}" is there twice')
            found[key] = value
        return found

    def no_float(text):
        raise SchemaError(name, "", f"{text} is not an integer")

    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file, object_pairs_hook=pairs, parse_float=no_float)
    except ValueError as error:
        raise SchemaError(name, "", f"is not JSON: {error}") from error


def escape(key):
    return key.replace("~", "~0").replace("/", "~1")


class Proto:
    """Everything below proto/: structs by file and by module, events in the order of their topics."""

    def __init__(self, root):
        self.root = root
        self.documents = {}  # file -> schema
        self.structs = {}    # tag -> Struct, in an order in which C can declare them
        self.names = {}      # tag -> Names
        self.by_file = {}    # file -> Struct or Names
        self.events = []
        self.reading = []
        self.openapi = {}    # name -> document
        self._find()
        self.topics = self._read_topics()
        # Types first, so that their order in C doesn't depend on who uses them.
        for file in sorted(self.documents, key=lambda file: (not file.startswith("types/"), file)):
            self._read_file(file)
        self._check_modules()
        order = {topic["name"]: i for i, topic in enumerate(self.topics)}
        self.events.sort(key=lambda event: order[event.topic])

    def _find(self):
        for folder, folders, files in os.walk(self.root):
            folders.sort()
            for name in sorted(files):
                path = os.path.relpath(os.path.join(folder, name), self.root)
                if name.endswith(".openapi.json") and folder == self.root:
                    self.openapi[name[:-len(".openapi.json")]] = load_json(os.path.join(self.root, path), path)
                elif name.endswith(".json") and folder != self.root:
                    self.documents[path] = load_json(os.path.join(self.root, path), path)

    def _read_topics(self):
        file = "topics.json"
        topics = load_json(os.path.join(self.root, file), file)["topics"]
        known = {"name", "aggregate", "partitions", "key", "compacted", "retention_days", "emitted_by", "description"}
        for i, topic in enumerate(topics):
            for key in ("name", "aggregate", "partitions", "key", "emitted_by", "description"):
                if key not in topic:
                    raise SchemaError(file, f"/topics/{i}", f'"{key}" is missing')
            for key in topic:
                if key not in known:
                    raise SchemaError(file, f"/topics/{i}/{key}", "is not known")
            if bool(topic.get("compacted")) == ("retention_days" in topic):
                raise SchemaError(file, f"/topics/{i}", 'needs either "compacted" or "retention_days"')
        return topics

    # -- Files --------------------------------------------------------------------------------------------------------

    def module_of(self, file):
        parts = file.split("/")
        if parts[0] == "http" and len(parts) == 3:
            return "http_" + parts[1]
        if parts[0] != "http" and len(parts) == 2:
            return parts[0]
        raise SchemaError(file, "", "lies neither in types/, nor in <aggregate>/, nor in http/<service>/")

    def is_http(self, file):
        return file.startswith("http/")

    def is_event(self, file):
        return not file.startswith(("http/", "types/"))

    def _read_file(self, file):
        if file in self.by_file:
            return self.by_file[file]
        if file in self.reading:
            raise SchemaError(file, "", "refers to itself: " + " -> ".join(self.reading + [file]))
        self.reading.append(file)
        schema = self.documents[file]
        module = self.module_of(file)
        stem = os.path.basename(file)[:-len(".json")]
        version = 1
        if self.is_event(file):
            match = re.fullmatch(r"([a-z][a-z0-9_]*)\.v([1-9][0-9]*)", stem)
            if not match:
                raise SchemaError(file, "", "an event is called <event>.v<number>.json")
            version = int(match[2])
            tag = f"{module}_{match[1]}" + (f"_v{version}" if version > 1 else "")
        else:
            match = re.fullmatch(r"([a-z][a-z0-9_]*)()", stem)
            if not match:
                raise SchemaError(file, "", "names are lower case with underscores")
            tag = stem
        if not schema.get("description"):
            raise SchemaError(file, "", '"description" is missing')
        if schema.get("type") == "string" and file.startswith("types/"):
            self._allow(file, "", schema, {"type", "enum"} | ANNOTATIONS | TOP)
            made = self._names(file, "", schema, tag, shared=True)
        else:
            made = self._struct(file, "", schema, tag, module)
            if self.is_event(file):
                self._event(made, module, match[1], version)
            elif "x-waybill" in schema:
                raise SchemaError(file, "/x-waybill", "is for events")
        self.reading.pop()
        self.by_file[file] = made
        return made

    def _event(self, struct, aggregate, name, version):
        file = struct.file
        own = struct.schema.get("x-waybill", {})
        for key in own:
            if key not in WAYBILL_EVENT:
                raise SchemaError(file, "/x-waybill/" + key, "is not known")
        for key in ("public", "listeners"):
            if key not in own:
                raise SchemaError(file, "/x-waybill", f'"{key}" is missing')
        topic = own.get("topic", "waybill." + aggregate)
        if topic not in {topic["name"] for topic in self.topics}:
            raise SchemaError(file, "/x-waybill", f'topic "{topic}" is not in topics.json')
        if not struct.schema.get("examples"):
            raise SchemaError(file, "", "an event needs an example")
        self.events.append(Event(struct, aggregate, name, version, topic, own["public"], own.get("snapshot", False),
                                 own["listeners"]))

    # -- Schemas ------------------------------------------------------------------------------------------------------

    def _allow(self, file, pointer, schema, allowed):
        for key in schema:
            if key not in allowed:
                raise SchemaError(file, f"{pointer}/{escape(key)}", "is not in the subset that Waybill reads")

    def _struct(self, file, pointer, schema, tag, module):
        if schema.get("type") != "object":
            raise SchemaError(file, pointer + "/type", 'must be "object"')
        self._allow(file, pointer, schema, ALLOWED["object"] | (TOP if pointer == "" else set()))
        struct = Struct(tag, file, pointer, module, schema, schema.get("description", ""))
        if tag in self.structs or tag in self.names:
            other = self.structs.get(tag) or self.names[tag]
            raise SchemaError(file, pointer, f'"{tag}" is declared in {other.file} too')
        required = schema.get("required", [])
        properties = schema.get("properties", {})
        if len(properties) > FIELDS_MAX:
            raise SchemaError(file, pointer + "/properties", f"has more than {FIELDS_MAX} members")
        for name in required:
            if name not in properties:
                raise SchemaError(file, pointer + "/required", f'"{name}" is not a property')
        for name, property in properties.items():
            place = f"{pointer}/properties/{escape(name)}"
            if not re.fullmatch("[a-z][a-z0-9_]*", name) or name in C_KEYWORDS:
                raise SchemaError(file, place, "is not a name that C can have")
            struct.fields.append(self._field(struct, place, name, property, name in required))
        if tag in self.structs:
            raise SchemaError(file, pointer, f'"{tag}" is declared in {self.structs[tag].file} too')
        self.structs[tag] = struct
        return struct

    def _names(self, file, pointer, schema, tag, shared=False):
        values = schema.get("enum")
        if not values:
            raise SchemaError(file, pointer, 'a text type of its own needs "enum"')
        for i, value in enumerate(values):
            if not isinstance(value, str) or not re.fullmatch("[a-z][a-z0-9_]*", value):
                raise SchemaError(file, f"{pointer}/enum/{i}", "is not a lower-case name")
        if len(set(values)) != len(values):
            raise SchemaError(file, pointer + "/enum", "names something twice")
        if tag in self.names or tag in self.structs:
            raise SchemaError(file, pointer, f'"{tag}" is declared twice')
        names = Names(tag, values, file, schema.get("description", ""), shared)
        self.names[tag] = names
        return names

    def resolve(self, file, pointer, ref):
        """The file that a $ref names: relative to the file it stands in."""
        target = os.path.normpath(os.path.join(os.path.dirname(file), ref))
        if "#" in ref or target not in self.documents:
            raise SchemaError(file, pointer + "/$ref", f'there is no file "{ref}"')
        return target

    def _field(self, struct, pointer, name, schema, required):
        file = struct.file
        if "$ref" in schema:
            return self._reference(struct, pointer, name, schema, required)
        kind = schema.get("type")
        if kind not in ALLOWED or kind == "ref":
            raise SchemaError(file, pointer + "/type", f"{json.dumps(kind)} is not in the subset that Waybill reads")
        made = Field(name, "", required, schema, schema.get("description", ""))
        if kind == "object":
            made.struct = self._struct(file, pointer, schema, f"{struct.tag}_{name}", struct.module)
            made.kind = "object" if required else "optional"
            return made
        self._allow(file, pointer, schema, ALLOWED[kind])
        if not made.description:
            raise SchemaError(file, pointer, '"description" is missing')
        made.personal = self._flag(file, pointer, schema, "x-personal")
        if kind == "string":
            self._text(struct, pointer, made)
        elif kind == "integer":
            self._integer(file, pointer, made)
        elif kind == "boolean":
            made.kind = "bool"
            made.default = schema.get("default")
            if not required and not isinstance(made.default, bool):
                raise SchemaError(file, pointer, "an optional boolean needs a default: C has no absent one")
        else:
            self._list(struct, pointer, made)
        return made

    def _flag(self, file, pointer, schema, key):
        value = schema.get(key, False)
        if not isinstance(value, bool):
            raise SchemaError(file, f"{pointer}/{key}", "must be true or false")
        return value

    def _number(self, file, pointer, schema, key, otherwise):
        value = schema.get(key, otherwise)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or abs(value) > INT_MAX):
            raise SchemaError(file, f"{pointer}/{key}", "must be an integer that JSON can carry")
        return value

    def _reference(self, struct, pointer, name, schema, required):
        file = struct.file
        self._allow(file, pointer, schema, ALLOWED["ref"])
        made = Field(name, "", required, schema, schema.get("description", ""))
        made.personal = self._flag(file, pointer, schema, "x-personal")
        target = self._read_file(self.resolve(file, pointer, schema["$ref"]))
        made.description = made.description or target.description
        if isinstance(target, Names):
            made.kind, made.names, made.max = "text", target, max(map(len, target.values))
        elif target.tag == "money":
            made.kind = "money"
        else:
            made.kind, made.struct = ("object" if required else "optional"), target
        return made

    def _text(self, struct, pointer, made):
        file, schema = struct.file, made.schema
        if "format" in schema and schema["format"] not in STANDARD_FORMATS:
            raise SchemaError(file, pointer + "/format", f'"{schema["format"]}" is not known')
        if "x-format" in schema and schema["x-format"] not in PATTERNS:
            raise SchemaError(file, pointer + "/x-format", f'"{schema["x-format"]}" is not known')
        if ("format" in schema) + ("x-format" in schema) + ("enum" in schema) > 1:
            raise SchemaError(file, pointer, 'one of "format", "x-format" and "enum" is enough')
        if schema.get("format") == "date-time":
            made.kind = "time"
            return
        made.kind = "text"
        made.min = self._number(file, pointer, schema, "minLength", 0)
        made.max = self._number(file, pointer, schema, "maxLength", None)
        made.format = schema.get("format") or schema.get("x-format")
        if "enum" in schema:
            made.names = self._names(file, pointer, schema, f"{struct.tag}_{made.name}")
            made.names.description = made.description
            struct.names.append(made.names)
            made.max = max(map(len, made.names.values))
        elif made.format is not None:
            _, least, most = FORMATS[made.format]
            made.min = max(made.min, least)
            made.max = made.max if most is None else most
        elif made.required and made.min == 0:
            raise SchemaError(file, pointer, '"minLength" is missing: a required text is never empty')
        if made.max is None:
            raise SchemaError(file, pointer, '"maxLength" is missing: every text has a limit')
        if made.min > made.max:
            raise SchemaError(file, pointer + "/minLength", 'is above "maxLength"')

    def _integer(self, file, pointer, made):
        schema = made.schema
        made.kind = "int"
        made.default = self._number(file, pointer, schema, "default", None)
        least = self._number(file, pointer, schema, "minimum", None)
        most = self._number(file, pointer, schema, "maximum", None)
        if least is not None or most is not None:
            made.least = -INT_MAX if least is None else least
            made.most = INT_MAX if most is None else most
            if made.least > made.most:
                raise SchemaError(file, pointer + "/minimum", 'is above "maximum"')
        if not made.required and made.default is None:
            raise SchemaError(file, pointer, "an optional integer needs a default: C has no absent one")

    def _list(self, struct, pointer, made):
        file, schema = struct.file, made.schema
        items = schema.get("items")
        made.min = self._number(file, pointer, schema, "minItems", 0)
        made.max = self._number(file, pointer, schema, "maxItems", None)
        if made.max is None:
            raise SchemaError(file, pointer, '"maxItems" is missing: every list has a limit')
        if made.min > 0 and not made.required:
            raise SchemaError(file, pointer + "/minItems", "is for required lists: C writes [] for an absent one")
        if not isinstance(items, dict):
            raise SchemaError(file, pointer + "/items", "is missing")
        place = pointer + "/items"
        if "$ref" in items:
            self._allow(file, place, items, {"$ref"})
            target = self._read_file(self.resolve(file, place, items["$ref"]))
            if isinstance(target, Names):
                raise SchemaError(file, place, "a list of texts from a closed set is not in the subset")
            if target.tag == "money":
                raise SchemaError(file, place, "a list holds structs of its own; take price.json")
            made.struct = target
        elif items.get("type") == "object":
            made.struct = self._struct(file, place, items, f"{struct.tag}_{made.name}", struct.module)
        elif items.get("type") == "string":
            self._texts(file, place, made, items)
            return
        else:
            raise SchemaError(file, place, "a list holds objects or strings")
        made.kind = "list"
        made.struct.in_list = True

    def _texts(self, file, place, made, items):
        self._allow(file, place, items, {"type", "maxLength", "format", "x-format", "description"})
        made.kind = "texts"
        made.format = items.get("format") or items.get("x-format")
        if made.format is not None and made.format not in FORMATS:
            raise SchemaError(file, place, f'format "{made.format}" is not known here')
        if self._number(file, place, items, "maxLength", TEXT_MAX) > TEXT_MAX:
            raise SchemaError(file, place + "/maxLength", f"is above {TEXT_MAX}, the limit of a text in a list")

    # -- Modules ------------------------------------------------------------------------------------------------------

    def modules(self):
        """Name of each module -> its structs, in declaration order."""
        found = {}
        for struct in self.structs.values():
            if struct.tag != "money":
                found.setdefault(struct.module, []).append(struct)
        return {name: found[name] for name in sorted(found)}

    def uses(self, module):
        """The other modules whose structs or texts a module needs."""
        found = set()
        for struct in self.modules()[module]:
            for member in struct.fields:
                if member.struct is not None and member.struct.tag != "money":
                    found.add(member.struct.module)
                if member.names is not None:
                    found.add(self.module_of(member.names.file))
        return sorted(found - {module})

    def _check_modules(self):
        modules = self.modules()
        state = {}

        def visit(module, way):
            if state.get(module) == "done":
                return
            if module in way:
                raise SchemaError("http", "", "folders refer to each other: " + " -> ".join(way + [module]))
            for other in self.uses(module):
                if other in modules:
                    visit(other, way + [module])
            state[module] = "done"

        for module in modules:
            visit(module, [])
