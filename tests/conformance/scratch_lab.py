"""Real database servers for scratch databases."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.conformance.database_lab import docker

PASSWORD = "lab"


@contextmanager
def postgres(image: str = "postgres:15") -> Iterator[tuple[str, str]]:
    """Name of a container, and the URL of its server."""
    name = f"shipway-test-{secrets.token_hex(4)}"
    docker("run", "--detach", "--name", name, "--env", f"POSTGRES_PASSWORD={PASSWORD}", "--publish", "127.0.0.1::5432",
           image, "-c", "fsync=off", "-c", "autovacuum=off")  # fmt: skip
    try:
        port = docker("port", name, "5432/tcp").splitlines()[0].rpartition(":")[2]
        url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(url, connect_timeout=5).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, docker("logs", name)
                time.sleep(0.1)
        yield name, url
    finally:
        docker("rm", "--force", "--volumes", name)
