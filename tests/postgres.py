"""A PostgreSQL server in a container, for ledgers that a team shares."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

PASSWORD = "ledger-password"


@contextmanager
def running_server() -> Iterator[str]:
    """Its address, without a database."""
    name = f"ledger-{uuid.uuid4().hex[:8]}"
    run = [
        "docker",
        "run",
        "--detach",
        "--name",
        name,
        "--env",
        f"POSTGRES_PASSWORD={PASSWORD}",
        "--publish",
        "127.0.0.1::5432",
        "postgres:15",
        "-c",
        "fsync=off",
    ]
    subprocess.run(run, check=True, capture_output=True)
    try:
        for _ in range(150):
            ready = ["docker", "exec", name, "pg_isready", "--quiet", "--host", "127.0.0.1"]
            if subprocess.run(ready, capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.1)
        port = subprocess.run(["docker", "port", name, "5432"], check=True, capture_output=True, text=True).stdout
        yield f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port.split(':')[-1].strip()}"
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", name], check=True, capture_output=True)
