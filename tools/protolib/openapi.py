"""OpenAPI documents: bundled so that they stand alone, and read as tables of routes."""

import os
import re

from .model import PATTERNS, SchemaError, Struct, escape

METHODS = ("get", "put", "post", "delete", "patch")
ROLES = {"nobody": "ROLE_NONE", "shopper": "ROLE_SHOPPER", "staff": "ROLE_STAFF", "partner": "ROLE_PARTNER"}
FLAGS = {flag: "ROUTE_" + flag.upper() for flag in ("key_required", "key_own", "raw_body", "no_limit", "optional_body")}
EXTENSIONS = {"upstream", "path", "handler", "who", "right", "flags", "body-max"}
BODY_MAX = 32 * 1024 * 1024
JSON = "application/json"


def local(document, value, file, pointer):
    """Follows a $ref into the document itself."""
    while isinstance(value, dict) and value.get("$ref", "").startswith("#/"):
        target = document
        for key in value["$ref"][2:].split("/"):
            target = target.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        if target is None:
            raise SchemaError(file, pointer, f'there is no {value["$ref"]}')
        value = target
    return value


class Operation:
    """One method of one path with everything that C and the page need."""

    def __init__(self, api, path, method, value, shared):
        self.api, self.path, self.method, self.value = api, path, method.upper(), value
        self.pointer = f"/paths/{escape(path)}/{method}"
        self.summary = value.get("summary", "")
        self.parameters = [local(api.document, each, api.file, self.pointer)
                           for each in shared + value.get("parameters", [])]
        self.body = local(api.document, value.get("requestBody"), api.file, self.pointer)
        self.responses = {status: local(api.document, each, api.file, self.pointer)
                          for status, each in value.get("responses", {}).items()}
        self.own = {key[len("x-waybill-"):]: each for key, each in value.items() if key.startswith("x-waybill-")}
        self._check()

    def show(self, bundled):
        """Reads again what people get to see: its references lead into the bundled document."""
        item = bundled["paths"][self.path]
        value = item[self.method.lower()]
        self.shown_parameters = [local(bundled, each, self.api.file, self.pointer)
                                 for each in item.get("parameters", []) + value.get("parameters", [])]
        self.shown_body = local(bundled, value.get("requestBody"), self.api.file, self.pointer)
        self.shown_responses = {status: local(bundled, each, self.api.file, self.pointer)
                                for status, each in value["responses"].items()}

    def fail(self, message, below=""):
        raise SchemaError(self.api.file, self.pointer + below, message)

    def _check(self):
        for key in self.own:
            if key not in EXTENSIONS:
                self.fail("is not known", "/x-waybill-" + key)
        for key in ("summary", "responses", "tags"):
            if not self.value.get(key):
                self.fail(f'"{key}" is missing')
        if ("upstream" in self.own) == ("handler" in self.own):
            self.fail("needs either x-waybill-upstream or x-waybill-handler")
        if "path" in self.own and "upstream" not in self.own:
            self.fail("x-waybill-path goes with x-waybill-upstream")
        for role in self.own.get("who") or self.fail('"x-waybill-who" is missing'):
            if role not in ROLES:
                self.fail(f'"{role}" is not one of ' + ", ".join(ROLES), "/x-waybill-who")
        if "nobody" in self.own["who"] and len(self.own["who"]) > 1:
            self.fail('"nobody" means everybody, so it stands alone', "/x-waybill-who")
        for flag in self.own.get("flags", []):
            if flag not in FLAGS:
                self.fail(f'"{flag}" is not one of ' + ", ".join(FLAGS), "/x-waybill-flags")
        if not 0 <= self.own.get("body-max", 0) <= BODY_MAX:
            self.fail(f"is above {BODY_MAX}", "/x-waybill-body-max")
        for text in ("upstream", "handler", "right"):
            if not re.fullmatch("[a-z][a-z0-9_-]*", self.own.get(text, "none")):
                self.fail("is not a name", "/x-waybill-" + text)
        names = re.findall(r"\{(\w+)\}", self.path)
        described = [each["name"] for each in self.parameters if each.get("in") == "path"]
        if sorted(names) != sorted(described):
            self.fail(f"the path has {names}, the parameters describe {described}")

    def pattern(self, path):
        """/orders/{order_id} as /orders/:order_id"""
        return re.sub(r"\{(\w+)\}", r":\1", path)

    def success(self):
        """Status of the first success that the document lists."""
        for status in self.responses:
            if re.fullmatch("[23][0-9][0-9]", status):
                return status
        return self.fail("lists no success", "/responses")

    def schema_of(self, holder):
        return (holder or {}).get("content", {}).get(JSON, {}).get("schema")

    def struct_of(self, holder, what):
        """The struct of a JSON body of a route with a handler, or None."""
        schema = self.schema_of(holder)
        if schema is None:
            return None
        ref = schema.get("$ref", "")
        target = self.api.proto.by_file.get(os.path.normpath(ref))
        if not isinstance(target, Struct):
            self.fail(f'the {what} of a route with a handler is a $ref to a file below proto/http, not "{ref}"')
        return target

    def struct_in(self):
        return None if "raw_body" in self.own.get("flags", []) else self.struct_of(self.body, "body")

    def struct_out(self):
        return self.struct_of(self.responses[self.success()], "answer")


