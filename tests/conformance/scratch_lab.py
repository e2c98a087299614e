"""Real database servers for scratch databases, in memory: hundreds of databases of hundreds of files each come and go."""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pymysql

from tests.conformance.database_lab import docker

PASSWORD = "lab"

MARIADB, NEWER_MARIADB = "mariadb:10.11", "mariadb:11.8"
IMAGES = Path(__file__).resolve().parents[2] / "images"
# Versions of PostgreSQL whose images only tests need: the package that a stand-in is made of.
PACKAGES = {13: "13.23.0-beta.16", 18: "18.4.0-beta.17"}
# Likewise with the client programs: the suite of Debian that has it.
SUITES = {13: "bullseye", 18: "forky"}


def build_postgres(version: int) -> str:
    """The name of its image, which has all programs. It is built where it can't be pulled."""
    if version == 15:
        return "postgres:15"
    image = {13: "postgres:13-bullseye", 18: "postgres:18-trixie"}[version]
    arguments = {"SUITE": SUITES[version], "MAJOR": version, "DATA": data_of(version)}
    options = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
    stand_in(image, *options, "--file", str(IMAGES / "postgres-debian" / "Dockerfile"), str(IMAGES))
    return image


def data_of(version: int) -> str:
    """The folder of its files."""
    return "/var/lib/postgresql/data" if version < 18 else f"/var/lib/postgresql/{version}/docker"


@contextmanager
def postgres(version: int = 15, *more: str, image: str = "") -> Iterator[tuple[str, str]]:
    """Name of a container, and the URL of its server with `more` options. The image of another version than 15 is built or pulled if it is missing,
    unless it is given."""
    data = data_of(version)
    if not image and version in PACKAGES:
        arguments = {"VERSION": PACKAGES[version], "MAJOR": version, "DATA": data}
        options = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
        stand_in(f"postgres:{version}", *options, "--file", str(IMAGES / "postgres-npm" / "Dockerfile"), str(IMAGES))
    options = [
        "--env",
        f"POSTGRES_PASSWORD={PASSWORD}",
        "--env",
        "POSTGRES_USER=postgres",
        "--tmpfs",
        data if version < 18 else "/var/lib/postgresql",
    ]
    settings = ("-c", "fsync=off", "-c", "autovacuum=off", "-c", "max_wal_size=128MB")
    with _container(5432, *options, image or f"postgres:{version}", *settings, *more) as (name, port):
        url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
        _wait(name, lambda: psycopg.connect(url, connect_timeout=60).close(), psycopg.OperationalError)
        yield name, url


def build_mariadb() -> None:
    """Build the image where it can't be pulled: nothing else needs it."""
    stand_in(MARIADB, str(IMAGES / "mariadb"))


def build_newer_mariadb() -> None:
    """Likewise. Its client programs are others: they verify certificates."""
    stand_in(NEWER_MARIADB, "--build-arg", "SUITE=trixie", "--build-arg", "VERSION=11.8", str(IMAGES / "mariadb"))


@contextmanager
def mariadb() -> Iterator[str]:
    """The URL of a server."""
    with mariadb_container() as (_, url):
        yield url


@contextmanager
def mariadb_container(*more: str) -> Iterator[tuple[str, str]]:
    """Name of a container, and the URL of its server with `more` options. Its image is built or pulled where it isn't there."""
    build_mariadb()
    options = ["--env", f"MARIADB_ROOT_PASSWORD={PASSWORD}", "--tmpfs", "/var/lib/mysql"]
    settings = ("--innodb-flush-method=nosync", "--event-scheduler=off", *more)
    with _container(3306, *options, MARIADB, *settings) as (name, port):

        def connect() -> None:
            pymysql.connect(
                host="127.0.0.1", port=int(port), user="root", password=PASSWORD, connect_timeout=60
            ).close()

        _wait(name, connect, pymysql.MySQLError)
        yield name, f"mysql://root:{PASSWORD}@127.0.0.1:{port}"


def stand_in(image: str, *options: str) -> None:
    """Build it where the base images are stand-ins; elsewhere the engine pulls the official one."""
    base = ["docker", "image", "inspect", "shipway-stand-in/debian:bookworm"]
    if subprocess.run(base, capture_output=True).returncode == 0:
        docker("build", "--quiet", "--tag", image, "--label", "dev.shipway.stand-in=true", *options)


@contextmanager
def _container(port: int, *arguments: str) -> Iterator[tuple[str, str]]:
    """Its name, and the port of this machine that leads to its own."""
    name = f"shipway-test-{secrets.token_hex(4)}"
    docker("run", "--detach", "--name", name, "--publish", f"127.0.0.1::{port}", *arguments)
    try:
        yield name, docker("port", name, f"{port}/tcp").splitlines()[0].rpartition(":")[2]
    finally:
        docker("rm", "--force", "--volumes", name)


def _wait(name: str, connect: Callable[[], None], error: type[Exception]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            return connect()
        except error:
            assert time.monotonic() < deadline, docker("logs", name)
            time.sleep(0.1)
