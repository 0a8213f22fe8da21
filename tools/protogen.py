#!/usr/bin/env python3
"""protogen - makes C and documents out of the contracts in proto/.

    tools/protogen.py proto -o build/gen/proto    structs, records, events, routes, OpenAPI pages as C
    tools/protogen.py proto --docs                writes proto/README.md and proto/asyncapi.json
    tools/protogen.py proto --check               fails if these two are not what --docs would write
"""

import argparse
import os
import sys

sys.dont_write_bytecode = True

from protolib import c_api, c_types, docs, example, model, writer  # noqa: E402


def generate(proto, folder):
    files = {}
    for module, structs in proto.modules().items():
        files.update(c_types.module_files(proto, module, structs))
    files.update(c_types.registry(proto))
    files.update(c_types.examples(proto))
    for name, document in proto.openapi.items():
        files.update(c_api.api_files(proto, name, document))
    writer.write_all(folder, files)
    # Last, so that its time says that everything before it is there.
    with open(os.path.join(folder, ".stamp"), "w", encoding="utf-8") as file:
        file.write("Written last by tools/protogen.py.\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proto", nargs="?", default="proto")
    parser.add_argument("-o", dest="folder", help="where the C goes")
    parser.add_argument("--docs", action="store_true", help="write the catalogue and the AsyncAPI document")
    parser.add_argument("--check", action="store_true", help="fail if they are stale")
    options = parser.parse_args()
    if not (options.folder or options.docs or options.check):
        parser.error("nothing to do: -o FOLDER, --docs or --check")
    try:
        proto = model.Proto(options.proto)
        example.check_all(proto)
        if options.folder:
            generate(proto, options.folder)
        for name, text in docs.documents(proto).items() if options.docs or options.check else ():
            path = os.path.join(options.proto, name)
            if options.docs:
                writer.write(path, text)
            elif not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
                sys.exit(f"{path} is stale; write it anew with: tools/protogen.py {options.proto} --docs")
    except model.SchemaError as error:
        sys.exit(f"{options.proto}/{error}")


if __name__ == "__main__":
    main()