class Api:
    def __init__(self, proto, name, document):
        self.proto, self.name, self.document = proto, name, document
        self.file = f"{name}.openapi.json"
        self.operations = []
        for path, item in document.get("paths", {}).items():
            shared = item.get("parameters", [])
            for method, value in item.items():
                if method in METHODS:
                    self.operations.append(Operation(self, path, method, value, shared))
                elif method not in ("parameters", "summary", "description"):
                    raise SchemaError(self.file, f"/paths/{escape(path)}/{method}", "is not known")
        self.bundled = self._bundle()
        for operation in self.operations:
            operation.show(self.bundled)

    # -- Bundling -----------------------------------------------------------------------------------------------------

    def _bundle(self):
        self.schemas = {}
        self.waiting = []
        out = self._rewrite(self.document, "", "")
        while self.waiting:
            name, file = self.waiting.pop(0)
            self.schemas[name] = self._rewrite(self.proto.documents[file], file, "")
        components = out.setdefault("components", {})
        own = components.get("schemas", {})
        for name in own:
            if name in self.schemas:
                raise SchemaError(self.file, "/components/schemas/" + escape(name), "is a file below proto/ too")
        components["schemas"] = {**own, **dict(sorted(self.schemas.items()))}
        for operation in self.operations:
            self._close(self.schemas, (operation.schema_of(operation.body) or {}).get("$ref", ""))
        return out

    def _close(self, schemas, ref):
        """Says of a request's body, and of what it is made of, that unknown members are errors."""
        schema = schemas.get(os.path.basename(ref).removesuffix(".json"))
        if schema is None or "additionalProperties" in schema:
            return
        if "properties" in schema:
            schema["additionalProperties"] = False
        for each in schema.get("properties", {}).values():
            self._close(schemas, each.get("$ref", each.get("items", {}).get("$ref", "")))

    def _rewrite(self, value, file, pointer, holds_names=False):
        """Copies a part of a document: $ref to files becomes $ref into components, our own keywords go."""
        if isinstance(value, list):
            return [self._rewrite(each, file, f"{pointer}/{i}") for i, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        out = {}
        for key, each in value.items():
            place = f"{pointer}/{escape(key)}"
            if holds_names:
                out[key] = self._rewrite(each, file, place)
            elif key == "$ref" and not each.startswith("#"):
                out[key] = self._component(each, file, pointer)
            elif key == "x-format":
                out["pattern"] = PATTERNS[each]
            elif key.startswith(("x-waybill", "x-personal")) or (key == "$schema" and file):
                continue
            elif key in ("example", "examples", "enum") or (key == "default" and not isinstance(each, dict)):
                out[key] = each
            else:
                out[key] = self._rewrite(each, file, place, key == "properties")
        return out

    def _component(self, ref, file, pointer):
        target = os.path.normpath(os.path.join(os.path.dirname(file), ref))
        made = self.proto.by_file.get(target)
        if made is None:
            raise SchemaError(file or self.file, pointer + "/$ref", f'there is no file "{ref}"')
        if made.tag not in self.schemas:
            self.schemas[made.tag] = None
            self.waiting.append((made.tag, target))
        return "#/components/schemas/" + made.tag
