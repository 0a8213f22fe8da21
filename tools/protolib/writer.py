"""Writing files: only when they changed, so that make rebuilds little; and JSON the way proto/ is written."""

import json
import os

WIDTH = 118


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pretty(value, indent=0, used=0, top=True):
    """JSON with an object on one line where it fits, so that a property of a schema is one line."""
    if isinstance(value, (dict, list)) and value:
        line = json.dumps(value, ensure_ascii=False)
        if not top and indent + used + len(line) + 1 <= WIDTH:
            return line
        inner = " " * (indent + 2)
        if isinstance(value, dict):
            items = [f"{inner}{json.dumps(key)}: " + pretty(item, indent + 2, len(key) + 4, False)
                     for key, item in value.items()]
            return "{\n" + ",\n".join(items) + "\n" + " " * indent + "}"
        items = [inner + pretty(item, indent + 2, 0, False) for item in value]
        return "[\n" + ",\n".join(items) + "\n" + " " * indent + "]"
    return json.dumps(value, ensure_ascii=False)


def write(path, text):
    """Returns whether the file had to be written."""
    data = text.encode("utf-8")
    try:
        with open(path, "rb") as file:
            if file.read() == data:
                return False
    except FileNotFoundError:
        pass
    with open(path + ".tmp", "wb") as file:
        file.write(data)
    os.replace(path + ".tmp", path)
    return True


def write_all(folder, files):
    """Writes the files of a folder and removes those that an earlier run generated and nobody generates now."""
    os.makedirs(folder, exist_ok=True)
    for name, text in files.items():
        write(os.path.join(folder, name), text)
    for name in sorted(os.listdir(folder)):
        if name.endswith((".c", ".h")) and name not in files:
            os.remove(os.path.join(folder, name))
