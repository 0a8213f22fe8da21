"""The shop in containers, as docker-compose.yml runs it, in the place of a stack: what journeys need of one."""

import functools
import subprocess

from infrastructure import read_mails
from place import ROOT, read_environment

COMPOSE = ["docker", "compose"]
LABEL = "label=com.docker.compose"
PROJECT = "waybill"
MAIL = "/var/lib/mail"


def compose(*words, sent=None, timeout=900):
    """Runs docker compose from the checkout; gives the bytes that it printed."""
    done = subprocess.run([*COMPOSE, *words], input=sent, capture_output=True, check=False, cwd=ROOT, timeout=timeout)
    if done.returncode != 0:
        raise AssertionError(f"docker compose {' '.join(words)}\n{(done.stdout + done.stderr).decode(errors='replace')}")
    return done.stdout


@functools.cache
def containers(service):
    """The containers of a service, which stay the same when they are stopped and started."""
    filters = (f"--filter={LABEL}.{what}={of}" for what, of in (("project", PROJECT), ("service", service)))
    return subprocess.run(["docker", "ps", "--all", "--quiet", *filters], check=True, capture_output=True, text=True,
                          timeout=60).stdout.split()


def inside(container, *words):
    """A command that runs words in a container."""
    return ["docker", "exec", "--interactive", container, *words]


def inside_first(service, *words):
    """A command that runs words in a service's first container, of most the only one."""
    return inside(containers(service)[0], *words)


def output_of(service, *words, sent=None):
    """What words print there."""
    return subprocess.run(inside_first(service, *words), input=sent, check=True, capture_output=True, timeout=60).stdout


class Containers:
    """What is up. Its folder has the file `environment` and nothing else."""

    copies = 1  # of each gateway
    kafka_mechanism = "SCRAM-SHA-512"  # of users that are not the administrator

    def __init__(self, folder):
        self.state = folder
        self.mail = Mail()

    @staticmethod
    def are_in(folder):
        return (folder / "environment").exists() and not (folder / "stack.json").exists()

    def psql(self, who):
        """Sandboxes have no way in from outside of their own; the superuser looks into their schema."""
        as_who = inside_first("postgres", "sh", "/opt/postgres/as.sh")
        if who.endswith("-sandbox"):
            schema = who.removesuffix("-sandbox")
            return [*as_who, "postgres", "env", "PGDATABASE=sandbox", f"PGOPTIONS=-csearch_path={schema}", "psql"], {}
        return [*as_who, who, "psql"], {}

    def audit(self, wait):
        return [*COMPOSE, "--profile", "audit", "run", "--rm", "-T", "audit", "waybill-audit", f"--wait={wait}"], {}

    def kcat(self, *words):
        return inside_first("kafka", "kcat", "-F", "/var/lib/kafka/kcat.conf", "-b", "kafka:9092", *words)

    def secret(self, name):
        """The password of a user of the broker."""
        return read_environment(self.state / "environment")["WAYBILL_KAFKA_PASSWORD_" + name.removeprefix("kafka password ").upper()]

    def stop(self, name):
        compose("stop", "-t", "10", name)

    def start(self, name):
        compose("start", name)


class Mail:
    """The mail server in its container."""

    def behave(self, mode="accept", detail=""):
        output_of("mail", "sh", "-c", f"cat > {MAIL}/control.new && mv {MAIL}/control.new {MAIL}/control",
                  sent=f"{mode} {detail}\n".encode())

    def messages(self):
        return read_mails(output_of("mail", "cat", f"{MAIL}/inbox/mails"))
