"""The packages of tests/requirements.txt, in a virtual environment of their own in the state folder .waybill.

Where the interpreter has them already, they are taken from there.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests/requirements.txt"
STATE = Path(os.environ.get("WAYBILL_STATE", ROOT / ".waybill"))


def run(command, hint):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{hint}\n{done.stdout}{done.stderr}")


def python_packages():
    """Makes the packages importable; installs them once, and again when the requirements changed."""
    try:
        import jsonschema, openapi_spec_validator, referencing, rfc3339_validator  # noqa: E401, F401
        if importlib.util.find_spec("schemathesis"):  # which takes long to import
            return
    except ImportError:
        pass
    folder = STATE / "venv"
    mark = folder / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        run([sys.executable, "-m", "venv", "--clear", folder], "a virtual environment needs the package python3-venv")
        run([folder / "bin/python", "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], "pip could not install")
        mark.write_text(wanted)
    sys.path.insert(0, str(next((folder / "lib").glob("python3*/site-packages"))))
