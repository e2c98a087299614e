"""Real containers for the migration tools: a PostgreSQL, and an image with Alembic and several small projects."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shipway.ports import OneOff

PASSWORD = "lab"
TAG = "shipway-test-alembic"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")  # a network may have an authority of its own
ALEMBIC_INI = """
[alembic]
script_location = %(here)s/migrations
[loggers]
keys = root,alembic
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARNING
handlers = console
[logger_alembic]
level = INFO
handlers =
qualname = alembic
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic
[formatter_generic]
format = %(levelname)-5.5s [%(name)s] %(message)s
"""
# It prints a lone word, as env.py files do: no tool may take it for a revision.
ENV_PY = """
import os
from logging.config import fileConfig
from alembic import context
from sqlalchemy import create_engine
fileConfig(context.config.config_file_name)
print("connecting")
with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=PER_MIGRATION)
    with context.begin_transaction():
        context.run_migrations()
"""


@dataclass(frozen=True)
class Script:
    """A migration of a project; it makes the table `name`."""

    id: str
    parents: tuple[str, ...]
    name: str
    broken: bool = False
    irreversible: bool = False

    def text(self) -> str:
        down = "raise NotImplementedError('no way back')" if self.irreversible else f"op.drop_table('{self.name}')"
        lines = [
            f'"""make {self.name}, at last"""',
            "from alembic import op",
            "import sqlalchemy as sa",
            f"revision = '{self.id}'",
            f"down_revision = {self.parents if len(self.parents) > 1 else ''.join(self.parents) or None!r}",
            "def upgrade():",
            f"    op.create_table('{self.name}', sa.Column('id', sa.Integer, primary_key=True))",
            *(["    op.execute('SELECT nope FROM nowhere')"] if self.broken else []),
            "def downgrade():",
            f"    {down}",
        ]
        return "\n".join(lines)


ONE, TWO = Script("aaa1", (), "one"), Script("bbb2", ("aaa1",), "two")
THREE, SIDE = Script("ccc3", ("bbb2",), "three"), Script("ddd4", ("aaa1",), "side")
BROKEN = Script("ccc3", ("bbb2",), "three", broken=True)
PROJECTS: Mapping[str, Sequence[Script]] = {
    "good": (ONE, TWO, THREE),
    "older": (ONE, TWO),
    "broken": (ONE, TWO, BROKEN),
    "together": (ONE, TWO, BROKEN),  # all in one transaction, as a new project's env.py has it
    "irreversible": (ONE, Script("bbb2", ("aaa1",), "two", irreversible=True), THREE),
    "empty": (),
    "forked": (ONE, TWO, SIDE),
    "merged": (ONE, TWO, SIDE, Script("eee5", ("ddd4",), "side2"), Script("fff6", ("bbb2", "eee5"), "merge")),
}


def write_projects(folder: Path) -> None:
    """One folder a project."""
    for name, scripts in PROJECTS.items():
        versions = folder / name / "migrations" / "versions"
        versions.mkdir(parents=True)
        (folder / name / "alembic.ini").write_text(ALEMBIC_INI)
        (versions.parent / "env.py").write_text(ENV_PY.replace("PER_MIGRATION", str(name != "together")))
        for script in scripts:
            (versions / f"{script.id}_{script.name}.py").write_text(script.text())


def build_image(context: Path) -> str:
    """Build the image with all projects; its name."""
    write_projects(context / "projects")
    lines = ["FROM python:3.11-slim-bookworm"]
    if CERTIFICATES.is_file():
        shutil.copy(CERTIFICATES, context / "ca.crt")
        lines += ["COPY ca.crt /etc/ssl/certs/ca-certificates.crt", f"ENV PIP_CERT={CERTIFICATES}"]
    lines += [
        "RUN pip install --no-cache-dir alembic==1.20.1 sqlalchemy==2.1.9 'psycopg[binary]==3.3.9'",
        "COPY projects /projects",
        "WORKDIR /projects/good",
    ]
    (context / "Dockerfile").write_text("\n".join(lines) + "\n")
    docker("build", "--quiet", "--tag", TAG, str(context))
    return TAG


def docker(*arguments: str) -> str:
    """Run the client (Debian's own where there are several: it builds without a plugin); its output."""
    debian = Path("/usr/bin/docker")
    client = str(debian) if debian.exists() else "docker"
    env = {**os.environ, "DOCKER_BUILDKIT": "1"}
    done = subprocess.run([client, *arguments], capture_output=True, text=True, env=env)
    assert done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


@contextmanager
def network() -> Iterator[str]:
    name = f"shipway-test-{secrets.token_hex(4)}"
    docker("network", "create", name)
    try:
        yield name
    finally:
        docker("network", "rm", name)


@contextmanager
def container(network: str, image: str, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """A container that runs until the block ends; its name is its host name on the network."""
    name = f"shipway-test-{secrets.token_hex(4)}"
    options = [part for key, value in (env or {}).items() for part in ("--env", f"{key}={value}")]
    docker("run", "--detach", "--init", "--name", name, "--network", network, *options, image, *arguments)
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


@dataclass(frozen=True)
class Postgres:
    """A server in a container; each test has a database of its own."""

    name: str

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while self.run("postgres")(["pg_isready", "-q"])[0] != 0:
            assert time.monotonic() < deadline, docker("logs", self.name)
            time.sleep(0.2)

    def create(self) -> str:
        database = f"t_{secrets.token_hex(4)}"
        self.query("postgres", f"CREATE DATABASE {database}")
        return database

    def query(self, database: str, statement: str) -> list[str]:
        code, output = self.run(database)(["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement])
        assert code == 0, output
        return output.split()

    def tables(self, database: str) -> set[str]:
        """Without those of the tools."""
        names = self.query(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return set(names) - {"alembic_version", "shipway_migrations"}

    def run(self, database: str, **env: str) -> OneOff:
        """The SQL driver's client. By TCP, as from another container: the socket asks for no password."""
        known = {"PGHOST": self.name, "PGUSER": "postgres", "PGPASSWORD": PASSWORD, "PGDATABASE": database}
        return execute(self.name, {**known, **env})


def execute(name: str, env: Mapping[str, str]) -> OneOff:
    """Runs commands in a container that is already there: a tenth of the time of a container a command."""
    options = [part for key, value in env.items() for part in ("--env", f"{key}={value}")]

    def run(command: Sequence[str]) -> tuple[int, str]:
        argv = ["docker", "exec", *options, name, *command]
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    return run
