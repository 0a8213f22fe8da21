"""What tests take from public Go modules, by the ordinary Go client: programs, and files. It lies in the state folder
.waybill.

Debian 12's Go is older than what they need, and doesn't fetch a newer one by itself as newer ones do; then the newer one
is fetched as the module that it is.
"""

import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = Path(os.environ.get("WAYBILL_STATE", ROOT / ".waybill"))
STRIPE_MOCK = ("github.com/stripe/stripe-mock", "v0.203.0")
TOXIPROXY = ("github.com/Shopify/toxiproxy/v2/cmd/server", "v2.12.0")
ASYNCAPI = ("github.com/asyncapi/spec-json-schemas/v6", "v6.11.1")
TOOLCHAIN = "v0.0.1-go1.22.12.{system}-{machine}"
SECONDS = 300


def run(command, environment):
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True, check=False,
                          timeout=SECONDS)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return done.stdout


def find_go():
    """The newest Go of this machine, wherever it lies."""
    places = [Path(found) for found in (shutil.which("go"), "/usr/local/go/bin/go", *map(str, Path("/usr/lib").glob(
        "go-*/bin/go"))) if found and Path(found).exists()]
    if not places:
        raise RuntimeError("there is no Go: deploy/install.sh installs one")
    return max(places, key=version_of)


def version_of(go):
    found = re.search(r"go version go(\d+)\.(\d+)", run([go, "version"], os.environ | {"GOTOOLCHAIN": "local"}))
    return tuple(int(part) for part in found.groups()) if found else (0, 0)


def newer_go(go, environment):
    """A Go that can fetch any newer one by itself."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    version = TOOLCHAIN.format(system="linux", machine=machine)
    run([go, "mod", "download", f"golang.org/toolchain@{version}"], environment)
    folder = Path(environment["GOPATH"]) / f"pkg/mod/golang.org/toolchain@{version}"
    for program in (*(folder / "bin").iterdir(), *(folder / "pkg/tool").rglob("*")):
        program.chmod(0o755)  # modules carry no such permissions
    return folder / "bin/go"


def stripe_mock():
    """The program that checks requests against Stripe's own specification; made once."""
    return installed(*STRIPE_MOCK)


def toxiproxy():
    """The proxy that makes connections slow or cuts them; made once."""
    return installed(*TOXIPROXY)


def asyncapi_schema():
    """The file of AsyncAPI's own JSON Schema."""
    return downloaded(*ASYNCAPI) / "schemas/3.0.0.json"


def installed(package, version):
    program = STATE / "go" / version / package.rpartition("/")[2]
    if program.exists():
        return program
    environment = go_environment() | {"GOBIN": str(program.parent)}
    go = find_go()
    if version_of(go) < (1, 21):
        go = newer_go(go, environment)
    run([go, "install", f"{package}@{version}"], environment)
    return program


def downloaded(module, version):
    """The folder of a module's files; asked of the network once."""
    return Path(json.loads(run([find_go(), "mod", "download", "-json", f"{module}@{version}"], go_environment()))["Dir"])


def go_environment():
    environment = os.environ | {"GOPATH": str(STATE / "go"), "GOFLAGS": "-modcacherw -p=1"}
    environment.pop("GOROOT", None)
    return environment
