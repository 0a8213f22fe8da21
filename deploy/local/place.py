"""Where the state lies, who runs the processes, and files that only their owner may read.

Started by root, everything runs as the system user `waybill`, since PostgreSQL refuses root and the rest should. That
user must be able to reach the state and the programs: below a private home it can't, so the state moves to
/var/lib/waybill with a link in its place, and programs are copied there.
"""

import hashlib
import os
import pwd
import shlex
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASE_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}

USER = "waybill"
HOME = Path("/var/lib/waybill")


class StackError(Exception):
    """The stack can't do what was asked; the message says why, for people."""


def run_user():
    """(uid, gid) that processes run as when we are root, else None. Makes the user if there is none."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        subprocess.run(["/usr/sbin/useradd", "--system", "--user-group", "--no-create-home", "--home-dir",
                        "/nonexistent", "--shell", "/usr/sbin/nologin", USER], check=True)
        entry = pwd.getpwnam(USER)
    return entry.pw_uid, entry.pw_gid


def reaches(user, path):
    """Whether that user can read a file, or enter a folder."""
    if user is None:
        return True
    kind = "-x" if Path(path).is_dir() else "-r"
    return subprocess.run(["/usr/bin/test", kind, str(path)], user=user[0], group=user[1], extra_groups=[], cwd="/",
                          check=False).returncode == 0


def settle(path, user):
    """Makes the state folder, elsewhere if the user can't reach it there, and returns its real path."""
    path = Path(path).absolute()
    if not path.is_symlink() and not path.exists() and not reaches(user, path.parent):
        path.symlink_to(HOME / hashlib.sha256(str(path).encode()).hexdigest()[:12])
    real = path.resolve()
    real.mkdir(parents=True, exist_ok=True)
    if real.stat().st_uid != os.geteuid():
        raise StackError(f"{path} belongs to another user; run as that user, or remove it")
    real.chmod(0o711 if user else 0o700)
    if not reaches(user, real):
        raise StackError(f"the user {USER} cannot reach {real}")
    return real


def own(path, user):
    """Makes a folder that only we can read, or only the user that runs the processes."""
    path.mkdir(exist_ok=True)
    path.chmod(0o700)
    if user:
        os.chown(path, *user)
    return path


def readable(path, user, copies):
    """The path itself if the user can reach it, else that of a fresh copy below the folder `copies`."""
    if reaches(user, path):
        return path
    target = copies / str(path).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, dirs_exist_ok=True)
    else:
        target.unlink(missing_ok=True)
        shutil.copy2(path, target)
    return target


def write_private(path, text):
    """Writes a whole file that only its owner may read."""
    draft = path.with_name(path.name + ".new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def read_environment(path):
    """The assignments of an `environment` file."""
    return dict(word.partition("=")[::2] for word in shlex.split(Path(path).read_text()))
